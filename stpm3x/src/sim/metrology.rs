//! The measuring half of the chip: what its inputs become in its rows.

use core::f64::consts::PI;

use super::energy::{Account, Truth};
use super::feed::{Board, Gains, Phasor, Raw, measure, powers};
use super::memory::{Memory, field};
use super::output::Pulses;
use super::watch::{Seen, Watch};
use super::wave::{Instant, Made, Wave};
use crate::Part;

/// A tick of 128 µs in seconds.
const TICK: f64 = 128e-6;

/// Tolerances of the tamper detection, by TMP_TOL.
const TOLERANCE: [f64; 4] = [0.125, 0.0833, 0.0625, 0.031_25];

#[derive(Clone, Debug)]
pub(super) struct Metrology {
    part: Part,
    pub(super) board: Board,
    pub(super) phases: [Phasor; 2],
    /// Turns of the secondary voltage before the primary one.
    pub(super) secondary_angle: f64,
    /// Levels at which bit streams stand still: voltage and current of each channel.
    pub(super) stuck: [[Option<bool>; 2]; 2],
    /// The signal paths, while the chip is fed with samples.
    pub(super) wave: Option<[Wave; 2]>,
    made: [Made; 2],
    /// Where the primary voltage stands in its period, in turns.
    turn: f64,
    raw: [Raw; 2],
    periods: [u32; 2],
    accounts: [Account; 3],
    pub(super) counting: bool,
    pub(super) latched_truth: Truth,
    pub(super) watches: [Watch; 2],
    tamper: u32,
    pub(super) pulses: [Pulses; 2],
}

/// What a channel shows of one instant: voltage and current.
#[derive(Clone, Copy, Default)]
struct Samples {
    data: [i32; 2],
    fundamentals: [i32; 2],
    active: i64,
    fundamental: i64,
    delay: u32,
}

impl Metrology {
    pub(super) fn new(part: Part, board: Board) -> Self {
        Self {
            part,
            board,
            phases: [Phasor::default(); 2],
            secondary_angle: 0.0,
            stuck: [[None; 2]; 2],
            wave: None,
            made: [Made::default(); 2],
            turn: 0.0,
            raw: [Raw::default(); 2],
            periods: [0x9C4; 2],
            accounts: [Account::default(); 3],
            counting: false,
            latched_truth: Truth::default(),
            watches: [Watch::default(); 2],
            tamper: 0,
            pulses: [Pulses::default(); 2],
        }
    }

    /// Forgets measurement data, as two SYN pulses do.
    pub(super) fn reset(&mut self) {
        for account in &mut self.accounts {
            account.clear(self.counting);
        }
        self.periods = [0x9C4; 2];
        self.watches = [Watch::default(); 2];
        if self.wave.is_some() {
            self.wave = None;
            self.raw = [Raw::default(); 2];
        }
    }

    /// The channel whose voltage a channel takes.
    const fn source(&self, channel: usize) -> usize {
        if self.part.has_second_voltage() {
            channel
        } else {
            0
        }
    }

    const fn exists(&self, channel: usize) -> bool {
        channel == 0 || self.part.has_secondary()
    }

    /// What the phasors become under the settings of the moment.
    pub(super) fn remeasure(&mut self, memory: &Memory, running: bool) {
        if self.wave.is_some() && running {
            return;
        }
        for channel in 0..2 {
            let source = self.source(channel);
            let (voltage, current) = (&self.phases[source], &self.phases[channel]);
            let mut raw = Raw::default();
            if running && self.exists(channel) {
                raw = measure(memory, &self.board, channel, source, voltage, current);
            }
            let still = [self.stuck[source][0], self.stuck[channel][1]];
            if still != [None; 2] {
                raw = held(raw, still);
            }
            self.raw[channel] = raw;
            if let Some(period) = self.raw[channel].period {
                self.periods[channel] = period;
            }
        }
    }

    pub(super) fn advance(&mut self, memory: &mut Memory, ticks: u64) {
        let frequency = f64::from(self.phases[0].frequency_mhz) * 1e-3;
        let turn = self.turn + frequency * TICK * ticks as f64;
        self.turn = turn - libm::floor(turn);
        let powers = [0, 1].map(|channel| self.energy_powers(channel));
        self.count(memory, powers, ticks);
    }

    fn energy_powers(&self, channel: usize) -> [i64; 4] {
        let raw = &self.raw[channel];
        let [active, fundamental, reactive, _] = raw.powers;
        [active, fundamental, reactive, raw.apparent_energy]
    }

    /// One tick of the signal paths.
    pub(super) fn feed(&mut self, memory: &mut Memory, inputs: [Instant; 2]) {
        let mut waves = self.wave.unwrap_or([Wave::new(); 2]);
        let mut momentary = [[0; 4]; 2];
        for channel in 0..2 {
            if !self.exists(channel) {
                continue;
            }
            let source = self.source(channel);
            let gains = Gains::of(memory, &self.board, channel, source);
            let volts = f64::from(inputs[source].voltage_uv) * 1e-6;
            let amps = f64::from(inputs[channel].current_ua) * 1e-6;
            let made = waves[channel].step(volts, amps, &gains);
            self.made[channel] = made;
            self.raw[channel] = from_wave(memory, channel, &made);
            let [active, fundamental, reactive] = made.powers;
            let apparent = self.raw[channel].apparent_energy;
            momentary[channel] = [active, fundamental, reactive, apparent];
            if let Some(period) = self.raw[channel].period {
                self.periods[channel] = period;
            }
        }
        self.wave = Some(waves);
        self.count(memory, momentary, 1);
    }

    /// Counts energies, pulses and events of some ticks at these powers.
    fn count(&mut self, memory: &mut Memory, [first, second]: [[i64; 4]; 2], ticks: u64) {
        let difference = field(memory.config(2), 26, 1) == 1;
        let mut total = first;
        for (sum, power) in total.iter_mut().zip(second) {
            *sum += if difference { -power } else { power };
        }
        let all = [first, second, total];
        let mut wrapped = 0;
        for (account, powers) in self.accounts.iter_mut().zip(all).rev() {
            wrapped = wrapped << 4 | account.advance(&powers, ticks);
        }
        for (output, pulses) in self.pulses.iter_mut().enumerate() {
            pulses.advance(memory, output, &all, ticks);
        }
        let own = [0, 1].map(|channel| self.watch(memory, channel, ticks));
        self.watch_tamper(memory, first[0], second[0]);
        self.raise_status(memory, wrapped, &all, own);
    }

    /// Sag, swell, ampere-hours and stuck streams of a channel: sticky bits.
    fn watch(&mut self, memory: &Memory, channel: usize, ticks: u64) -> u32 {
        if !self.exists(channel) {
            return 0;
        }
        let source = self.source(channel);
        let raw = &self.raw[channel];
        let [mut voltage, current] = raw.peaks;
        let mut period = raw.period.map_or(0.0, f64::from);
        if self.wave.is_some() {
            // Momentary values: each tick is above the threshold or below it.
            let [v, c] = self.made[channel].fundamentals.map(f64::from);
            let over = f64::from(1 << 23);
            let peaks = [v.abs() / over, c.abs() / over];
            return self.watch_samples(memory, channel, source, peaks);
        }
        if period == 0.0 {
            period = f64::from(self.periods[channel]);
            voltage = if raw.period.is_none() { 0.0 } else { voltage };
        }
        let seen = Seen {
            voltage,
            current,
            period,
        };
        let raised = self.watches[channel].advance(memory, channel, source, &seen, ticks);
        raised | self.watch_rest(memory, channel, ticks)
    }

    /// The same for one tick whose samples are known.
    fn watch_samples(
        &mut self,
        memory: &Memory,
        channel: usize,
        source: usize,
        peaks: [f64; 2],
    ) -> u32 {
        let raised = self.watches[channel].sample(memory, channel, source, peaks);
        raised | self.watch_rest(memory, channel, 1)
    }

    fn watch_rest(&mut self, memory: &Memory, channel: usize, ticks: u64) -> u32 {
        let missing = self.period_error(channel);
        let rms = self.raw[channel].current_rms;
        let raised = self.watches[channel].count_charge(memory, channel, missing, rms, ticks);
        let [voltage, current] = self.still(channel);
        raised
            | u32::from(missing) << 25
            | u32::from(voltage.is_some()) << 24
            | u32::from(current.is_some()) << 20
    }

    const fn still(&self, channel: usize) -> [Option<bool>; 2] {
        let source = self.source(channel);
        [self.stuck[source][0], self.stuck[channel][1]]
    }

    const fn period_error(&self, channel: usize) -> bool {
        self.raw[channel].period.is_none() || self.watches[channel].in_sag()
    }

    /// |E1 - E2| > TOL * |E1 + E2|, as Rev 8 of the manual has it, of the powers of the moment.
    fn watch_tamper(&mut self, memory: &Memory, first: i64, second: i64) {
        self.tamper = 0;
        let control = memory.config(2);
        let on = field(control, 19, 1) == 1 && self.part.has_secondary();
        let blind =
            (0..2).any(|channel| self.period_error(channel) || self.still(channel) != [None; 2]);
        if !on || blind {
            return;
        }
        let tolerance = TOLERANCE[field(control, 17, 2) as usize];
        let (one, two) = (first as f64, second as f64);
        if one * two < 0.0 {
            self.tamper = 1 << 31;
        } else if libm::fabs(one - two) > tolerance * libm::fabs(one + two) {
            // The bit of the larger one; both rows share bit 31 only.
            self.tamper = if libm::fabs(one) > libm::fabs(two) {
                1
            } else {
                2
            };
        }
    }

    fn raise_status(
        &self,
        memory: &mut Memory,
        wrapped: u32,
        powers: &[[i64; 4]; 3],
        own: [u32; 2],
    ) {
        let [first, second, total] = powers.map(|powers| negative(&powers));
        let common = (total & 1) | (total >> 2 & 1) << 1 // active, reactive
            | (wrapped >> 8 & 1) << 2
            | (wrapped >> 10 & 1) << 3
            | second << 4
            | (wrapped >> 4 & 0xF) << 8
            | first << 12
            | (wrapped & 0xF) << 16;
        let visible = if self.part.has_secondary() {
            u32::MAX
        } else {
            0xFFFF_F000
        };
        for (channel, own) in own.into_iter().enumerate() {
            let larger = u32::from(self.tamper == 1 << channel) << 30;
            let wrong = self.tamper & 1 << 31;
            memory.raise(16 + channel, (common | own | larger | wrong) & visible);
        }
    }

    /// What the counters have counted.
    pub(super) fn truth(&self) -> Truth {
        let [primary, secondary, total] = self.accounts;
        Truth {
            primary: primary.counts(self.counting),
            secondary: secondary.counts(self.counting),
            total: total.counts(self.counting),
        }
    }

    /// Copies the measured rows of the channels chosen into the transmission latches.
    pub(super) fn latch(&mut self, memory: &mut Memory, channels: [bool; 2]) {
        let truth = self.truth();
        for channel in [0, 1].into_iter().filter(|&channel| channels[channel]) {
            self.latch_channel(memory, channel);
        }
        if channels[0] {
            self.latched_truth.primary = truth.primary;
        }
        if channels[1] {
            self.latched_truth.secondary = truth.secondary;
        }
        if channels == [true, true] || !self.part.has_secondary() {
            self.latched_truth.total = truth.total;
            let totals = self.accounts[2].registers();
            for (row, value) in (66..).zip(totals) {
                memory.latch(row, value);
            }
        }
    }

    fn latch_channel(&self, memory: &mut Memory, channel: usize) {
        let raw = self.raw[channel];
        let status = memory.config(16 + channel);
        memory.latch(16 + channel, status);
        let samples = self.samples(channel);
        memory.latch(21 + channel, self.events(channel, &samples));
        let both = memory.read(23);
        let shift = 16 * channel as u32;
        let period = both & !(0xFFFF << shift) | self.periods[channel] << shift;
        memory.latch(23, period);
        for (row, sample) in [24, 25, 28, 29].into_iter().zip([
            samples.data[0],
            samples.data[1],
            samples.fundamentals[0],
            samples.fundamentals[1],
        ]) {
            memory.latch(row + 2 * channel, sample as u32);
        }
        memory.latch(36 + channel, raw.voltage_rms | raw.current_rms << 15);
        let watch = &self.watches[channel];
        let times = watch.voltage_swell.time() | watch.sag.time() << 16;
        memory.latch(38 + 2 * channel, times);
        let times = watch.current_swell.time() | samples.delay << 16;
        memory.latch(39 + 2 * channel, times);
        let energies = self.accounts[channel].registers();
        let [active, fundamental, reactive, apparent] = raw.powers;
        let powers = [
            active,
            fundamental,
            reactive,
            apparent,
            raw.vectorial,
            samples.active,
            samples.fundamental,
        ];
        let powers = powers.map(|power| (power & 0x1FFF_FFFF) as u32);
        let rows = energies.into_iter().chain(powers).chain([watch.charge()]);
        for (row, value) in (42 + 12 * channel..).zip(rows) {
            memory.latch(row, value);
        }
    }

    /// DSP_EVx.
    fn events(&self, channel: usize, samples: &Samples) -> u32 {
        let watch = &self.watches[channel];
        let [voltage, current] = self.still(channel);
        let [v, c] = samples.fundamentals;
        negative(&self.raw[channel].powers) << 4
            | u32::from(c > 0) << 12
            | u32::from(current.is_some()) << 13
            | u32::from(watch.ampere_hours) << 14
            | watch.current_swell.history() << 15
            | u32::from(v > 0) << 19
            | u32::from(voltage.is_some()) << 20
            | u32::from(self.period_error(channel)) << 21
            | watch.voltage_swell.history() << 22
            | watch.sag.history() << 26
    }

    fn samples(&self, channel: usize) -> Samples {
        let mut samples = if self.wave.is_some() {
            let made = &self.made[channel];
            Samples {
                data: made.data,
                fundamentals: made.fundamentals,
                active: made.powers[0],
                fundamental: made.powers[1],
                delay: (made.delay as u32).min(0xFFF),
            }
        } else {
            self.samples_of_phasors(channel)
        };
        for (place, level) in self.still(channel).into_iter().enumerate() {
            if let Some(level) = level {
                let full = if level { 0x7F_FFFF } else { -0x80_0000 };
                samples.data[place] = full;
                samples.fundamentals[place] = full;
            }
        }
        samples
    }

    /// A phasor has no wave shape: its samples show the fundamental.
    fn samples_of_phasors(&self, channel: usize) -> Samples {
        if !self.exists(channel) {
            return Samples::default();
        }
        let raw = &self.raw[channel];
        let shift = if self.source(channel) == 1 {
            self.secondary_angle
        } else {
            0.0
        };
        let full = f64::from(1 << 23);
        let at = |peak: f64, turn: f64| {
            let value = peak * full * libm::sin(2.0 * PI * turn);
            libm::round(value.clamp(-full, full - 1.0)) as i32
        };
        let turn = self.turn + shift;
        let voltage = at(raw.peaks[0], turn);
        let current = at(raw.peaks[1], turn - raw.lag);
        let momentary = (i64::from(voltage) * i64::from(current)) >> 18;
        let period = raw.period.map_or(0.0, f64::from);
        Samples {
            data: [voltage, current],
            fundamentals: [voltage, current],
            active: momentary,
            fundamental: momentary,
            delay: (libm::round(raw.lag * period) as u32).min(0xFFF),
        }
    }
}

/// Rows of a channel fed with samples.
fn from_wave(memory: &Memory, channel: usize, made: &Made) -> Raw {
    let Made {
        voltage_rms,
        current_rms,
        averages,
        ..
    } = *made;
    let [active, fundamental, reactive] = averages;
    let exact = [
        active,
        fundamental,
        reactive,
        voltage_rms * current_rms / 16.0,
    ];
    let (powers, vectorial, apparent_energy) = powers(memory, channel, exact);
    let period = made.period.map(|period| libm::round(period) as u32);
    Raw {
        voltage_rms: (libm::round(voltage_rms) as u32).min(0x7FFF),
        current_rms: (libm::round(current_rms) as u32).min(0x1_FFFF),
        powers,
        vectorial,
        apparent_energy,
        period: period.filter(|raw| (0x600..=0xF00).contains(raw)),
        ..Raw::default()
    }
}

/// A channel one of whose bit streams stands still: the sample is full scale, which the high-pass
/// takes away as it does any constant; without voltage there is no reactive energy (section 2).
fn held(raw: Raw, [voltage, current]: [Option<bool>; 2]) -> Raw {
    Raw {
        voltage_rms: if voltage.is_some() {
            0
        } else {
            raw.voltage_rms
        },
        current_rms: if current.is_some() {
            0
        } else {
            raw.current_rms
        },
        period: raw.period.filter(|_| voltage.is_none()),
        peaks: [
            if voltage.is_some() { 0.0 } else { raw.peaks[0] },
            if current.is_some() { 0.0 } else { raw.peaks[1] },
        ],
        ..Raw::default()
    }
}

/// Which of four powers are negative, a bit each.
fn negative(powers: &[i64; 4]) -> u32 {
    let bits = powers.iter().zip(0..);
    bits.fold(0, |all, (&power, bit)| all | u32::from(power < 0) << bit)
}
