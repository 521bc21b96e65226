//! The messages of this crate, and the examples of `spec.md`, before the rules of `spec.md`, by a
//! validator that shares no code with the crate.

mod hex;
mod rules;

use meter_core::status::Status;
use meter_core::units::{Millivolts, UtcSeconds, WattHours};
use meter_proto::payload::{
    Billing, Birth, ByRate, Column, Death, Demand, Detail, Diagnostic, Event, EventList, MAX_RATE,
    Phases, ProfileRecord, RateEnergy, Reading, Receipt, Stamp, Stream, encode_batch,
};
use proptest::prelude::*;
use rules::{RULES, SPEC, assert_invalid, assert_valid, blocks, examples};

/// `meter.cddl` is what a tool takes; people read it in the specification.
#[test]
fn rules_are_those_of_the_specification() {
    let rules = blocks(SPEC, "cddl").join("\n");
    assert_eq!(
        RULES, rules,
        "meter.cddl is not what the blocks of spec.md say"
    );
}

#[test]
fn examples_of_the_specification_keep_its_rules() {
    for (section, roots) in [
        (
            8,
            &[
                "reading",
                "profile",
                "billing",
                "diagnostic",
                "death",
                "receipt",
            ][..],
        ),
        (
            10,
            &[
                "command",
                "sealed-command",
                "sealed-command",
                "sealed-answer",
            ],
        ),
        (11, &["signed-notice"]),
        (13, &["manifest", "signed-manifest", "fw-query", "fw-data"]),
        (14, &["billing"]),
    ] {
        let examples = examples(section);
        assert_eq!(examples.len(), roots.len(), "section {section}");
        for (root, example) in roots.iter().zip(examples) {
            assert_valid(root, &example);
        }
    }
}

#[test]
fn what_the_rules_forbid_is_refused() {
    assert_valid("receipt", b"\xa2\x01\x01\x18\x33\xa1\x01\x01");
    for (what, message) in [
        ("no epoch", &b"\xa1\x18\x33\xa1\x01\x01"[..]),
        ("no stream", b"\xa2\x01\x01\x18\x33\xa0"),
        (
            "an epoch of 33 bits",
            b"\xa2\x01\x1b\0\0\0\x01\0\0\0\0\x18\x33\xa1\x01\x01",
        ),
        ("a sequence below zero", b"\xa2\x01\x01\x18\x33\xa1\x01\x20"),
        ("floating point", b"\xa2\x01\x01\x18\x33\xa1\x01\xf9\x3c\0"),
        ("a will on line", b"\xa3\x01\x01\x18\x27\xf5\x18\x28\x07"),
        ("no map", b"\x82\x01\x01"),
    ] {
        assert_invalid("message", what, message);
    }
    let profile = b"\xa8\0\x01\x01\x01\x02\x01\x15\x01\x16\x81\x0b\x17\x81\x01\x18\x18\x80\x18\x19";
    let profile = |exceptions: &[u8]| [profile, exceptions].concat();
    assert_valid("profile", &profile(b"\xa1\0\x08"));
    assert_invalid("profile", "no exception", &profile(b"\xa0"));
    let wide = profile(b"\xa1\0\x1b\0\0\0\x01\0\0\0\0");
    assert_invalid("profile", "a status of 33 bits", &wide);
    let billing =
        |rates: &[u8]| [b"\xa5\0\x01\x01\x01\x02\x01\x18\x1a\x01\x18\x1b", rates].concat();
    assert_valid("billing", &billing(b"\xa2\0\x84\0\0\0\0\x08\x84\0\0\0\0"));
    for (what, rates) in [
        ("rate 9", &b"\xa1\x09\x84\0\0\0\0"[..]),
        ("a rate that is no number", b"\xa1\x60\x84\0\0\0\0"),
        ("three registers", b"\xa1\x01\x83\0\0\0"),
        ("five registers", b"\xa1\x01\x85\0\0\0\0\0"),
        (
            "a register below zero",
            b"\xa2\x01\x84\0\0\0\0\x02\x84\0\0\0\x20",
        ),
        ("a list of rates", b"\x81\x84\0\0\0\0"),
    ] {
        assert_invalid("billing", what, &billing(rates));
    }
    let signed = |envelope: &[u8]| {
        let head = b"\xa6\0\x01\x01\x01\x02\x01\x18\x1a\x01\x18\x1b\xa1\0\x84\0\0\0\0\x18\x1d\x58";
        [&head[..], &[envelope.len() as u8], envelope].concat()
    };
    assert_valid("billing", &signed(&SIGNATURE));
    assert_invalid("billing", "half a signature", &signed(&SIGNATURE[..45]));
    let mut attached = SIGNATURE;
    attached[10] = 0x40;
    assert_invalid("billing", "a payload in its signature", &signed(&attached));
}

/// Key 29 as it looks; nothing of it is right.
const SIGNATURE: [u8; 77] = {
    let mut envelope = [0; 77];
    let (head, _) = envelope.split_at_mut(13);
    head.copy_from_slice(b"\xd2\x84\x46\xa2\x01\x27\x04\x41\x01\xa0\xf6\x58\x40");
    envelope
};

fn stamp() -> impl Strategy<Value = Stamp> {
    (any::<u64>(), any::<u32>(), any::<u64>(), any::<u32>()).prop_map(
        |(seq, epoch, time, status)| Stamp {
            seq,
            epoch,
            time: UtcSeconds::new(time),
            status: Status::from_bits(status),
        },
    )
}

fn phases<T: Copy + Default + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Phases<T>>> {
    proptest::collection::vec(value, 0..=3).prop_map(|values| Phases::from_slice(&values))
}

proptest! {
    // The validator reads the rules anew for each message.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_reading_keeps_the_rules(
        stamp in stamp(),
        voltage in phases(any::<u32>().prop_map(Millivolts::new)),
        active in phases(any::<i32>()),
        import in any::<Option<u64>>(),
    ) {
        let import = import.map(WattHours::new);
        let reading = Reading { stamp, voltage, active, import, ..Reading::default() };
        let mut buffer = [0; 256];
        let length = reading.encode(&mut buffer).unwrap();
        assert_valid("reading", &buffer[..length]);
    }

    #[test]
    fn any_profile_keeps_the_rules(
        first in 1..u64::MAX / 2,
        values in proptest::collection::vec((any::<u32>(), any::<u32>()), 1..20),
    ) {
        let columns = [Column(11), Column(4)];
        let mut energy = 0;
        let records: Vec<_> = (0..).zip(&values).map(|(n, &(step, status))| {
            energy += i64::from(step);
            let mut record = ProfileRecord {
                seq: first + n,
                time: UtcSeconds::new(1_767_225_600 + 900 * n),
                status: Status::from_bits(status),
                ..ProfileRecord::default()
            };
            (record.values[0], record.values[1]) = (energy, i64::from(status));
            record
        }).collect();
        let mut buffer = [0; 2_048];
        let (length, _) = encode_batch(7, 900, &columns, &records, &mut buffer).unwrap();
        assert_valid("profile", &buffer[..length]);
    }

    /// One rate, and several: `meter.cddl` names each rate, because the validator takes no range
    /// as the key of a map.
    #[test]
    fn any_billing_record_and_diagnostics_keep_the_rules(
        stamp in stamp(),
        import in any::<Option<u64>>(),
        period in any::<u64>(),
        rates in proptest::collection::btree_map(0..=MAX_RATE, any::<u64>(), 1..=9),
        demands in proptest::collection::btree_map(0..=MAX_RATE, any::<u32>(), 0..=9),
        signed in any::<bool>(),
        rsrp in any::<Option<i16>>(),
        cell in any::<Option<u64>>(),
        free_stack in any::<Option<u32>>(),
    ) {
        let rates: Vec<_> = rates.into_iter().map(|(rate, energy)| {
            let import = WattHours::new(energy);
            (rate, RateEnergy { import, ..RateEnergy::default() })
        }).collect();
        let demands: Vec<_> = demands.into_iter().map(|(rate, watts)| {
            (rate, Demand { watts, end: stamp.time })
        }).collect();
        let billing = Billing {
            stamp,
            import: import.map(WattHours::new),
            period,
            rates: ByRate::from_slice(&rates).unwrap(),
            demands: ByRate::from_slice(&demands).unwrap(),
            signature: signed.then_some(&SIGNATURE[..]),
            ..Billing::default()
        };
        let mut buffer = [0; 1_024];
        let length = billing.encode(&mut buffer).unwrap();
        assert_valid("billing", &buffer[..length]);
        let diagnostic = Diagnostic { stamp, rsrp, cell, free_stack, ..Diagnostic::default() };
        let length = diagnostic.encode(&mut buffer).unwrap();
        assert_valid("diagnostic", &buffer[..length]);
    }

    #[test]
    fn any_events_births_wills_and_receipts_keep_the_rules(
        stamp in stamp(),
        codes in proptest::collection::vec((any::<u16>(), any::<i64>()), 1..=32),
        text in "[ -~]{0,30}",
        boots in any::<u32>(),
        stored in any::<u64>(),
    ) {
        let mut buffer = [0; 2_048];
        let events: Vec<_> = codes.iter().map(|&(code, number)| Event {
            time: stamp.time,
            code,
            detail: match code % 4 {
                0 => None,
                1 => Some(Detail::Integer(number)),
                2 => Some(Detail::Text(&text)),
                _ => Some(Detail::Bytes(text.as_bytes())),
            },
        }).collect();
        let length = EventList::encode(stamp.seq, stamp.epoch, &events, &mut buffer).unwrap();
        assert_valid("events", &buffer[..length]);
        let birth = Birth {
            stamp,
            firmware: &text,
            hardware: "bench",
            boot_count: boots,
            reset_cause: 1,
            identity: Some("89882"),
            connection: stored,
        };
        let length = birth.encode(&mut buffer).unwrap();
        assert_valid("birth", &buffer[..length]);
        let death = Death { epoch: stamp.epoch, connection: stored };
        let length = death.encode(&mut buffer).unwrap();
        assert_valid("death", &buffer[..length]);
        let mut receipt = Receipt::new(stamp.epoch);
        for stream in Stream::ALL {
            receipt.set(stream, stored);
        }
        let length = receipt.encode(&mut buffer).unwrap();
        assert_valid("receipt", &buffer[..length]);
    }
}
