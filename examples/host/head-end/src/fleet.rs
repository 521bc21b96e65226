//! What is known of every meter at this moment: the memory that the web pages read.
//!
//! A meter's state is replaced, never changed in place: readers keep what they took, and a batch
//! whose commit fails leaves no trace here.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use tokio::sync::watch;

use crate::record::{Birth, MeterId, Record, Stream, Values, register};
use crate::runs::Runs;

/// What is stored of one stream of one epoch, and what came twice.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct StreamState {
    /// Stored sequence numbers.
    pub runs: Runs,
    /// Records that came again with the same content.
    pub duplicates: i64,
    /// Records that came again with other content: an alarm.
    pub conflicts: i64,
    /// What is missing up to here is lost for good: the meter has said so.
    pub lost_to: i64,
}

impl StreamState {
    /// The number up to which nothing is waited for: the meter may forget up to it.
    #[must_use]
    pub fn complete_to(&self) -> Option<i64> {
        self.runs.complete_to(self.lost_to)
    }

    /// Records that are waited for.
    #[must_use]
    pub fn missing(&self) -> i64 {
        self.runs.missing(self.lost_to).1
    }

    /// Records that the meter has lost for good.
    #[must_use]
    pub fn lost(&self) -> i64 {
        self.runs.missing(self.lost_to).0
    }
}

/// Energy registers of one instant.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Registers {
    /// When they were read, UTC seconds.
    pub time: i64,
    /// Active import, Wh.
    pub import: Option<i64>,
    /// Active export, Wh.
    pub export: Option<i64>,
    /// Reactive import, varh.
    pub reactive_import: Option<i64>,
    /// Reactive export, varh.
    pub reactive_export: Option<i64>,
}

/// One meter.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct MeterState {
    /// Row in the database.
    pub key: i64,
    /// Newest birth.
    pub birth: Option<Birth>,
    /// A birth came, and no death of that connection.
    pub online: bool,
    /// Arrival of the birth that began the connection, UTC seconds.
    pub online_since: Option<i64>,
    /// Arrival of the last message, UTC seconds.
    pub last_seen: i64,
    /// Epoch of the last record or birth.
    pub epoch: u32,
    /// What is stored, by epoch and stream.
    pub streams: BTreeMap<(u32, Stream), StreamState>,
    /// Newest record with momentary values.
    pub latest: Option<Record>,
    /// Newest energy registers.
    pub registers: Registers,
    /// Active power of the newest record, summed over the phases, 0.1 W.
    pub active_power: Option<i64>,
    /// Billing records whose signature is wrong, or is not there though it should be: an alarm.
    pub unproven: i64,
    /// Fleet version at which a reading of this meter last changed.
    pub reading_version: u64,
    /// Fleet version at which its connection state last changed.
    pub status_version: u64,
}

impl MeterState {
    /// Takes a stored record as the newest, if it is.
    pub fn observe(&mut self, record: &Record) {
        self.epoch = record.place.epoch;
        if !record.clock_set() {
            return;
        }
        let values = &record.values;
        let newest = self
            .latest
            .as_ref()
            .is_none_or(|latest| latest.time <= record.time);
        if newest && !values.phases(register::VOLTAGE).is_empty() {
            self.latest = Some(record.clone());
            self.active_power = measured(values).or_else(|| self.registers.power_until(record));
        }
        if values.get(register::IMPORT).is_some() && self.registers.time <= record.time {
            self.registers = Registers::of(record);
        }
    }

    /// Takes a birth that arrived now; false for a repetition of the one in force.
    pub fn born(&mut self, birth: &Birth, arrival: i64) -> bool {
        let repeated = self.online && self.birth.as_ref() == Some(birth);
        self.epoch = birth.epoch;
        self.birth = Some(birth.clone());
        self.online = true;
        if !repeated {
            self.online_since = Some(arrival);
        }
        !repeated
    }

    /// Takes a death; false for one of an older connection, which arrived late.
    pub fn died(&mut self, connection: i64) -> bool {
        let born = self
            .birth
            .as_ref()
            .map_or(i64::MIN, |birth| birth.connection);
        if !self.online || connection < born {
            return false;
        }
        self.online = false;
        true
    }

    /// Phases seen in the newest record, 0 when none came yet.
    #[must_use]
    pub fn phases(&self) -> usize {
        self.latest
            .as_ref()
            .map_or(0, |latest| latest.values.phases(register::VOLTAGE).len())
    }

    /// Stored records and events, of all streams and epochs.
    #[must_use]
    pub fn records(&self) -> i64 {
        total(self.streams.values().map(|stream| stream.runs.count()))
    }

    /// Missing records, of all streams and epochs.
    #[must_use]
    pub fn missing(&self) -> i64 {
        total(self.streams.values().map(StreamState::missing))
    }
}

/// What a meter sent may lie anywhere: a sum ends at the largest number.
fn total(figures: impl Iterator<Item = i64>) -> i64 {
    figures.fold(0, i64::saturating_add)
}

/// The power that a record carries itself.
fn measured(values: &Values) -> Option<i64> {
    let active = values.active();
    (!active.is_empty()).then(|| total(active.iter().copied()))
}

impl Registers {
    /// The registers of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let values = &record.values;
        Self {
            time: record.time,
            import: values.get(register::IMPORT),
            export: values.get(register::EXPORT),
            reactive_import: values.get(register::REACTIVE_IMPORT),
            reactive_export: values.get(register::REACTIVE_EXPORT),
        }
    }

    /// Net active energy from here to `next` in Wh; `None` when a register is absent or stepped
    /// back, as it does when a meter was replaced.
    #[must_use]
    pub fn energy_until(&self, next: &Self) -> Option<i64> {
        let import = next
            .import?
            .checked_sub(self.import?)
            .filter(|&step| step >= 0)?;
        let export = next
            .export
            .unwrap_or(0)
            .checked_sub(self.export.unwrap_or(0));
        import.checked_sub(export.filter(|&step| step >= 0)?)
    }

    /// Mean power in 0.1 W over the interval of `record`, when it begins at these registers.
    fn power_until(&self, record: &Record) -> Option<i64> {
        if record.period <= 0 || record.time.checked_sub(record.period) != Some(self.time) {
            return None;
        }
        mean_power(self.energy_until(&Self::of(record))?, record.period)
    }
}

/// The mean power in 0.1 W of an energy in Wh over some seconds, rounded down.
#[must_use]
pub fn mean_power(energy: i64, seconds: i64) -> Option<i64> {
    energy.checked_mul(36_000)?.checked_div_euclid(seconds)
}

/// The fleet in figures.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Meters ever heard.
    pub meters: usize,
    /// Meters on line.
    pub online: usize,
    /// Stored records and events.
    pub records: i64,
    /// Records known to be missing.
    pub gaps: i64,
    /// Records that came again with the same content.
    pub duplicates: i64,
    /// Records that came again with other content.
    pub conflicts: i64,
    /// Messages and records that could not be taken.
    pub refused: i64,
    /// Billing records that are no evidence though they should be.
    pub unproven: i64,
    /// Power of the meters on line, 0.1 W.
    pub active_power: i64,
    /// Time of the newest record.
    pub time: i64,
}

/// All meters.
#[derive(Default, Debug)]
pub struct Fleet {
    /// State by identity.
    pub meters: BTreeMap<MeterId, Arc<MeterState>>,
    /// Messages and records that could not be taken, ever.
    pub refused: i64,
}

impl Fleet {
    /// The figures of the whole fleet.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let start = Summary {
            meters: self.meters.len(),
            refused: self.refused,
            ..Summary::default()
        };
        self.meters
            .values()
            .fold(start, |sum, meter| add(sum, meter))
    }
}

fn add(mut sum: Summary, meter: &MeterState) -> Summary {
    for stream in meter.streams.values() {
        sum.duplicates += stream.duplicates;
        sum.conflicts += stream.conflicts;
    }
    sum.records = sum.records.saturating_add(meter.records());
    sum.gaps = sum.gaps.saturating_add(meter.missing());
    sum.unproven += meter.unproven;
    if meter.online {
        sum.online += 1;
        sum.active_power = sum
            .active_power
            .saturating_add(meter.active_power.unwrap_or(0));
    }
    let newest = meter.latest.as_ref().map_or(0, |latest| latest.time);
    sum.time = sum.time.max(newest).max(meter.registers.time);
    sum
}

/// The fleet shared between the writer and the readers, with a version that rises at every change.
#[derive(Clone)]
pub struct SharedFleet {
    fleet: Arc<RwLock<Fleet>>,
    version: Arc<watch::Sender<u64>>,
}

impl SharedFleet {
    /// Shares `fleet` at version 0.
    #[must_use]
    pub fn new(fleet: Fleet) -> Self {
        Self {
            fleet: Arc::new(RwLock::new(fleet)),
            version: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Looks at the fleet; keep it short, the writer waits.
    pub fn read<T>(&self, look: impl FnOnce(&Fleet) -> T) -> T {
        // A panic in another reader leaves the data whole: states are only ever replaced.
        look(
            &self
                .fleet
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    /// Changes the fleet and tells those who wait for a new version.
    pub fn write(&self, change: impl FnOnce(&mut Fleet)) {
        change(
            &mut self
                .fleet
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        self.version.send_modify(|version| *version += 1);
    }

    /// One meter's state.
    #[must_use]
    pub fn meter(&self, meter: MeterId) -> Option<Arc<MeterState>> {
        self.read(|fleet| fleet.meters.get(&meter).cloned())
    }

    /// The version that the next change will have.
    #[must_use]
    pub fn next_version(&self) -> u64 {
        *self.version.borrow() + 1
    }

    /// A receiver of the version.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Place, stream};

    fn birth(connection: i64) -> Birth {
        Birth {
            epoch: 1,
            time: 1_000,
            status: 0,
            firmware: "1".into(),
            hardware: "h".into(),
            boot_count: 1,
            reset_cause: 0,
            identity: None,
            connection,
        }
    }

    #[test]
    fn a_late_will_of_an_older_connection_is_ignored() {
        let mut meter = MeterState::default();
        assert!(meter.born(&birth(3), 10));
        assert!(!meter.died(2));
        assert!(meter.online);
        assert!(meter.died(3));
        assert!(!meter.online);
    }

    #[test]
    fn a_repeated_birth_changes_nothing() {
        let mut meter = MeterState::default();
        assert!(meter.born(&birth(3), 10));
        assert!(!meter.born(&birth(3), 20));
        assert_eq!(meter.online_since, Some(10));
    }

    #[test]
    fn an_old_record_does_not_replace_the_newest() {
        let mut meter = MeterState::default();
        for (time, volts) in [(2_000, 231_000), (1_000, 225_000)] {
            let mut values = Values::default();
            values.set(register::VOLTAGE, 0, volts);
            let place = Place {
                epoch: 1,
                stream: stream::PROFILE,
                seq: time,
            };
            meter.observe(&Record {
                place,
                time,
                period: 900,
                status: 0,
                values,
            });
        }
        assert_eq!(meter.latest.map(|latest| latest.time), Some(2_000));
    }

    #[test]
    fn sums_of_streams_at_the_end_of_the_numbers_do_not_overflow() {
        let mut meter = MeterState::default();
        for epoch in [1, 2] {
            let key = (epoch, stream::BILLING);
            let runs = &mut meter.streams.entry(key).or_default().runs;
            runs.insert(i64::MAX);
        }
        let mut fleet = Fleet::default();
        fleet.meters.insert(MeterId([1; 8]), Arc::new(meter));
        let summary = fleet.summary();
        assert_eq!((summary.records, summary.gaps), (2, i64::MAX));
    }
}
