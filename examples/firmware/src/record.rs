//! From what was measured to records in the outbox.

use core::ops::ControlFlow;

use embedded_storage_async::nor_flash::NorFlash;
use meter_core::energy::EnergyReading;
use meter_core::profile::{Interval, PHASES};
use meter_core::status::Status;
use meter_core::units::{PowerFactor, UtcSeconds, WattHours};
use meter_proto::payload::{
    Billing, ByRate, Column, Detail, EncodeError, Event, EventList, MAX_COLUMNS, Phases, Profile,
    ProfileRecord, RateEnergy, Reading, Stamp, Stream, code, encode_batch,
};

use crate::billing::Ended;
use crate::log::note;
use crate::metering::Sample;
use crate::store::{Error, Store};

/// The rate of a billing record that is the total of all.
const TOTAL: u8 = 0;

/// The columns of a single-phase profile; a poly-phase one has those of [`POLY_PHASE`].
const SINGLE_PHASE: [Column; 7] = [
    Column::IMPORT,
    Column::EXPORT,
    Column::REACTIVE_IMPORT,
    Column::REACTIVE_EXPORT,
    Column::VOLTAGE,
    Column::CURRENT,
    Column::POWER_FACTOR,
];

/// Voltage 32.7, current 31.7 and power factor 33.7 of L1, then those of L2 (+20) and L3 (+40).
const POLY_PHASE: [Column; 13] = [
    Column::IMPORT,
    Column::EXPORT,
    Column::REACTIVE_IMPORT,
    Column::REACTIVE_EXPORT,
    Column(32 * 256 + 7),
    Column(31 * 256 + 7),
    Column(33 * 256 + 7),
    Column(52 * 256 + 7),
    Column(51 * 256 + 7),
    Column(53 * 256 + 7),
    Column(72 * 256 + 7),
    Column(71 * 256 + 7),
    Column(73 * 256 + 7),
];

/// The columns of a meter's load profile.
pub(crate) const fn columns(phases: usize) -> &'static [Column] {
    if phases <= 1 {
        &SINGLE_PHASE
    } else {
        &POLY_PHASE
    }
}

impl<F: NorFlash> Store<F> {
    /// Records an event; one that cannot be kept is logged.
    pub(crate) async fn record_event(&mut self, time: UtcSeconds, code: u16, detail: Option<i64>) {
        note!(info, "event {code} {detail:?}");
        let event = Event {
            time,
            code,
            detail: detail.map(Detail::Integer),
        };
        self.record(Stream::Event, |seq, epoch, buffer| {
            EventList::encode(seq, epoch, &[event], buffer)
        })
        .await;
    }

    /// Records a closed interval with the registers at its end.
    pub(crate) async fn record_interval(
        &mut self,
        interval: &Interval,
        energy: &EnergyReading,
        phases: usize,
        period: u32,
    ) {
        let columns = columns(phases);
        let values = profile_values(interval, energy, phases);
        let (time, status) = (interval.end, interval.status);
        self.record(Stream::Profile, |seq, epoch, buffer| {
            let record = ProfileRecord {
                seq,
                time,
                status,
                values,
            };
            encode_batch(epoch, period, columns, &[record], buffer).map(|(length, _)| length)
        })
        .await;
    }

    /// Records the registers at the end of a billing period. This meter has one rate for all.
    pub(crate) async fn record_billing(
        &mut self,
        ended: &Ended,
        status: Status,
        energy: &EnergyReading,
    ) {
        let total = RateEnergy {
            import: energy.import.whole_watt_hours(),
            export: energy.export.whole_watt_hours(),
            reactive_import: energy.reactive_import.whole_watt_hours(),
            reactive_export: energy.reactive_export.whole_watt_hours(),
        };
        let rates = ByRate::from_slice(&[(TOTAL, total)]).unwrap_or_default();
        self.record(Stream::Billing, |seq, epoch, buffer| {
            Billing {
                stamp: Stamp {
                    seq,
                    epoch,
                    time: ended.end,
                    status,
                },
                period: ended.count,
                rates,
                ..Billing::default()
            }
            .encode(buffer)
        })
        .await;
    }

    /// The last billing period whose record lies in flash.
    pub(crate) async fn last_billed(&mut self) -> Result<Ended, Error<F::Error>> {
        let mut last = Ended::default();
        let visited = self.outbox.visit_kept(Stream::Billing, |_, bytes| {
            if let Ok(billing) = Billing::decode(bytes) {
                last = Ended {
                    count: billing.period,
                    end: billing.stamp.time,
                };
            }
            ControlFlow::Continue(())
        });
        visited.await?;
        Ok(last)
    }

    /// Records the values of one instant.
    pub(crate) async fn record_reading(
        &mut self,
        time: UtcSeconds,
        status: Status,
        sample: &Sample,
        energy: &EnergyReading,
    ) {
        let reading = reading(sample, energy);
        self.record(Stream::Reading, |seq, epoch, buffer| {
            Reading {
                stamp: Stamp {
                    seq,
                    epoch,
                    time,
                    status,
                },
                ..reading
            }
            .encode(buffer)
        })
        .await;
    }

    /// Pushes a record. An outbox that can be read no more is repaired first: what waited in it is
    /// lost, and said to be.
    async fn record(
        &mut self,
        stream: Stream,
        encode: impl Fn(u64, u32, &mut [u8]) -> Result<usize, EncodeError>,
    ) {
        let mut pushed = self.outbox.push(stream, &encode).await;
        if let Err(Error::Corrupted) = pushed {
            note!(
                error,
                "the outbox is damaged: it is erased and begins a new epoch"
            );
            if self.repair().await.is_ok() {
                pushed = self.outbox.push(stream, &encode).await;
            }
        }
        if pushed.is_err() {
            note!(error, "a record could not be stored");
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Whether something was lost since that was last admitted: to a ring that came round, to
    /// damage, or to a flash that did not take it.
    pub(crate) fn has_losses(&mut self) -> bool {
        self.lost = self.lost.saturating_add(self.outbox.take_lost());
        self.lost > 0
    }

    /// Says in an event that records were lost, and how many where that is known still: a power cut
    /// forgets it. Gives whether it is stored; it is said the next time where not even that can be.
    pub(crate) async fn admit_losses(&mut self, time: UtcSeconds) -> bool {
        let lost = core::mem::take(&mut self.lost);
        let count = i64::try_from(lost).unwrap_or(i64::MAX);
        let count = Some(count).filter(|&count| count > 0);
        self.record_event(time, code::RECORDS_LOST, count).await;
        let is_stored = self.lost == 0;
        if !is_stored {
            self.lost = lost.max(self.lost);
        }
        is_stored
    }

    /// The registers of the newest profile record and of the newest reading that lie in flash.
    /// The saved state may be older: where power went without a warning, or a save failed.
    pub(crate) async fn last_shown(&mut self) -> Result<[EnergyReading; 2], Error<F::Error>> {
        let mut shown = [EnergyReading::default(); 2];
        let [profile, reading] = &mut shown;
        let visited = self.outbox.visit_kept(Stream::Profile, |_, bytes| {
            if let Ok(found) = Profile::decode(bytes) {
                *profile = shown_in_profile(&found);
            }
            ControlFlow::Continue(())
        });
        visited.await?;
        let visited = self.outbox.visit_kept(Stream::Reading, |_, bytes| {
            if let Ok(found) = Reading::decode(bytes) {
                *reading = shown_in_reading(&found);
            }
            ControlFlow::Continue(())
        });
        visited.await?;
        Ok(shown)
    }
}

fn shown_in_profile(profile: &Profile<'_>) -> EnergyReading {
    let mut shown = EnergyReading::default();
    let Some(record) = profile.records().next() else {
        return shown;
    };
    for (&column, value) in profile.columns().iter().zip(record.values) {
        let value = WattHours::new(u64::try_from(value).unwrap_or(0)).milliwatt_hours();
        match column {
            Column::IMPORT => shown.import = value,
            Column::EXPORT => shown.export = value,
            Column::REACTIVE_IMPORT => shown.reactive_import = value,
            Column::REACTIVE_EXPORT => shown.reactive_export = value,
            _ => {}
        }
    }
    shown
}

fn shown_in_reading(reading: &Reading) -> EnergyReading {
    let value = |shown: Option<WattHours>| shown.unwrap_or_default().milliwatt_hours();
    EnergyReading {
        import: value(reading.import),
        export: value(reading.export),
        reactive_import: value(reading.reactive_import),
        reactive_export: value(reading.reactive_export),
        ..EnergyReading::default()
    }
}

fn profile_values(
    interval: &Interval,
    energy: &EnergyReading,
    phases: usize,
) -> [i64; MAX_COLUMNS] {
    let registers = [
        energy.import,
        energy.export,
        energy.reactive_import,
        energy.reactive_export,
    ]
    .map(|register| wide(register.whole_watt_hours().get()));
    let means = interval
        .phases
        .iter()
        .take(phases.clamp(1, PHASES))
        .flat_map(|phase| {
            [
                i64::from(phase.voltage.get()),
                i64::from(phase.current.get()),
                i64::from(phase.power_factor.get()),
            ]
        });
    let mut values = [0; MAX_COLUMNS];
    for (slot, value) in values.iter_mut().zip(registers.into_iter().chain(means)) {
        *slot = value;
    }
    values
}

fn reading(sample: &Sample, energy: &EnergyReading) -> Reading {
    let phases = sample.phases();
    Reading {
        voltage: collect(phases.iter().map(|phase| phase.voltage)),
        current: collect(phases.iter().map(|phase| phase.current)),
        active: collect(phases.iter().map(|phase| tenths(phase.active.get()))),
        reactive: collect(sample.reactive().iter().map(|power| tenths(power.get()))),
        power_factor: collect(phases.iter().map(|phase| {
            let factor = phase.active.power_factor(phase.apparent);
            factor.unwrap_or(PowerFactor::new(1_000))
        })),
        frequency: sample.frequency,
        import: Some(energy.import.whole_watt_hours()),
        export: Some(energy.export.whole_watt_hours()),
        reactive_import: Some(energy.reactive_import.whole_watt_hours()),
        reactive_export: Some(energy.reactive_export.whole_watt_hours()),
        ..Reading::default()
    }
}

fn collect<T: Copy + Default>(values: impl Iterator<Item = T>) -> Option<Phases<T>> {
    let mut phases = [T::default(); PHASES];
    let mut count = 0;
    for (slot, value) in phases.iter_mut().zip(values) {
        *slot = value;
        count += 1;
    }
    Phases::from_slice(phases.get(..count)?)
}

/// mW or mvar to tenths of a W or var, rounded half away from zero.
fn tenths(milli: i64) -> i32 {
    let half = if milli < 0 { -50 } else { 50 };
    let tenths = milli.saturating_add(half) / 100;
    i32::try_from(tenths).unwrap_or(if tenths < 0 { i32::MIN } else { i32::MAX })
}

fn wide(register: u64) -> i64 {
    i64::try_from(register).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_round_half_away_from_zero() {
        assert_eq!(
            [tenths(149), tenths(150), tenths(-149), tenths(-150)],
            [1, 2, -1, -2]
        );
        assert_eq!([tenths(i64::MAX), tenths(i64::MIN)], [i32::MAX, i32::MIN]);
    }
}
