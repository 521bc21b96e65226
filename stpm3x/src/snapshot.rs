//! What one latch caught.

use core::marker::PhantomData;

use meter_core::units::{Milliamps, Millihertz, Millivars, MillivoltAmps, Millivolts, Milliwatts};

use crate::part::{Model, TwoCurrents};
use crate::reg::{
    DspCr1, DspEv1, DspReg1, DspReg2, DspReg14, DspReg16, DspReg17, DspSr1, Ph1Reg5, Register,
    UsReg3,
};
use crate::seq::Collect;
use crate::{Channel, Part, Scales};

/// What bills and alarms need of a latch, as raw integers of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Snapshot<M> {
    /// The primary channel.
    pub primary: Reading,
    secondary: Option<Reading>,
    totals: Option<Energies>,
    model: PhantomData<M>,
}

impl<M> Snapshot<M> {
    pub(crate) const fn second(&self) -> Option<&Reading> {
        self.secondary.as_ref()
    }
}

impl<M: TwoCurrents> Snapshot<M> {
    /// The secondary channel, when it is in use.
    #[must_use]
    pub const fn secondary(&self) -> Option<&Reading> {
        self.secondary.as_ref()
    }

    /// The chip's own totals of both channels, when the secondary one is in use.
    ///
    /// They add counts: meaningful only where both channels have the same scales.
    #[must_use]
    pub const fn totals(&self) -> Option<&Energies> {
        self.totals.as_ref()
    }
}

/// Everything a latch caught, as raw integers of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FullSnapshot<M> {
    /// What bills and alarms need.
    pub basic: Snapshot<M>,
    /// What else the primary channel shows.
    pub primary: Detail,
    secondary: Option<Detail>,
}

impl<M: TwoCurrents> FullSnapshot<M> {
    /// What else the secondary channel shows, when it is in use.
    #[must_use]
    pub const fn secondary(&self) -> Option<&Detail> {
        self.secondary.as_ref()
    }
}

/// One channel's samples, times and angles, raw.
///
/// | field | converter |
/// | --- | --- |
/// | `voltage_sample`, `voltage_fundamental` | [`Scales::voltage_sample_uv`] |
/// | `current_sample`, `current_fundamental` | [`Scales::current_sample_ua`] |
/// | `apparent_vectorial` | [`Scales::apparent_power`] |
/// | `momentary_active`, `momentary_fundamental` | [`Scales::active_power`] |
/// | `phase_angle` | [`Scales::phase_angle`], with the period |
/// | `ampere_hours` | [`Scales::ampere_hour_lsb`], on the difference of two snapshots |
/// | the times | [`Scales::time_us`] |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Detail {
    /// Vx_DATA: wideband voltage, 24 bits signed. The STPM33 shows V1 for both channels.
    pub voltage_sample: i32,
    /// Cx_DATA: wideband current, 24 bits signed.
    pub current_sample: i32,
    /// Vx_FUND: fundamental of the voltage, 24 bits signed.
    pub voltage_fundamental: i32,
    /// Cx_FUND: fundamental of the current, 24 bits signed.
    pub current_fundamental: i32,
    /// Apparent power from the vectors, 29 bits.
    pub apparent_vectorial: i32,
    /// Momentary active power, 29 bits signed.
    pub momentary_active: i32,
    /// Momentary active power of the fundamental, 29 bits signed.
    pub momentary_fundamental: i32,
    /// Delay between the zero crossings of voltage and current; which of them leads is not
    /// documented (DS10272 section 11).
    pub phase_angle: u16,
    /// Ampere-hour accumulator: only grows, and wraps modulo 2^32.
    pub ampere_hours: u32,
    /// Time in voltage swell, added up until cleared.
    pub voltage_swell_time: u16,
    /// Time in voltage sag, added up until cleared.
    pub sag_time: u16,
    /// Time in current swell, added up until cleared.
    pub current_swell_time: u16,
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

/// The restart marker and the link's status end every block.
const fn proven<const N: usize>(mut rows: [u8; N]) -> [u8; N] {
    rows[N - 2] = DspCr1::ROW;
    rows[N - 1] = UsReg3::ROW;
    rows
}

/// Rows of a snapshot of one channel.
pub(crate) const SINGLE: &[u8] = &proven([16, 21, 23, 36, 42, 43, 44, 45, 46, 47, 48, 49, 0, 0]);

/// Rows of a snapshot of both channels.
pub(crate) const DUAL: &[u8] = &proven([
    16, 17, 21, 22, 23, 36, 37, 42, 43, 44, 45, 46, 47, 48, 49, 54, 55, 56, 57, 58, 59, 60, 61, 66,
    67, 68, 69, 0, 0,
]);

/// Rows of a full snapshot of one channel.
pub(crate) const FULL_SINGLE: &[u8] = &proven([
    16, 21, 23, 24, 25, 28, 29, 36, 38, 39, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 0, 0,
]);

/// Rows of a full snapshot of both channels on one voltage.
pub(crate) const FULL_ONE_VOLTAGE: &[u8] = &proven([
    16, 17, 21, 22, 23, 24, 25, 27, 28, 29, 31, 36, 37, 38, 39, 41, 42, 43, 44, 45, 46, 47, 48, 49,
    50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 0, 0,
]);

/// Rows of a full snapshot of both channels.
pub(crate) const FULL_DUAL: &[u8] = &proven([
    16, 17, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46,
    47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 0,
    0,
]);

/// Rows of one channel as offsets from the primary's; both have one layout.
struct Place {
    /// Rows that lie side by side: 0 or 1.
    beside: u8,
    /// Rows that lie by pairs: 0 or 2.
    pair: u8,
    /// Rows of a phase: 0 or 12.
    phase: u8,
}

impl Place {
    const fn of(channel: Channel) -> Self {
        match channel {
            Channel::Primary => Self {
                beside: 0,
                pair: 0,
                phase: 0,
            },
            Channel::Secondary => Self {
                beside: 1,
                pair: 2,
                phase: 12,
            },
        }
    }
}

/// Rows as read, found by their numbers.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pub(crate) numbers: &'a [u8],
    pub(crate) values: &'a [u32],
}

impl Rows<'_> {
    /// A row that was read; 0 for one that was not.
    #[must_use]
    #[inline(never)]
    pub fn get(&self, number: u8) -> u32 {
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

    fn power(&self, number: u8) -> i32 {
        Ph1Reg5::from_bits(self.get(number)).power()
    }

    fn sample(&self, number: u8) -> i32 {
        DspReg2::from_bits(self.get(number)).sample()
    }

    fn reading(&self, channel: Channel) -> Reading {
        let place = Place::of(channel);
        let rms = DspReg14::from_bits(self.get(36 + place.beside));
        let periods = DspReg1::from_bits(self.get(23));
        Reading {
            voltage_rms: rms.voltage(),
            current_rms: rms.current(),
            power: Powers {
                active: self.power(46 + place.phase),
                fundamental: self.power(47 + place.phase),
                reactive: self.power(48 + place.phase),
                apparent: self.power(49 + place.phase),
            },
            energy: self.energies(42 + place.phase),
            period: match channel {
                Channel::Primary => periods.primary(),
                Channel::Secondary => periods.secondary(),
            },
            status: DspSr1::from_bits(self.get(16 + place.beside)),
            events: DspEv1::from_bits(self.get(21 + place.beside)),
        }
    }

    fn detail(&self, channel: Channel, part: Part) -> Detail {
        let place = Place::of(channel);
        // The STPM33 has one voltage for both channels.
        let source = if part.has_second_voltage() {
            place.pair
        } else {
            0
        };
        let voltage = DspReg16::from_bits(self.get(38 + source));
        let current = DspReg17::from_bits(self.get(39 + place.pair));
        Detail {
            voltage_sample: self.sample(24 + source),
            current_sample: self.sample(25 + place.pair),
            voltage_fundamental: self.sample(28 + source),
            current_fundamental: self.sample(29 + place.pair),
            apparent_vectorial: self.power(50 + place.phase),
            momentary_active: self.power(51 + place.phase),
            momentary_fundamental: self.power(52 + place.phase),
            phase_angle: current.phase_angle(),
            ampere_hours: self.get(53 + place.phase),
            voltage_swell_time: voltage.swell_time(),
            sag_time: voltage.sag_time(),
            current_swell_time: current.swell_time(),
        }
    }

    fn has_secondary(&self) -> bool {
        self.numbers.contains(&54)
    }
}

impl<M: Model> Collect for Snapshot<M> {
    fn collect(rows: &Rows<'_>) -> Self {
        let dual = M::PART.has_secondary() && rows.has_secondary();
        Self {
            primary: rows.reading(Channel::Primary),
            secondary: dual.then(|| rows.reading(Channel::Secondary)),
            totals: dual.then(|| rows.energies(66)),
            model: PhantomData,
        }
    }
}

impl<M: Model> Collect for FullSnapshot<M> {
    fn collect(rows: &Rows<'_>) -> Self {
        let dual = M::PART.has_secondary() && rows.has_secondary();
        Self {
            basic: Snapshot::collect(rows),
            primary: rows.detail(Channel::Primary, M::PART),
            secondary: dual.then(|| rows.detail(Channel::Secondary, M::PART)),
        }
    }
}
