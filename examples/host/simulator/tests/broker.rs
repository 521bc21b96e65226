//! A broker that does not keep to the protocol, and a head-end that never answers: the meter
//! measures on, and what it recorded stays in its outbox.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use embassy_futures::block_on;
use firmware::config::Profile;
use meter_proto::outbox::Outbox;
use meter_proto::payload::{self, Receipt, Stream};
use simulator::flash::{Flash, layout};
use simulator::kind::Kind;
use simulator::meter::Meter;
use simulator::spec::Spec;
use simulator::trouble::Faults;

const START: u64 = 1_767_225_600;
const CONNACK: [u8; 4] = [0x20, 2, 0, 0];

/// Plays one broker for the connections of one meter: to each what `answer` gives for each packet.
fn broker(answer: impl Fn(usize, &[u8]) -> Vec<u8> + Send + 'static) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            serve(stream.unwrap(), |packet| answer(number, packet));
        }
    });
    (port, connections)
}

fn serve(mut stream: TcpStream, answer: impl Fn(&[u8]) -> Vec<u8>) {
    let mut got = Vec::new();
    let mut buffer = [0; 2_048];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => got.extend_from_slice(&buffer[..count]),
        }
        while let Some(length) = length(&got) {
            let packet: Vec<u8> = got.drain(..length).collect();
            if stream.write_all(&answer(&packet)).is_err() {
                return;
            }
        }
    }
}

/// The length of the packet at the beginning, where it is whole.
fn length(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for (place, &byte) in bytes.get(1..)?.iter().enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte < 0x80 {
            let total = place + 2 + length;
            return (bytes.len() >= total).then_some(total);
        }
    }
    None
}

/// What an honest broker answers.
fn honest(packet: &[u8]) -> Vec<u8> {
    match packet[0] >> 4 {
        1 => CONNACK.to_vec(),
        8 => vec![0x90, 3, packet[2], packet[3], 1],
        12 => vec![0xD0, 0],
        3 if packet[0] & 6 != 0 => {
            let head = 1 + packet[1..].iter().position(|&byte| byte < 0x80).unwrap() + 1;
            let topic = usize::from(packet[head]) << 8 | usize::from(packet[head + 1]);
            let identifier = &packet[head + 2 + topic..][..2];
            [&[0x40, 2][..], identifier].concat()
        }
        _ => Vec::new(),
    }
}

fn publish(topic: &str, payload: &[u8], identifier: u16) -> Vec<u8> {
    let length = 2 + topic.len() + 2 + payload.len();
    assert!(length < 16_384);
    let mut packet = vec![0x32, (length % 128) as u8 | 0x80, (length / 128) as u8];
    packet.extend((topic.len() as u16).to_be_bytes());
    packet.extend(topic.as_bytes());
    packet.extend(identifier.to_be_bytes());
    packet.extend(payload);
    packet
}

fn spec(port: u16) -> Spec {
    Spec {
        number: 0,
        kind: Kind::Shunt,
        seed: 7,
        start: START,
        solar_w: 0,
        broker: ("127.0.0.1".into(), port),
        credentials: None,
        profile: Profile::default(),
        reading_period: 0,
        keep_alive: 3_600,
        faults: Faults::None,
    }
}

/// The ends of the intervals that wait in the flash.
fn waiting(flash: Flash) -> BTreeSet<u64> {
    block_on(async {
        let (mut outbox, opened) = Outbox::open(flash, layout().outbox, 1).await.unwrap();
        assert!(!opened.new_epoch);
        let mut ends = BTreeSet::new();
        let visited = outbox.visit_after(Stream::Profile, 0, |_, bytes| {
            let record = payload::Profile::decode(bytes).unwrap().records().next();
            ends.insert(record.unwrap().time.get());
            ControlFlow::Continue(())
        });
        visited.await.unwrap();
        ends
    })
}

fn run(port: u16, seconds: u64) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let flash = Flash::in_memory();
    let mut meter = Meter::new(spec(port), flash.clone());
    meter.run(START + seconds).unwrap();
    let due = meter.due().clone();
    drop(meter);
    (due, waiting(flash))
}

#[test]
fn hostile_answers_cost_no_record() {
    let (port, connections) = broker(|number, packet| match (number % 7, packet[0] >> 4) {
        (0, 1) => [CONNACK, CONNACK].concat(),
        (1, 1) => (0..2_000u32).map(|byte| ((byte * 7) >> 2) as u8).collect(),
        (2, 1) => vec![0x20, 2],
        (3, 1) => [
            &CONNACK[..],
            &[0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, b'x'],
            &[0; 5_000],
        ]
        .concat(),
        (4, 1) => [&CONNACK[..], &[0x40, 2, 0, 9, 0x90, 3, 0, 77, 1, 0xF0, 0]].concat(),
        (5, 1) => [&CONNACK[..], &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]].concat(),
        (6, 1) => vec![0x20, 2, 0, 5],
        _ => honest(packet),
    });
    let (due, waiting) = run(port, 2 * 86_400);
    assert!(connections.load(Ordering::Relaxed) > 7);
    assert_eq!(due, waiting);
}

/// Many messages at once, on topics that nobody asked for, and receipts that are none.
#[test]
fn a_flood_of_messages_is_taken_on_one_connection() {
    let id = spec(0).id().to_string();
    let topic = format!("em/1/{id}/k");
    let (port, connections) = broker(move |number, packet| {
        let mut answer = honest(packet);
        if packet[0] >> 4 == 8 && number == 0 {
            for identifier in 1..200 {
                answer.extend(publish("x/y", &[0xFF; 40], identifier));
            }
            let mut other = Receipt::new(3);
            other.set(Stream::Profile, 1_000);
            let mut bytes = [0; 64];
            let length = other.encode(&mut bytes).unwrap();
            answer.extend(publish(&topic, &bytes[..length], 900));
            answer.extend(publish(&topic, &[0xBF; 100], 901));
            answer.extend(publish(&topic, &[0xA1; 1_500], 902));
        }
        answer
    });
    let (due, waiting) = run(port, 3 * 3_600);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    assert_eq!(due, waiting);
}

/// More answers at once than the session has room for, with nothing that makes an event between
/// them: they go out, and the meter goes on.
#[test]
fn a_flood_that_must_be_answered_holds_no_meter_up() {
    let (port, connections) = broker(|number, packet| {
        let mut answer = honest(packet);
        if packet[0] >> 4 == 8 && number == 0 {
            for identifier in 1..=500u16 {
                let [high, low] = identifier.to_be_bytes();
                answer.extend([0x50, 2, high, low, 0x62, 2, high, low]);
            }
        }
        answer
    });
    let (due, waiting) = run(port, 3 * 3_600);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    assert_eq!(due, waiting);
}
