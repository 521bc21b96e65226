//! Files in the module: modem scenarios H7 to H11, as far as they are about what `store_file` does.

use std::time::Duration;

use nbiot_at::sim::{Bench, BlockingClock, Loopback, Modem as Model, Port};
use nbiot_at::{Apn, Config, Error, Fault, FileError, Instant, blocking};

type Modem<'a> = blocking::Modem<Port<'a, Loopback>, BlockingClock<'a, Loopback>>;

const NAME: &str = "ca.pem";

fn bench() -> Bench<Loopback> {
    let mut model = Model::new(Loopback::new(), 1);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

fn started(bench: &Bench<Loopback>) -> Modem<'_> {
    let config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config);
    modem.start().unwrap();
    modem
}

fn holds(bench: &Bench<Loopback>, data: Option<&[u8]>) {
    bench.with(|model, _| assert_eq!(model.file(NAME), data));
}

#[test]
fn h7_nothing_is_written_where_there_is_no_room() {
    let bench = bench();
    let mut modem = started(&bench);
    let old = [0x5a; 1500];
    modem.store_file(NAME, &old).unwrap();
    bench.with(|model, _| model.settings.room = Some(499));
    let refused = modem.store_file(NAME, &[0xa5; 2000]);
    assert_eq!(refused, Err(Error::Modem(Fault::File(FileError::NoSpace))));
    holds(&bench, Some(&old));
    // What it replaces is room, too.
    bench.with(|model, _| model.settings.room = Some(500));
    modem.store_file(NAME, &[0xa5; 2000]).unwrap();
    holds(&bench, Some(&[0xa5; 2000]));
}

#[test]
fn h8_file_that_is_there_is_compared_and_made_anew_if_it_differs() {
    let bench = bench();
    let mut modem = started(&bench);
    for (data, length) in [
        (0x5a, 1500),
        (0x5a, 1500),
        (0xa5, 1500),
        (0xa5, 40),
        (0xa5, 1100),
    ] {
        let data = vec![data; length];
        modem.store_file(NAME, &data).unwrap();
        holds(&bench, Some(&data));
    }
    // The same again is not written.
    bench.with(|model, _| model.settings.spoils_files = true);
    modem.store_file(NAME, &[0xa5; 1100]).unwrap();
    modem.store_file(NAME, &[0xa5; 1101]).unwrap_err();
}

/// What was there before stays where nothing of it was overwritten, and other files always.
#[test]
fn h8_good_file_outlives_a_refusal() {
    let bench = bench();
    let mut modem = started(&bench);
    modem.store_file(NAME, &[0xa5; 1100]).unwrap();
    let held = format!("AT+QFOPEN=\"{NAME}\",2");
    let time_out = Duration::from_secs(5);
    modem.command(&held, time_out).unwrap();
    let refused = modem.store_file(NAME, &[0x5a; 1000]);
    assert!(
        matches!(refused, Err(Error::Modem(Fault::File(_)))),
        "{refused:?}"
    );
    holds(&bench, Some(&[0xa5; 1100]));
    let refused = modem.store_file("*", &[0x5a; 1000]);
    assert_eq!(refused, Err(Error::Modem(Fault::InvalidParameter)));
    holds(&bench, Some(&[0xa5; 1100]));
}

/// The disk is full, whatever was said about it.
#[test]
fn h10_part_of_a_file_is_deleted() {
    let bench = bench();
    let mut modem = started(&bench);
    for name in ["a", "b", "c"] {
        modem.store_file(name, &[0; 1700]).unwrap();
    }
    bench.with(|model, _| model.settings.room = Some(9000));
    let full = modem.store_file(NAME, &[0xa5; 2000]);
    assert_eq!(full, Err(Error::Modem(Fault::File(FileError::DriveFull))));
    holds(&bench, None);
    assert_eq!(modem.file_size("c"), Ok(Some(1700)));
}

#[test]
fn h11_file_that_does_not_read_back_is_deleted() {
    let bench = bench();
    let mut modem = started(&bench);
    bench.with(|model, _| model.settings.spoils_files = true);
    let spoiled = modem.store_file(NAME, &[0xa5; 1500]);
    assert_eq!(spoiled, Err(Error::Modem(Fault::Malformed)));
    holds(&bench, None);
    bench.with(|model, _| model.settings.spoils_files = false);
    modem.store_file(NAME, &[0xa5; 1500]).unwrap();
    holds(&bench, Some(&[0xa5; 1500]));
}
