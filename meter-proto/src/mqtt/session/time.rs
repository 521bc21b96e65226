//! What the passing of time does to a session.

use core::time::Duration;

use super::{Pending, Session};
use crate::mqtt::codec::Short;
use crate::mqtt::terms::{ClosedBy, Timing};
use crate::mqtt::tick::{self, Span, Tick};

/// A step back that is more than two readings of a clock that cross.
const SET_BACK: Duration = Duration::from_secs(1);

/// A [`Timing`] as it is kept.
#[derive(Clone, Copy)]
pub(super) struct Spans {
    pub(super) connack: Span,
    pub(super) pingresp: Span,
    ack: Span,
}

impl Spans {
    pub(super) const fn of(timing: Timing) -> Self {
        Self {
            connack: Span::of(timing.connack),
            pingresp: Span::of(timing.pingresp),
            ack: Span::of(timing.ack),
        }
    }
}

/// An end that waits until nothing is under way, and for messages a while longer.
#[derive(Clone, Copy)]
pub(super) struct Finishing {
    window: Span,
    /// The last thing that the window counts from.
    since: Tick,
}

impl Session<'_> {
    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let due = [self.overdue_at(), self.ping_due(), self.finish_due()];
        tick::first(due).map(|due| due.on(self.clock))
    }

    /// Acts on the time: a ping that is due, an answer that is overdue, a window that is over. Hand
    /// over what has come before: the time does not wait for an answer that is only not read yet.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.look_at(now);
        let now = self.now();
        let is_over = |due: Option<Tick>| due.is_some_and(|due| due.is_by(now));
        if is_over(self.overdue_at()) {
            self.close(ClosedBy::Timeout);
        } else if is_over(self.finish_due()) {
            self.disconnect();
        } else if is_over(self.ping_due()) && self.push_control(Short::Pingreq) {
            self.last_sent = now;
            self.pings = self.pings.saturating_add(1);
            let due = now.after(self.timing.pingresp);
            self.answer_due = self.answer_due.or(Some(due));
        }
    }

    /// Takes note of the time. A session that was left alone for longer than its ticks count has
    /// lost its connection; a clock that was set back has every wait begin again.
    pub(super) fn look_at(&mut self, now: Duration) {
        let forward = now.saturating_sub(self.clock);
        let back = self.clock.saturating_sub(now);
        self.clock = now;
        if forward > tick::LONGEST && self.is_open() {
            self.close(ClosedBy::Timeout);
        }
        if back > SET_BACK {
            let due = self.ack_due();
            self.in_flight.postpone(due);
            self.requests.postpone(due);
            self.answer_due = self.answer_due.map(|_| due);
            self.last_sent = self.now();
            self.note_activity();
        }
    }

    pub(super) const fn now(&self) -> Tick {
        Tick::of(self.clock)
    }

    /// How long an answer is waited for.
    #[cfg(feature = "async")]
    pub(in crate::mqtt) const fn patience(&self) -> Duration {
        self.timing.ack.duration()
    }

    /// When an answer to what goes out now is overdue.
    pub(super) const fn ack_due(&self) -> Tick {
        self.now().after(self.timing.ack)
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
        self.look_at(now);
        if self.is_open() {
            self.finishing = Some(Finishing {
                window: Span::of(window),
                since: self.now(),
            });
        }
    }

    /// Something was said that keeps a connection: the window of an end begins again.
    pub(super) const fn note_activity(&mut self) {
        let now = self.now();
        if let Some(finishing) = &mut self.finishing {
            finishing.since = now;
        }
    }

    fn finish_due(&self) -> Option<Tick> {
        let is_idle = self.is_connected()
            && matches!(self.pending, Pending::None)
            && self.in_flight.due().is_none()
            && self.requests.is_empty()
            && self.transmit().is_empty();
        let finishing = self.finishing.filter(|_| is_idle)?;
        Some(finishing.since.after(finishing.window))
    }

    /// When an answer is overdue and the connection to be given up.
    pub(super) fn overdue_at(&self) -> Option<Tick> {
        let is_online = self.is_connected();
        let answers = self.in_flight.due().filter(|_| is_online);
        tick::first([self.answer_due, answers, self.requests.due()])
    }

    #[inline(never)]
    pub(super) fn stop_clocks(&mut self) {
        self.answer_due = None;
        self.pings = 0;
        self.requests.clear();
        self.finishing = None;
    }

    /// A ping goes out after three quarters of the keep alive, so that even a slow link brings it
    /// in time [3.1.2-23]; also while the answer to one is due, where the way is longer than that.
    /// Anything else that waits to go out does as well.
    fn ping_due(&self) -> Option<Tick> {
        let is_silent = self.is_connected() && self.transmit().is_empty();
        let due = self.last_sent.after(self.keep_alive.three_quarters());
        (is_silent && !self.keep_alive.is_zero()).then_some(due)
    }
}
