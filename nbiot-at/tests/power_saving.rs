//! Power saving mode and eDRX against the model: modem scenarios J.

mod common;

use std::time::Duration;

use common::Rig;

use nbiot_at::query::power::AllowSleep;
use nbiot_at::sim::{Bench, Loopback, Modem as Model, PsmGrant};
use nbiot_at::{
    ActiveTimer, Apn, Clock, Config, EdrxAccess, EdrxCycle, Error, Event, Fault, Instant,
    PeriodicTimer, PowerSaving, Request, Transport, asynch,
};

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

fn asked() -> PowerSaving {
    PowerSaving {
        psm: PeriodicTimer::at_least(HOUR).zip(ActiveTimer::at_least(MINUTE)),
        edrx: EdrxCycle::at_least(Duration::from_secs(80), EdrxAccess::NbIot)
            .map(|cycle| (EdrxAccess::NbIot, cycle)),
    }
}

fn config() -> Config {
    let mut config = Config::new(Apn::parameter("iot.example").unwrap());
    config.power_saving = Some(asked());
    config
}

fn bench(change: impl FnOnce(&mut Model<Loopback>)) -> Bench<Loopback> {
    let mut model = Model::new(Loopback::new(), 1);
    change(&mut model);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

#[test]
fn j1_what_is_granted_is_told_in_time() {
    let bench = bench(|model| {
        model.settings.psm = Some(PsmGrant::HOURLY);
        model.settings.edrx = Some(("0101", "0011"));
    });
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    bench
        .run(async {
            modem.start().await.unwrap();
            let granted = modem.power_saving().await.unwrap();
            assert_eq!(
                (granted.periodic, granted.active),
                (Some(HOUR), Some(MINUTE))
            );
            assert_eq!(granted.edrx, Some(Duration::from_millis(81_920)));
            assert_eq!(granted.window, Some(Duration::from_millis(10_240)));
            assert!(granted.covers(&asked()));
        })
        .unwrap();
}

#[test]
fn j2_j7_a_network_that_grants_nothing_is_seen() {
    let bench = bench(|_| {});
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    bench
        .run(async {
            modem.start().await.unwrap();
            let granted = modem.power_saving().await.unwrap();
            assert_eq!(granted, nbiot_at::Granted::default());
            assert!(!granted.covers(&asked()));
            // It stays reachable.
            let until = bench.clock().now() + 3 * HOUR;
            assert_eq!(modem.wait(until).await.unwrap(), Event::Deadline);
        })
        .unwrap();
}

/// Sleeps after the active time, wakes by its timer, sleeps again; and works when it is started.
#[test]
fn j3_j4_j5_it_sleeps_and_wakes_and_works_again() {
    for without_a_word in [false, true] {
        let bench = bench(|model| {
            model.settings.psm = Some(PsmGrant::HOURLY);
            model.settings.sleeps_without_a_word = without_a_word;
        });
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
        bench
            .run(async {
                modem.start().await.unwrap();
                modem.power_saving().await.unwrap();
                let socket = modem
                    .connect("meter.example", 1883, Transport::Tcp)
                    .await
                    .unwrap();
                assert_eq!(modem.send(socket, b"hello").await.unwrap(), 5);
                let until = bench.clock().now() + 3 * HOUR;
                assert_eq!(modem.wait(until).await.unwrap(), Event::Data(socket));
                assert_eq!(modem.wait(until).await.unwrap(), Event::Asleep);
                assert!(bench.with(|model, _| model.is_asleep()));
                // Nothing of before holds.
                let gone = modem.receive(socket, &mut [0; 8]).await;
                assert_eq!(gone, Err(Error::Modem(Fault::UnknownSocket)));
                let refused = modem.connect("meter.example", 1883, Transport::Tcp).await;
                assert_eq!(refused, Err(Error::Modem(Fault::NotStarted)));
                // By the timer.
                let asleep = bench.clock().now();
                assert_eq!(modem.wait(until).await.unwrap(), Event::Awake);
                assert!(bench.clock().now().since(asleep) >= HOUR);
                // By the key, while it sleeps.
                modem.start().await.unwrap();
                assert_eq!(modem.wait(until).await.unwrap(), Event::Asleep);
                bench.with(|model, now| model.power_on(now));
                modem.start().await.unwrap();
                modem
                    .connect("meter.example", 1883, Transport::Tcp)
                    .await
                    .unwrap();
                assert_eq!(bench.with(|model, _| model.power_saving_writes()), 1);
            })
            .unwrap();
    }
}

#[test]
fn an_ordered_power_down_is_no_sleep() {
    let bench = bench(|model| model.settings.psm = Some(PsmGrant::HOURLY));
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    bench
        .run(async {
            modem.start().await.unwrap();
            modem.power_saving().await.unwrap();
            modem.power_down().await.unwrap();
            let until = bench.clock().now() + HOUR;
            assert_eq!(modem.wait(until).await.unwrap(), Event::PoweredDown);
        })
        .unwrap();
}

/// The modem sleeps while DTR is high, and loses what wakes it: modem scenarios C3 and J9.
#[test]
fn j9_c3_line_that_wakes_the_modem_may_be_lost() {
    for dtr_sleep in [false, true] {
        let bench = bench(|_| {});
        let mut config = config();
        config.dtr_sleep = dtr_sleep;
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
        bench
            .run(async {
                modem.start().await.unwrap();
                let socket = modem.connect("192.0.2.1", 1883, Transport::Tcp).await;
                let socket = socket.unwrap();
                modem.ask(&AllowSleep(true)).await.unwrap();
                for _ in 0..3 {
                    let until = bench.clock().now() + MINUTE;
                    while modem.wait(until).await.unwrap() != Event::Deadline {}
                    assert_eq!(modem.signal().await.is_ok(), dtr_sleep);
                }
                let until = bench.clock().now() + MINUTE;
                while modem.wait(until).await.unwrap() != Event::Deadline {}
                if dtr_sleep {
                    assert_eq!(modem.send(socket, b"reading").await, Ok(7));
                    modem.close(socket).await.unwrap();
                    let until = bench.clock().now() + MINUTE;
                    while modem.wait(until).await.unwrap() != Event::Deadline {}
                    modem.power_down().await.unwrap();
                    let until = bench.clock().now() + Duration::from_secs(20);
                    assert_eq!(modem.wait(until).await.unwrap(), Event::PoweredDown);
                    assert!(!bench.with(|model, _| model.is_on()));
                }
            })
            .unwrap();
    }
}

/// The active time begins, and data have not been read.
#[test]
fn j8_data_that_wait_are_told_again_before_it_sleeps() {
    let mut rig = Rig::new(common::config(), 0);
    let socket = rig.connected();
    rig.say("\r\n+QIURC: \"recv\",0\r\n");
    assert_eq!(rig.events(), [Event::Data(socket)]);
    rig.say("\r\n+QPSMTIMER: 3600,60\r\n");
    assert_eq!(rig.events(), [Event::Data(socket)]);
    for answer in ["4\r\nread\r\n", "0\r\n"] {
        rig.begin(Request::Receive { socket });
        assert!(rig.sent().starts_with("AT+QIRD=0,"));
        rig.say(format!("\r\n+QIRD: {answer}\r\nOK\r\n"));
        assert!(rig.done().is_ok());
    }
    // Nothing waits.
    rig.events();
    rig.say("\r\n+QPSMTIMER: 3600,60\r\n");
    assert_eq!(rig.events(), []);
}
