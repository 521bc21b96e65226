//! Whether a future has something to do at the present instant, with `std`: it was woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

#[derive(Debug, Default)]
pub(super) struct Waking(Arc<Woken>);

#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Waking {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }

    /// Whether the future is to be polled again before time passes.
    pub(super) fn polls_again(&mut self) -> bool {
        self.0.0.swap(false, Ordering::Relaxed)
    }
}
