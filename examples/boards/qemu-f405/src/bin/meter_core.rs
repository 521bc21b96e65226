//! The billing core of a single-phase meter and no more: what it adds to `empty` is the size of `meter-core`.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use meter_core::calendar::{Calendar, Rate, TimeOfUse};
use meter_core::clock::TimeZone;
use meter_core::energy::{Counter, EnergyRegisters};
use meter_core::profile::{LoadProfile, PhaseSample};
use meter_core::rates::RateRegisters;
use meter_core::scale::Ratio;
use meter_core::units::{Milliamps, MillivoltAmps, Millivolts, Milliwatts, Seconds, UtcSeconds};
// The vector table.
use stm32f4xx_hal as _;

/// What a meter keeps of one phase. Profile, rates and calendar are the meter's.
struct Phase {
    active: Counter,
    reactive: Counter,
    registers: EnergyRegisters,
}

/// The size of [`Phase`], read from the symbol table.
#[used]
static BYTES_PER_PHASE: [u8; size_of::<Phase>()] = [0; size_of::<Phase>()];

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut phase = Phase {
        active: Counter::from_zero(),
        reactive: Counter::from_zero(),
        registers: EnergyRegisters::new(),
    };
    let mut profile = LoadProfile::new(Seconds::new(900));
    let mut rates = RateRegisters::default();
    let mut tariff = TimeOfUse::new(TimeZone::UTC, Calendar::flat(Rate::FIRST), Rate::FIRST);
    loop {
        one_second(&mut phase, &mut profile);
        share_out(&phase, &mut rates, &mut tariff);
    }
}

/// Books what was counted to the rate in force.
fn share_out(phase: &Phase, rates: &mut RateRegisters, tariff: &mut TimeOfUse) {
    let now = UtcSeconds::new(black_box(1_800_000_000));
    if let Some(lsb) = Ratio::new(black_box(54), black_box(1)) {
        let import = phase.registers.read(lsb).import;
        rates.book(tariff.rate(Some(now)), import);
    }
    black_box(rates.readings());
    black_box(tariff.holds_until(now));
}

fn one_second(phase: &mut Phase, profile: &mut LoadProfile) {
    let (active, reactive) = black_box((1_000, 300));
    let active = phase.active.advance(active);
    phase
        .registers
        .book(active.into(), phase.reactive.advance(reactive).into());
    let sample = PhaseSample {
        voltage: Millivolts::new(black_box(230_000)),
        current: Milliamps::new(black_box(4_000)),
        active: Milliwatts::new(black_box(900_000)),
        apparent: MillivoltAmps::new(black_box(920_000)),
    };
    black_box(profile.advance(UtcSeconds::new(black_box(1_800_000_000))));
    profile.observe(&[sample]);
    if let Some(lsb) = Ratio::new(black_box(54), black_box(1)) {
        black_box(phase.registers.read(lsb));
        black_box(lsb.apply(black_box(1_234)));
        phase.registers.settle(lsb);
    }
    let stored = black_box(phase.registers.to_bytes());
    phase.registers = EnergyRegisters::from_bytes(&stored);
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
