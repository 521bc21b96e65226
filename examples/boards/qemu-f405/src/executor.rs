//! Runs the one future that is the application: polled after each interrupt, asleep between.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

/// Polls `future` to its end.
///
/// Whatever a future waits for here is brought by an interrupt: a byte, or the tick. So it needs
/// no waker. An interrupt between the poll and the sleep costs one tick at most.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        cortex_m::asm::wfi();
    }
}
