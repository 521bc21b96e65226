//! A chip's life with its driver: everything it can do, on every bus, against the simulator.

mod common;

use std::cell::RefCell;

use common::{Bench, Clock};
use stpm3x::blocking::{Mapped, Spi, Stpm3x, Uart};
use stpm3x::reg::{DspCr5, DspIrq1, DspReg14};
use stpm3x::sim::{
    self, Board, Chip, Disturbance, Input, Interface, Line, NoDelay, Phasor, Pin, Stream,
};
use stpm3x::{
    Channel, Config, Counters, Diagnosis, EnergyCounters, Event, Fault, Led, Part, Pins,
    Protection, Quantity, SampleClock, Stpm32, Stpm33, Stpm34, TamperTolerance,
};

fn chip(part: Part, interface: Interface) -> RefCell<Chip> {
    let mut chip = Chip::new(part, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(interface);
    let load = Phasor::sine(230_000_000, 10_000_000, 30_000, 50_000);
    chip.set_phase(Channel::Primary, load);
    chip.set_phase(Channel::Secondary, load);
    RefCell::new(chip)
}

type SpiMeter<'a, M> = Stpm3x<Spi<sim::SpiDevice<'a>, Pin<'a>>, NoDelay, M>;

fn on_spi<M: stpm3x::part::Model>(chip: &RefCell<Chip>, config: Config<M>) -> SpiMeter<'_, M> {
    let pins = Pins::none().with_syn(Pin::new([chip], Line::Syn));
    Stpm3x::new(Spi::new(sim::SpiDevice(chip), pins), NoDelay, config)
}

#[test]
fn every_framing_carries_a_snapshot() {
    let framings: [fn(Config<Stpm32>) -> Config<Stpm32>; 4] = [
        |config| config,
        Config::without_crc,
        |config| config.with_crc_polynomial(0x1D).unwrap(),
        Config::with_least_significant_bit_first,
    ];
    for (place, framing) in framings.into_iter().enumerate() {
        let config = framing(Bench::single());
        let chip = chip(Part::Stpm32, Interface::Spi);
        let mut meter = on_spi(&chip, config);
        for _ in 0..2 {
            meter.restart().unwrap();
            chip.borrow_mut().advance(7_812);
            let before = chip.borrow().bus_bytes();
            meter.latch().unwrap();
            assert_eq!(meter.snapshot().unwrap().primary.voltage_rms, 6_818);
            let length = if place % 2 == 1 { 4 } else { 5 };
            assert_eq!(chip.borrow().bus_bytes() - before, 15 * length);
        }
        let port = Bench::new(Part::Stpm32, Interface::Uart);
        let mut meter = Stpm3x::new(
            Uart::new(port.port(), port.uart_pins()),
            Clock(&port),
            config,
        );
        meter.restart().unwrap();
        meter.latch().unwrap();
        assert_eq!(meter.snapshot().unwrap().primary.voltage_rms, 6_818);
    }
}

/// A host that restarts finds a chip as it left it: CRC off, or another polynomial.
#[test]
fn a_host_without_pins_starts_a_chip_whose_crc_is_off() {
    for interface in [Interface::Spi, Interface::Uart] {
        let chip = chip(Part::Stpm32, interface);
        chip.borrow_mut().write_half(0x24, 0x0007);
        let config = Bench::single();
        let counters = match interface {
            Interface::Spi => {
                let bus = Spi::new(sim::SpiDevice(&chip), Pins::none());
                Stpm3x::new(bus, NoDelay, config).restart().unwrap()
            }
            Interface::Uart => {
                let bus = Uart::new(sim::Uart::new(&chip), Pins::none());
                Stpm3x::new(bus, NoDelay, config).restart().unwrap()
            }
        };
        assert_eq!(counters, Counters::Kept);
        assert_eq!(chip.borrow().row(18) & 0xFFFF, 0x4007);
    }
}

/// A restart brings the framing of a reset back: the driver looks there before it calls the link
/// lost.
#[test]
fn a_restarted_chip_is_noticed_whatever_its_framing() {
    let restarted = stpm3x::Error::Fault(Fault::Restarted);
    let framings: [fn(Config<Stpm32>) -> Config<Stpm32>; 3] = [
        |config| config,
        Config::without_crc,
        |config| config.with_crc_polynomial(0x1D).unwrap(),
    ];
    for framing in framings {
        let config = framing(Bench::single());
        let chip = chip(Part::Stpm32, Interface::Spi);
        let mut meter = on_spi(&chip, config);
        meter.restart().unwrap();
        chip.borrow_mut().brown_out();
        meter.latch().unwrap();
        assert_eq!(meter.snapshot().unwrap_err(), restarted);
        assert_eq!(meter.restart().unwrap(), Counters::Cleared);
        meter.latch().unwrap();
        meter.snapshot().unwrap();

        let bench = Bench::new(Part::Stpm32, Interface::Uart);
        let bus = Uart::new(bench.port(), bench.uart_pins());
        let mut meter = Stpm3x::new(bus, Clock(&bench), config);
        meter.restart().unwrap();
        bench.chip.borrow_mut().brown_out();
        meter.latch().unwrap();
        assert_eq!(meter.snapshot().unwrap_err(), restarted);
        meter.restart().unwrap();
        meter.latch().unwrap();
        meter.snapshot().unwrap();
    }
}

/// A link that is lost for a while is no restart, whatever the framing: the chip counts on.
#[test]
fn a_line_that_is_dead_for_a_while_costs_no_energy() {
    for config in [
        Bench::single(),
        Bench::single().with_crc_polynomial(0x1D).unwrap(),
    ] {
        let chip = chip(Part::Stpm32, Interface::Spi);
        let mut meter = on_spi(&chip, config);
        meter.restart().unwrap();
        for level in [true, false] {
            chip.borrow_mut().stick(Some(level));
            chip.borrow_mut().advance(7_812);
            meter.latch().unwrap();
            let fault = meter.snapshot().unwrap_err();
            assert_ne!(fault.kind(), stpm3x::ErrorKind::Restart, "{fault}");
            chip.borrow_mut().stick(None);
            meter.latch().unwrap();
            let energy = meter.snapshot().unwrap().primary.energy.active;
            let truth = chip.borrow().latched_truth().primary.active;
            assert_eq!(i128::from(energy), truth);
        }
    }
}

#[test]
fn the_baud_rate_changes_and_falls_back_with_a_restart() {
    let chip = chip(Part::Stpm32, Interface::Uart);
    let pins = Pins::none()
        .with_syn(Pin::new([&chip], Line::Syn))
        .with_scs(Pin::new([&chip], Line::Scs));
    let port = Uart::new(sim::Uart::new(&chip), pins);
    let mut meter = Stpm3x::new(port, NoDelay, Bench::single());
    meter.restart().unwrap();
    for (baud, divider) in [(115_200, 0x008B), (2_400, 0x1A0B), (460_800, 0x0023)] {
        meter
            .change_baud(baud, |port| {
                port.set_baud(baud);
                Ok(())
            })
            .unwrap();
        assert_eq!(chip.borrow().row(19), divider);
        meter.latch().unwrap();
        meter.snapshot().unwrap();
    }
    let error = meter.change_baud(1_000_000, |_| Ok(())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "metering chip: baud is 1000000, allowed are 2400 to 460800"
    );
    meter.snapshot().unwrap();
    chip.borrow_mut().brown_out();
    assert!(meter.start().is_err(), "the port is still at 460800");
    chip.borrow_mut().set_host_baud(9_600);
    meter.restart().unwrap();
    meter.latch().unwrap();
    meter.snapshot().unwrap();
}

#[test]
fn a_register_block_needs_no_frames() {
    let chip = chip(Part::Stpm34, Interface::Spi);
    let mut meter = Stpm3x::new(Mapped::new(sim::Rows(&chip)), NoDelay, Bench::dual());
    assert_eq!(meter.restart(), Ok(Counters::Kept));
    chip.borrow_mut().advance(7_812);
    meter.latch().unwrap();
    let snapshot = meter.snapshot().unwrap();
    assert_eq!(snapshot.primary.voltage_rms, 6_818);
    assert_eq!(snapshot.secondary().unwrap().current_rms, 2_333);
    assert_eq!(chip.borrow().bus_bytes(), 0);
}

#[test]
fn a_full_snapshot_shows_samples_times_and_angles() {
    let chip = chip(Part::Stpm34, Interface::Spi);
    let scales = Bench::dual().scales();
    let mut meter = on_spi(&chip, Bench::dual());
    meter.restart().unwrap();
    chip.borrow_mut().advance(7_812);
    meter.latch().unwrap();
    let before = chip.borrow().bus_bytes();
    let full = meter.full_snapshot().unwrap();
    assert_eq!(chip.borrow().bus_bytes() - before, 50 * 5);
    assert_eq!(full.basic, meter.snapshot().unwrap());
    let detail = full.primary;
    // 30 degrees of 2500 steps are 208.
    assert_eq!(detail.phase_angle, 208);
    assert_eq!(scales.phase_angle(208, full.basic.primary.period), 29_952);
    assert_eq!(&detail, full.secondary().unwrap());
    // The sample belongs to the tick of the latch: 7812 ticks of 128 us at 50 Hz.
    let angle = 2.0 * std::f64::consts::PI * 50.0 * 7_812.0 * 128e-6;
    let exact = 230e6 * 2f64.sqrt() * angle.sin();
    let found = scales.voltage_sample_uv(detail.voltage_sample) as f64;
    assert!((found - exact).abs() < 200.0, "{found} {exact}");
    let apparent = full.basic.primary.power.apparent;
    assert!(detail.apparent_vectorial.abs_diff(apparent) <= 1);
}

#[test]
fn a_single_channel_reads_only_its_rows() {
    let chip = chip(Part::Stpm33, Interface::Spi);
    let config = Config::<Stpm33>::new(Bench::front_end()).unwrap();
    let mut meter = on_spi(&chip, config);
    meter.restart().unwrap();
    meter.latch().unwrap();
    let before = chip.borrow().bus_bytes();
    let full = meter.full_snapshot().unwrap();
    assert_eq!(chip.borrow().bus_bytes() - before, 25 * 5);
    assert_eq!(full.secondary(), None);
    assert_eq!(full.basic.secondary(), None);
}

#[test]
fn samples_come_with_the_count_of_those_lost() {
    let chip = chip(Part::Stpm32, Interface::Spi);
    let mut meter = on_spi(&chip, Bench::single());
    meter.restart().unwrap();
    let mut clock = SampleClock::new();
    let (mut edges, mut lost) = (0u16, 0);
    let mut peak = 0;
    for step in 0..400u16 {
        let ticks = if step == 200 { 4 } else { 1 };
        chip.borrow_mut().advance(ticks);
        edges = edges.wrapping_add(ticks as u16);
        let sample = meter.sample().unwrap();
        peak = peak.max(sample.voltage);
        lost += clock.lost_before(edges);
    }
    assert_eq!(lost, 3);
    // 230 V * sqrt 2 / 131.769 uV
    assert!((f64::from(peak) / 2_468_479.0 - 1.0).abs() < 1e-3, "{peak}");
}

#[test]
fn events_are_told_once_and_those_of_meanwhile_the_next_time() {
    let chip = chip(Part::Stpm34, Interface::Spi);
    let front_end = Bench::front_end();
    let watch = Protection::default()
        .with_sag(207_000)
        .with_over_current(50_000);
    let config = Bench::dual()
        .with_protection(watch)
        .unwrap()
        .with_sag_filter_us(front_end.sag_filter_us(207_000, 230_000, 50_000).unwrap())
        .unwrap();
    let mut meter = on_spi(&chip, config);
    meter.restart().unwrap();
    chip.borrow_mut().advance(1_000);
    meter.events().unwrap().for_each(drop);
    chip.borrow_mut().advance(1_000);
    assert_eq!(meter.events().unwrap().next(), None);
    let dip = Phasor::sine(100_000_000, 10_000_000, 180_000, 50_000);
    chip.borrow_mut().set_phase(Channel::Primary, dip);
    chip.borrow_mut().advance(1_000);
    let events: Vec<_> = meter.events().unwrap().collect();
    assert!(events.contains(&Event::SagStart(Channel::Primary)));
    assert!(events.contains(&Event::PeriodError(Channel::Primary)));
    assert!(events.contains(&Event::PowerNegative(Channel::Primary, Quantity::Active)));
    assert!(!events.contains(&Event::SagEnd(Channel::Primary)));
    let back = Phasor::sine(230_000_000, 60_000_000, 0, 50_000);
    chip.borrow_mut().set_phase(Channel::Primary, back);
    chip.borrow_mut().advance(1_000);
    let events: Vec<_> = meter.events().unwrap().collect();
    assert!(events.contains(&Event::SagEnd(Channel::Primary)));
    assert!(events.contains(&Event::CurrentSwellStart(Channel::Primary)));
    assert!(!events.contains(&Event::SagStart(Channel::Primary)));
}

/// A clearing frame that the chip drops is written again: nothing is told twice or lost.
#[test]
fn events_survive_a_flipped_bit_anywhere() {
    for after in 0..60 {
        let chip = chip(Part::Stpm34, Interface::Spi);
        let mut meter = on_spi(&chip, Bench::dual());
        meter.restart().unwrap();
        let reverse = Phasor::sine(230_000_000, 10_000_000, 180_000, 50_000);
        chip.borrow_mut().set_phase(Channel::Primary, reverse);
        chip.borrow_mut().advance(100);
        let ahead = Phasor::sine(230_000_000, 10_000_000, 0, 50_000);
        chip.borrow_mut().set_phase(Channel::Primary, ahead);
        let flip = Disturbance::FlipToChip { after, mask: 0x10 };
        chip.borrow_mut().disturb(flip);
        let told = meter.events().unwrap();
        let negative = Event::PowerNegative(Channel::Primary, Quantity::Active);
        assert!(told.into_iter().any(|event| event == negative), "{after}");
        assert_eq!(meter.events().unwrap().next(), None, "{after}");
    }
}

#[test]
fn tamper_is_an_event_of_the_larger_channel() {
    let chip = chip(Part::Stpm33, Interface::Spi);
    let front_end = Bench::front_end();
    let config = Config::<Stpm33>::new(front_end)
        .and_then(|config| config.with_secondary(front_end.sensor, front_end.gain))
        .unwrap()
        .with_tamper(TamperTolerance::Eighth);
    let mut meter = on_spi(&chip, config);
    meter.restart().unwrap();
    let bypassed = Phasor::sine(230_000_000, 2_000_000, 30_000, 50_000);
    chip.borrow_mut().set_phase(Channel::Primary, bypassed);
    meter.events().unwrap().for_each(drop);
    chip.borrow_mut().advance(1_000);
    let events: Vec<_> = meter.events().unwrap().collect();
    assert_eq!(events, [Event::Tamper(Channel::Secondary)]);
}

#[test]
fn pulses_carry_the_meter_constant_that_is_told() {
    let chip = chip(Part::Stpm32, Interface::Spi);
    let config = Bench::single().with_led1(Led::active(1_000)).unwrap();
    let told = config.led1().milli_impulses_per_kwh as f64 / 1e3;
    let mut meter = on_spi(&chip, config);
    meter.restart().unwrap();
    let before = chip.borrow().pulses(sim::Output::Led1);
    chip.borrow_mut().advance(7_812 * 3_600);
    let pulses = (chip.borrow().pulses(sim::Output::Led1) - before) as f64;
    // 230 V * 10 A * cos 30 for 7812 * 3600 ticks of 128 us.
    let kwh = 2.3 * 0.75f64.sqrt() * 7_812.0 * 128e-6;
    assert!(
        (pulses / (told * kwh) - 1.0).abs() < 2e-3,
        "{pulses} of {}",
        told * kwh
    );
}

#[test]
fn rows_are_read_and_written_by_type() {
    let chip = chip(Part::Stpm32, Interface::Spi);
    let mut meter = on_spi(&chip, Bench::single());
    let fresh: DspCr5 = meter.read().unwrap();
    assert_eq!(fresh.voltage_calibrator(), 0x800);
    assert_eq!(
        meter.write(DspIrq1::new()).unwrap_err(),
        stpm3x::Error::Fault(Fault::NotConfigured)
    );
    meter.restart().unwrap();
    meter.write(DspIrq1::new().with_sag_start(true)).unwrap();
    assert_eq!(chip.borrow().row(14), 1 << 26);
    let back: DspIrq1 = meter.config().row();
    assert!(back.sag_start());
    meter.latch().unwrap();
    assert_eq!(meter.read::<DspReg14>().unwrap().voltage(), 6_818);
    // It is part of the configuration now.
    chip.borrow_mut().brown_out();
    meter.restart().unwrap();
    assert_eq!(chip.borrow().row(14), 1 << 26);
}

#[test]
fn energy_steps_have_their_sign_and_a_gap_is_told() {
    let chip = chip(Part::Stpm34, Interface::Spi);
    let mut meter = on_spi(&chip, Bench::dual());
    let counters = meter.restart().unwrap();
    let longest = Bench::front_end().longest_read_interval_ms();
    let mut energy = EnergyCounters::after(counters, longest);
    let mut sum = 0i128;
    for second in 0..120 {
        let lag = if second % 20 < 10 { 0 } else { 180_000 };
        let load = Phasor::sine(230_000_000, 60_000_000, lag, 50_000);
        chip.borrow_mut().set_phase(Channel::Primary, load);
        chip.borrow_mut().advance(7_812);
        meter.latch().unwrap();
        let snapshot = meter.snapshot().unwrap();
        let steps = energy.advance(&snapshot.primary.energy, 1_000).unwrap();
        assert_eq!(steps.active > 0, lag == 0);
        sum += i128::from(steps.active);
    }
    assert_eq!(sum, chip.borrow().truth().primary.active);
    chip.borrow_mut().advance(7_812 * 60);
    meter.latch().unwrap();
    let late = meter.snapshot().unwrap().primary.energy;
    let missed = energy.advance(&late, 60_000).unwrap_err();
    assert_eq!(missed.elapsed_ms, 60_000);
    assert_eq!(
        energy.advance(&late, 1_000).unwrap().active,
        0,
        "a new base"
    );
}

#[test]
fn the_self_test_names_the_cause() {
    let test = |part, prepare: fn(&mut Chip)| {
        let chip = chip(part, Interface::Spi);
        prepare(&mut chip.borrow_mut());
        on_spi(&chip, Bench::dual()).self_test().unwrap()
    };
    let other_voltage = |chip: &mut Chip| {
        chip.set_phase(Channel::Secondary, Phasor::sine(228_000_000, 0, 0, 50_000));
    };
    assert_eq!(test(Part::Stpm34, other_voltage), Diagnosis::Healthy);
    assert_eq!(test(Part::Stpm33, |_| {}), Diagnosis::SecondVoltageIsFirst);
    assert_eq!(
        test(Part::Stpm34, |chip| chip.stick(Some(false))),
        Diagnosis::StuckLow
    );
    assert_eq!(
        test(Part::Stpm34, |chip| chip.stick(Some(true))),
        Diagnosis::OtherInterface
    );
    assert_eq!(
        test(Part::Stpm34, Chip::power_off),
        Diagnosis::OtherInterface
    );
    let stuck = test(Part::Stpm34, |chip| {
        chip.stick_stream(Channel::Secondary, Stream::Current, Some(true));
    });
    let (channel, current) = (Channel::Secondary, true);
    assert_eq!(stuck, Diagnosis::StreamStuck { channel, current });
    let loud = test(Part::Stpm34, |chip| chip.noise(7, 300_000));
    assert!(
        matches!(loud, Diagnosis::Disturbed | Diagnosis::Unexpected { .. }),
        "{loud:?}"
    );
}

#[test]
fn the_self_test_of_a_uart_tells_speed_from_silence() {
    let test = |interface, baud| {
        let chip = chip(Part::Stpm32, interface);
        chip.borrow_mut().set_host_baud(baud);
        let port = Uart::new(sim::Uart::new(&chip), Pins::none());
        Stpm3x::new(port, NoDelay, Bench::single())
            .self_test()
            .unwrap()
    };
    assert_eq!(test(Interface::Uart, 9_600), Diagnosis::Healthy);
    assert_eq!(test(Interface::Uart, 115_200), Diagnosis::WrongBaud);
    assert_eq!(test(Interface::Spi, 9_600), Diagnosis::OtherInterface);
}

/// SYN that goes nowhere: the latch by it catches nothing, the one by a frame does.
#[test]
fn the_self_test_finds_a_syn_that_is_not_connected() {
    let real = chip(Part::Stpm32, Interface::Spi);
    let elsewhere = chip(Part::Stpm32, Interface::Spi);
    let pins = Pins::none().with_syn(Pin::new([&elsewhere], Line::Syn));
    let bus = Spi::new(sim::SpiDevice(&real), pins);
    let mut meter = Stpm3x::new(bus, NoDelay, Bench::single());
    assert_eq!(meter.self_test().unwrap(), Diagnosis::SynIdle);
}

#[test]
fn a_reconfigured_chip_keeps_its_energies() {
    let chip = chip(Part::Stpm34, Interface::Spi);
    let mut meter = on_spi(&chip, Bench::dual());
    meter.restart().unwrap();
    chip.borrow_mut().advance(78_120);
    let other: Config<Stpm34> = Bench::dual().with_total_difference();
    meter.reconfigure(other).unwrap();
    meter.latch().unwrap();
    let snapshot = meter.snapshot().unwrap();
    let truth = chip.borrow().latched_truth();
    assert_eq!(
        i128::from(snapshot.primary.energy.active),
        truth.primary.active
    );
}

/// The host restarts, the chip does not: nothing is written, and the energies go on.
#[test]
fn a_running_chip_is_taken_over() {
    let chip = chip(Part::Stpm34, Interface::Spi);
    let bus = || Spi::new(sim::SpiDevice(&chip), Pins::none());
    let mut fresh = Stpm3x::new(bus(), NoDelay, Bench::dual());
    let restarted = stpm3x::Error::Fault(Fault::Restarted);
    assert_eq!(fresh.adopt(), Err(restarted), "a chip nobody configured");
    let mut first = Stpm3x::new(bus(), NoDelay, Bench::dual().with_total_difference());
    first.restart().unwrap();
    chip.borrow_mut().advance(78_120);
    let rows: Vec<u32> = (0..=20).map(|row| chip.borrow().row(row)).collect();
    let mut second = Stpm3x::new(bus(), NoDelay, Bench::dual());
    second.adopt().unwrap();
    assert!(
        second
            .config()
            .row::<stpm3x::reg::DspCr3>()
            .total_difference()
    );
    second.latch().unwrap();
    assert_ne!(second.snapshot().unwrap().primary.energy.active, 0);
    let after: Vec<u32> = (0..=20).map(|row| chip.borrow().row(row)).collect();
    assert_eq!(after, rows);
}

/// Without SCS the chip would count the pulses of a second start from the fourth on.
#[test]
fn a_uart_with_syn_and_no_scs_starts_again_and_again() {
    let chip = chip(Part::Stpm32, Interface::Uart);
    let pins = Pins::none().with_syn(Pin::new([&chip], Line::Syn));
    let port = Uart::new(sim::Uart::new(&chip), pins);
    let mut meter = Stpm3x::new(port, NoDelay, Bench::single());
    for _ in 0..3 {
        assert_eq!(meter.restart(), Ok(Counters::Kept));
    }
    let pins = Pins::none()
        .with_syn(Pin::new([&chip], Line::Syn))
        .with_enable(Pin::new([&chip], Line::Enable));
    let port = Uart::new(sim::Uart::new(&chip), pins);
    let mut meter = Stpm3x::new(port, sim::Delay(&chip), Bench::single());
    for _ in 0..3 {
        assert_eq!(meter.restart(), Ok(Counters::Cleared));
    }
}

#[test]
fn a_chip_that_latches_by_itself_needs_no_latch() {
    let chip = chip(Part::Stpm32, Interface::Spi);
    let mut meter = on_spi(&chip, Bench::single().with_automatic_latch());
    meter.restart().unwrap();
    for _ in 0..3 {
        chip.borrow_mut().advance(7_812);
        let snapshot = meter.snapshot().unwrap();
        let truth = chip.borrow().truth().primary.active;
        assert_eq!(i128::from(snapshot.primary.energy.active), truth);
    }
}
