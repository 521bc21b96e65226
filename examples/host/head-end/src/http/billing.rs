//! Billing records as JSON and as CSV.

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Map, Value, json};

use super::csv::utc;
use super::params::{Meter, Params};
use super::{Failure, State, blocking};
use crate::proof::Proof;
use crate::record::{Before, Bill, LATEST, Rate};
use crate::store::StoredBilling;
use crate::wire;

/// Records in one answer at most.
const RECORDS: usize = 1_000;
/// The energies of a record, in its order.
const ENERGIES: [(&str, &str); 4] = [
    ("import", "Wh"),
    ("export", "Wh"),
    ("reactive_import", "varh"),
    ("reactive_export", "varh"),
];

/// A record with what it says.
struct Period {
    stored: StoredBilling,
    bill: Bill,
}

impl Period {
    fn read(stored: StoredBilling) -> Option<Self> {
        let Some(bill) = wire::bill(&stored.billing.message) else {
            let place = stored.billing.place;
            tracing::error!(
                ?place,
                "a stored billing record cannot be read: the database file is damaged"
            );
            return None;
        };
        Some(Self { stored, bill })
    }

    /// A register over all rates: as sent, or that of rate 0.
    fn total(&self, energy: usize) -> Option<u64> {
        let total = self.bill.totals.get(energy).copied().flatten();
        total.or_else(|| self.of_rate(0, energy))
    }

    fn of_rate(&self, rate: u8, energy: usize) -> Option<u64> {
        let of_rate = self.bill.rates.iter().find(|other| other.rate == rate)?;
        of_rate.energies?.get(energy).copied()
    }

    /// That of the `older` ones, newest first, which is no alarm and of the latest earlier period; the
    /// clock may have been set back since.
    fn before<'p>(&self, older: &'p [Self]) -> Option<&'p Self> {
        let earlier = older.iter().rev().filter(|other| {
            let alarm = other.stored.proof.is_some_and(Proof::is_alarm);
            !alarm && other.bill.period < self.bill.period
        });
        earlier.max_by_key(|other| other.bill.period)
    }

    fn signature(&self) -> Option<&'static str> {
        self.stored.proof.map(Proof::name)
    }
}

pub(super) async fn periods(
    meter: Meter,
    params: Params,
    Shared(state): Shared<State>,
) -> Result<Json<Value>, Failure> {
    let before = params.before()?;
    let limit = params.count("limit", 24, RECORDS)?;
    // More of them, for what the oldest period used: some may be alarms.
    let key = meter.state.key;
    let read = move || state.reader.billing(key, i64::MIN, before, limit + RECORDS);
    let periods: Vec<_> = blocking(read)
        .await?
        .into_iter()
        .filter_map(Period::read)
        .collect();
    let json = |(at, period): (usize, &Period)| {
        let older = periods.get(at + 1..).unwrap_or_default();
        period_json(period, period.before(older))
    };
    Ok(Json(
        periods.iter().take(limit).enumerate().map(json).collect(),
    ))
}

fn period_json(period: &Period, before: Option<&Period>) -> Value {
    let billing = &period.stored.billing;
    let rates = period.bill.rates.iter();
    let mut json = json!({
        "time": billing.time,
        "epoch": billing.place.epoch,
        "seq": billing.place.seq,
        "period": period.bill.period,
        "status": billing.status,
        "signature": period.signature(),
        "key": period.stored.key,
        "rates": rates.map(|rate| rate_json(rate, before)).collect::<Value>(),
        "used": before.map(|before| used_json(period, before)),
        "message": hex(&billing.message),
    });
    if let Value::Object(fields) = &mut json {
        fields.extend(energies(|energy| period.total(energy)));
    }
    json
}

/// What was used since the record before.
fn used_json(period: &Period, before: &Period) -> Value {
    let mut fields = energies(|energy| used(period.total(energy), before.total(energy)));
    fields.insert("since".into(), before.stored.billing.time.into());
    let periods = period.bill.period.checked_sub(before.bill.period);
    fields.insert("periods".into(), periods.into());
    fields.into()
}

fn rate_json(rate: &Rate, before: Option<&Period>) -> Value {
    let energy = |at: usize| rate.energies.and_then(|energies| energies.get(at).copied());
    let before = |at: usize| before.and_then(|before| before.of_rate(rate.rate, at));
    let mut fields = energies(energy);
    fields.insert("rate".into(), rate.rate.into());
    let demand = rate.demand.map(|(watts, _)| watts);
    fields.insert("demand".into(), demand.into());
    let time = rate.demand.map(|(_, time)| time);
    fields.insert("demand_time".into(), time.into());
    let used = energies(|at| used(energy(at), before(at)));
    fields.insert("used".into(), used.into());
    fields.into()
}

fn energies(value: impl Fn(usize) -> Option<u64>) -> Map<String, Value> {
    let named = (0..).zip(ENERGIES);
    named
        .map(|(at, (name, _))| (name.to_owned(), value(at).into()))
        .collect()
}

/// `None` where a register is not there, or stepped back: the meter was replaced, or began again.
fn used(now: Option<u64>, before: Option<u64>) -> Option<u64> {
    now?.checked_sub(before?)
}

pub(super) async fn csv(
    meter: Meter,
    params: Params,
    Shared(state): Shared<State>,
) -> Result<Response, Failure> {
    let (from, to) = params.span((0, LATEST))?;
    // What has no time is of 1970, and there from the first second on.
    let from = if from == 0 { -1 } else { from };
    let (key, end) = (meter.state.key, Before::time(to + 1));
    let read = move || state.reader.billing(key, from, end, usize::MAX);
    let mut periods = blocking(read).await?;
    periods.reverse();
    let mut text = heading();
    for period in periods.into_iter().filter_map(Period::read) {
        text.extend(lines(&period));
    }
    let name = format!("attachment; filename=\"{}-billing.csv\"", meter.id);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, text).into_response())
}

fn heading() -> String {
    let mut names: Vec<String> = [
        "utc",
        "time [s]",
        "epoch",
        "seq",
        "period",
        "status",
        "signature",
        "key",
        "rate",
    ]
    .map(str::to_owned)
    .into();
    names.extend(ENERGIES.map(|(name, unit)| format!("{name} [{unit}]")));
    names.extend(["demand [W]".into(), "demand utc".into()]);
    names.join(",") + "\r\n"
}

/// Energies, demand and number of a rate.
type Line = ([Option<u64>; 4], Option<(u32, u64)>, Option<u8>);

/// A line for what was sent over all rates, and one for each rate.
fn lines(period: &Period) -> Vec<String> {
    let totals = (period.bill.totals, None, None);
    let rates = period.bill.rates.iter();
    let rates = rates.map(|rate| (of_rate(rate), rate.demand, Some(rate.rate)));
    let billing = &period.stored.billing;
    let head = [
        utc(billing.time),
        billing.time.to_string(),
        billing.place.epoch.to_string(),
        billing.place.seq.to_string(),
        period.bill.period.to_string(),
        billing.status.to_string(),
        period.signature().unwrap_or_default().to_owned(),
        cell(period.stored.key),
    ];
    let line = |(energies, demand, rate): Line| {
        let demanded = demand.map(|(watts, _)| watts);
        let time = demand.and_then(|(_, time)| i64::try_from(time).ok());
        let time = time.filter(|time| (0..=LATEST).contains(time));
        let mut cells = head.to_vec();
        cells.push(rate.map_or_else(|| "all".to_owned(), |rate| rate.to_string()));
        cells.extend(energies.map(cell));
        cells.push(cell(demanded));
        cells.push(time.map(utc).unwrap_or_default());
        cells.join(",") + "\r\n"
    };
    std::iter::once(totals).chain(rates).map(line).collect()
}

fn of_rate(rate: &Rate) -> [Option<u64>; 4] {
    rate.energies
        .map_or([None; 4], |energies| energies.map(Some))
}

fn cell(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Bytes as hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Billing, Place, stream};

    fn period(seq: i64, period: u64, proof: Option<Proof>) -> Period {
        let place = Place {
            epoch: 1,
            stream: stream::BILLING,
            seq,
        };
        let billing = Billing {
            place,
            time: seq,
            status: 0,
            message: Vec::new(),
        };
        let stored = StoredBilling {
            billing,
            proof,
            key: None,
        };
        let (totals, rates) = ([None; 4], Vec::new());
        let bill = Bill {
            period,
            totals,
            rates,
        };
        Period { stored, bill }
    }

    #[test]
    fn what_a_period_used_is_never_counted_from_an_alarm() {
        let older = [
            period(6, 2, Some(Proof::Missing)),
            period(5, 2, Some(Proof::Wrong)),
            period(4, 3, Some(Proof::Valid)),
            period(3, 2, Some(Proof::Valid)),
            period(2, 1, Some(Proof::Unsigned)),
            period(1, 0, None),
        ];
        let before = |newest: u64| {
            let before = period(7, newest, Some(Proof::Valid)).before(&older);
            before.map(|before| before.stored.billing.place.seq)
        };
        assert_eq!(before(4), Some(4));
        assert_eq!(before(3), Some(3), "not of the same period");
        assert_eq!(before(2), Some(2));
        assert_eq!(before(1), Some(1), "not looked at yet");
        assert_eq!(before(0), None);
        let ahead = [period(6, 2, None), period(4, 3, None), period(5, 1, None)];
        let newest = period(7, 4, None);
        let before = newest.before(&ahead);
        assert_eq!(before.map(|before| before.bill.period), Some(3));
    }
}
