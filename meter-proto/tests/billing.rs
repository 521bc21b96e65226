//! Billing records and diagnostics: known bytes, and bytes that are not right.

mod hex;

use hex::hex;
use meter_core::status::Status;
use meter_core::units::{UtcSeconds, WattHours};
use meter_proto::payload::{
    Billing, ByRate, DecodeError, Demand, Diagnostic, EncodeError, MAX_RATE, Message, RateEnergy,
    Stamp,
};
use meter_proto::topic::Channel;
use proptest::prelude::*;

const BILLING: &str = "AA 00 0C 01 01 02 1A 6955B900 0B 1A 00BC614E 0C 19 10E1 0D 1A 0023CACE \
    0E 1A 00015666 18 1A 0C 18 1B A2 01 84 1A 007A1200 19 0BB8 1A 0016E360 19 C350 \
    02 84 1A 00424F4E 19 0529 1A 000CE76E 19 9316 18 1C A1 00 82 19 1306 1A 694444A4";

const DIAGNOSTIC: &str = "A5 00 07 01 01 02 1A 6955B900 18 29 38 60 18 2D 05";

const NEW_YEAR: u64 = 1_767_225_600;

fn stamp(seq: u64) -> Stamp {
    Stamp {
        seq,
        epoch: 1,
        time: UtcSeconds::new(NEW_YEAR),
        ..Stamp::default()
    }
}

fn energy([import, export, reactive_import, reactive_export]: [u64; 4]) -> RateEnergy {
    RateEnergy {
        import: WattHours::new(import),
        export: WattHours::new(export),
        reactive_import: WattHours::new(reactive_import),
        reactive_export: WattHours::new(reactive_export),
    }
}

fn billing() -> Billing<'static> {
    let demand = Demand {
        watts: 4_870,
        end: UtcSeconds::new(1_766_081_700),
    };
    Billing {
        stamp: stamp(12),
        import: Some(WattHours::new(12_345_678)),
        export: Some(WattHours::new(4_321)),
        reactive_import: Some(WattHours::new(2_345_678)),
        reactive_export: Some(WattHours::new(87_654)),
        period: 12,
        rates: ByRate::from_slice(&[
            (1, energy([8_000_000, 3_000, 1_500_000, 50_000])),
            (2, energy([4_345_678, 1_321, 845_678, 37_654])),
        ])
        .unwrap(),
        demands: ByRate::from_slice(&[(0, demand)]).unwrap(),
        signature: None,
    }
}

#[test]
fn billing_is_the_example_of_the_wire_format() {
    let mut buffer = [0xa5; 96];
    let length = billing().encode(&mut buffer).unwrap();
    assert_eq!(buffer[..length], hex(BILLING));
    assert_eq!(length, 88);
    assert!(buffer[length..].iter().all(|&byte| byte == 0xa5));
    let bytes = hex(BILLING);
    assert_eq!(Billing::decode(&bytes), Ok(billing()));
    let message = Message::decode(Channel::Billing, &bytes);
    assert_eq!(message, Ok(Message::Billing(billing())));
    for room in 0..length {
        let cut = billing().encode(&mut buffer[..room]);
        assert_eq!(cut, Err(EncodeError::BufferTooSmall));
        assert!(Billing::decode(&bytes[..room]).is_err());
    }
}

#[test]
fn diagnostic_is_the_example_of_the_wire_format() {
    let diagnostic = Diagnostic {
        stamp: stamp(7),
        rsrp: Some(-97),
        waiting: Some(5),
        ..Diagnostic::default()
    };
    let mut buffer = [0xa5; 24];
    let length = diagnostic.encode(&mut buffer).unwrap();
    assert_eq!(buffer[..length], hex(DIAGNOSTIC));
    assert_eq!(length, 18);
    let message = Message::decode(Channel::Diagnostic, &buffer[..length]);
    assert_eq!(message, Ok(Message::Diagnostic(diagnostic)));
}

#[test]
fn every_value_of_a_diagnostic_has_its_key() {
    let diagnostic = Diagnostic {
        stamp: stamp(1),
        rsrp: Some(-141),
        rsrq: Some(-105),
        snr: Some(35),
        cell: Some(0x0ABC_DE01),
        waiting: Some(300),
        oldest: Some(98_466),
        reconnects: Some(2),
        sent: Some(70_000),
        received: Some(1_000),
        free_stack: Some(2_048),
    };
    let bytes = "AD 00 01 01 01 02 1A 6955B900 18 29 38 8C 18 2A 38 68 18 2B 18 23 \
        18 2C 1A 0ABCDE01 18 2D 19 012C 18 2E 1A 000180A2 18 2F 02 18 30 1A 00011170 \
        18 31 19 03E8 18 32 19 0800";
    let mut buffer = [0; 128];
    let length = diagnostic.encode(&mut buffer).unwrap();
    assert_eq!(buffer[..length], hex(bytes));
    assert_eq!(Diagnostic::decode(&hex(bytes)), Ok(diagnostic));
}

/// The widest values everywhere.
#[test]
fn largest_messages_have_their_documented_sizes() {
    let stamp = Stamp {
        seq: u64::MAX,
        epoch: u32::MAX,
        time: UtcSeconds::new(u64::MAX),
        status: Status::from_bits(u32::MAX),
    };
    let most = Some(WattHours::new(u64::MAX));
    let demand = Demand {
        watts: u32::MAX,
        end: UtcSeconds::new(u64::MAX),
    };
    let rates: Vec<_> = (0..=MAX_RATE)
        .map(|rate| (rate, energy([u64::MAX; 4])))
        .collect();
    let demands: Vec<_> = (0..=MAX_RATE).map(|rate| (rate, demand)).collect();
    let billing = Billing {
        stamp,
        import: most,
        export: most,
        reactive_import: most,
        reactive_export: most,
        period: u64::MAX,
        rates: ByRate::from_slice(&rates).unwrap(),
        demands: ByRate::from_slice(&demands).unwrap(),
        signature: None,
    };
    let mut buffer = [0; 576];
    assert_eq!(billing.encode(&mut buffer), Ok(576));
    assert_eq!(Billing::decode(&buffer), Ok(billing));

    let diagnostic = Diagnostic {
        stamp,
        rsrp: Some(i16::MIN),
        rsrq: Some(i16::MIN),
        snr: Some(i16::MIN),
        cell: Some(u64::MAX),
        waiting: Some(u64::MAX),
        oldest: Some(u64::MAX),
        reconnects: Some(u32::MAX),
        sent: Some(u64::MAX),
        received: Some(u64::MAX),
        free_stack: Some(u32::MAX),
    };
    let mut buffer = [0; 128];
    assert!(
        diagnostic
            .encode(&mut buffer)
            .is_ok_and(|length| length > 112)
    );
}

#[test]
fn rates_are_0_to_8_and_each_is_there_once() {
    assert!(ByRate::from_slice(&[(9, 1)]).is_none());
    assert!(ByRate::from_slice(&[(1, 1), (1, 2)]).is_none());
    let rates = ByRate::from_slice(&[(8, 80), (0, 0)]).unwrap();
    assert_eq!(rates.iter().collect::<Vec<_>>(), [(0, 0), (8, 80)]);
    assert_eq!(
        (rates.get(8), rates.get(1), rates.get(9)),
        (Some(80), None, None)
    );
    let nothing = Billing {
        rates: ByRate::default(),
        ..billing()
    };
    assert_eq!(nothing.encode(&mut [0; 96]), Err(EncodeError::Count));
}

#[test]
fn a_billing_record_that_lies_is_refused() {
    let decode = |tail: &str| {
        let bytes = hex(&format!("A5 00 01 01 01 02 05 18 1A 01 {tail}"));
        Billing::decode(&bytes).map(|_| ())
    };
    assert_eq!(decode("18 1B A1 08 84 00 00 00 00"), Ok(()));
    for (tail, error) in [
        ("18 1B A0", DecodeError::OutOfRange { key: 27 }),
        (
            "18 1B A1 09 84 00 00 00 00",
            DecodeError::OutOfRange { key: 27 },
        ),
        (
            "18 1B A1 1B FFFFFFFFFFFFFFFF 84 00 00 00 00",
            DecodeError::OutOfRange { key: 27 },
        ),
        (
            "18 1B A2 01 84 00 00 00 00 01 84 00 00 00 00",
            DecodeError::KeyOrder { key: 1 },
        ),
        (
            "18 1B A2 02 84 00 00 00 00 01 84 00 00 00 00",
            DecodeError::KeyOrder { key: 1 },
        ),
        ("18 1B AA", DecodeError::TooMuch),
        ("18 1B BB FFFFFFFFFFFFFFFF", DecodeError::TooMuch),
        ("18 1B BF FF", DecodeError::Malformed),
        ("18 1B A1 01 83 00 00 00", DecodeError::Malformed),
        ("18 1B A1 01 84 00 00 00 20", DecodeError::Malformed),
        ("18 1C A1 01 82 00 00", DecodeError::Missing { key: 27 }),
    ] {
        assert_eq!(decode(tail), Err(error), "{tail}");
    }
    let no_period = hex("A4 00 01 01 01 02 05 18 1B A1 01 84 00 00 00 00");
    let missing = Err(DecodeError::Missing { key: 26 });
    assert_eq!(Billing::decode(&no_period), missing);
    let demand = |item: &str| {
        let bytes =
            format!("A6 00 01 01 01 02 05 18 1A 01 18 1B A1 01 84 00 00 00 00 18 1C {item}");
        Billing::decode(&hex(&bytes)).map(|_| ())
    };
    assert_eq!(demand("A1 01 82 00 00"), Ok(()));
    assert_eq!(demand("A0"), Err(DecodeError::OutOfRange { key: 28 }));
    assert_eq!(
        demand("A1 09 82 00 00"),
        Err(DecodeError::OutOfRange { key: 28 })
    );
    assert_eq!(demand("A1 01 81 00"), Err(DecodeError::Malformed));
    assert_eq!(
        demand("A1 01 82 1B 0000000100000000 00"),
        Err(DecodeError::Malformed)
    );
}

#[test]
fn unknown_keys_are_passed_over() {
    let later =
        "A7 00 01 01 01 02 05 0F 84 01 02 03 04 18 1A 01 18 1B A1 01 84 00 00 00 00 18 63 F6";
    assert_eq!(Billing::decode(&hex(later)).unwrap().period, 1);
    let later = "A5 00 01 01 01 02 05 18 29 20 18 33 82 01 A1 00 F6";
    assert_eq!(Diagnostic::decode(&hex(later)).unwrap().rsrp, Some(-1));
    let wide = "A4 00 01 01 01 02 05 18 29 19 8000";
    assert_eq!(Diagnostic::decode(&hex(wide)), Err(DecodeError::Malformed));
}

proptest! {
    #[test]
    fn any_record_comes_back(
        seq in any::<u64>(),
        period in any::<u64>(),
        import in any::<Option<u64>>(),
        rates in prop::collection::btree_map(0..=MAX_RATE, any::<[u64; 4]>(), 1..=9),
        demands in prop::collection::btree_map(0..=MAX_RATE, any::<(u32, u64)>(), 0..=9),
        signature in any::<Option<Vec<u8>>>(),
    ) {
        let rates: Vec<_> = rates.into_iter().map(|(rate, of)| (rate, energy(of))).collect();
        let demands: Vec<_> = demands
            .into_iter()
            .map(|(rate, (watts, end))| (rate, Demand { watts, end: UtcSeconds::new(end) }))
            .collect();
        let sent = Billing {
            stamp: stamp(seq),
            import: import.map(WattHours::new),
            period,
            rates: ByRate::from_slice(&rates).unwrap(),
            demands: ByRate::from_slice(&demands).unwrap(),
            signature: signature.as_deref(),
            ..Billing::default()
        };
        let mut buffer = [0; 1_024];
        let length = sent.encode(&mut buffer).unwrap();
        prop_assert_eq!(Billing::decode(&buffer[..length]), Ok(sent));
    }

    #[test]
    fn damaged_message_is_an_error_or_another_message(at in 0usize..88, to: u8) {
        let mut bytes = hex(BILLING);
        bytes[at] = to;
        if let Ok(billing) = Billing::decode(&bytes) {
            prop_assert!(billing.encode(&mut [0; 600]).is_ok());
        }
    }
}
