//! The one place that knows the wire format: topics and payloads in, receipts out.

use meter_proto::payload::signature::MAX_SIGNED_BILLING;
use meter_proto::payload::{
    self, Diagnostic, EventList, MAX_RATE, Message, Phases, Profile, Reading, Stamp,
};
use meter_proto::topic::{Channel, Topic};

use crate::record::{
    Bill, Billing, Birth, Detail, Event, LATEST, MeterId, Place, Rate, Record, Report, Stream,
    Values, register, stream,
};

/// The longest billing record that is taken, in bytes: twice the longest that can be evidence, as one
/// with nine rates and no signature, or with keys of a later version, is longer than that.
const LONGEST_BILLING: usize = 2 * MAX_SIGNED_BILLING;

/// Filters for everything that the head-end takes.
pub(crate) const UPLINK: [&str; 2] = ["em/1/+/d/+", "em/1/+/s"];

/// Reads a message; `Err` says what is wrong with it.
pub(crate) fn report(topic: &str, payload: &[u8]) -> Result<(MeterId, Report), String> {
    let Some((meter, channel)) = Topic::parse(topic) else {
        return Err("the topic is none of this wire format, em/1/<16 hex digits>/<channel>".into());
    };
    if channel == Channel::Billing && payload.len() > LONGEST_BILLING {
        return Err(format!(
            "a billing record of more than {LONGEST_BILLING} bytes"
        ));
    }
    let message = Message::decode(channel, payload).map_err(|error| error.to_string())?;
    let report = match message {
        Message::Reading(reading) => records(|| Some(vec![of_reading(&reading)?])),
        Message::Profile(profile) => records(|| of_profile(&profile)),
        Message::Diagnostic(diagnostic) => records(|| Some(vec![of_diagnostic(&diagnostic)?])),
        Message::Events(events) => of_events(&events).map(Report::Events),
        Message::Billing(billing) => of_billing(&billing, payload).map(Report::Billing),
        Message::Birth(birth) => of_birth(&birth).map(Report::Birth),
        Message::Death(death) => {
            signed(death.connection).map(|connection| Report::Death { connection })
        }
        _ => return Err("a message of a kind that this head-end does not know".into()),
    };
    let report = report.ok_or("a number is beyond 2^63, or a time beyond the year 9999")?;
    Ok((meter, report))
}

/// Topic and payload of a receipt; `None` when there is nothing to say.
pub(crate) fn receipt(
    meter: MeterId,
    epoch: u32,
    streams: &[(Stream, i64)],
) -> Option<(String, Vec<u8>)> {
    let mut receipt = payload::Receipt::new(epoch);
    for &(stream, seq) in streams {
        let stream = payload::Stream::from_number(u64::from(stream))?;
        receipt.set(stream, u64::try_from(seq).ok()?);
    }
    let mut buffer = [0; 64];
    let length = receipt.encode(&mut buffer).ok()?;
    let topic = Topic::new(meter, Channel::Receipt).as_str().to_owned();
    Some((topic, buffer.get(..length)?.to_vec()))
}

fn signed(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}

/// A time that a calendar shows.
fn instant(time: u64) -> Option<i64> {
    signed(time).filter(|&time| time <= LATEST)
}

fn records(make: impl FnOnce() -> Option<Vec<Record>>) -> Option<Report> {
    make().map(Report::Records)
}

fn place(stamp: &Stamp, stream: Stream) -> Option<Place> {
    Some(Place {
        epoch: stamp.epoch,
        stream,
        seq: signed(stamp.seq)?,
    })
}

fn of_reading(reading: &Reading) -> Option<Record> {
    let stamp = &reading.stamp;
    let mut values = Values::default();
    phases(&mut values, register::VOLTAGE, reading.voltage, |v| {
        v.get().into()
    });
    phases(&mut values, register::CURRENT, reading.current, |v| {
        v.get().into()
    });
    phases(&mut values, register::ACTIVE, reading.active, i64::from);
    phases(&mut values, register::REACTIVE, reading.reactive, i64::from);
    phases(&mut values, register::APPARENT, reading.apparent, i64::from);
    phases(
        &mut values,
        register::POWER_FACTOR,
        reading.power_factor,
        |v| v.get().into(),
    );
    if let Some(frequency) = reading.frequency {
        values.set(register::FREQUENCY, 0, frequency.get().into());
    }
    let energies = [
        (register::IMPORT, reading.import),
        (register::EXPORT, reading.export),
        (register::REACTIVE_IMPORT, reading.reactive_import),
        (register::REACTIVE_EXPORT, reading.reactive_export),
    ];
    for (register, energy) in energies {
        if let Some(energy) = energy {
            values.set(register, 0, signed(energy.get())?);
        }
    }
    Some(Record {
        place: place(stamp, stream::READING)?,
        time: instant(stamp.time.get())?,
        period: 0,
        status: stamp.status.bits(),
        values,
    })
}

fn phases<T: Copy + Default>(
    values: &mut Values,
    register: u16,
    phases: Option<Phases<T>>,
    number: impl Fn(T) -> i64,
) {
    let phases = phases.as_ref().map_or(&[][..], Phases::as_slice);
    for (part, &value) in (0..).zip(phases) {
        values.set(register, part, number(value));
    }
}

fn of_profile(profile: &Profile<'_>) -> Option<Vec<Record>> {
    let record = |record: payload::ProfileRecord| {
        let mut values = Values::default();
        for (column, value) in profile.columns().iter().zip(record.values) {
            values.set(column.0, 0, value);
        }
        Some(Record {
            place: Place {
                epoch: profile.epoch(),
                stream: stream::PROFILE,
                seq: signed(record.seq)?,
            },
            time: instant(record.time.get())?,
            period: profile.period().into(),
            status: record.status.bits(),
            values,
        })
    };
    profile.records().map(record).collect()
}

/// The values stand under their keys: no register has those numbers.
fn of_diagnostic(diagnostic: &Diagnostic) -> Option<Record> {
    let stamp = &diagnostic.stamp;
    let mut values = Values::default();
    let wide = [
        (44, diagnostic.cell),
        (45, diagnostic.waiting),
        (46, diagnostic.oldest),
        (48, diagnostic.sent),
        (49, diagnostic.received),
    ];
    for (key, value) in wide {
        // What some modems say for "not known" is beyond what a column holds: only it is left out.
        if let Some(value) = value.and_then(signed) {
            values.set(key, 0, value);
        }
    }
    let narrow = [
        (41, diagnostic.rsrp.map(i64::from)),
        (42, diagnostic.rsrq.map(i64::from)),
        (43, diagnostic.snr.map(i64::from)),
        (47, diagnostic.reconnects.map(i64::from)),
        (50, diagnostic.free_stack.map(i64::from)),
    ];
    for (key, value) in narrow {
        if let Some(value) = value {
            values.set(key, 0, value);
        }
    }
    Some(Record {
        place: place(stamp, stream::DIAGNOSTIC)?,
        time: instant(stamp.time.get())?,
        period: 0,
        status: stamp.status.bits(),
        values,
    })
}

fn of_events(list: &EventList<'_>) -> Option<Vec<Event>> {
    let event = |(seq, event): (u64, payload::Event<'_>)| {
        Some(Event {
            place: Place {
                epoch: list.epoch,
                stream: stream::EVENT,
                seq: signed(seq)?,
            },
            time: instant(event.time.get())?,
            code: event.code,
            detail: match event.detail {
                None => Detail::None,
                Some(payload::Detail::Integer(number)) => Detail::Number(number),
                Some(payload::Detail::Text(text)) => Detail::Text(text.to_owned()),
                Some(payload::Detail::Bytes(bytes)) => Detail::Bytes(bytes.to_vec()),
            },
        })
    };
    list.events().map(event).collect()
}

fn of_billing(billing: &payload::Billing<'_>, message: &[u8]) -> Option<Billing> {
    let stamp = &billing.stamp;
    for demand in (0..=MAX_RATE).filter_map(|rate| billing.demands.get(rate)) {
        instant(demand.end.get())?;
    }
    Some(Billing {
        place: place(stamp, stream::BILLING)?,
        time: instant(stamp.time.get())?,
        status: stamp.status.bits(),
        message: message.to_vec(),
    })
}

/// Topic of a meter's billing records.
pub(crate) fn billing_topic(meter: MeterId) -> String {
    Topic::new(meter, Channel::Billing).as_str().to_owned()
}

/// What a billing record says; `None` when it is none.
pub(crate) fn bill(message: &[u8]) -> Option<Bill> {
    let billing = payload::Billing::decode(message).ok()?;
    let of_rate = |rate: u8| {
        let energies = billing.rates.get(rate).map(|energy| {
            [
                energy.import,
                energy.export,
                energy.reactive_import,
                energy.reactive_export,
            ]
            .map(|register| register.get())
        });
        let demand = billing.demands.get(rate);
        let demand = demand.map(|demand| (demand.watts, demand.end.get()));
        (energies.is_some() || demand.is_some()).then_some(Rate {
            rate,
            energies,
            demand,
        })
    };
    let totals = [
        billing.import,
        billing.export,
        billing.reactive_import,
        billing.reactive_export,
    ];
    Some(Bill {
        period: billing.period,
        totals: totals.map(|register| register.map(|energy| energy.get())),
        rates: (0..=MAX_RATE).filter_map(of_rate).collect(),
    })
}

fn of_birth(birth: &payload::Birth<'_>) -> Option<Birth> {
    Some(Birth {
        epoch: birth.stamp.epoch,
        time: instant(birth.stamp.time.get())?,
        status: birth.stamp.status.bits(),
        firmware: birth.firmware.to_owned(),
        hardware: birth.hardware.to_owned(),
        boot_count: birth.boot_count.into(),
        reset_cause: birth.reset_cause.into(),
        identity: birth.identity.map(str::to_owned),
        connection: signed(birth.connection)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The single-phase reading of payload.md section 6, byte for byte.
    const READING: &[u8] = &[
        0xAF, 0x00, 0x1A, 0x00, 0x01, 0xE2, 0x40, 0x01, 0x01, 0x02, 0x1A, 0x69, 0x55, 0xB9, 0x00,
        0x03, 0x19, 0x01, 0x04, 0x04, 0x1A, 0x00, 0x03, 0x87, 0xFC, 0x05, 0x19, 0x13, 0x09, 0x06,
        0x19, 0x2A, 0x4E, 0x07, 0x39, 0x0C, 0x6B, 0x08, 0x19, 0x2C, 0x17, 0x09, 0x19, 0x03, 0xC0,
        0x0A, 0x19, 0xC3, 0x3C, 0x0B, 0x1A, 0x00, 0xBC, 0x61, 0x4E, 0x0C, 0x19, 0x10, 0xE1, 0x0D,
        0x1A, 0x00, 0x23, 0xCA, 0xCE, 0x0E, 0x1A, 0x00, 0x01, 0x56, 0x66,
    ];

    #[test]
    fn the_reading_of_the_reference_keeps_every_value() {
        let (meter, report) = report("em/1/4d54520000000001/d/r", READING).expect("a good reading");
        assert_eq!(meter.to_string(), "4d54520000000001");
        let Report::Records(records) = report else {
            panic!("{report:?}")
        };
        let record = &records[0];
        assert_eq!(
            record.place,
            Place {
                epoch: 1,
                stream: stream::READING,
                seq: 123_456
            }
        );
        assert_eq!((record.time, record.status), (1_767_225_600, 260));
        assert_eq!(record.values.phases(register::VOLTAGE), [231_420]);
        assert_eq!(record.values.active(), [10_830]);
        assert_eq!(record.values.get(register::REACTIVE), Some(-3_180));
        assert_eq!(record.values.get(register::IMPORT), Some(12_345_678));
        assert_eq!(record.values.get(register::REACTIVE_EXPORT), Some(87_654));
    }

    #[test]
    fn a_receipt_is_that_of_the_reference() {
        let meter = MeterId::parse("4d54520000000001").expect("an identity");
        let (topic, payload) = receipt(
            meter,
            1,
            &[(stream::READING, 123_456), (stream::PROFILE, 98_765)],
        )
        .expect("a receipt");
        assert_eq!(topic, "em/1/4d54520000000001/k");
        let expected = [
            0xA2, 0x01, 0x01, 0x18, 0x33, 0xA2, 0x01, 0x1A, 0x00, 0x01, 0xE2, 0x40, 0x02, 0x1A,
            0x00, 0x01, 0x81, 0xCD,
        ];
        assert_eq!(payload, expected);
    }

    #[test]
    fn diagnostics_keep_every_value_under_its_key() {
        let payload = [
            0xAD, 0x00, 0x01, 0x01, 0x01, 0x02, 0x1A, 0x69, 0x55, 0xB9, 0x00, 0x18, 41, 0x38, 0x60,
            0x18, 42, 0x20, 0x18, 43, 0x03, 0x18, 44, 0x04, 0x18, 45, 0x05, 0x18, 46, 0x06, 0x18,
            47, 0x07, 0x18, 48, 0x08, 0x18, 49, 0x09, 0x18, 50, 0x0A,
        ];
        let (_, report) = report("em/1/4d54520000000001/d/g", &payload).expect("good diagnostics");
        let Report::Records(records) = report else {
            panic!("{report:?}")
        };
        assert_eq!(records[0].place.stream, stream::DIAGNOSTIC);
        let values = (41..=50).map(|key| records[0].values.get(key));
        assert!(values.eq([-97, -1, 3, 4, 5, 6, 7, 8, 9, 10].map(Some)));
    }

    #[test]
    fn a_diagnostic_value_beyond_a_column_costs_only_itself() {
        let payload = [
            0xA5, 0x00, 0x01, 0x01, 0x01, 0x02, 0x05, 0x18, 44, 0x1B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
            0xFF, 0xFF, 0xFF, 0x18, 45, 0x05,
        ];
        let (_, report) = report("em/1/4d54520000000001/d/g", &payload).expect("good diagnostics");
        let Report::Records(records) = report else {
            panic!("{report:?}")
        };
        assert_eq!(records[0].values.get(44), None);
        assert_eq!(records[0].values.get(45), Some(5));
    }

    #[test]
    fn a_billing_record_is_kept_as_it_came_and_can_be_read() {
        let payload = [
            0xA6, 0x00, 0x01, 0x01, 0x01, 0x02, 0x05, 0x18, 26, 0x0C, 0x18, 27, 0xA1, 0x01, 0x84,
            0x07, 0x00, 0x02, 0x00, 0x18, 28, 0xA1, 0x02, 0x82, 0x18, 99, 0x04,
        ];
        let (_, report) = report("em/1/4d54520000000001/d/b", &payload).expect("a billing record");
        let Report::Billing(billing) = report else {
            panic!("{report:?}")
        };
        assert_eq!(billing.place.stream, stream::BILLING);
        assert_eq!((billing.time, &billing.message[..]), (5, &payload[..]));
        let rate = |rate, energies, demand| Rate {
            rate,
            energies,
            demand,
        };
        let expected = Bill {
            period: 12,
            totals: [None; 4],
            rates: vec![
                rate(1, Some([7, 0, 2, 0]), None),
                rate(2, None, Some((99, 4))),
            ],
        };
        assert_eq!(bill(&payload), Some(expected));
        assert_eq!(bill(&payload[1..]), None);
    }

    #[test]
    fn a_billing_record_of_a_time_that_no_calendar_shows_is_refused() {
        let end = |time: u64, demand: u64| {
            let mut payload = vec![0xA6, 0x00, 0x01, 0x01, 0x01, 0x02, 0x1B];
            payload.extend(time.to_be_bytes());
            payload.extend([0x18, 26, 0x0C, 0x18, 27, 0xA1, 0x01, 0x84, 7, 0, 2, 0]);
            payload.extend([0x18, 28, 0xA1, 0x02, 0x82, 0x18, 99, 0x1B]);
            payload.extend(demand.to_be_bytes());
            report("em/1/4d54520000000001/d/b", &payload)
        };
        let latest = LATEST.unsigned_abs();
        assert!(end(latest, latest).is_ok());
        for far in [latest + 1, 1 << 62, u64::MAX] {
            let said = end(far, 4).expect_err("a far time");
            assert!(said.contains("9999"), "{said}");
            assert!(end(5, far).is_err());
        }
    }

    #[test]
    fn a_reading_of_a_time_that_no_calendar_shows_is_refused() {
        for (time, is_taken) in [
            (LATEST.unsigned_abs(), true),
            (LATEST.unsigned_abs() + 1, false),
        ] {
            let mut payload = vec![0xA3, 0x00, 0x01, 0x01, 0x01, 0x02, 0x1B];
            payload.extend(time.to_be_bytes());
            let taken = report("em/1/4d54520000000001/d/r", &payload);
            assert_eq!(taken.is_ok(), is_taken, "{taken:?}");
        }
    }

    #[test]
    fn a_billing_record_that_is_too_long_is_refused() {
        let of_length = |length: usize| {
            let mut payload = vec![0xA6, 0x00, 0x01, 0x01, 0x01, 0x02, 0x05];
            payload.extend([0x18, 26, 0x0C, 0x18, 27, 0xA1, 0x01, 0x84, 7, 0, 2, 0]);
            payload.extend([0x18, 127, 0x59]);
            let rest = u16::try_from(length - payload.len() - 2).expect("short");
            payload.extend(rest.to_be_bytes());
            payload.resize(length, 0);
            report("em/1/4d54520000000001/d/b", &payload)
        };
        assert!(of_length(LONGEST_BILLING).is_ok());
        let said = of_length(LONGEST_BILLING + 1).expect_err("too long");
        assert!(said.contains("1024 bytes"), "{said}");
        // Always enough for one that knows no later keys, by `meter-proto`.
        assert!(of_length(576 + 5 + 77).is_ok());
    }

    #[test]
    fn bad_topics_and_payloads_say_what_is_wrong() {
        for topic in [
            "",
            "em/2/4d54520000000001/d/r",
            "em/1/short/d/r",
            "em/1/4d54520000000001/d/x",
        ] {
            assert!(report(topic, READING).is_err(), "{topic}");
        }
        for length in 0..READING.len() {
            let cut = report("em/1/4d54520000000001/d/r", &READING[..length]);
            assert!(cut.is_err(), "{length} bytes");
        }
    }
}
