//! Whether a future has something to do at the present instant, without `std`.

use core::task::Waker;

/// Nobody tells: it is polled so often at each instant.
const POLLS: u8 = 4;

#[derive(Debug)]
pub(super) struct Waking {
    polls: u8,
}

impl Waking {
    pub(super) const fn new() -> Self {
        Self { polls: 0 }
    }

    pub(super) fn waker(&self) -> Waker {
        Waker::noop().clone()
    }

    /// Whether the future is to be polled again before time passes.
    pub(super) const fn polls_again(&mut self) -> bool {
        self.polls = (self.polls + 1) % POLLS;
        self.polls != 0
    }
}
