//! Queries whose result comes behind `OK`, and that send data.

use std::time::Duration;

use nbiot_at::query::http::*;
use nbiot_at::query::{Lines, Query};
use nbiot_at::{Answer, Event, Fault, HttpError, Request};

use crate::common::{Rig, config, for_every_cut};
use crate::outcome;

const MINUTE: Duration = Duration::from_secs(60);
const GET: Get = Get {
    response_time: MINUTE,
};

/// The query sends this line, and its data once it is invited.
#[track_caller]
fn send<Q: Query>(rig: &mut Rig, query: &Q, line: &str, data: &str) {
    rig.engine.ask(query, rig.now).unwrap();
    rig.exchange(line, "\r\nCONNECT\r\n");
    assert_eq!(rig.sent(), data);
    rig.say("\r\nOK\r\n");
    // Nothing of the data is left over.
    rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
}

#[test]
fn url_goes_behind_connect() {
    for_every_cut(&config(), |rig| {
        let url = "http://meter.example/OK?a=\"b\"";
        let query = SetUrl(url);
        send(rig, &query, "AT+QHTTPURL=29", url);
        assert_eq!(outcome(rig, &query), Ok(()));
        for (line, expected) in [
            (format!("+QHTTPURL: {url}"), true),
            (format!("+QHTTPURL: \"{url}\""), true),
            ("+QHTTPURL: http://meter.example/".into(), false),
        ] {
            let found = crate::ask(rig, &HasUrl(url), "AT+QHTTPURL?", &[&line]);
            assert_eq!(found, Ok(expected));
        }
        let long = format!("http://meter.example/{}", "x".repeat(679));
        let query = SetUrl(&long);
        send(rig, &query, "AT+QHTTPURL=700", &long);
        assert_eq!(outcome(rig, &query), Ok(()));
        let line = format!("+QHTTPURL: {long}");
        let found = crate::ask(rig, &HasUrl(&long), "AT+QHTTPURL?", &[&line]);
        assert_eq!(found, Ok(true));
        let is_another = "http://a.b/\r\nHost: c.d";
        for url in [
            "",
            &format!("{long}x"),
            is_another,
            "http://a.b/\n",
            "http://a b/",
        ] {
            let refused = rig.engine.ask(&SetUrl(url), rig.now);
            assert_eq!(refused, Err(Fault::InvalidParameter));
        }
    });
}

#[test]
fn result_comes_behind_ok_or_in_front_of_it() {
    for_every_cut(&config(), |rig| {
        for (said, status, length) in [
            (
                "\r\nOK\r\n\r\n+QHTTPGET: 0,200,601710\r\n",
                200,
                Some(601_710),
            ),
            (
                "\r\nOK\r\n\r\n+QIND: \"csq\",20,99\r\n\r\n+QHTTPGET: 0,404\r\n",
                404,
                None,
            ),
            ("\r\n+QHTTPGET: 0,200,1\r\n\r\nOK\r\n", 200, Some(1)),
        ] {
            let found = crate::asked(rig, &GET, "AT+QHTTPGET=60", said).unwrap();
            assert_eq!((found.status, found.length), (status, length));
        }
        for said in [
            "\r\nOK\r\n\r\n+QHTTPGET: 714\r\n",
            "\r\n+QHTTPGET: 714\r\n\r\nERROR\r\n",
            "\r\n+CME ERROR: 714\r\n",
        ] {
            let found = crate::asked(rig, &GET, "AT+QHTTPGET=60", said);
            assert_eq!(found, Err(Fault::HttpModule(HttpError::DnsFailed)));
        }
        for said in [
            "+QHTTPGET: 0",
            "+QHTTPGET: 0,2x0",
            "+QHTTPGET: x,200",
            "+QHTTPGET: 0,200,-1",
        ] {
            let said = format!("\r\nOK\r\n\r\n{said}\r\n");
            let found = crate::asked(rig, &GET, "AT+QHTTPGET=60", &said);
            assert_eq!(found, Err(Fault::Malformed), "{said}");
        }
    });
}

#[test]
fn result_that_does_not_come_is_waited_for_and_no_longer() {
    let mut rig = crate::rig();
    rig.engine.ask(&GET, rig.now).unwrap();
    rig.exchange("AT+QHTTPGET=60", "\r\nOK\r\n");
    rig.pass(189_000);
    assert_eq!(rig.engine.outcome(), None);
    rig.pass(2_000);
    assert_eq!(rig.done(), Err(Fault::TimedOut));
    // It comes late, while something else is in the buffer.
    let time_out = Duration::from_secs(1);
    rig.begin(Request::Command {
        line: "AT+CSQ",
        time_out,
    });
    rig.exchange(
        "AT+CSQ",
        "\r\n+QHTTPGET: 0,200\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
    );
    assert_eq!(rig.done(), Ok(Answer::Count(12)));
    assert_eq!(rig.engine.data(), b"+CSQ: 20,99\n");
}

#[test]
fn late_result_is_none_of_what_is_sent_next() {
    let mut rig = Rig::new(config(), 1);
    let socket = rig.connected();
    rig.engine.ask(&GET, rig.now).unwrap();
    rig.exchange("AT+QHTTPGET=60", "\r\nOK\r\n");
    rig.engine.abandon(rig.now);
    assert!(rig.engine.is_idle());
    rig.begin_send(socket, b"reading");
    assert_eq!(rig.sent(), "AT+QISEND=0,7\r");
    rig.say("\r\n+QHTTPGET: 0,200,5\r\n\r\n> ");
    assert_eq!(rig.sent(), "reading");
    rig.taken(7);
    assert_eq!(rig.done(), Ok(Answer::Count(7)));
}

#[test]
fn body_is_posted_and_its_result_heard() {
    for_every_cut(&config(), |rig| {
        let query = Post {
            body: b"\r\nOK\r\nx",
            response_time: MINUTE,
        };
        send(rig, &query, "AT+QHTTPPOST=7,60,60", "\r\nOK\r\nx");
        rig.say("\r\n+QHTTPPOST: 0,201,2\r\n");
        assert_eq!(outcome(rig, &query).unwrap().status, 201);
        // The reason comes at once, and then the final code.
        rig.engine.ask(&query, rig.now).unwrap();
        rig.exchange("AT+QHTTPPOST=7,60,60", "\r\nCONNECT\r\n");
        assert_eq!(rig.sent(), "\r\nOK\r\nx");
        rig.say("\r\n+QHTTPPOST: 710\r\n\r\nERROR\r\n");
        let failed = Err(Fault::HttpModule(HttpError::NetworkError));
        assert_eq!(outcome(rig, &query), failed);
        let query = GetWith {
            request: b"GET / HTTP/1.1\r\n\r\n",
            response_time: MINUTE,
        };
        send(rig, &query, "AT+QHTTPGET=60,18", "GET / HTTP/1.1\r\n\r\n");
        rig.say("\r\n+QHTTPGET: 0,206,18\r\n");
        assert_eq!(outcome(rig, &query).unwrap().status, 206);
    });
}

/// A digit of the length was lost: what is left of the body stands in front of the next command.
#[test]
fn body_of_which_the_module_took_a_part_is_no_success() {
    let mut rig = crate::rig();
    let query = Post {
        body: b"0123456789ab",
        response_time: MINUTE,
    };
    rig.engine.ask(&query, rig.now).unwrap();
    rig.exchange("AT+QHTTPPOST=12,60,60", "\r\nCONNECT\r\n");
    assert_eq!(rig.sent(), "0123456789ab");
    rig.say("\r\nOK\r\n\r\n+QHTTPPOST: 0,200,0\r\n");
    rig.exchange("AT+CMEE?", "\r\nERROR\r\n");
    assert_eq!(outcome(&mut rig, &query), Err(Fault::Refused));
}

#[test]
fn invitation_that_does_not_come_ends_in_zeros_and_no_success() {
    let mut rig = crate::rig();
    let query = SetUrl("http://a.b/");
    rig.engine.ask(&query, rig.now).unwrap();
    assert_eq!(rig.sent(), "AT+QHTTPURL=11\r");
    rig.pass(5_000);
    assert_eq!(rig.sent(), "\0".repeat(11));
    rig.say("\r\nOK\r\n");
    rig.pass(1_000);
    let sent = crate::common::guards(&mut rig);
    assert_eq!(sent, "");
    assert_eq!(rig.done(), Err(Fault::TimedOut));
}

#[test]
fn body_goes_to_a_file() {
    for_every_cut(&config(), |rig| {
        let query = ReadToFile {
            name: "image.bin",
            wait: MINUTE,
            time: MINUTE,
        };
        let line = "AT+QHTTPREADFILE=\"image.bin\",60";
        let said = "\r\nOK\r\n\r\n+QHTTPREADFILE: 0\r\n";
        assert_eq!(crate::asked(rig, &query, line, said), Ok(()));
        let again = crate::asked(rig, &query, line, "\r\n+CME ERROR: 705\r\n");
        assert_eq!(again, Err(Fault::HttpModule(HttpError::NoRequest)));
        let query = PostFile {
            name: "day.bin",
            response_time: MINUTE,
        };
        let line = "AT+QHTTPPOSTFILE=\"day.bin\",60";
        let said = "\r\nOK\r\n\r\n+QHTTPPOSTFILE: 0,200\r\n";
        assert_eq!(crate::asked(rig, &query, line, said).unwrap().length, None);
        for (setting, line) in [
            (Setting::Context(1), "\"contextid\",1"),
            (Setting::RequestHeader(true), "\"requestheader\",1"),
            (Setting::ResponseHeader(false), "\"responseheader\",0"),
            (Setting::TlsContext(2), "\"sslctxid\",2"),
            (
                Setting::ContentType(ContentType::Octets),
                "\"contenttype\",2",
            ),
        ] {
            let line = format!("AT+QHTTPCFG={line}");
            assert_eq!(crate::ask(rig, &setting, &line, &[]), Ok(()));
        }
    });
}

#[test]
fn restart_ends_the_wait() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.engine.ask(&GET, rig.now).unwrap();
        rig.exchange("AT+QHTTPGET=60", "\r\nOK\r\n\r\nRDY\r\n");
        assert_eq!(rig.done(), Err(Fault::Restarted));
        assert_eq!(rig.events(), [Event::Restarted]);
    });
}

/// The time between two packets is not that of the whole body.
#[test]
fn slow_body_has_the_time_of_the_body() {
    let mut rig = crate::rig();
    let query = ReadToFile {
        name: "image.bin",
        wait: MINUTE,
        time: 30 * MINUTE,
    };
    rig.engine.ask(&query, rig.now).unwrap();
    rig.exchange("AT+QHTTPREADFILE=\"image.bin\",60", "\r\nOK\r\n");
    rig.pass(29 * 60_000);
    assert_eq!(rig.engine.outcome(), None);
    rig.say("\r\n+QHTTPREADFILE: 0\r\n");
    assert_eq!(outcome(&mut rig, &query), Ok(()));
    let short = ReadToFile {
        time: MINUTE / 2,
        ..query
    };
    let refused = rig.engine.ask(&short, rig.now);
    assert_eq!(refused, Err(Fault::InvalidParameter));
}

#[test]
fn name_with_a_quote_is_not_sent() {
    let mut rig = crate::rig();
    let query = ReadToFile {
        name: "a\",\"b",
        wait: MINUTE,
        time: MINUTE,
    };
    assert_eq!(
        rig.engine.ask(&query, rig.now),
        Err(Fault::InvalidParameter)
    );
    assert_eq!(query.parse(Lines::new(b"")), Err(Fault::Malformed));
}
