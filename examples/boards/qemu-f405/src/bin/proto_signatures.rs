//! Signed billing records beside an outbox: what they add to `proto_outbox` is their size.

#![no_std]
#![no_main]

#[path = "proto/flash.rs"]
mod flash;
#[path = "proto/outbox.rs"]
mod outbox;
#[path = "proto/signatures.rs"]
mod signatures;
#[allow(dead_code, reason = "shared with the images of the modem")]
#[path = "../silent.rs"]
mod silent;

use core::hint::black_box;

use embassy_futures::block_on;
// The vector table.
use stm32f4xx_hal as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    loop {
        black_box(block_on(outbox::all()).is_ok());
        signatures::all();
    }
}
