//! Boot, SIM, registration, context: modem scenarios B, D, E.

mod common;

use common::{CONNECT, config, for_every_cut};
use nbiot_at::{Answer, Config, Event, Fault, Request, Stage, Text};

fn with_pin() -> Config {
    let mut config = config();
    config.pin = Text::parameter("1234").unwrap();
    config
}

#[test]
fn b1_probes_until_the_modem_answers() {
    for_every_cut(&config(), |rig| {
        rig.begin(Request::Start);
        for n in 0..9 {
            // A modem whose results are off or numbers is told to use words.
            let probe = if n > 0 && n % 4 == 0 { "ATQ0V1" } else { "AT" };
            assert_eq!(rig.sent(), format!("{probe}\r"));
            rig.say("0\r");
            rig.pass(500);
        }
        rig.say(b"\x00\xff\xfe\r\nRDY\r\n");
        // Late answers to the burst of probes do not answer what follows.
        rig.exchange("AT", "\r\nOK\r\n\r\nOK\r\n\r\nOK\r\n");
        assert_eq!(rig.sent(), "ATE0\r");
        assert_eq!(rig.events(), []);
    });
}

#[test]
fn b3_silence_for_twenty_seconds_is_reported() {
    for_every_cut(&config(), |rig| {
        rig.begin(Request::Start);
        for _ in 0..41 {
            rig.sent();
            rig.pass(500);
        }
        assert_eq!(rig.done(), Err(Fault::Silent));
        assert_eq!(rig.engine.stage(), Stage::Boot);
    });
}

#[test]
fn b4_application_that_is_never_ready_delays_ten_seconds() {
    for_every_cut(&config(), |rig| {
        rig.say("\r\nRDY\r\n");
        rig.boot();
        assert_eq!(rig.sent(), "");
        rig.pass(9_999);
        assert_eq!(rig.sent(), "");
        rig.pass(1);
        assert_eq!(rig.sent(), "AT+CPIN?\r");
    });
}

#[test]
fn b4_application_ready_ends_the_wait() {
    for_every_cut(&config(), |rig| {
        rig.say("\r\nRDY\r\n");
        rig.boot();
        rig.pass(2_000);
        rig.say("\r\nAPP RDY\r\n");
        assert_eq!(rig.sent(), "AT+CPIN?\r");
    });
}

#[test]
fn b8_power_down_invalidates_everything() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.say("\r\nNORMAL POWER DOWN\r\n");
        assert_eq!(rig.events(), [Event::PoweredDown]);
        assert_eq!(
            rig.engine.take(socket, &mut [0; 4]),
            Err(Fault::UnknownSocket)
        );
        let connect = CONNECT;
        assert_eq!(rig.engine.begin(connect, rig.now), Err(Fault::NotStarted));
    });
}

#[test]
fn b9_restart_fails_the_command_and_forgets_the_sockets() {
    for text in ["\r\nRDY\r\n", "\r\nRDY\r\n\r\nAPP RDY\r\n"] {
        for_every_cut(&config(), |rig| {
            let socket = rig.connected();
            rig.begin_send(socket, b"hello");
            rig.exchange("AT+QISEND=0,5", text);
            assert_eq!(rig.done(), Err(Fault::Restarted));
            assert_eq!(rig.events(), [Event::Restarted]);
            assert_eq!(rig.sent(), "", "no payload to a modem that restarted");
            let send = Request::Send {
                socket,
                data: b"hello",
            };
            assert_eq!(rig.engine.begin(send, rig.now), Err(Fault::UnknownSocket));
        });
    }
}

#[test]
fn b9_application_ready_long_after_the_boot_is_a_restart() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.pass(60_000);
        rig.say("\r\nAPP RDY\r\n");
        assert_eq!(rig.events(), [Event::Restarted]);
    });
}

#[test]
fn b10_unexpected_echo_is_a_restart() {
    for_every_cut(&config(), |rig| {
        rig.connected();
        rig.begin(Request::Signal);
        rig.exchange("AT+QCSQ", "AT+QCSQ\r\r\n+QCSQ: \"NOSERVICE\"\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::Restarted));
        assert_eq!(rig.events(), [Event::Restarted, Event::Unknown]);
    });
}

#[test]
fn restart_in_the_course_of_start_begins_again() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\nRDY\r\n\r\nAPP RDY\r\n");
        rig.exchange("AT", "\r\nOK\r\n");
        rig.exchange("ATE0", "ATE0\r\r\nOK\r\n");
        assert_eq!(rig.sent(), "ATV1\r");
        assert_eq!(rig.events(), []);
    });
}

#[test]
fn b11_pin_is_sent_once_and_ready_awaited() {
    for_every_cut(&with_pin(), |rig| {
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
        rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",3,10\r\n\r\nOK\r\n");
        rig.exchange("AT+CPIN=\"1234\"", "\r\nOK\r\n");
        assert_eq!(rig.sent(), "");
        rig.pass(500);
        rig.exchange("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        rig.settings();
    });
}

#[test]
fn b12_wrong_pin_is_never_sent_again() {
    for_every_cut(&with_pin(), |rig| {
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
        rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",3,10\r\n\r\nOK\r\n");
        rig.exchange("AT+CPIN=\"1234\"", "\r\n+CME ERROR: 16\r\n");
        assert_eq!(rig.done(), Err(Fault::PinRefused));
        rig.say("\r\nRDY\r\n\r\nAPP RDY\r\n");
        rig.echoes = true;
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::PinRefused));
    });
}

#[test]
fn b12_last_try_is_left_to_a_person() {
    for_every_cut(&with_pin(), |rig| {
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
        rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",1,10\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::PinRequired));
    });
}

#[test]
fn b13_b15_sim_faults_are_told_apart() {
    for (answer, fault) in [
        ("\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n", Fault::SimBlocked),
        ("\r\n+CME ERROR: 10\r\n", Fault::SimMissing),
        ("\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n", Fault::PinRequired),
    ] {
        for_every_cut(&config(), |rig| {
            rig.boot();
            rig.exchange("AT+CPIN?", answer);
            assert_eq!(rig.done(), Err(fault));
            assert_eq!(rig.engine.stage(), Stage::Sim);
        });
    }
}

#[test]
fn b14_busy_sim_is_polled_for_twenty_seconds() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        for _ in 0..16 {
            rig.exchange("AT+CPIN?", "\r\n+CME ERROR: 14\r\n");
            rig.pass(500);
        }
        rig.sim_and_settings();
        assert_eq!(rig.engine.stage(), Stage::Registration);
    });
    for_every_cut(&config(), |rig| {
        rig.boot();
        for _ in 0..40 {
            rig.exchange("AT+CPIN?", "\r\n+CME ERROR: 14\r\n");
            rig.pass(500);
        }
        rig.exchange("AT+CPIN?", "\r\n+CME ERROR: 14\r\n");
        assert_eq!(rig.done(), Err(Fault::SimFailure));
    });
}

#[test]
fn d1_report_of_registration_ends_the_search() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        rig.exchange("AT+CEREG?", "\r\n+CEREG: 4,2\r\n\r\nOK\r\n");
        rig.exchange("AT+CGREG?", "\r\n+CGREG: 2,4\r\n\r\nOK\r\n");
        assert_eq!(rig.sent(), "");
        rig.pass(3_000);
        rig.say("\r\n+CEREG: 2\r\n");
        assert_eq!(rig.sent(), "");
        rig.say("\r\n+CEREG: 5,\"0A1B\",\"01C2D304\",9\r\n");
        rig.context();
    });
}

#[test]
fn d1_roaming_that_is_not_allowed_deregisters() {
    let mut config = config();
    config.roaming = false;
    for_every_cut(&config, |rig| {
        rig.boot();
        rig.sim_and_settings();
        rig.exchange("AT+CEREG?", "\r\n+CEREG: 4,5\r\n\r\nOK\r\n");
        rig.exchange("AT+COPS=2", "\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::RoamingNotAllowed));
    });
}

#[test]
fn d2_denial_counts_after_a_minute_and_a_permanent_cause_at_once() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        rig.exchange("AT+CEREG?", "\r\n+CEREG: 4,3,,,,0,15\r\n\r\nOK\r\n");
        rig.exchange("AT+CGREG?", "\r\n+CGREG: 2,4\r\n\r\nOK\r\n");
        assert_eq!(rig.engine.outcome(), None);
        rig.say("\r\n+CEREG: 2\r\n\r\n+CEREG: 3,,,,0,8\r\n");
        assert_eq!(rig.done(), Err(Fault::Denied(Some(8))));
    });
}

#[test]
fn d4_gprs_state_does_not_matter_on_lte() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.say("\r\n+CGREG: 4\r\n\r\n+CREG: 0\r\n");
        rig.pass(600_000);
        assert_eq!(rig.events(), []);
    });
}

#[test]
fn d7_d8_short_loss_is_nothing_and_a_long_one_is_an_event() {
    for_every_cut(&config(), |rig| {
        rig.connected();
        rig.say("\r\n+CEREG: 2\r\n");
        rig.pass(20_000);
        rig.say("\r\n+CEREG: 1\r\n");
        rig.pass(600_000);
        assert_eq!(rig.events(), []);
        rig.say("\r\n+CEREG: 2\r\n");
        rig.pass(120_000);
        assert_eq!(rig.events(), [Event::Detached]);
        rig.say("\r\n+CEREG: 1\r\n");
        assert_eq!(rig.events(), [Event::Attached]);
        assert_eq!(rig.engine.deadline(), None);
    });
}

#[test]
fn no_network_in_the_search_time() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        for _ in 0..700 {
            match rig.sent().as_str() {
                "AT+CEREG?\r" => rig.say("\r\n+CEREG: 4,2\r\n\r\nOK\r\n"),
                "AT+CGREG?\r" => rig.say("\r\n+CGREG: 2,4\r\n\r\nOK\r\n"),
                _ => rig.pass(1_000),
            }
        }
        assert_eq!(rig.done(), Err(Fault::NotRegistered));
    });
}

#[test]
fn e1_activation_error_of_an_active_context_is_success() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        rig.exchange("AT+CEREG?", "\r\n+CEREG: 4,1\r\n\r\nOK\r\n");
        rig.exchange("AT+QIACT?", "\r\nOK\r\n");
        rig.exchange("AT+QIACT=1", "\r\nERROR\r\n");
        rig.context();
    });
}

#[test]
fn e2_lost_context_closes_each_socket_once_and_is_deactivated_first() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.say("\r\n+QIURC: \"pdpdeact\",1\r\n\r\n+QIURC: \"closed\",0\r\n");
        assert_eq!(rig.events(), [Event::ContextLost, Event::Closed(socket)]);
        rig.boot();
        rig.sim_and_settings();
        rig.exchange("AT+CEREG?", "\r\n+CEREG: 4,1\r\n\r\nOK\r\n");
        rig.exchange("AT+QIDEACT=1", "\r\nERROR\r\n");
        rig.exchange("AT+QIACT?", "\r\nOK\r\n");
        rig.exchange("AT+QIACT=1", "\r\nOK\r\n");
        rig.context();
        assert_eq!(rig.events(), []);
    });
}

#[test]
fn e5_refused_context_keeps_its_reason() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        rig.exchange("AT+CEREG?", "\r\n+CEREG: 4,1\r\n\r\nOK\r\n");
        rig.exchange("AT+QIACT?", "\r\nOK\r\n");
        rig.exchange("AT+QIACT=1", "\r\n+CME ERROR: 149\r\n");
        rig.exchange("AT+QIACT?", "\r\nOK\r\n");
        let cause = nbiot_at::CmeError::PdpAuthenticationFailure;
        assert_eq!(rig.done(), Err(Fault::Cme(cause)));
        assert_eq!(rig.engine.stage(), Stage::Context);
    });
}

#[test]
fn leftovers_of_an_earlier_session_are_closed() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        rig.exchange("AT+CEREG?", "\r\n+CEREG: 4,1\r\n\r\nOK\r\n");
        rig.exchange("AT+QIACT?", "\r\n+QIACT: 1,1,1,\"10.2.3.4\"\r\n\r\nOK\r\n");
        let state =
            |id| format!("+QISTATE: {id},\"TCP\",\"192.0.2.1\",1883,0,2,1,{id},0,\"uart1\"\r\n");
        rig.exchange(
            "AT+QISTATE?",
            format!("\r\n{}{}\r\nOK\r\n", state(1), state(11)),
        );
        let tls = "\r\n+QSSLSTATE: 2,\"SSLClient\",\"192.0.2.1\",8883,0,2,1,2,0,\"uart1\",1\r\n";
        rig.exchange("AT+QSSLSTATE", format!("{tls}\r\nOK\r\n"));
        rig.exchange("AT+QICLOSE=1,10", "\r\nOK\r\n");
        rig.exchange("AT+QSSLCLOSE=2,10", "\r\nOK\r\n");
        rig.exchange("AT+QICLOSE=11,10", "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
    });
}

#[test]
fn time_falls_back_to_the_clock() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::NetworkTime);
        rig.exchange("AT+QLTS=1", "\r\nERROR\r\n");
        rig.exchange(
            "AT+CCLK?",
            "\r\n+CCLK: \"26/03/29,01:59:59+04\"\r\n\r\nOK\r\n",
        );
        assert!(matches!(rig.done(), Ok(Answer::Time(t)) if t.unix == 1_774_745_999));
        rig.begin(Request::NetworkTime);
        rig.exchange("AT+QLTS=1", "\r\n+QLTS: \"\"\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::TimeNotValid));
    });
}

#[test]
fn b12_no_try_of_the_pin_is_spent_that_is_not_known_to_be_spare() {
    // How many are left is not told.
    for_every_cut(&with_pin(), |rig| {
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
        rig.exchange("AT+QPINC=\"SC\"", "\r\nERROR\r\n");
        assert_eq!(rig.done(), Err(Fault::PinRequired));
    });
    // The answer was lost, and the next time a try is missing.
    for_every_cut(&with_pin(), |rig| {
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
        rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",3,10\r\n\r\nOK\r\n");
        rig.exchange("AT+CPIN=\"1234\"", "");
        rig.pass(5_000);
        rig.resynchronise();
        assert_eq!(rig.done(), Err(Fault::SimFailure));
        for _ in 0..2 {
            rig.boot();
            rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
            if rig.engine.outcome() == Some(Err(Fault::PinRefused)) {
                continue;
            }
            rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",2,10\r\n\r\nOK\r\n");
            assert_eq!(rig.done(), Err(Fault::PinRefused));
        }
        // Another setting is no other PIN; another PIN is.
        rig.engine.config_mut().connect_time = std::time::Duration::from_secs(60);
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::PinRefused));
        rig.engine.config_mut().pin = Text::parameter("4321").unwrap();
        rig.boot();
        rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
        rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",2,10\r\n\r\nOK\r\n");
        assert_eq!(rig.sent(), "AT+CPIN=\"4321\"\r");
    });
}

#[test]
fn e2_context_that_is_lost_while_starting_is_activated_again() {
    for_every_cut(&config(), |rig| {
        rig.boot();
        rig.sim_and_settings();
        rig.exchange("AT+CEREG?", "\r\n+CEREG: 4,1\r\n\r\nOK\r\n");
        let active = "\r\n+QIACT: 1,1,1,\"10.2.3.4\"\r\n\r\nOK\r\n";
        rig.exchange("AT+QIACT?", active);
        rig.exchange("AT+QISTATE?", "\r\n+QIURC: \"pdpdeact\",1\r\n\r\nOK\r\n");
        rig.exchange("AT+QSSLSTATE", "\r\nOK\r\n");
        rig.exchange("AT+QIDEACT=1", "\r\nOK\r\n");
        rig.exchange("AT+QIACT?", "\r\nOK\r\n");
        rig.exchange("AT+QIACT=1", "\r\nOK\r\n");
        rig.context();
    });
}
