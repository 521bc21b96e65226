//! SUBSCRIBEs and UNSUBSCRIBEs that the server has not answered.

use core::num::NonZeroU16;

use crate::mqtt::QoS;
use crate::mqtt::tick::{self, Tick};

/// How many can be unanswered at a time.
const MOST: usize = 4;

#[derive(Clone, Copy)]
pub(super) struct Request {
    identifier: NonZeroU16,
    /// The QoS that a SUBSCRIBE asked for; `None` for an UNSUBSCRIBE.
    pub(super) asked: Option<QoS>,
    due: Tick,
    /// Bytes that go out before it is through.
    ahead: u32,
}

/// They die with their connection: a caller subscribes again after each CONNACK.
pub(super) struct Requests([Option<Request>; MOST]);

impl Requests {
    pub(super) const NONE: Self = Self([None; MOST]);

    pub(super) fn clear(&mut self) {
        for place in &mut self.0 {
            *place = None;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    pub(super) fn uses(&self, identifier: NonZeroU16) -> bool {
        let mut requests = self.0.iter().flatten();
        requests.any(|request| request.identifier == identifier)
    }

    /// Adds one that is through when `ahead` bytes more are out.
    pub(super) fn add(
        &mut self,
        identifier: NonZeroU16,
        asked: Option<QoS>,
        due: Tick,
        ahead: usize,
    ) {
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none()) {
            *place = Some(Request {
                identifier,
                asked,
                due,
                ahead,
            });
        }
    }

    /// So many bytes are out; the answers to them have until `due`.
    pub(super) fn advance(&mut self, count: usize, due: Tick) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        for request in self.0.iter_mut().flatten().filter(|it| it.ahead > 0) {
            request.ahead = request.ahead.saturating_sub(count);
            request.due = due;
        }
    }

    /// Every answer has the time until `due`.
    pub(super) fn postpone(&mut self, due: Tick) {
        for request in self.0.iter_mut().flatten() {
            request.due = due;
        }
    }

    /// Takes out the request that is answered, if it is out and of the kind of the answer.
    pub(super) fn answered(
        &mut self,
        identifier: NonZeroU16,
        is_subscribe: bool,
    ) -> Option<Request> {
        let is_it = |request: &mut Request| {
            request.identifier == identifier
                && request.ahead == 0
                && request.asked.is_some() == is_subscribe
        };
        self.0.iter_mut().find_map(|place| place.take_if(is_it))
    }

    /// When the first answer is overdue.
    pub(super) fn due(&self) -> Option<Tick> {
        tick::first(self.0.iter().map(|it| it.map(|request| request.due)))
    }
}
