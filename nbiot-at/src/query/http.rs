//! The HTTP client inside the module, AT reference section 13.
//!
//! One request at a time: set what differs, [`SetUrl`], then [`Get`] or [`Post`], then [`ReadToFile`],
//! and `read_file` of the shells in pieces that are counted. `AT+QHTTPREAD` is not here: it sends the
//! body as it is, with no count in front and a line behind that a body may hold, too, so a byte that
//! is lost on the line would not be found. What goes on behind a break is
//! [`download`](crate::blocking::Modem::download), over a socket.
//!
//! ```no_run
//! # use core::time::Duration;
//! # use nbiot_at::query::http::{Get, ReadToFile, SetUrl};
//! # fn fetch<S, C>(modem: &mut nbiot_at::blocking::Modem<S, C>)
//! #     -> Result<(), nbiot_at::query::Error<S::Error>>
//! # where
//! #     S: embedded_io::Read + embedded_io::ReadReady + embedded_io::Write,
//! #     C: nbiot_at::Clock + embedded_hal::delay::DelayNs,
//! # {
//! let minute = Duration::from_secs(60);
//! modem.ask(&SetUrl("http://meter.example/tariff"))?;
//! let response = modem.ask(&Get { response_time: minute })?;
//! if response.status == 200 {
//!     modem.ask(&ReadToFile { name: "tariff", wait: minute, time: 10 * minute })?;
//!     let mut piece = [0; 256];
//!     let length = modem.read_file("tariff", 0, &mut piece)?;
//! #     let _ = length;
//! }
//! # Ok(())
//! # }
//! ```

use core::time::Duration;

use super::{LOCAL, Line, Lines, Query, SIM, commands};
use crate::HttpError;
use crate::error::Fault;

/// To `CONNECT` or `OK` of a request, AT reference section 4.
const BEGIN: Duration = Duration::from_secs(125);
/// Beside the time that the module was given.
const MARGIN: Duration = Duration::from_secs(5);
/// To take a body from the host, `<in time>`, seconds.
const INPUT: u32 = 60;

/// A setting, `AT+QHTTPCFG=`, until the next restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `contextid`: the packet context, 1 to 16; 1 if it is not set.
    Context(u8),
    /// `requestheader`: the host writes the header of requests, see [`GetWith`].
    RequestHeader(bool),
    /// `responseheader`: the header of the response stands in front of its body.
    ResponseHeader(bool),
    /// `sslctxid`: the TLS context, 0 to 5; 1 if it is not set.
    TlsContext(u8),
    /// `contenttype`: what a [`Post`] carries.
    ContentType(ContentType),
}

/// What a [`Post`] carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// `application/x-www-form-urlencoded`
    Form = 0,
    /// `text/plain`
    Text = 1,
    /// `application/octet-stream`
    Octets = 2,
    /// `multipart/form-data`
    Multipart = 3,
}

commands! {
    Setting, LOCAL, |this, line| {
        let (key, value) = match *this {
            Self::Context(number) => ("contextid", number.into()),
            Self::RequestHeader(is_on) => ("requestheader", is_on.into()),
            Self::ResponseHeader(is_on) => ("responseheader", is_on.into()),
            Self::TlsContext(number) => ("sslctxid", number.into()),
            Self::ContentType(kind) => ("contenttype", kind as u32),
        };
        line.text("AT+QHTTPCFG=").quoted(key).text(",").number(value);
    };
}

/// Says where the next request goes, `AT+QHTTPURL=`: 1 to 700 printable characters without blanks, as
/// a line end in it would be one of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetUrl<'a>(pub &'a str);

impl Query for SetUrl<'_> {
    type Answer = ();
    const TIME_OUT: Duration = SIM;
    const EXPECTED: &'static str = "CONNECT, OK";

    fn write(&self, line: &mut Line) {
        line.text("AT+QHTTPURL=").length(self.0.len().min(701));
    }

    fn parse(&self, lines: Lines<'_>) -> Result<(), Fault> {
        lines.none()
    }

    fn data(&self) -> Option<&[u8]> {
        let url = self.0.as_bytes();
        let is_url = url.len() <= 700 && url.iter().all(u8::is_ascii_graphic);
        // No data are none that can be sent.
        Some(if is_url { url } else { b"" })
    }
}

/// Whether the next request goes there, `AT+QHTTPURL?`: nothing else shows that no byte was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HasUrl<'a>(pub &'a str);

impl Query for HasUrl<'_> {
    type Answer = bool;
    const TIME_OUT: Duration = LOCAL;
    const EXPECTED: &'static str = "+QHTTPURL: <url>";
    const IS_LONG: bool = true;

    fn write(&self, line: &mut Line) {
        line.text("AT+QHTTPURL?");
    }

    fn parse(&self, lines: Lines<'_>) -> Result<bool, Fault> {
        let mut found = lines
            .iter()
            .filter_map(|line| line.strip_prefix(b"+QHTTPURL:"));
        let found = found.next().ok_or(Fault::Malformed)?.trim_ascii();
        let quoted = found
            .strip_prefix(b"\"")
            .and_then(|text| text.strip_suffix(b"\""));
        Ok(quoted.unwrap_or(found) == self.0.as_bytes())
    }
}

/// What a server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Response {
    /// Status, 200 for success.
    pub status: u16,
    /// Length of the body in bytes, where the server says it.
    pub length: Option<u32>,
}

/// `GET`, `AT+QHTTPGET=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get {
    /// For the response, 1 to 65,535 s.
    pub response_time: Duration,
}

/// A request in the words of the application, its header and an empty line included,
/// `AT+QHTTPGET=`: a range, say. [`Setting::RequestHeader`] has to be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetWith<'a> {
    /// 1 to 1024 bytes.
    pub request: &'a [u8],
    /// For the response, 1 to 65,535 s.
    pub response_time: Duration,
}

/// `POST`, `AT+QHTTPPOST=`. A body that loses a byte on the line is no success. One whose length
/// loses a digit may be: then the module takes a part of it, and where it drops the rest, nothing
/// shows it. A body that has to be whole goes as a file, which `store_file` reads back: see
/// [`PostFile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post<'a> {
    /// 1 to 1024 bytes; longer ones are a file, see [`PostFile`].
    pub body: &'a [u8],
    /// For the response, 1 to 65,535 s.
    pub response_time: Duration,
}

/// `POST` of a file in the module, `AT+QHTTPPOSTFILE=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostFile<'a> {
    /// The file.
    pub name: &'a str,
    /// For the response, 1 to 65,535 s.
    pub response_time: Duration,
}

/// Writes the body of the last response to a file in the module, `AT+QHTTPREADFILE=`. A body can be
/// read once: then it is [`HttpError::NoRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadToFile<'a> {
    /// The file.
    pub name: &'a str,
    /// Between two packets, 1 to 65,535 s.
    pub wait: Duration,
    /// For all of the body, not less than `wait`: the module goes on for as long as packets come.
    pub time: Duration,
}

/// Requests: name, result, what it answers, how it is written, its time, its data.
macro_rules! requests {
    ($($name:ty, $prefix:literal => $answer:ty, $parse:expr, $time:ident,
        $expected:literal, $write:expr, $data:expr;)*) => {$(
        impl Query for $name {
            type Answer = $answer;
            const TIME_OUT: Duration = BEGIN;
            const EXPECTED: &'static str = $expected;

            fn write(&self, line: &mut Line) {
                let write: fn(&Self, &mut Line) = $write;
                write(self, line);
            }

            fn parse(&self, lines: Lines<'_>) -> Result<$answer, Fault> {
                $parse(lines, $prefix)
            }

            fn data(&self) -> Option<&[u8]> {
                let data: fn(&Self) -> Option<&[u8]> = $data;
                data(self)
            }

            fn result_time(&self) -> Option<Duration> {
                Some(self.$time.saturating_add(MARGIN))
            }
        }
    )*};
}

requests! {
    Get, "+QHTTPGET" => Response, response, response_time,
        "+QHTTPGET: <err>[,<status>[,<length>]]", |this, line| {
            line.text("AT+QHTTPGET=").number(seconds(this.response_time));
        }, |_| None;
    GetWith<'_>, "+QHTTPGET" => Response, response, response_time,
        "+QHTTPGET: <err>[,<status>[,<length>]]", |this, line| {
            line.text("AT+QHTTPGET=").number(seconds(this.response_time));
            line.text(",").length(this.request.len());
        }, |this| Some(this.request);
    Post<'_>, "+QHTTPPOST" => Response, response, response_time,
        "+QHTTPPOST: <err>[,<status>[,<length>]]", |this, line| {
            line.text("AT+QHTTPPOST=").length(this.body.len()).text(",").number(INPUT);
            line.text(",").number(seconds(this.response_time));
        }, |this| Some(this.body);
    PostFile<'_>, "+QHTTPPOSTFILE" => Response, response, response_time,
        "+QHTTPPOSTFILE: <err>[,<status>[,<length>]]", |this, line| {
            line.text("AT+QHTTPPOSTFILE=").parameter(this.name);
            line.text(",").number(seconds(this.response_time));
        }, |_| None;
    ReadToFile<'_>, "+QHTTPREADFILE" => (), done, time, "+QHTTPREADFILE: <err>", |this, line| {
        line.text("AT+QHTTPREADFILE=").parameter(this.name);
        line.text(",").number(seconds(this.wait));
        line.require(this.time >= this.wait);
    }, |_| None;
}

/// A time as the module takes it.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).map_or(65_535, |seconds| seconds.clamp(1, 65_535))
}

/// The result with the fields behind it.
fn result<'a>(lines: Lines<'a>, prefix: &str) -> Result<super::Fields<'a>, Fault> {
    let mut fields = lines.fields(prefix).ok_or(Fault::Malformed)?;
    match fields.number() {
        Some(0) => Ok(fields),
        Some(error) => Err(Fault::HttpModule(HttpError::from_code(error))),
        None => Err(Fault::Malformed),
    }
}

fn response(lines: Lines<'_>, prefix: &str) -> Result<Response, Fault> {
    let mut fields = result(lines, prefix)?;
    let (status, length) = (fields.next(), fields.next());
    let is_known = length.text.is_empty() || length.number::<u32>().is_some();
    let status = super::within(status, 100..=599).filter(|_| is_known);
    let status = status.ok_or(Fault::Malformed)?;
    Ok(Response {
        status,
        length: length.number(),
    })
}

fn done(lines: Lines<'_>, prefix: &str) -> Result<(), Fault> {
    result(lines, prefix).map(drop)
}
