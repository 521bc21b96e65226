//! The card of the model: an eUICC with two profiles, or a SIM with one. AT reference section 19.

use core::time::Duration;

use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::sim::{Action, Modem};
use crate::time::Instant;

type Bytes<const N: usize> = heapless::Vec<u8, N>;

const ISD_R: &[u8] = b"\xa0\x00\x00\x05\x59\x10\x10\xff\xff\xff\xff\x89\x00\x00\x01\x00";
const EID: &[u8] = b"\x89\x04\x40\x45\x11\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19";
/// ICCIDs with their digits swapped, as cards hold them.
const ICCIDS: [&[u8]; 2] = [
    b"\x98\x88\x12\x01\x00\x00\x00\x00\x00\xf1",
    b"\x98\x88\x12\x01\x00\x00\x00\x00\x00\xf2",
];
const NAMES: [&str; 2] = ["Home", "Abroad"];

#[derive(Debug, Default)]
pub(super) struct Euicc {
    /// Channels that are open, and whether the ISD-R is selected there.
    channels: [Option<bool>; 4],
    request: Bytes<512>,
    block: u8,
    response: Bytes<640>,
    given: usize,
    /// The profile that the card holds as enabled, and the one that the modem uses.
    pub(super) enabled: Option<usize>,
    pub(super) used: Option<usize>,
    deleted: [bool; 2],
    nicknames: [Bytes<64>; 2],
    /// A command was given that ends in a REFRESH.
    refresh: bool,
}

impl Euicc {
    pub(super) fn new() -> Self {
        Self {
            enabled: Some(0),
            used: Some(0),
            ..Self::default()
        }
    }

    /// The card starts anew, with the profile that is enabled.
    pub(super) fn restart(&mut self) {
        self.channels = [None; 4];
        self.used = self.enabled;
    }

    fn open(&mut self) -> Option<u8> {
        let free = (1..4).find(|&n: &u8| self.channels.get(usize::from(n)) == Some(&None))?;
        *self.channels.get_mut(usize::from(free))? = Some(false);
        Some(free)
    }

    fn close(&mut self, channel: u8) -> bool {
        let slot = self.channels.get_mut(usize::from(channel));
        slot.is_some_and(|slot| channel > 0 && slot.take().is_some())
    }

    fn select(&mut self, channel: u8, aid: &[u8], is_euicc: bool) -> u16 {
        let slot = self.channels.get_mut(usize::from(channel));
        match slot {
            Some(slot @ Some(_)) if is_euicc && aid == ISD_R => {
                *slot = Some(true);
                0x9000
            }
            Some(Some(_)) => 0x6a82,
            _ => 0x6881,
        }
    }

    /// One command; the answer with its status.
    fn command(&mut self, apdu: &[u8], is_euicc: bool) -> Bytes<260> {
        let &[class, instruction, p1, p2, ..] = apdu else {
            return status(0x6700);
        };
        let channel = class & 3;
        let rest = apdu.get(4..).unwrap_or_default();
        let (length, data) = match rest {
            [length, data @ ..] => (usize::from(*length), data),
            [] => (0, rest),
        };
        match instruction {
            0x70 if p1 == 0 => match self.open() {
                Some(number) => answer(&[number], 0x9000),
                None => status(0x6a81),
            },
            0x70 => status(if self.close(p2) { 0x9000 } else { 0x6a86 }),
            0xa4 => {
                let aid = data.get(..length).unwrap_or_default();
                status(self.select(channel, aid, is_euicc))
            }
            0xe2 if self.channels.get(usize::from(channel)) == Some(&Some(true)) => {
                match data.get(..length) {
                    Some(data) => self.store(p1, p2, data),
                    None => status(0x6700),
                }
            }
            0xc0 => self.rest(if length == 0 { 256 } else { length }),
            _ => status(0x6e00),
        }
    }

    fn store(&mut self, p1: u8, number: u8, data: &[u8]) -> Bytes<260> {
        if number == 0 {
            self.request.clear();
            self.block = 0;
        }
        let is_next = number == self.block && matches!(p1, 0x11 | 0x91);
        if !is_next || self.request.extend_from_slice(data).is_err() {
            return status(0x6985);
        }
        self.block = self.block.wrapping_add(1);
        if p1 == 0x11 {
            return status(0x9000);
        }
        self.given = 0;
        self.response.clear();
        let request = core::mem::take(&mut self.request);
        self.function(&request);
        match self.response.len() {
            0 => status(0x6a88),
            length => status(0x6100 | u16::try_from(length.min(255)).unwrap_or(0)),
        }
    }

    fn rest(&mut self, most: usize) -> Bytes<260> {
        let rest = self.response.get(self.given..).unwrap_or_default();
        let (piece, behind) = rest.split_at(rest.len().min(most));
        let code = match behind.len() {
            0 => 0x9000,
            length => 0x6100 | u16::try_from(length.min(255)).unwrap_or(0),
        };
        let bytes = answer(piece, code);
        self.given += piece.len();
        bytes
    }

    /// A function of SGP.22, its answer in the response.
    fn function(&mut self, request: &[u8]) {
        let Some((&[first, second], rest)) = request.split_first_chunk() else {
            return;
        };
        let body = rest.get(1..).unwrap_or_default();
        match (first, second) {
            (0xbf, 0x3e) => self.tell(&[0xbf, 0x3e], |out| object(out, &[0x5a], EID)),
            (0xbf, 0x2d) => self.profiles(body),
            (0xbf, 0x31) => {
                let result = match self.named(body) {
                    Some(index) if self.enabled == Some(index) => 2,
                    Some(index) => {
                        self.enabled = Some(index);
                        self.refresh |= body.ends_with(&[0x81, 0x01, 0xff]);
                        0
                    }
                    None => 1,
                };
                self.result([0xbf, 0x31], result);
            }
            (0xbf, 0x32) => {
                let result = match self.named(body) {
                    Some(index) if self.enabled == Some(index) => {
                        self.enabled = None;
                        self.refresh |= body.ends_with(&[0x81, 0x01, 0xff]);
                        0
                    }
                    Some(_) => 2,
                    None => 1,
                };
                self.result([0xbf, 0x32], result);
            }
            (0xbf, 0x33) => {
                let result = match self.named(body) {
                    Some(index) if self.enabled == Some(index) => 2,
                    Some(index) => {
                        if let Some(deleted) = self.deleted.get_mut(index) {
                            *deleted = true;
                        }
                        0
                    }
                    None => 1,
                };
                self.result([0xbf, 0x33], result);
            }
            (0xbf, 0x29) => {
                let nickname = body.get(14..).unwrap_or_default();
                let named = self.named(body);
                let slot = named.and_then(|index| self.nicknames.get_mut(index));
                let result = match slot {
                    Some(slot) => {
                        *slot = Bytes::from_slice(nickname).unwrap_or_default();
                        0
                    }
                    None => 1,
                };
                self.result([0xbf, 0x29], result);
            }
            _ => {}
        }
    }

    /// The profile whose number stands somewhere in the request.
    fn named(&self, body: &[u8]) -> Option<usize> {
        let holds = |iccid: &[u8]| body.windows(iccid.len()).any(|part| part == iccid);
        let found = ICCIDS.iter().position(|iccid| holds(iccid))?;
        (self.deleted.get(found) == Some(&false)).then_some(found)
    }

    fn result(&mut self, tag: [u8; 2], code: u8) {
        self.tell(&tag, |out| object(out, &[0x80], &[code]));
    }

    fn tell(&mut self, tag: &[u8], content: impl FnOnce(&mut Bytes<600>)) {
        let mut inner = Bytes::new();
        content(&mut inner);
        let mut outer = Bytes::<640>::new();
        object(&mut outer, tag, &inner);
        self.response = outer;
    }

    /// Those that the request looks for, and of each what its tag list names.
    fn profiles(&mut self, body: &[u8]) {
        let wanted = if body.first() == Some(&0xa0) {
            self.named(body)
        } else {
            None
        };
        let is_searched = body.first() == Some(&0xa0);
        let start = body.iter().rposition(|&byte| byte == 0x5c);
        let tags = start.and_then(|start| body.get(start + 2..));
        let is_told =
            |tag: &[u8]| tags.is_none_or(|tags| tags.windows(tag.len()).any(|part| part == tag));
        let object = |entry: &mut Bytes<280>, tag: &[u8], value: &[u8]| {
            if is_told(tag) {
                object(entry, tag, value);
            }
        };
        let mut list = Bytes::<560>::new();
        for (index, (iccid, name)) in ICCIDS.iter().zip(NAMES).enumerate() {
            let is_left_out = is_searched && wanted != Some(index);
            if is_left_out || self.deleted.get(index) != Some(&false) {
                continue;
            }
            let mut entry = Bytes::<280>::new();
            object(&mut entry, &[0x5a], iccid);
            let mut aid: Bytes<16> = Bytes::from_slice(ISD_R).unwrap_or_default();
            if let Some(byte) = aid.get_mut(14) {
                *byte = 0x10 + u8::try_from(index).unwrap_or(0);
            }
            object(&mut entry, &[0x4f], &aid);
            let state = u8::from(self.enabled == Some(index));
            object(&mut entry, &[0x9f, 0x70], &[state]);
            let nickname = self.nicknames.get(index).map_or(&[][..], |name| name);
            object(&mut entry, &[0x90], nickname);
            object(
                &mut entry,
                &[0x91],
                b"A mobile network with a name that is not short at all",
            );
            object(&mut entry, &[0x92], name.as_bytes());
            object(&mut entry, &[0x95], &[2]);
            self::object(&mut list, &[0xe3], &entry);
        }
        self.tell(&[0xbf, 0x2d], |out| self::object(out, &[0xa0], &list));
    }
}

/// Appends tag, length and value.
fn object<const N: usize>(out: &mut Bytes<N>, tag: &[u8], value: &[u8]) {
    let length = value.len().to_be_bytes();
    let [.., high, low] = length;
    let header: &[u8] = match value.len() {
        0..=127 => &[low],
        128..=255 => &[0x81, low],
        _ => &[0x82, high, low],
    };
    for part in [tag, header, value] {
        let _ = out.extend_from_slice(part);
    }
}

fn status(code: u16) -> Bytes<260> {
    answer(&[], code)
}

fn answer(data: &[u8], code: u16) -> Bytes<260> {
    let mut bytes = Bytes::from_slice(data).unwrap_or_default();
    let _ = bytes.extend_from_slice(&code.to_be_bytes());
    bytes
}

fn unhex(text: &str) -> Option<Bytes<300>> {
    let digits = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = digits.chunks(2).map(|pair| match *pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    });
    bytes.collect()
}

impl<N: Network> Modem<N> {
    /// The number of the profile in use, for `AT+QCCID`.
    pub(super) fn iccid(&self) -> &'static str {
        match self.euicc.used {
            Some(1) => "8988211000000000002F",
            _ => "8988211000000000001F",
        }
    }

    pub(super) fn card_command(&mut self, call: &Call<'_>, now: Instant) {
        let has = match call.name {
            "CSIM" => self.settings.has_csim,
            _ => self.settings.has_cgla,
        };
        if !has {
            return self.error(now);
        }
        if !self.sim_ready {
            return self.cme(14, now);
        }
        let is_euicc = self.settings.is_euicc;
        match (call.name, call.form) {
            ("CCHO", Form::Write(_)) => {
                let aid = unhex(call.text(0)).unwrap_or_default();
                let Some(channel) = self.euicc.open() else {
                    return self.cme(20, now);
                };
                if self.euicc.select(channel, &aid, is_euicc) != 0x9000 {
                    self.euicc.close(channel);
                    return self.cme(22, now);
                }
                self.tell(format_args!("+CCHO: {channel}"), now);
            }
            ("CCHC", Form::Write(_)) => {
                if self.euicc.close(call.number(0).unwrap_or(0)) {
                    self.ok(now);
                } else {
                    self.error(now);
                }
            }
            ("CGLA", Form::Write(_)) => {
                let channel: u8 = call.number(0).unwrap_or(9);
                let is_open =
                    matches!(self.euicc.channels.get(usize::from(channel)), Some(Some(_)));
                if is_open {
                    self.exchange_with_card("+CGLA", call.number(1), call.text(2), now);
                } else {
                    self.cme(21, now);
                }
            }
            ("CSIM", Form::Write(_)) => {
                self.exchange_with_card("+CSIM", call.number(0), call.text(1), now);
            }
            _ => self.error(now),
        }
    }

    fn exchange_with_card(
        &mut self,
        prefix: &str,
        length: Option<usize>,
        text: &str,
        now: Instant,
    ) {
        let (true, Some(apdu)) = (length == Some(text.len()), unhex(text)) else {
            return self.cme(50, now);
        };
        let is_euicc = self.settings.is_euicc;
        let bytes = self.euicc.command(&apdu, is_euicc);
        self.say_hex(prefix, &bytes, now);
        self.ok(now);
        if core::mem::take(&mut self.euicc.refresh) && self.settings.refreshes {
            self.plan(Action::Refresh, now + Duration::from_secs(2));
        }
    }

    /// A line too long for [`say`](Self::say).
    fn say_hex(&mut self, prefix: &str, bytes: &[u8], now: Instant) {
        if self.dice.hits(self.faults.drop_line) {
            return;
        }
        let mut head = crate::text::Text::<24>::new();
        let written = core::fmt::Write::write_fmt(
            &mut head,
            format_args!("\r\n{prefix}: {},\"", bytes.len() * 2),
        );
        let _ = written;
        self.emit(head.as_bytes().iter().copied(), now);
        let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value)).copied();
        let digits = bytes
            .iter()
            .flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]);
        let digits: Bytes<600> = digits.flatten().chain(*b"\"\r\n").collect();
        self.emit(digits.iter().copied(), now);
    }

    /// The SIM restarts, by a REFRESH or with the radio.
    pub(super) fn restart_sim(&mut self, now: Instant) {
        self.sim_ready = false;
        self.urc(format_args!("+CPIN: NOT READY"), now);
        self.drop_context();
        self.set_status(0, now);
        self.euicc.restart();
    }
}
