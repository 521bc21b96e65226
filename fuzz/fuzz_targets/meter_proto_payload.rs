//! Any bytes as the payload of any channel: what is accepted means the same after a round trip,
//! and needs no more room than the documentation says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meter_proto::json;
use meter_proto::payload::{
    Billing, Diagnostic, Event, EventList, MAX_RECORDS, Message, Profile, ProfileRecord, Reading,
    Receipt, encode_batch,
};
use meter_proto::topic::{Channel, MeterId, Topic};

/// Room for the largest message that is accepted, and more.
const ROOM: usize = 64 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((first, payload)) = input.split_first() else {
        return;
    };
    let channel = match first % 8 {
        0 => Channel::Reading,
        1 => Channel::Profile,
        2 => Channel::Events,
        3 => Channel::State,
        4 => return receipt(payload),
        5 => return topic(payload),
        6 => Channel::Billing,
        _ => Channel::Diagnostic,
    };
    let message = Message::decode(channel, payload);
    let shown = json::view(channel, payload);
    assert_eq!(shown.err(), message.err(), "what is read is shown");
    match message {
        Ok(Message::Reading(message)) => reading(&message),
        Ok(Message::Profile(message)) => profile(&message),
        Ok(Message::Billing(message)) => billing(&message, payload),
        Ok(Message::Events(message)) => events(&message),
        Ok(Message::Diagnostic(message)) => diagnostic(&message),
        _ => {}
    }
});

fn reading(message: &Reading) {
    let mut buffer = [0xa5; 176];
    let length = message
        .encode(&mut buffer)
        .expect("176 bytes always suffice");
    assert_eq!(Reading::decode(&buffer[..length]).as_ref(), Ok(message));
}

fn profile(message: &Profile<'_>) {
    let records: Vec<ProfileRecord> = message.records().collect();
    assert_eq!(records.len() as u64, message.count());
    let mut buffer = vec![0xa5; ROOM];
    let columns = message.columns();
    let result = encode_batch(
        message.epoch(),
        message.period(),
        columns,
        &records,
        &mut buffer,
    );
    let (length, taken) = result.expect("a decoded batch can be encoded");
    assert!((1..=records.len().min(MAX_RECORDS)).contains(&taken));
    let again = Profile::decode(&buffer[..length]).expect("an encoded batch can be decoded");
    assert!(again.records().eq(records.into_iter().take(taken)));
}

fn events(message: &EventList<'_>) {
    let (numbers, events): (Vec<u64>, Vec<Event<'_>>) = message.events().unzip();
    assert_eq!(numbers.len() as u64, message.count());
    let mut buffer = vec![0xa5; ROOM];
    let length = EventList::encode(message.seq, message.epoch, &events, &mut buffer)
        .expect("a decoded list can be encoded");
    let again = EventList::decode(&buffer[..length]).expect("an encoded list can be decoded");
    assert!(again.events().eq(numbers.into_iter().zip(events)));
}

fn billing(message: &Billing<'_>, payload: &[u8]) {
    let mut buffer = vec![0xa5; ROOM];
    let length = message
        .encode(&mut buffer)
        .expect("a decoded record can be encoded");
    let without = length - message.signature.map_or(0, |signature| signature.len() + 3);
    assert!(without <= 576 + 2);
    assert_eq!(Billing::decode(&buffer[..length]).as_ref(), Ok(message));
    // Nobody has a key: it may be refused for many reasons, and is never evidence.
    assert!(Billing::verify(payload, MeterId([0; 8]), |_| None).is_err());
}

fn diagnostic(message: &Diagnostic) {
    let mut buffer = [0xa5; 128];
    let length = message
        .encode(&mut buffer)
        .expect("128 bytes always suffice");
    assert_eq!(Diagnostic::decode(&buffer[..length]).as_ref(), Ok(message));
}

fn receipt(payload: &[u8]) {
    let message = Receipt::decode(payload);
    let shown = json::view(Channel::Receipt, payload);
    assert_eq!(shown.err(), message.err(), "what is read is shown");
    let Ok(message) = message else {
        return;
    };
    let mut buffer = [0xa5; 64];
    // One without a stream says nothing: it is read, but not written.
    if message.streams().next().is_none() {
        return;
    }
    let length = message
        .encode(&mut buffer)
        .expect("64 bytes always suffice");
    assert_eq!(Receipt::decode(&buffer[..length]), Ok(message));
}

fn topic(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Some((meter, channel)) = Topic::parse(text) {
        assert_eq!(Topic::new(meter, channel).as_str(), text);
    }
}
