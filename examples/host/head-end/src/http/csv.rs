//! Every profile record of a span as CSV, written while it is read.

use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use tokio::sync::mpsc;

use super::params::{Meter, Params};
use super::{Failure, State};
use crate::record::{LATEST, Record, Values, register, stream};

/// Records in one piece of the answer.
const PIECE: usize = 512;

/// Columns with a name of their own: by phase, then single ones.
const PHASES: [(&str, u16, &str); 6] = [
    ("voltage", register::VOLTAGE, "mV"),
    ("current", register::CURRENT, "mA"),
    ("active", register::ACTIVE, "0.1W"),
    ("reactive", register::REACTIVE, "0.1var"),
    ("apparent", register::APPARENT, "0.1VA"),
    ("power_factor", register::POWER_FACTOR, "0.001"),
];
const SINGLES: [(&str, u16, &str); 5] = [
    ("frequency", register::FREQUENCY, "mHz"),
    ("import", register::IMPORT, "Wh"),
    ("export", register::EXPORT, "Wh"),
    ("reactive_import", register::REACTIVE_IMPORT, "varh"),
    ("reactive_export", register::REACTIVE_EXPORT, "varh"),
];

pub(super) async fn records(
    meter: Meter,
    params: Params,
    Shared(state): Shared<State>,
) -> Result<Response, Failure> {
    let span = params.span((0, LATEST))?;
    // Two pieces ahead of the client: a slow one holds up its own reader only.
    let (pieces, body) = mpsc::channel::<String>(2);
    let key = meter.state.key;
    let read = move || {
        let mut piece = heading();
        let mut rows = 0;
        let read = state.reader.records(key, stream::PROFILE, span, |record| {
            piece.push_str(&line(&record));
            rows += 1;
            rows % PIECE != 0 || pieces.blocking_send(std::mem::take(&mut piece)).is_ok()
        });
        match read {
            Ok(()) => drop(pieces.blocking_send(piece)),
            Err(error) => tracing::error!(%error, "a CSV export was cut short"),
        }
    };
    tokio::task::spawn_blocking(read);
    let body = Body::from_stream(unfold(body, async |mut body| {
        let piece = body.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), body))
    }));
    let name = format!("attachment; filename=\"{}.csv\"", meter.id);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, body).into_response())
}

fn heading() -> String {
    let mut names: Vec<String> = ["utc", "time [s]", "epoch", "seq", "period [s]", "status"]
        .map(str::to_owned)
        .into();
    for (name, _, unit) in PHASES {
        names.extend((1..=3).map(|phase| format!("{name}_l{phase} [{unit}]")));
    }
    names.extend(SINGLES.map(|(name, _, unit)| format!("{name} [{unit}]")));
    names.push("other".into());
    names.join(",") + "\r\n"
}

fn line(record: &Record) -> String {
    let place = record.place;
    let mut cells = vec![
        utc(record.time),
        record.time.to_string(),
        place.epoch.to_string(),
        place.seq.to_string(),
        record.period.to_string(),
        record.status.to_string(),
    ];
    let cell = |value: Option<&i64>| value.map(ToString::to_string).unwrap_or_default();
    for (_, quantity, _) in PHASES {
        let phases = record.values.phases(quantity);
        cells.extend((0..3).map(|phase| cell(phases.get(phase))));
    }
    cells.extend(SINGLES.map(|(_, quantity, _)| cell(record.values.get(quantity).as_ref())));
    cells.push(other(&record.values));
    cells.join(",") + "\r\n"
}

/// What has no column of its own: `register=value`, by spaces.
fn other(values: &Values) -> String {
    let named = |number: u16| {
        let phases = |quantity| register::of_phases(quantity).into_iter().flatten();
        PHASES.iter().any(|&(_, quantity, _)| {
            quantity == number || phases(quantity).any(|column| column == number)
        }) || SINGLES.iter().any(|&(_, quantity, _)| quantity == number)
    };
    let rest = values
        .iter()
        .filter(|(quantity, _)| !named(quantity.register));
    rest.map(|(quantity, value)| format!("{}={value}", quantity.register))
        .collect::<Vec<_>>()
        .join(" ")
}

/// ISO 8601 of UTC seconds, by the civil-from-days rule of the Gregorian calendar.
pub(super) fn utc(time: i64) -> String {
    let (days, second) = (time.div_euclid(86_400), time.rem_euclid(86_400));
    // Years begin in March here, so that the leap day is the last of its year.
    let era_day = days + 719_468;
    let (era, day) = (era_day.div_euclid(146_097), era_day.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Place;

    #[test]
    fn days_of_the_calendar() {
        for (time, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (LATEST, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(time), expected);
        }
    }

    #[test]
    fn a_line_has_as_many_cells_as_the_heading_and_hides_nothing() {
        let mut values = Values::default();
        values.set(register::VOLTAGE, 0, 230_000);
        values.set(register::obis(52, 7), 0, 231_000);
        values.set(register::IMPORT, 0, 42);
        values.set(3_848, 0, 7);
        let place = Place {
            epoch: 1,
            stream: stream::PROFILE,
            seq: 9,
        };
        let line = line(&Record {
            place,
            time: 0,
            period: 900,
            status: 4,
            values,
        });
        assert_eq!(line.matches(',').count(), heading().matches(',').count());
        assert!(
            line.starts_with("1970-01-01T00:00:00Z,0,1,9,900,4,230000,231000,,"),
            "{line}"
        );
        assert!(line.ends_with(",42,,,,3848=7\r\n"), "{line}");
    }
}
