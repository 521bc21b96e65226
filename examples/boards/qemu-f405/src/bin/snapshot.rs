//! What a snapshot of one channel and a sample of voltage and current cost: run in QEMU with
//! `-icount shift=0` it prints instructions, a line each.

#![no_std]
#![no_main]

#[path = "../icount.rs"]
mod icount;

use core::hint::black_box;

use cortex_m_semihosting::{debug, hprintln};
use meter_core::energy::{Counter, EnergyRegisters};
use meter_core::sample::{Event, Sample, Sampler, Settings};
use meter_core::units::{Millihertz, Millivars, MillivoltAmps, Milliwatts};
use panic_semihosting as _;
// The vector table.
use stm32f4xx_hal as _;
use stpm3x::{Divider, FrontEnd, Gain, Scales, Sensor};

const DIVIDER: Divider = Divider {
    upper_ohms: 770_000,
    lower_ohms: 470,
};
const SHUNT: Sensor = Sensor::Shunt { micro_ohms: 300 };
const SCALES: Scales = match FrontEnd::new(DIVIDER, SHUNT, Gain::X16).scales() {
    Ok(scales) => scales,
    Err(_) => panic!("a good front end"),
};

/// Samples of a cycle, 50 Hz at the chip's 7812.5 a second.
const CYCLE: usize = 156;

#[cortex_m_rt::entry]
fn main() -> ! {
    icount::start();
    print(snapshot());
    print(sample());
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

/// Both energies booked, five values in units, and the power factor.
fn snapshot() -> u32 {
    let scales = black_box(SCALES);
    let (mut active, mut reactive) = (Counter::from_zero(), Counter::from_zero());
    let mut registers = EnergyRegisters::new();
    let empty = |round| {
        black_box(round);
    };
    let tenths = icount::tenths(empty, |round| {
        let noise = black_box(round & 0xFFF);
        let step = active.advance(round.wrapping_mul(1_000));
        registers.book(
            step.into(),
            reactive.advance(round.wrapping_mul(300)).into(),
        );
        let power = |raw: u32| scales.power_lsb().apply((raw + noise).into());
        let active = Milliwatts::new(power(900_000));
        let apparent = MillivoltAmps::new(power(990_000).unsigned_abs());
        black_box((
            scales.voltage((6_800 + noise / 256) as u16),
            scales.current(38_000 + noise),
            Millivars::new(power(400_000)),
        ));
        black_box((active, apparent, active.power_factor(apparent)));
    });
    black_box(registers);
    tenths
}

/// Tenths of instructions for a sample, without the fundamental.
fn sample() -> u32 {
    let mut wave = [Sample::default(); CYCLE];
    for (at, sample) in (0i32..).zip(&mut wave) {
        // Two half cycles of a parabola: as good as a sine to count with.
        let half = CYCLE as i32 / 2;
        let x = at % half;
        let height = x * (half - x) * 2_700;
        let height = if at < half { height } else { -height };
        *sample = Sample::new(height, height / 3);
    }
    let settings = Settings {
        rate: Millihertz::new(7_812_500),
        cycles: 10,
        floor: 10_000,
        fundamental: false,
    };
    let Ok(mut sampler) = Sampler::new(settings) else {
        return u32::MAX;
    };
    let mut windows = 0;
    let empty = |round| {
        black_box(round);
    };
    let cycle = icount::tenths(empty, |_| {
        sampler.take(black_box(&wave), |event| {
            windows += u32::from(matches!(event, Event::Window(_)));
        });
    });
    black_box(windows);
    cycle / CYCLE as u32
}

fn print(tenths: u32) {
    hprintln!("{}.{}", tenths / 10, tenths % 10);
}
