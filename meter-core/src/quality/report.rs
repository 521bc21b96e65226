//! The report of a week by EN 50160, for a low-voltage supply.

use core::fmt;

use super::aggregate::Aggregate;
use super::events::{Kind, Row, VoltageEvent};
use crate::units::{Microvolts, Millihertz, Millivolts, PartsPerMillion};

/// Ten-minute values of a week.
pub const TEN_MINUTES_OF_A_WEEK: u32 = 1_008;

/// What EN 50160 asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Requirement {
    /// Each phase within Un ± 10 % in 95 % of the ten-minute means.
    Voltage,
    /// Each phase within Un + 10 % and - 15 % in all of them.
    VoltageAlways,
    /// The frequency within ± 1 % in 99.5 % of the ten-second values (of a year).
    Frequency,
    /// The frequency within + 4 % and - 6 % in all of them.
    FrequencyAlways,
    /// u2 up to 2 % in 95 % of the ten-minute means.
    Unbalance,
    /// THD of each phase up to 8 % in 95 % of the ten-minute means.
    Distortion,
}

impl Requirement {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 6] = [
        Self::Voltage,
        Self::VoltageAlways,
        Self::Frequency,
        Self::FrequencyAlways,
        Self::Unbalance,
        Self::Distortion,
    ];

    /// The share of the values that must be within.
    #[must_use]
    pub const fn share(self) -> PartsPerMillion {
        PartsPerMillion::new(match self {
            Self::Voltage | Self::Unbalance | Self::Distortion => 950_000,
            Self::Frequency => 995_000,
            Self::VoltageAlways | Self::FrequencyAlways => 1_000_000,
        })
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Voltage => "voltage, Un +-10 %",
            Self::VoltageAlways => "voltage, Un +10/-15 %",
            Self::Frequency => "frequency, +-1 %",
            Self::FrequencyAlways => "frequency, +4/-6 %",
            Self::Unbalance => "unbalance u2, 2 %",
            Self::Distortion => "THD, 8 %",
        }
    }
}

/// Whether a requirement is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// It is.
    Met,
    /// It is not.
    NotMet,
    /// There is no value.
    NoData,
}

/// One requirement, and what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Line {
    /// What is asked for.
    pub requirement: Requirement,
    /// Values that count: of the worst phase.
    pub values: u32,
    /// The share of them that is within, rounded down.
    pub within: PartsPerMillion,
    /// Whether that is enough.
    pub verdict: Verdict,
}

/// Values, and how many of them are within a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Share {
    values: u32,
    within: u32,
}

impl Share {
    const fn count(&mut self, is_within: bool) {
        self.values = self.values.saturating_add(1);
        self.within = self.within.saturating_add(is_within as u32);
    }

    fn line(self, requirement: Requirement) -> Line {
        let within = (u64::from(self.within) * 1_000_000).checked_div(self.values.into());
        let within = PartsPerMillion::new(within.unwrap_or(0).cast_signed());
        let enough = u64::from(self.within) * 1_000_000
            >= u64::from(self.values) * requirement.share().get().unsigned_abs();
        let verdict = match (self.values, enough) {
            (0, _) => Verdict::NoData,
            (_, true) => Verdict::Met,
            (_, false) => Verdict::NotMet,
        };
        Line {
            requirement,
            values: self.values,
            within,
            verdict,
        }
    }

    /// The one with the smaller part within.
    fn worse(self, other: Self) -> Self {
        let part = |a: Self, b: Self| u64::from(a.within) * u64::from(b.values);
        if other.values > 0 && part(other, self) < part(self, other) {
            other
        } else {
            self
        }
    }
}

/// The shares of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Phase {
    voltage: Share,
    always: Share,
    distortion: Share,
}

/// Counts what EN 50160 asks for, for a low-voltage supply of 50 Hz or 60 Hz.
///
/// Flagged and short ten-minute values are counted apart and judge nothing. Flicker (Plt) and
/// single harmonics are not part of it: they need a meter for them.
///
/// ```
/// use meter_core::quality::{Requirement, Verdict, WeeklyReport};
/// use meter_core::units::{Millihertz, Millivolts};
/// let declared = Millivolts::new(230_000);
/// let mut report = WeeklyReport::<1>::new(declared, Millihertz::new(50_000));
/// report.frequency(Millihertz::new(50_020));
/// let line = report.line(Requirement::Frequency);
/// assert_eq!((line.values, line.verdict), (1, Verdict::Met));
/// assert_eq!(report.line(Requirement::Voltage).verdict, Verdict::NoData);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WeeklyReport<const PHASES: usize> {
    declared: Millivolts,
    nominal: Millihertz,
    phases: [Phase; PHASES],
    unbalance: Share,
    frequency: Share,
    frequency_always: Share,
    flagged: u32,
    short: u32,
    dips: [[u16; 5]; 5],
    swells: [[u16; 3]; 2],
    short_interruptions: u16,
    long_interruptions: u16,
    beyond: u16,
}

impl<const PHASES: usize> WeeklyReport<PHASES> {
    /// An empty report for a declared voltage (phase to neutral) and a nominal frequency.
    #[must_use]
    pub fn new(declared: Millivolts, nominal: Millihertz) -> Self {
        Self {
            declared,
            nominal,
            phases: [Phase::default(); PHASES],
            unbalance: Share::default(),
            frequency: Share::default(),
            frequency_always: Share::default(),
            flagged: 0,
            short: 0,
            dips: [[0; 5]; 5],
            swells: [[0; 3]; 2],
            short_interruptions: 0,
            long_interruptions: 0,
            beyond: 0,
        }
    }

    /// Takes the means of ten minutes.
    pub fn ten_minutes(&mut self, mean: &Aggregate<PHASES>) {
        if mean.values.is_flagged || mean.values.is_short {
            self.flagged += u32::from(mean.values.is_flagged);
            self.short += u32::from(!mean.values.is_flagged);
            return;
        }
        let percent = |voltage: Microvolts, from: u64, to: u64| {
            let size = u64::from(voltage.get()) * 100;
            let whole = u64::from(self.declared.get()) * 1_000;
            size >= whole * from && size <= whole * to
        };
        for (phase, voltage) in self.phases.iter_mut().zip(mean.values.voltages) {
            phase.voltage.count(percent(voltage, 90, 110));
            phase.always.count(percent(voltage, 85, 110));
        }
        if let Some(distortions) = mean.values.distortions {
            for (phase, distortion) in self.phases.iter_mut().zip(distortions) {
                phase.distortion.count(distortion.get() <= 80_000);
            }
        }
        if let Some(unbalance) = mean.values.unbalance {
            self.unbalance.count(unbalance.get() <= 20_000);
        }
    }

    /// Takes the frequency of ten seconds.
    pub fn frequency(&mut self, frequency: Millihertz) {
        let (found, nominal) = (
            u64::from(frequency.get()) * 100,
            u64::from(self.nominal.get()),
        );
        self.frequency
            .count(found >= nominal * 99 && found <= nominal * 101);
        self.frequency_always
            .count(found >= nominal * 94 && found <= nominal * 104);
    }

    /// Takes a voltage event that has ended.
    pub fn event(&mut self, event: &VoltageEvent) {
        if event.kind == Kind::Interruption {
            let count = if event.is_long_interruption() {
                &mut self.long_interruptions
            } else {
                &mut self.short_interruptions
            };
            *count = count.saturating_add(1);
            return;
        }
        let cell = event.cell(self.declared);
        let count = cell.and_then(|cell| {
            let column = usize::from(cell.column);
            match cell.row {
                Row::S => self.swells[0].get_mut(column),
                Row::T => self.swells[1].get_mut(column),
                Row::A => self.dips[0].get_mut(column),
                Row::B => self.dips[1].get_mut(column),
                Row::C => self.dips[2].get_mut(column),
                Row::D => self.dips[3].get_mut(column),
                Row::X => self.dips[4].get_mut(column),
            }
        });
        let count = count.unwrap_or(&mut self.beyond);
        *count = count.saturating_add(1);
    }

    /// What was found of a requirement.
    #[must_use]
    pub fn line(&self, requirement: Requirement) -> Line {
        let worst = |share: fn(&Phase) -> Share| {
            let shares = self.phases.iter().map(share);
            shares.reduce(Share::worse).unwrap_or_default()
        };
        let share = match requirement {
            Requirement::Voltage => worst(|phase| phase.voltage),
            Requirement::VoltageAlways => worst(|phase| phase.always),
            Requirement::Frequency => self.frequency,
            Requirement::FrequencyAlways => self.frequency_always,
            Requirement::Unbalance => self.unbalance,
            Requirement::Distortion => worst(|phase| phase.distortion),
        };
        share.line(requirement)
    }

    /// Ten-minute values that judge nothing: flagged ones, and short ones that are not flagged.
    #[must_use]
    pub const fn left_out(&self) -> (u32, u32) {
        (self.flagged, self.short)
    }

    /// Dips by row, A B C D X, and column: up to 200, 500, 1000, 5000 and 60 000 ms.
    #[must_use]
    pub const fn dips(&self) -> &[[u16; 5]; 5] {
        &self.dips
    }

    /// Swells by row, S T, and column: up to 500, 5000 and 60 000 ms.
    #[must_use]
    pub const fn swells(&self) -> &[[u16; 3]; 2] {
        &self.swells
    }

    /// Interruptions up to three minutes, and longer ones.
    #[must_use]
    pub const fn interruptions(&self) -> (u16, u16) {
        (self.short_interruptions, self.long_interruptions)
    }

    /// Dips and swells longer than a minute, or not as deep as a row begins.
    #[must_use]
    pub const fn beyond_the_tables(&self) -> u16 {
        self.beyond
    }
}

impl<const PHASES: usize> fmt::Display for WeeklyReport<PHASES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for requirement in Requirement::ALL {
            let line = self.line(requirement);
            let verdict = match line.verdict {
                Verdict::Met => "met",
                Verdict::NotMet => "NOT MET",
                Verdict::NoData => "no data",
            };
            let tenths = |share: PartsPerMillion| share.get() / 1_000;
            let (within, asked) = (tenths(line.within), tenths(requirement.share()));
            writeln!(
                f,
                "{:<22} {:>3}.{} % of {:>5}, {:>3}.{} % asked: {verdict}",
                requirement.text(),
                within / 10,
                within % 10,
                line.values,
                asked / 10,
                asked % 10,
            )?;
        }
        writeln!(
            f,
            "left out: {} flagged, {} short",
            self.flagged, self.short
        )?;
        writeln!(f, "dips, ms      200   500  1000  5000 60000")?;
        let rows = [
            "A 90-80 %",
            "B 80-70 %",
            "C 70-40 %",
            "D 40- 5 %",
            "X below 5",
        ];
        for (name, row) in rows.iter().zip(&self.dips) {
            let [a, b, c, d, e] = row;
            writeln!(f, "{name:<11}{a:>6}{b:>6}{c:>6}{d:>6}{e:>6}")?;
        }
        writeln!(f, "swells, ms    500  5000 60000")?;
        for (name, [a, b, c]) in ["S over 120", "T 120-110"].iter().zip(&self.swells) {
            writeln!(f, "{name:<11}{a:>6}{b:>6}{c:>6}")?;
        }
        let (short, long) = self.interruptions();
        writeln!(
            f,
            "interruptions: {short} short, {long} long; other events: {}",
            self.beyond
        )
    }
}
