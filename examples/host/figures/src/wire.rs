//! A PUBLISH of 249 bytes decoded by `meter-proto`, by bare `mqttrs`, and by the codec of `rumqttc`.

use std::hint::black_box;

use bytes::BytesMut;
use meter_proto::mqtt::frame;

/// At QoS 1, with the topic of a meter.
fn publish() -> Vec<u8> {
    let topic = b"em/1/4d5452000000002a/k";
    let mut packet = vec![0x32, 246, 1, 0, topic.len() as u8];
    packet[1] = 0x80 | 118;
    packet.extend(topic);
    packet.extend([0, 7]);
    packet.resize(249, 0xa5);
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
