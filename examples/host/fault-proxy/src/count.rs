//! What goes over a link, by MQTT packets.

/// The type of an MQTT control packet, MQTT 3.1.1 table 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketType(u8);

impl PacketType {
    /// All of them by name; the place is the number, and 0 and 15 are reserved.
    const NAMES: [&str; 16] = [
        "",
        "connect",
        "connack",
        "publish",
        "puback",
        "pubrec",
        "pubrel",
        "pubcomp",
        "subscribe",
        "suback",
        "unsubscribe",
        "unsuback",
        "pingreq",
        "pingresp",
        "disconnect",
        "",
    ];
    /// A message.
    pub const PUBLISH: Self = Self(3);
    /// The acknowledgement of a message at QoS 1.
    pub const PUBACK: Self = Self(4);
    /// A sign of life.
    pub const PINGREQ: Self = Self(12);

    /// By the name of the standard, as `puback`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|known| *known == name)?;
        u8::try_from(place)
            .ok()
            .filter(|&n| n > 0 && n < 15)
            .map(Self)
    }

    const fn of(first: u8) -> Self {
        Self(first >> 4)
    }
}

/// Bytes and packets of one way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All bytes.
    pub bytes: u64,
    /// Bytes of messages sent again: PUBLISH with DUP.
    pub again: u64,
    packets: [u64; 16],
}

impl Count {
    /// Packets of a type.
    #[must_use]
    pub fn packets(&self, packet: PacketType) -> u64 {
        self.packets
            .get(usize::from(packet.0))
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn add(&mut self, packet: &[u8]) {
        let Some(&first) = packet.first() else {
            return;
        };
        if let Some(count) = self.packets.get_mut(usize::from(first >> 4)) {
            *count += 1;
        }
        if first & 0xf8 == 0x38 {
            self.again += packet.len() as u64;
        }
    }
}

/// Cuts a stream into packets.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    waiting: Vec<u8>,
    /// It was no packet that came last, and where the next would begin nobody knows.
    is_lost: bool,
}

impl Packets {
    /// Takes bytes; `each` gets every packet that is whole now, and bytes that are none as they come.
    pub(crate) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Option<PacketType>, &[u8])) {
        if self.is_lost {
            return each(None, bytes);
        }
        self.waiting.extend_from_slice(bytes);
        loop {
            let length = match length(&self.waiting) {
                Length::Whole(length) => length,
                Length::More => return,
                Length::None => {
                    self.is_lost = true;
                    return each(None, &core::mem::take(&mut self.waiting));
                }
            };
            let rest = self.waiting.split_off(length);
            let packet = core::mem::replace(&mut self.waiting, rest);
            each(Some(PacketType::of(packet[0])), &packet);
        }
    }
}

/// What the beginning of a stream says of its first packet.
enum Length {
    Whole(usize),
    More,
    /// A length of five bytes: no packet.
    None,
}

fn length(bytes: &[u8]) -> Length {
    let mut length = 0;
    for (place, &byte) in bytes.iter().skip(1).enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            let total = place + 2 + length;
            return if bytes.len() >= total {
                Length::Whole(total)
            } else {
                Length::More
            };
        }
    }
    if bytes.len() > 4 {
        Length::None
    } else {
        Length::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_the_same_for_every_cut() {
        let stream = [
            &[0x30, 3, 0, 1, b'a'][..],
            &[0xc0, 0],
            &[0x3a, 0x80, 1],
            &[7; 128],
        ]
        .concat();
        for size in 1..stream.len() {
            let mut packets = Packets::default();
            let mut count = Count::default();
            for piece in stream.chunks(size) {
                packets.push(piece, |_, packet| count.add(packet));
            }
            assert_eq!(count.packets(PacketType::PUBLISH), 2);
            assert_eq!(count.packets(PacketType::PINGREQ), 1);
            assert_eq!(count.again, 131);
        }
    }

    #[test]
    fn what_is_no_packet_passes_as_it_comes() {
        let mut packets = Packets::default();
        let mut passed = Vec::new();
        let mut whole = 0;
        for piece in [&[0xc0, 0, 0x30, 0x80][..], &[0x80, 0x80, 0xff, 1], &[2, 3]] {
            packets.push(piece, |kind, bytes| match kind {
                Some(_) => whole += 1,
                None => passed.extend_from_slice(bytes),
            });
        }
        assert_eq!(whole, 1);
        assert_eq!(passed, [0x30, 0x80, 0x80, 0x80, 0xff, 1, 2, 3]);
    }

    #[test]
    fn names_are_those_of_the_standard() {
        assert_eq!(PacketType::parse("puback"), Some(PacketType::PUBACK));
        assert_eq!(PacketType::parse("pingreq"), Some(PacketType::PINGREQ));
        assert_eq!(PacketType::parse(""), None);
        assert_eq!(PacketType::parse("auth"), None);
    }
}
