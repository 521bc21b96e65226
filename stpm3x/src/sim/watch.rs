//! Sag, swell and ampere-hours of one channel (DS10272 sections 12 and 14).
//!
//! Times are in the chip's steps of 8 µs, sixteen to a tick of 128 µs.

use core::f64::consts::PI;

use super::memory::{Memory, field};

/// Steps of 8 µs in a tick.
const STEPS: f64 = 16.0;

/// A time register turns after 15 bits.
const TURN: f64 = 32_768.0;

/// The sticky bits an event raises: start, end.
struct Flags {
    start: u32,
    end: u32,
}

const SAG: Flags = Flags {
    start: 1 << 26,
    end: 1 << 27,
};
const VOLTAGE_SWELL: Flags = Flags {
    start: 1 << 28,
    end: 1 << 29,
};
const CURRENT_SWELL: Flags = Flags {
    start: 1 << 22,
    end: 1 << 23,
};

/// One kind of event: its history and its time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Record {
    history: u32,
    time: f64,
    /// Half waves not yet told, where events come with them.
    rest: f64,
    active: bool,
}

impl Record {
    pub(super) const fn history(&self) -> u32 {
        self.history & 0xF
    }

    pub(super) fn time(&self) -> u32 {
        self.time as u32 % 32_768
    }

    const fn shift(&mut self, bit: u32) {
        self.history = (self.history << 1 | bit) & 0xF;
    }

    fn start(&mut self, flags: &Flags) -> u32 {
        self.active = true;
        self.shift(1);
        flags.start
    }

    fn end(&mut self, flags: &Flags) -> u32 {
        if !self.active {
            return 0;
        }
        self.active = false;
        self.shift(0);
        flags.end
    }

    /// Adds time; every turn of the register shifts a 1 in.
    fn last(&mut self, steps: f64) {
        let turns = libm::floor((self.time + steps) / TURN);
        self.time = self.time + steps - turns * TURN;
        for _ in 0..(turns as u32).min(4) {
            self.shift(1);
        }
    }

    /// So many half waves with one event each; the time above or below the threshold in each.
    fn waves(&mut self, count: f64, steps: f64, flags: &Flags) -> u32 {
        self.rest += count;
        let whole = libm::floor(self.rest);
        self.rest -= whole;
        let mut raised = 0;
        if whole >= 1.0 {
            raised = self.end(flags);
            for _ in 0..(whole as u32).min(2) {
                raised |= self.start(flags) | self.end(flags);
            }
            self.last(whole * steps);
        }
        raised
    }
}

/// What a channel's inputs look like to the comparators: peaks of the fundamentals as fractions of
/// full scale, line period in steps of 8 µs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) voltage: f64,
    pub(super) current: f64,
    pub(super) period: f64,
}

/// The watch over one channel.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    pub(super) sag: Record,
    pub(super) voltage_swell: Record,
    pub(super) current_swell: Record,
    /// How long the voltage has been below its threshold.
    below: f64,
    pub(super) ampere_hours: bool,
    /// Half counts.
    charge: u64,
}

impl Watch {
    /// Clears histories and times, as CLEAR_SSx does.
    pub(super) fn clear(&mut self) {
        let active = [
            self.sag.active,
            self.voltage_swell.active,
            self.current_swell.active,
        ];
        for (record, active) in [
            &mut self.sag,
            &mut self.voltage_swell,
            &mut self.current_swell,
        ]
        .into_iter()
        .zip(active)
        {
            *record = Record {
                active,
                ..Record::default()
            };
        }
    }

    /// Whether the voltage is in a sag, which also hides the period.
    pub(super) const fn in_sag(&self) -> bool {
        self.sag.active
    }

    /// The ampere-hour accumulator.
    pub(super) const fn charge(&self) -> u32 {
        (self.charge / 2) as u32
    }

    /// Lets ticks pass with these inputs; returns the sticky bits raised.
    pub(super) fn advance(
        &mut self,
        memory: &Memory,
        channel: usize,
        source: usize,
        seen: &Seen,
        ticks: u64,
    ) -> u32 {
        let steps = ticks as f64 * STEPS;
        let voltage = memory.config(4 + 2 * source);
        let current = memory.config(5 + 2 * channel);
        let threshold = |row, low| f64::from(field(row, low, 10)) / 1_024.0;
        let sag = match field(voltage, 22, 10) {
            0 => self.no_sag(),
            _ => self.watch_sag(memory, threshold(voltage, 22), seen, steps),
        };
        let half_waves = 2.0 * steps / seen.period.max(1.0);
        let swell = |record: &mut Record, row, peak: f64, flags: &Flags| {
            let limit = threshold(row, 12);
            if field(row, 12, 10) == 0x3FF || peak <= limit || seen.period <= 0.0 {
                return record.end(flags);
            }
            let above = seen.period * libm::acos(limit / peak) / PI;
            record.waves(half_waves, above, flags)
        };
        sag | swell(
            &mut self.voltage_swell,
            voltage,
            seen.voltage,
            &VOLTAGE_SWELL,
        ) | swell(
            &mut self.current_swell,
            current,
            seen.current,
            &CURRENT_SWELL,
        )
    }

    /// One tick whose fundamental samples are these, as fractions of full scale.
    pub(super) fn sample(
        &mut self,
        memory: &Memory,
        channel: usize,
        source: usize,
        [voltage, current]: [f64; 2],
    ) -> u32 {
        let rows = [
            memory.config(4 + 2 * source),
            memory.config(5 + 2 * channel),
        ];
        let limit = |row, low| f64::from(field(row, low, 10)) / 1_024.0;
        let swell = |record: &mut Record, row, value: f64, flags: &Flags| {
            if field(row, 12, 10) == 0x3FF || value <= limit(row, 12) {
                return record.end(flags);
            }
            let raised = if record.active {
                0
            } else {
                record.start(flags)
            };
            record.last(STEPS);
            raised
        };
        let swells = swell(&mut self.voltage_swell, rows[0], voltage, &VOLTAGE_SWELL)
            | swell(&mut self.current_swell, rows[1], current, &CURRENT_SWELL);
        let sag = match field(rows[0], 22, 10) {
            0 => self.no_sag(),
            _ if voltage > limit(rows[0], 22) => self.no_sag(),
            _ => {
                let seen = Seen::default();
                self.watch_sag(memory, limit(rows[0], 22), &seen, STEPS)
            }
        };
        swells | sag
    }

    fn no_sag(&mut self) -> u32 {
        self.below = 0.0;
        self.sag.end(&SAG)
    }

    fn watch_sag(&mut self, memory: &Memory, limit: f64, seen: &Seen, steps: f64) -> u32 {
        let filter = f64::from(field(memory.config(2), 0, 14));
        if seen.voltage > limit && seen.period > 0.0 {
            // A sine is below the threshold for a time around each of its crossings.
            let below = seen.period * libm::asin(limit / seen.voltage) / PI;
            self.below = 0.0;
            if below < filter {
                return self.sag.end(&SAG);
            }
            return self.sag.waves(2.0 * steps / seen.period, below, &SAG);
        }
        let before = self.below;
        self.below += steps;
        if self.sag.active {
            self.sag.last(steps);
            return 0;
        }
        if self.below < filter {
            return 0;
        }
        let raised = self.sag.start(&SAG);
        // The filter time is added at once, then what has passed since.
        self.sag
            .last(filter.max(before) + (self.below - filter.max(before)));
        raised
    }

    /// Lets ticks pass for the ampere-hours; `missing` is a period that is not valid.
    pub(super) fn count_charge(
        &mut self,
        memory: &Memory,
        channel: usize,
        missing: bool,
        current_rms: u32,
        ticks: u64,
    ) -> u32 {
        let up = 32 * field(memory.config(8 + 2 * channel), 0, 12);
        let down = 32 * field(memory.config(9 + 2 * channel), 0, 12);
        self.ampere_hours = missing
            && if self.ampere_hours {
                current_rms >= down
            } else {
                current_rms > up
            };
        if self.ampere_hours {
            let grown = u64::from(current_rms).saturating_mul(ticks);
            self.charge = self.charge.wrapping_add(grown);
        }
        u32::from(self.ampere_hours) << 21
    }
}
