extern crate std;
use super::*;
use proptest::prelude::*;
use std::vec::Vec;

/// What makes the bare codec panic or stray, and what it lets through: QoS 3 [3.3.1-4], reserved
/// flags [2.2.2-2], topics that are none.
#[test]
fn every_packet_that_upsets_the_codec_is_refused() {
    let cases: &[(&[u8], FrameError)] = &[
        (&[0x40, 0], FrameError::Length),
        (&[0x40, 1, 5], FrameError::Length),
        (&[0x50, 0], FrameError::Length),
        (&[0x62, 1, 0], FrameError::Length),
        (&[0x70, 3, 0, 1, 0], FrameError::Length),
        (&[0x60, 2, 0, 1], FrameError::Flags),
        (&[0x52, 2, 0, 1], FrameError::Flags),
        (&[0xB0, 1, 0], FrameError::Length),
        (&[0x50, 2, 0, 0], FrameError::Identifier),
        (&[0x20, 0], FrameError::Length),
        (&[0x20, 1, 0], FrameError::Length),
        (&[0x20, 2, 2, 0], FrameError::Connack),
        (&[0x20, 2, 1, 5], FrameError::Connack),
        (&[0x90, 1, 0], FrameError::Length),
        (&[0x90, 0], FrameError::Length),
        (&[0x32, 4, 0, 2, b'a', b'b'], FrameError::Length),
        (&[0x30, 3, 0, 9, b'a'], FrameError::Length),
        (&[0x30, 3, 0, 0, b'a'], FrameError::Topic),
        (&[0x30, 3, 0, 1, b'#'], FrameError::Topic),
        (&[0x30, 3, 0, 1, 0], FrameError::Topic),
        (&[0x30, 3, 0, 1, 0xFF], FrameError::Topic),
        (&[0x30, 3, 0, 1, 0x1F], FrameError::Topic),
        (&[0x30, 4, 0, 2, 0xC2, 0x9F], FrameError::Topic),
        (&[0x30, 5, 0, 3, 0xEF, 0xBF, 0xBF], FrameError::Topic),
        (&[0x90, 3, 0, 7, 3], FrameError::ReturnCode),
        (&[0x38, 3, 0, 1, b'a'], FrameError::Flags),
        (&[0x36, 5, 0, 1, b'a', 0, 1], FrameError::UnexpectedType),
        (&[0x3E, 5, 0, 1, b'a', 0, 1], FrameError::UnexpectedType),
        (&[0x34, 4, 0, 1, b'a', 0], FrameError::Length),
        (&[0x34, 5, 0, 1, b'a', 0, 0], FrameError::Identifier),
        (&[0x10, 0], FrameError::UnexpectedType),
        (&[0x82, 0], FrameError::UnexpectedType),
        (&[0x41, 2, 0, 1], FrameError::Flags),
        (&[0xD0, 1, 0], FrameError::Length),
        (&[0x30, 0x80, 0x80, 0x80, 0x80], FrameError::LengthEncoding),
    ];
    for (bytes, error) in cases {
        assert_eq!(decode(bytes), Err(*error), "{bytes:02x?}");
    }
}

#[test]
fn plain_packets_decode() {
    assert_eq!(
        decode(&[0x20, 2, 1, 0]),
        Ok(Packet::Connack {
            session_present: true,
            code: 0
        })
    );
    assert_eq!(
        decode(&[0x20, 2, 0, 99]),
        Ok(Packet::Connack {
            session_present: false,
            code: 99
        })
    );
    for (first, packet) in [
        (0x40, Packet::Puback as fn(NonZeroU16) -> Packet<'static>),
        (0x50, Packet::Pubrec),
        (0x62, Packet::Pubrel),
        (0x70, Packet::Pubcomp),
        (0xB0, Packet::Unsuback),
    ] {
        let expected = packet(NonZeroU16::new(0x0102).unwrap());
        assert_eq!(decode(&[first, 2, 1, 2]), Ok(expected));
    }
    assert_eq!(decode(&[0xD0, 0]), Ok(Packet::Pingresp));
    assert_eq!(
        decode(&[0x90, 3, 0, 7, 0x80]),
        Ok(Packet::Suback {
            identifier: NonZeroU16::new(7).unwrap(),
            granted: None
        })
    );
    let publish = [0x33, 7, 0, 1, b'a', 0, 9, 1, 2];
    let expected = Packet::Publish {
        topic: "a",
        payload: &[1, 2],
        qos: QoS::AtLeastOnce,
        identifier: NonZeroU16::new(9),
        retain: true,
    };
    assert_eq!(decode(&publish), Ok(expected));
}

#[test]
fn zero_identifier_is_refused() {
    assert_eq!(
        decode(&[0x32, 5, 0, 1, b'a', 0, 0]),
        Err(FrameError::Identifier)
    );
    assert!(decode(&[0x40, 2, 0, 0]).is_err());
}

#[test]
fn only_a_publish_has_a_topic() {
    let puback = [0x40, 2, 0, 1];
    let header = Header::read(&puback).unwrap().unwrap();
    let head = header.publish_head(&puback);
    assert_eq!(head, Err(FrameError::UnexpectedType));
}

/// What `mqttrs` makes of a packet that was let through.
fn by_the_codec(bytes: &[u8]) -> Option<Packet<'_>> {
    Some(match mqttrs::decode_slice(bytes).ok()?? {
        mqttrs::Packet::Connack(connack) => Packet::Connack {
            session_present: connack.session_present,
            code: match connack.code {
                mqttrs::ConnectReturnCode::Accepted => 0,
                mqttrs::ConnectReturnCode::RefusedProtocolVersion => 1,
                mqttrs::ConnectReturnCode::RefusedIdentifierRejected => 2,
                mqttrs::ConnectReturnCode::ServerUnavailable => 3,
                mqttrs::ConnectReturnCode::BadUsernamePassword => 4,
                mqttrs::ConnectReturnCode::NotAuthorized => 5,
            },
        },
        mqttrs::Packet::Publish(publish) => Packet::Publish {
            topic: publish.topic_name,
            payload: publish.payload,
            qos: match publish.qospid.qos() {
                mqttrs::QoS::AtMostOnce => QoS::AtMostOnce,
                mqttrs::QoS::AtLeastOnce => QoS::AtLeastOnce,
                mqttrs::QoS::ExactlyOnce => QoS::ExactlyOnce,
            },
            identifier: publish
                .qospid
                .pid()
                .and_then(|pid| NonZeroU16::new(pid.get())),
            retain: publish.retain,
        },
        mqttrs::Packet::Puback(pid) => Packet::Puback(NonZeroU16::new(pid.get())?),
        mqttrs::Packet::Pubrec(pid) => Packet::Pubrec(NonZeroU16::new(pid.get())?),
        mqttrs::Packet::Pubrel(pid) => Packet::Pubrel(NonZeroU16::new(pid.get())?),
        mqttrs::Packet::Pubcomp(pid) => Packet::Pubcomp(NonZeroU16::new(pid.get())?),
        mqttrs::Packet::Unsuback(pid) => Packet::Unsuback(NonZeroU16::new(pid.get())?),
        mqttrs::Packet::Suback(suback) => Packet::Suback {
            identifier: NonZeroU16::new(suback.pid.get())?,
            granted: match suback.return_codes.first()? {
                mqttrs::SubscribeReturnCodes::Success(mqttrs::QoS::AtMostOnce) => {
                    Some(QoS::AtMostOnce)
                }
                mqttrs::SubscribeReturnCodes::Success(mqttrs::QoS::AtLeastOnce) => {
                    Some(QoS::AtLeastOnce)
                }
                mqttrs::SubscribeReturnCodes::Success(mqttrs::QoS::ExactlyOnce) => {
                    Some(QoS::ExactlyOnce)
                }
                mqttrs::SubscribeReturnCodes::Failure => None,
            },
        },
        mqttrs::Packet::Pingresp => Packet::Pingresp,
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn no_bytes_make_guard_or_codec_panic_or_disagree(
        first in prop::sample::select(&[0x20u8, 0x30, 0x32, 0x34, 0x3B, 0x3D, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0][..]),
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes: Vec<u8> = [first, body.len() as u8].to_vec();
        bytes.extend(&body);
        match decode(&bytes) {
            // The codec knows no reserved codes of a refusal.
            Ok(Packet::Connack { code: 6.., .. }) | Err(_) => {}
            Ok(packet) => prop_assert_eq!(by_the_codec(&bytes), Some(packet)),
        }
        let _ = decode(&body);
        if let Ok(Some(header)) = Header::read(&body) {
            let _ = header.publish_head(&body);
        }
    }
}
