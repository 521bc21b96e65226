//! The ring beside a list without an end.

use meter_core::event_log::{Entry, EventLog, OVERFLOW};
use meter_core::units::UtcSeconds;
use proptest::prelude::*;

#[test]
fn overflow_is_admitted_once_until_entries_are_taken() {
    let mut log = EventLog::<4>::new();
    for code in 0..10 {
        log.push(UtcSeconds::new(u64::from(code)), code, 0);
    }
    let codes: Vec<u16> = log.after(0).map(|entry| entry.code).collect();
    assert_eq!(codes, [6, 7, 8, 9]);
    // Ten events and one admission went in, four are held.
    assert_eq!((log.newest(), log.lost()), (11, 7));
    log.taken(log.newest());
    for code in 20..24 {
        log.push(UtcSeconds::ZERO, code, 0);
    }
    assert_eq!(log.lost(), 7);
    log.push(UtcSeconds::ZERO, 24, 0);
    let last: Vec<(u16, i64)> = log
        .after(13)
        .map(|entry| (entry.code, entry.detail))
        .collect();
    assert_eq!(last, [(22, 0), (23, 0), (OVERFLOW, 8), (24, 0)]);
    assert_eq!(log.lost(), 9);
}

proptest! {
    #[test]
    fn entries_are_the_last_of_all_and_every_loss_is_counted(
        acts in prop::collection::vec((0u16..100, any::<bool>(), 0u64..80), 0..100),
    ) {
        let mut log = EventLog::<8>::new();
        let (mut all, mut taken): (Vec<Entry>, u64) = (Vec::new(), 0);
        for (code, is_take, sequence) in acts {
            if is_take {
                log.taken(sequence);
                taken = taken.max(sequence.min(log.newest()));
            } else {
                let sequence = log.push(UtcSeconds::new(7), code, -1);
                let admission = sequence.checked_sub(1).filter(|&s| s > all.len() as u64);
                for sequence in admission.into_iter().chain([sequence]) {
                    let entry = log.after(sequence - 1).next().copied().unwrap();
                    prop_assert_eq!(entry.sequence, sequence);
                    all.push(entry);
                }
                prop_assert_eq!(all.last().unwrap().code, code);
            }
            let held: Vec<Entry> = log.after(0).copied().collect();
            let first = all.len().saturating_sub(8);
            prop_assert_eq!(&held, &all[first..]);
            // Whatever is neither held nor taken is lost, and counted.
            prop_assert!(log.lost() >= (first as u64).saturating_sub(taken));
        }
    }
}
