//! Numbers on the wire, in flash and in events, written out once more: they never change.

#![cfg(all(feature = "commands", feature = "update"))]

use meter_proto::command::{self, Operation, Role};
use meter_proto::payload::Stream;
use meter_proto::update::{self, Component, ImageId, Phase, Record, Refusal};

/// All values of an enumeration with their numbers, those of `spec.md`.
macro_rules! assert_numbers {
    ($name:ty: $($value:ident $number:literal),+) => {
        let table = [$((<$name>::$value, $number)),+];
        assert_eq!(<$name>::ALL.len(), table.len());
        for number in (0..300).chain([u64::MAX]) {
            let found = table.iter().find(|(_, of_value)| u64::from(*of_value) == number);
            assert_eq!(<$name>::from_number(number), found.map(|(value, _)| *value));
        }
        for (value, number) in table {
            assert_eq!(value.number(), number, "{value:?}");
        }
    };
}

#[test]
fn numbers_of_messages() {
    assert_numbers!(Stream: Reading 1, Profile 2, Billing 3, Event 4, Diagnostic 5);
    assert_numbers!(Role: Operations 1, Maintenance 2);
    assert_numbers!(command::Outcome:
        Done 0, Accepted 1, Refused 2, BadArguments 3, Expired 4, Replayed 5, BadAuthentication 6,
        Busy 7, Failed 8, UnknownOperation 9);
    assert_numbers!(Component: Application 0, Modem 1, Bootloader 2);
}

#[test]
fn numbers_of_events() {
    assert_numbers!(Refusal:
        TooLong 1, Shape 2, UnknownKey 3, Forged 4, Manifest 5, Vendor 6, Class 7, Sequence 8,
        SecurityCounter 9, Version 10, Time 11, Room 12, Busy 13, Image 14);
}

#[test]
fn numbers_of_operations() {
    use Operation as O;
    for (number, operation) in (0..).zip([
        O::Ping,
        O::ReadNow,
        O::ReadRange,
        O::SetConfig,
        O::GetConfig,
        O::SetTime,
        O::SwitchOff,
        O::SwitchOn,
        O::SetTariffs,
        O::CloseBilling,
        O::UpdateStart,
        O::UpdateCancel,
        O::UpdateConfirm,
        O::Reboot,
        O::RotateKey,
        O::ClearTamper,
        O::Unknown(16),
    ]) {
        assert_eq!(operation.number(), number);
        assert_eq!(O::from_number(number), operation);
    }
}

#[test]
fn numbers_in_flash() {
    assert_numbers!(Phase: Idle 0, Loading 1, Verified 2, Asked 3, Trial 4, GivenUp 5, Kept 6);
    assert_numbers!(update::Outcome: None 0, Confirmed 1, Reverted 2, Cancelled 3, Failed 4);
    let record = Record {
        phase: Phase::Trial,
        image: ImageId(*b"an image"),
        whole: 1,
        boots: 2,
        sequence: 3,
        outcome: update::Outcome::Reverted,
    };
    let stored = b"\x86\x04\x48an image\x01\x02\x03\x02";
    let mut item = [0; update::MAX_RECORD];
    let length = record.encode(&mut item).unwrap();
    assert_eq!(&item[..length], stored);
    assert_eq!(Record::decode(stored), Ok(record));
    // A phase of a later version was swapped out with it; no other outcome is known.
    let mut later = *stored;
    later[1] = 7;
    let phase = Phase::GivenUp;
    assert_eq!(Record::decode(&later), Ok(Record { phase, ..record }));
    let mut unknown = *stored;
    unknown[14] = 5;
    assert!(Record::decode(&unknown).is_err());
}
