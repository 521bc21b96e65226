//! Transcripts of a modem, written by hand from the AT reference, and what a client must see in them.
//!
//! The bytes are cut in every way: the same is seen.

mod transcript;

use nbiot_at::line::Splitter;
use transcript::{Group, Seen, all, run};

fn check(groups: &[Group], cut: impl Fn(usize) -> bool) -> Result<(), String> {
    let mut splitter = Splitter::new();
    for (n, group) in groups.iter().enumerate() {
        let seen = run(&mut splitter, group, &cut);
        // Parts of an echo are one or several lines.
        let plain = |seen: &[Seen]| {
            let mut seen = seen.to_vec();
            seen.dedup_by(|a, b| *a == Seen::Echo && *b == Seen::Echo);
            seen
        };
        let (seen, right) = (plain(&seen), plain(&group.seen));
        if seen != right {
            return Err(format!("exchange {n}: {seen:?}\nbut there is {right:?}"));
        }
    }
    Ok(())
}

#[test]
fn every_transcript_is_seen_as_it_must_be() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (name, groups) in all() {
        let longest = groups.iter().map(|group| group.modem.len()).max().unwrap();
        let sizes = [usize::MAX, 1, 2, 3, 7, 64];
        let in_pieces = sizes.map(|size| check(&groups, |end| end % size == 0));
        let mut in_two = (1..longest).map(|at| check(&groups, |end| end == at));
        let found = in_pieces.into_iter().find_map(Result::err);
        if let Some(found) = found.or_else(|| in_two.find_map(Result::err)) {
            wrong.push(format!("{name}, {found}"));
        }
        count += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 40, "{count} transcripts");
}
