//! Blocks and lines that nobody asked for, that do not end, or that come twice.

mod common;

use common::{Rig, config, for_every_cut};
use nbiot_at::esim::Aid;
use nbiot_at::{Event, Fault, Request};

#[test]
fn take_inside_a_block_loses_nothing() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 10\r\n01234");
        // As the shells do when a `receive` was dropped and is called again.
        assert_eq!(rig.engine.take(socket, &mut [0; 64]), Ok(0));
        rig.engine.abandon(rig.now);
        rig.say("56789\r\n\r\nOK\r\n");
        assert!(rig.engine.is_idle());
        assert_eq!(rig.take(socket), b"0123456789");
    });
}

#[test]
fn restart_inside_a_block_that_nobody_reads_is_seen() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        rig.fall_silent("AT+QIRD=0,1024", 5_000);
        rig.done().unwrap();
        rig.events();
        // The modem had stood still; now it answers the old read, and then restarts.
        rig.say("\r\n+QIRD: 500\r\nabcdef");
        rig.pass(60_000);
        rig.say("\r\nRDY\r\n");
        rig.pass(3_000);
        rig.say("\r\nAPP RDY\r\n");
        assert_eq!(rig.events(), [Event::Restarted]);
    });
}

#[test]
fn lines_are_heard_again_behind_a_damaged_block_that_nobody_asked_for() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.say("\r\n+QIRD: 3\r\nabcdef\r\n\r\nRDY\r\n");
        assert_eq!(rig.events(), [], "that was its rest");
        rig.pass(1_000);
        rig.resynchronise();
        assert_eq!(rig.events(), [Event::Data(socket)], "lines were missed");
        rig.say("\r\n+QIURC: \"recv\",0\r\n");
        assert_eq!(rig.events(), [Event::Data(socket)]);
        rig.say("\r\n+QIRD: 3\r\nabcdef\r\n");
        rig.pass(1_000);
        rig.resynchronise();
        rig.say("\r\nRDY\r\n\r\nAPP RDY\r\n");
        assert_eq!(rig.events(), [Event::Restarted]);
    });
}

#[test]
fn rest_of_a_block_behind_a_pause_is_no_line() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.say("\r\n+QIRD: 20\r\nabc");
        rig.pass(1_000);
        assert_eq!(rig.sent(), "AT\r");
        rig.say("\r\nRDY\r\n0123456789\r\n\r\nOK\r\n");
        assert_eq!(rig.events(), []);
        rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
        assert_eq!(rig.events(), [Event::Data(socket)]);
    });
}

#[test]
fn what_comes_before_a_guard_is_answered_ends_no_command() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.say("\r\n+QIRD: 3\r\nabcdef");
        rig.begin(Request::Signal);
        assert_eq!(rig.sent(), "AT\r");
        rig.say("\r\n+QCSQ: \"NOSERVICE\"\r\n\r\nRDY\r\n\r\nOK\r\n");
        rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
        assert_eq!(rig.sent(), "AT+QCSQ\r");
        assert_eq!(rig.events(), [Event::Data(socket)]);
    });
}

#[test]
fn two_blocks_for_one_read_are_no_stream() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        let block = "\r\n+QIRD: 5\r\nabcde\r\n";
        rig.exchange("AT+QIRD=0,1024", format!("{block}{block}\r\nOK\r\n"));
        rig.resynchronise();
        // Five or ten, but none was counted here.
        rig.exchange("AT+QIRD=0,0", "\r\n+QIRD: 5,5,0\r\n\r\nOK\r\n");
        rig.done().unwrap();
        assert_eq!(rig.engine.take(socket, &mut [0; 16]), Err(Fault::Closed));
    });
}

#[test]
fn block_that_comes_while_the_count_is_asked_for_is_no_line() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
        rig.pass(5_000);
        rig.resynchronise();
        let block = "\r\n+QIRD: 9\r\n\r\nRDY\r\n..\r\n\r\nOK\r\n";
        let count = "\r\n+QIRD: 9,9,0\r\n\r\nOK\r\n";
        rig.exchange("AT+QIRD=0,0", format!("{block}{count}"));
        assert!(!rig.events().contains(&Event::Restarted));
    });
}

/// Opens a channel to the card; the session that the modem tells.
fn open_channel(rig: &mut Rig, session: &str) {
    rig.begin(Request::OpenChannel { aid: Aid::ISD_R });
    for stale in 1..=3 {
        rig.exchange(&format!("AT+CCHC={stale}"), "\r\nERROR\r\n");
    }
    let sent = rig.sent();
    assert!(sent.starts_with("AT+CCHO="), "{sent}");
    rig.say(format!("\r\n+CCHO: {session}\r\n\r\nOK\r\n"));
}

#[test]
fn line_behind_a_damaged_long_one_is_heard() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        open_channel(rig, "1");
        rig.done().unwrap();
        let apdu = &[0x81, 0xe2, 0x91, 0, 0];
        rig.begin(Request::Transmit { apdu });
        assert_eq!(rig.sent(), "AT+CGLA=1,10,\"81E2910000\"\r");
        let mut line = format!("\r\n+CGLA: 400,\"{}\"\r\n", "A".repeat(400)).into_bytes();
        let at = line.len() - 8;
        line[at] = 0xff;
        rig.say(line);
        rig.say("\r\n+QIURC: \"recv\",0\r\n\r\nOK\r\n");
        assert_eq!(rig.events(), [Event::Data(socket)]);
        assert_eq!(rig.engine.outcome(), None, "there was no answer");
    });
}

#[test]
fn session_that_no_command_could_name_is_none() {
    let mut rig = Rig::new(config(), 0);
    open_channel(&mut rig, "123456");
    assert_eq!(rig.engine.outcome(), None);
}

#[test]
fn bare_line_behind_the_model_is_not_the_model() {
    let mut rig = Rig::new(config(), 0);
    rig.begin(Request::Identity);
    let answer = "\r\nRING\r\n\r\nBG96\r\n\r\nRING\r\n\r\nCONNECT\r\n\r\nOK\r\n";
    rig.exchange("AT+CGMM", answer);
    rig.exchange("AT+QGMR", "\r\nBG96MAR02A07M1G\r\n\r\nOK\r\n");
    rig.exchange("AT+CGSN", "\r\n866425030000001\r\n\r\nOK\r\n");
    rig.exchange("AT+QCCID", "\r\n+QCCID: 8988211000000000001F\r\n\r\nOK\r\n");
    rig.done().unwrap();
    assert_eq!(rig.engine.identity().model.as_str(), "BG96");
}

#[test]
fn number_of_a_cell_is_no_active_time() {
    let mut rig = Rig::new(config(), 0);
    rig.connected();
    rig.say("\r\n+CEREG: 1,\"0A1B\",\"00010010\",9,,,,\"00000110\"\r\n");
    assert_eq!(rig.engine.granted().active, None);
    rig.say("\r\n+CEREG: 1,\"0A1B\",\"00010010\",9,,,\"00100001\",\"00000110\"\r\n");
    assert_eq!(rig.engine.granted().active.unwrap().as_secs(), 60);
}

#[test]
fn nothing_is_not_sent() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    let data = b"";
    rig.begin_err(Request::Send { socket, data }, Fault::InvalidParameter);
}

#[test]
fn flush_of_a_connection_that_the_peer_has_closed_says_so() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.say("\r\n+QIURC: \"closed\",0\r\n");
    rig.begin(Request::Flush { socket });
    rig.exchange("AT+QISEND=0,0", "\r\nERROR\r\n");
    assert_eq!(rig.done(), Err(Fault::Closed));
}
