//! The register map: 70 rows of 32 bits, named as in DS10272 section 8.
//!
//! Row `r` is read at address `2r`. Rows 0 to 20 are written in halves: address `2r` is the low,
//! `2r + 1` the high half. Rows of the two channels that share a layout share a type, which is
//! named after the primary one: [`DspCr1`] is also DSP_CR2. Reserved bits start at their reset
//! value in `new` and are kept by every setter.

mod common;
mod control;
mod data;
pub mod row;

pub use common::{DspCr3, DspCr4, DspIrq1, DspSr1, UsReg1, UsReg2, UsReg3};
pub use control::{DfeCr1, DspCr1, DspCr5, DspCr6, DspCr9, DspCr10};
pub use data::{DspEv1, DspReg1, DspReg2, DspReg14, DspReg16, DspReg17, Power};

use crate::Channel;

/// A row's place in the map and its value after a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Row {
    /// Row number, 0 to 69.
    pub number: u8,
    /// Value after power-up, EN pulse, or three SYN pulses.
    pub reset: u32,
}

impl Row {
    const fn new(number: u8, reset: u32) -> Self {
        Self { number, reset }
    }

    /// The read address, which is also the write address of the low half.
    #[must_use]
    pub const fn address(self) -> u8 {
        self.number * 2
    }
}

/// The layout of a row, or of the two rows of a pair of channels.
pub trait Register: Copy + From<u32> + Into<u32> {
    /// The row of the primary channel, or the only one.
    const PRIMARY: Row;
    /// The row of the secondary channel; the primary one again where both share it.
    const SECONDARY: Row = Self::PRIMARY;

    /// The row that serves `channel`.
    #[must_use]
    fn row(channel: Channel) -> Row {
        match channel {
            Channel::Primary => Self::PRIMARY,
            Channel::Secondary => Self::SECONDARY,
        }
    }

    /// The value after a reset.
    #[must_use]
    fn reset(channel: Channel) -> Self {
        Self::from(Self::row(channel).reset)
    }
}

/// Rows 0 to 20 except DSP_SR1 and DSP_SR2: written in halves, read without a latch.
pub trait Writable: Register {}

macro_rules! register {
    ($($name:ident $access:tt $number:literal = $reset:literal
        $(, $number2:literal = $reset2:literal)?;)*) => { $(
        impl Register for $name {
            const PRIMARY: Row = Row::new($number, $reset);
            $(const SECONDARY: Row = Row::new($number2, $reset2);)?
        }
        register!(@$access $name);
    )* };
    (@rw $name:ident) => { impl Writable for $name {} };
    (@ro $name:ident) => {};
}

register! {
    DspCr1 rw 0 = 0x0400_00A0, 1 = 0x2400_00A0;
    DspCr3 rw 2 = 0x0000_04E0;
    DspCr4 rw 3 = 0x0000_0000;
    DspCr5 rw 4 = 0x003F_F800, 6 = 0x003F_F800;
    DspCr6 rw 5 = 0x003F_F800, 7 = 0x003F_F800;
    DspCr9 rw 8 = 0x0000_0FFF, 10 = 0x0000_0FFF;
    DspCr10 rw 9 = 0x0000_0FFF, 11 = 0x0000_0FFF;
    DfeCr1 rw 12 = 0x0F27_0327, 13 = 0x0327_0327;
    DspIrq1 rw 14 = 0x0000_0000, 15 = 0x0000_0000;
    DspSr1 ro 16 = 0x0000_0000, 17 = 0x0000_0000;
    UsReg1 rw 18 = 0x0000_4007;
    UsReg2 rw 19 = 0x0000_0683;
    UsReg3 rw 20 = 0x0000_0000;
    DspEv1 ro 21 = 0x0000_0000, 22 = 0x0000_0000;
    DspReg1 ro 23 = 0x0000_0000;
    DspReg14 ro 36 = 0x0000_0000, 37 = 0x0000_0000;
    DspReg16 ro 38 = 0x0000_0000, 40 = 0x0000_0000;
    DspReg17 ro 39 = 0x0000_0000, 41 = 0x0000_0000;
}
