//! IP addresses as the modem writes them. The parser of the standard library would cost 2 KiB of
//! flash.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::field::unsigned;

/// An address of either kind, in the forms of RFC 4291 section 2.2.
#[inline(never)]
pub(crate) fn parse(text: &[u8]) -> Option<IpAddr> {
    if text.contains(&b':') {
        v6(text).map(IpAddr::V6)
    } else {
        v4(text).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)))
    }
}

/// Four numbers of up to three digits, without zeros in front.
fn v4(text: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut parts = text.split(|&byte| byte == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        let is_plain = part.len() == 1 || !part.starts_with(b"0");
        let number = unsigned(part, 10).filter(|_| is_plain && part.len() <= 3)?;
        *octet = u8::try_from(number).ok()?;
    }
    parts.next().is_none().then_some(octets)
}

/// Eight groups; `::` once in the place of one or more that are zero; the last two perhaps as an
/// address of the other kind.
fn v6(text: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0_u16; 8];
    let Some(gap) = text.windows(2).position(|pair| pair == b"::") else {
        return (fill(text, &mut groups)? == groups.len()).then(|| Ipv6Addr::from(groups));
    };
    let (head, tail) = (text.get(..gap)?, text.get(gap + 2..)?);
    let mut last = [0; 8];
    let (before, behind) = (fill(head, &mut groups)?, fill(tail, &mut last)?);
    if head.contains(&b'.') || before + behind >= groups.len() {
        return None;
    }
    let places = groups.iter_mut().skip(8 - behind);
    places.zip(last).for_each(|(to, from)| *to = from);
    Some(Ipv6Addr::from(groups))
}

/// Fills in groups from the front; returns how many.
#[inline(never)]
fn fill(text: &[u8], groups: &mut [u16; 8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let mut count = 0;
    let mut parts = text.split(|&byte| byte == b':').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() && part.contains(&b'.') {
            let [a, b, c, d] = v4(part)?;
            *groups.get_mut(count)? = u16::from_be_bytes([a, b]);
            *groups.get_mut(count + 1)? = u16::from_be_bytes([c, d]);
            return Some(count + 2);
        }
        let group = unsigned(part, 16).filter(|_| part.len() <= 4)?;
        *groups.get_mut(count)? = u16::try_from(group).ok()?;
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same_as_the_standard_library(text: &str) {
        assert_eq!(parse(text.as_bytes()), text.parse().ok(), "{text}");
    }

    #[test]
    fn forms_of_the_rfc_and_their_neighbours() {
        for text in [
            "192.0.2.7",
            "0.0.0.0",
            "255.255.255.255",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.",
            ".1.2.3",
            "1..2.3",
            "",
            ":",
            "::",
            ":::",
            "::1",
            "1::",
            "2001:db8::1",
            "2001:db8:0:0:8:800:200c:417a",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7",
            "1::2::3",
            "::ffff:192.0.2.7",
            "1:2:3:4:5:6:192.0.2.7",
            "1:2:3:4:5:6:7:192.0.2.7",
            "192.0.2.7::",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::8",
            "1:2:3:4::5:6:7:8",
            "12345::",
            "g::",
            "1:",
            ":1",
            "1:2:3:4:5:6:7:",
            "fe80::1%1",
            "1.2.3.4:",
            "::1.2.3.4:5",
            "+1::",
            "1 ::",
        ] {
            same_as_the_standard_library(text);
        }
    }

    proptest! {
        #[test]
        fn anything_is_taken_as_the_standard_library_takes_it(text in "[0-9a-f:.]{0,40}") {
            same_as_the_standard_library(&text);
        }

        #[test]
        fn every_address_is_read(v4: [u8; 4], v6: [u16; 8], keep: [bool; 8]) {
            same_as_the_standard_library(&std::format!("{}", Ipv4Addr::from(v4)));
            let mut groups = v6;
            for (group, keep) in groups.iter_mut().zip(keep) {
                *group *= u16::from(keep);
            }
            same_as_the_standard_library(&std::format!("{}", Ipv6Addr::from(groups)));
        }
    }
}
