//! What one latch caught.

use meter_core::units::{Milliamps, Millihertz, Millivars, MillivoltAmps, Millivolts, Milliwatts};

use crate::Scales;
use crate::reg::{DspEv1, DspReg1, DspReg14, DspSr1, Power, row};

/// Everything a latch caught, as raw integers of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Snapshot {
    /// The primary channel.
    pub primary: Reading,
    /// The secondary channel, when it is in use.
    pub secondary: Option<Reading>,
    /// The chip's own totals of both channels, when the secondary one is in use.
    ///
    /// They add counts: meaningful only where both channels have the same scales.
    pub totals: Option<Energies>,
}

/// One channel's values, raw.
///
/// | field | converter |
/// | --- | --- |
/// | `voltage_rms` | [`voltage`](Self::voltage) |
/// | `current_rms` | [`current`](Self::current) |
/// | `power.active`, `.fundamental` | [`active`](Self::active), `Scales::active_power` |
/// | `power.reactive` | [`reactive`](Self::reactive) |
/// | `power.apparent` | [`apparent`](Self::apparent) |
/// | `period` | [`frequency`](Self::frequency) |
/// | `energy` | `Scales::energy_lsb`, on the difference of two snapshots |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reading {
    /// Voltage RMS, 15 bits.
    pub voltage_rms: u16,
    /// Current RMS, 17 bits.
    pub current_rms: u32,
    /// The four powers.
    pub power: Powers,
    /// The four energies.
    pub energy: Energies,
    /// Line period; trust it only while `events` shows no period error.
    pub period: u16,
    /// Sticky status, both channels' signs and wraps included.
    pub status: DspSr1,
    /// Events as they were at the latch.
    pub events: DspEv1,
}

/// Powers of one channel, 29 bits signed; positive active power is import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Powers {
    /// Wideband active power.
    pub active: i32,
    /// Active power of the fundamental.
    pub fundamental: i32,
    /// Reactive power of the fundamental. Its sign for an inductive load is not documented.
    pub reactive: i32,
    /// Apparent power, the product of the RMS values.
    pub apparent: i32,
}

/// Energy counters: free-running, signed steps, wrapping modulo 2^32 both ways.
///
/// At the largest recommended load a counter turns once in 43.8 s (DS10272 section 10); read it at
/// least every 21 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Energies {
    /// Wideband active energy.
    pub active: u32,
    /// Active energy of the fundamental.
    pub fundamental: u32,
    /// Reactive energy.
    pub reactive: u32,
    /// Apparent energy.
    pub apparent: u32,
}

impl Reading {
    /// The voltage.
    #[must_use]
    pub fn voltage(&self, scales: &Scales) -> Millivolts {
        scales.voltage(self.voltage_rms)
    }

    /// The current.
    #[must_use]
    pub fn current(&self, scales: &Scales) -> Milliamps {
        scales.current(self.current_rms)
    }

    /// The wideband active power.
    #[must_use]
    pub fn active(&self, scales: &Scales) -> Milliwatts {
        scales.active_power(self.power.active)
    }

    /// The reactive power.
    #[must_use]
    pub fn reactive(&self, scales: &Scales) -> Millivars {
        scales.reactive_power(self.power.reactive)
    }

    /// The apparent power.
    #[must_use]
    pub fn apparent(&self, scales: &Scales) -> MillivoltAmps {
        scales.apparent_power(self.power.apparent)
    }

    /// The line frequency, or `None` while the chip holds an old period (sag, or out of range).
    #[must_use]
    pub fn frequency(&self, scales: &Scales) -> Option<Millihertz> {
        (!self.events.period_error()).then(|| scales.frequency(self.period))
    }
}

/// Rows read for one channel, the restart marker and the link's status last.
pub(crate) const SINGLE: &[u8] = &[
    row::DSP_SR1,
    row::DSP_EV1,
    row::DSP_REG1,
    row::DSP_REG14,
    row::PH1_REG1,
    row::PH1_REG2,
    row::PH1_REG3,
    row::PH1_REG4,
    row::PH1_REG5,
    row::PH1_REG6,
    row::PH1_REG7,
    row::PH1_REG8,
    row::DSP_CR1,
    row::US_REG3,
];

/// Rows read for two channels, the restart marker and the link's status last.
pub(crate) const DUAL: &[u8] = &[
    row::DSP_SR1,
    row::DSP_SR2,
    row::DSP_EV1,
    row::DSP_EV2,
    row::DSP_REG1,
    row::DSP_REG14,
    row::DSP_REG15,
    row::PH1_REG1,
    row::PH1_REG2,
    row::PH1_REG3,
    row::PH1_REG4,
    row::PH1_REG5,
    row::PH1_REG6,
    row::PH1_REG7,
    row::PH1_REG8,
    row::PH2_REG1,
    row::PH2_REG2,
    row::PH2_REG3,
    row::PH2_REG4,
    row::PH2_REG5,
    row::PH2_REG6,
    row::PH2_REG7,
    row::PH2_REG8,
    row::TOT_REG1,
    row::TOT_REG2,
    row::TOT_REG3,
    row::TOT_REG4,
    row::DSP_CR1,
    row::US_REG3,
];

/// Rows as read, found by their numbers.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) numbers: &'a [u8],
    pub(crate) values: &'a [u32],
}

impl Rows<'_> {
    /// A row that was read; 0 for one that was not.
    pub(crate) fn get(&self, number: u8) -> u32 {
        let found = self.numbers.iter().position(|&row| row == number);
        found
            .and_then(|place| self.values.get(place))
            .copied()
            .unwrap_or(0)
    }

    fn energies(&self, first: u8) -> Energies {
        Energies {
            active: self.get(first),
            fundamental: self.get(first + 1),
            reactive: self.get(first + 2),
            apparent: self.get(first + 3),
        }
    }

    fn powers(&self, first: u8) -> Powers {
        let power = |number| Power::from_bits(self.get(number)).value();
        Powers {
            active: power(first),
            fundamental: power(first + 1),
            reactive: power(first + 2),
            apparent: power(first + 3),
        }
    }

    fn primary(&self) -> Reading {
        let rms = DspReg14::from_bits(self.get(row::DSP_REG14));
        Reading {
            voltage_rms: rms.voltage(),
            current_rms: rms.current(),
            power: self.powers(row::PH1_REG5),
            energy: self.energies(row::PH1_REG1),
            period: DspReg1::from_bits(self.get(row::DSP_REG1)).primary(),
            status: DspSr1::from_bits(self.get(row::DSP_SR1)),
            events: DspEv1::from_bits(self.get(row::DSP_EV1)),
        }
    }

    fn secondary(&self) -> Reading {
        let rms = DspReg14::from_bits(self.get(row::DSP_REG15));
        Reading {
            voltage_rms: rms.voltage(),
            current_rms: rms.current(),
            power: self.powers(row::PH2_REG5),
            energy: self.energies(row::PH2_REG1),
            period: DspReg1::from_bits(self.get(row::DSP_REG1)).secondary(),
            status: DspSr1::from_bits(self.get(row::DSP_SR2)),
            events: DspEv1::from_bits(self.get(row::DSP_EV2)),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let dual = self.numbers.contains(&row::PH2_REG1);
        Snapshot {
            primary: self.primary(),
            secondary: dual.then(|| self.secondary()),
            totals: dual.then(|| self.energies(row::TOT_REG1)),
        }
    }
}
