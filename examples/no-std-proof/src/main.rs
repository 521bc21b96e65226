//! The proof that no library needs `std` or an allocator: this program has its own panic handler
//! and no global allocator, so the linker refuses it as soon as either is brought in by anyone.

#![no_std]
#![no_main]

use meter_core as _;
use meter_proto as _;
use nbiot_at as _;
use stpm3x as _;

#[cfg(feature = "counter-proof")]
extern crate std;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

/// The compiled `core` names it for unwinding, which `panic = "abort"` never does.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
