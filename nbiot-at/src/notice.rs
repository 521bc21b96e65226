//! What the modem says by itself, and this client does nothing about.

use core::fmt;

use crate::HttpError;
use crate::code::codes;
use crate::command::clock;
use crate::field::{Field, Fields};

codes! {
    /// The result of an update of the module's firmware, AT reference section 20.
    UpdateError {
        504 Failed "update failed";
        505 NoPackage "no package";
        506 CheckFailed "package check failed";
    }
}

/// What [`Event::Notice`](crate::Event::Notice) is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Notice {
    /// The module's own firmware is being updated.
    Update(Update),
    /// The network has told the time zone.
    TimeZone(TimeZone),
}

/// How far an update of the module's firmware is, AT reference section 20.
///
/// ```text
///   Downloading ──► Downloaded ──► Begun ──► Updating 0 to 100 ──► Ended ──► the module restarts
///                                    Restoring 0 to 100 ──┘   power lost: Resumed, and Restoring
/// ```
///
/// Between `Begun` and `Ended` the module answers nothing for many minutes: send nothing, and keep
/// it powered. Not every step is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Update {
    /// The package is fetched.
    Downloading,
    /// The package is there, or it is not and this is the end.
    Downloaded(Result<(), HttpError>),
    /// The update begins.
    Begun,
    /// It goes on, percent.
    Updating(u8),
    /// It goes on, percent. Without power now it begins again at the next boot.
    Restoring(u8),
    /// The boot has found one that was broken off, and goes on with it.
    Resumed,
    /// It is over; after a success the module restarts.
    Ended(Result<(), UpdateError>),
}

/// The time zone that the network has told, AT reference section 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct TimeZone {
    /// Local time minus UTC in quarter hours, -48 to 56.
    pub zone: i8,
    /// Daylight saving in hours, where it was told; `zone` includes it.
    pub daylight_saving: Option<u8>,
    /// What the line shows, where it shows a time, in seconds since 1970. The manual leaves open
    /// whether that is UTC or local time: [`TimeOfNetwork::Universal`] is UTC.
    ///
    /// [`TimeOfNetwork::Universal`]: crate::query::time::TimeOfNetwork::Universal
    pub shown: Option<u64>,
}

/// Whether a line is for [`Notice::parse`].
pub(crate) fn is_notice(line: &[u8]) -> bool {
    line.starts_with(b"+CTZ") || line.starts_with(b"+QIND: \"FOTA\"")
}

impl Notice {
    /// The meaning of a line of the modem; `None` if it has none here.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        if let Some(mut fields) = Fields::of(line, "+QIND") {
            let is_update = fields.next().text == b"FOTA";
            return is_update.then(|| Update::parse(fields))?.map(Self::Update);
        }
        let zone = Fields::of(line, "+CTZV").or_else(|| Fields::of(line, "+CTZE"))?;
        TimeZone::parse(zone).map(Self::TimeZone)
    }
}

impl Update {
    fn parse(mut fields: Fields<'_>) -> Option<Self> {
        let step = fields.next().text;
        let value = fields.next();
        Some(match step {
            // So misspelt in some firmware.
            b"HTTPSTART" | b"HTTPTART" => Self::Downloading,
            b"HTTPEND" => Self::Downloaded(result(value, HttpError::from_code)?),
            b"START" => Self::Begun,
            b"UPDATING" => Self::Updating(percent(value)?),
            b"RESTORE" => Self::Restoring(percent(value)?),
            b"Last upgrade was not finished,continue upgrade" => Self::Resumed,
            b"END" => Self::Ended(result(value, UpdateError::from_code)?),
            _ => return None,
        })
    }
}

fn result<E>(value: Field<'_>, error: fn(u16) -> E) -> Option<Result<(), E>> {
    let code = value.number()?;
    Some(if code == 0 { Ok(()) } else { Err(error(code)) })
}

/// `<n>%`
fn percent(value: Field<'_>) -> Option<u8> {
    let text = value.text.trim_ascii().strip_suffix(b"%")?;
    let number = Field {
        text,
        quoted: false,
    }
    .number();
    number.filter(|number| *number <= 100)
}

impl TimeZone {
    fn parse(mut fields: Fields<'_>) -> Option<Self> {
        let zone = fields.number().filter(|zone| (-48..=56).contains(zone))?;
        let saving = fields.next();
        let daylight_saving = saving.number();
        let is_known = saving.text.is_empty() || daylight_saving.is_some();
        let shown = clock::parse(fields.next().text, false).map(|time| time.unix);
        is_known.then_some(Self {
            zone,
            daylight_saving,
            shown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(line: &str) -> Option<Update> {
        assert!(is_notice(line.as_bytes()));
        match Notice::parse(line.as_bytes()) {
            Some(Notice::Update(update)) => Some(update),
            _ => None,
        }
    }

    #[test]
    fn update_tells_each_step() {
        for (text, expected) in [
            ("\"HTTPSTART\"", Some(Update::Downloading)),
            ("\"HTTPTART\"", Some(Update::Downloading)),
            ("\"HTTPEND\",0", Some(Update::Downloaded(Ok(())))),
            (
                "\"HTTPEND\",714",
                Some(Update::Downloaded(Err(HttpError::DnsFailed))),
            ),
            ("\"START\"", Some(Update::Begun)),
            ("\"UPDATING\", 7%", Some(Update::Updating(7))),
            ("\"UPDATING\",100%", Some(Update::Updating(100))),
            ("\"UPDATING\",\"42%\"", Some(Update::Updating(42))),
            ("\"RESTORE\",0%", Some(Update::Restoring(0))),
            ("\"END\",0", Some(Update::Ended(Ok(())))),
            (
                "\"END\",506",
                Some(Update::Ended(Err(UpdateError::CheckFailed))),
            ),
            (
                "\"END\",9",
                Some(Update::Ended(Err(UpdateError::from_code(9)))),
            ),
            (
                "\"Last upgrade was not finished,continue upgrade\"",
                Some(Update::Resumed),
            ),
            ("\"UPDATING\",101%", None),
            ("\"UPDATING\",7", None),
            ("\"END\"", None),
            ("\"STRT\"", None),
        ] {
            assert_eq!(
                update(&std::format!("+QIND: \"FOTA\",{text}")),
                expected,
                "{text}"
            );
        }
        assert!(!is_notice(b"+QIND: \"csq\",20,99") && !is_notice(b"+QIND: SMS DONE"));
        assert_eq!(Notice::parse(b"+QIND: \"csq\",20,99"), None);
    }

    #[test]
    fn zone_comes_with_and_without_a_time() {
        let zone = |line: &str| match Notice::parse(line.as_bytes()) {
            Some(Notice::TimeZone(zone)) => Some(zone),
            _ => None,
        };
        let found = zone("+CTZV: \"-20\"").unwrap();
        assert_eq!(
            (found.zone, found.daylight_saving, found.shown),
            (-20, None, None)
        );
        let found = zone("+CTZE: \"+04\",1,\"2026/03/29,01:59:59\"").unwrap();
        assert_eq!((found.zone, found.daylight_saving), (4, Some(1)));
        assert_eq!(found.shown, Some(1_774_749_599));
        for line in [
            "+CTZV: \"+99\"",
            "+CTZE: \"\",0",
            "+CTZE: \"+04\",x",
            "+CTZX: 1",
        ] {
            assert_eq!(zone(line), None, "{line}");
        }
    }
}
