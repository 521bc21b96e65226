//! Where the modem is, AT reference section 18.

use crate::command::Spec;
use crate::command::clock::{self, NetworkTime};
use crate::field::{Fields, unsigned};

pub(crate) static START: Spec = Spec::new("AT+QGPS=1");
pub(crate) static STOP: Spec = Spec::new("AT+QGPSEND");
pub(crate) static POSITION: Spec =
    Spec::new("AT+QGPSLOC=2").answered("+QGPSLOC", |line, known, _| {
        let (fix, time) = fix(line).unzip();
        (known.heard.fix, known.heard.time) = (fix, time);
        known.heard.fix.is_some()
    });

/// A fix of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Position {
    /// UTC, seconds since 1970.
    pub unix: u64,
    /// Millionths of a degree, north is positive.
    pub latitude: i32,
    /// Millionths of a degree, east is positive.
    pub longitude: i32,
    /// Above sea level, tenths of a metre; `None` of a fix in two dimensions.
    pub altitude: Option<i32>,
    /// Horizontal dilution of precision, tenths.
    pub hdop: u16,
    /// Satellites used.
    pub satellites: u8,
}

/// A fix without its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fix {
    latitude: i32,
    longitude: i32,
    altitude: Option<i32>,
    hdop: u16,
    satellites: u8,
}

impl Fix {
    pub(crate) const fn at(self, time: NetworkTime) -> Position {
        Position {
            unix: time.unix,
            latitude: self.latitude,
            longitude: self.longitude,
            altitude: self.altitude,
            hdop: self.hdop,
            satellites: self.satellites,
        }
    }
}

/// `+QGPSLOC: <hhmmss.sss>,<lat>,<lon>,<hdop>,<alt>,<fix>,<cog>,<km/h>,<knots>,<ddmmyy>,<nsat>`
fn fix(line: &[u8]) -> Option<(Fix, NetworkTime)> {
    let mut fields = Fields::of(line, "+QGPSLOC")?;
    let time = fields.next().text;
    let (latitude, longitude) = (fields.next().text, fields.next().text);
    let (hdop, altitude) = (fields.next().text, fields.next().text);
    let is_solid = fields.number() == Some(3_u8);
    for _ in 0..3 {
        fields.next();
    }
    let date = fields.next().text;
    let within = |text, most: i32| {
        let value = decimal(text, 6)?;
        (value.abs() <= most * 1_000_000).then_some(value)
    };
    let fix = Fix {
        latitude: within(latitude, 90)?,
        longitude: within(longitude, 180)?,
        altitude: if is_solid {
            Some(decimal(altitude, 1)?)
        } else {
            None
        },
        hdop: u16::try_from(decimal(hdop, 1)?).ok()?,
        satellites: fields.number()?,
    };
    Some((fix, utc(date, time)?))
}

/// The same with its time.
pub(crate) fn position(line: &[u8]) -> Option<Position> {
    fix(line).map(|(fix, time)| fix.at(time))
}

/// `<ddmmyy>`, `<hhmmss.sss>`
fn utc(date: &[u8], time: &[u8]) -> Option<NetworkTime> {
    let (date, _) = date.split_first_chunk::<6>()?;
    let (time, _) = time.split_first_chunk::<6>()?;
    let [d1, d0, m1, m0, y1, y0] = *date;
    let [h1, h0, n1, n0, s1, s0] = *time;
    let text = [
        y1, y0, b'/', m1, m0, b'/', d1, d0, b',', h1, h0, b':', n1, n0, b':', s1, s0,
    ];
    clock::parse(&text, false)
}

/// A decimal number in units of so many places behind its point; what is smaller is cut off.
fn decimal(text: &[u8], places: usize) -> Option<i32> {
    let (is_negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let mut parts = text.split(|&byte| byte == b'.');
    let (whole, fraction) = (parts.next()?, parts.next().unwrap_or_default());
    let is_number = parts.next().is_none() && fraction.iter().all(u8::is_ascii_digit);
    let mut value = unsigned(whole, 10).filter(|_| is_number)?;
    for place in 0..places {
        let digit = fraction.get(place).map_or(0, |digit| digit - b'0');
        value = value.checked_mul(10)?.checked_add(digit.into())?;
    }
    let value = i32::try_from(value).ok()?;
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fix_is_read_in_whole_numbers() {
        let line = b"+QGPSLOC: 061951.000,38.46794,-14.95438,0.7,62.2,3,0.00,0.0,0.0,110526,09";
        let expected = Position {
            unix: 1_778_480_391,
            latitude: 38_467_940,
            longitude: -14_954_380,
            altitude: Some(622),
            hdop: 7,
            satellites: 9,
        };
        assert_eq!(position(line), Some(expected));
        let flat = b"+QGPSLOC: 061951.0,-0.000001,180,12,,2,,,,110526,4";
        let found = position(flat).unwrap();
        assert_eq!((found.latitude, found.longitude), (-1, 180_000_000));
        assert_eq!((found.altitude, found.hdop), (None, 120));
    }

    #[test]
    fn what_is_no_place_on_earth_is_none() {
        for line in [
            "+QGPSLOC: 061951.0,90.1,1,1,1,3,,,,110526,4",
            "+QGPSLOC: 061951.0,1,-180.000001,1,1,3,,,,110526,4",
            "+QGPSLOC: 061951.0,1.2.3,1,1,1,3,,,,110526,4",
            "+QGPSLOC: 061951.0,99999999999,1,1,1,3,,,,110526,4",
            "+QGPSLOC: 061951.0,1,1,-1,1,3,,,,110526,4",
            "+QGPSLOC: 061951.0,1,1,1,,3,,,,110526,4",
            "+QGPSLOC: 061951.0,1,1,1,1,3,,,,310226,4",
            "+QGPSLOC: 0619,1,1,1,1,3,,,,110526,4",
            "+QGPSLOC: ",
        ] {
            assert_eq!(position(line.as_bytes()), None, "{line}");
        }
    }
}
