//! What is to be done next, and what follows when it is done.

use core::time::Duration;

use sha2::{Digest, Sha256};

use super::{CHUNK, Machine, REPAIRS, Stage, Step, Verdict};
use crate::update::notice::Notice;
use crate::update::record::{Outcome, Phase, Record};
use crate::update::window::Window;
use crate::update::{Boot, Data, HASH, Manifest, block_hash};

/// More changes of the stage than can follow each other without a step.
const CHANGES: u8 = 8;

impl Machine<'_> {
    /// What is to be done next. After it was done, and the machine was told, ask again; after
    /// `Ask`, too.
    pub(in crate::update) fn step(&mut self, now: Duration) -> Step {
        (0..CHANGES)
            .find_map(|_| self.advance(now))
            .unwrap_or(Step::Wait(Some(now)))
    }

    /// The next step, or `None` after a change of the stage.
    fn advance(&mut self, now: Duration) -> Option<Step> {
        if let Some(record) = self.next {
            return Some(Step::Store(record));
        }
        let image = self.record.image;
        match &mut self.stage {
            Stage::Idle => Some(Step::Wait(None)),
            Stage::List(window) if window.is_complete() => self.check_list(now),
            Stage::List(window) => Some(match window.poll(image, u32::MAX, now) {
                Some(query) => Step::Ask(query),
                None => Step::Wait(window.deadline()),
            }),
            Stage::Recheck { at, .. } => match chunk(*at, self.record.whole) {
                Some(length) => Some(Step::Read(*at, length)),
                None => self.load(self.record.whole),
            },
            Stage::Blocks { .. } => self.fetch(now),
            Stage::Verify { at, .. } => {
                let size = self.manifest.map_or(0, |manifest| manifest.size);
                match chunk(*at, size) {
                    Some(length) => Some(Step::Read(*at, length)),
                    None => self.compare(),
                }
            }
            Stage::Signature => Some(Step::Manifest),
            Stage::Verified => Some(Step::Ready),
            Stage::Swap => Some(Step::Swap),
            Stage::Asked | Stage::GivenUp => Some(Step::Restart),
            Stage::Trial { .. } => self.try_out(now),
            Stage::Keep => Some(Step::Keep),
            Stage::Raise => self.raise(),
        }
    }

    /// The list is there: is it the one that was signed?
    fn check_list(&mut self, now: Duration) -> Option<Step> {
        let manifest = self.manifest?;
        let list = usize::try_from(manifest.list_size()).ok()?;
        let digest: [u8; 32] = Sha256::digest(self.hashes.get(..list)?).into();
        if digest == manifest.list_digest {
            self.has_list = true;
            self.stage = Self::recheck(0);
        } else {
            if let Stage::List(window) = &mut self.stage {
                window.restart(now);
            }
            self.count_wrong();
        }
        None
    }

    /// Fetches what comes after `whole` bytes, or goes on with what is complete.
    fn load(&mut self, whole: u32) -> Option<Step> {
        let manifest = self.manifest?;
        self.stage = if whole >= manifest.size {
            Self::verify()
        } else {
            let window = Window::new(0, manifest.size, manifest.block_size, self.policy.pace);
            Stage::Blocks {
                window: window.after(whole),
                erased: whole,
            }
        };
        None
    }

    fn fetch(&mut self, now: Duration) -> Option<Step> {
        let Stage::Blocks { window, erased } = &mut self.stage else {
            return None;
        };
        if window.is_complete() {
            self.stage = Self::recheck(0);
            return None;
        }
        if *erased < window.reach() {
            return Some(Step::Erase(*erased));
        }
        Some(match window.poll(self.record.image, *erased, now) {
            Some(query) => Step::Ask(query),
            None => Step::Wait(window.deadline()),
        })
    }

    /// All of the image was hashed: is it the one that was signed?
    fn compare(&mut self) -> Option<Step> {
        let manifest = self.manifest?;
        let Stage::Verify { hash, .. } = &self.stage else {
            return None;
        };
        let digest: [u8; 32] = hash.clone().finalize().into();
        if digest == manifest.digest {
            self.stage = Stage::Signature;
        } else {
            self.fail();
        }
        None
    }

    fn try_out(&mut self, now: Duration) -> Option<Step> {
        let Stage::Trial {
            until,
            is_tested,
            is_wanted,
        } = self.stage
        else {
            return None;
        };
        if is_tested && is_wanted {
            self.next = Some(Record {
                phase: Phase::Kept,
                ..self.record
            });
        } else if now >= until {
            self.give_up();
        } else {
            return Some(Step::Wait(Some(until)));
        }
        None
    }

    /// The image stays: no older one is taken from now on.
    fn raise(&mut self) -> Option<Step> {
        let manifest = self.manifest?;
        if manifest.security_counter > self.security_counter {
            return Some(Step::Raise(manifest.security_counter));
        }
        self.end(Outcome::Confirmed);
        if let Some(record) = &mut self.next {
            record.sequence = record.sequence.max(manifest.sequence);
        }
        None
    }

    /// The record is in flash.
    pub(in crate::update) fn stored(&mut self, record: Record, now: Duration) {
        let before = core::mem::replace(&mut self.record, record).phase;
        self.next = None;
        let image = record.image;
        match (before, record.phase) {
            (Phase::Idle, Phase::Loading) => {
                self.notices.push(Notice::Started(image));
                self.enter(now);
            }
            (_, Phase::Verified) => {
                self.notices.push(Notice::Verified(image));
                self.stage = Stage::Verified;
            }
            (_, Phase::Asked) => {
                self.notices.push(Notice::Ready(image));
                self.stage = Stage::Asked;
            }
            (Phase::Trial, Phase::Trial) | (_, Phase::Loading) => {}
            (_, Phase::Trial) => self.notices.push(Notice::Trial(image)),
            (_, Phase::Kept) => self.stage = Stage::Keep,
            (_, Phase::GivenUp) => self.stage = Stage::GivenUp,
            (_, Phase::Idle) => self.settle(record),
        }
    }

    /// The record could not be stored. A trial does not last longer for it: the bootloader swaps
    /// back at the restart without it. Where it allows more starts, only the record counts them.
    pub(in crate::update) fn not_stored(&mut self, now: Duration) {
        let is_over = matches!(self.stage, Stage::Trial { until, .. } if now >= until);
        let mut next = self.next.iter();
        if is_over || next.any(|record| record.phase == Phase::GivenUp) {
            self.next = None;
            self.stage = Stage::GivenUp;
        }
    }

    fn settle(&mut self, record: Record) {
        match record.outcome {
            Outcome::Confirmed => self.notices.push(Notice::Confirmed(record.image)),
            Outcome::Reverted => self.notices.push(Notice::Reverted(record.image)),
            _ => {}
        }
        self.manifest = None;
        self.stage = Stage::Idle;
    }

    /// The page is erased.
    pub(in crate::update) const fn erased(&mut self) {
        if let Stage::Blocks { erased, .. } = &mut self.stage {
            *erased = erased.saturating_add(self.geometry.page);
        }
    }

    /// What was read at the place that was asked for.
    pub(in crate::update) fn read(&mut self, bytes: &[u8]) {
        let length = bytes.len() as u32;
        match &mut self.stage {
            Stage::Recheck { at, hash, .. } => {
                *at = at.saturating_add(length);
                hash.update(bytes);
                self.check_block();
            }
            Stage::Verify { at, hash } => {
                *at = at.saturating_add(length);
                hash.update(bytes);
            }
            _ => {}
        }
    }

    /// At the end of a block: does it hash right? If not, all from its page on is fetched again.
    fn check_block(&mut self) {
        let (Stage::Recheck { begin, at, hash }, Some(manifest)) = (&self.stage, self.manifest)
        else {
            return;
        };
        let (begin, at) = (*begin, *at);
        if !at.is_multiple_of(u32::from(manifest.block_size)) && at < self.record.whole {
            return;
        }
        let digest: [u8; 32] = hash.clone().finalize().into();
        if self.is_right(&manifest, begin, &digest) {
            self.stage = Self::recheck(at);
        } else if self.repairs >= REPAIRS {
            self.fail();
        } else {
            self.repairs += 1;
            self.count_wrong();
            let whole = self.floor(&manifest, begin);
            self.next = Some(Record {
                whole,
                ..self.record
            });
            self.load(whole);
        }
    }

    /// Whether the hash of the block that begins there starts as the list says.
    fn is_right(&self, manifest: &Manifest, begin: u32, digest: &[u8]) -> bool {
        let block = begin.checked_div(u32::from(manifest.block_size));
        let mut listed = self.hashes.chunks_exact(HASH);
        let listed = block.and_then(|block| listed.nth(usize::try_from(block).ok()?));
        listed.is_some_and(|listed| digest.starts_with(listed))
    }

    /// Down to where both a page and a block begin.
    fn floor(&self, manifest: &Manifest, bytes: u32) -> u32 {
        let unit = self.geometry.page.max(u32::from(manifest.block_size));
        bytes - bytes.checked_rem(unit).unwrap_or_default()
    }

    /// The stored manifest, or nothing where it cannot be read.
    pub(in crate::update) fn reread(&mut self, message: Option<&[u8]>) {
        let is_ours = |manifest: &Manifest| {
            message.is_some_and(|message| self.device.vouches(message, manifest))
                && self.suits(manifest).is_ok()
        };
        if !self.manifest.as_ref().is_some_and(is_ours) {
            self.fail();
        } else if self.record.phase == Phase::Verified {
            self.stage = Stage::Verified;
        } else {
            let phase = Phase::Verified;
            self.next = Some(Record {
                phase,
                ..self.record
            });
        }
    }

    /// The bootloader was asked for the swap.
    pub(in crate::update) fn swapped(&mut self) {
        self.boot = Boot::Pending;
        let phase = Phase::Asked;
        self.next = Some(Record {
            phase,
            ..self.record
        });
    }

    /// The bootloader knows that the image stays: as the confirmed one, or as one that it should
    /// not have kept.
    pub(in crate::update) fn kept(&mut self) {
        self.boot = Boot::Settled;
        if self.record.phase == Phase::Kept {
            self.stage = Stage::Raise;
        } else {
            self.fail();
        }
    }

    /// The security counter is this one.
    pub(in crate::update) fn raised(&mut self, to: u32) {
        self.security_counter = self.security_counter.max(to);
    }

    /// Looks at a block that came.
    pub(in crate::update) fn receive<'d>(&mut self, data: &Data<'d>, now: Duration) -> Verdict<'d> {
        if data.image != self.record.image {
            return Verdict::Ignore;
        }
        match &mut self.stage {
            Stage::List(window) => {
                let Some((block, at)) = window.place(data.offset, data.bytes.len()) else {
                    return Verdict::Ignore;
                };
                let place = usize::try_from(at).ok();
                let place =
                    place.and_then(|at| self.hashes.get_mut(at..)?.get_mut(..data.bytes.len()));
                let Some(place) = place else {
                    return Verdict::Ignore;
                };
                place.copy_from_slice(data.bytes);
                window.arrived(block, now);
                Verdict::Listed
            }
            Stage::Blocks { window, erased } => {
                let end = data.offset.saturating_add(data.bytes.len() as u32);
                match window.place(data.offset, data.bytes.len()) {
                    Some((_, at)) if end <= *erased => self.check_data(data, at),
                    _ => Verdict::Ignore,
                }
            }
            _ => Verdict::Ignore,
        }
    }

    fn check_data<'d>(&mut self, data: &Data<'d>, at: u32) -> Verdict<'d> {
        let hash = block_hash(data.bytes);
        let is_right = self
            .manifest
            .is_some_and(|manifest| self.is_right(&manifest, at, &hash));
        if is_right {
            return Verdict::Write(at, data.bytes);
        }
        // It is asked for again when its time is over: whoever sends wrong blocks cannot hurry it.
        self.count_wrong();
        Verdict::Bad
    }

    /// The block that begins there is in flash.
    pub(in crate::update) fn written(&mut self, at: u32, now: Duration) {
        let (Stage::Blocks { window, .. }, Some(manifest)) = (&mut self.stage, self.manifest)
        else {
            return;
        };
        window.arrived(at / u32::from(manifest.block_size.max(1)), now);
        let is_complete = window.is_complete();
        let whole = window.whole();
        let whole = if is_complete {
            whole
        } else {
            self.floor(&manifest, whole)
        };
        if whole > self.record.whole {
            self.stumbles = 0;
            self.next = Some(Record {
                whole,
                ..self.record
            });
        }
    }

    /// The area could not be written: what it holds since the last record is not certain.
    pub(in crate::update) fn stumbled(&mut self, now: Duration) {
        if !matches!(self.stage, Stage::Blocks { .. }) {
            return;
        }
        if self.stumbles >= REPAIRS {
            self.fail();
        } else {
            self.stumbles += 1;
            self.enter(now);
        }
    }

    fn count_wrong(&mut self) {
        self.wrong = self.wrong.saturating_add(1);
        if self.wrong.is_power_of_two() {
            self.notices.push(Notice::BlockFailed(self.wrong));
        }
    }
}

/// How much to read at once between the two, if anything.
fn chunk(at: u32, end: u32) -> Option<u32> {
    let left = end.checked_sub(at)?;
    (left > 0).then_some(left.min(CHUNK))
}
