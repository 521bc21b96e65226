//! The database by itself.

use std::collections::BTreeMap;
use std::path::Path;

use head_end::record::{
    Before, Detail, Event, MeterId, Place, Record, Report, Values, register, stream,
};
use head_end::store::{Completeness, Entry, Store, StoreError};
use proptest::prelude::*;
use rusqlite::Connection;

fn meter() -> MeterId {
    MeterId::parse("4d54520000000001").expect("an identity")
}

fn record(seq: i64, import: i64) -> Record {
    let mut values = Values::default();
    values.set(register::IMPORT, 0, import);
    let place = Place {
        epoch: 1,
        stream: stream::PROFILE,
        seq,
    };
    Record {
        place,
        time: 1_000 + seq * 900,
        period: 900,
        status: 0,
        values,
    }
}

fn entry(records: Vec<Record>) -> Entry {
    Entry::Report {
        meter: meter(),
        arrival: 5_000,
        report: Report::Records(records),
    }
}

fn complete(seq: i64) -> Vec<Completeness> {
    vec![Completeness {
        meter: meter(),
        epoch: 1,
        streams: vec![(stream::PROFILE, seq)],
    }]
}

fn stored(store: &Store) -> Vec<Record> {
    let mut all = Vec::new();
    if let Some(state) = store.fleet().meter(meter()) {
        let reader = store.reader();
        let read = reader.records(state.key, stream::PROFILE, (i64::MIN, i64::MAX), |record| {
            all.push(record);
            true
        });
        read.expect("read");
    }
    all
}

#[test]
fn appending_again_changes_nothing_but_the_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("db")).expect("a new database");
    let batch = [
        entry(vec![record(1, 10), record(2, 20)]),
        entry(vec![record(2, 20)]),
    ];
    assert_eq!(store.append(&batch).expect("append").receipts, complete(2));
    let before = stored(&store);
    assert_eq!(store.append(&batch).expect("append").receipts, complete(2));
    assert_eq!(stored(&store), before);
    assert_eq!(before, [record(1, 10), record(2, 20)]);
    let state = store.fleet().meter(meter()).expect("known");
    assert_eq!(state.streams[&(1, stream::PROFILE)].duplicates, 1 + 3);
}

#[test]
fn other_content_under_the_same_key_is_a_conflict_and_the_first_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("db")).expect("a new database");
    store.append(&[entry(vec![record(1, 10)])]).expect("append");
    let outcome = store.append(&[entry(vec![record(1, 11)])]).expect("append");
    assert_eq!(outcome.conflicts, [(meter(), record(1, 0).place)]);
    assert_eq!(stored(&store), [record(1, 10)]);
}

#[test]
fn events_with_every_kind_of_detail_come_back_and_are_not_doubled() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("db")).expect("a new database");
    let details = [
        Detail::None,
        Detail::Number(-7),
        Detail::Text("è".into()),
        Detail::Bytes(vec![0, 255]),
    ];
    let event = |(seq, detail): (i64, &Detail)| Event {
        place: Place {
            epoch: 1,
            stream: stream::EVENT,
            seq,
        },
        time: 1_000 + seq / 2,
        code: 2,
        detail: detail.clone(),
    };
    let events: Vec<_> = (1..).zip(&details).map(event).collect();
    let batch = [Entry::Report {
        meter: meter(),
        arrival: 1,
        report: Report::Events(events.clone()),
    }];
    for _ in 0..2 {
        let outcome = store.append(&batch).expect("append");
        assert_eq!(outcome.receipts[0].streams, [(stream::EVENT, 4)]);
        assert_eq!(outcome.conflicts, []);
    }
    let key = store.fleet().meter(meter()).expect("known").key;
    let mut read = store.reader().events(key, Before::END, 10).expect("read");
    read.reverse();
    assert_eq!(read, events);

    // In pages of one, each behind the one before, though some have the same time.
    let (mut before, mut paged) = (Before::END, Vec::new());
    while let Some(event) = store.reader().events(key, before, 1).expect("read").pop() {
        before = Before {
            time: event.time,
            seq: event.place.seq,
            epoch: event.place.epoch.into(),
        };
        paged.push(event);
    }
    paged.reverse();
    assert_eq!(paged, events);
}

#[test]
fn what_was_refused_is_kept_as_it_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let mut store = Store::open(&path).expect("a new database");
    let refused = Entry::Refused {
        arrival: 9,
        topic: "t".into(),
        reason: "r".into(),
        payload: vec![1, 2, 3],
    };
    store.append(&[refused]).expect("append");
    assert_eq!(store.fleet().read(|fleet| fleet.refused), 1);
    drop(store);
    let again = Store::open(&path).expect("open");
    assert_eq!(again.fleet().read(|fleet| fleet.refused), 1);
    let conn = Connection::open(&path).expect("open");
    let payload: Vec<u8> = conn
        .query_row("SELECT payload FROM refused", [], |row| row.get(0))
        .expect("one row");
    assert_eq!(payload, [1, 2, 3]);
}

#[test]
fn a_file_of_another_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    drop(Store::open(&path).expect("a new database"));
    let conn = Connection::open(&path).expect("open");
    conn.pragma_update(None, "user_version", 7).expect("set");
    drop(conn);
    let error = Store::open(&path).err().expect("refused");
    assert!(
        matches!(error, StoreError::OtherVersion { found: 7, .. }),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        text.contains("version 7") && text.contains("--db"),
        "{text}"
    );
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text");
    std::fs::write(
        &text,
        "Dear diary, today I was not a database at all. ".repeat(50),
    )
    .expect("write");
    let foreign = folder.path().join("foreign");
    let conn = Connection::open(&foreign).expect("open");
    conn.execute_batch("CREATE TABLE photo (name TEXT)")
        .expect("create");
    drop(conn);
    for path in [text, foreign] {
        let before = std::fs::read(&path).expect("read");
        let error = Store::open(&path).err().expect("refused");
        assert!(matches!(error, StoreError::NotOurs { .. }), "{error:?}");
        assert_eq!(std::fs::read(&path).expect("read"), before);
    }
}

#[test]
fn a_gap_closes_when_the_meter_says_that_it_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("he.db");
    let mut store = Store::open(&path).expect("a store");
    let append = |store: &mut Store, record| store.append(&[entry(vec![record])]).expect("stored");
    append(&mut store, record(1, 10));
    let after_gap = append(&mut store, record(5, 50));
    assert_eq!(after_gap.receipts, complete(1));
    let mut admits = record(6, 60);
    admits.status = 1 << 17;
    assert_eq!(append(&mut store, admits).receipts, complete(6));
    drop(store);
    let mut store = Store::open(&path).expect("a store");
    let state = store.fleet().meter(meter()).expect("a meter");
    let stream = &state.streams[&(1, stream::PROFILE)];
    assert_eq!((stream.missing(), stream.lost()), (0, 3));
    // One that comes all the same is stored.
    append(&mut store, record(3, 30));
    assert_eq!(stored(&store).len(), 4);
}

#[test]
fn a_second_writer_and_a_missing_folder_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let first = Store::open(&path).expect("a new database");
    let error = Store::open(&path).err().expect("refused");
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    drop(first);
    assert!(Store::open(&path).is_ok(), "free again");
    let error = Store::open(Path::new("/nowhere/at/all/db"))
        .err()
        .expect("refused");
    assert!(error.to_string().contains("--db"), "{error}");
}

/// The runs as SQLite derives them from the records themselves.
fn islands(path: &Path) -> Vec<(i64, i64)> {
    let conn = Connection::open(path).expect("open");
    let sql = "SELECT min(seq), max(seq) FROM
               (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS island FROM record)
               GROUP BY island ORDER BY 1";
    let mut statement = conn.prepare(sql).expect("prepare");
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("query");
    rows.collect::<Result<_, _>>().expect("rows")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever comes in whatever order and however often, cut into whatever batches and with a
    /// restart anywhere: the database holds the first content of each key, and the runs are those
    /// of the records.
    #[test]
    fn any_order_of_arrival_gives_the_same_database(
        arrivals in prop::collection::vec((1_i64..25, 0_i64..3), 1..60),
        cuts in prop::collection::vec(1_usize..7, 1..20),
        restart in 0_usize..20,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("db");
        let mut store = Store::open(&path).expect("a new database");
        let mut model: BTreeMap<i64, i64> = BTreeMap::new();
        let mut rest = &arrivals[..];
        for (number, cut) in cuts.iter().cycle().enumerate() {
            if rest.is_empty() {
                break;
            }
            let (batch, later) = rest.split_at((*cut).min(rest.len()));
            rest = later;
            let entries: Vec<_> =
                batch.iter().map(|&(seq, import)| entry(vec![record(seq, import)])).collect();
            let outcome = store.append(&entries).expect("append");
            for &(seq, import) in batch {
                model.entry(seq).or_insert(import);
            }
            let whole = (1..).take_while(|seq| model.contains_key(seq)).count();
            let said = outcome.receipts.first().map_or(0, |receipt| receipt.streams[0].1);
            prop_assert_eq!(usize::try_from(said).expect("small"), whole);
            if number == restart {
                drop(store);
                store = Store::open(&path).expect("open");
            }
        }
        let expected: Vec<_> =
            model.iter().map(|(&seq, &import)| record(seq, import)).collect();
        prop_assert_eq!(stored(&store), expected);
        let state = store.fleet().meter(meter()).expect("known");
        let stream = &state.streams[&(1, stream::PROFILE)];
        prop_assert_eq!(stream.runs.iter().collect::<Vec<_>>(), islands(&path));
        let seen = stream.runs.count() + stream.duplicates + stream.conflicts;
        prop_assert_eq!(usize::try_from(seen).expect("small"), arrivals.len());
    }

    #[test]
    fn values_survive_their_stored_form(
        values in prop::collection::vec((any::<u16>(), 0_u8..4, any::<i64>()), 0..20),
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut set = Values::default();
        for (register, part, value) in values {
            set.set(register, part, value);
        }
        prop_assert_eq!(Values::decode(&set.encode()), Some(set));
        // Anything decodes or does not; nothing panics.
        let _ = Values::decode(&noise);
    }
}
