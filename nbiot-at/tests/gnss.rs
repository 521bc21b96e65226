//! The receiver for satellites.

mod common;

use std::time::Duration;

use common::{config, for_every_cut};
use nbiot_at::sim::{Bench, Loopback, Modem as Model};
use nbiot_at::{Answer, Clock, Fault, GnssError, Instant, Request, asynch, blocking};

#[test]
fn answers_and_refusals_of_the_reference() {
    for_every_cut(&config(), |rig| {
        rig.begin(Request::StartGnss);
        rig.exchange("AT+QGPS=1", "\r\n+CME ERROR: 504\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done), "it runs");
        rig.begin(Request::Position);
        rig.exchange("AT+QGPSLOC=2", "\r\n+CME ERROR: 516\r\n");
        assert_eq!(rig.done(), Ok(Answer::Position(None)));
        rig.begin(Request::Position);
        rig.exchange("AT+QGPSLOC=2", "\r\n+CME ERROR: 505\r\n");
        assert_eq!(rig.done(), Err(Fault::Gnss(GnssError::NotActive)));
        rig.begin(Request::Position);
        let fix = "061951.000,38.46794,14.95438,0.7,62.2,3,0.00,0.0,0.0,110526,09";
        rig.exchange("AT+QGPSLOC=2", format!("\r\n+QGPSLOC: {fix}\r\n\r\nOK\r\n"));
        let Ok(Answer::Position(Some(position))) = rig.done() else {
            panic!("no position")
        };
        assert_eq!(
            (position.latitude, position.longitude),
            (38_467_940, 14_954_380)
        );
        rig.begin(Request::StopGnss);
        rig.exchange("AT+QGPSEND", "\r\n+CME ERROR: 505\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done), "it does not run");
        rig.begin(Request::StartGnss);
        rig.exchange("AT+QGPS=1", "\r\n+CME ERROR: 502\r\n");
        assert_eq!(rig.done(), Err(Fault::Gnss(GnssError::NotSupported)));
    });
}

#[test]
fn model_has_a_fix_after_a_while_with_both_shells() {
    let bench = || {
        let mut model = Model::new(Loopback::new(), 1);
        model.power_on(Instant::ZERO);
        Bench::new(model)
    };
    let bench_a = bench();
    let mut modem = asynch::Modem::<_, _, 1>::new(bench_a.port(), bench_a.clock(), config());
    let first = bench_a.run(async {
        modem.start().await.unwrap();
        assert!(modem.position().await.is_err());
        modem.start_gnss().await.unwrap();
        assert_eq!(modem.position().await, Ok(None));
        let until = bench_a.clock().now() + Duration::from_secs(60);
        bench_a.clock().until(until).await;
        let position = modem.position().await.unwrap();
        modem.stop_gnss().await.unwrap();
        assert!(modem.position().await.is_err());
        position
    });
    let bench_b = bench();
    let mut modem: blocking::Modem<_, _> =
        blocking::Modem::new(bench_b.port(), bench_b.blocking_clock(), config());
    modem.start().unwrap();
    modem.start_gnss().unwrap();
    let until = bench_b.clock().now() + Duration::from_secs(60);
    while modem.wait(until).unwrap() != nbiot_at::Event::Deadline {}
    let second = modem.position().unwrap();
    modem.stop_gnss().unwrap();
    assert!(first.unwrap().is_some());
    assert_eq!(first.unwrap(), second);
}
