//! The HTTP client inside the model, and what it finds in the network. AT reference section 13.

use core::fmt::Write;
use core::time::Duration;

use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::sim::{Action, Input, Modem};
use crate::text::Text;
use crate::time::Instant;

/// Bytes of the longest body.
const BODY: usize = 2048;

/// Time to give it what it was promised.
const INPUT: Duration = Duration::from_secs(60);

type Bytes = heapless::Vec<u8, BODY>;

/// Which command waits for its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Get,
    Post,
    PostFile,
    ReadFile,
}

impl Request {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "QHTTPGET",
            Self::Post => "QHTTPPOST",
            Self::PostFile => "QHTTPPOSTFILE",
            Self::ReadFile => "QHTTPREADFILE",
        }
    }
}

/// What it is given in data mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Url,
    Request,
    Body,
}

/// What the network gives, kept over restarts; the rest is forgotten with one.
#[derive(Debug, Default)]
pub(super) struct Http {
    status: u16,
    body: Bytes,
    is_chunked: bool,
    posted: Bytes,
    has_request_header: bool,
    has_response_header: bool,
    url: Text<700>,
    /// A response waits to be read.
    has_response: bool,
    file: Text<80>,
}

impl Http {
    pub(super) fn forget(&mut self) {
        self.has_request_header = false;
        self.has_response_header = false;
        self.url = Text::new();
        self.has_response = false;
    }
}

impl<N: Network> Modem<N> {
    /// From now on every address gives this; `is_chunked` hides its length.
    pub fn serve(&mut self, status: u16, body: &[u8], is_chunked: bool) {
        self.http.status = status;
        self.http.body = body.iter().copied().take(BODY).collect();
        self.http.is_chunked = is_chunked;
    }

    /// What was posted last, or the last request in the words of the host.
    #[must_use]
    pub fn posted(&self) -> &[u8] {
        &self.http.posted
    }

    pub(super) fn http_command(&mut self, call: &Call<'_>, now: Instant) {
        match (call.name, call.form) {
            ("QHTTPCFG", Form::Write(_)) => {
                if self.http_setting(call) {
                    self.ok(now);
                } else {
                    self.cme(730, now);
                }
            }
            ("QHTTPURL", Form::Read) if self.http.url.as_str().is_empty() => self.cme(712, now),
            ("QHTTPURL", Form::Read) => {
                let mut line = Text::<720>::new();
                let url = &self.http.url;
                if write!(line, "\r\n+QHTTPURL: {url}\r\n").is_ok() {
                    self.emit(line.as_bytes().iter().copied(), now);
                }
                self.ok(now);
            }
            ("QHTTPURL", Form::Write(_)) => match call.number(0) {
                Some(left @ 1..=700) => self.take_http(Given::Url, left, now),
                _ => self.cme(730, now),
            },
            (name, Form::Write(_) | Form::Execute) => match (name, self.refuses_request()) {
                ("QHTTPREADFILE", _) if !self.http.has_response => self.cme(705, now),
                ("QHTTPREADFILE", _) => {
                    self.http.file = Text::lossy(call.text(0).as_bytes());
                    self.ask_http(Request::ReadFile, now);
                }
                ("QHTTPREAD", _) => self.read_http(now),
                ("QHTTPGET" | "QHTTPPOST" | "QHTTPPOSTFILE", Some(error)) => self.cme(error, now),
                ("QHTTPGET", None) => match (call.number(1), self.http.has_request_header) {
                    (None, _) => self.ask_http(Request::Get, now),
                    (Some(left @ 1..=2048), true) => self.take_http(Given::Request, left, now),
                    _ => self.cme(730, now),
                },
                ("QHTTPPOST", None) => match call.number(0) {
                    Some(left @ 1..=1_024_000) => self.take_http(Given::Body, left, now),
                    _ => self.cme(730, now),
                },
                ("QHTTPPOSTFILE", None) => match self.files.get(call.text(0)) {
                    Some(data) => {
                        self.http.posted = data.iter().copied().take(BODY).collect();
                        self.ask_http(Request::PostFile, now);
                    }
                    None => self.cme(730, now),
                },
                _ => self.error(now),
            },
            _ => self.error(now),
        }
    }

    fn http_setting(&mut self, call: &Call<'_>) -> bool {
        let value = call.number::<u8>(1);
        match (call.text(0), value) {
            ("contextid", Some(1..=16)) | ("sslctxid", Some(0..=5)) => true,
            ("contenttype", Some(0..=3)) => true,
            ("requestheader", Some(value @ 0..=1)) => {
                self.http.has_request_header = value == 1;
                true
            }
            ("responseheader", Some(value @ 0..=1)) => {
                self.http.has_response_header = value == 1;
                true
            }
            _ => false,
        }
    }

    /// Why there can be no request now.
    fn refuses_request(&self) -> Option<u16> {
        let is_busy = |(_, action): &(Instant, Action)| matches!(action, Action::Http(_));
        match () {
            () if self.plan.iter().any(is_busy) => Some(703),
            () if self.http.url.as_str().is_empty() => Some(712),
            () if !self.context => Some(709),
            () => None,
        }
    }

    fn take_http(&mut self, given: Given, left: usize, now: Instant) {
        self.http.posted.clear();
        self.input = Input::Http { given, left };
        self.plan(Action::HttpInput, now + INPUT);
        self.say(format_args!("CONNECT"), now);
    }

    /// One byte in data mode.
    pub(super) fn http_byte(&mut self, given: Given, left: usize, byte: u8, now: Instant) {
        let _ = self.http.posted.push(byte);
        if left > 1 {
            let left = left - 1;
            self.input = Input::Http { given, left };
            return;
        }
        self.input = Input::Line;
        self.plan.retain(|(_, action)| *action != Action::HttpInput);
        let now = now + self.settings.answer;
        self.busy_until = now;
        match given {
            Given::Url => {
                self.http.url = Text::lossy(&self.http.posted);
                self.ok(now);
            }
            Given::Request => self.ask_http(Request::Get, now),
            Given::Body => self.ask_http(Request::Post, now),
        }
    }

    /// It does not wait for ever for the bytes that it was promised.
    pub(super) fn http_input_ends(&mut self, now: Instant) {
        if matches!(self.input, Input::Http { .. }) {
            self.input = Input::Line;
            self.cme(726, now);
        }
    }

    fn ask_http(&mut self, request: Request, now: Instant) {
        self.ok(now);
        self.plan(Action::Http(request), now + self.settings.air);
    }

    /// The line of the result.
    pub(super) fn http_result(&mut self, request: Request, now: Instant) {
        let name = request.name();
        let error = self.http_error(request);
        if error > 0 {
            return self.say(format_args!("+{name}: {error}"), now);
        }
        if request == Request::ReadFile {
            let http = &mut self.http;
            http.has_response = false;
            let done = self.files.put(http.file.as_str(), &http.body);
            let error = if done { 0 } else { 729 };
            return self.say(format_args!("+{name}: {error}"), now);
        }
        self.http.has_response = true;
        let (status, length) = (self.http.status, self.http.body.len());
        if self.http.is_chunked {
            self.say(format_args!("+{name}: 0,{status}"), now);
        } else {
            self.say(format_args!("+{name}: 0,{status},{length}"), now);
        }
    }

    fn http_error(&self, request: Request) -> u16 {
        match () {
            () if !self.covered => 702,
            () if !self.context => 709,
            () if request == Request::ReadFile => 0,
            // Nobody is there.
            () if self.http.status == 0 => 716,
            () if !self.can_resolve() => 714,
            () => 0,
        }
    }

    /// The body as it is, with nothing that says where it ends.
    fn read_http(&mut self, now: Instant) {
        if !core::mem::take(&mut self.http.has_response) {
            return self.cme(705, now);
        }
        self.say(format_args!("CONNECT"), now);
        let status = self.http.status;
        let mut header = Text::<64>::new();
        if self.http.has_response_header {
            let _ = write!(header, "HTTP/1.1 {status} X\r\n\r\n");
        }
        let body = self.http.body.clone();
        let bytes = header.as_bytes().iter().chain(&body).copied();
        self.emit(bytes, now);
        self.ok(now);
        self.say(
            format_args!("+QHTTPREAD: 0"),
            now + Duration::from_millis(5),
        );
    }
}
