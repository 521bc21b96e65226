//! The load profile of a span, thinned to what a chart can show: minima and maxima stay.

use axum::extract::State as Shared;
use axum::response::Json;
use serde_json::{Value, json};

use super::params::{Meter, Params};
use super::{Failure, State, blocking};
use crate::fleet::{Fleet, Registers, mean_power};
use crate::record::{Record, register, stream};
use crate::store::Reader;

const DAY: i64 = 86_400;
/// Period that is assumed for a meter without a record.
const PERIOD: i64 = 900;
/// Rows of one answer.
const POINTS: usize = 500;
const MOST_POINTS: usize = 20_000;

const COLUMNS: [&str; 13] = [
    "time",
    "voltage_min",
    "voltage",
    "voltage_max",
    "current",
    "active",
    "active_max",
    "power_factor",
    "import",
    "export",
    "reactive_import",
    "reactive_export",
    "status",
];

pub(super) async fn history(
    meter: Meter,
    params: Params,
    Shared(state): Shared<State>,
) -> Result<Json<Value>, Failure> {
    // What a meter that is on line has not sent yet is no gap: it sends its intervals in batches.
    let heard = match meter.state.online {
        true => i64::MIN,
        false => state.fleet.read(Fleet::summary).time,
    };
    let newest = meter.state.registers.time.max(1);
    let to = params.number("to")?.unwrap_or(newest);
    let (from, to) = params.span(((to - DAY).max(0), to))?;
    let points = params.count("points", POINTS, MOST_POINTS)?;
    let key = meter.state.key;
    let thinned = blocking(move || thin(&state.reader, key, (from, to), points, heard)).await?;
    Ok(Json(json!({
        "meter": meter.id.to_string(),
        "from": from,
        "to": to,
        "period": thinned.period,
        "step": thinned.step,
        "columns": COLUMNS,
        "rows": thinned.rows,
        "missing": thinned.missing,
    })))
}

/// Reads and thins a span; after the last record it counts as missing up to `heard`.
fn thin(
    reader: &Reader,
    meter: i64,
    (from, to): (i64, i64),
    points: usize,
    heard: i64,
) -> rusqlite::Result<Thinned> {
    let before = reader.record_at(meter, stream::PROFILE, from)?;
    let mut thinner = Thinner::new((from, to), points, before.as_ref());
    reader.records(meter, stream::PROFILE, (from, to), |record| {
        thinner.push(record);
        true
    })?;
    Ok(thinner.finish(heard))
}

/// Rows, and the spans without any.
struct Thinned {
    period: i64,
    step: i64,
    rows: Vec<Value>,
    missing: Vec<[i64; 2]>,
}

/// Takes records in the order of time and makes rows of them.
struct Thinner {
    span: (i64, i64),
    points: usize,
    period: Option<i64>,
    step: i64,
    /// Registers at the end of the last interval.
    registers: Option<Registers>,
    /// Up to where the span is covered by records; `None` before the first record ever.
    covered: Option<i64>,
    /// Records of one time are one record: a meter may split its columns.
    pending: Option<Record>,
    bucket: Option<Bucket>,
    rows: Vec<Value>,
    missing: Vec<[i64; 2]>,
}

impl Thinner {
    fn new(span: (i64, i64), points: usize, before: Option<&Record>) -> Self {
        Self {
            span,
            points,
            period: before
                .map(|record| record.period)
                .filter(|&period| period > 0),
            step: PERIOD,
            registers: before.map(Registers::of),
            covered: before.map(|record| record.time),
            pending: None,
            bucket: None,
            rows: Vec::new(),
            missing: Vec::new(),
        }
    }

    fn push(&mut self, record: Record) {
        match &mut self.pending {
            Some(pending) if pending.time == record.time => pending.values.merge(&record.values),
            _ => {
                if let Some(complete) = self.pending.replace(record) {
                    self.take(&complete);
                }
            }
        }
    }

    fn take(&mut self, record: &Record) {
        let period = record.period.max(1);
        if self.bucket.is_none() {
            self.period = Some(period);
            self.step = step(self.span, self.points, period);
        }
        let start = record.time.saturating_sub(period);
        self.cover(start, record.time);
        let end = bucket_end(self.span.1, record.time, self.step, period);
        if self.bucket.as_ref().is_some_and(|bucket| bucket.end != end) {
            self.close();
        }
        let registers = Registers::of(record);
        let power = self.power(start, &registers, record);
        let bucket = self.bucket.get_or_insert_with(|| Bucket::new(end));
        bucket.add(record, registers, power.map(|power| (power, period)));
        self.registers = Some(registers);
    }

    /// Mean power of a record's interval: by the energy registers where the record before is
    /// its neighbour, else as it was measured.
    fn power(&self, start: i64, registers: &Registers, record: &Record) -> Option<i64> {
        let neighbour = self.registers.filter(|before| before.time == start);
        let energy = neighbour.and_then(|before| before.energy_until(registers));
        energy
            .and_then(|energy| mean_power(energy, record.period.max(1)))
            .or_else(|| {
                let measured = record.values.active();
                (!measured.is_empty()).then(|| sum(&measured))
            })
    }

    /// Notes that an interval is covered, and the hole before it.
    fn cover(&mut self, start: i64, end: i64) {
        let begin = self.covered.unwrap_or(start).max(self.span.0);
        if start > begin {
            self.missing.push([begin, start]);
        }
        self.covered = Some(end.max(begin));
    }

    fn close(&mut self) {
        if let Some(bucket) = self.bucket.take() {
            self.rows.push(bucket.row());
        }
    }

    fn finish(mut self, heard: i64) -> Thinned {
        if let Some(last) = self.pending.take() {
            self.take(&last);
        }
        self.close();
        let period = self.period.unwrap_or(PERIOD);
        let end = self.span.1.min(heard);
        if let Some(begin) = self.covered.map(|covered| covered.max(self.span.0))
            && end.saturating_sub(begin) >= period
        {
            self.missing.push([begin, end]);
        }
        let step = step(self.span, self.points, period);
        Thinned {
            period,
            step,
            rows: self.rows,
            missing: self.missing,
        }
    }
}

/// The smallest multiple of the period that makes at most `points` rows of a span.
fn step((from, to): (i64, i64), points: usize, period: i64) -> i64 {
    let points = i64::try_from(points).unwrap_or(i64::MAX).max(1);
    let periods = (round_up(to, period) - from + period - 1) / period;
    period.saturating_mul(((periods - 1) / points + 1).max(1))
}

/// The end of the row that a record falls in. The last row of a span ends with the span, at the
/// end of a period, so that whoever asks decides where rows meet.
fn bucket_end(to: i64, time: i64, step: i64, period: i64) -> i64 {
    if step == period {
        return time;
    }
    let end = round_up(to, period);
    end - (end - time).div_euclid(step) * step
}

fn round_up(time: i64, step: i64) -> i64 {
    time.saturating_add((-time).rem_euclid(step))
}

fn sum(values: &[i64]) -> i64 {
    values
        .iter()
        .fold(0, |sum, &value| sum.saturating_add(value))
}

/// A mean in the making.
#[derive(Default)]
struct Mean {
    sum: i128,
    weight: i128,
}

impl Mean {
    fn add(&mut self, value: i64, weight: i64) {
        self.sum += i128::from(value) * i128::from(weight);
        self.weight += i128::from(weight);
    }

    fn get(&self) -> Option<i64> {
        i64::try_from(self.sum.checked_div_euclid(self.weight)?).ok()
    }
}

/// The records of one row.
struct Bucket {
    end: i64,
    voltage: (Option<i64>, Mean, Option<i64>),
    current: Mean,
    active: (Mean, Option<i64>),
    power_factor: Mean,
    registers: Registers,
    status: u32,
}

impl Bucket {
    fn new(end: i64) -> Self {
        Self {
            end,
            voltage: Default::default(),
            current: Mean::default(),
            active: Default::default(),
            power_factor: Mean::default(),
            registers: Registers::default(),
            status: 0,
        }
    }

    fn add(&mut self, record: &Record, registers: Registers, power: Option<(i64, i64)>) {
        let values = &record.values;
        for volts in values.phases(register::VOLTAGE) {
            let (least, mean, most) = &mut self.voltage;
            *least = Some(least.map_or(volts, |least| least.min(volts)));
            *most = Some(most.map_or(volts, |most| most.max(volts)));
            mean.add(volts, 1);
        }
        let amps = values.phases(register::CURRENT);
        if !amps.is_empty() {
            self.current.add(sum(&amps), record.period);
        }
        for factor in values.phases(register::POWER_FACTOR) {
            self.power_factor.add(factor, 1);
        }
        if let Some((power, seconds)) = power {
            self.active.0.add(power, seconds);
            self.active.1 = Some(self.active.1.map_or(power, |most| most.max(power)));
        }
        self.registers = registers;
        self.status |= record.status;
    }

    fn row(&self) -> Value {
        let registers = &self.registers;
        json!([
            self.end,
            self.voltage.0,
            self.voltage.1.get(),
            self.voltage.2,
            self.current.get(),
            self.active.0.get(),
            self.active.1,
            self.power_factor.get(),
            registers.import,
            registers.export,
            registers.reactive_import,
            registers.reactive_export,
            self.status,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Place, Values};

    const T0: i64 = 1_774_656_000;

    /// Quarter hour `n` after T0: 230 V and `n` more mV, and an import register in Wh.
    fn quarter(n: i64, import: i64) -> Record {
        let mut values = Values::default();
        values.set(register::VOLTAGE, 0, 230_000 + n);
        values.set(register::CURRENT, 0, 1_000);
        values.set(register::IMPORT, 0, import);
        values.set(register::EXPORT, 0, 0);
        let place = Place {
            epoch: 1,
            stream: stream::PROFILE,
            seq: n,
        };
        Record {
            place,
            time: T0 + n * 900,
            period: 900,
            status: 0,
            values,
        }
    }

    fn thinned(records: &[Record], before: Option<&Record>, points: usize) -> Thinned {
        let mut thinner = Thinner::new((T0, T0 + DAY), points, before);
        for record in records {
            thinner.push(record.clone());
        }
        thinner.finish(T0 + DAY)
    }

    #[test]
    fn the_power_of_a_row_is_the_energy_of_its_interval() {
        let day: Vec<_> = (1..=96).map(|n| quarter(n, 1_000 + n * 100)).collect();
        let thinned = thinned(&day, Some(&quarter(0, 1_000)), 500);
        assert_eq!(
            (thinned.period, thinned.step, thinned.rows.len()),
            (900, 900, 96)
        );
        // 100 Wh in a quarter of an hour are 400 W.
        assert!(
            thinned.rows.iter().all(|row| row[5] == 4_000),
            "{:?}",
            thinned.rows[0]
        );
        assert!(thinned.missing.is_empty(), "{:?}", thinned.missing);
    }

    #[test]
    fn thinning_keeps_extremes_and_energy() {
        let mut day: Vec<_> = (1..=96).map(|n| quarter(n, 1_000 + n * 100)).collect();
        for late in &mut day[50..] {
            let import = late.values.get(register::IMPORT).expect("set above");
            late.values.set(register::IMPORT, 0, import + 900);
        }
        day[50].values.set(register::VOLTAGE, 0, 260_000);
        let thinned = thinned(&day, Some(&quarter(0, 1_000)), 25);
        assert_eq!((thinned.step, thinned.rows.len()), (3_600, 24));
        let column = |n: usize| {
            thinned
                .rows
                .iter()
                .map(move |row| row[n].as_i64().unwrap_or(0))
        };
        assert_eq!(column(3).max(), Some(260_000));
        assert_eq!(column(6).max(), Some(40_000), "1000 Wh in one quarter hour");
        assert_eq!(
            column(5).sum::<i64>(),
            (9_600 + 900) * 10,
            "one hour a row: sum of power = energy"
        );
    }

    #[test]
    fn a_gap_has_no_row_makes_no_energy_and_is_named() {
        let day: Vec<_> = (1..=96)
            .filter(|n| !(21..=40).contains(n))
            .map(|n| quarter(n, n * 100))
            .collect();
        let thinned = thinned(&day, Some(&quarter(0, 0)), 500);
        assert_eq!(thinned.rows.len(), 76);
        assert_eq!(thinned.missing, [[T0 + 20 * 900, T0 + 40 * 900]]);
        let after = &thinned.rows[20];
        assert_eq!(after[0], T0 + 41 * 900);
        assert!(
            after[5].is_null(),
            "the energy of the gap belongs to no row: {after}"
        );
    }

    #[test]
    fn a_register_that_steps_back_is_never_a_negative_power() {
        let day = [
            quarter(1, 100),
            quarter(2, 200),
            quarter(3, 5),
            quarter(4, 105),
        ];
        let thinned = thinned(&day, None, 500);
        let powers: Vec<_> = thinned.rows.iter().map(|row| row[5].as_i64()).collect();
        assert_eq!(powers, [None, Some(4_000), None, Some(4_000)]);
    }

    #[test]
    fn columns_of_one_time_in_two_records_are_one_row() {
        let whole = quarter(1, 100);
        let mut rest = quarter(1, 100);
        rest.values = Values::default();
        rest.values.set(register::POWER_FACTOR, 0, 985);
        let thinned = thinned(&[whole, rest], None, 500);
        assert_eq!(thinned.rows.len(), 1);
        assert_eq!(
            (&thinned.rows[0][7], &thinned.rows[0][8]),
            (&json!(985), &json!(100))
        );
    }

    #[test]
    fn never_more_rows_than_asked_for() {
        let year: Vec<_> = (1..=96).map(|n| quarter(n, n)).collect();
        for points in 1..=120 {
            let rows = thinned(&year, None, points).rows.len();
            assert!(rows <= points, "{rows} rows for {points} points");
        }
    }
}
