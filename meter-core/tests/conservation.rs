//! The rules of conservation over a million random steps of a meter's life: wraps, reverse flow,
//! failed frames, rate switches, clock changes, chip restarts, new scales and power cuts.
//!
//! The book-keeper beside it knows only exact integers: what the chip counted, times its LSB.

use meter_core::accuracy::PulseConstant;
use meter_core::calendar::{RATES, Rate};
use meter_core::energy::{Counter, EnergyReading, EnergyRegisters};
use meter_core::profile::LoadProfile;
use meter_core::pulse::Pulses;
use meter_core::rates::RateRegisters;
use meter_core::scale::Ratio;
use meter_core::units::{MilliwattHours, Seconds, UtcSeconds};
use proptest::test_runner::{RngAlgorithm, TestRng};
use rand_core::RngCore as _;

const STEPS: u32 = 1_000_000;
const PHASES: usize = 3;
/// µWs of a mWh.
const MILLIWATT_HOUR: u128 = 3_600_000;
/// 54.321 µWs, as a fraction that does not come out even in mWh.
const LSB: (u128, u128) = (54_321, 1_000);

/// One phase of the chip: two counters that wrap.
#[derive(Clone, Copy, Default)]
struct Chip {
    active: u32,
    reactive: u32,
}

/// Import and export of one phase or of the sum, in counts.
#[derive(Clone, Copy, Default)]
struct Exact {
    active: [u128; 2],
    reactive: [u128; 4],
}

impl Exact {
    fn book(&mut self, active: i64, reactive: i64) {
        self.active[usize::from(active < 0)] += u128::from(active.unsigned_abs());
        let quadrant = match (active < 0, reactive < 0) {
            (false, false) => 0,
            (true, false) => 1,
            (true, true) => 2,
            (false, true) => 3,
        };
        self.reactive[quadrant] += u128::from(reactive.unsigned_abs());
    }

    fn shown(counts: u128) -> u64 {
        u64::try_from(counts * LSB.0 / LSB.1 / MILLIWATT_HOUR).unwrap()
    }

    fn check(&self, reading: &EnergyReading) {
        assert_eq!(reading.import.get(), Self::shown(self.active[0]));
        assert_eq!(reading.export.get(), Self::shown(self.active[1]));
        let [q1, q2, q3, q4] = self.reactive;
        let quadrants = reading.reactive.map(MilliwattHours::get);
        assert_eq!(quadrants, self.reactive.map(Self::shown));
        assert_eq!(reading.reactive_import.get(), Self::shown(q1 + q2));
        assert_eq!(reading.reactive_export.get(), Self::shown(q3 + q4));
    }
}

struct Meter {
    chips: [Chip; PHASES],
    counters: [(Counter, Counter); PHASES],
    phases: [EnergyRegisters; PHASES],
    total: EnergyRegisters,
    rates: RateRegisters,
    rate: Rate,
    led: Pulses,
    profile: LoadProfile,
    now: u64,
    /// The reading at the end of the last interval, and that end.
    interval: (MilliwattHours, u64),
}

/// Steps that the chip made and the meter has not read yet.
type Pending = [(i64, i64); PHASES];

impl Meter {
    fn new() -> Self {
        Self {
            chips: [Chip::default(); PHASES],
            counters: [(Counter::from_zero(), Counter::from_zero()); PHASES],
            phases: [EnergyRegisters::new(); PHASES],
            total: EnergyRegisters::new(),
            rates: RateRegisters::default(),
            rate: Rate::FIRST,
            led: Pulses::new(PulseConstant::new(3_000).unwrap()),
            profile: LoadProfile::new(Seconds::new(900)),
            now: 1_800_000_000,
            interval: (MilliwattHours::ZERO, 0),
        }
    }

    /// What flash gives back after a power cut.
    fn power_cut(&mut self) {
        for registers in self.phases.iter_mut().chain([&mut self.total]) {
            *registers = EnergyRegisters::from_bytes(&registers.to_bytes());
        }
        self.rates = RateRegisters::from_bytes(&self.rates.to_bytes());
        self.profile.resume(UtcSeconds::new(self.now));
    }

    fn read(
        &mut self,
        pending: &mut Pending,
        phases: &mut [Exact; PHASES],
        total: &mut Exact,
    ) -> u64 {
        let (mut active, mut reactive) = (0i64, 0i64);
        let each = self
            .chips
            .iter()
            .zip(&mut self.counters)
            .zip(&mut self.phases);
        for (number, ((chip, counters), registers)) in each.enumerate() {
            let p = i64::from(counters.0.advance(chip.active));
            let q = i64::from(counters.1.advance(chip.reactive));
            assert_eq!((p, q), pending[number], "the step of the chip");
            registers.book(p, q);
            phases[number].book(p, q);
            active += p;
            reactive += q;
        }
        *pending = Pending::default();
        self.total.book(active, reactive);
        total.book(active, reactive);
        let import = u32::try_from(active.max(0)).unwrap();
        self.led.advance(import, lsb())
    }
}

fn lsb() -> Ratio {
    Ratio::new(54_321, 1_000).unwrap()
}

#[test]
fn a_million_steps_lose_nothing() {
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut meter = Meter::new();
    let mut pending = Pending::default();
    let (mut phases, mut total) = ([Exact::default(); PHASES], Exact::default());
    let (mut pulses, mut switches, mut profile_sum) = (0, 0, MilliwattHours::ZERO);
    let mut before = meter.total.read(lsb());
    for step in 0..STEPS {
        let dice = random.next_u32() % 1_000;
        count(&mut meter, &mut pending, &mut random, dice);
        meter.now += 1;
        match dice {
            // A frame that failed its check: nothing is read in this second.
            0..50 => continue,
            50..55 => restart(
                &mut meter,
                &mut pending,
                &mut phases,
                &mut total,
                &mut pulses,
            ),
            55..60 => meter.power_cut(),
            60..65 => meter.now -= u64::from(random.next_u32() % 2_000),
            65..70 => meter.now += u64::from(random.next_u32() % 10_000),
            _ => {}
        }
        pulses += meter.read(&mut pending, &mut phases, &mut total);
        let reading = meter.total.read(lsb());
        if (70..100).contains(&dice) {
            meter.rates.book(meter.rate, reading.import);
            let number = u8::try_from(random.next_u32() % RATES as u32).unwrap() + 1;
            meter.rate = Rate::new(number).unwrap();
            switches += 1;
        }
        while let Some(interval) = meter.profile.advance(UtcSeconds::new(meter.now)) {
            // An interval's energy is the difference of the readings at its ends.
            let energy = reading.import.checked_sub(meter.interval.0).unwrap();
            profile_sum = profile_sum.checked_add(energy).unwrap();
            assert_eq!(profile_sum.get(), Exact::shown(total.active[0]));
            meter.interval = (reading.import, interval.end.get());
        }
        assert!(reading.import >= before.import && reading.export >= before.export);
        before = reading;
        if step % 1_000 == 0 {
            check(&mut meter, &phases, &total, pulses);
        }
    }
    check(&mut meter, &phases, &total, pulses);
    assert!(switches > 10_000, "{switches} rate switches");
    assert!(before.export.get() > 1_000_000, "reverse flow was seen");
}

/// Lets each phase count: mostly import, now and then the other way or a large step.
fn count(meter: &mut Meter, pending: &mut Pending, random: &mut TestRng, dice: u32) {
    let range: u32 = if dice.is_multiple_of(5) {
        1 << 29
    } else {
        1 << 12
    };
    for (chip, pending) in meter.chips.iter_mut().zip(pending) {
        let mut draw = |import: u32| {
            let size = i64::from(random.next_u32() % range);
            if random.next_u32() % 100 < import {
                size
            } else {
                -size
            }
        };
        let (active, reactive) = (draw(75), draw(60));
        // A gap must stay below half a turn of the counter, as its docs ask.
        if (pending.0 + active).abs() < 1 << 31 && (pending.1 + reactive).abs() < 1 << 31 {
            *pending = (pending.0 + active, pending.1 + reactive);
            chip.active = chip.active.wrapping_add(active as u32);
            chip.reactive = chip.reactive.wrapping_add(reactive as u32);
        }
    }
}

/// The chips lose their counters, after a last reading.
fn restart(
    meter: &mut Meter,
    pending: &mut Pending,
    phases: &mut [Exact; PHASES],
    total: &mut Exact,
    pulses: &mut u64,
) {
    *pulses += meter.read(pending, phases, total);
    meter.chips = [Chip::default(); PHASES];
    meter.counters = [(Counter::from_zero(), Counter::from_zero()); PHASES];
}

fn check(meter: &mut Meter, phases: &[Exact; PHASES], total: &Exact, pulses: u64) {
    let reading = meter.total.read(lsb());
    total.check(&reading);
    let mut sum = Exact::default();
    for (registers, exact) in meter.phases.iter().zip(phases) {
        exact.check(&registers.read(lsb()));
        for (sum, counts) in sum.active.iter_mut().zip(exact.active) {
            *sum += counts;
        }
        for (sum, counts) in sum.reactive.iter_mut().zip(exact.reactive) {
            *sum += counts;
        }
    }
    let by_phase = EnergyRegisters::sum_of(&meter.phases).read(lsb());
    sum.check(&by_phase);
    // Both rules agree on the net energy, exactly.
    let net = |exact: &Exact| exact.active[0].cast_signed() - exact.active[1].cast_signed();
    assert_eq!(net(&sum), net(total));
    assert!(by_phase.import >= reading.import);
    meter.rates.book(meter.rate, reading.import);
    assert_eq!(meter.rates.total(), reading.import);
    let by_rate: u64 = meter.rates.readings().map(MilliwattHours::get).iter().sum();
    assert_eq!(by_rate, reading.import.get());
    // imp/kWh over the µWs of a kWh.
    let due = total.active[0] * LSB.0 * 3_000 / (LSB.1 * 3_600_000_000_000);
    assert_eq!(u128::from(pulses), due);
}
