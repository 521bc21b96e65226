//! The register map: 70 rows of 32 bits, one type each, named as in DS10272 section 8.
//!
//! Row `r` is read at address `2r`. Rows 0 to 20 are written in halves: address `2r` is the low,
//! `2r + 1` the high half. Reserved bits start at their reset value in `new` and are kept by every
//! setter.
//!
//! ```
//! use stpm3x::reg::{DfeCr1, Register};
//!
//! let front_end = DfeCr1::new().with_gain(1); // x4
//! assert_eq!(DfeCr1::ADDRESS, 0x18);
//! assert_eq!(front_end.into_bits(), 0x0727_0327); // both reserved fields are still 0x193
//! ```
//!
//! What a part does not have is not among its rows: `On<Stpm32>` holds for no row of the secondary
//! channel.
//!
//! ```compile_fail
//! use stpm3x::reg::{DspReg4, On}; // V2_DATA
//! use stpm3x::Stpm33;
//! fn sample<R: On<Stpm33>>() {}
//! sample::<DspReg4>();
//! ```

#![expect(
    clippy::result_unit_err,
    reason = "the checked setters are bitfield-struct's"
)]

mod control;
mod data;
mod power;
mod serial;
mod status;

use core::fmt;

pub use control::*;
pub use data::*;
pub use power::*;
pub use serial::*;
pub use status::*;

use crate::part::{Model, TwoCurrents, TwoVoltages};

/// Rows in the map.
pub const ROWS: u8 = 70;

/// A row of the map.
pub trait Register: Copy + From<u32> + Into<u32> + fmt::Debug + sealed::Sealed {
    /// Row number, 0 to 69.
    const ROW: u8;
    /// The read address, which is also the write address of the low half.
    const ADDRESS: u8 = Self::ROW * 2;
    /// Value after power-up, EN pulse, or three SYN pulses.
    const RESET: u32;
    /// The manual's name.
    const NAME: &'static str;
    /// Read through the transmission latches: what the last latch caught (DS10272 section 7).
    const LATCHED: bool;
}

/// A row that can be read: all of them.
pub trait Readable: Register {}

/// A row that takes writes: rows 0 to 20.
///
/// In DSP_SR1, DSP_SR2 and the high half of US_REG3 a written 0 clears and a 1 leaves alone.
pub trait Writable: Readable {}

/// A row that takes any value at any time: rows 0 to 15. The others steer the link or are cleared.
pub trait Setting: Writable {}

/// A row that the part `M` has.
pub trait On<M: Model>: Register {}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else implements it")]
    pub trait Sealed {}
}

/// What a row's number says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Row {
    /// Row number, 0 to 69.
    pub number: u8,
    /// The manual's name.
    pub name: &'static str,
    /// Value after a reset.
    pub reset: u32,
    /// Rows 0 to 20 take writes.
    pub writable: bool,
    /// Read through the transmission latches.
    pub latched: bool,
}

impl Row {
    const fn of<R: Register>(writable: bool) -> Self {
        Self {
            number: R::ROW,
            name: R::NAME,
            reset: R::RESET,
            writable,
            latched: R::LATCHED,
        }
    }

    /// The row of a number, `None` above 69.
    ///
    /// ```
    /// assert_eq!(stpm3x::reg::Row::get(36).unwrap().name, "DSP_REG14");
    /// ```
    #[must_use]
    pub fn get(number: u8) -> Option<&'static Self> {
        MAP.get(usize::from(number))
    }
}

/// A row's value, shown field by field by `Debug`.
///
/// ```
/// use stpm3x::reg::Decoded;
/// let rms = format!("{:?}", Decoded { row: 36, bits: 0x00F4_1652 });
/// assert_eq!(rms, "DspReg14 { voltage: 5714, current: 488 }");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// Row number, 0 to 69; above it there are no fields.
    pub row: u8,
    /// The row's bits.
    pub bits: u32,
}

macro_rules! registers {
    // Access: set (rows 0 to 15), rwl (sticky status), rw (the link's rows), ro.
    ($($type:ident $name:literal $number:literal = $reset:literal $access:ident $part:ident;)*) => {
        $(
            impl sealed::Sealed for $type {}
            impl Register for $type {
                const ROW: u8 = $number;
                const RESET: u32 = $reset;
                const NAME: &'static str = $name;
                const LATCHED: bool = registers!(@latched $access);
            }
            impl Readable for $type {}
            registers!(@writable $access $type);
            impl<M: $part> On<M> for $type {}
        )*

        /// All rows in the order of the map.
        pub static MAP: [Row; ROWS as usize] = [
            $(Row::of::<$type>(registers!(@is_writable $access)),)*
        ];

        impl fmt::Debug for Decoded {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.row {
                    $($number => fmt::Debug::fmt(&$type::from_bits(self.bits), f),)*
                    _ => write!(f, "{:#010x}", self.bits),
                }
            }
        }
    };
    (@latched ro) => { true };
    (@latched rwl) => { true };
    (@latched $access:ident) => { false };
    (@is_writable ro) => { false };
    (@is_writable $access:ident) => { true };
    (@writable ro $type:ident) => {};
    (@writable set $type:ident) => {
        impl Writable for $type {}
        impl Setting for $type {}
    };
    (@writable $access:ident $type:ident) => { impl Writable for $type {} };
}

registers! {
    DspCr1 "DSP_CR1" 0 = 0x0400_00A0 set Model;
    DspCr2 "DSP_CR2" 1 = 0x2400_00A0 set Model;
    DspCr3 "DSP_CR3" 2 = 0x0000_04E0 set Model;
    DspCr4 "DSP_CR4" 3 = 0x0000_0000 set Model;
    DspCr5 "DSP_CR5" 4 = 0x003F_F800 set Model;
    DspCr6 "DSP_CR6" 5 = 0x003F_F800 set Model;
    DspCr7 "DSP_CR7" 6 = 0x003F_F800 set Model;
    DspCr8 "DSP_CR8" 7 = 0x003F_F800 set Model;
    DspCr9 "DSP_CR9" 8 = 0x0000_0FFF set Model;
    DspCr10 "DSP_CR10" 9 = 0x0000_0FFF set Model;
    DspCr11 "DSP_CR11" 10 = 0x0000_0FFF set Model;
    DspCr12 "DSP_CR12" 11 = 0x0000_0FFF set Model;
    DfeCr1 "DFE_CR1" 12 = 0x0F27_0327 set Model;
    DfeCr2 "DFE_CR2" 13 = 0x0327_0327 set Model;
    DspIrq1 "DSP_IRQ1" 14 = 0x0000_0000 set Model;
    DspIrq2 "DSP_IRQ2" 15 = 0x0000_0000 set TwoCurrents;
    DspSr1 "DSP_SR1" 16 = 0x0000_0000 rwl Model;
    DspSr2 "DSP_SR2" 17 = 0x0000_0000 rwl TwoCurrents;
    UsReg1 "US_REG1" 18 = 0x0000_4007 rw Model;
    UsReg2 "US_REG2" 19 = 0x0000_0683 rw Model;
    UsReg3 "US_REG3" 20 = 0x0000_0000 rw Model;
    DspEv1 "DSP_EV1" 21 = 0x0000_0000 ro Model;
    DspEv2 "DSP_EV2" 22 = 0x0000_0000 ro TwoCurrents;
    DspReg1 "DSP_REG1" 23 = 0x0000_0000 ro Model;
    DspReg2 "DSP_REG2" 24 = 0x0000_0000 ro Model;
    DspReg3 "DSP_REG3" 25 = 0x0000_0000 ro Model;
    DspReg4 "DSP_REG4" 26 = 0x0000_0000 ro TwoVoltages;
    DspReg5 "DSP_REG5" 27 = 0x0000_0000 ro TwoCurrents;
    DspReg6 "DSP_REG6" 28 = 0x0000_0000 ro Model;
    DspReg7 "DSP_REG7" 29 = 0x0000_0000 ro Model;
    DspReg8 "DSP_REG8" 30 = 0x0000_0000 ro TwoVoltages;
    DspReg9 "DSP_REG9" 31 = 0x0000_0000 ro TwoCurrents;
    DspReg10 "DSP_REG10" 32 = 0x0000_0000 ro Model;
    DspReg11 "DSP_REG11" 33 = 0x0000_0000 ro Model;
    DspReg12 "DSP_REG12" 34 = 0x0000_0000 ro Model;
    DspReg13 "DSP_REG13" 35 = 0x0000_0000 ro Model;
    DspReg14 "DSP_REG14" 36 = 0x0000_0000 ro Model;
    DspReg15 "DSP_REG15" 37 = 0x0000_0000 ro TwoCurrents;
    DspReg16 "DSP_REG16" 38 = 0x0000_0000 ro Model;
    DspReg17 "DSP_REG17" 39 = 0x0000_0000 ro Model;
    DspReg18 "DSP_REG18" 40 = 0x0000_0000 ro TwoVoltages;
    DspReg19 "DSP_REG19" 41 = 0x0000_0000 ro TwoCurrents;
    Ph1Reg1 "PH1_REG1" 42 = 0x0000_0000 ro Model;
    Ph1Reg2 "PH1_REG2" 43 = 0x0000_0000 ro Model;
    Ph1Reg3 "PH1_REG3" 44 = 0x0000_0000 ro Model;
    Ph1Reg4 "PH1_REG4" 45 = 0x0000_0000 ro Model;
    Ph1Reg5 "PH1_REG5" 46 = 0x0000_0000 ro Model;
    Ph1Reg6 "PH1_REG6" 47 = 0x0000_0000 ro Model;
    Ph1Reg7 "PH1_REG7" 48 = 0x0000_0000 ro Model;
    Ph1Reg8 "PH1_REG8" 49 = 0x0000_0000 ro Model;
    Ph1Reg9 "PH1_REG9" 50 = 0x0000_0000 ro Model;
    Ph1Reg10 "PH1_REG10" 51 = 0x0000_0000 ro Model;
    Ph1Reg11 "PH1_REG11" 52 = 0x0000_0000 ro Model;
    Ph1Reg12 "PH1_REG12" 53 = 0x0000_0000 ro Model;
    Ph2Reg1 "PH2_REG1" 54 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg2 "PH2_REG2" 55 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg3 "PH2_REG3" 56 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg4 "PH2_REG4" 57 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg5 "PH2_REG5" 58 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg6 "PH2_REG6" 59 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg7 "PH2_REG7" 60 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg8 "PH2_REG8" 61 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg9 "PH2_REG9" 62 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg10 "PH2_REG10" 63 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg11 "PH2_REG11" 64 = 0x0000_0000 ro TwoCurrents;
    Ph2Reg12 "PH2_REG12" 65 = 0x0000_0000 ro TwoCurrents;
    TotReg1 "TOT_REG1" 66 = 0x0000_0000 ro Model;
    TotReg2 "TOT_REG2" 67 = 0x0000_0000 ro Model;
    TotReg3 "TOT_REG3" 68 = 0x0000_0000 ro Model;
    TotReg4 "TOT_REG4" 69 = 0x0000_0000 ro Model;
}
