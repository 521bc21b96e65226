//! From blocks of samples to half cycles and windows.

use core::fmt;

use super::Sample;
use super::correlator::Correlator;
use super::crossing::{Condition, Crossing, behind};
use super::integral::{Edge, Integral, Integrand, ONE, length};
use super::window::{HalfCycle, Window};
use crate::scale::divide;
use crate::units::Millihertz;

/// Sampling rates that are taken, in mHz.
const RATES: core::ops::RangeInclusive<u32> = 1_000_000..=64_000_000;
/// A half cycle without a crossing ends after 12.5 ms, that of 40 Hz.
const SLOWEST_HALF_CYCLES: u32 = 80_000;
/// The fastest fundamental that is followed: an eighth of a turn a sample, in 1/2^64.
const FASTEST: u64 = 1 << 61;
/// No half cycle is shorter than this many quarters of the one before.
const SHORTEST: i64 = 3;
/// The threshold of crossings, as a part of the RMS voltage of a cycle before.
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
    /// A half cycle has ended: the voltage of the cycle up to here, or of 25 ms without a crossing.
    /// Feed it to [`VoltageEvents`](crate::quality::VoltageEvents); its time is known to the block
    /// of samples it comes from. The first one ends with the first whole cycle, at the beginning,
    /// after lost samples and when the voltage comes back.
    HalfCycle(HalfCycle),
    /// A window has ended.
    Window(Window),
}

/// Turns samples of one phase into half cycles and windows.
///
/// Samples that were lost are to be made known by [`lost`](Self::lost). While there is no voltage,
/// half cycles of 12.5 ms and windows of them go on, marked; a voltage of zero is a reading like
/// any other.
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
    window: Running,
    /// The half cycle that runs, and the one before.
    half: Half,
    before: Half,
    /// Samples of this half cycle in which no crossing is looked for.
    blind: usize,
    correlator: Option<Correlator>,
    /// Turns a sample in 1/2^64, of the last window that was synchronised.
    frequency: Option<u64>,
}

/// A window that runs.
#[derive(Clone, Copy, Debug)]
struct Running {
    begin: Edge<3>,
    sums: [i64; 3],
    count: usize,
    half_cycles: u8,
    is_synchronised: bool,
}

/// A half cycle; while it runs, squares and count are those of the window where it began.
#[derive(Clone, Copy, Debug)]
struct Half {
    squares: i64,
    count: usize,
    /// In 1/65536 of a sample interval: from the edge to the first sample, then the length.
    length: i64,
    /// Whether it began at a crossing, then whether it ended at one too.
    is_synchronised: bool,
    /// Whether it is no mere piece, from somewhere in a half cycle to the crossing that ends it:
    /// the mean square of such a piece is anything up to twice that of the cycle.
    is_whole: bool,
}

impl Half {
    const NONE: Self = Self {
        squares: 0,
        count: 0,
        length: 0,
        is_synchronised: false,
        is_whole: false,
    };
}

/// The edge between two samples.
#[derive(Clone, Copy)]
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
        let nothing = Boundary {
            before: Sample::default(),
            next: Sample::default(),
            after: 0,
            is_crossing: false,
        };
        Ok(Self {
            settings,
            longest: usize::try_from(rate / SLOWEST_HALF_CYCLES).unwrap_or(usize::MAX),
            crossing: Crossing::new(floor),
            previous: None,
            window: Running {
                begin: nothing.edge(),
                sums: [0; 3],
                count: 0,
                half_cycles: 0,
                is_synchronised: true,
            },
            half: Half::NONE,
            before: Half::NONE,
            blind: 0,
            correlator: None,
            frequency: None,
        })
    }

    /// Takes the next samples, any number of them, and tells what they complete. Blocks of a cycle
    /// or more cost the least.
    pub fn take(&mut self, samples: &[Sample], mut each: impl FnMut(Event)) {
        let mut rest = samples;
        while let Some(first) = rest.first() {
            if self.previous.is_none() {
                self.begin(*first);
            }
            // At least one sample is in a half cycle before it can end.
            let room = self.longest.saturating_sub(self.half_count()).max(1);
            let (taken, has_crossed) = self.sum(rest.get(..room).unwrap_or(rest));
            rest = rest.get(taken..).unwrap_or_default();
            if has_crossed {
                self.cross(rest.first(), &mut each);
            } else if self.half_count() >= self.longest {
                self.time_out(&mut each);
            }
        }
    }

    /// Samples were lost before the next one: what runs is given up, and the frequency with it. Half
    /// cycles go on with the first whole cycle, the fundamental with the second window.
    pub fn lost(&mut self) {
        self.previous = None;
        self.before = Half::NONE;
        self.frequency = None;
        self.crossing.restart(self.floor());
    }

    const fn half_count(&self) -> usize {
        self.window.count - self.half.count
    }

    /// Begins with a sample before which nothing is known.
    fn begin(&mut self, first: Sample) {
        self.previous = Some(first);
        self.start_window(Boundary {
            before: first,
            next: first,
            after: 0,
            is_crossing: false,
        });
    }

    /// Sums samples up to the first behind a crossing; how many, and whether there is one.
    fn sum(&mut self, samples: &[Sample]) -> (usize, bool) {
        let mut sums = self.window.sums;
        let blind = self.blind.saturating_sub(self.half_count());
        let mut taken = if blind > 0 {
            samples.len().min(blind)
        } else {
            self.crossing.begin(samples)
        };
        add_all(&mut sums, samples.get(..taken).unwrap_or_default());
        if blind > 0 && taken == blind {
            let squares = sums[0] - self.half.squares;
            self.crossing.looked_back(squares, self.blind);
        }
        let mut has_crossed = false;
        while let Some(rest) = samples.get(taken..)
            && !rest.is_empty()
            && !has_crossed
        {
            let before = add_until(&mut sums, rest, self.crossing.condition());
            taken += before;
            has_crossed = before < rest.len() && self.crossing.advance();
        }
        let samples = samples.get(..taken).unwrap_or_default();
        if let (Some(first), Some(last)) = (samples.first(), samples.last()) {
            if self.window.count == 0 {
                // Where no crossing began it, the window could not know.
                self.window.begin.next = first.values();
            }
            self.previous = Some(*last);
        }
        self.window.sums = sums;
        self.window.count += taken;
        if let Some(correlator) = &mut self.correlator {
            correlator.add(samples);
        }
        (taken, has_crossed)
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
        self.end_half(boundary, each);
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
        self.end_half(boundary, each);
    }

    fn end_half(&mut self, boundary: Boundary, each: &mut impl FnMut(Event)) {
        let [squares, ..] = self.window.sums;
        let count = i64::try_from(self.half_count()).unwrap_or(0);
        if count == 0 {
            return;
        }
        let began_at_crossing = self.half.is_synchronised;
        let half = Half {
            squares: squares - self.half.squares,
            length: length(count, self.half.length, boundary.after),
            is_synchronised: began_at_crossing && boundary.is_crossing,
            is_whole: began_at_crossing || !boundary.is_crossing,
            ..self.half
        };
        let before = core::mem::replace(&mut self.before, half);
        let cycle = HalfCycle::of(
            half.squares + before.squares,
            half.length + before.length,
            half.is_synchronised && before.is_synchronised,
        );
        if !boundary.is_crossing {
            self.crossing.restart(self.threshold(&cycle));
        }
        if half.is_whole && before.is_whole {
            each(Event::HalfCycle(cycle));
        }
        self.window.half_cycles += 1;
        self.window.is_synchronised &= half.is_synchronised;
        // Until the first crossing there is nothing that a window could begin with.
        let is_first = boundary.is_crossing && !began_at_crossing && self.window.half_cycles == 1;
        if is_first {
            self.start_window(boundary);
        } else if self.window.half_cycles >= 2 * self.settings.cycles {
            if boundary.is_crossing {
                self.crossing.set_threshold(self.threshold(&cycle));
            }
            self.end_window(boundary, each);
        } else {
            self.start_half(&boundary);
        }
    }

    fn start_half(&mut self, boundary: &Boundary) {
        self.half = Half {
            squares: self.window.sums[0],
            count: self.window.count,
            length: boundary.after,
            is_synchronised: boundary.is_crossing,
            is_whole: false,
        };
        self.blind = if boundary.is_crossing && self.before.is_synchronised {
            usize::try_from((self.before.length * SHORTEST) >> 18).unwrap_or(0)
        } else {
            0
        };
    }

    /// Of the voltage of a cycle.
    fn threshold(&self, cycle: &HalfCycle) -> i32 {
        (cycle.counts() / THRESHOLD).max(self.floor())
    }

    fn floor(&self) -> i32 {
        i32::try_from(self.settings.floor).unwrap_or(i32::MAX)
    }

    fn end_window(&mut self, boundary: Boundary, each: &mut impl FnMut(Event)) {
        let Running {
            begin,
            sums,
            count,
            is_synchronised,
            ..
        } = self.window;
        let count = i64::try_from(count).unwrap_or(0);
        let integral = Integral::between(&begin, &sums, count, &boundary.edge());
        let cycles = self.settings.cycles;
        let Boundary {
            before,
            next,
            after,
            ..
        } = boundary;
        let correlation = self.correlator.take();
        let correlation = correlation.map(|found| found.end(cycles, &before, &next, after));
        if is_synchronised && self.settings.fundamental {
            let length = u128::try_from(integral.length).unwrap_or(1).max(1);
            let turns = divide(u128::from(cycles) << 80, length);
            self.frequency = u64::try_from(turns).ok().filter(|&turns| turns <= FASTEST);
        }
        let window = Window::of(
            cycles,
            is_synchronised,
            self.settings.rate,
            integral,
            correlation.filter(|_| is_synchronised),
        );
        self.start_window(boundary);
        each(Event::Window(window));
    }

    fn start_window(&mut self, boundary: Boundary) {
        self.window = Running {
            begin: boundary.edge(),
            sums: [0; 3],
            count: 0,
            half_cycles: 0,
            is_synchronised: true,
        };
        self.start_half(&boundary);
        // The pointer begins with the next sample.
        let found = self.frequency.filter(|_| boundary.is_crossing);
        self.correlator = found.map(|frequency| {
            Correlator::begin(frequency, &boundary.before, &boundary.next, boundary.after)
        });
    }
}

/// Adds all samples.
fn add_all(sums: &mut [i64; 3], samples: &[Sample]) {
    samples.iter().for_each(|sample| add(sums, *sample));
}

/// Adds the samples before the first that meets a condition; how many.
fn add_until(sums: &mut [i64; 3], samples: &[Sample], condition: Condition) -> usize {
    let mut rest = samples.iter();
    while let Some(sample) = rest.as_slice().first() {
        if condition.holds(*sample) {
            break;
        }
        add(sums, *sample);
        rest.next();
    }
    samples.len() - rest.as_slice().len()
}

/// Adds v², i² and v i: all that is done for each sample.
#[inline]
fn add(sums: &mut [i64; 3], sample: Sample) {
    let (v, i) = (i64::from(sample.voltage), i64::from(sample.current));
    sums[0] += v * v;
    sums[1] += i * i;
    sums[2] += v * i;
}
