//! A PUBLISH of 249 bytes decoded and encoded by `meter-proto`, by bare `mqttrs`, and by the codec of
//! `rumqttc`.
//!
//! Encoding is counted inside the functions `encoded_by_...` and nowhere else, so that what a session
//! does until its slot is free again is left out.

use std::hint::black_box;
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::BytesMut;
use meter_proto::mqtt::{Buffers, ConnectOptions, Event, QoS, Session, Slot, Timing, frame};

const TOPIC: &str = "em/1/4d5452000000002a/k";
/// Bytes of a packet.
const LENGTH: usize = 249;
/// What is left for the payload beside head, topic and identifier.
const PAYLOAD: [u8; LENGTH - 3 - 2 - TOPIC.len() - 2] = [0xa5; LENGTH - 3 - 2 - TOPIC.len() - 2];
const NOW: Duration = Duration::from_secs(1);

/// At QoS 1, with the topic of a meter.
fn publish() -> Vec<u8> {
    let mut packet = vec![0x32, 0x80 | 118, 1, 0, TOPIC.len() as u8];
    packet.extend(TOPIC.as_bytes());
    packet.extend([0, 7]);
    packet.extend(PAYLOAD);
    packet
}

pub(crate) fn ours(rounds: u32) {
    let packet = publish();
    assert!(frame::decode(&packet).is_ok(), "it is none");
    for _ in 0..rounds {
        let _ = black_box(frame::decode(black_box(&packet)));
    }
}

pub(crate) fn mqttrs(rounds: u32) {
    let packet = publish();
    for _ in 0..rounds {
        let _ = black_box(mqttrs::decode_slice(black_box(&packet)));
    }
}

/// It takes the packet out of a buffer that it owns: filling that is left out of the count by
/// [`buffer_alone`].
pub(crate) fn rumqttc(rounds: u32) {
    let packet = publish();
    for _ in 0..rounds {
        let mut buffer = BytesMut::from(black_box(packet.as_slice()));
        let _ = black_box(rumqttc::Packet::read(&mut buffer, 1_024));
    }
}

pub(crate) fn buffer_alone(rounds: u32) {
    let packet = publish();
    for _ in 0..rounds {
        black_box(BytesMut::from(black_box(packet.as_slice())));
    }
}

/// A session publishes, sends and has its answer.
pub(crate) fn publish_rounds(rounds: u32) {
    let [mut receive, mut control, mut publish] = [[0; 256]; 3];
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut [Slot::FREE],
        unreleased: &mut [],
    };
    let mut session = Session::new(buffers, Timing::default());
    let options = ConnectOptions {
        client_id: "4d5452000000002a",
        clean_session: true,
        keep_alive: 1_200,
        will: None,
        credentials: None,
    };
    let connecting = session.connect(&options, NOW);
    assert!(connecting.is_ok(), "the options are good");
    session.sent(session.transmit().len(), NOW);
    let _ = session.receive(&[0x20, 2, 0, 0], NOW);
    assert!(matches!(session.event(), Some(Event::Connected { .. })));
    for _ in 0..rounds {
        let identifier = encoded_by_session(&mut session);
        assert_eq!(session.transmit().len(), LENGTH);
        session.sent(LENGTH, NOW);
        let [high, low] = identifier.map_or(0, NonZeroU16::get).to_be_bytes();
        let _ = session.receive(&[0x40, 2, high, low], NOW);
        assert!(matches!(session.event(), Some(Event::Published(_))));
    }
}

#[inline(never)]
fn encoded_by_session(session: &mut Session<'_>) -> Option<NonZeroU16> {
    let (topic, payload) = (black_box(TOPIC), black_box(&PAYLOAD));
    let published = session.publish(topic, payload, QoS::AtLeastOnce, false, NOW);
    published.ok().flatten()
}

pub(crate) fn mqttrs_encodes(rounds: u32) {
    let mut buffer = [0; 256];
    for _ in 0..rounds {
        assert_eq!(encoded_by_mqttrs(&mut buffer), LENGTH);
    }
}

#[inline(never)]
fn encoded_by_mqttrs(buffer: &mut [u8]) -> usize {
    let identifier = black_box(7).try_into().unwrap_or_default();
    let packet = mqttrs::Packet::Publish(mqttrs::Publish {
        dup: false,
        qospid: mqttrs::QosPid::AtLeastOnce(identifier),
        retain: false,
        topic_name: black_box(TOPIC),
        payload: black_box(&PAYLOAD),
    });
    mqttrs::encode_slice(&packet, buffer).unwrap_or_default()
}

/// Its message owns topic and payload: making it is left out, and so is the buffer's memory.
pub(crate) fn rumqttc_encodes(rounds: u32) {
    let mut publish = rumqttc::Publish::new(TOPIC, rumqttc::QoS::AtLeastOnce, PAYLOAD);
    publish.pkid = 7;
    let mut buffer = BytesMut::with_capacity(256);
    for _ in 0..rounds {
        buffer.clear();
        assert_eq!(encoded_by_rumqttc(&publish, &mut buffer), LENGTH);
    }
}

#[inline(never)]
fn encoded_by_rumqttc(publish: &rumqttc::Publish, buffer: &mut BytesMut) -> usize {
    black_box(publish).write(buffer).unwrap_or_default()
}
