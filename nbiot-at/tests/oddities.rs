//! Rows of the modem scenarios that are odd ones out: a line that is blocked, a modem that is broken
//! in part, data that wait.

mod common;
#[path = "common/slow.rs"]
mod slow;

use std::convert::Infallible;
use std::time::Duration;

use common::{Rig, config, for_every_cut};
use nbiot_at::sim::{Bench, Loopback, Loss, Modem as Model, Port, PsmGrant, VirtualClock};
use nbiot_at::{
    ActiveTimer, Answer, Clock, Event, Fault, Instant, PeriodicTimer, PowerSaving, Request,
    Transport, asynch,
};

/// A port whose CTS line holds back what is written until an instant.
struct Blocked<'a> {
    port: Port<'a, Loopback>,
    clock: &'a VirtualClock,
    span: (Instant, Instant),
}

impl embedded_io::ErrorType for Blocked<'_> {
    type Error = Infallible;
}

impl embedded_io_async::Read for Blocked<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        embedded_io_async::Read::read(&mut self.port, buf).await
    }
}

impl embedded_io_async::Write for Blocked<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        let (from, until) = self.span;
        if self.clock.now() >= from && self.clock.now() < until {
            self.clock.until(until).await;
        }
        // A few bytes at a time, so that a command is cut.
        let most = buf.len().min(3);
        embedded_io_async::Write::write(&mut self.port, &buf[..most]).await
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[test]
fn a20_command_that_the_line_holds_back_times_out_and_leaves_nothing_behind() {
    let bench = slow::bench();
    let from = Instant::from_millis(120_000);
    let until = from + Duration::from_secs(60);
    let port = Blocked {
        port: bench.port(),
        clock: bench.clock(),
        span: (from, until),
    };
    let mut modem = asynch::Modem::<_, _, 1>::new(port, bench.clock(), slow::config());
    bench
        .run(async {
            modem.start().await.unwrap();
            let connect = modem.connect("192.0.2.1", 1883, Transport::Tcp);
            let socket = connect.await.unwrap();
            bench.clock().until(from).await;
            let error = modem.send(socket, b"held back").await.unwrap_err();
            assert_eq!(error.fault(), Some(Fault::Closed));
            assert!(bench.clock().now() < until, "it did not wait for the line");
            bench.clock().until(until).await;
            modem.signal().await.unwrap();
            if modem.stage() != nbiot_at::Stage::Ready {
                modem.start().await.unwrap();
            }
            let connect = modem.connect("192.0.2.1", 1883, Transport::Tcp);
            let socket = connect.await.unwrap();
            assert_eq!(modem.send(socket, b"goes").await.unwrap(), 4);
        })
        .unwrap();
}

#[test]
fn b5_application_that_is_ready_late_is_no_restart() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.pass(15_000);
        rig.say("\r\nAPP RDY\r\n");
        assert_eq!(rig.events(), []);
        rig.connect();
    });
}

#[test]
fn b17_modem_without_a_serial_number_has_the_rest() {
    for_every_cut(&config(), |rig| {
        rig.begin(Request::Identity);
        rig.exchange("AT+CGMM", "\r\nBG96\r\n\r\nOK\r\n");
        rig.exchange("AT+QGMR", "\r\nBG96MAR02A07M1G\r\n\r\nOK\r\n");
        rig.exchange("AT+CGSN", "\r\n+CME ERROR: 23\r\n");
        rig.exchange("AT+QCCID", "\r\n+QCCID: 8988211000000000001F\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Identity));
        let identity = rig.engine.identity();
        assert_eq!(identity.imei.as_str(), "");
        assert_eq!(identity.iccid.as_str(), "8988211000000000001");
    });
}

#[test]
fn b18_modem_that_refuses_everything_is_one_for_the_power_lines() {
    let mut rig = Rig::new(config(), 0);
    rig.begin(Request::Start);
    let outcome = loop {
        if !rig.sent().is_empty() {
            rig.say("\r\nERROR\r\n");
        }
        if let Some(outcome) = rig.engine.outcome() {
            break outcome;
        }
        assert!(rig.now < Instant::from_millis(60_000), "and no end");
        rig.pass(100);
    };
    assert_eq!(outcome, Err(Fault::Silent));
}

#[test]
fn b19_restart_in_the_noise_of_a_low_supply_is_seen() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin_send(socket, b"hello");
        rig.exchange("AT+QISEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.say(b"\xff\x00\xf3\x81SEN\x00\xff\r\nRDY\r\n");
        assert_eq!(rig.done(), Err(Fault::Restarted));
        assert_eq!(rig.events(), [Event::Restarted]);
    });
}

#[test]
fn f5_data_that_are_told_of_once_are_read_to_the_last_byte() {
    let bench = slow::bench();
    let data: Vec<u8> = (0..2_000_u32).map(|n| (n % 251) as u8).collect();
    let mut modem = asynch::Modem::<_, _, 1>::new(bench.port(), bench.clock(), slow::config());
    let run = async {
        modem.start().await.unwrap();
        let connect = modem.connect("192.0.2.1", 1883, Transport::Tcp);
        let socket = connect.await.unwrap();
        bench.with(|model, _| model.network().push(socket.connect_id(), &data));
        let until = bench.clock().now() + Duration::from_secs(60);
        assert_eq!(modem.wait(until).await.unwrap(), Event::Data(socket));
        let (mut got, mut buffer) = (Vec::new(), [0; 100]);
        while let count @ 1.. = modem.receive(socket, &mut buffer).await.unwrap() {
            got.extend_from_slice(&buffer[..count]);
        }
        got
    };
    assert!(bench.run(run).unwrap() == data);
}

#[test]
fn f11_long_write_is_cut_and_says_how_much_went() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        let data = [b'x'; 4_000];
        let (mut total, mut rest) = (0, &data[..]);
        for expected in [1_024, 1_024, 1_024, 928] {
            rig.begin_send(socket, rest);
            rig.exchange(&format!("AT+QISEND=0,{expected}"), "\r\n> ");
            assert_eq!(rig.sent().len(), expected);
            total += u32::try_from(expected).unwrap();
            rig.taken(total);
            assert_eq!(rig.done(), Ok(Answer::Count(expected)));
            rest = &rest[expected..];
        }
        assert!(rest.is_empty());
    });
}

#[test]
fn f13_connection_to_a_peer_that_is_gone_is_found_by_what_it_does_not_acknowledge() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin_send(socket, b"hello");
    rig.exchange("AT+QISEND=0,5", "\r\n> ");
    rig.sent();
    rig.taken(5);
    assert_eq!(rig.done(), Ok(Answer::Count(5)));
    rig.begin(Request::Flush { socket });
    let begun = rig.now;
    let outcome = loop {
        if rig.sent() == "AT+QISEND=0,0\r" {
            rig.say("\r\n+QISEND: 5,0,5\r\n\r\nOK\r\n");
        }
        if let Some(outcome) = rig.engine.outcome() {
            break outcome;
        }
        rig.pass(1_000);
    };
    assert_eq!(outcome, Err(Fault::Closed));
    assert!((120..=125).contains(&rig.now.since(begun).as_secs()));
}

#[test]
fn f14_network_that_is_lost_inside_a_block_ends_the_connection() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 100\r\nabcdef");
        rig.pass(1_000);
        rig.resynchronise();
        rig.say("\r\n+QIURC: \"pdpdeact\",1\r\n");
        rig.exchange("AT+QIRD=0,0", "\r\nERROR\r\n");
        rig.done().unwrap();
        assert_eq!(rig.take(socket), b"", "what was not whole is not given");
        assert_eq!(rig.engine.take(socket, &mut [0]), Err(Fault::Closed));
        let events = rig.events();
        assert!(events.contains(&Event::ContextLost), "{events:?}");
        assert!(events.contains(&Event::Closed(socket)), "{events:?}");
    });
}

#[test]
fn i1_i2_time_that_nobody_has_told_is_not_valid() {
    for_every_cut(&config(), |rig| {
        rig.start();
        for clock in ["80/01/06,00:00:12+00", "22/12/31,23:59:59+00"] {
            rig.begin(Request::NetworkTime);
            rig.exchange("AT+QLTS=1", "\r\n+QLTS: \"\"\r\n\r\nOK\r\n");
            if let Some(outcome) = rig.engine.outcome() {
                assert_eq!(outcome, Err(Fault::TimeNotValid));
                continue;
            }
            let answer = format!("\r\n+CCLK: \"{clock}\"\r\n\r\nOK\r\n");
            rig.exchange("AT+CCLK?", answer);
            assert_eq!(rig.done(), Err(Fault::TimeNotValid));
        }
    });
}

#[test]
fn j6_modem_that_wakes_without_a_network_says_so() {
    let mut model = Model::new(Loopback::new(), 1);
    model.settings.psm = Some(PsmGrant::HOURLY);
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let mut config = config();
    config.search_time = Duration::from_secs(120);
    config.power_saving = Some(PowerSaving {
        psm: PeriodicTimer::at_least(Duration::from_secs(3_600))
            .zip(ActiveTimer::at_least(Duration::from_secs(60))),
        edrx: None,
    });
    let mut modem = asynch::Modem::<_, _, 1>::new(bench.port(), bench.clock(), config);
    let run = async {
        modem.start().await.unwrap();
        modem.power_saving().await.unwrap();
        let until = bench.clock().now() + Duration::from_secs(10_000);
        assert_eq!(modem.wait(until).await.unwrap(), Event::Asleep);
        assert_eq!(modem.wait(until).await.unwrap(), Event::Awake);
        let span = Duration::from_secs(3_000);
        bench.with(|model, now| model.lose_network(now, span, Loss::Context));
        modem.start().await.unwrap_err().fault()
    };
    assert_eq!(bench.run(run).unwrap(), Some(Fault::NotRegistered));
}
