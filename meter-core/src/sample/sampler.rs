//! From blocks of samples to half cycles and windows.

use core::fmt;

use super::Sample;
use super::correlator::Correlator;
use super::crossing::{Crossing, behind};
use super::integral::{Edge, Integral, Integrand, ONE};
use super::window::{HalfCycle, Window};
use crate::units::Millihertz;

/// Sampling rates that are taken, in mHz.
const RATES: core::ops::RangeInclusive<u32> = 1_000_000..=64_000_000;
/// A half cycle without a crossing ends after 12.5 ms, that of 40 Hz.
const SLOWEST_HALF_CYCLES: u32 = 80_000;
/// The threshold of crossings, as a part of the RMS voltage of the last cycle.
const THRESHOLD: i32 = 4;

/// How samples are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// Samples in a second, 1 to 64 kHz; the STPM3x gives 7812.5 (a CLKOUT of 1 MHz over 128).
    pub rate: Millihertz,
    /// Cycles of a window, 1 to 12: 10 at 50 Hz and 12 at 60 Hz are the 200 ms of IEC 61000-4-30.
    pub cycles: u8,
    /// The least voltage in counts whose crossings are looked for, 1 to 2^22: above the noise.
    pub floor: u32,
    /// Whether V1, I1, P1 and Q1 are looked for, at four more products a sample.
    pub fundamental: bool,
}

/// Which rule settings break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SettingsError {
    /// The rate is not 1 to 64 kHz.
    Rate,
    /// A window is not 1 to 12 cycles long.
    Cycles,
    /// The floor is not 1 to 2^22 counts.
    Floor,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rate => "the sampling rate must be 1 to 64 kHz",
            Self::Cycles => "a window is 1 to 12 cycles long",
            Self::Floor => "the floor of the voltage must be 1 to 2^22 counts",
        })
    }
}

impl core::error::Error for SettingsError {}

/// What samples complete.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A half cycle has ended: the voltage of the cycle up to here. Feed it to
    /// [`VoltageEvents`](crate::quality::VoltageEvents).
    HalfCycle(HalfCycle),
    /// A window has ended.
    Window(Window),
}

/// Turns samples of one phase into half cycles and windows.
///
/// Samples that were lost are to be made known by [`lost`](Self::lost). While there is no voltage,
/// half cycles and windows go on by time, marked; a voltage of zero is a reading like any other.
///
/// ```
/// use meter_core::sample::{Event, Sample, Sampler, Scale, Settings};
/// use meter_core::scale::Ratio;
/// use meter_core::units::Millihertz;
/// // 50.5 Hz at 7812.5 samples a second; a count is 100 µV and 10 µA.
/// let rate = Millihertz::new(7_812_500);
/// let mut sampler = Sampler::new(Settings { rate, cycles: 10, floor: 1_000, fundamental: true })?;
/// let scale = Scale {
///     voltage: Ratio::new(100, 1).unwrap(),
///     current: Ratio::new(10_000, 1).unwrap(),
/// };
/// let mut last = None;
/// for n in 0..8_000 {
///     let angle = std::f64::consts::TAU * 50.5 * f64::from(n) / 7_812.5;
///     let voltage = (325_269.0 * 10.0 * angle.sin()) as i32; // 230 V
///     let current = (7_071.0 * 100.0 * (angle - 1.047_198).sin()) as i32; // 5 A, lags 60 degrees
///     sampler.take(&[Sample::new(voltage, current)], |event| {
///         if let Event::Window(window) = event {
///             last = Some(window);
///         }
///     });
/// }
/// let window = last.unwrap();
/// assert_eq!(window.frequency(), Some(Millihertz::new(50_500)));
/// let measured = window.measured(&scale);
/// assert!(measured.voltage.get().abs_diff(230_000_000) < 1_000);
/// assert!(measured.reactive_1.get().abs_diff(995_900_000) < 50_000);
/// # Ok::<(), meter_core::sample::SettingsError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sampler {
    settings: Settings,
    /// Samples after which a half cycle ends without a crossing.
    longest: usize,
    crossing: Crossing,
    /// The sample before the next one.
    previous: Option<Sample>,
    half: Half,
    /// The half cycle before, and whether it lies between crossings.
    before: (Integral<3>, bool),
    window: Running,
    correlator: Option<Correlator>,
    /// Turns a sample in 1/2^64, of the last window that was synchronised.
    frequency: Option<u64>,
}

/// A half cycle that runs.
#[derive(Clone, Copy, Debug)]
struct Half {
    begin: Edge<3>,
    sums: [i64; 3],
    count: usize,
    /// Whether it began at a crossing.
    is_synchronised: bool,
}

/// A window that runs.
#[derive(Clone, Copy, Debug)]
struct Running {
    integral: Integral<3>,
    half_cycles: u8,
    is_synchronised: bool,
}

impl Running {
    const EMPTY: Self = Self {
        integral: Integral::ZERO,
        half_cycles: 0,
        is_synchronised: true,
    };
}

/// The edge between two samples.
struct Boundary {
    before: Sample,
    next: Sample,
    after: i64,
    is_crossing: bool,
}

impl Boundary {
    fn edge(&self) -> Edge<3> {
        Edge {
            before: self.before.values(),
            next: self.next.values(),
            after: self.after,
        }
    }
}

impl Sampler {
    /// A sampler that has seen nothing.
    ///
    /// # Errors
    /// [`SettingsError`] names the rule that the settings break.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let rate = settings.rate.get();
        if !RATES.contains(&rate) {
            return Err(SettingsError::Rate);
        }
        if !(1..=12).contains(&settings.cycles) {
            return Err(SettingsError::Cycles);
        }
        let floor = i32::try_from(settings.floor).ok();
        let floor = floor.filter(|floor| (1..=1 << 22).contains(floor));
        let floor = floor.ok_or(SettingsError::Floor)?;
        let nothing = Sample::default().values();
        Ok(Self {
            settings,
            longest: usize::try_from(rate / SLOWEST_HALF_CYCLES).unwrap_or(usize::MAX),
            crossing: Crossing::new(floor),
            previous: None,
            half: Half {
                begin: Edge {
                    before: nothing,
                    next: nothing,
                    after: 0,
                },
                sums: [0; 3],
                count: 0,
                is_synchronised: false,
            },
            before: (Integral::ZERO, false),
            window: Running::EMPTY,
            correlator: None,
            frequency: None,
        })
    }

    /// Takes the next samples, any number of them, and tells what they complete. Blocks of a
    /// millisecond or more cost the least.
    pub fn take(&mut self, samples: &[Sample], mut each: impl FnMut(Event)) {
        let mut rest = samples;
        while let Some(first) = rest.first() {
            if self.previous.is_none() {
                self.begin(*first);
            }
            // At least one sample is in a half cycle before it can end.
            let room = self.longest.saturating_sub(self.half.count).max(1);
            let reach = rest.get(..room).unwrap_or(rest);
            let found = self.crossing.find(reach);
            let (now, after) = rest.split_at(found.unwrap_or(reach.len()));
            self.sum(now);
            if found.is_some() {
                self.cross(after.first(), &mut each);
            } else if self.half.count >= self.longest {
                self.time_out(&mut each);
            }
            rest = after;
        }
    }

    /// Samples were lost before the next one: what runs is given up.
    pub fn lost(&mut self) {
        self.previous = None;
        self.before = (Integral::ZERO, false);
        self.window = Running::EMPTY;
        self.correlator = None;
        self.crossing.restart(self.floor());
    }

    /// Begins a half cycle with a sample before which nothing is known.
    fn begin(&mut self, first: Sample) {
        let at_first = Boundary {
            before: first,
            next: first,
            after: 0,
            is_crossing: false,
        };
        self.start_half(&at_first);
        self.previous = Some(first);
    }

    fn start_half(&mut self, boundary: &Boundary) {
        self.half = Half {
            begin: boundary.edge(),
            sums: [0; 3],
            count: 0,
            is_synchronised: boundary.is_crossing,
        };
    }

    /// What is done for each sample.
    #[inline]
    fn sum(&mut self, samples: &[Sample]) {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return;
        };
        if self.half.count == 0 {
            // Where no crossing began it, the half cycle could not know.
            self.half.begin.next = first.values();
        }
        let [mut vv, mut ii, mut vi] = self.half.sums;
        for sample in samples {
            let (v, i) = (i64::from(sample.voltage), i64::from(sample.current));
            vv += v * v;
            ii += i * i;
            vi += v * i;
        }
        self.half.sums = [vv, ii, vi];
        self.half.count += samples.len();
        if let Some(correlator) = &mut self.correlator {
            correlator.add(samples);
        }
        self.previous = Some(*last);
    }

    /// The voltage crossed zero before `next`.
    fn cross(&mut self, next: Option<&Sample>, each: &mut impl FnMut(Event)) {
        let (Some(before), Some(next)) = (self.previous, next) else {
            return;
        };
        let boundary = Boundary {
            before,
            next: *next,
            after: behind(before, *next),
            is_crossing: true,
        };
        self.end_half(&boundary, each);
    }

    /// Nothing crossed for too long: the half cycle ends at its last sample.
    fn time_out(&mut self, each: &mut impl FnMut(Event)) {
        let Some(last) = self.previous else { return };
        let boundary = Boundary {
            before: last,
            next: last,
            after: ONE,
            is_crossing: false,
        };
        self.frequency = None;
        self.correlator = None;
        self.end_half(&boundary, each);
    }

    fn end_half(&mut self, boundary: &Boundary, each: &mut impl FnMut(Event)) {
        let Half {
            begin,
            sums,
            count,
            is_synchronised,
        } = self.half;
        let count = i64::try_from(count).unwrap_or(0);
        let is_whole = is_synchronised && boundary.is_crossing;
        self.start_half(boundary);
        if count == 0 {
            return;
        }
        let half = Integral::between(&begin, &sums, count, &boundary.edge());
        let (before, was_whole) = core::mem::replace(&mut self.before, (half, is_whole));
        if let Some(cycle) = HalfCycle::of(&half.plus(&before), is_whole && was_whole) {
            self.set_threshold(&cycle, boundary.is_crossing);
            each(Event::HalfCycle(cycle));
        }
        // Until the first crossing there is nothing that a window could begin with.
        if !is_synchronised && boundary.is_crossing && self.window.half_cycles == 0 {
            self.start_window(boundary);
            return;
        }
        self.window.integral = self.window.integral.plus(&half);
        self.window.half_cycles += 1;
        self.window.is_synchronised &= is_whole;
        if self.window.half_cycles >= 2 * self.settings.cycles {
            self.end_window(boundary, each);
        }
    }

    fn set_threshold(&mut self, cycle: &HalfCycle, is_crossing: bool) {
        let threshold = (cycle.counts() / THRESHOLD).max(self.floor());
        if is_crossing {
            self.crossing.set_threshold(threshold);
        } else {
            self.crossing.restart(threshold);
        }
    }

    fn floor(&self) -> i32 {
        i32::try_from(self.settings.floor).unwrap_or(i32::MAX)
    }

    fn end_window(&mut self, boundary: &Boundary, each: &mut impl FnMut(Event)) {
        let Running {
            integral,
            is_synchronised,
            ..
        } = self.window;
        let correlation = self
            .correlator
            .take()
            .map(|correlator| correlator.end(&boundary.before, &boundary.next, boundary.after));
        let cycles = self.settings.cycles;
        if is_synchronised && self.settings.fundamental {
            let length = u128::try_from(integral.length).unwrap_or(1).max(1);
            let turns = (u128::from(cycles) << 80) / length;
            self.frequency = u64::try_from(turns).ok();
        }
        let window = Window::of(
            cycles,
            is_synchronised,
            self.settings.rate,
            &integral,
            correlation.filter(|_| is_synchronised),
        );
        self.start_window(boundary);
        if let Some(window) = window {
            each(Event::Window(window));
        }
    }

    fn start_window(&mut self, boundary: &Boundary) {
        self.window = Running::EMPTY;
        // The pointer begins with the next sample.
        let found = self.frequency.filter(|_| boundary.is_crossing);
        self.correlator = found.map(|frequency| {
            Correlator::begin(frequency, &boundary.before, &boundary.next, boundary.after)
        });
    }
}
