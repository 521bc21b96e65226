//! A model of the chip, for tests of drivers and of what stands on them.
//!
//! [`Chip`] has the 70 rows, the latches, the pins, both serial dialects and the energy counters of
//! an STPM32, STPM33 or STPM34. It is fed with [`Phasor`]s, which reach it through a [`Board`] and
//! the gain, calibration and phase codes that were written to it: a driver that configures the
//! wrong gain reads wrong values. It is written from the manual and shares neither register types
//! nor frame code with the driver, so that a wrong constant there fails here.
//!
//! Two clocks run in it. [`Chip::advance`] moves the measurement, in ticks of 128 µs, and costs
//! the same for a tick and for a day. [`Chip::elapse_ns`] moves the serial side: start-up and the
//! UART's timeout; [`Delay`] does that for a driver's waits, [`NoDelay`] does not.
//!
//! [`Chip::truth`] tells what the counters have counted without wrapping. [`Chip::disturb`],
//! [`Chip::stick`], [`Chip::noise`] and [`Chip::brown_out`] make trouble.
//!
//! Fed with phasors, samples and thresholds see the fundamental; fed with [`Instant`]s, a sample a
//! tick, they see the wave, and everything is measured from it.
//!
//! Choices where the manual leaves one: tamper compares with the sum of both powers, as Rev 8 has
//! it; offsets are two's complement; thresholds of a current do not know the integrator; the zero-crossing bits have no delay.
//! Not modelled: the gap between the UART's bytes, the noise and BREAK settings, the ZCR pin, and
//! frames that follow each other in less than 4 µs.

mod bus;
mod chip;
mod energy;
mod feed;
mod memory;
mod metrology;
mod output;
mod serial;
mod trouble;
mod watch;
mod wave;

pub use bus::{Delay, NoDelay, Pin, Rows, SpiDevice, Uart};
pub use chip::{Chip, Interface, Line, Stream};
pub use energy::{Counts, Truth};
pub use feed::{Board, Input, Phasor};
pub use output::{Interrupt, Output};
pub use trouble::Disturbance;
pub use wave::Instant;
