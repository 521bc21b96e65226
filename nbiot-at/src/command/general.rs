//! Identity, AT reference sections 5 and 6.

use crate::command::Spec;
use crate::field::Fields;
use crate::known::Known;
use crate::text::Text;

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
    let found = bare(line, known);
    found.map(|model| known.identity.model = model).is_some()
});
pub(crate) static REVISION: Spec = Spec::new("AT+QGMR").answered("", |line, known, _| {
    let found = bare(line, known);
    let revision = found.map(|revision| known.identity.revision = revision);
    revision.is_some()
});
pub(crate) static IMEI: Spec = Spec::new("AT+CGSN").answered("", |line, known, _| {
    let found = imei(line);
    found.map(|imei| known.identity.imei = imei).is_some()
});
pub(crate) static ICCID: Spec = Spec::new("AT+QCCID").answered("", |line, known, _| {
    let found = iccid(line);
    found.map(|iccid| known.identity.iccid = iccid).is_some()
});
/// Closes the SIM, too.
pub(crate) static MINIMUM_FUNCTION: Spec = Spec::new("AT+CFUN=0").within(15_000);
pub(crate) static FULL_FUNCTION: Spec = Spec::new("AT+CFUN=1").within(15_000);
/// Nothing may follow it, AT reference section 3.2: no way back either.
pub(crate) static POWER_DOWN: Spec = Spec::new("AT+QPOWD=1").probes();

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
    pub(crate) const NONE: Self = Self {
        model: Text::new(),
        revision: Text::new(),
        imei: Text::new(),
        iccid: Text::new(),
    };
}

/// The first line without a name of its own.
fn bare<const N: usize>(line: &[u8], known: &mut Known) -> Option<Text<N>> {
    let is_bare = !line.starts_with(b"+") && line != b"RING";
    let is_first = is_bare && !core::mem::replace(&mut known.heard.is_set, is_bare);
    is_first.then(|| Text::lossy(line))
}

/// `+QCCID: <digits>`, with or without quotes; a trailing `F` is filler.
fn iccid(line: &[u8]) -> Option<Text<22>> {
    let mut fields = Fields::of(line, "+QCCID").or_else(|| Fields::of(line, "+ICCID"))?;
    let text = fields.next().text;
    let digits = text
        .strip_suffix(b"F")
        .or_else(|| text.strip_suffix(b"f"))
        .unwrap_or(text);
    let valid = (19..=20).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    valid.then(|| Text::lossy(digits))
}

/// 15 digits and nothing else.
fn imei(line: &[u8]) -> Option<Text<16>> {
    let valid = line.len() == 15 && line.iter().all(u8::is_ascii_digit);
    valid.then(|| Text::lossy(line))
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
            assert_eq!(
                iccid(line.as_bytes()).unwrap().as_str(),
                "8988211000000000001"
            );
        }
        assert!(iccid(b"+QCCID: 89F").is_none());
    }

    #[test]
    fn only_fifteen_digits_are_an_imei() {
        assert_eq!(
            imei(b"866425030000001").unwrap().as_str(),
            "866425030000001"
        );
        for line in ["APP RDY", "86642503000000", "86642503000000A"] {
            assert!(imei(line.as_bytes()).is_none());
        }
    }
}
