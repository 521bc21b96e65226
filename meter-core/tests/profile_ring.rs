//! The load profile in flash: every second asked for is in an interval or in a hole.

mod flash;

use core::ops::ControlFlow;

use flash::{Fault, Flash, SECTOR};
use meter_core::journal::Error;
use meter_core::profile::{Entry, LoadProfile, PeriodError, ProfileRing, Reading, Span};
use meter_core::status::Status;
use meter_core::units::{Seconds, UtcSeconds, WattHours};
use proptest::prelude::*;

/// Six slots of 40 bytes in a sector of 256.
type Ring = ProfileRing<Flash, 40, 2>;

fn open(flash: Flash) -> Ring {
    let end = u32::try_from(flash.bytes.len()).expect("a small flash");
    Ring::open(flash, 0..end).expect("a layout that fits")
}

fn entry(end: u64, minutes: u8, number: u64) -> Entry<2> {
    Entry {
        end: UtcSeconds::new(end),
        span: Span::minutes(minutes).expect("1 to 60"),
        status: Status::from_bits(number as u32),
        registers: [
            WattHours::new(number * 7),
            WattHours::new((1 << 48) - 1 - number),
        ],
    }
}

fn all(ring: &mut Ring, from: u64, until: u64) -> Vec<Reading<2>> {
    let mut found = Vec::new();
    let range = UtcSeconds::new(from)..UtcSeconds::new(until);
    ring.read(range, |reading| {
        found.push(reading);
        ControlFlow::Continue(())
    })
    .expect("the flash is whole");
    found
}

const fn hole(from: u64, until: u64) -> Reading<2> {
    Reading::Hole {
        from: UtcSeconds::new(from),
        until: UtcSeconds::new(until),
    }
}

#[test]
fn a_range_is_read_with_its_holes() {
    let mut ring = open(Flash::new(3));
    assert_eq!(all(&mut ring, 100, 200), [hole(100, 200)]);
    assert_eq!(ring.latest(), Ok(None));
    let quarters: Vec<Entry<2>> = [1, 2, 3, 6, 7].map(|n| entry(n * 900, 15, n)).into();
    for quarter in &quarters {
        ring.push(quarter).expect("room");
    }
    let mut ring = open(ring.release());
    assert_eq!(ring.latest(), Ok(quarters.last().copied()));
    let interval = |n: usize| Reading::Interval(quarters[n]);
    assert_eq!(
        all(&mut ring, 900, 7_000),
        [
            interval(1),
            interval(2),
            hole(2_700, 4_500),
            interval(3),
            interval(4),
            hole(6_300, 7_000)
        ]
    );
    // An interval that the range cuts is whole, one that it touches is not in it.
    assert_eq!(all(&mut ring, 1_000, 2_700), [interval(1), interval(2)]);
    assert_eq!(all(&mut ring, 3_000, 4_000), [hole(3_000, 4_000)]);
    let mut first = None;
    let read = ring.read(UtcSeconds::new(0)..UtcSeconds::new(9_000), |reading| {
        assert!(first.is_none(), "breaking off ends it");
        first = Some(reading);
        ControlFlow::Break(())
    });
    assert_eq!((read, first), (Ok(()), Some(interval(0))));
}

#[test]
fn what_was_overwritten_is_a_hole() {
    let mut ring = open(Flash::new(2));
    for number in 1..=40 {
        ring.push(&entry(number * 60, 1, number))
            .expect("room is made");
    }
    let found = all(&mut ring, 0, 40 * 60);
    let Reading::Hole { from, until } = found[0] else {
        panic!("the oldest are gone");
    };
    assert_eq!(from.get(), 0);
    let kept = (40 * 60 - until.get()) / 60;
    assert!((6..=12).contains(&kept), "{kept}");
    assert_eq!(found.len() as u64, kept + 1);
}

#[test]
fn a_damaged_record_is_a_hole() {
    let mut ring = open(Flash::new(2));
    for number in 1..=5 {
        ring.push(&entry(number * 60, 1, number)).expect("room");
    }
    let mut flash = ring.release();
    flash.bytes[2 * 40 + 20] ^= 0x40;
    let found = all(&mut open(flash), 0, 300);
    assert_eq!(found[2], hole(120, 180));
    assert_eq!(found.len(), 5);
}

#[test]
fn what_was_shown_is_no_hole_after_a_clock_set_back() {
    let mut ring = open(Flash::new(3));
    let kept = [1, 2, 3, 4, 2, 4].map(|n| entry(n * 900, 15, n));
    for entry in &kept {
        ring.push(entry).expect("room");
    }
    assert_eq!(all(&mut ring, 0, 3_600), kept.map(Reading::Interval));
    let two = [kept[2], kept[3], kept[5]].map(Reading::Interval);
    assert_eq!(all(&mut ring, 1_800, 3_600), two);
}

#[test]
fn an_entry_beyond_its_form_is_refused() {
    let mut ring = open(Flash::new(2));
    let good = entry(900, 15, 1);
    let mut large = good;
    large.registers[1] = WattHours::new(1 << 48);
    assert_eq!(ring.push(&large), Err(Error::OutOfRange));
    large = good;
    large.end = UtcSeconds::new(1 << 40);
    assert_eq!(ring.push(&large), Err(Error::OutOfRange));
    large.end = UtcSeconds::new((1 << 40) - 1);
    large.registers[1] = WattHours::new((1 << 48) - 1);
    ring.push(&large).expect("it fits");
    assert_eq!(ring.latest(), Ok(Some(large)));
}

#[test]
fn an_interval_pushed_again_after_an_error_is_read_once() {
    let mut ring = open(Flash::new(3));
    ring.push(&entry(900, 15, 1)).expect("room");
    let mut ring = open(Flash {
        lies: true,
        ..ring.release()
    });
    let second = entry(1_800, 15, 2);
    assert_eq!(ring.push(&second), Err(Error::Flash(Fault::Lie)));
    ring.push(&second).expect("the flash is good again");
    let both = [entry(900, 15, 1), second].map(Reading::Interval);
    assert_eq!(all(&mut ring, 0, 1_800), both);
    assert_eq!(all(&mut open(ring.release()), 0, 1_800), both);
}

/// With the next sector erased ahead, all sectors but two are kept at any time.
#[test]
fn capacity_is_that_of_the_docs() {
    let mut ring = open(Flash::new(5));
    for n in 1..=200 {
        ring.push(&entry(900 * n, 15, n)).expect("room");
        ring.prepare().expect("an erase");
        let read = all(&mut ring, 0, 900 * n);
        let kept = read
            .iter()
            .filter(|read| matches!(read, Reading::Interval(_)));
        let kept = kept.count() as u64;
        assert!(kept >= n.min(3 * 6), "{kept} of {n}");
    }
}

#[test]
fn lengths_are_1_to_60_minutes() {
    assert_eq!(Span::minutes(0), Err(PeriodError));
    assert_eq!(Span::minutes(61), Err(PeriodError));
    for minutes in 1..=60 {
        let mut ring = open(Flash::new(2));
        let kept = entry(86_400, minutes, 3);
        ring.push(&kept).expect("room");
        assert_eq!(ring.latest(), Ok(Some(kept)));
    }
}

/// A meter that lives through outages of every length: the profile closes, the ring keeps.
#[test]
fn an_outage_leaves_no_hole_unmarked() {
    for outage in (1..4_000).step_by(37) {
        let mut ring = open(Flash::new(8));
        let mut profile = LoadProfile::new(Seconds::new(900));
        let start = 900 * 1_000;
        let fails = start + 1_234;
        for now in (start..fails).chain(fails + outage..start + 9_000) {
            if now == fails + outage {
                let last = profile.last_seen();
                profile = LoadProfile::new(Seconds::new(900));
                profile.resume(last);
            }
            while let Some(closed) = profile.advance(UtcSeconds::new(now)) {
                let mut kept = entry(closed.end.get(), 15, 0);
                kept.status = closed.status;
                ring.push(&kept).expect("room");
            }
        }
        let found = all(&mut ring, start, start + 9_000 - 900);
        for second in fails..fails + outage {
            let marked = found.iter().any(|reading| match reading {
                Reading::Hole { from, until } => (from.get()..until.get()).contains(&second),
                Reading::Interval(kept) => {
                    (kept.start().get()..kept.end.get()).contains(&second)
                        && kept.status.contains(Status::POWER_FAILED)
                }
            });
            assert!(marked, "outage of {outage} s: second {second}");
        }
    }
}

#[test]
fn power_cut_at_any_byte_leaves_a_hole_or_the_interval() {
    for budget in 0..700 {
        let mut ring = open(Flash::new(2));
        for number in 1..=9 {
            ring.push(&entry(number * 60, 1, number)).expect("room");
        }
        let mut flash = ring.release();
        flash.budget = Some(budget);
        let mut ring = open(flash);
        let mut done = 9;
        while done < 16 && ring.push(&entry((done + 1) * 60, 1, done + 1)).is_ok() {
            done += 1;
        }
        let mut flash = ring.release();
        flash.budget = None;
        let mut ring = open(flash);
        let newest = ring
            .latest()
            .expect("readable")
            .expect("one at least")
            .end
            .get()
            / 60;
        assert!(
            newest == done || newest == done + 1,
            "{budget}: {newest} after {done}"
        );
        let next = newest + 2;
        ring.push(&entry(next * 60, 1, next)).expect("life goes on");
        let found = all(&mut ring, 0, next * 60);
        let mut reached = 0;
        for reading in found {
            let (from, until) = match reading {
                Reading::Hole { from, until } => (from.get(), until.get()),
                Reading::Interval(kept) => {
                    let number = kept.end.get() / 60;
                    assert_eq!(kept, entry(number * 60, 1, number));
                    (kept.start().get(), kept.end.get())
                }
            };
            assert_eq!(from, reached, "{budget}");
            reached = until;
        }
        assert_eq!(reached, next * 60);
    }
}

proptest! {
    /// Beside a list of everything that was kept.
    #[test]
    fn reads_what_a_list_would_give(
        steps in prop::collection::vec((0..4_u64, 1..=60_u8, any::<bool>()), 1..60),
        from in 0..40_000_u64,
        length in 1..40_000_u64,
    ) {
        let mut ring = open(Flash::new(4));
        let mut list = Vec::new();
        let mut now = 0;
        for (number, (gap, minutes, restart)) in (0..).zip(steps) {
            now += gap * 600 + u64::from(minutes) * 60;
            let kept = entry(now, minutes, number);
            ring.push(&kept).expect("room is made");
            list.push(kept);
            if restart {
                ring = open(ring.release());
            }
        }
        let found = all(&mut ring, from, from + length);
        let intervals: Vec<Entry<2>> = found
            .iter()
            .filter_map(|reading| match reading {
                Reading::Interval(kept) => Some(*kept),
                Reading::Hole { .. } => None,
            })
            .collect();
        // Three of the four sectors, of six slots each, are kept at least.
        let wanted: Vec<Entry<2>> = list
            .iter()
            .rev()
            .take(3 * (SECTOR / 40))
            .rev()
            .filter(|kept| kept.end.get() > from && kept.start().get() < from + length)
            .copied()
            .collect();
        prop_assert!(intervals.ends_with(&wanted));
        prop_assert!(intervals.iter().all(|kept| list.contains(kept)));
        let mut reached = from;
        for reading in found {
            let (start, end) = match reading {
                Reading::Hole { from, until } => (from.get(), until.get()),
                Reading::Interval(kept) => (kept.start().get(), kept.end.get()),
            };
            prop_assert!(start <= reached && end > reached);
            reached = end;
        }
        prop_assert!(reached >= from + length);
    }
}
