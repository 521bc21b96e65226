//! Identity, AT reference sections 5 and 6.

use crate::field::Fields;
use crate::text::Text;

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

/// `+QCCID: <digits>`, with or without quotes; a trailing `F` is filler.
pub(crate) fn iccid(line: &[u8]) -> Option<Text<22>> {
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
pub(crate) fn imei(line: &[u8]) -> Option<Text<16>> {
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
