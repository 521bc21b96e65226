//! The lines of the power: modem scenarios B1 to B3, B6, B7 and C1.

#[path = "common/slow.rs"]
mod slow;

use std::time::Duration;

use nbiot_at::sim::{Bench, Loopback, Modem as Model};
use nbiot_at::{
    Apn, Clock, Config, ErrorKind, Event, Fault, Instant, Off, PowerLines, PowerTiming, Stage,
    asynch, blocking,
};
use slow::dropped_after;

/// The lines between host and model, and what was done with them.
struct Lines<'a> {
    bench: &'a Bench<Loopback>,
    has_status: bool,
    has_reset: bool,
    since: Option<Instant>,
    presses: u32,
    resets: u32,
}

impl<'a> Lines<'a> {
    fn new(bench: &'a Bench<Loopback>, has_status: bool, has_reset: bool) -> Self {
        Self {
            bench,
            has_status,
            has_reset,
            since: None,
            presses: 0,
            resets: 0,
        }
    }

    /// How long the line was held, once it is let go.
    fn held(&mut self, active: bool) -> Option<(Instant, Duration)> {
        let now = self.bench.clock().now();
        if active {
            self.since = Some(now);
            return None;
        }
        Some((now, now.since(self.since.take().unwrap())))
    }
}

impl PowerLines for Lines<'_> {
    fn is_on(&mut self) -> Option<bool> {
        let is_on = |model: &mut Model<Loopback>, now| {
            // What is due by now.
            model.has_output(now);
            model.is_on()
        };
        self.has_status.then(|| self.bench.with(is_on))
    }

    fn press(&mut self, pressed: bool) {
        if let Some((now, held)) = self.held(pressed) {
            self.presses += 1;
            self.bench.with(|model, _| model.press(now, held));
        }
    }

    fn reset(&mut self, active: bool) -> bool {
        if !self.has_reset {
            return false;
        }
        if let Some((now, held)) = self.held(active) {
            self.resets += 1;
            self.bench.with(|model, _| model.reset(now, held));
        }
        true
    }
}

fn config() -> Config {
    Config::new(Apn::parameter("iot.example").unwrap())
}

fn bench() -> Bench<Loopback> {
    Bench::new(Model::new(Loopback::new(), 1))
}

/// Presses and resets until the modem was ready, with both shells.
fn power_up(
    has_status: bool,
    has_reset: bool,
    before: impl Fn(&mut Model<Loopback>),
) -> (Result<(), ErrorKind>, u32, u32) {
    let bench_a = bench();
    bench_a.with(|model, _| before(model));
    let mut lines = Lines::new(&bench_a, has_status, has_reset);
    let mut modem = asynch::Modem::new(bench_a.port(), bench_a.clock(), config());
    let result = bench_a
        .run(modem.power_up(&mut lines, PowerTiming::BG96))
        .unwrap();
    assert_eq!(result.is_ok(), modem.stage() == Stage::Ready);
    let found = (result.map_err(|e| e.kind()), lines.presses, lines.resets);

    let bench_b = bench();
    bench_b.with(|model, _| before(model));
    let mut lines = Lines::new(&bench_b, has_status, has_reset);
    let mut modem: blocking::Modem<_, _> =
        blocking::Modem::new(bench_b.port(), bench_b.blocking_clock(), config());
    let result = modem.power_up(&mut lines, PowerTiming::BG96);
    let other = (result.map_err(|e| e.kind()), lines.presses, lines.resets);
    assert_eq!(found, other);
    found
}

#[test]
fn b1_modem_that_is_off_is_switched_on() {
    assert_eq!(power_up(true, true, |_| {}), (Ok(()), 1, 0));
    assert_eq!(power_up(false, false, |_| {}), (Ok(()), 1, 0));
}

#[test]
fn b2_modem_that_is_on_is_not_pressed() {
    let on = |model: &mut Model<Loopback>| model.power_on(Instant::ZERO);
    assert_eq!(power_up(true, true, on), (Ok(()), 0, 0));
    assert_eq!(power_up(false, false, on), (Ok(()), 0, 0));
}

#[test]
fn b3_c1_modem_that_hangs_is_reset_or_reported() {
    let hangs = |model: &mut Model<Loopback>| {
        model.power_on(Instant::ZERO);
        model.settings.hangs = true;
    };
    assert_eq!(
        power_up(true, true, hangs),
        (Ok(()), 0, 1),
        "it is on: reset"
    );
    assert_eq!(power_up(true, false, hangs), (Ok(()), 2, 0), "off and on");
    assert_eq!(
        power_up(false, true, hangs),
        (Ok(()), 2, 0),
        "off, by guessing, and on"
    );
    // Nothing helps: an error that says so, and not for ever.
    let is_gone = |model: &mut Model<Loopback>| model.settings.boot = Duration::from_secs(86_400);
    assert_eq!(
        power_up(false, true, is_gone),
        (Err(ErrorKind::Power), 2, 1)
    );
    assert_eq!(
        power_up(false, false, is_gone),
        (Err(ErrorKind::Power), 2, 0)
    );
}

#[test]
fn b6_b7_orderly_power_down_and_one_that_is_not_told() {
    for (silently, has_status, expected) in [
        (false, true, Off::Orderly),
        (false, false, Off::Orderly),
        (true, true, Off::Orderly),
        (true, false, Off::Forced),
    ] {
        let bench = bench();
        bench.with(|model, now| {
            model.settings.goes_silently = silently;
            model.power_on(now);
        });
        let mut lines = Lines::new(&bench, has_status, false);
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
        let run = async {
            modem.start().await.unwrap();
            modem.power_off(&mut lines).await.unwrap()
        };
        assert_eq!(bench.run(run).unwrap(), expected, "{silently} {has_status}");
        assert!(bench.with(|model, _| !model.is_on()));
    }
    // It is off, as STATUS says, and does not even answer.
    let bench = bench();
    let mut lines = Lines::new(&bench, true, false);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    let off = bench.run(modem.power_off(&mut lines)).unwrap();
    assert_eq!(off.unwrap(), Off::Orderly);
}

/// It went off by itself, was switched on again, and is told to go off at last.
#[test]
fn b6_power_off_does_not_believe_what_was_told_before() {
    let bench = bench();
    bench.with(|model, now| model.power_on(now));
    let mut lines = Lines::new(&bench, false, false);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    let run = async {
        modem.start().await.unwrap();
        bench.with(|model, now| model.inject(b"\r\nNORMAL POWER DOWN\r\n", now));
        let error = modem.signal().await.unwrap_err();
        assert_eq!(error.fault(), Some(Fault::PoweredDown));
        bench.with(|model, _| model.power_off());
        modem.power_up(&mut lines, PowerTiming::BG96).await.unwrap();
        modem.power_off(&mut lines).await.unwrap()
    };
    assert_eq!(bench.run(run).unwrap(), Off::Orderly);
    let is_on = bench.with(|model, now| {
        model.has_output(now);
        model.is_on()
    });
    assert!(!is_on, "the supply would be cut");
}

#[test]
fn power_up_that_is_dropped_leaves_no_line_active() {
    let mut was_cut = false;
    for polls in 0..60 {
        let bench = bench();
        bench.with(|model, now| {
            model.settings.hangs = polls % 2 == 1;
            model.power_on(now);
        });
        let mut lines = Lines::new(&bench, false, true);
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
        let power_up = modem.power_up(&mut lines, PowerTiming::BG96);
        let result = bench.run(dropped_after(power_up, polls)).ok().flatten();
        assert!(lines.since.is_none(), "held after {polls} polls");
        was_cut |= result.is_none() && lines.presses > 0;
        bench.with(|model, _| model.settings.hangs = false);
        let again = modem.power_up(&mut lines, PowerTiming::BG96);
        bench.run(again).unwrap().unwrap();
    }
    assert!(was_cut, "no drop hit a press");
}

/// A caller that lost its first call asks again: the modem is told once, and waited for.
#[test]
fn b6_power_off_may_be_asked_for_twice() {
    let bench = bench();
    bench.with(|model, now| model.power_on(now));
    let mut lines = Lines::new(&bench, true, false);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    let run = async {
        modem.start().await.unwrap();
        modem.power_down().await.unwrap();
        modem.power_off(&mut lines).await.unwrap()
    };
    assert_eq!(bench.run(run).unwrap(), Off::Orderly);
    assert!(bench.with(|model, _| !model.is_on()));
}

#[test]
fn power_down_that_is_not_told_is_forced_whenever_it_was_asked_for() {
    struct Unwired;
    impl PowerLines for Unwired {
        fn press(&mut self, _: bool) {}
    }
    let mut model = Model::new(Loopback::new(), 1);
    model.settings.goes_silently = true;
    model.power_on(nbiot_at::Instant::ZERO);
    let bench = Bench::new(model);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    let off = bench.run(async {
        modem.start().await.unwrap();
        modem.power_down().await.unwrap();
        let until = bench.clock().now() + std::time::Duration::from_secs(60);
        assert_eq!(modem.wait(until).await.unwrap(), Event::Deadline);
        modem.power_off(&mut Unwired).await.unwrap()
    });
    assert_eq!(off.unwrap(), Off::Forced, "it did not say so");
}
