//! Messages as JSON: one of each kind, against what a person would write.

#![cfg(feature = "std")]

mod hex;

use hex::hex;
use meter_proto::json::view;
use meter_proto::payload::DecodeError;
use meter_proto::topic::Channel;
use proptest::prelude::*;
use serde_json::{Value, json};

fn shown(channel: Channel, text: &str) -> Value {
    view(channel, &hex(text)).unwrap()
}

#[test]
fn a_reading_of_one_phase() {
    let bytes = "AF 00 1A 0001E240 01 01 02 1A 6955B900 03 19 0104 04 1A 000387FC \
        05 19 1309 06 19 2A4E 07 39 0C6B 08 19 2C17 09 19 03C0 0A 19 C33C 0B 1A 00BC614E \
        0C 19 10E1 0D 1A 0023CACE 0E 1A 00015666";
    let expected = json!({
        "message": "reading",
        "sequence": 123_456,
        "epoch": 1,
        "time": 1_767_225_600,
        "time_utc": "2026-01-01T00:00:00Z",
        "status": {
            "bits": 260,
            "names": ["interval estimated or not whole", "disconnector open"],
        },
        "voltage": { "value": 231_420, "unit": "mV", "obis": "1-0:32.7.0" },
        "current": { "value": 4_873, "unit": "mA", "obis": "1-0:31.7.0" },
        "active_power": { "value": 10_830, "unit": "0.1 W", "obis": "1-0:16.7.0" },
        "reactive_power": { "value": -3_180, "unit": "0.1 var", "obis": "1-0:3.7.0" },
        "apparent_power": { "value": 11_287, "unit": "0.1 VA", "obis": "1-0:9.7.0" },
        "power_factor": { "value": 960, "unit": "0.001", "obis": "1-0:33.7.0" },
        "frequency": { "value": 49_980, "unit": "mHz", "obis": "1-0:14.7.0" },
        "active_energy_import": { "value": 12_345_678, "unit": "Wh", "obis": "1-0:1.8.0" },
        "active_energy_export": { "value": 4_321, "unit": "Wh", "obis": "1-0:2.8.0" },
        "reactive_energy_import": { "value": 2_345_678, "unit": "varh", "obis": "1-0:3.8.0" },
        "reactive_energy_export": { "value": 87_654, "unit": "varh", "obis": "1-0:4.8.0" },
    });
    assert_eq!(shown(Channel::Reading, bytes), expected);
}

/// Two phases, a status bit without a name, and two keys of a later version.
#[test]
fn a_reading_of_two_phases_with_unknown_keys() {
    let bytes = "A8 00 01 01 01 02 05 03 1A 80000000 04 82 19 03E8 19 07D0 06 82 01 20 \
        0F 84 01 02 03 04 18 63 A1 61 78 F6";
    let expected = json!({
        "message": "reading",
        "sequence": 1,
        "epoch": 1,
        "time": 5,
        "time_utc": "1970-01-01T00:00:05Z",
        "status": { "bits": 2_147_483_648_u32, "names": ["bit 31"] },
        "voltage": {
            "value": [1_000, 2_000],
            "unit": "mV",
            "obis": ["1-0:32.7.0", "1-0:52.7.0"],
        },
        "active_power": {
            "value": [1, -1],
            "unit": "0.1 W",
            "obis": ["1-0:21.7.0", "1-0:41.7.0"],
        },
        "unknown_keys": { "count": 2, "hex": { "15": "8401020304", "99": "a16178f6" } },
    });
    assert_eq!(shown(Channel::Reading, bytes), expected);
}

#[test]
fn a_load_profile() {
    let bytes = "A8 00 01 01 01 02 1A 6955BC84 15 19 0384 16 84 0B 19 2004 19 0101 03 \
        17 84 19 03E8 00 18 C8 00 18 18 84 07 00 01 00 18 19 A1 01 08";
    let expected = json!({
        "message": "profile",
        "epoch": 1,
        "period_s": 900,
        "columns": [
            {
                "register": 11,
                "obis": "1-0:1.8.0",
                "name": "active energy import",
                "unit": "Wh",
            },
            { "register": 8_196, "obis": "1-0:32.4.0" },
            { "register": 257, "obis": "1-0:1.1.0" },
            { "register": 3 },
        ],
        "records": [
            {
                "sequence": 1,
                "time": 1_767_226_500,
                "time_utc": "2026-01-01T00:15:00Z",
                "status": { "bits": 0, "names": [] },
                "values": [1_000, 0, 200, 0],
            },
            {
                "sequence": 2,
                "time": 1_767_227_400,
                "time_utc": "2026-01-01T00:30:00Z",
                "status": { "bits": 8, "names": ["power failed in this interval"] },
                "values": [1_007, 0, 201, 0],
            },
        ],
    });
    assert_eq!(shown(Channel::Profile, bytes), expected);
}

/// The longest message of all: its differences are no unknown value, and pass its limits.
#[test]
fn a_long_load_profile() {
    let mut bytes = hex("A7 00 01 01 01 02 05 15 01 16 81 0B 17 81 00 18 18 99 018F");
    bytes.extend([1; 399]);
    let shown = view(Channel::Profile, &bytes).unwrap();
    assert_eq!(shown["records"].as_array().map(Vec::len), Some(400));
    assert_eq!(shown["records"][399]["values"], json!([399]));
}

#[test]
fn a_billing_record() {
    let bytes = "A9 00 0C 01 01 02 1A 6955B900 0B 1A 00BC614E 18 1A 0C \
        18 1B A1 02 84 01 02 03 04 18 1C A1 00 82 19 1306 1A 694444A4 18 1D 42 D284 18 63 00";
    let expected = json!({
        "message": "billing",
        "sequence": 12,
        "epoch": 1,
        "time": 1_767_225_600,
        "time_utc": "2026-01-01T00:00:00Z",
        "status": { "bits": 0, "names": [] },
        "active_energy_import": { "value": 12_345_678, "unit": "Wh", "obis": "1-0:1.8.0" },
        "period": 12,
        "rates": { "2": {
            "active_energy_import": { "value": 1, "unit": "Wh", "obis": "1-0:1.8.2" },
            "active_energy_export": { "value": 2, "unit": "Wh", "obis": "1-0:2.8.2" },
            "reactive_energy_import": { "value": 3, "unit": "varh", "obis": "1-0:3.8.2" },
            "reactive_energy_export": { "value": 4, "unit": "varh", "obis": "1-0:4.8.2" },
        } },
        "maximum_demands": { "0": {
            "demand": { "value": 4_870, "unit": "W", "obis": "1-0:1.6.0" },
            "end": 1_766_081_700,
            "end_utc": "2025-12-18T18:15:00Z",
        } },
        "signature": { "checked": false, "hex": "d284" },
        "unknown_keys": { "count": 1, "hex": { "99": "00" } },
    });
    assert_eq!(shown(Channel::Billing, bytes), expected);
}

#[test]
fn events() {
    let bytes = "A3 00 0A 01 03 18 1E 84 82 1A 6955B900 02 83 1A 6955B900 19 0102 24 \
        83 1A 6955B900 19 270F 61 78 83 1B FFFFFFFFFFFFFFFF 19 0109 42 0102";
    let time = 1_767_225_600;
    let utc = "2026-01-01T00:00:00Z";
    let expected = json!({
        "message": "events",
        "epoch": 3,
        "events": [
            { "sequence": 10, "time": time, "time_utc": utc, "code": 2, "name": "power up" },
            {
                "sequence": 11,
                "time": time,
                "time_utc": utc,
                "code": 258,
                "name": "records lost to a full store",
                "detail": -5,
            },
            { "sequence": 12, "time": time, "time_utc": utc, "code": 9_999, "detail": "x" },
            {
                "sequence": 13,
                "time": u64::MAX,
                "code": 265,
                "name": "update block failed its check",
                "detail": { "hex": "0102" },
            },
        ],
    });
    assert_eq!(shown(Channel::Events, bytes), expected);
}

#[test]
fn diagnostics() {
    let bytes = "AD 00 01 01 01 02 1A 6955B900 18 29 38 8C 18 2A 38 68 18 2B 18 23 \
        18 2C 1A 0ABCDE01 18 2D 19 012C 18 2E 1A 000180A2 18 2F 02 18 30 1A 00011170 \
        18 31 19 03E8 18 32 19 0800";
    let expected = json!({
        "message": "diagnostic",
        "sequence": 1,
        "epoch": 1,
        "time": 1_767_225_600,
        "time_utc": "2026-01-01T00:00:00Z",
        "status": { "bits": 0, "names": [] },
        "rsrp": { "value": -141, "unit": "dBm" },
        "rsrq": { "value": -105, "unit": "0.1 dB" },
        "snr": { "value": 35, "unit": "0.1 dB" },
        "cell": 180_149_761,
        "records_waiting": 300,
        "oldest_profile_record": 98_466,
        "reconnects": 2,
        "sent": { "value": 70_000, "unit": "byte" },
        "received": { "value": 1_000, "unit": "byte" },
        "free_stack": { "value": 2_048, "unit": "byte" },
    });
    assert_eq!(shown(Channel::Diagnostic, bytes), expected);
}

#[test]
fn birth_and_will() {
    let birth = "AB 00 07 01 01 02 1A 6955B900 18 1F 65 312E322E30 18 20 66 7374706D3334 \
        18 21 03 18 22 01 18 23 63 383938 18 25 05 18 27 F5 18 28 07";
    let expected = json!({
        "message": "birth",
        "sequence": 7,
        "epoch": 1,
        "time": 1_767_225_600,
        "time_utc": "2026-01-01T00:00:00Z",
        "status": { "bits": 0, "names": [] },
        "firmware": "1.2.0",
        "hardware": "stpm34",
        "boot_count": 3,
        "reset_cause": 1,
        "identity": "898",
        "on_line": true,
        "connection": 7,
        "unknown_keys": { "count": 1, "hex": { "37": "05" } },
    });
    assert_eq!(shown(Channel::State, birth), expected);
    let will = json!({ "message": "death", "epoch": 1, "on_line": false, "connection": 7 });
    assert_eq!(shown(Channel::State, "A3 01 01 18 27 F4 18 28 07"), will);
}

#[test]
fn a_receipt() {
    let bytes = "A3 01 01 18 33 A3 01 1A 0001E240 03 0C 09 06 18 40 00";
    let expected = json!({
        "message": "receipt",
        "epoch": 1,
        "stored_up_to": { "reading": 123_456, "billing": 12, "stream 9": 6 },
        "unknown_keys": { "count": 1, "hex": { "64": "00" } },
    });
    assert_eq!(shown(Channel::Receipt, bytes), expected);
}

#[cfg(feature = "commands")]
#[test]
fn commands_and_answers() {
    let command = "D1 84 47 A2010404420101 A0 58 1E \
        A5183419126718351A6956C4301836061837A10119070818381A6956B620 48 BE7E74171CB8E5E2";
    let expected = json!({
        "message": "command",
        "envelope": "COSE_Mac0",
        "key": { "role": "operations", "generation": 1 },
        "checked": false,
        "counter": 4_711,
        "not_after": 1_767_294_000,
        "not_after_utc": "2026-01-01T19:00:00Z",
        "operation": { "number": 6, "name": "switch off" },
        "arguments": { "spread_s": 1_800 },
        "run_at": 1_767_290_400,
        "run_at_utc": "2026-01-01T18:00:00Z",
    });
    assert_eq!(shown(Channel::Command, command), expected);
    let secret = "D0 83 47 A2010A04420101 A1 05 4D C83567CBEBEB94A1CA65416C2D 58 26 \
        D0943100D2C4FE0A7A04EA7ADED23E6500B6403386CE342DCF0BCD374DBA 70FC83B68B5F2CFD";
    let expected = json!({
        "message": "command",
        "envelope": "COSE_Encrypt0",
        "key": { "role": "operations", "generation": 1 },
        "checked": false,
    });
    assert_eq!(shown(Channel::Command, secret), expected);
    let answer = "D1 84 47 A2010404420101 A0 49 A2 18 34 19 1267 18 39 00 48 B6798656DA25FFA6";
    let expected = json!({
        "message": "answer",
        "envelope": "COSE_Mac0",
        "key": { "role": "operations", "generation": 1 },
        "checked": false,
        "counter": 4_711,
        "outcome": { "number": 0, "name": "done" },
    });
    assert_eq!(shown(Channel::Answer, answer), expected);
}

/// Nobody should send one unencrypted; if somebody did, it goes no further.
#[cfg(feature = "commands")]
#[test]
fn a_key_is_not_shown() {
    use meter_core::units::UtcSeconds;
    use meter_proto::command::{Command, Form, Key, KeyId, Operation, Role};
    let command = Command {
        counter: 1,
        not_after: UtcSeconds::new(0),
        operation: Operation::RotateKey,
        arguments: Some(b"\xa3\x01\x01\x02\x02\x03\x44secr"),
        run_at: None,
    };
    let id = KeyId {
        role: Role::Maintenance,
        generation: 1,
    };
    let meter = meter_proto::topic::MeterId([0; 8]);
    let mut buffer = [0; 128];
    let key = Key::new([7; 32]);
    let length = command
        .seal(Form::Mac0, &key, id, meter, &mut buffer)
        .unwrap();
    let shown = view(Channel::Command, &buffer[..length]).unwrap();
    assert_eq!(shown["operation"]["name"], "rotate key");
    assert_eq!(shown["argument_bytes"], 11);
    assert!(!shown.to_string().contains("73656372"));
}

#[cfg(feature = "notices")]
#[test]
fn a_notice() {
    let bytes = hex(
        "D2 84 46 A20127044101 A0 58 18 A418340718351A6956C430183F011840821A6956B62018FA \
        58 40 8A696DCA609C307DE0B61D972B076C587FB7D9E65E5B38224134620C9307DF41 \
        36A147E2B46D76DB3085EA2ADFFFE87018FD0E72CEF9A2EA117E210840D6FC07",
    );
    let expected = json!({
        "message": "notice",
        "envelope": "COSE_Sign1",
        "author": 1,
        "checked": false,
        "counter": 7,
        "not_after": 1_767_294_000,
        "not_after_utc": "2026-01-01T19:00:00Z",
        "kind": 1,
        "body_hex": "821a6956b62018fa",
    });
    assert_eq!(meter_proto::json::notice(&bytes), Ok(expected));
    let too_long = meter_proto::json::notice(&[0; 513]);
    assert_eq!(too_long, Err(DecodeError::TooMuch));
}

#[cfg(feature = "update")]
#[test]
fn manifests_and_blocks() {
    let manifest = hex("D2 84 49 A20127044456475AA7 A0 58 92 \
        AB01010205035076656E646F722076656E646F722069640450636C617373206F662061206D65746572 \
        05030600071903E8085820C71E2DA1A0F4455AF0A30DFBC8589EA084DCD07E707D68772B8265A3AAA8EF9A \
        09821901005820BDF2ED47B1BE948EF05DCB5088E3E8EC025D7D4D1F902E57C641214AF4388E270A8465 \
        312E342E300801070B821A6955B8C41A6955C710 58 40 \
        18FF6D435510FEEC8BB38D289BF1DD72AD22F42988D3425A5F7A0D2B8ADB66C5 \
        22C165806DAFC3B56C4FA3938BA01AA1A59395258593C707A11A37B80C4CE70B");
    let expected = json!({
        "message": "manifest",
        "envelope": "COSE_Sign1",
        "key_hex": "56475aa7",
        "checked": false,
        "image": "52d9eeffa1c8cdeb",
        "sequence": 5,
        "vendor_hex": "76656e646f722076656e646f72206964",
        "class_hex": "636c617373206f662061206d65746572",
        "security_counter": 3,
        "component": "application",
        "size_bytes": 1_000,
        "sha256": "c71e2da1a0f4455af0a30dfbc8589ea084dcd07e707d68772b8265a3aaa8ef9a",
        "block_bytes": 256,
        "blocks": 4,
        "list_sha256": "bdf2ed47b1be948ef05dcb5088e3e8ec025d7d4d1f902e57c641214af4388e27",
        "version": "1.4.0",
        "build": 8,
        "replaces_builds": [1, 7],
        "not_before": 1_767_225_540,
        "not_before_utc": "2025-12-31T23:59:00Z",
        "not_after": 1_767_229_200,
        "not_after_utc": "2026-01-01T01:00:00Z",
        "changes_metrology": false,
        "needs_consent": false,
    });
    assert_eq!(meter_proto::json::manifest(&manifest), Ok(expected));
    let query = "A3 18 3B 48 0102030405060708 18 3C 19 1000 18 3D 19 0400";
    let expected = json!({
        "message": "firmware query",
        "image": "0102030405060708",
        "part": "image",
        "offset_bytes": 4_096,
        "length_bytes": 1_024,
    });
    assert_eq!(shown(Channel::FirmwareQuery, query), expected);
    let data = "A3 18 3B 48 0102030405060708 18 3C 1A 80000000 18 3E 42 AABB";
    let expected = json!({
        "message": "firmware block",
        "image": "0102030405060708",
        "part": "list of hashes",
        "offset_bytes": 0,
        "length_bytes": 2,
        "hex": "aabb",
    });
    assert_eq!(shown(Channel::FirmwareData, data), expected);
}

#[test]
fn what_is_no_message_is_an_error() {
    let no_time = view(Channel::Reading, &hex("A2 00 01 01 01"));
    assert_eq!(no_time, Err(DecodeError::Missing { key: 2 }));
    let empty = view(Channel::Receipt, &[]);
    assert_eq!(empty, Err(DecodeError::Malformed));
    #[cfg(not(feature = "commands"))]
    assert_eq!(view(Channel::Command, &[]), Err(DecodeError::NotForUs));
    #[cfg(not(feature = "update"))]
    assert_eq!(view(Channel::FirmwareData, &[]), Err(DecodeError::NotForUs));
}

/// 9999-12-31T23:59:59Z is the last second that RFC 3339 can write.
#[test]
fn times_are_right_up_to_the_last_year() {
    for (time, utc) in [
        ("00", json!("1970-01-01T00:00:00Z")),
        ("1A 65E06BFB", json!("2024-02-29T11:35:23Z")),
        ("1B 0000003AFFF4417F", json!("9999-12-31T23:59:59Z")),
        ("1B 0000003AFFF44180", Value::Null),
        ("1B FFFFFFFFFFFFFFFF", Value::Null),
    ] {
        let reading = shown(Channel::Reading, &format!("A3 00 01 01 01 02 {time}"));
        assert_eq!(reading["time_utc"], utc, "{time}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_view_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for channel in Channel::ALL {
            let _ = view(channel, &bytes);
        }
    }

    /// What a decoder takes can be shown, with every value of a later version in it.
    #[test]
    fn what_is_decoded_is_shown(at in 0usize..33, to: u8) {
        let mut bytes = hex("A7 00 01 01 01 02 05 0F 84 01 02 03 04 18 1A 01 18 1B A1 01 84 \
            00 00 00 00 18 63 A1 61 78 82 F6 00");
        bytes[at] = to;
        let decoded = meter_proto::payload::Billing::decode(&bytes).map(|_| ());
        prop_assert_eq!(view(Channel::Billing, &bytes).map(|_| ()), decoded);
    }
}
