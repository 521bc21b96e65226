//! Any bytes as a packet of a server: what the guard lets through is what `mqttrs` reads there, and
//! nothing that is shorter or longer is let through.

#![no_main]

use std::num::NonZeroU16;

use libfuzzer_sys::fuzz_target;
use meter_proto::mqtt::QoS;
use meter_proto::mqtt::frame::{self, Header, Packet};

fuzz_target!(|input: &[u8]| {
    header(input);
    // Bytes that come in parts are the same packet, or none yet.
    let Ok(packet) = frame::decode(input) else {
        return;
    };
    for end in 0..input.len() {
        assert!(
            frame::decode(&input[..end]).is_err(),
            "half a packet is none"
        );
    }
    // `mqttrs` knows no reserved codes of a refusal.
    if !matches!(packet, Packet::Connack { code: 6.., .. }) {
        assert_eq!(by_mqttrs(input), Some(packet));
    }
});

/// The header is read the same from its first bytes on, and does not lie about the packet.
fn header(input: &[u8]) {
    let whole = Header::read(input);
    for end in 0..input.len().min(6) {
        match Header::read(&input[..end]) {
            Ok(None) => {}
            early => assert_eq!(early, whole, "more bytes change nothing"),
        }
    }
    if let Ok(Some(header)) = whole {
        let head = header.publish_head(input);
        let right = header.total() == input.len();
        assert!(right || frame::decode(input).is_err(), "of another length");
        if let Ok(Some(head)) = head {
            assert!(header.is_publish() && head.length <= header.total());
            // A long message is known from its head, as soon as that is there.
            assert!(matches!(
                header.publish_head(&input[..head.length - 1]),
                Ok(None)
            ));
            assert_eq!(header.publish_head(&input[..head.length]), Ok(Some(head)));
        }
    }
}

fn by_mqttrs(bytes: &[u8]) -> Option<Packet<'_>> {
    let pid = |pid: mqttrs::Pid| NonZeroU16::new(pid.get());
    let level = |qos| match qos {
        mqttrs::QoS::AtMostOnce => QoS::AtMostOnce,
        mqttrs::QoS::AtLeastOnce => QoS::AtLeastOnce,
        mqttrs::QoS::ExactlyOnce => QoS::ExactlyOnce,
    };
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
            qos: level(publish.qospid.qos()),
            identifier: publish.qospid.pid().and_then(pid),
            retain: publish.retain,
        },
        mqttrs::Packet::Puback(identifier) => Packet::Puback(pid(identifier)?),
        mqttrs::Packet::Pubrec(identifier) => Packet::Pubrec(pid(identifier)?),
        mqttrs::Packet::Pubrel(identifier) => Packet::Pubrel(pid(identifier)?),
        mqttrs::Packet::Pubcomp(identifier) => Packet::Pubcomp(pid(identifier)?),
        mqttrs::Packet::Unsuback(identifier) => Packet::Unsuback(pid(identifier)?),
        mqttrs::Packet::Suback(suback) => Packet::Suback {
            identifier: pid(suback.pid)?,
            granted: match suback.return_codes.first()? {
                mqttrs::SubscribeReturnCodes::Success(qos) => Some(level(*qos)),
                mqttrs::SubscribeReturnCodes::Failure => None,
            },
        },
        mqttrs::Packet::Pingresp => Packet::Pingresp,
        _ => return None,
    })
}
