//! What a disturbed line, a lost supply or a dropped future may never do: a wrong value, a panic,
//! a counter cleared, a driver that stays broken.

mod common;

use common::{Bench, Clock, Device, poll_times};
use embassy_futures::block_on;
use proptest::prelude::*;
use stpm3x::asynch::{Registers, Spi, Stpm3x, Uart};
use stpm3x::part::Model;
use stpm3x::reg::{DspIrq1, DspReg14};
use stpm3x::seq::{Sequence, Start, Step};
use stpm3x::sim::{Counts, Disturbance, Interface};
use stpm3x::{
    Counters, Energies, Error, ErrorKind, Fault, LineFrequency, Part, Pins, Snapshot, Stpm32,
    Stpm34,
};

type SpiDriver<'a> = Stpm3x<Spi<Device<'a>, common::Tap<'a>, common::Tap<'a>>, Clock<'a>, Stpm34>;
type UartDriver<'a> = Stpm3x<
    Uart<common::Port<'a>, common::Tap<'a>, common::Tap<'a>, common::Tap<'a>>,
    Clock<'a>,
    Stpm32,
>;

fn spi(bench: &Bench) -> SpiDriver<'_> {
    let bus = Spi::new(Device(bench), bench.spi_pins());
    Stpm3x::new(bus, Clock(bench), Bench::dual())
}

fn uart(bench: &Bench) -> UartDriver<'_> {
    let bus = Uart::new(bench.port(), bench.uart_pins());
    Stpm3x::new(bus, Clock(bench), Bench::single())
}

async fn ready<R: Registers<Error: core::fmt::Debug>, M: Model>(
    driver: &mut Stpm3x<R, Clock<'_>, M>,
) {
    driver.start().await.unwrap();
    driver.configure().await.unwrap();
}

fn wrapped(counts: Counts) -> Energies {
    Energies {
        active: counts.active as u32,
        fundamental: counts.fundamental as u32,
        reactive: counts.reactive as u32,
        apparent: counts.apparent as u32,
    }
}

/// The snapshot holds what the chip froze: true since its reset, and the values that it measures.
fn assert_true<M: Model>(bench: &Bench, snapshot: &Snapshot<M>) {
    let truth = bench.chip.borrow().latched_truth();
    assert_eq!(snapshot.primary.energy, wrapped(truth.primary));
    assert_eq!(snapshot.primary.voltage_rms, 6_818);
    // 10 A at half the gain of 2.1435 mA a count.
    assert_eq!(snapshot.primary.current_rms, 2_333);
}

/// The same of both channels and the totals.
fn assert_both_true(bench: &Bench, snapshot: &Snapshot<Stpm34>) {
    assert_true(bench, snapshot);
    let truth = bench.chip.borrow().latched_truth();
    let secondary = snapshot.secondary().unwrap();
    assert_eq!(secondary.energy, wrapped(truth.secondary));
    assert_eq!(secondary.current_rms, 700);
    assert_eq!(snapshot.totals().unwrap(), &wrapped(truth.total));
}

#[test]
fn one_flipped_bit_anywhere_is_mended() {
    for after in 0..150 {
        for mask in [0x01, 0x80] {
            for to_chip in [true, false] {
                let bench = Bench::new(Part::Stpm34, Interface::Spi);
                let mut driver = spi(&bench);
                block_on(ready(&mut driver));
                bench.chip.borrow_mut().advance(100_000);
                block_on(driver.latch()).unwrap();
                bench.chip.borrow_mut().disturb(match to_chip {
                    true => Disturbance::FlipToChip { after, mask },
                    false => Disturbance::FlipToHost { after, mask },
                });
                let snapshot = block_on(driver.snapshot()).unwrap();
                assert_both_true(&bench, &snapshot);
            }
        }
    }
}

#[test]
fn one_lost_byte_anywhere_is_mended_with_and_without_scs() {
    for after in 0..75 {
        for to_chip in [true, false] {
            for pins in [true, false] {
                let bench = Bench::new(Part::Stpm32, Interface::Uart);
                block_on(uart(&bench).start()).unwrap();
                let lost = match to_chip {
                    true => Disturbance::LoseToChip { after },
                    false => Disturbance::LoseToHost { after },
                };
                if pins {
                    lose_in_snapshot(&bench, uart(&bench), lost);
                } else {
                    let bus = Uart::new(bench.port(), Pins::none());
                    let config = Bench::single();
                    lose_in_snapshot(&bench, Stpm3x::new(bus, Clock(&bench), config), lost);
                }
            }
        }
    }
}

fn lose_in_snapshot<R, M: Model>(
    bench: &Bench,
    mut driver: Stpm3x<R, Clock<'_>, M>,
    lost: Disturbance,
) where
    R: Registers<Error: core::fmt::Debug + PartialEq>,
{
    block_on(driver.configure()).unwrap();
    bench.chip.borrow_mut().advance(100_000);
    block_on(driver.latch()).unwrap();
    bench.chip.borrow_mut().disturb(lost);
    let snapshot = block_on(driver.snapshot()).unwrap();
    assert_true(bench, &snapshot);
}

#[test]
fn a_write_that_the_chip_drops_is_written_again() {
    for after in 0..130 {
        let bench = Bench::new(Part::Stpm34, Interface::Spi);
        let mut driver = spi(&bench);
        block_on(driver.start()).unwrap();
        bench
            .chip
            .borrow_mut()
            .disturb(Disturbance::FlipToChip { after, mask: 4 });
        block_on(driver.configure()).unwrap();
        bench.chip.borrow_mut().advance(1_000);
        block_on(driver.latch()).unwrap();
        assert_both_true(&bench, &block_on(driver.snapshot()).unwrap());
    }
}

#[test]
fn a_supply_dip_at_any_point_of_a_snapshot_is_no_energy() {
    let mut polls = 0;
    loop {
        let bench = Bench::new(Part::Stpm34, Interface::Spi);
        let mut driver = spi(&bench);
        block_on(ready(&mut driver));
        bench.chip.borrow_mut().advance(100_000);
        block_on(driver.latch()).unwrap();
        let truth = wrapped(bench.chip.borrow().latched_truth().primary);
        let mut future = Box::pin(driver.snapshot());
        if poll_times(future.as_mut(), polls).is_some() {
            break;
        }
        bench.chip.borrow_mut().brown_out();
        match block_on(future) {
            Ok(snapshot) => assert_eq!(snapshot.primary.energy, truth),
            Err(error) => assert_eq!(error, Error::Fault(Fault::Restarted)),
        }
        let again = block_on(driver.snapshot());
        assert_eq!(
            again.unwrap_err().kind(),
            ErrorKind::Restart,
            "after {polls} polls"
        );
        polls += 1;
    }
    assert!(polls > 50);
}

/// Drops `call` after every number of polls and proves that the next one works.
macro_rules! dropped_anywhere {
    ($name:ident, $part:ident, $interface:ident, $driver:ident, |$d:ident| $call:expr) => {
        #[test]
        fn $name() {
            for polls in 0.. {
                let bench = Bench::new(Part::$part, Interface::$interface);
                let mut $d = $driver(&bench);
                block_on(ready(&mut $d));
                bench.chip.borrow_mut().advance(123_456);
                let finished = poll_times(async { $call.await.is_ok() }, polls).is_some();
                let configured = block_on($d.snapshot()).is_ok();
                if !configured {
                    block_on(ready(&mut $d));
                }
                bench.chip.borrow_mut().advance(7_812);
                block_on($d.latch()).unwrap();
                let snapshot = block_on($d.snapshot()).unwrap();
                if configured {
                    assert_true(&bench, &snapshot);
                }
                if finished {
                    assert!(polls > 4);
                    break;
                }
            }
        }
    };
}

dropped_anywhere!(start_dropped_on_spi, Stpm34, Spi, spi, |driver| driver
    .start());
dropped_anywhere!(start_dropped_on_uart, Stpm32, Uart, uart, |driver| driver
    .start());
dropped_anywhere!(configure_dropped_on_spi, Stpm34, Spi, spi, |driver| driver
    .configure());
dropped_anywhere!(configure_dropped_on_uart, Stpm32, Uart, uart, |driver| {
    driver.configure()
});
dropped_anywhere!(arm_dropped_on_spi, Stpm34, Spi, spi, |driver| driver.arm());
dropped_anywhere!(arm_dropped_on_uart, Stpm32, Uart, uart, |driver| driver
    .arm());
dropped_anywhere!(latch_dropped_on_spi, Stpm34, Spi, spi, |driver| driver
    .latch());
dropped_anywhere!(latch_dropped_on_uart, Stpm32, Uart, uart, |driver| driver
    .latch());
dropped_anywhere!(snapshot_dropped_on_spi, Stpm34, Spi, spi, |driver| driver
    .snapshot());
dropped_anywhere!(snapshot_dropped_on_uart, Stpm32, Uart, uart, |driver| {
    driver.snapshot()
});

dropped_anywhere!(full_dropped_on_spi, Stpm34, Spi, spi, |driver| driver
    .full_snapshot());
dropped_anywhere!(sample_dropped_on_spi, Stpm34, Spi, spi, |driver| driver
    .sample());
dropped_anywhere!(events_dropped_on_spi, Stpm34, Spi, spi, |driver| driver
    .events());
dropped_anywhere!(events_dropped_on_uart, Stpm32, Uart, uart, |driver| driver
    .events());
dropped_anywhere!(write_dropped_on_spi, Stpm34, Spi, spi, |driver| {
    driver.write(DspIrq1::new().with_sag_start(true))
});
dropped_anywhere!(read_dropped_on_uart, Stpm32, Uart, uart, |driver| driver
    .read::<DspReg14>(
));
dropped_anywhere!(self_test_dropped_on_uart, Stpm32, Uart, uart, |driver| {
    driver.self_test()
});
dropped_anywhere!(reconfigure_dropped_on_spi, Stpm34, Spi, spi, |driver| {
    driver.reconfigure(Bench::dual().with_line(LineFrequency::Hz60))
});
dropped_anywhere!(
    crc_switched_off_dropped_on_spi,
    Stpm34,
    Spi,
    spi,
    |driver| { driver.reconfigure(Bench::dual().without_crc()) }
);
dropped_anywhere!(
    crc_switched_off_dropped_on_uart,
    Stpm32,
    Uart,
    uart,
    |driver| { driver.reconfigure(Bench::single().without_crc()) }
);

dropped_anywhere!(measure_dropped_on_spi, Stpm34, Spi, spi, |driver| driver
    .measure(2));
dropped_anywhere!(adopt_dropped_on_uart, Stpm32, Uart, uart, |driver| driver
    .adopt());
dropped_anywhere!(baud_dropped_on_uart, Stpm32, Uart, uart, |driver| {
    driver.change_baud(9_600, |_| Ok(()))
});

/// A snapshot on a dead line looks for a restart with another framing: dropped there, it leaves a
/// driver that finds its own again.
#[test]
fn a_look_for_a_restart_that_is_dropped_leaves_nothing_behind() {
    for polls in 0.. {
        let bench = Bench::new(Part::Stpm34, Interface::Spi);
        let mut driver = spi(&bench);
        block_on(ready(&mut driver));
        let other = Bench::dual().with_crc_polynomial(0x1D).unwrap();
        block_on(driver.reconfigure(other)).unwrap();
        bench.chip.borrow_mut().advance(1_000);
        block_on(driver.latch()).unwrap();
        bench.chip.borrow_mut().stick(Some(true));
        let failed = poll_times(driver.snapshot(), polls).is_some();
        bench.chip.borrow_mut().stick(None);
        block_on(driver.latch()).unwrap();
        assert_both_true(&bench, &block_on(driver.snapshot()).unwrap());
        if failed {
            assert!(polls > 10);
            break;
        }
    }
}

/// The frame that changes how frames look is itself a frame that can be damaged, either way.
#[test]
fn one_flipped_bit_while_the_framing_changes_is_mended() {
    for after in 0..250 {
        for to_chip in [true, false] {
            let flip = match to_chip {
                true => Disturbance::FlipToChip { after, mask: 0x08 },
                false => Disturbance::FlipToHost { after, mask: 0x08 },
            };
            let bench = Bench::new(Part::Stpm34, Interface::Spi);
            let mut driver = spi(&bench);
            block_on(ready(&mut driver));
            bench.chip.borrow_mut().disturb(flip);
            block_on(driver.reconfigure(Bench::dual().without_crc())).unwrap();
            let bench = Bench::new(Part::Stpm32, Interface::Uart);
            let mut driver = uart(&bench);
            block_on(ready(&mut driver));
            bench.chip.borrow_mut().disturb(flip);
            let polynomial = Bench::single().with_crc_polynomial(0x2F).unwrap();
            block_on(driver.reconfigure(polynomial)).unwrap();
            bench.chip.borrow_mut().advance(1_000);
            block_on(driver.latch()).unwrap();
            assert_true(&bench, &block_on(driver.snapshot()).unwrap());
        }
    }
}

/// A configuration cut off anywhere is finished by the next one, without a reset: also when it
/// was about to change how frames look.
#[test]
fn configure_finishes_what_was_dropped() {
    for polls in 0.. {
        let bench = Bench::new(Part::Stpm34, Interface::Spi);
        let mut driver = spi(&bench);
        block_on(ready(&mut driver));
        let other = Bench::dual().without_crc();
        let finished = poll_times(driver.reconfigure(other), polls).is_some();
        block_on(driver.configure()).unwrap();
        bench.chip.borrow_mut().advance(7_812);
        block_on(driver.latch()).unwrap();
        assert_both_true(&bench, &block_on(driver.snapshot()).unwrap());
        if finished {
            assert!(polls > 50);
            break;
        }
    }
}

#[test]
fn a_chip_in_the_other_interface_mode_is_named() {
    let bench = Bench::new(Part::Stpm32, Interface::Uart);
    let bus = Spi::new(Device(&bench), Pins::none());
    let mut driver = Stpm3x::new(bus, Clock(&bench), Bench::single());
    assert_eq!(
        block_on(driver.start()),
        Err(Error::Fault(Fault::StuckHigh))
    );

    let bench = Bench::new(Part::Stpm32, Interface::Spi);
    let bus = Uart::new(bench.port(), Pins::none());
    let mut driver = Stpm3x::new(bus, Clock(&bench), Bench::single());
    assert_eq!(block_on(driver.start()), Err(Error::Fault(Fault::NoAnswer)));
}

#[test]
fn enable_restarts_a_chip_in_the_right_interface_mode() {
    let bench = Bench::new(Part::Stpm34, Interface::Uart);
    let mut driver = spi(&bench);
    assert_eq!(block_on(driver.start()), Ok(Counters::Cleared));
    assert_eq!(bench.chip.borrow().interface(), Some(Interface::Spi));
}

#[test]
fn a_stuck_line_is_named() {
    for (level, fault) in [(false, Fault::StuckLow), (true, Fault::StuckHigh)] {
        let bench = Bench::new(Part::Stpm34, Interface::Spi);
        let mut driver = spi(&bench);
        block_on(ready(&mut driver));
        bench.chip.borrow_mut().stick(Some(level));
        assert_eq!(block_on(driver.snapshot()), Err(Error::Fault(fault)));
        assert_eq!(block_on(driver.configure()), Err(Error::Fault(fault)));
        assert_eq!(block_on(driver.start()), Err(Error::Fault(fault)));
        bench.chip.borrow_mut().stick(None);
        block_on(ready(&mut driver));
    }
}

#[test]
fn a_chip_that_drops_every_frame_is_named() {
    let mut start = Start::new(stpm3x::seq::Lines::default());
    let mut rows: &[u32] = &[];
    let fault = loop {
        match start.next(Ok(rows)) {
            Ok(Step::Read(_)) => rows = &[0x0400_00A0; 3],
            Ok(_) => rows = &[],
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault, Fault::Rejected);
}

#[test]
fn a_snapshot_before_configure_is_refused() {
    let bench = Bench::new(Part::Stpm34, Interface::Spi);
    let mut driver = spi(&bench);
    block_on(driver.start()).unwrap();
    assert_eq!(
        block_on(driver.snapshot()),
        Err(Error::Fault(Fault::NotConfigured))
    );
}

#[test]
fn a_uart_without_scs_cannot_be_armed_and_latches_by_software() {
    let bench = Bench::new(Part::Stpm32, Interface::Uart);
    // The chip's life begins with a full reset, which a driver without SCS cannot repeat.
    for _ in 0..3 {
        let mut chip = bench.chip.borrow_mut();
        chip.set_line(stpm3x::sim::Line::Syn, false);
        chip.set_line(stpm3x::sim::Line::Syn, true);
    }
    let pins = Pins::none().with_syn(bench.pin(stpm3x::sim::Line::Syn));
    let bus = Uart::new(bench.port(), pins);
    let mut driver = Stpm3x::new(bus, Clock(&bench), Bench::single());
    block_on(ready(&mut driver));
    assert_eq!(
        block_on(driver.arm()).unwrap_err(),
        Error::Fault(Fault::NoSelect)
    );
    for _ in 0..4 {
        bench.chip.borrow_mut().advance(10_000);
        block_on(driver.latch()).unwrap();
        assert_true(&bench, &block_on(driver.snapshot()).unwrap());
    }
}

/// Repeats a call until the noise lets it through.
macro_rules! insist {
    ($call:expr) => {{
        let mut tries = 0;
        loop {
            match $call.await {
                Ok(done) => break done,
                Err(_) if tries < 200 => tries += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
    }};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn noise_on_spi_never_makes_a_value(seed: u64, per_million in 0..5_000u32) {
        let bench = Bench::new(Part::Stpm34, Interface::Spi);
        let mut driver = spi(&bench);
        block_on(async {
            ready(&mut driver).await;
            bench.chip.borrow_mut().noise(seed, per_million);
            for _ in 0..40 {
                bench.chip.borrow_mut().advance(40_000);
                insist!(driver.latch());
                let snapshot = insist!(driver.snapshot());
                assert_both_true(&bench, &snapshot);
            }
        });
    }

    #[test]
    fn noise_on_a_uart_without_pins_never_makes_a_value(seed: u64, per_million in 0..3_000u32) {
        let bench = Bench::new(Part::Stpm32, Interface::Uart);
        let bus = Uart::new(bench.port(), Pins::none());
        let mut driver = Stpm3x::new(bus, Clock(&bench), Bench::single());
        block_on(async {
            ready(&mut driver).await;
            bench.chip.borrow_mut().noise(seed, per_million);
            for _ in 0..20 {
                bench.chip.borrow_mut().advance(40_000);
                insist!(driver.latch());
                let snapshot = insist!(driver.snapshot());
                prop_assert_eq!(snapshot.primary.voltage_rms, 6_818);
                prop_assert_eq!(snapshot.primary.current_rms, 2_333);
            }
            Ok(())
        })?;
    }
}
