//! Answers over a line that loses lines and bytes, with a modem that is slow and talks in between.

use std::time::Duration;

use nbiot_at::query::cell::NetworkInformation;
use nbiot_at::query::http::{Get, HasUrl, Post, PostFile, SetUrl};
use nbiot_at::query::identity::*;
use nbiot_at::query::operator::{CurrentOperator, FindOperators};
use nbiot_at::query::radio::*;
use nbiot_at::query::setting::Bands;
use nbiot_at::query::sim::*;
use nbiot_at::sim::{Bench, Faults, Loopback, Modem as Model};
use nbiot_at::{Clock, Event, Fault, blocking};

use crate::model::config;

const MINUTE: Duration = Duration::from_secs(60);
const URL: &str = "http://meter.example/OK";

/// Each query once: what it answered, `None` for an error.
macro_rules! answers {
    ($modem:ident; $($query:expr),* $(,)?) => {
        [$($modem.ask(&$query).ok().map(|answer| format!("{answer:?}"))),*]
    };
}

/// The answers of a modem that was made from this seed.
fn answers(seed: u64, faults: Faults) -> Vec<Option<String>> {
    let mut model = Model::new(Loopback::new(), seed);
    model.power_on(nbiot_at::Instant::ZERO);
    let bench = Bench::new(model);
    let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
    modem.start().unwrap();
    bench.with(|model, _| model.faults = faults);
    let found = answers!(modem;
        ModuleInformation, Imei, FirmwareRevision, Battery, Temperature, EpsRegistration,
        SignalQuality, ExtendedSignal, NetworkInformation, CurrentOperator, FindOperators, Imsi,
        Iccid, SimStatus, Bands,
    );
    found.into()
}

#[test]
fn answer_over_a_bad_line_is_the_truth_or_an_error() {
    let truth = answers(1, Faults::NONE);
    assert!(truth.iter().all(Option::is_some), "{truth:?}");
    let mut faults = Faults::NONE;
    faults.drop_line = 60_000;
    faults.drop_input = 5_000;
    faults.urc = 200_000;
    faults.double_urc = 200_000;
    faults.slow = 30_000;
    let (mut right, mut errors) = (0, 0);
    for seed in 0..150 {
        for (found, truth) in answers(seed, faults).into_iter().zip(&truth) {
            match found {
                Some(_) => {
                    assert_eq!(&found, truth, "seed {seed}");
                    right += 1;
                }
                None => errors += 1,
            }
        }
    }
    println!("{right} answers, {errors} errors");
    assert!(
        right > 1_000 && errors > 100,
        "{right} answers, {errors} errors"
    );
}

/// A body is whole, unless its length lost a digit on the way; that of a file is whole.
#[test]
fn body_that_was_posted_is_the_whole_body() {
    let body: Vec<u8> = (0..40).flat_map(|n| [n, b'\r', b'\n', b'K']).collect();
    let (mut posted, mut parts, mut files, mut errors) = (0, 0, 0, 0);
    for seed in 0..300 {
        let mut model = Model::new(Loopback::new(), seed);
        model.serve(201, b"", false);
        model.power_on(nbiot_at::Instant::ZERO);
        let bench = Bench::new(model);
        let mut modem = blocking::Modem::new(bench.port(), bench.blocking_clock(), config());
        modem.start().unwrap();
        bench.with(|model, _| {
            model.faults.drop_input = 2_000;
            model.faults.drop_line = 10_000;
        });
        let set = modem
            .ask(&SetUrl(URL))
            .and_then(|()| modem.ask(&HasUrl(URL)));
        if set != Ok(true) {
            errors += 1;
            continue;
        }
        let post = Post {
            body: &body,
            response_time: MINUTE,
        };
        match modem.ask(&post) {
            Ok(response) => {
                assert_eq!(response.status, 201);
                let got = bench.with(|model, _| model.posted().to_vec());
                let is_known = [16, 10, 60, 160].contains(&got.len());
                assert!(body.starts_with(&got) && is_known, "seed {seed}: {got:?}");
                parts += usize::from(got.len() < body.len());
                posted += 1;
            }
            Err(error) => {
                assert_ne!(error.fault(), Some(Fault::LogicBug), "seed {seed}");
                errors += 1;
            }
        }
        let file = modem.store_file("body", &body).is_ok();
        let post = PostFile {
            name: "body",
            response_time: MINUTE,
        };
        if file && modem.ask(&post).is_ok() {
            bench.with(|model, _| assert_eq!(model.posted(), body, "seed {seed}"));
            files += 1;
        }
        // Whatever has happened, the modem works.
        bench.with(|model, _| model.faults = Faults::NONE);
        let _ = modem.ask(&SignalQuality);
        // A request that nobody waits for any more is over then.
        let until = bench.clock().now() + MINUTE;
        while modem.wait(until).unwrap() != Event::Deadline {}
        modem.ask(&SetUrl(URL)).unwrap();
        assert_eq!(
            modem
                .ask(&Get {
                    response_time: MINUTE
                })
                .unwrap()
                .status,
            201
        );
    }
    println!("{posted} posted, {parts} of them in part, {files} as files, {errors} errors");
    assert!(posted > 100 && parts < 10 && files > 50 && errors > 50);
}
