//! A download without I/O: what came, what failed, and whether it is tried again.

use core::time::Duration;

use crate::http::{Progress, Response};
use crate::time::Instant;
use crate::{Class, Error, ErrorKind, Fault, next_delay};

/// Silence of the server that ends a connection, the time of the module's own HTTP: AT reference
/// section 4.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);
/// Bytes taken from the modem at once.
pub(crate) const PIECE: usize = 192;
/// Failures in a row before the caller hears of one; modem scenario H2.
const FAILURES: u32 = 3;

#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) progress: Progress,
    response: Response,
    /// In a row, since the last byte.
    failures: u32,
    /// Behind bytes that the caller has already been given.
    fault: Option<Fault>,
}

impl Course {
    pub(crate) const fn new(progress: Progress) -> Self {
        Self {
            progress,
            response: Response::new(),
            failures: 0,
            fault: None,
        }
    }

    /// A new connection: what comes is a new response.
    pub(crate) fn connected(&mut self) {
        self.response = Response::new();
    }

    /// Why nothing more can come of the connection.
    pub(crate) fn end(&mut self, is_open: bool) -> Option<Fault> {
        // The server gave less than the whole: the rest takes another request.
        let is_over = is_open && self.response.is_over();
        self.fault.take().or(is_over.then_some(Fault::Closed))
    }

    /// Takes bytes of the connection; how many of `buf` they have filled. It is at least as long.
    #[inline(never)]
    pub(crate) fn take(&mut self, mut bytes: &[u8], buf: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while !bytes.is_empty() {
            match self.response.push(bytes, &mut self.progress) {
                Ok((used, data)) => {
                    bytes = bytes.get(used..).unwrap_or_default();
                    for (to, from) in buf.iter_mut().skip(filled).zip(data) {
                        *to = *from;
                    }
                    filled += data.len();
                }
                Err(fault) if filled == 0 => return Err(fault),
                Err(fault) => {
                    self.fault = Some(fault);
                    break;
                }
            }
        }
        if filled > 0 {
            self.failures = 0;
        }
        Ok(filled)
    }

    /// How long to wait before another attempt, ms; `None` if the caller has to hear of it.
    #[inline(never)]
    pub(crate) fn failed<E>(&mut self, error: &Error<E>, now: Instant) -> Option<u32> {
        self.failures += 1;
        let fault = error.fault();
        let is_final = matches!(fault, Some(Fault::Malformed)) || error.kind() != ErrorKind::Retry;
        if is_final || self.failures >= FAILURES {
            return None;
        }
        let class = match fault.map_or(Class::Request, Fault::class) {
            Class::Command => Class::Request,
            class => class,
        };
        let seed = u64::from(self.progress.offset) ^ now.as_millis();
        let pause = next_delay(class, self.failures - 1, seed);
        Some(u32::try_from(pause.as_millis()).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;

    fn fail(course: &mut Course, fault: Fault) -> Option<u32> {
        course.failed::<Infallible>(&Error::Modem(fault), Instant::ZERO)
    }

    #[test]
    fn third_failure_without_a_byte_is_told() {
        let mut course = Course::new(Progress::new());
        let first = fail(&mut course, Fault::Closed).unwrap();
        assert!(fail(&mut course, Fault::TimedOut).unwrap() > first);
        assert_eq!(fail(&mut course, Fault::Closed), None);
        let mut course = Course::new(Progress::new());
        for _ in 0..10 {
            assert!(fail(&mut course, Fault::Closed).is_some());
            let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1";
            course.connected();
            course.progress = Progress::new();
            assert_eq!(course.take(bytes, &mut [0; 64]), Ok(1));
        }
    }

    #[test]
    fn what_another_attempt_cannot_mend_is_told_at_once() {
        for fault in [Fault::Malformed, Fault::Http(404), Fault::Restarted] {
            let mut course = Course::new(Progress::new());
            assert_eq!(fail(&mut course, fault), None, "{fault:?}");
        }
    }

    #[test]
    fn bytes_in_front_of_a_fault_are_given_first() {
        let mut course = Course::new(Progress::new());
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let bytes = [head.as_bytes(), b"3\r\nabc\r\nno size\r\n"].concat();
        let mut buf = [0; 128];
        assert_eq!(course.take(&bytes, &mut buf), Ok(3));
        assert_eq!(buf.get(..3), Some(&b"abc"[..]));
        assert_eq!(course.end(true), Some(Fault::Malformed));
        assert_eq!(course.end(false), None);
    }
}
