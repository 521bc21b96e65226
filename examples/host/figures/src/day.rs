//! The bytes of a meter-day, 96 quarter hours of four registers, in several formats.
//!
//! All have the same times and values. Only the two of `meter-proto` carry sequence and epoch too.

use meter_core::units::{UtcSeconds, WattHours};
use meter_proto::payload::{
    Column, MAX_COLUMNS, Profile, ProfileRecord, Reading, Stamp, encode_batch,
};
use minicbor::Encoder;
use serde_json::{Value, json};

const PERIOD: u32 = 900;
/// Midnight, seconds UTC.
const START: u64 = 1_767_225_600;
const EPOCH: u32 = 7;
const COLUMNS: [Column; 4] = [
    Column::IMPORT,
    Column::EXPORT,
    Column::REACTIVE_IMPORT,
    Column::REACTIVE_EXPORT,
];
/// The same in the formats that name them.
const NAMES: [&str; 4] = ["i", "e", "ri", "re"];

/// What a house takes and its roof gives, hour by hour, in watts.
const LOAD: [u64; 24] = [
    180, 150, 140, 140, 150, 220, 450, 600, 420, 350, 330, 380, 520, 400, 330, 340, 420, 650,
    1_100, 1_250, 980, 760, 480, 280,
];
const ROOF: [u64; 24] = [
    0, 0, 0, 0, 0, 0, 50, 200, 600, 1_100, 1_600, 1_900, 2_000, 1_900, 1_500, 1_000, 500, 150, 20,
    0, 0, 0, 0, 0,
];

struct Quarter {
    seq: u64,
    time: u64,
    /// In the order of [`COLUMNS`].
    registers: [u64; 4],
}

fn day() -> Vec<Quarter> {
    let mut registers = [12_345_678, 4_321_000, 2_345_678, 87_654];
    let hours = LOAD.iter().zip(ROOF);
    let quarters = hours.flat_map(|hour| [hour; 4]).zip(1..);
    quarters
        .map(|((load, roof), seq)| {
            // No two quarter hours alike: a few watts more or less.
            let load = load + seq * 37 % 50;
            let steps = [
                load.saturating_sub(roof) / 4,
                roof.saturating_sub(load) / 4,
                load / 20,
                roof / 80,
            ];
            for (register, step) in registers.iter_mut().zip(steps) {
                *register += step;
            }
            Quarter {
                seq,
                time: START + seq * u64::from(PERIOD),
                registers,
            }
        })
        .collect()
}

/// Makes one message of quarter hours.
type Format = fn(&[Quarter]) -> Vec<u8>;

/// What a message is published to, and at which QoS.
struct Route(&'static str, u8);

const PROFILES: Route = Route("em/1/4d5452000000002a/d/p", 1);
const READINGS: Route = Route("em/1/4d5452000000002a/d/r", 1);
/// Topic and QoS of NDATA: Sparkplug 3.0, section 4 and tck-id-payloads-ndata-qos of section 6.
const NDATA: Route = Route("spBv1.0/em/NDATA/4d5452000000002a", 0);

/// The bytes of the day in each format, as JSON: in one message, and with `_96` in one for each
/// quarter hour.
pub(crate) fn report(with_mqtt: bool) -> String {
    let day = day();
    let bytes = |format: Format, Route(topic, qos): &Route, most: usize| -> usize {
        let lengths = day.chunks(most).map(|part| format(part).len());
        lengths
            .map(|length| match with_mqtt {
                true => publish_length(topic, *qos, length),
                false => length,
            })
            .sum()
    };
    let whole = day.len();
    json!({
        "profile": bytes(profile, &PROFILES, whole),
        "reading_96": bytes(reading, &READINGS, 1),
        "json": bytes(plain_json, &PROFILES, whole),
        "json_96": bytes(plain_json, &READINGS, 1),
        "senml_json": bytes(senml_json, &PROFILES, whole),
        "senml_json_96": bytes(senml_json, &READINGS, 1),
        "senml_cbor": bytes(senml_cbor, &PROFILES, whole),
        "senml_cbor_96": bytes(senml_cbor, &READINGS, 1),
        "sparkplug": bytes(sparkplug, &NDATA, whole),
        "sparkplug_96": bytes(sparkplug, &NDATA, 1),
    })
    .to_string()
}

/// Bytes of a PUBLISH (MQTT 3.1.1, section 3.3).
fn publish_length(topic: &str, qos: u8, payload: usize) -> usize {
    let remaining = 2 + topic.len() + if qos > 0 { 2 } else { 0 } + payload;
    let mut rest = remaining;
    let mut head = 2;
    while rest >= 0x80 {
        rest >>= 7;
        head += 1;
    }
    head + remaining
}

fn profile(quarters: &[Quarter]) -> Vec<u8> {
    let records: Vec<_> = quarters
        .iter()
        .map(|quarter| {
            let mut values = [0; MAX_COLUMNS];
            for (value, register) in values.iter_mut().zip(quarter.registers) {
                *value = register as i64;
            }
            ProfileRecord {
                seq: quarter.seq,
                time: UtcSeconds::new(quarter.time),
                values,
                ..ProfileRecord::default()
            }
        })
        .collect();
    let mut message = vec![0; 4_096];
    let encoded = encode_batch(EPOCH, PERIOD, &COLUMNS, &records, &mut message);
    let (length, taken) = encoded.expect("a day fits");
    assert_eq!(taken, quarters.len());
    message.truncate(length);
    let decoded = Profile::decode(&message).map(|profile| profile.count());
    assert_eq!(decoded, Ok(quarters.len() as u64));
    message
}

/// A message for each quarter hour: of several, the first.
fn reading(quarters: &[Quarter]) -> Vec<u8> {
    let [quarter, ..] = quarters else {
        return Vec::new();
    };
    let [import, export, reactive_import, reactive_export] = quarter
        .registers
        .map(|register| Some(WattHours::new(register)));
    let reading = Reading {
        stamp: Stamp {
            seq: quarter.seq,
            epoch: EPOCH,
            time: UtcSeconds::new(quarter.time),
            ..Stamp::default()
        },
        import,
        export,
        reactive_import,
        reactive_export,
        ..Reading::default()
    };
    let mut message = vec![0; 176];
    let length = reading.encode(&mut message).expect("a reading fits");
    message.truncate(length);
    message
}

/// An object for each quarter hour.
fn plain_json(quarters: &[Quarter]) -> Vec<u8> {
    let object = |quarter: &Quarter| {
        let mut object = json!({ "t": quarter.time });
        for (name, register) in NAMES.iter().zip(quarter.registers) {
            object[name] = register.into();
        }
        object
    };
    let objects: Vec<Value> = quarters.iter().map(object).collect();
    match objects.as_slice() {
        [one] => one.to_string(),
        many => Value::from(many).to_string(),
    }
    .into_bytes()
}

/// RFC 8428, section 5: a record for each register, base version and base name in the first one, a
/// new base time with each quarter hour, which is shorter than times in all four.
fn senml_json(quarters: &[Quarter]) -> Vec<u8> {
    let mut records = Vec::new();
    for quarter in quarters {
        for (name, register) in NAMES.iter().zip(quarter.registers) {
            let mut record = json!({ "n": name, "v": register });
            if records.is_empty() {
                record["bver"] = 10.into();
                record["bn"] = "4d5452000000002a:".into();
            }
            if *name == NAMES[0] {
                record["bt"] = quarter.time.into();
            }
            records.push(record);
        }
    }
    Value::from(records).to_string().into_bytes()
}

/// The same as CBOR, with the labels of RFC 8428, section 6, table 4.
fn senml_cbor(quarters: &[Quarter]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    senml_records(&mut encoder, quarters).expect("a vector takes all");
    encoder.into_writer()
}

type Cbor = Encoder<Vec<u8>>;
type CborError = minicbor::encode::Error<std::convert::Infallible>;

fn senml_records(encoder: &mut Cbor, quarters: &[Quarter]) -> Result<(), CborError> {
    const BASE_VERSION: i8 = -1;
    const BASE_NAME: i8 = -2;
    const BASE_TIME: i8 = -3;
    const NAME: i8 = 0;
    const VALUE: i8 = 2;
    encoder.array((quarters.len() * NAMES.len()) as u64)?;
    let mut is_first = true;
    for quarter in quarters {
        for (name, register) in NAMES.iter().zip(quarter.registers) {
            let has_time = *name == NAMES[0];
            let base = 2 * u64::from(is_first) + u64::from(has_time);
            encoder.map(2 + base)?;
            if is_first {
                encoder.i8(BASE_VERSION)?.u8(10)?;
                encoder.i8(BASE_NAME)?.str("4d5452000000002a:")?;
            }
            if has_time {
                encoder.i8(BASE_TIME)?.u64(quarter.time)?;
            }
            encoder.i8(NAME)?.str(name)?.i8(VALUE)?.u64(register)?;
            is_first = false;
        }
    }
    Ok(())
}

/// The Payload of Sparkplug 3.0, section 6.4.1: a metric for each register, named by its alias, with
/// the time that section 6.4.6 asks of each, and not marked as historical.
fn sparkplug(quarters: &[Quarter]) -> Vec<u8> {
    let mut payload = Vec::new();
    let [.., last] = quarters else {
        return payload;
    };
    integer(1, last.time * 1_000, &mut payload);
    for quarter in quarters {
        for (alias, register) in (1..).zip(quarter.registers) {
            let mut metric = Vec::new();
            integer(2, alias, &mut metric);
            integer(3, quarter.time * 1_000, &mut metric);
            integer(11, register, &mut metric);
            // Field 2, of given length.
            payload.extend([2 << 3 | 2, metric.len() as u8]);
            payload.extend(metric);
        }
    }
    integer(3, last.seq % 256, &mut payload);
    payload
}

/// A field with an integer of 7 bits a byte.
fn integer(field: u8, mut value: u64, message: &mut Vec<u8>) {
    message.push(field << 3);
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: Quarter = Quarter {
        seq: 5,
        time: 1_000,
        registers: [1, 0, 300, 24],
    };

    #[test]
    fn a_day_has_its_quarters_and_registers_rise() {
        let day = day();
        assert_eq!(day.len(), 96);
        for pair in day.windows(2) {
            let registers = pair[0].registers.iter().zip(pair[1].registers);
            assert!(
                registers
                    .into_iter()
                    .all(|(before, after)| *before <= after)
            );
        }
    }

    #[test]
    fn packs_of_senml() {
        let json = r#"[{"bn":"4d5452000000002a:","bt":1000,"bver":10,"n":"i","v":1},{"n":"e","v":0},{"n":"ri","v":300},{"n":"re","v":24}]"#;
        let text = String::from_utf8(senml_json(&[QUARTER]));
        assert_eq!(text.as_deref(), Ok(json));
        let mut cbor = b"\x84\xA5\x20\x0A\x21\x714d5452000000002a:".to_vec();
        cbor.extend(b"\x22\x19\x03\xE8\x00\x61i\x02\x01\xA2\x00\x61e\x02\x00");
        cbor.extend(b"\xA2\x00\x62ri\x02\x19\x01\x2C\xA2\x00\x62re\x02\x18\x18");
        assert_eq!(senml_cbor(&[QUARTER]), cbor);
    }

    #[test]
    fn payload_of_sparkplug() {
        let time = b"\xC0\x84\x3D";
        let mut payload = b"\x08".to_vec();
        payload.extend(time);
        for (alias, value) in (1..).zip([&[1][..], &[0], &[0xAC, 2], &[24]]) {
            payload.extend([0x12, 8 + value.len() as u8 - 1, 0x10, alias, 0x18]);
            payload.extend(time);
            payload.push(0x58);
            payload.extend(value);
        }
        payload.extend([0x18, 5]);
        assert_eq!(sparkplug(&[QUARTER]), payload);
    }
}
