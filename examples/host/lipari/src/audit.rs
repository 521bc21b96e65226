//! What the database holds beside what is true: the figures of the demonstration and of its tests.

use std::collections::BTreeSet;

use head_end::Running;
use head_end::record::{Record, register, stream};
use meter_core::units::WattHours;
use meter_proto::payload::{Billing, Stream};
use simulator::fleet::Report;
use simulator::truth::Registers;

/// What a whole run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    /// Meters that ran.
    pub meters: usize,
    /// Records and events that the meters numbered.
    pub readings_expected: u64,
    /// Those of them that are stored.
    pub readings_stored: u64,
    /// Those that are not.
    pub lost: u64,
    /// Keys that are stored more than once.
    pub duplicated: u64,
    /// Records that came again with other content.
    pub conflicts: u64,
    /// Intervals that ended on a running meter, or in which its power failed, without a record.
    pub intervals_missing: u64,
    /// Stored records whose registers are not the chips' own totals.
    pub register_mismatches: u64,
    /// The worst meter's register beside its household.
    pub energy_error_ppm: f64,
    /// Bytes over TCP a meter and day, both ways: the MQTT packets.
    pub bytes_per_meter_day: u64,
    /// Power cuts and first starts of all meters.
    pub lives: u64,
}

/// Compares the database with the reports of the meters.
///
/// # Errors
/// SQLite's.
pub fn audit(head_end: &Running, reports: &[Report]) -> rusqlite::Result<Audit> {
    let mut audit = Audit {
        meters: reports.len(),
        ..Audit::default()
    };
    let (mut bytes, mut seconds) = (0, 0);
    for report in reports {
        audit.add_meter(head_end, report)?;
        bytes += report.traffic.0 + report.traffic.1;
        seconds += report.seconds;
    }
    audit.bytes_per_meter_day = (bytes * 86_400).checked_div(seconds).unwrap_or(0);
    Ok(audit)
}

impl Audit {
    fn add_meter(&mut self, head_end: &Running, report: &Report) -> rusqlite::Result<()> {
        let readings = own(head_end.records(report.id, stream::READING)?, report);
        let profile = own(head_end.records(report.id, stream::PROFILE)?, report);
        self.readings_expected += report.last.iter().sum::<u64>();
        self.settle(report, Stream::Reading, distinct(&readings));
        self.settle(report, Stream::Profile, distinct(&profile));
        self.duplicated += readings.len() as u64 - distinct(&readings);
        self.duplicated += profile.len() as u64 - distinct(&profile);
        self.add_billing(head_end, report)?;
        self.add_events(head_end, report);
        let wrong = |record: &&Record| !is_true(record, report);
        self.register_mismatches += readings.iter().chain(&profile).filter(wrong).count() as u64;
        let times: BTreeSet<_> = profile
            .iter()
            .filter_map(|r| u64::try_from(r.time).ok())
            .collect();
        // One interval recorded under two sequences is doubled too.
        self.duplicated += distinct(&profile).saturating_sub(times.len() as u64);
        self.intervals_missing += report.due.difference(&times).count() as u64;
        let error = report.drawn.error_ppm(report.import_uws);
        if error.abs() > self.energy_error_ppm.abs() {
            self.energy_error_ppm = error;
        }
        self.lives += u64::from(report.lives);
        Ok(())
    }

    /// Counts what is stored of a stream and what is not: one stream's surplus hides no other's
    /// loss.
    fn settle(&mut self, report: &Report, stream: Stream, stored: u64) {
        let expected = report.last.get(usize::from(stream.number()) - 1);
        self.readings_stored += stored;
        self.lost += expected.copied().unwrap_or(0).saturating_sub(stored);
    }

    fn add_billing(&mut self, head_end: &Running, report: &Report) -> rusqlite::Result<()> {
        let stored = head_end.billing(report.id)?;
        let own: Vec<_> = stored
            .iter()
            .map(|stored| &stored.billing)
            .filter(|billing| billing.place.epoch == report.epoch)
            .collect();
        let messages = own.iter().map(|billing| Billing::decode(&billing.message));
        let read: Vec<_> = messages.flatten().collect();
        let count = |all: BTreeSet<u64>| all.len() as u64;
        let records = count(read.iter().map(|billing| billing.stamp.seq).collect());
        let periods = count(read.iter().map(|billing| billing.period).collect());
        self.settle(report, Stream::Billing, records);
        // One period under two sequences is doubled too.
        self.duplicated += own.len() as u64 - periods;
        let wrong = |billing: &&Billing<'_>| !is_billed_right(billing, report);
        self.register_mismatches += read.iter().filter(wrong).count() as u64;
        Ok(())
    }

    fn add_events(&mut self, head_end: &Running, report: &Report) {
        let state = head_end.fleet().meter(report.id);
        let mut events = 0;
        for ((epoch, number), stored) in state.iter().flat_map(|state| &state.streams) {
            self.conflicts += u64::try_from(stored.conflicts).unwrap_or(0);
            if (*epoch, *number) == (report.epoch, Stream::Event.number()) {
                events = u64::try_from(stored.runs.count()).unwrap_or(0);
            }
        }
        self.settle(report, Stream::Event, events);
        // What nobody looks at counts as lost.
        self.settle(report, Stream::Diagnostic, 0);
    }

    /// Whether nothing is lost, doubled or wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let faults = [
            self.lost,
            self.duplicated,
            self.conflicts,
            self.intervals_missing,
            self.register_mismatches,
        ];
        faults == [0; 5] && self.readings_stored > 0
    }
}

/// The records of this run: a database may hold those of earlier ones under another epoch.
fn own(records: Vec<Record>, report: &Report) -> Vec<Record> {
    records
        .into_iter()
        .filter(|record| record.place.epoch == report.epoch)
        .collect()
}

fn distinct(records: &[Record]) -> u64 {
    records
        .iter()
        .map(|record| record.place)
        .collect::<BTreeSet<_>>()
        .len() as u64
}

fn is_true(record: &Record, report: &Report) -> bool {
    if u64::try_from(record.time).is_ok_and(|time| time <= report.from) {
        return true; // of an earlier run, which compared it
    }
    let registers = registers(record);
    let truth = u64::try_from(record.time)
        .ok()
        .and_then(|time| report.registers_at(time));
    registers.is_some() && registers == truth
}

fn is_billed_right(billing: &Billing<'_>, report: &Report) -> bool {
    let time = billing.stamp.time.get();
    if time <= report.from {
        return true; // of an earlier run, which compared it
    }
    let total = billing.rates.get(0).map(|total| {
        [
            total.import,
            total.export,
            total.reactive_import,
            total.reactive_export,
        ]
        .map(WattHours::get)
    });
    total.is_some() && total == report.registers_at(time)
}

fn registers(record: &Record) -> Option<Registers> {
    let read = |number| {
        record
            .values
            .get(number)
            .and_then(|value| u64::try_from(value).ok())
    };
    Some([
        read(register::IMPORT)?,
        read(register::EXPORT)?,
        read(register::REACTIVE_IMPORT)?,
        read(register::REACTIVE_EXPORT)?,
    ])
}
