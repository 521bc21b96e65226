//! What is written here beside what `mqttrs` writes.

extern crate std;

use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

use super::*;

const ROOM: usize = 400;

fn by_mqttrs(packet: &mqttrs::Packet<'_>) -> Vec<u8> {
    let mut buffer = [0; 2 * ROOM];
    let length = mqttrs::encode_slice(packet, &mut buffer).expect("it fits");
    buffer[..length].to_vec()
}

fn here(write: impl Fn(&mut [u8]) -> Result<usize, SessionError>) -> Vec<u8> {
    let mut buffer = [0; 2 * ROOM];
    let length = write(&mut buffer).expect("it fits");
    // It takes no more room than it needs, and writes nothing where there is less.
    assert_eq!(write(&mut vec![0; length]), Ok(length));
    let mut short = vec![0xAA; length - 1];
    assert_eq!(write(&mut short), Err(SessionError::TooLong));
    assert!(short.iter().all(|&byte| byte == 0xAA));
    buffer[..length].to_vec()
}

fn pid(identifier: NonZeroU16) -> mqttrs::Pid {
    identifier.get().try_into().expect("it is not 0")
}

fn any_qos() -> impl Strategy<Value = QoS> {
    prop::sample::select(&[QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][..])
}

fn any_identifier() -> impl Strategy<Value = NonZeroU16> {
    (1..=u16::MAX).prop_filter_map("it is 0", NonZeroU16::new)
}

proptest! {
    #[test]
    fn messages_are_as_mqttrs_writes_them(
        topic in "[a-zé本/]{1,60}",
        payload in prop::collection::vec(any::<u8>(), 0..ROOM),
        qos in any_qos(),
        retain: bool,
        number in any_identifier(),
    ) {
        let message = Message { topic: &topic, payload: &payload, qos, retain };
        let identifier = (qos != QoS::AtMostOnce).then_some(number);
        let expected = by_mqttrs(&mqttrs::Packet::Publish(mqttrs::Publish {
            dup: false,
            qospid: match qos {
                QoS::AtMostOnce => mqttrs::QosPid::AtMostOnce,
                QoS::AtLeastOnce => mqttrs::QosPid::AtLeastOnce(pid(number)),
                QoS::ExactlyOnce => mqttrs::QosPid::ExactlyOnce(pid(number)),
            },
            retain,
            topic_name: &topic,
            payload: &payload,
        }));
        prop_assert_eq!(publish_length(&message), Ok(expected.len()));
        prop_assert_eq!(here(|buffer| publish(&message, identifier, buffer)), expected);
    }

    #[test]
    fn requests_are_as_mqttrs_writes_them(
        filter in "[a-z]{0,60}(/[a-z]{1,60}){0,3}/(#|\\+|[a-z])",
        level in any_qos(),
        number in any_identifier(),
    ) {
        let asked = mqttrs::SubscribeTopic {
            topic_path: filter.parse().expect("it is no longer than 256 bytes"),
            qos: super::qos(level),
        };
        let topic = asked.topic_path.clone();
        let expected = mqttrs::Subscribe::new(pid(number), std::iter::once(asked).collect());
        prop_assert_eq!(
            here(|buffer| request(&filter, Some(level), number, buffer)),
            by_mqttrs(&mqttrs::Packet::Subscribe(expected))
        );
        let expected = mqttrs::Unsubscribe::new(pid(number), std::iter::once(topic).collect());
        prop_assert_eq!(
            here(|buffer| request(&filter, None, number, buffer)),
            by_mqttrs(&mqttrs::Packet::Unsubscribe(expected))
        );
    }

    #[test]
    fn short_packets_are_as_mqttrs_writes_them(number in any_identifier()) {
        let packets = [
            (Short::Puback(number), mqttrs::Packet::Puback(pid(number))),
            (Short::Pubrec(number), mqttrs::Packet::Pubrec(pid(number))),
            (Short::Pubrel(number), mqttrs::Packet::Pubrel(pid(number))),
            (Short::Pubcomp(number), mqttrs::Packet::Pubcomp(pid(number))),
            (Short::Pingreq, mqttrs::Packet::Pingreq),
            (Short::Disconnect, mqttrs::Packet::Disconnect),
        ];
        for (packet, expected) in packets {
            prop_assert_eq!(here(|buffer| short(packet, buffer)), by_mqttrs(&expected));
        }
    }
}

/// Longer than `mqttrs` can write it.
#[test]
fn long_filters_are_written() {
    let filter = "f".repeat(300);
    let mut buffer = [0; 400];
    let length = request(
        &filter,
        Some(QoS::AtLeastOnce),
        NonZeroU16::MIN,
        &mut buffer,
    );
    assert_eq!(length, Ok(308));
    let head = [0x82, 0xB1, 0x02, 0, 1, 0x01, 0x2C, b'f'];
    assert_eq!((&buffer[..8], buffer[307]), (&head[..], 1));
    let too_long = "f".repeat(65_536);
    let refused = request(&too_long, None, NonZeroU16::MIN, &mut buffer);
    assert_eq!(refused, Err(SessionError::Topic));
}

/// Where the remaining length takes a byte more [2.2.3].
#[test]
fn remaining_lengths_turn_over_where_they_must() {
    for length in [126, 127, 16_382, 16_383, 16_384, 65_000] {
        let payload = vec![7; length];
        let message = Message {
            topic: "t",
            payload: &payload,
            qos: QoS::AtLeastOnce,
            retain: false,
        };
        let mut expected = vec![0; length + 16];
        let packet = mqttrs::Packet::Publish(mqttrs::Publish {
            dup: false,
            qospid: mqttrs::QosPid::AtLeastOnce(pid(NonZeroU16::MIN)),
            retain: false,
            topic_name: "t",
            payload: &payload,
        });
        let end = mqttrs::encode_slice(&packet, &mut expected).expect("it fits");
        expected.truncate(end);
        let mut written = vec![0; end];
        let identifier = Some(NonZeroU16::MIN);
        assert_eq!(publish(&message, identifier, &mut written), Ok(end));
        assert_eq!(written, expected, "{length}");
        assert_eq!(publish_length(&message), Ok(end));
    }
}
