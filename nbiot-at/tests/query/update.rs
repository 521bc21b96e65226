//! Updates of the module's firmware and the other notices, against the model.

use std::time::Duration;

use nbiot_at::query::firmware::UpdateFirmware;
use nbiot_at::query::identity::Model as AskModel;
use nbiot_at::query::time::{ClockUpdate, ReportTimeZone};
use nbiot_at::sim::{BlockingClock, Loopback, Port};
use nbiot_at::{Clock, Event, Fault, HttpError, Instant, Notice, Update, UpdateError, blocking};

use crate::model::{bench, config};

const PACKAGE: UpdateFirmware<'_> = UpdateFirmware::From("http://updates.example/bg96.zip");

type Modem<'a> = blocking::Modem<Port<'a, Loopback>, BlockingClock<'a, Loopback>>;

/// What the modem says until nothing has come for so long.
fn told(modem: &mut Modem<'_>, now: impl Fn() -> Instant) -> (Vec<Update>, Vec<Event>) {
    let (mut updates, mut events) = (Vec::new(), Vec::new());
    loop {
        match modem.wait(now() + Duration::from_secs(60)).unwrap() {
            Event::Deadline => return (updates, events),
            Event::Notice => match modem.engine().notice() {
                Some(Notice::Update(update)) => updates.push(update),
                other => panic!("{other:?}"),
            },
            event => events.push(event),
        }
    }
}

#[test]
fn update_from_the_network_tells_its_progress_and_restarts() {
    let bench = bench();
    let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
    modem.start().unwrap();
    modem.ask(&PACKAGE).unwrap();
    let (updates, events) = told(&mut modem, || bench.clock().now());
    assert_eq!(
        updates,
        [
            Update::Downloading,
            Update::Downloaded(Ok(())),
            Update::Begun,
            Update::Updating(0),
            Update::Updating(50),
            Update::Updating(100),
            Update::Restoring(0),
            Update::Restoring(100),
            Update::Ended(Ok(())),
        ]
    );
    assert_eq!(events, [Event::Restarted]);
    modem.start().unwrap();
    assert_eq!(modem.ask(&AskModel).unwrap().as_str(), "BG96");
}

#[test]
fn update_that_fails_says_why() {
    for (error, expected) in [
        (714, Update::Downloaded(Err(HttpError::DnsFailed))),
        (506, Update::Ended(Err(UpdateError::CheckFailed))),
    ] {
        let bench = bench();
        bench.with(|model, _| model.settings.update_error = error);
        let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
        modem.start().unwrap();
        modem.ask(&PACKAGE).unwrap();
        let (updates, events) = told(&mut modem, || bench.clock().now());
        assert_eq!(
            (updates.last(), events.as_slice()),
            (Some(&expected), [].as_slice())
        );
        modem.ask(&AskModel).unwrap();
    }
}

#[test]
fn update_without_a_package_ends_at_once() {
    let bench = bench();
    let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
    modem.start().unwrap();
    modem.ask(&UpdateFirmware::Stored).unwrap();
    let (updates, _) = told(&mut modem, || bench.clock().now());
    assert_eq!(updates, [Update::Ended(Err(UpdateError::NoPackage))]);
    modem.store_file("update.zip", b"a package").unwrap();
    modem.ask(&UpdateFirmware::Stored).unwrap();
    let (updates, events) = told(&mut modem, || bench.clock().now());
    assert_eq!(updates.first(), Some(&Update::Begun));
    assert_eq!(
        (updates.last(), events.as_slice()),
        (Some(&Update::Ended(Ok(()))), [Event::Restarted].as_slice())
    );
}

/// The host is new then, too.
#[test]
fn update_that_lost_its_power_goes_on_at_the_next_boot() {
    let bench = bench();
    let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
    modem.start().unwrap();
    modem.ask(&PACKAGE).unwrap();
    let until = bench.clock().now() + Duration::from_secs(70);
    while modem.wait(until).unwrap() != Event::Deadline {}
    assert_eq!(
        modem.ask(&AskModel).unwrap_err().fault(),
        Some(Fault::Silent)
    );
    bench.with(|model, now| {
        model.power_off();
        model.power_on(now);
    });
    let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
    let (updates, _) = told(&mut modem, || bench.clock().now());
    let expected = [
        Update::Resumed,
        Update::Restoring(0),
        Update::Restoring(100),
        Update::Ended(Ok(())),
    ];
    assert_eq!(updates, expected);
    modem.start().unwrap();
}

#[test]
fn time_zone_is_told_with_the_registration() {
    let bench = bench();
    let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
    modem.start().unwrap();
    modem.ask(&ClockUpdate::On).unwrap();
    modem.ask(&ReportTimeZone::ZoneAndTime).unwrap();
    bench.with(|model, now| {
        model.lose_network(now, Duration::from_secs(5), nbiot_at::sim::Loss::Silent);
    });
    let until = bench.clock().now() + Duration::from_secs(60);
    assert_eq!(modem.wait(until), Ok(Event::Notice));
    let Some(Notice::TimeZone(zone)) = modem.engine().notice() else {
        panic!("no zone")
    };
    assert_eq!((zone.zone, zone.daylight_saving), (0, Some(0)));
    let told = zone.shown.unwrap();
    assert_eq!(modem.network_time().unwrap().unix.abs_diff(told), 0);
}
