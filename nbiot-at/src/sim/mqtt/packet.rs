//! Packets of MQTT 3.1.1.

/// Bytes of the longest: a message with its topic.
pub(super) const PACKET: usize = 1700;

/// Types of packets, with the flags that are always the same.
pub(super) const CONNECT: u8 = 0x10;
pub(super) const CONNACK: u8 = 0x20;
pub(super) const PUBLISH: u8 = 0x30;
pub(super) const PUBACK: u8 = 0x40;
pub(super) const PUBREC: u8 = 0x50;
pub(super) const PUBREL: u8 = 0x62;
pub(super) const PUBCOMP: u8 = 0x70;
pub(super) const SUBSCRIBE: u8 = 0x82;
pub(super) const SUBACK: u8 = 0x90;
pub(super) const UNSUBSCRIBE: u8 = 0xa2;
pub(super) const UNSUBACK: u8 = 0xb0;
pub(super) const PINGREQ: u8 = 0xc0;
pub(super) const PINGRESP: u8 = 0xd0;
pub(super) const DISCONNECT: u8 = 0xe0;

pub(super) type Packet = heapless::Vec<u8, PACKET>;

pub(super) fn text(body: &mut Packet, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let _ = body.extend_from_slice(&length.to_be_bytes());
    let _ = body.extend_from_slice(text.as_bytes());
}

/// A whole packet.
pub(super) fn packet(kind: u8, body: &[u8]) -> Packet {
    let mut packet = Packet::new();
    let _ = packet.push(kind);
    let mut left = body.len();
    loop {
        let digit = u8::try_from(left & 0x7f).unwrap_or(0);
        left >>= 7;
        let more = if left > 0 { 0x80 } else { 0 };
        let _ = packet.push(digit | more);
        if left == 0 {
            break;
        }
    }
    let _ = packet.extend_from_slice(body);
    packet
}

/// Bytes of the fixed header and of what follows it, once they are known.
pub(super) fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut length, mut shift) = (0, 0);
    for (index, &byte) in bytes.iter().enumerate().skip(1).take(4) {
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some((index + 1, length));
        }
    }
    // Five digits are no length.
    (bytes.len() > 4).then_some((bytes.len(), PACKET))
}
