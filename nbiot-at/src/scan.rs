//! Where the modem looks for a network, AT reference section 8.

use crate::command::radio::Access;
use crate::field::{Fields, is_same};
use crate::text::Text;

/// Most bands, and the highest of them.
const BANDS: usize = 8;
const LAST_BAND: u8 = 85;
/// Hex digits of the mask of all bands.
const DIGITS: u8 = LAST_BAND.div_ceil(4);

/// Which radio accesses the modem looks for, in their order, and in which bands of LTE.
///
/// A BG96 from the factory looks for LTE-M and GSM, and never for NB-IoT. NB-IoT is looked for in
/// three depths, which take up to six minutes for each band: name those of the operator, and put
/// NB-IoT behind other accesses (AT reference section 7.4).
///
/// The modem keeps it, and [`start`](crate::Request::Start) writes only what differs. A BG77 or BG95
/// of the series `xA` is said to hang behind such a change: set those up once, at the bench.
///
/// ```
/// use nbiot_at::{Access, Scan};
///
/// let scan = Scan::new(&[Access::LteM, Access::NbIot]).and_then(|scan| scan.within(&[3, 8, 20]));
/// assert!(scan.is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scan {
    order: [Option<Access>; 3],
    /// Zero is none.
    bands: [u8; BANDS],
}

/// A value, as it is written.
type Value = Text<48>;

impl Scan {
    /// How many settings there are.
    pub(crate) const SETTINGS: u8 = 4;

    /// Looks for these, in this order, in the bands that are set.
    ///
    /// `None` if one is named twice, or none, or one that is [`Other`](Access::Other).
    #[must_use]
    pub fn new(order: &[Access]) -> Option<Self> {
        let mut scan = Self {
            order: [None; 3],
            bands: [0; BANDS],
        };
        for (n, &access) in order.iter().enumerate() {
            if scan.has(access) || sequence(access).is_none() {
                return None;
            }
            *scan.order.get_mut(n)? = Some(access);
        }
        (!order.is_empty()).then_some(scan)
    }

    /// Only in these bands of LTE, by their number in 3GPP TS 36.101: 1 to 85, one to eight of them.
    ///
    /// `None` if they are not.
    #[must_use]
    pub fn within(mut self, bands: &[u8]) -> Option<Self> {
        self.bands = [0; BANDS];
        for (n, &band) in bands.iter().enumerate() {
            *self.bands.get_mut(n)? = Some(band).filter(|band| (1..=LAST_BAND).contains(band))?;
        }
        (!bands.is_empty()).then_some(self)
    }

    #[inline(never)]
    fn has(&self, access: Access) -> bool {
        self.order.contains(&Some(access))
    }

    /// Name and value of the setting with this number, if there is something to say.
    pub(crate) fn setting(&self, number: u32) -> Option<(&'static str, Value)> {
        let gsm = self.has(Access::Gsm);
        let (lte_m, nb_iot) = (self.has(Access::LteM), self.has(Access::NbIot));
        let is_lte = lte_m || nb_iot;
        let mut value = Value::new();
        let key = match number {
            0 => {
                value.push_str(match (gsm, is_lte) {
                    (true, true) => "0",
                    (true, false) => "1",
                    (false, _) => "3",
                });
                "nwscanmode"
            }
            1 if is_lte => {
                value.push_str(match (lte_m, nb_iot) {
                    (true, true) => "2",
                    (true, false) => "0",
                    (false, _) => "1",
                });
                "iotopmode"
            }
            2 => {
                for &access in self.order.iter().flatten() {
                    value.push_str(sequence(access).unwrap_or_default());
                }
                "nwscanseq"
            }
            3 if is_lte && self.bands.iter().any(|&band| band > 0) => {
                value.push_str("0");
                for is_wanted in [lte_m, nb_iot] {
                    value.push_str(",");
                    self.mask(&mut value, is_wanted);
                }
                "band"
            }
            _ => return None,
        };
        Some((key, value))
    }

    /// Bit (band - 1) for each band; 0, which changes nothing, for an access that is not looked for.
    fn mask(&self, value: &mut Value, is_wanted: bool) {
        let mut is_leading = true;
        for place in (0..DIGITS).rev() {
            let mut digit = 0_usize;
            for band in self.bands.iter().filter_map(|band| band.checked_sub(1)) {
                if is_wanted && band / 4 == place {
                    digit |= 1 << (band % 4);
                }
            }
            is_leading &= digit == 0 && place > 0;
            if !is_leading {
                value.push_str("0123456789ABCDEF".get(digit..=digit).unwrap_or_default());
            }
        }
    }

    /// `+QCFG: "<key>",<value>`: whether it says that the setting with this number is as wanted.
    pub(crate) fn is_set(&self, number: u32, line: &[u8]) -> bool {
        let Some((key, value)) = self.setting(number) else {
            return true;
        };
        let Some(mut found) = Fields::of(line, "+QCFG") else {
            return false;
        };
        let is_mask = key == "band";
        let mut wanted = Fields::bare(value.as_bytes());
        found.next().text == key.as_bytes()
            && core::iter::from_fn(|| Some(wanted.next().text).filter(|text| !text.is_empty())).all(
                |wanted| {
                    let is_same = is_same(digits(found.next().text), digits(wanted));
                    is_same || is_mask && wanted == b"0"
                },
            )
    }
}

/// `nwscanseq` of an access.
const fn sequence(access: Access) -> Option<&'static str> {
    Some(match access {
        Access::Gsm => "01",
        Access::LteM => "02",
        Access::NbIot => "03",
        Access::Other(_) => return None,
    })
}

/// A number without `0x` and without zeros in front.
fn digits(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    let start = text.iter().position(|&digit| digit != b'0');
    start
        .and_then(|start| text.get(start..))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(scan: &Scan) -> [Option<(&'static str, std::string::String)>; 4] {
        [0, 1, 2, 3].map(|n| {
            scan.setting(n)
                .map(|(key, value)| (key, value.as_str().into()))
        })
    }

    #[test]
    fn settings_are_those_of_the_reference() {
        let both = Scan::new(&[Access::LteM, Access::NbIot, Access::Gsm]).unwrap();
        let europe = both.within(&[20, 8, 3]).unwrap();
        let expected = [
            ("nwscanmode", "0"),
            ("iotopmode", "2"),
            ("nwscanseq", "020301"),
            ("band", "0,80084,80084"),
        ];
        assert_eq!(
            settings(&europe),
            expected.map(|(key, value)| Some((key, value.into())))
        );

        let narrow = Scan::new(&[Access::NbIot]).unwrap();
        let [mode, iot, sequence, band] = settings(&narrow.within(&[85, 1]).unwrap());
        assert_eq!(mode, Some(("nwscanmode", "3".into())));
        assert_eq!(iot, Some(("iotopmode", "1".into())));
        assert_eq!(sequence, Some(("nwscanseq", "03".into())));
        assert_eq!(band, Some(("band", "0,0,1000000000000000000001".into())));
        assert_eq!(settings(&narrow)[3], None, "the bands stay as they are");

        let gsm = Scan::new(&[Access::Gsm]).unwrap();
        let [mode, iot, sequence, band] = settings(&gsm.within(&[20]).unwrap());
        assert_eq!(mode, Some(("nwscanmode", "1".into())));
        assert_eq!((iot, band), (None, None));
        assert_eq!(sequence, Some(("nwscanseq", "01".into())));
    }

    #[test]
    fn answers_are_compared_by_their_value() {
        let scan = Scan::new(&[Access::NbIot, Access::Gsm]).unwrap();
        let scan = scan.within(&[20]).unwrap();
        for (number, line, is_set) in [
            (0, "+QCFG: \"nwscanmode\",0", true),
            (0, "+QCFG: \"nwscanmode\",3", false),
            (0, "+QCFG: \"iotopmode\",0", false),
            (1, "+QCFG: \"iotopmode\",1", true),
            (2, "+QCFG: \"nwscanseq\",301", true),
            (2, "+QCFG: \"nwscanseq\",0301", true),
            (2, "+QCFG: \"nwscanseq\",30102", false),
            (3, "+QCFG: \"band\",0xf,0x400a0e189f,0x80000", true),
            (3, "+QCFG: \"band\",0xf,0x400a0e189f,0xa0e189f", false),
            (3, "+QCFG: \"band\"", false),
            (3, "+QCFG: ", false),
        ] {
            assert_eq!(scan.is_set(number, line.as_bytes()), is_set, "{line}");
        }
    }

    #[test]
    fn what_no_modem_could_look_for_is_refused() {
        let none: &[Access] = &[];
        assert_eq!(Scan::new(none), None);
        assert_eq!(Scan::new(&[Access::NbIot, Access::NbIot]), None);
        assert_eq!(Scan::new(&[Access::Other(7)]), None);
        let scan = Scan::new(&[Access::NbIot]).unwrap();
        for bands in [&[][..], &[0], &[86], &[1; 9]] {
            assert_eq!(scan.within(bands), None, "{bands:?}");
        }
    }
}
