//! A meter whose images are swapped by a bootloader, over flash that loses power at any use.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of this module"
)]

pub(crate) mod chip;

use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

use embassy_futures::block_on;
use meter_proto::update::{
    Action, Boot, Device, ImageId, Manifest, Outcome, Phase, SecurityCounter, Slot, Updater,
};

use crate::flash::{PAGE, PowerLost};
use crate::update_bench::board::{Link, POLICY};
use crate::update_bench::{CLOCK, NEW, OLD, device, image, manifest, seal};
use chip::{Area, Chip, TEARS, Tear};

/// Pages that an image may have.
pub(crate) const PAGES: usize = 5;
const OLD_SIZE: usize = 2_300;
const NEW_SIZE: usize = 1_701;
/// What every build knows but its number; made once, as the keys take their time.
static DEVICE: LazyLock<Device> = LazyLock::new(|| device(OLD));
const STORE: std::ops::Range<u32> = 0..3 * PAGE as u32;

/// A bootloader with its part of the flash.
pub(crate) trait Bootloader<const WORD: usize> {
    /// Lays out its areas.
    fn new(chip: &Rc<Chip>) -> Self;
    /// What runs after [`start`](Self::start).
    fn active(&self) -> &Area<WORD>;
    /// What it does before it starts the firmware.
    fn start(&mut self) -> Result<(), PowerLost>;
    /// What the firmware is told.
    fn slot(&self, counter: Area<WORD>) -> impl Slot + 'static;
}

/// A meter from a start to the end of an update.
pub(crate) struct Meter<B, const WORD: usize> {
    pub(crate) chip: Rc<Chip>,
    pub(crate) loader: B,
    pub(crate) counter: Area<WORD>,
    store: Area<WORD>,
    link: Link,
    message: Vec<u8>,
    wanted: ImageId,
    /// What may run.
    images: [Vec<u8>; 2],
    /// Whether the new firmware is confirmed.
    pub(crate) is_good: bool,
    /// The head-end starts the update again, whatever became of it.
    pub(crate) again: bool,
    /// Power fails when flash says so.
    stops_at: Option<Phase>,
    pub(crate) events: Vec<u16>,
    /// Uses of the flash by the bootloader.
    pub(crate) swapping: usize,
}

impl<B: Bootloader<WORD>, const WORD: usize> Meter<B, WORD> {
    pub(crate) fn new() -> Self {
        let chip = Rc::default();
        let loader = B::new(&chip);
        let [counter, mut store] = [2, 3].map(|pages| Area::append(&chip, pages));
        store.is_mapped = true;
        store.program(&[]);
        let old = image(OLD, OLD_SIZE);
        loader.active().program(&old);
        block_on(SecurityCounter::new(counter.clone()).raise(2)).unwrap();
        chip.uses.set(0);
        let new = image(NEW, NEW_SIZE);
        let mut meter = Self {
            chip,
            loader,
            counter,
            store,
            link: Link::new(&new, 256),
            message: Vec::new(),
            wanted: ImageId::default(),
            images: [old, new.clone()],
            is_good: true,
            again: false,
            stops_at: None,
            events: Vec::new(),
            swapping: 0,
        };
        meter.offer(&manifest(&new, 256), new);
        meter
    }

    /// The head-end offers that image now.
    pub(crate) fn offer(&mut self, manifest: &Manifest, image: Vec<u8>) {
        self.link = Link::new(&image, 256);
        self.message = seal(manifest);
        self.wanted = manifest.image_id();
        self.images[1] = image;
    }

    /// The build that runs; it is one of the two, and whole.
    pub(crate) fn build(&self) -> u32 {
        let active = self.loader.active().bytes();
        let mut images = self.images.iter();
        assert!(images.any(|image| active.starts_with(image)), "a mixture");
        u32::from_le_bytes(active[..4].try_into().unwrap())
    }

    /// What the bootloader knows, and the security counter.
    pub(crate) fn standing(&mut self) -> (Boot, u32) {
        let mut slot = self.loader.slot(self.counter.clone());
        let boot = block_on(slot.boot()).unwrap();
        (boot, block_on(slot.security_counter()).unwrap())
    }

    /// Lives until nothing is left to do. What the record says, what runs, what the bootloader
    /// knows and the counter agree at the end.
    pub(crate) fn live(&mut self) -> Outcome {
        for _ in 0..10 {
            self.chip.power_on();
            let before = self.chip.uses.get();
            let started = self.loader.start();
            self.swapping += self.chip.uses.get() - before;
            self.link.queue.clear();
            if let Some(outcome) = started.ok().and_then(|()| self.one_life()) {
                let new = u32::from_le_bytes(self.images[1][..4].try_into().unwrap());
                let expected = match outcome {
                    Outcome::Confirmed => (new, (Boot::Settled, 3)),
                    Outcome::Failed => (new, (Boot::Settled, 2)),
                    _ => (OLD, (Boot::Settled, 2)),
                };
                assert_eq!((self.build(), self.standing()), expected, "{outcome:?}");
                return outcome;
            }
        }
        panic!("restarts without end: {:?}", self.events)
    }

    /// Lives until flash says so, and loses power there.
    pub(crate) fn stop_at(&mut self, phase: Phase) {
        self.stops_at = Some(phase);
        while self.stops_at.is_some() {
            self.loader.start().unwrap();
            assert_eq!(self.one_life(), None, "it ended before");
        }
        self.chip.uses.set(0);
    }

    /// From the start of the firmware to a restart, a power cut, or the end.
    fn one_life(&mut self) -> Option<Outcome> {
        let build = self.build();
        let device = Device {
            build,
            ..DEVICE.clone()
        };
        let mut hashes = [0xa5; 256];
        let mut now = Duration::ZERO;
        let slot = self.loader.slot(self.counter.clone());
        let (store, hashes) = (self.store.clone(), &mut hashes);
        let opened = Updater::open(store, STORE, slot, device, POLICY, hashes, now);
        let mut updater = self.chip.attempt(block_on(opened))?;
        for _ in 0..5_000 {
            let action = block_on(updater.work(now));
            while let Some(notice) = updater.notice() {
                self.events.push(notice.code());
            }
            let record = *updater.record();
            if Some(record.phase) == self.stops_at {
                self.stops_at = None;
                return None;
            }
            match self.chip.attempt(action)? {
                Action::Again => {}
                Action::Ask(query) => self.link.ask(query),
                Action::Ready => assert!(updater.install()),
                Action::Restart => return None,
                Action::Wait(until) => {
                    if let Some(message) = self.link.queue.pop_front() {
                        self.chip
                            .attempt(block_on(updater.receive(&message, now)))?;
                    } else if record.phase == Phase::Idle && until.is_none() {
                        if record.image == self.wanted && !std::mem::take(&mut self.again) {
                            return Some(record.outcome);
                        }
                        let started = block_on(updater.start(&self.message, CLOCK));
                        assert_eq!(self.chip.attempt(started)?, Ok(self.wanted));
                    } else if record.phase == Phase::Trial && self.is_good {
                        assert!(updater.self_test_passed() && updater.confirm(self.wanted));
                    } else {
                        now = until.expect("something is under way");
                    }
                }
            }
        }
        panic!("no end: {:?}", self.events)
    }
}

impl Chip {
    /// What came of it; nothing after a power cut, which is the only failure there is.
    fn attempt<T, E: std::fmt::Debug>(&self, result: Result<T, E>) -> Option<T> {
        assert!(result.is_ok() || self.is_off(), "{:?}", result.err());
        result.ok()
    }
}

/// An undisturbed update: uses of the flash, and how many of them are the bootloader's.
fn undisturbed<B: Bootloader<WORD>, const WORD: usize>(is_good: bool) -> (usize, usize) {
    let mut meter = Meter::<B, WORD>::new();
    meter.is_good = is_good;
    let (outcome, code) = if is_good {
        (Outcome::Confirmed, 267)
    } else {
        (Outcome::Reverted, 268)
    };
    assert_eq!(meter.live(), outcome);
    assert_eq!(meter.events, [264, 266, 17, 18, code]);
    (meter.chip.uses.get(), meter.swapping)
}

fn cut<B: Bootloader<WORD>, const WORD: usize>(
    is_good: bool,
    cuts: &[(usize, Tear)],
) -> (Meter<B, WORD>, Outcome) {
    let mut meter = Meter::<B, WORD>::new();
    meter.is_good = is_good;
    meter.chip.cuts.replace(cuts.to_vec());
    let outcome = meter.live();
    (meter, outcome)
}

/// Power fails once, at each use of the flash and in four ways. [`Meter::live`] looks at the end;
/// one that nobody confirms never stays, and what was undone can be done again.
pub(crate) fn every_cut<B: Bootloader<WORD>, const WORD: usize>() {
    for is_good in [true, false] {
        let (uses, swapping) = undisturbed::<B, WORD>(is_good);
        // Two copies of each page, and a mark for each; twice where it is swapped back.
        assert!(swapping >= 6 * PAGES * if is_good { 1 } else { 2 });
        let (mut reverted, mut confirmed) = (0, 0);
        for (at, tear) in (0..uses).flat_map(|at| TEARS.map(|tear| (at, tear))) {
            let (mut meter, outcome) = cut::<B, WORD>(is_good, &[(at, tear)]);
            assert!(meter.chip.cuts.borrow().is_empty(), "{at} is never reached");
            match outcome {
                Outcome::Confirmed if is_good => confirmed += 1,
                Outcome::Reverted => {
                    reverted += 1;
                    (meter.is_good, meter.again) = (true, true);
                    assert_eq!(meter.live(), Outcome::Confirmed, "{at} {tear:?}");
                }
                _ => panic!("{outcome:?} after {at} {tear:?}"),
            }
        }
        // A cut in the trial is a restart without a confirmation.
        assert!(reverted > 0 && (confirmed > reverted || !is_good));
    }
}

/// The second cut falls into what mends the first.
pub(crate) fn two_cuts<B: Bootloader<WORD>, const WORD: usize>() {
    for is_good in [true, false] {
        let (uses, _) = undisturbed::<B, WORD>(is_good);
        for first in (0..uses).step_by(7) {
            for second in (0..uses).step_by(11) {
                let tear = TEARS[(first + second) % TEARS.len()];
                let (_, outcome) = cut::<B, WORD>(is_good, &[(first, tear), (second, tear)]);
                assert_ne!(outcome, Outcome::Failed, "{first} {second} {tear:?}");
            }
        }
    }
}

/// One update after the other, over what the one before left in the flash.
pub(crate) fn one_after_the_other<B: Bootloader<WORD>, const WORD: usize>() {
    let mut meter = Meter::<B, WORD>::new();
    assert_eq!(meter.live(), Outcome::Confirmed);
    for sequence in 6..10 {
        let build = sequence as u32 + 3;
        let next = image(build, NEW_SIZE + build as usize);
        let mut manifest = manifest(&next, 256);
        (manifest.sequence, manifest.build) = (sequence, build);
        manifest.replaces = [build - 1; 2];
        meter.images[0] = meter.images[1].clone();
        meter.offer(&manifest, next);
        assert_eq!(meter.live(), Outcome::Confirmed);
        assert_eq!(meter.build(), build);
    }
}
