//! What ends everything: power-down, a card that is taken out, a network that detaches.

mod common;

use common::{config, for_every_cut};
use nbiot_at::{Answer, Event, Request, Stage};

#[test]
fn b6_ordered_power_down_is_told_whatever_was_before() {
    for_every_cut(&config(), |rig| {
        rig.begin(Request::PowerDown);
        rig.exchange("AT+QPOWD=1", "AT+QPOWD=1\r\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.say("\r\nPOWERED DOWN\r\n");
        assert_eq!(rig.events(), [Event::PoweredDown]);
    });
}

#[test]
fn b7_a_modem_that_does_not_say_so_is_off_after_65_seconds() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::PowerDown);
        rig.exchange("AT+QPOWD=1", "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.pass(64_999);
        assert_eq!(rig.events(), []);
        rig.pass(1);
        assert_eq!(rig.events(), [Event::PoweredDown]);
    });
}

/// Refused, and nobody waits for the answer: it is not off. Switched on again, neither.
#[test]
fn b7_a_modem_that_stays_on_is_not_told_to_be_off() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::PowerDown);
        assert_eq!(rig.sent(), "AT+QPOWD=1\r");
        rig.engine.abandon(rig.now);
        rig.say("\r\nERROR\r\n");
        rig.pass(70_000);
        assert_eq!(rig.events(), []);
        rig.begin(Request::PowerDown);
        rig.exchange("AT+QPOWD=1", "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.start();
        rig.pass(70_000);
        assert_eq!(rig.events(), []);
    });
}

#[test]
fn b16_a_card_that_is_taken_out_ends_everything() {
    for line in ["+QSIMSTAT: 1,0", "+CPIN: NOT READY"] {
        for_every_cut(&config(), |rig| {
            let socket = rig.connected();
            rig.say(format!("\r\n{line}\r\n"));
            assert_eq!(rig.events(), [Event::SimRemoved, Event::Closed(socket)]);
            assert_eq!(rig.engine.stage(), Stage::Boot);
        });
    }
}

#[test]
fn d9_detach_by_the_network_ends_the_context() {
    for line in ["NW DETACH", "ME DETACH", "NW PDN DEACT 1"] {
        for_every_cut(&config(), |rig| {
            let socket = rig.connected();
            rig.say(format!("\r\n+CGEV: {line}\r\n"));
            assert_eq!(rig.events(), [Event::ContextLost, Event::Closed(socket)]);
        });
    }
    for line in ["NW PDN DEACT 2", "PDN ACT 1", "NW CLASS \"A\""] {
        for_every_cut(&config(), |rig| {
            rig.connected();
            rig.say(format!("\r\n+CGEV: {line}\r\n"));
            assert_eq!(rig.events(), []);
        });
    }
}
