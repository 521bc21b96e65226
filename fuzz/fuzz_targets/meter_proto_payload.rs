//! Any bytes as the payload of any channel: what is accepted means the same after a round trip,
//! and needs no more room than the documentation says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meter_proto::payload::{
    Event, EventList, MAX_RECORDS, Message, Profile, ProfileRecord, Reading, Receipt, encode_batch,
};
use meter_proto::topic::{Channel, Topic};

/// Room for the largest message that is accepted, and more.
const ROOM: usize = 64 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((first, payload)) = input.split_first() else {
        return;
    };
    let channel = match first % 6 {
        0 => Channel::Reading,
        1 => Channel::Profile,
        2 => Channel::Events,
        3 => Channel::State,
        4 => return receipt(payload),
        _ => return topic(payload),
    };
    match Message::decode(channel, payload) {
        Ok(Message::Reading(message)) => reading(&message),
        Ok(Message::Profile(message)) => profile(&message),
        Ok(Message::Events(message)) => events(&message),
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

fn receipt(payload: &[u8]) {
    let Ok(message) = Receipt::decode(payload) else {
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
