//! The messages received at QoS 2 that the server has not released.

use core::num::NonZeroU16;

use crate::mqtt::codec::Short;
use crate::mqtt::{HAS_QOS2, QoS};

/// Their identifiers, in the caller's memory. None is ever forgotten to make room: its message
/// would be told twice.
pub(super) struct Unreleased<'b> {
    identifiers: &'b mut [u16],
    count: u16,
}

impl<'b> Unreleased<'b> {
    pub(super) const fn new(identifiers: &'b mut [u16]) -> Self {
        Self {
            identifiers,
            count: 0,
        }
    }

    /// Whether there is no memory for any: nothing may be subscribed at QoS 2.
    pub(super) const fn is_unused(&self) -> bool {
        !HAS_QOS2 || self.identifiers.is_empty()
    }

    pub(super) const fn is_full(&self) -> bool {
        self.count as usize >= self.identifiers.len()
    }

    pub(super) const fn clear(&mut self) {
        self.count = 0;
    }

    pub(super) fn contains(&self, identifier: NonZeroU16) -> bool {
        self.position(identifier).is_some()
    }

    fn position(&self, identifier: NonZeroU16) -> Option<usize> {
        if !HAS_QOS2 {
            return None;
        }
        let mut known = self.identifiers.iter().take(usize::from(self.count));
        known.position(|&known| known == identifier.get())
    }

    /// A message with an identifier is here for good: it is remembered at QoS 2, where there is
    /// room, and what is returned is its answer.
    pub(super) fn take(&mut self, qos: QoS, identifier: NonZeroU16) -> Short {
        if !HAS_QOS2 || qos != QoS::ExactlyOnce {
            return Short::Puback(identifier);
        }
        if !self.contains(identifier)
            && let Some(free) = self.identifiers.get_mut(usize::from(self.count))
        {
            *free = identifier.get();
            self.count += 1;
        }
        Short::Pubrec(identifier)
    }

    /// Forgets one; `false` where it was not known.
    pub(super) fn release(&mut self, identifier: NonZeroU16) -> bool {
        let index = self.position(identifier);
        if let Some(index) = index {
            self.count -= 1;
            self.identifiers.swap(index, usize::from(self.count));
        }
        index.is_some()
    }
}
