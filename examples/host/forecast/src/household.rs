//! A household's half hours from a CSV file: `date,h00,...,h47`, whole Wh, a row for each day.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use meter_core::clock::Date;

/// Half hours of a day.
pub const SLOTS: usize = 48;

/// Half hours that a day must have for its total to be taken, the missing ones filled by the mean
/// of the rest.
const ENOUGH: usize = 40;

/// A local day.
#[derive(Clone, Debug)]
pub struct Day {
    /// Its date.
    pub date: Date,
    /// The energy of each half hour in Wh, where it was read.
    pub slots: [Option<u32>; SLOTS],
}

impl Day {
    /// The energy of the day in Wh; `None` when too much of it is missing.
    pub fn total(&self) -> Option<f64> {
        let known: Vec<f64> = self
            .slots
            .iter()
            .flatten()
            .copied()
            .map(f64::from)
            .collect();
        let filled = known.iter().sum::<f64>() * SLOTS as f64 / known.len() as f64;
        (known.len() >= ENOUGH).then_some(filled)
    }
}

/// Reads a household; days that the file leaves out become days with nothing known.
///
/// # Errors
/// The file cannot be read, or a row of it is not as described; the row is named.
pub fn read(path: &Path) -> Result<Vec<Day>> {
    let name = path.display();
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot open {name}"))?;
    let mut days: Vec<Day> = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let place = format!("{name}, row {}", row + 2);
        let record = record.with_context(|| place.clone())?;
        let day = day(&record).with_context(|| place.clone())?;
        while let Some(next) = days.last().map(|last| last.date.days() + 1) {
            if next == day.date.days() {
                break;
            }
            ensure!(next < day.date.days(), "{place}: days must come in order");
            ensure!(
                day.date.days() - next < 3_660,
                "{place}: a hole of ten years"
            );
            days.push(Day {
                date: Date::of_days(next),
                slots: [None; SLOTS],
            });
        }
        days.push(day);
    }
    ensure!(!days.is_empty(), "{name} holds no day");
    Ok(days)
}

fn day(record: &csv::StringRecord) -> Result<Day> {
    let Some(text) = record.get(0) else {
        bail!("the row is empty");
    };
    let mut parts = text.splitn(3, '-').map(str::parse::<u16>);
    let date = match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) => {
            Date::new(year, u8::try_from(month)?, u8::try_from(day)?)
        }
        _ => None,
    };
    let date = date.with_context(|| format!("'{text}' is no date like 2026-11-27"))?;
    ensure!(
        record.len() == SLOTS + 1,
        "a row needs a date and {SLOTS} half hours"
    );
    let mut slots = [None; SLOTS];
    for (slot, cell) in slots.iter_mut().zip(record.iter().skip(1)) {
        if !cell.is_empty() {
            let wh = cell
                .parse()
                .with_context(|| format!("'{cell}' is no number of Wh"))?;
            *slot = Some(wh);
        }
    }
    Ok(Day { date, slots })
}
