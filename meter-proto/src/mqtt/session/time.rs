//! What the passing of time does to a session.

use core::time::Duration;

use super::requests::Requests;
use super::{Pending, Session};
use crate::mqtt::codec::Short;
use crate::mqtt::terms::ClosedBy;

/// An end that waits until nothing is under way, and for messages a while longer.
#[derive(Clone, Copy)]
pub(super) struct Finishing {
    window: Duration,
    /// The last thing that the window counts from.
    since: Duration,
}

impl Session<'_> {
    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let due = [self.overdue_at(), self.ping_due(), self.finish_due()];
        due.into_iter().flatten().min()
    }

    /// Acts on the time: a ping that is due, an answer that is overdue, a window that is over. Hand
    /// over what has come before: the time does not wait for an answer that is only not read yet.
    pub fn handle_timeout(&mut self, now: Duration) {
        // A clock that was set back does not hold pings up.
        self.last_sent = self.last_sent.min(now);
        let is_over = |due: Option<Duration>| due.is_some_and(|due| now >= due);
        if is_over(self.overdue_at()) {
            self.close(ClosedBy::Timeout);
        } else if is_over(self.finish_due()) {
            self.disconnect();
        } else if is_over(self.ping_due()) && self.push_control(Short::Pingreq) {
            self.last_sent = now;
            self.pings = self.pings.saturating_add(1);
            let due = now.saturating_add(self.timing.pingresp);
            self.answer_due = self.answer_due.or(Some(due));
        }
    }

    /// How long an answer is waited for.
    #[cfg(feature = "async")]
    pub(in crate::mqtt) const fn patience(&self) -> Duration {
        self.timing.ack
    }

    /// When an answer to what goes out now is overdue.
    pub(super) const fn ack_due(&self, now: Duration) -> Duration {
        now.saturating_add(self.timing.ack)
    }

    /// Ends the connection in order, for a meter that is to sleep: once everything is sent and
    /// answered, and for `window` no message and no answer has come, DISCONNECT goes out and
    /// [`Event::Closed`](super::Event::Closed) with [`ClosedBy::Caller`] follows.
    ///
    /// Publishing meanwhile is allowed, as an answer to a command, and has the window begin again.
    /// It is to be longer than a round trip: what the server kept comes right after CONNACK. A
    /// server that has ever more to say keeps the connection; [`disconnect`](Self::disconnect) ends
    /// it at once.
    pub fn finish(&mut self, window: Duration, now: Duration) {
        if self.is_open() {
            self.finishing = Some(Finishing { window, since: now });
        }
    }

    /// Something was said that keeps a connection: the window of an end begins again.
    pub(super) const fn note_activity(&mut self, now: Duration) {
        if let Some(finishing) = &mut self.finishing {
            finishing.since = now;
        }
    }

    fn finish_due(&self) -> Option<Duration> {
        let is_idle = self.is_connected()
            && matches!(self.pending, Pending::None)
            && self.in_flight.due().is_none()
            && self.requests.is_empty()
            && self.transmit().is_empty();
        let finishing = self.finishing.filter(|_| is_idle)?;
        Some(finishing.since.saturating_add(finishing.window))
    }

    /// When an answer is overdue and the connection to be given up.
    pub(super) fn overdue_at(&self) -> Option<Duration> {
        let is_online = self.is_connected();
        let answers = self.in_flight.due().filter(|_| is_online);
        let due = [self.answer_due, answers, self.requests.due()];
        due.into_iter().flatten().min()
    }

    pub(super) const fn stop_clocks(&mut self) {
        self.answer_due = None;
        self.pings = 0;
        self.requests = Requests::NONE;
        self.finishing = None;
    }

    /// A ping goes out after three quarters of the keep alive, so that even a slow link brings it
    /// in time [3.1.2-23]; also while the answer to one is due, where the way is longer than that.
    /// Anything else that waits to go out does as well.
    fn ping_due(&self) -> Option<Duration> {
        let is_silent = self.is_connected() && self.transmit().is_empty();
        let due = self.last_sent.saturating_add(self.keep_alive * 3 / 4);
        (is_silent && !self.keep_alive.is_zero()).then_some(due)
    }
}
