//! The three kinds of meter of this family, each second: latch, snapshot, units, energy.

use std::cell::RefCell;

use embassy_futures::block_on;
use meter_core::energy::Counter;
use stpm3x::asynch::{Registers, SharedSyn, Spi, Stpm3x, Uart};
use stpm3x::part::Model;
use stpm3x::sim::{self, Board, Chip, Input, Interface, Line, NoDelay, Phasor, Pin};
use stpm3x::{
    Channel, Config, Counters, Divider, FrontEnd, Gain, Part, Pins, Reading, Scales, Sensor,
    Stpm32, Stpm33, Stpm34,
};

const DIVIDER: Divider = Divider {
    upper_ohms: 770_000,
    lower_ohms: 470,
};
const SECOND: u64 = 7_812;

fn shunt() -> FrontEnd {
    FrontEnd::new(DIVIDER, Sensor::Shunt { micro_ohms: 300 }, Gain::X16)
}

fn transformer() -> FrontEnd {
    let sensor = Sensor::CurrentTransformer {
        turns: 2_500,
        burden_milliohms: 6_000,
    };
    FrontEnd::new(DIVIDER, sensor, Gain::X2)
}

fn coil() -> FrontEnd {
    let sensor = Sensor::Rogowski {
        microvolts_per_amp: 150,
    };
    FrontEnd::new(DIVIDER, sensor, Gain::X16)
}

/// A household that changes by the second; export at times.
fn load(second: u64, phase: u64) -> Phasor {
    let turn = (second * 7 + phase * 131) % 97;
    let active = turn as i64 * 80_000 - 1_200_000;
    Phasor::load(
        229_500_000 + 11_000 * turn as u32,
        active,
        active / 5,
        49_980,
    )
}

/// What a meter keeps of one channel.
#[derive(Default)]
struct Meter {
    active: Counter,
    reactive: Counter,
    active_counts: i128,
    reactive_counts: i128,
}

impl Meter {
    fn fresh() -> Self {
        let mut meter = Self::default();
        meter.active.advance(0);
        meter.reactive.advance(0);
        meter
    }

    fn book(&mut self, reading: &Reading) {
        self.active_counts += i128::from(self.active.advance(reading.energy.active));
        self.reactive_counts += i128::from(self.reactive.advance(reading.energy.reactive));
    }
}

fn assert_units(reading: &Reading, scales: &Scales, fed: &Phasor) {
    let close = |shown: i64, fed_micro: i64, lsb: i64| {
        assert!(
            (shown * 1_000 - fed_micro).abs() <= lsb,
            "{shown} m, fed {fed_micro} µ"
        );
    };
    // Half an LSB of the row and half a unit.
    close(
        reading.voltage(scales).get().into(),
        fed.voltage_uv.into(),
        18_000,
    );
    close(
        reading.current(scales).get().into(),
        fed.current_ua.into(),
        3_200,
    );
    let fed_active = f64::from(fed.voltage_uv)
        * f64::from(fed.current_ua)
        * (f64::from(fed.lag_mdeg) * 1e-3).to_radians().cos()
        * 1e-6;
    close(reading.active(scales).get(), fed_active as i64, 2_000);
    let frequency = i64::from(reading.frequency(scales).unwrap().get());
    assert!(
        (frequency - i64::from(fed.frequency_mhz)).abs() <= 20,
        "{frequency} mHz"
    );
}

async fn start<R: Registers<Error: core::fmt::Debug>, M: Model>(
    chip: &mut Stpm3x<R, NoDelay, M>,
) -> Counters {
    let counters = chip.start().await.unwrap();
    chip.configure().await.unwrap();
    counters
}

#[test]
fn single_phase_shunt_on_uart() {
    let board = Board::new(Input::shunt(770_000, 470, 300));
    let chip = RefCell::new(Chip::new(Part::Stpm32, board));
    chip.borrow_mut().power_on(Interface::Uart);
    chip.borrow_mut().advance(12_345);

    let pins = Pins::none()
        .with_syn(Pin::new([&chip], Line::Syn))
        .with_scs(Pin::new([&chip], Line::Scs))
        .with_enable(Pin::new([&chip], Line::Enable));
    let config = Config::<Stpm32>::new(shunt()).unwrap();
    let scales = config.scales();
    let mut driver = Stpm3x::new(Uart::new(sim::Uart::new(&chip), pins), NoDelay, config);
    block_on(async {
        assert_eq!(start(&mut driver).await, Counters::Cleared);
        let mut meter = Meter::fresh();
        let before = chip.borrow().bus_bytes();
        for second in 0..300 {
            let fed = load(second, 0);
            chip.borrow_mut().set_phase(Channel::Primary, fed);
            chip.borrow_mut().advance(SECOND);
            driver.latch().await.unwrap();
            chip.borrow_mut().advance(99);
            let snapshot = driver.snapshot().await.unwrap();
            meter.book(&snapshot.primary);
            assert_units(&snapshot.primary, &scales, &fed);
            let truth = chip.borrow().latched_truth().primary;
            assert_eq!(meter.active_counts, truth.active);
            assert_eq!(meter.reactive_counts, truth.reactive);
        }
        // 14 rows are 15 frames of 5 bytes, the latch by SYN none: the least there is.
        assert_eq!(chip.borrow().bus_bytes() - before, 300 * 75);
    });
}

#[test]
fn three_phase_transformer_on_spi_with_common_syn() {
    let board = Board::new(Input::transformer(770_000, 470, 2_500, 6_000));
    let first = RefCell::new(Chip::new(Part::Stpm34, board));
    let second = RefCell::new(Chip::new(Part::Stpm33, board));
    first.borrow_mut().power_on(Interface::Spi);
    second.borrow_mut().power_on(Interface::Spi);

    let config = Config::<Stpm34>::new(transformer())
        .and_then(|config| config.with_secondary(transformer()))
        .unwrap();
    let bus = Spi::new(sim::SpiDevice(&first), Pins::none());
    let mut a = Stpm3x::new(bus, NoDelay, config);
    // The second current is that of the neutral.
    let FrontEnd { sensor, gain, .. } = transformer();
    let config = Config::<Stpm33>::new(transformer())
        .and_then(|config| config.with_secondary(sensor, gain))
        .unwrap();
    let bus = Spi::new(sim::SpiDevice(&second), Pins::none());
    let mut b = Stpm3x::new(bus, NoDelay, config);
    let mut syn = SharedSyn::new(Pin::new([&first, &second], Line::Syn));
    block_on(async {
        let armed = [a.arm().await.unwrap(), b.arm().await.unwrap()];
        syn.reset(&mut NoDelay, armed).await.unwrap();
        start(&mut a).await;
        start(&mut b).await;
        let scales = a.config().scales();
        let mut meters = [Meter::fresh(), Meter::fresh(), Meter::fresh()];
        for second_of_day in 0..300 {
            let feeds = [0, 1, 2].map(|phase| load(second_of_day, phase));
            first.borrow_mut().set_phase(Channel::Primary, feeds[0]);
            first.borrow_mut().set_phase(Channel::Secondary, feeds[1]);
            second.borrow_mut().set_phase(Channel::Primary, feeds[2]);
            first.borrow_mut().advance(SECOND);
            second.borrow_mut().advance(SECOND);
            let armed = [a.arm().await.unwrap(), b.arm().await.unwrap()];
            syn.latch(&mut NoDelay, armed).await.unwrap();
            first.borrow_mut().advance(17);
            second.borrow_mut().advance(17);
            let one = a.snapshot().await.unwrap();
            let two = b.snapshot().await.unwrap();
            let readings = [one.primary, *one.secondary().unwrap(), two.primary];
            let truths = [
                first.borrow().latched_truth().primary,
                first.borrow().latched_truth().secondary,
                second.borrow().latched_truth().primary,
            ];
            for phase in 0..3 {
                meters[phase].book(&readings[phase]);
                assert_units(&readings[phase], &scales, &feeds[phase]);
                assert_eq!(meters[phase].active_counts, truths[phase].active);
                assert_eq!(meters[phase].reactive_counts, truths[phase].reactive);
            }
        }
    });
}

#[test]
fn single_phase_coil_on_spi() {
    let board = Board::new(Input::coil(770_000, 470, 150));
    let chip = RefCell::new(Chip::new(Part::Stpm33, board));
    chip.borrow_mut().power_on(Interface::Spi);
    let pins = Pins::none().with_syn(Pin::new([&chip], Line::Syn));
    let config = Config::<Stpm33>::new(coil()).unwrap();
    let scales = config.scales();
    let mut driver = Stpm3x::new(Spi::new(sim::SpiDevice(&chip), pins), NoDelay, config);
    block_on(async {
        start(&mut driver).await;
        let mut meter = Meter::fresh();
        for second in 0..300 {
            let fed = load(second, 0);
            chip.borrow_mut().set_phase(Channel::Primary, fed);
            chip.borrow_mut().advance(SECOND);
            driver.latch().await.unwrap();
            let snapshot = driver.snapshot().await.unwrap();
            meter.book(&snapshot.primary);
            assert_units(&snapshot.primary, &scales, &fed);
            assert_eq!(
                meter.active_counts,
                chip.borrow().latched_truth().primary.active
            );
        }
    });
}

#[test]
fn a_day_wraps_the_counters_and_loses_nothing() {
    let board = Board::new(Input::shunt(770_000, 470, 300));
    let chip = RefCell::new(Chip::new(Part::Stpm32, board));
    chip.borrow_mut().power_on(Interface::Spi);
    let pins = Pins::none().with_syn(Pin::new([&chip], Line::Syn));
    let config = Config::<Stpm32>::new(shunt()).unwrap();
    let mut driver = Stpm3x::new(Spi::new(sim::SpiDevice(&chip), pins), NoDelay, config);
    block_on(async {
        start(&mut driver).await;
        let mut meter = Meter::fresh();
        for step in 0..8_640 {
            let amps = if step % 3_000 < 2_000 {
                55_000_000
            } else {
                30_000_000
            };
            let lag = if step % 3_000 < 2_000 {
                10_000
            } else {
                170_000
            };
            let fed = Phasor::sine(230_000_000, amps, lag, 50_000);
            chip.borrow_mut().set_phase(Channel::Primary, fed);
            chip.borrow_mut().advance(10 * SECOND);
            driver.latch().await.unwrap();
            meter.book(&driver.snapshot().await.unwrap().primary);
        }
        let truth = chip.borrow().latched_truth().primary;
        assert_eq!(meter.active_counts, truth.active);
        assert_eq!(meter.reactive_counts, truth.reactive);
        assert!(
            truth.active > 20 << 32,
            "the counter wrapped: {}",
            truth.active
        );
    });
}
