//! Both shells do the same: same bytes, same pins, same results, with faults and without.

mod common;

use common::{Bench, Clock, Device, Event};
use embassy_futures::block_on;
use proptest::prelude::*;
use stpm3x::reg::{DspIrq1, DspReg14};
use stpm3x::sim::{self, Chip, Disturbance, Interface};
use stpm3x::{
    Averages, Counters, Diagnosis, Error, FullSnapshot, LineFrequency, Part, Pins, Sample,
    Snapshot, Stpm32, Stpm34, asynch, blocking,
};

/// What the public calls returned, one after the other.
#[derive(Debug, PartialEq)]
struct Outcome<M> {
    start: Answer<Counters>,
    configure: Answer<()>,
    rounds: Vec<Round<M>>,
    reconfigure: Answer<()>,
    adopt: Answer<()>,
    averages: Answer<Averages<M>>,
    self_test: Answer<Diagnosis>,
    restart: Answer<Counters>,
}

#[derive(Debug, PartialEq)]
struct Round<M> {
    armed: bool,
    latched: bool,
    snapshot: Answer<Snapshot<M>>,
    full: Answer<FullSnapshot<M>>,
    sample: Answer<Sample>,
    events: Answer<Vec<stpm3x::Event>>,
    read: Answer<DspReg14>,
    write: Answer<()>,
}

impl<M> Round<M> {
    fn went_well(&self) -> bool {
        let reads = self.snapshot.is_ok() && self.full.is_ok() && self.sample.is_ok();
        reads && self.events.is_ok() && self.read.is_ok() && self.write.is_ok()
    }
}

type Answer<T> = Result<T, Error<std::convert::Infallible>>;

/// Runs every public method; a macro because the two shells share no trait.
macro_rules! play {
    ($driver:ident, $bench:ident, $prepare:ident $(, $wait:tt)?) => {{
        let start = $driver.start()$(.$wait)?;
        let configure = $driver.configure()$(.$wait)?;
        $prepare(&mut $bench.chip.borrow_mut());
        let mut rounds = Vec::new();
        for _ in 0..3 {
            $bench.chip.borrow_mut().advance(50_000);
            rounds.push(Round {
                armed: $driver.arm()$(.$wait)?.is_ok(),
                latched: $driver.latch()$(.$wait)?.is_ok(),
                snapshot: $driver.snapshot()$(.$wait)?,
                full: $driver.full_snapshot()$(.$wait)?,
                sample: $driver.sample()$(.$wait)?,
                events: $driver.events()$(.$wait)?.map(Iterator::collect),
                read: $driver.read()$(.$wait)?,
                write: $driver.write(DspIrq1::new().with_sag_start(true))$(.$wait)?,
            });
        }
        let other = $driver.config().with_line(LineFrequency::Hz60);
        let reconfigure = $driver.reconfigure(other)$(.$wait)?;
        let adopt = $driver.adopt()$(.$wait)?;
        let averages = $driver.measure(3)$(.$wait)?;
        let self_test = $driver.self_test()$(.$wait)?;
        let restart = $driver.restart()$(.$wait)?;
        Outcome { start, configure, rounds, reconfigure, adopt, averages, self_test, restart }
    }};
}

fn spi(prepare: impl Fn(&mut Chip)) -> [(Outcome<Stpm34>, Vec<Event>); 2] {
    let bench = Bench::new(Part::Stpm34, Interface::Spi);
    let config = Bench::dual();
    let bus = blocking::Spi::new(Device(&bench), bench.spi_pins());
    let mut driver = blocking::Stpm3x::new(bus, Clock(&bench), config);
    let blocking = (play!(driver, bench, prepare), bench.take_events());

    let bench = Bench::new(Part::Stpm34, Interface::Spi);
    let bus = asynch::Spi::new(Device(&bench), bench.spi_pins());
    let mut driver = asynch::Stpm3x::new(bus, Clock(&bench), config);
    let outcome = block_on(async { play!(driver, bench, prepare, await) });
    [blocking, (outcome, bench.take_events())]
}

fn uart(prepare: impl Fn(&mut Chip)) -> [(Outcome<Stpm32>, Vec<Event>); 2] {
    let config = Bench::single();
    // The shells wait for a byte in their own ways: only what is sent is compared.
    let sent = |bench: &Bench| {
        let mut events = bench.take_events();
        events.retain(|event| !matches!(event, Event::Wait { .. }));
        events
    };
    let bench = Bench::new(Part::Stpm32, Interface::Uart);
    let bus = blocking::Uart::new(bench.port(), bench.uart_pins());
    let mut driver = blocking::Stpm3x::new(bus, Clock(&bench), config);
    let blocking = (play!(driver, bench, prepare), sent(&bench));

    let bench = Bench::new(Part::Stpm32, Interface::Uart);
    let bus = asynch::Uart::new(bench.port(), bench.uart_pins());
    let mut driver = asynch::Stpm3x::new(bus, Clock(&bench), config);
    let outcome = block_on(async { play!(driver, bench, prepare, await) });
    [blocking, (outcome, sent(&bench))]
}

#[test]
fn quiet_spi() {
    let [blocking, asynch] = spi(|_| {});
    assert!(
        blocking.0.rounds.iter().all(Round::went_well),
        "{:?}",
        blocking.0
    );
    assert_eq!(blocking, asynch);
}

#[test]
fn quiet_uart() {
    let [blocking, asynch] = uart(|_| {});
    assert!(
        blocking.0.rounds.iter().all(Round::went_well),
        "{:?}",
        blocking.0
    );
    assert_eq!(blocking, asynch);
}

#[test]
fn restarted_chip() {
    let [blocking, asynch] = spi(Chip::brown_out);
    assert!(
        !blocking.0.rounds.iter().any(Round::went_well),
        "{:?}",
        blocking.0
    );
    assert_eq!(blocking, asynch);
}

/// Another speed, there and back.
macro_rules! speeds {
    ($shell:ident $(, $wait:tt)?) => {{
        let bench = Bench::new(Part::Stpm32, Interface::Uart);
        let bus = $shell::Uart::new(bench.port(), bench.uart_pins());
        let mut driver = $shell::Stpm3x::new(bus, Clock(&bench), Bench::single());
        let mut answers = vec![driver.restart()$(.$wait)?.map(|_| ())];
        for baud in [115_200, 9_600, 1_000_000] {
            let switch = |_: &mut common::Port<'_>| {
                bench.chip.borrow_mut().set_host_baud(baud);
                Ok(())
            };
            answers.push(driver.change_baud(baud, switch)$(.$wait)?);
            answers.push(driver.snapshot()$(.$wait)?.map(|_| ()));
        }
        let mut events = bench.take_events();
        events.retain(|event| !matches!(event, Event::Wait { .. }));
        (answers, events)
    }};
}

#[test]
fn another_speed() {
    let blocking = speeds!(blocking);
    let wrong = blocking.0.iter().filter(|answer| answer.is_err()).count();
    assert_eq!(wrong, 1, "{:?}", blocking.0);
    assert_eq!(blocking, block_on(async { speeds!(asynch, await) }));
}

/// Three phases on one SYN line: reset, start, latch and read both chips.
macro_rules! shared {
    ($shell:ident, $a:ident, $b:ident $(, $wait:tt)?) => {{
        let chip = |bench| {
            let bus = $shell::Spi::new(Device(bench), Pins::none());
            $shell::Stpm3x::new(bus, Clock(bench), Bench::dual())
        };
        let (mut first, mut second) = (chip(&$a), chip(&$b));
        let pin = sim::Pin::new([&$a.chip, &$b.chip], sim::Line::Syn);
        let mut syn = $shell::SharedSyn::new(pin);
        let armed = [first.arm()$(.$wait)?.unwrap(), second.arm()$(.$wait)?.unwrap()];
        syn.reset(&mut Clock(&$a), armed)$(.$wait)?.unwrap();
        for driver in [&mut first, &mut second] {
            driver.start()$(.$wait)?.unwrap();
            driver.configure()$(.$wait)?.unwrap();
        }
        let mut snapshots = Vec::new();
        for _ in 0..4 {
            $a.chip.borrow_mut().advance(20_000);
            $b.chip.borrow_mut().advance(20_000);
            let armed = [first.arm()$(.$wait)?.unwrap(), second.arm()$(.$wait)?.unwrap()];
            syn.latch(&mut Clock(&$a), armed)$(.$wait)?.unwrap();
            $a.chip.borrow_mut().advance(3);
            snapshots.push(first.snapshot()$(.$wait)?.unwrap());
            snapshots.push(second.snapshot()$(.$wait)?.unwrap());
        }
        snapshots
    }};
}

#[test]
fn two_chips_on_one_syn_line() {
    let chips = || [0, 1].map(|_| Bench::new(Part::Stpm34, Interface::Spi));
    let [a, b] = chips();
    let blocking = shared!(blocking, a, b);
    let events = [a.take_events(), b.take_events()];
    let truth = b.chip.borrow().latched_truth();
    assert_eq!(
        blocking[7].primary.energy.active,
        truth.primary.active as u32
    );
    assert_ne!(truth.primary.active, 0);
    let [a, b] = chips();
    let asynch = block_on(async { shared!(asynch, a, b, await) });
    assert_eq!(blocking, asynch);
    assert_eq!(events, [a.take_events(), b.take_events()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn disturbed_spi(seed: u64, per_million in 0..20_000u32) {
        let [blocking, asynch] = spi(|chip| chip.noise(seed, per_million));
        prop_assert_eq!(blocking, asynch);
    }

    #[test]
    fn disturbed_uart(seed: u64, per_million in 0..20_000u32, after in 0..200u32) {
        let [blocking, asynch] = uart(|chip| {
            chip.noise(seed, per_million);
            chip.disturb(Disturbance::LoseToChip { after });
            chip.disturb(Disturbance::LoseToHost { after: after * 2 });
        });
        prop_assert_eq!(blocking, asynch);
    }
}

/// A snapshot in steps against the one that waits: same bytes, same value.
macro_rules! in_steps {
    ($name:ident, $bench:ident, $interface:ident, $bus:expr) => {
        #[test]
        fn $name() {
            let run = |steps: bool| {
                let $bench = Bench::new(Part::Stpm32, Interface::$interface);
                let mut driver = blocking::Stpm3x::new($bus, Clock(&$bench), Bench::single());
                driver.restart().unwrap();
                $bench.take_events();
                $bench.chip.borrow_mut().advance(50_000);
                // A poll that was given up leaves nothing behind that matters.
                let mut dropped = driver.poll_snapshot().unwrap();
                let mut polls = 0;
                while steps && polls < 11 {
                    assert!(dropped.poll(&mut driver).is_err());
                    polls += 1;
                }
                $bench.take_events();
                let snapshot = if steps {
                    let mut latch = driver.poll_latch();
                    nb::block!(latch.poll(&mut driver)).unwrap();
                    let mut poll = driver.poll_snapshot().unwrap();
                    nb::block!(poll.poll(&mut driver)).unwrap()
                } else {
                    driver.latch().unwrap();
                    driver.snapshot().unwrap()
                };
                let mut events = $bench.take_events();
                events.retain(|event| matches!(event, Event::Uart(_) | Event::Spi(_)));
                (snapshot, events)
            };
            assert_eq!(run(false), run(true));
        }
    };
}

in_steps!(
    steps_on_spi,
    bench,
    Spi,
    blocking::Spi::new(Device(&bench), bench.spi_pins())
);
in_steps!(
    steps_on_uart,
    bench,
    Uart,
    blocking::Uart::new(bench.port(), bench.uart_pins())
);
