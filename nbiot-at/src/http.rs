//! GET of a part of a resource, HTTP/1.1: what to send, and what comes back. No I/O.
//!
//! ```text
//! GET /meter.bin HTTP/1.1          HTTP/1.1 206 Partial Content
//! Host: head-end.example           Content-Range: bytes 4096-9999/10000
//! Range: bytes=4096-               Content-Length: 5904
//! If-Range: "v7"                   ETag: "v7"
//!                                  (5904 bytes)
//! ```
//!
//! Source: RFC 9110 (ranges, section 14; If-Range, section 13.1.5), RFC 9112 (messages). The
//! module's own HTTP, AT reference section 13, gives a response only once and has no way to go on
//! behind a break; a socket does.

use crate::command::HOST;
use crate::command::socket::Transport;
use crate::error::Fault;
use crate::field::{is_same, trim, unsigned};
use crate::text::{Bytes, Text};

/// Bytes of the longest path.
const PATH: usize = 128;
/// Bytes of the longest entity tag that is kept; a longer one is as if there were none.
const TAG: usize = 64;
/// Bytes of the longest request: a path, a host, a tag and 128 bytes of words and numbers.
pub const REQUEST: usize = PATH + HOST + TAG + 128;
/// Bytes kept of a line of the response; what is behind them is not looked at.
const LINE: usize = 128;
/// Lines of the longest head of a response.
const LINES: u16 = 100;

/// Where a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// [`Transport::Tcp`] for `http`, [`Transport::Tls`] for `https`.
    pub transport: Transport,
    /// Name or address.
    pub host: Text<HOST>,
    /// TCP port.
    pub port: u16,
    /// Path and query, beginning with a slash, percent-encoded as it is sent.
    pub path: Text<PATH>,
}

impl Url {
    /// `http://host[:port][/path]`, or `https`. `None` if it is something else, or too long.
    ///
    /// ```
    /// use nbiot_at::Transport;
    /// use nbiot_at::http::Url;
    ///
    /// let url = Url::parse("https://head-end.example/firmware/7.bin").unwrap();
    /// assert_eq!((url.transport, url.port), (Transport::Tls, 443));
    /// assert_eq!(url.path.as_str(), "/firmware/7.bin");
    /// ```
    #[must_use]
    #[inline(never)]
    pub fn parse(text: &str) -> Option<Self> {
        let (transport, rest, port) = match text.strip_prefix("https://") {
            Some(rest) => (Transport::Tls, rest, 443),
            None => (Transport::Tcp, text.strip_prefix("http://")?, 80),
        };
        // Byte by byte: the searches of `str` would cost half a KiB of flash.
        let (authority, path) = match rest.bytes().position(|byte| byte == b'/') {
            Some(slash) => rest.split_at_checked(slash)?,
            None => (rest, "/"),
        };
        let (host, port) = match authority.bytes().rposition(|byte| byte == b':') {
            Some(colon) => {
                let digits = authority.as_bytes().get(colon + 1..)?;
                let port = u16::try_from(unsigned(digits, 10)?).ok()?;
                (authority.get(..colon)?, port)
            }
            None => (authority, port),
        };
        if host.is_empty() || rest.bytes().any(|byte| matches!(byte, b' ' | b'#' | b'@')) {
            return None;
        }
        Some(Self {
            transport,
            host: Text::parameter(host)?,
            port,
            path: Text::parameter(path)?,
        })
    }
}

/// How far a download has come. Store it to go on after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there: the next ones are asked for.
    pub offset: u32,
    /// Length of the whole, once known.
    pub length: Option<u32>,
    /// The server's tag of this version of the resource; empty if it gives none, and then nobody
    /// notices when it changes in between.
    pub tag: Text<TAG>,
}

impl Progress {
    /// Nothing is there yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            offset: 0,
            length: None,
            tag: Text::new(),
        }
    }

    /// Whether everything is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.length == Some(self.offset)
    }

    /// The request for what is missing.
    #[must_use]
    pub fn request(&self, url: &Url) -> Text<REQUEST> {
        let mut text = Text::new();
        // All of it has its room.
        self.write_request(url, &mut |part| {
            let _ = text.push_str(part);
        });
        text
    }

    /// The same, part by part.
    pub(crate) fn write_request(&self, url: &Url, part: &mut dyn FnMut(&str)) {
        let mut texts = |texts: &[&str]| texts.iter().for_each(|text| part(text));
        texts(&["GET ", url.path.as_str(), " HTTP/1.1\r\nHost: "]);
        texts(&[url.host.as_str(), ":"]);
        decimal(url.port.into(), &mut texts);
        texts(&["\r\nConnection: close\r\nAccept-Encoding: identity\r\nRange: bytes="]);
        decimal(self.offset, &mut texts);
        texts(&["-\r\n"]);
        if self.offset > 0 && !self.tag.as_str().is_empty() {
            texts(&["If-Range: ", self.tag.as_str(), "\r\n"]);
        }
        texts(&["\r\n"]);
    }
}

/// The digits of a number, one by one.
#[inline(never)]
fn decimal(number: u32, texts: &mut dyn FnMut(&[&str])) {
    if number >= 10 {
        decimal(number / 10, texts);
    }
    let digit = usize::try_from(number % 10).unwrap_or(0);
    texts(&["0123456789".get(digit..=digit).unwrap_or_default()]);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    StatusLine,
    Header,
    /// The size of the next chunk.
    Chunk,
    /// The empty line behind a chunk.
    ChunkEnd,
    /// What is behind the last chunk, up to an empty line.
    Trailer,
    /// Bytes of the body to come; in chunks: of this one.
    Body(u32),
    Over,
}

/// The response to [`Progress::request`], in pieces of any size.
///
/// It moves [`Progress`] on by the bytes of the body that it hands out.
#[derive(Debug)]
pub struct Response {
    at: At,
    line: Bytes<LINE>,
    lines: u16,
    status: u16,
    content_length: Option<u32>,
    /// First byte and whole length.
    range: Option<(u32, u32)>,
    is_chunked: bool,
    tag: Text<TAG>,
    /// Bytes of a whole resource that are there already.
    skip: u32,
}

impl Default for Response {
    fn default() -> Self {
        Self::new()
    }
}

impl Response {
    /// Nothing has come yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            at: At::StatusLine,
            line: Bytes::new(),
            lines: 0,
            status: 0,
            content_length: None,
            range: None,
            is_chunked: false,
            tag: Text::new(),
            skip: 0,
        }
    }

    /// Whether the body has ended where it should.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.at == At::Over
    }

    /// Takes bytes up to the next piece of the body: how many were taken, and which of them are
    /// the body's. `progress` moves on by these.
    ///
    /// # Errors
    ///
    /// [`Fault::Http`] with a status that is no success, [`Fault::Changed`], [`Fault::Malformed`].
    pub fn push<'a>(
        &mut self,
        bytes: &'a [u8],
        progress: &mut Progress,
    ) -> Result<(usize, &'a [u8]), Fault> {
        for (index, &byte) in bytes.iter().enumerate() {
            match self.at {
                At::Over => return Ok((bytes.len(), &[])),
                At::Body(left) => {
                    let rest = bytes.get(index..).unwrap_or_default();
                    return self.body(rest, left, index, progress);
                }
                _ if byte == b'\n' => {
                    let line = core::mem::take(&mut self.line);
                    let line = line.strip_suffix(b"\r").unwrap_or(&line);
                    self.line_of(line, progress)?;
                }
                // The end of a line that is too long says nothing that is needed.
                _ => {
                    let _ = self.line.push(byte);
                }
            }
        }
        Ok((bytes.len(), &[]))
    }

    fn body<'a>(
        &mut self,
        rest: &'a [u8],
        left: u32,
        before: usize,
        progress: &mut Progress,
    ) -> Result<(usize, &'a [u8]), Fault> {
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let (piece, _) = rest.split_at(rest.len().min(most));
        let taken = u32::try_from(piece.len()).map_err(|_| Fault::LogicBug)?;
        self.at = match left - taken {
            0 if self.is_chunked => At::ChunkEnd,
            0 => At::Over,
            left => At::Body(left),
        };
        let skipped = taken.min(self.skip);
        self.skip -= skipped;
        let new = taken - skipped;
        // No more than was found to be right when it was announced.
        progress.offset = progress.offset.saturating_add(new);
        let skipped = usize::try_from(skipped).unwrap_or(piece.len());
        let data = piece.get(skipped..).unwrap_or_default();
        Ok((before + piece.len(), data))
    }

    fn line_of(&mut self, line: &[u8], progress: &mut Progress) -> Result<(), Fault> {
        self.lines += 1;
        match self.at {
            At::StatusLine => {
                self.status = status(line).ok_or(Fault::Malformed)?;
                self.at = At::Header;
            }
            At::Header if self.lines > LINES => return Err(Fault::Malformed),
            At::Header if line.is_empty() => return self.begin_body(progress),
            At::Header => self.header(line)?,
            At::Chunk => {
                let digits = line.split(|&byte| byte == b';').next().unwrap_or(line);
                let size = unsigned(trim(digits), 16).ok_or(Fault::Malformed)?;
                self.at = if size == 0 {
                    At::Trailer
                } else {
                    self.announced(size, progress)?
                };
            }
            At::ChunkEnd if line.is_empty() => self.at = At::Chunk,
            At::ChunkEnd => return Err(Fault::Malformed),
            At::Trailer if line.is_empty() => {
                self.at = At::Over;
                // A whole without a length has it now.
                progress.length.get_or_insert(progress.offset);
            }
            At::Trailer if self.lines > LINES => return Err(Fault::Malformed),
            At::Trailer | At::Body(_) | At::Over => {}
        }
        // Chunks are as many as there are.
        if matches!(self.at, At::Chunk | At::Body(_) | At::ChunkEnd) {
            self.lines = 0;
        }
        Ok(())
    }

    /// So many bytes of the body come, if they are not more than there can be.
    fn announced(&self, size: u32, progress: &Progress) -> Result<At, Fault> {
        let new = size.saturating_sub(self.skip);
        let end = progress.offset.checked_add(new).ok_or(Fault::Malformed)?;
        let is_possible = progress.length.is_none_or(|length| end <= length);
        is_possible
            .then_some(At::Body(size))
            .ok_or(Fault::Malformed)
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Fault> {
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = line.split_at(colon.ok_or(Fault::Malformed)?);
        let value = trim(value.get(1..).unwrap_or_default());
        if is_same(name, b"content-length") {
            let length = unsigned(value, 10).ok_or(Fault::Malformed)?;
            if self.content_length.is_some_and(|other| other != length) {
                return Err(Fault::Malformed);
            }
            self.content_length = Some(length);
        } else if is_same(name, b"content-range") {
            self.range = range(value);
        } else if is_same(name, b"transfer-encoding") {
            self.is_chunked = is_same(value, b"chunked");
            if !self.is_chunked {
                return Err(Fault::Malformed);
            }
        } else if is_same(name, b"etag") {
            // A weak tag, W/"…", does not say that the bytes are the same: RFC 9110 13.1.5.
            let is_strong = value.first() == Some(&b'"') && value.len() <= TAG;
            self.tag = if is_strong {
                Text::lossy(value)
            } else {
                Text::new()
            };
        }
        Ok(())
    }

    fn begin_body(&mut self, progress: &mut Progress) -> Result<(), Fault> {
        if (100..200).contains(&self.status) {
            // 100 Continue and its like: the response is still to come.
            *self = Self::new();
            return Ok(());
        }
        let is_known = progress.offset > 0 && !progress.tag.as_str().is_empty();
        let is_other = is_known && self.tag != progress.tag;
        let length = match (self.status, self.range) {
            (200 | 206, _) if is_other => return Err(Fault::Changed),
            (206, Some((from, whole))) if from == progress.offset && from < whole => Some(whole),
            (206, _) => return Err(Fault::Malformed),
            (200, _) => {
                self.skip = progress.offset;
                self.content_length.filter(|_| !self.is_chunked)
            }
            // Nothing is missing: only the end had not been told.
            (416, range)
                if progress.is_complete()
                    || progress.length.is_none()
                        && range == Some((progress.offset, progress.offset)) =>
            {
                progress.length = Some(progress.offset);
                self.at = At::Over;
                return Ok(());
            }
            (status, _) => return Err(Fault::Http(status)),
        };
        if progress.length.is_some() && length.is_some() && progress.length != length {
            return Err(Fault::Changed);
        }
        progress.length = progress.length.or(length);
        progress.tag = self.tag.clone();
        self.at = match (self.is_chunked, self.content_length) {
            (true, _) => At::Chunk,
            (false, Some(0)) => At::Over,
            (false, Some(length)) => self.announced(length, progress)?,
            // The end of the connection would be the end of the body: no way to tell it from a loss.
            (false, None) => return Err(Fault::Malformed),
        };
        Ok(())
    }
}

/// `HTTP/1.1 <status> …`
fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.")?.get(1..)?;
    let digits = trim(rest).get(..3)?;
    u16::try_from(unsigned(digits, 10)?).ok()
}

/// `bytes <first>-<last>/<length>`: first and length. Of `bytes */<length>`, where nothing is to be
/// had, both are the length.
fn range(value: &[u8]) -> Option<(u32, u32)> {
    let rest = trim(value.strip_prefix(b"bytes")?);
    if let Some(length) = rest.strip_prefix(b"*/") {
        return unsigned(trim(length), 10).map(|length| (length, length));
    }
    let mut parts = rest.split(|byte| matches!(byte, b'-' | b'/'));
    let mut next = || unsigned(trim(parts.next()?), 10);
    let (first, last, length) = (next()?, next()?, next()?);
    (first <= last && last < length).then_some((first, length))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
