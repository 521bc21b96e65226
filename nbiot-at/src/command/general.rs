//! Identity, AT reference sections 5 and 6.

use crate::command::Spec;
use crate::field::Fields;
use crate::known::Known;
use crate::text::{Text, append};

pub(crate) static ATTENTION: Spec = Spec::new("AT").within(500).probes();
/// The same to a modem that answers with numbers or not at all.
pub(crate) static ATTENTION_IN_WORDS: Spec = Spec::new("ATQ0V1").within(500).probes();
pub(crate) static ECHO_OFF: Spec = Spec::new("ATE0");
pub(crate) static VERBOSE_CODES: Spec = Spec::new("ATV1");
pub(crate) static RESULT_CODES: Spec = Spec::new("ATQ0");
pub(crate) static ERROR_NUMBERS: Spec = Spec::new("AT+CMEE=1");
/// Its answer cannot be mistaken for that of another command.
pub(crate) static GUARD: Spec = Spec::new("AT+CMEE?").answered("+CMEE:", |_, _, _| true);
/// The same between a payload and its result: what is left of a payload of which the modem took a
/// part would spoil it.
pub(crate) static CHECK: Spec = Spec {
    is_aside: true,
    ..Spec::new("AT+CMEE?").answered("+CMEE:", |_, _, _| true)
};
pub(crate) static URC_PORT_QUERY: Spec =
    Spec::new("AT+QURCCFG=\"urcport\"").lists("+QURCCFG", |line, known, _| {
        known.heard.is_set |= line.ends_with(b"\"uart1\"");
        true
    });
pub(crate) static URC_PORT: Spec = Spec::new("AT+QURCCFG=\"urcport\",\"uart1\"");
pub(crate) static MODEL: Spec = Spec::new("AT+CGMM").answered("", |line, known, _| {
    bare(line, known).is_some_and(|model| keep(known, b'm', model))
});
pub(crate) static REVISION: Spec = Spec::new("AT+QGMR").answered("", |line, known, _| {
    bare(line, known).is_some_and(|revision| keep(known, b'r', revision))
});
pub(crate) static IMEI: Spec = Spec::new("AT+CGSN").answered("", |line, known, _| {
    imei(line).is_some_and(|imei| keep(known, b'i', imei))
});
pub(crate) static ICCID: Spec = Spec::new("AT+QCCID").answered("", |line, known, _| {
    iccid(line).is_some_and(|iccid| keep(known, b's', iccid))
});
/// Closes the SIM, too.
pub(crate) static MINIMUM_FUNCTION: Spec = Spec::new("AT+CFUN=0").within(15_000);
pub(crate) static FULL_FUNCTION: Spec = Spec::new("AT+CFUN=1").within(15_000);
/// Nothing may follow it, AT reference section 3.2: no way back either.
pub(crate) static POWER_DOWN: Spec = Spec::new("AT+QPOWD=1").probes();

/// Longest text of an [`Identity`].
const MOST: usize = 40;

/// Who the modem and its SIM are. A field is empty where the modem did not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Identity {
    /// Model, as `AT+CGMM` names it: `BG96`, `BG95-M3`.
    pub model: Text<24>,
    /// Firmware revision, `AT+QGMR`.
    pub revision: Text<40>,
    /// Serial number of the modem, 15 digits.
    pub imei: Text<16>,
    /// Serial number of the SIM, 19 or 20 digits.
    pub iccid: Text<22>,
}

impl Identity {
    /// From the lines that [`keep`] has put into the buffer.
    #[inline(never)]
    pub(crate) fn kept(buffer: &[u8]) -> Self {
        let mut identity = Self::default();
        for line in buffer.split(|&byte| byte == b'\n') {
            match line.split_first() {
                Some((b'm', model)) => identity.model = Text::lossy(model),
                Some((b'r', revision)) => identity.revision = Text::lossy(revision),
                Some((b'i', imei)) => identity.imei = Text::lossy(imei),
                Some((b's', iccid)) => identity.iccid = Text::lossy(iccid),
                _ => {}
            }
        }
        identity
    }
}

/// Puts an answer into the buffer, behind a letter that says of what.
fn keep(known: &mut Known, letter: u8, text: &[u8]) -> bool {
    let (text, _) = text.split_at(text.len().min(MOST));
    for part in [&[letter], text, b"\n"] {
        append(&mut known.payload, part);
    }
    true
}

/// The first line without a name of its own.
fn bare<'a>(line: &'a [u8], known: &mut Known) -> Option<&'a [u8]> {
    let is_bare = !line.starts_with(b"+") && line != b"RING";
    let is_first = is_bare && !core::mem::replace(&mut known.heard.is_set, is_bare);
    is_first.then_some(line)
}

/// `+QCCID: <digits>`, with or without quotes; a trailing `F` is filler.
pub(crate) fn iccid(line: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields::of(line, "+QCCID").or_else(|| Fields::of(line, "+ICCID"))?;
    let text = fields.next().text;
    let digits = text
        .strip_suffix(b"F")
        .or_else(|| text.strip_suffix(b"f"))
        .unwrap_or(text);
    let valid = (19..=20).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    valid.then_some(digits)
}

/// 15 digits and nothing else.
fn imei(line: &[u8]) -> Option<&[u8]> {
    let valid = line.len() == 15 && line.iter().all(u8::is_ascii_digit);
    valid.then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iccid_loses_its_filler() {
        for line in [
            "+QCCID: 8988211000000000001F",
            "+ICCID: \"8988211000000000001\"",
        ] {
            assert_eq!(iccid(line.as_bytes()), Some(&b"8988211000000000001"[..]));
        }
        assert!(iccid(b"+QCCID: 89F").is_none());
    }

    #[test]
    fn only_fifteen_digits_are_an_imei() {
        assert!(imei(b"866425030000001").is_some());
        for line in ["APP RDY", "86642503000000", "86642503000000A"] {
            assert!(imei(line.as_bytes()).is_none());
        }
    }
}
