//! What a network does: modem scenarios C, D and E, as far as they are not in `life`.

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{CONNECT, Rig, config, for_every_cut};
use nbiot_at::sim::{Bench, Loopback, Modem as Model};
use nbiot_at::{Answer, Class, ErrorKind, Event, Fault, Instant, Request, SocketError};
use nbiot_at::{Transport, asynch};

#[test]
fn c2_answer_may_take_as_long_as_the_manual_says() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        rig.registered();
        rig.exchange("AT+QIACT?", "\r\nOK\r\n");
        assert_eq!(rig.sent(), "AT+QIACT=1\r");
        rig.pass(149_000);
        assert_eq!(rig.sent(), "");
        rig.say("\r\nOK\r\n");
        rig.context();
    });
}

#[test]
fn c5_nothing_is_sent_into_a_command_that_its_caller_gave_up() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin_connect(0);
        rig.engine.abandon(rig.now);
        rig.pass(1_000);
        let request = Request::Signal;
        rig.begin_err(request, Fault::Busy);
        rig.say("\r\nOK\r\n");
        // What it opens is closed.
        rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
        rig.begin(request);
        rig.exchange("AT+QCSQ", "\r\n+QCSQ: \"NOSERVICE\"\r\n\r\nOK\r\n");
        assert!(matches!(rig.done(), Ok(Answer::Signal(_))));
    });
}

#[test]
fn d3_permanent_cause_ends_the_search_and_keeps_its_reason() {
    for cause in [2, 3, 6, 7, 8] {
        let mut rig = Rig::new(config(), 0);
        rig.boot();
        rig.sim_and_settings();
        let denied = format!("\r\n+CEREG: 5,3,,,,0,{cause}\r\n\r\nOK\r\n");
        rig.exchange("AT+CEREG?", denied);
        rig.exchange("AT+CGREG?", "\r\n+CGREG: 2,4\r\n\r\nOK\r\n");
        let fault = Fault::Denied(Some(cause));
        assert_eq!(rig.done(), Err(fault));
        assert_eq!(fault.class(), Class::DeniedPermanent);
    }
}

/// Answers the registration queries of `millis` with this state, and what else is sent then.
fn idle(rig: &mut Rig, millis: u64) -> String {
    let end = rig.now + Duration::from_millis(millis);
    while rig.now < end {
        match rig.sent().as_str() {
            "AT+CEREG?\r" => rig.say("\r\n+CEREG: 4,0\r\n\r\nOK\r\n"),
            "AT+CGREG?\r" => rig.say("\r\n+CGREG: 2,0\r\n\r\nOK\r\n"),
            "" => rig.pass(1_000),
            other => return other.to_owned(),
        }
    }
    String::new()
}

#[test]
fn d5_modem_that_does_not_search_is_told_to_and_then_its_radio_is_restarted() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        let begun = rig.now;
        assert_eq!(idle(rig, 60_000), "AT+COPS=0\r");
        assert!(rig.now.since(begun).as_secs() >= 30);
        rig.say("\r\nOK\r\n");
        assert_eq!(idle(rig, 120_000), "AT+CFUN=0\r");
        assert!(rig.now.since(begun).as_secs() >= 60);
        rig.say("\r\n+CPIN: NOT READY\r\n\r\nOK\r\n");
        rig.exchange("AT+CFUN=1", "\r\nOK\r\n");
        // The card has been off, too.
        rig.exchange("AT+CPIN?", "\r\n+CME ERROR: 14\r\n");
        rig.pass(500);
        rig.sim_and_settings();
        // Once is enough.
        assert_eq!(idle(rig, 700_000), "");
        assert_eq!(rig.done(), Err(Fault::NotRegistered));
    });
}

/// Whoever lost interest between the two commands has left the radio off.
#[test]
fn radio_that_was_left_off_is_switched_on_by_the_next_start() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        assert_eq!(idle(rig, 60_000), "AT+COPS=0\r");
        rig.say("\r\nOK\r\n");
        assert_eq!(idle(rig, 120_000), "AT+CFUN=0\r");
        rig.engine.abandon(rig.now);
        rig.say("\r\n+CPIN: NOT READY\r\n\r\nOK\r\n");
        assert_eq!(rig.sent(), "");
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CME ERROR: 13\r\n");
        rig.exchange("AT+CFUN=1", "\r\nOK\r\n");
        rig.exchange("AT+CPIN?", "\r\n+CME ERROR: 14\r\n");
        rig.pass(500);
        rig.sim_and_settings();
        rig.registered();
        rig.context();
    });
}

#[test]
fn d10_change_of_the_radio_access_is_told_and_nothing_else() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.say("\r\n+CEREG: 1,\"0A1B\",\"01C2D304\",8\r\n");
        assert_eq!(rig.events(), [Event::AccessChanged]);
        rig.say("\r\n+CEREG: 0\r\n\r\n+CGREG: 1,\"0A1B\",\"01C2D304\",0\r\n");
        assert_eq!(rig.events(), [Event::AccessChanged]);
        rig.say("\r\n+CGREG: 1,\"0A1C\",\"01C2D304\",0\r\n");
        rig.pass(600_000);
        assert_eq!(rig.events(), []);
        rig.begin_send(socket, b"hello");
        assert_eq!(rig.sent(), "AT+QISEND=0,5\r");
    });
}

#[test]
fn d12_another_area_changes_nothing() {
    for_every_cut(&config(), |rig| {
        rig.connected();
        for area in ["0A1C", "FFFE"] {
            rig.say(format!("\r\n+CEREG: 1,\"{area}\",\"01C2D305\",9\r\n"));
        }
        rig.pass(600_000);
        assert_eq!(rig.events(), []);
        rig.begin(CONNECT);
        assert!(rig.sent().starts_with("AT+QIOPEN=1,1"));
    });
}

#[test]
fn d13_emergency_calls_and_short_messages_are_no_registration() {
    for stat in [6, 7, 8] {
        let mut rig = Rig::new(config(), 0);
        rig.boot();
        rig.sim_and_settings();
        let limited = format!("\r\n+CEREG: 4,{stat},\"0A1B\",\"01C2D304\",9\r\n\r\nOK\r\n");
        rig.exchange("AT+CEREG?", limited);
        rig.exchange("AT+CGREG?", "\r\n+CGREG: 2,0\r\n\r\nOK\r\n");
        assert_eq!(rig.engine.outcome(), None);
        assert_eq!(rig.sent(), "");
    }
}

/// A start up to the activation, which is refused; the first `CFUN=0` on the way, if any.
fn refused_activation(rig: &mut Rig) -> bool {
    rig.boot();
    let sent = rig.sent();
    let is_restarted = sent == "AT+CFUN=0\r";
    if is_restarted {
        rig.say("\r\nOK\r\n");
        rig.exchange("AT+CFUN=1", "\r\nOK\r\n");
        assert_eq!(rig.sent(), "AT+CPIN?\r");
    } else {
        assert_eq!(sent, "AT+CPIN?\r");
    }
    rig.say("\r\n+CPIN: READY\r\n\r\nOK\r\n");
    rig.settings();
    rig.registered();
    rig.exchange("AT+QIACT?", "\r\nOK\r\n");
    rig.exchange("AT+QIACT=1", "\r\nERROR\r\n");
    rig.exchange("AT+QIACT?", "\r\nOK\r\n");
    assert_eq!(rig.done(), Err(Fault::Refused));
    is_restarted
}

#[test]
fn e3_third_activation_that_fails_restarts_the_radio() {
    let mut rig = Rig::new(config(), 0);
    let found: Vec<bool> = (0..7).map(|_| refused_activation(&mut rig)).collect();
    assert_eq!(found, [false, false, false, true, false, false, true]);
}

#[test]
fn e4_activation_without_an_answer_is_probed_and_started_anew() {
    let mut rig = Rig::new(config(), 0);
    rig.boot();
    rig.sim_and_settings();
    rig.registered();
    rig.exchange("AT+QIACT?", "\r\nOK\r\n");
    rig.fall_silent("AT+QIACT=1", 150_000);
    // From the boot on, and then it takes the power lines.
    let outcome = loop {
        let sent = rig.sent();
        assert!(sent == "AT\r" || sent == "ATQ0V1\r", "{sent}");
        rig.pass(500);
        if let Some(outcome) = rig.engine.outcome() {
            break outcome;
        }
    };
    assert_eq!(outcome, Err(Fault::Silent));
}

#[test]
fn e6_context_with_another_address_has_no_old_sockets() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.say("\r\n+QIURC: \"pdpdeact\",1\r\n");
        assert_eq!(rig.events(), [Event::ContextLost, Event::Closed(socket)]);
        rig.boot();
        rig.sim_and_settings();
        rig.registered();
        rig.exchange("AT+QIDEACT=1", "\r\nOK\r\n");
        rig.exchange("AT+QIACT?", "\r\nOK\r\n");
        rig.exchange("AT+QIACT=1", "\r\nOK\r\n");
        let other = "\r\n+QIACT: 1,1,1,\"10.9.9.9\"\r\n\r\nOK\r\n";
        rig.exchange("AT+QIACT?", other);
        rig.exchange("AT+QISTATE?", "\r\nOK\r\n");
        rig.exchange("AT+QSSLSTATE", "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.begin_err(Request::Receive { socket }, Fault::UnknownSocket);
    });
}

#[test]
fn e7_name_servers_are_set_where_the_network_names_none() {
    let mut config = config();
    let ours = [Ipv4Addr::new(192, 0, 2, 53), Ipv4Addr::UNSPECIFIED];
    config.name_servers = Some(ours);
    for (answer, is_set) in [
        (
            "\r\n+QIDNSCFG: 1,\"0.0.0.0\",\"0.0.0.0\"\r\n\r\nOK\r\n",
            true,
        ),
        ("\r\n+QIDNSCFG: 1,\"\",\"\"\r\n\r\nOK\r\n", true),
        (
            "\r\n+QIDNSCFG: 1,\"0.0.0.0\",\"10.0.0.1\"\r\n\r\nOK\r\n",
            false,
        ),
        ("\r\nERROR\r\n", false),
    ] {
        for_every_cut(&config, |rig| {
            rig.boot();
            rig.sim_and_settings();
            rig.registered();
            let active = "\r\n+QIACT: 1,1,1,\"10.2.3.4\"\r\n\r\nOK\r\n";
            rig.exchange("AT+QIACT?", active);
            rig.exchange("AT+QIDNSCFG=1", answer);
            if is_set {
                rig.exchange("AT+QIDNSCFG=1,\"192.0.2.53\"", "\r\nOK\r\n");
            }
            rig.exchange("AT+QISTATE?", "\r\nOK\r\n");
        });
    }
}

/// The same with the model: names are of use again.
#[test]
fn e7_names_need_a_server() {
    for servers in [
        None,
        Some([Ipv4Addr::new(192, 0, 2, 53), Ipv4Addr::UNSPECIFIED]),
    ] {
        let mut model = Model::new(Loopback::new(), 1);
        model.settings.has_name_servers = false;
        model.power_on(Instant::ZERO);
        let bench = Bench::new(model);
        let mut config = config();
        config.name_servers = servers;
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
        let (by_name, by_address, resolved) = bench
            .run(async {
                modem.start().await.unwrap();
                let by_name = modem.connect("meter.example", 1883, Transport::Tcp).await;
                let by_name = by_name.map_err(|error| error.fault().unwrap());
                if let Ok(socket) = by_name {
                    modem.close(socket).await.unwrap();
                }
                let by_address = modem.connect("192.0.2.1", 1883, Transport::Tcp).await;
                (
                    by_name,
                    by_address.is_ok(),
                    modem.resolve("meter.example").await.is_ok(),
                )
            })
            .unwrap();
        let failed = Fault::Socket(SocketError::DnsFailed);
        assert_eq!(by_name.err(), servers.is_none().then_some(failed));
        assert!(by_address);
        assert_eq!(resolved, servers.is_some());
    }
}

#[test]
fn e8_opening_without_a_context_asks_for_a_start_with_a_new_one() {
    for code in [561, 573] {
        let mut rig = Rig::new(config(), 0);
        rig.start();
        rig.begin_connect(0);
        rig.say("\r\nERROR\r\n");
        let error = format!("\r\n+QIGETERROR: {code},x\r\n\r\nOK\r\n");
        rig.exchange("AT+QIGETERROR", error);
        rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
        let Err(fault) = rig.done() else {
            panic!("it was refused")
        };
        assert_eq!(fault.kind(), ErrorKind::Start, "{code}");
        rig.boot();
        rig.sim_and_settings();
        rig.registered();
        rig.exchange("AT+QIDEACT=1", "\r\nOK\r\n");
        rig.exchange("AT+QIACT?", "\r\nOK\r\n");
        rig.exchange("AT+QIACT=1", "\r\nOK\r\n");
        rig.context();
        rig.connect();
    }
}
