//! What a card answers: objects, profiles, results, and status bytes without an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nbiot_at::esim::apdu::{Channel, StoreData};
use nbiot_at::esim::es10::{DeleteResult, DisableResult, EnableResult};
use nbiot_at::esim::tlv::Reader;
use nbiot_at::esim::{Eid, Profiles};

type Input<'b> = (&'b [u8], Vec<&'b [u8]>, u8);

fuzz_target!(|input: Input<'_>| {
    let (bytes, answers, channel) = input;
    let objects = Reader::new(bytes).flatten();
    let sizes: usize = objects.map(|object| object.value.len()).sum();
    assert!(sizes <= bytes.len());
    let _ = Eid::parse(bytes);
    let _ = EnableResult::parse(bytes);
    let _ = DisableResult::parse(bytes);
    let _ = DeleteResult::parse(bytes);
    if let Ok(profiles) = Profiles::parse(bytes) {
        assert!(profiles.count() <= bytes.len());
    }
    let channel = Channel::new(channel % 4).expect("below four");
    let mut response = [0; 64];
    let Ok(mut exchange) = StoreData::new(channel, bytes, &mut response) else {
        return;
    };
    for answer in answers {
        let Some(command) = exchange.next() else {
            break;
        };
        assert_eq!(command.bytes().count(), command.len());
        let _ = exchange.answer(answer);
    }
    assert!(exchange.response().len() <= 64);
});
