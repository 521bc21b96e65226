//! Any bytes from the modem, cut anywhere: the engine sends the same commands and tells the same
//! events, outcomes and deadlines however its bytes arrive.
//!
//! The input is a conversation: 0xFF ends what the modem says in one go, an empty part lets time
//! pass to the engine's deadline. So a recorded transcript is a seed as it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nbiot_at::esim::Aid;
use nbiot_at::mqtt::{Qos, Session};
use nbiot_at::{
    Answer, Apn, Config, Engine, Event, Fault, FileName, Instant, Request, SocketId, Tls, Transport,
};

const END: u8 = 0xFF;

/// Everything that came out of an engine.
#[derive(Debug, Default, PartialEq, Eq)]
struct Trace {
    sent: Vec<u8>,
    events: Vec<Event>,
    outcomes: Vec<String>,
    data: Vec<u8>,
    deadlines: Vec<Option<Instant>>,
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, conversation)) = input.split_first() else {
        return;
    };
    let transport = match choice % 4 {
        0 => Transport::Tls,
        1 => Transport::Udp,
        _ => Transport::Tcp,
    };
    let whole = run(conversation, usize::MAX, transport);
    assert_eq!(run(conversation, 1, transport), whole);
    let chunk = 2 + usize::from(*choice);
    assert_eq!(run(conversation, chunk, transport), whole);
});

fn run(conversation: &[u8], chunk: usize, transport: Transport) -> Trace {
    let mut config = Config::new(Apn::parameter("iot").expect("an APN"));
    config.tls = FileName::parameter("ca.pem").map(Tls::new);
    let mut engine = Engine::<2>::new(config);
    let mut trace = Trace::default();
    let mut now = Instant::ZERO;
    let mut socket = None;
    for (round, part) in conversation.split(|byte| *byte == END).enumerate() {
        begin(&mut engine, round, socket, transport, now);
        drain(&mut engine, &mut trace, &mut socket);
        for bytes in part.chunks(chunk) {
            engine.receive(bytes, now);
        }
        if let Some(deadline) = engine.deadline().filter(|_| part.is_empty()) {
            now = now.max(deadline);
            engine.handle_timeout(now);
        }
        // Now and then nobody takes what came.
        drain(&mut engine, &mut trace, &mut socket);
        if round % 3 != 0 {
            take(&mut engine, &mut trace, socket);
        }
        if round % 13 == 12 {
            engine.abandon(now);
        }
        trace.deadlines.push(engine.deadline());
    }
    trace
}

/// Keeps the engine busy: starts it, opens a socket, and then uses that by turns.
fn begin(
    engine: &mut Engine<2>,
    round: usize,
    socket: Option<SocketId>,
    transport: Transport,
    now: Instant,
) {
    if !engine.is_idle() {
        return;
    }
    let (topic, qos) = ("m/17", Qos::AtLeastOnce);
    let request = match (socket, round % 26) {
        (_, 21) => Request::MqttConnect {
            session: Session::new("broker.example", 1883, "meter-17"),
        },
        (_, 22) => Request::MqttSubscribe { topic, qos },
        (_, 23) => Request::MqttPublish {
            topic,
            data: b"reading",
            qos,
            retain: false,
        },
        (_, 24) => Request::MqttReceive,
        (_, 25) => Request::MqttDisconnect,
        (_, 11) => Request::OpenChannel { aid: Aid::ISD_R },
        (_, 12 | 13) => Request::Transmit {
            apdu: &[0x81, 0xe2, 0x91, 0, 3, 0xbf, 0x2d, 0, 0],
        },
        (_, 14) => Request::CloseChannel,
        (_, 15) => Request::WriteFile {
            name: "ca.pem",
            offset: 0,
            data: b"certificate",
        },
        (_, 16) => Request::ReadFile {
            name: "ca.pem",
            offset: 7,
        },
        (_, 17) => Request::FileSize { name: "ca.pem" },
        (None, _) => Request::Connect {
            host: "meter.example",
            port: 1883,
            transport,
        },
        (Some(_), 18) => Request::Resolve {
            host: "meter.example",
        },
        (Some(_), 19) => Request::Synchronise {
            server: "time.example",
        },
        (Some(_), 20) => Request::DeleteFile { name: "ca.pem" },
        (Some(socket), 0 | 1) => Request::Send {
            socket,
            data: b"reading",
        },
        (Some(socket), 2..=4) => Request::Receive { socket },
        (Some(_), 5) => Request::Signal,
        (Some(_), 6) => Request::PowerSaving,
        (Some(_), 7) => Request::Identity,
        (Some(_), 8) => Request::NetworkTime,
        (Some(_), 9) if round.is_multiple_of(2) => Request::PowerDown,
        (Some(socket), _) => Request::Close { socket },
    };
    // One that is refused leaves nothing behind; only a start helps before the first.
    if engine.begin(request, now).is_err() {
        let _ = engine.begin(Request::Start, now);
    }
}

fn drain(engine: &mut Engine<2>, trace: &mut Trace, socket: &mut Option<SocketId>) {
    while let Some(bytes) = engine.transmit().map(<[u8]>::to_vec) {
        engine.transmitted(bytes.len());
        trace.sent.extend(bytes);
    }
    if let Some(outcome) = engine.outcome() {
        note(&outcome, socket);
        trace.outcomes.push(format!("{outcome:?}"));
        trace.data.extend(engine.data());
    }
    while let Some(event) = engine.event() {
        trace.events.push(event);
    }
}

fn take(engine: &mut Engine<2>, trace: &mut Trace, socket: Option<SocketId>) {
    let mut buffer = [0; 64];
    while let Some(open) = socket
        && let Ok(count @ 1..) = engine.take(open, &mut buffer)
    {
        trace.data.extend(&buffer[..count]);
    }
}

fn note(outcome: &Result<Answer, Fault>, socket: &mut Option<SocketId>) {
    match outcome {
        Ok(Answer::Socket(opened)) => *socket = Some(*opened),
        Err(Fault::UnknownSocket | Fault::Closed | Fault::NotStarted) => *socket = None,
        _ => {}
    }
}
