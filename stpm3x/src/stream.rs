//! Samples as a stream, 7812.5 a second, with the lost ones counted.
//!
//! The chip has no counter of samples. It has a clock output, CLKOUT, that shows 7.8125 kHz after a
//! reset (DSP_CR3: ZCR_EN 0, ZCR_SEL 0): connect it to an interrupt or a counting timer, and read
//! a sample after each edge. The number of edges tells which sample it is, and how many were lost.

use crate::reg::{DspCr1, DspReg2, DspReg3, Register, UsReg3};
use crate::seq::Collect;
use crate::snapshot::Rows;

/// Rows of a sample of the primary channel, and the proof.
pub(crate) const SAMPLE: &[u8] = &[DspReg2::ROW, DspReg3::ROW, DspCr1::ROW, UsReg3::ROW];

/// Voltage and current of the primary channel at one instant, raw, 24 bits signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sample {
    /// V1_DATA; [`Scales::voltage_sample_uv`](crate::Scales::voltage_sample_uv) converts it.
    pub voltage: i32,
    /// C1_DATA; [`Scales::current_sample_ua`](crate::Scales::current_sample_ua) converts it.
    pub current: i32,
}

impl Collect for Sample {
    fn collect(rows: &Rows<'_>) -> Self {
        Self {
            voltage: DspReg2::from_bits(rows.get(DspReg2::ROW)).sample(),
            current: DspReg3::from_bits(rows.get(DspReg3::ROW)).sample(),
        }
    }
}

/// Counts the samples that were not read.
///
/// ```
/// use stpm3x::SampleClock;
/// let mut clock = SampleClock::new();
/// assert_eq!(clock.lost_before(65_534), 0); // the first sample loses none
/// assert_eq!(clock.lost_before(65_535), 0);
/// assert_eq!(clock.lost_before(2), 2); // 0 and 1 of a 16-bit timer went by
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SampleClock {
    last: Option<u16>,
}

impl SampleClock {
    /// A clock that has seen no sample.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// Samples lost between the last one and the one that belongs to this count of edges.
    ///
    /// `edges` is a free-running 16-bit count of CLKOUT: up to 65,535 lost samples, 8.4 s, are told.
    /// A count that has not moved is the same sample once more, and is told as 65,535 lost.
    pub const fn lost_before(&mut self, edges: u16) -> u16 {
        let lost = match self.last {
            Some(last) => edges.wrapping_sub(last).wrapping_sub(1),
            None => 0,
        };
        self.last = Some(edges);
        lost
    }
}
