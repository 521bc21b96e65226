//! Any life of an outbox: all streams, receipts that lie, flash that fails, callers that lose
//! interest in the middle, restarts; beside a model that knows what was told.

mod flash;

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::pin::pin;
use std::task::Poll;

use embassy_futures::block_on;
use flash::{Flash, open, receipt};
use meter_proto::outbox::Outbox;
use meter_proto::payload::Stream;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    /// Dropped after so many polls.
    PushDropped(usize, usize),
    /// So far behind the newest, or ahead of it.
    Acknowledge(usize, i64),
    AcknowledgeDropped(usize, usize),
    /// One use of the flash fails, so many from now on.
    Fail(usize),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let stream = 0..Stream::ALL.len();
    let step = prop_oneof![
        12 => stream.clone().prop_map(Step::Push),
        2 => (stream.clone(), 0..120_usize).prop_map(|(s, n)| Step::PushDropped(s, n)),
        3 => (stream.clone(), -4..3_i64).prop_map(|(s, n)| Step::Acknowledge(s, n)),
        1 => (stream, 0..60_usize).prop_map(|(s, n)| Step::AcknowledgeDropped(s, n)),
        1 => (0..80_usize).prop_map(Step::Fail),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 0..160)
}

/// Polls a future so often, and drops it.
async fn dropped_after<F: Future>(future: F, mut polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(move |context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await
}

/// What was told, and what must never change.
#[derive(Default)]
struct Model {
    /// The number in a message, by stream and sequence, of pushes that came back well.
    told: BTreeMap<(u8, u64), u64>,
    /// What was ever seen under a stream and a sequence.
    seen: BTreeMap<(u8, u64), u64>,
    next: u64,
    /// Records that the outbox counted as lost.
    lost: u64,
    /// The highest sequence of a receipt, by stream.
    receipts: BTreeMap<u8, u64>,
}

type Box4 = Outbox<Flash<4>>;

fn push(outbox: &mut Box4, model: &mut Model, stream: Stream, polls: usize) {
    model.next += 1;
    let number = model.next;
    let push = outbox.push(stream, |_, _, buffer| {
        let text = format!("{number:08}");
        buffer[..8].copy_from_slice(text.as_bytes());
        Ok(8)
    });
    if let Some(Ok(seq)) = block_on(dropped_after(push, polls)) {
        let before = model.told.insert((stream.number(), seq), number);
        assert_eq!(before, None, "{stream:?} {seq} twice");
    }
}

/// Everything that still lies in flash agrees with what was told and with itself. What is gone is
/// counted, by an opening at the latest.
fn check(outbox: &mut Box4, model: &mut Model, is_opened: bool) {
    let (mut numbers, mut gone) = (BTreeSet::new(), 0);
    for stream in Stream::ALL {
        let mut last = 0;
        let mut found = BTreeMap::new();
        block_on(outbox.visit_kept(stream, |seq, message| {
            let number: u64 = std::str::from_utf8(message).unwrap().parse().unwrap();
            assert!(seq >= last, "{stream:?}: {seq} after {last}");
            last = seq;
            let before = found.insert(seq, number).unwrap_or(number);
            assert_eq!(before, number, "{stream:?} {seq} has two contents");
            ControlFlow::Continue(())
        }))
        .unwrap();
        let settled = model.receipts.get(&stream.number()).copied().unwrap_or(0);
        let told = (stream.number(), settled + 1)..=(stream.number(), u64::MAX);
        let told = model.told.range(told);
        gone += told
            .filter(|((_, seq), _)| !found.contains_key(seq))
            .count() as u64;
        for (&seq, &number) in &found {
            assert!(numbers.insert(number), "{number} has two sequences");
            let key = (stream.number(), seq);
            let told = model.told.get(&key).copied().unwrap_or(number);
            assert_eq!(told, number, "{stream:?} {seq} is another record");
            let seen = *model.seen.entry(key).or_insert(number);
            assert_eq!(seen, number, "{stream:?} {seq} was another record");
        }
        let done = outbox.acknowledged(stream);
        let waits = model
            .told
            .range((stream.number(), done + 1)..=(stream.number(), u64::MAX));
        for ((_, seq), _) in waits {
            let waits = found.contains_key(seq);
            assert!(waits || !is_opened, "{stream:?} {seq} of {done} is gone");
        }
    }
    model.lost += outbox.take_lost();
    // A page that was taken costs what it held; nothing is gone that is not counted.
    let is_counted = gone <= model.lost || !is_opened;
    assert!(is_counted, "{gone} gone, {} counted", model.lost);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]
    #[test]
    fn any_life_keeps_what_it_told(steps in steps()) {
        let mut model = Model::default();
        let (mut outbox, _) = open(Flash::<4>::new(), 7);
        for step in steps {
            match step {
                Step::Push(stream) => push(&mut outbox, &mut model, Stream::ALL[stream], usize::MAX),
                Step::PushDropped(stream, polls) => {
                    push(&mut outbox, &mut model, Stream::ALL[stream], polls);
                    // As the docs ask for.
                    outbox.flash().fails_in.set(usize::MAX);
                    outbox = open(outbox.release(), 8).0;
                }
                Step::Acknowledge(stream, ahead) => {
                    let stream = Stream::ALL[stream];
                    let seq = outbox.last(stream).saturating_add_signed(ahead);
                    let done = model.receipts.entry(stream.number()).or_default();
                    *done = seq.min(outbox.last(stream)).max(*done);
                    let _ = block_on(outbox.acknowledge(&receipt(7, stream, seq)));
                }
                Step::AcknowledgeDropped(stream, polls) => {
                    let stream = Stream::ALL[stream];
                    let last = outbox.last(stream);
                    model.receipts.insert(stream.number(), last);
                    let receipt = receipt(7, stream, last);
                    let _ = block_on(dropped_after(outbox.acknowledge(&receipt), polls));
                }
                Step::Fail(after) => outbox.flash().fails_in.set(after),
                Step::Reopen => {
                    outbox.flash().fails_in.set(usize::MAX);
                    let opened;
                    (outbox, opened) = open(outbox.release(), 8);
                    prop_assert!(!opened.new_epoch && !opened.repaired, "{opened:?}");
                }
            }
            let fails_in = outbox.flash().fails_in.replace(usize::MAX);
            check(&mut outbox, &mut model, false);
            outbox.flash().fails_in.set(fails_in);
        }
        outbox.flash().fails_in.set(usize::MAX);
        (outbox, _) = open(outbox.release(), 8);
        check(&mut outbox, &mut model, true);
    }
}
