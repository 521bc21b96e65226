//! The update as a state machine, without I/O and without a clock.

mod drive;

use core::time::Duration;

use sha2::{Digest, Sha256};

use super::notice::{Notice, Notices};
use super::record::{Outcome, Phase, Record};
use super::window::{Pace, Window};
use super::{Boot, Device, ImageId, LIST_OFFSET, Manifest, Query, Refusal, Standing};

/// Bytes that are read from the area at a time.
pub(super) const CHUNK: u32 = 256;
/// So often the image is mended in flash, or a page written again, before it is given up.
const REPAIRS: u8 = 3;

/// What a meter insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Policy {
    /// How blocks are asked for.
    pub pace: Pace,
    /// A trial that is not confirmed so long after the start of the firmware is given up.
    pub trial: Duration,
    /// So many starts on trial are allowed, where the bootloader allows more than one.
    pub boots: u8,
}

impl Default for Policy {
    /// Four blocks in flight, 20 s to answer, a trial of two hours and three starts.
    fn default() -> Self {
        Self {
            pace: Pace {
                window: 4,
                timeout: Duration::from_secs(20),
            },
            trial: Duration::from_secs(2 * 3_600),
            boots: 3,
        }
    }
}

/// What the area is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    /// Bytes that are erased at a time.
    pub(super) page: u32,
    /// Bytes that an image may have.
    pub(super) room: u32,
    /// Bytes that are written at a time.
    pub(super) word: u32,
}

/// What is to be done next, and how the machine is told that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Make it durable: [`Machine::stored`].
    Store(Record),
    /// Erase the page that begins there: [`Machine::erased`].
    Erase(u32),
    /// Read so many bytes from there, at most [`CHUNK`]: [`Machine::read`].
    Read(u32, u32),
    /// Read the stored manifest: [`Machine::reread`].
    Manifest,
    /// Ask the bootloader for the swap: [`Machine::swapped`].
    Swap,
    /// Tell the bootloader that the image stays: [`Machine::kept`].
    Keep,
    /// Raise the security counter: [`Machine::raised`].
    Raise(u32),
    /// Publish it.
    Ask(Query),
    /// Nothing before that time, or before something comes.
    Wait(Option<Duration>),
    /// The application decides when to install.
    Ready,
    /// The application decides when to restart.
    Restart,
}

/// What becomes of a message with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict<'b> {
    /// Nothing.
    Ignore,
    /// It was a part of the list.
    Listed,
    /// Its hash is wrong.
    Bad,
    /// Write it there, then [`Machine::written`].
    Write(u32, &'b [u8]),
}

/// Where the machine is in detail; the [`Phase`] is what flash knows of it.
#[derive(Clone, Debug)]
enum Stage {
    Idle,
    /// The list of hashes is fetched.
    List(Window),
    /// Blocks that flash should have are hashed again: from `begin` on, up to `at`.
    Recheck {
        begin: u32,
        at: u32,
        hash: Sha256,
    },
    /// Blocks are fetched into what is erased, up to `erased`.
    Blocks {
        window: Window,
        erased: u32,
    },
    /// The whole image is hashed, up to `at`.
    Verify {
        at: u32,
        hash: Sha256,
    },
    /// The signature is looked at again.
    Signature,
    /// Until the application wants to install.
    Verified,
    Swap,
    Asked,
    /// Until both have said that it works, or until then.
    Trial {
        until: Duration,
        is_tested: bool,
        is_wanted: bool,
    },
    Keep,
    Raise,
    GivenUp,
}

/// One update after the other.
///
/// ```text
///        start              list, blocks           hash, signature          install
/// Idle ────────► Loading(n) ────────────► Complete ───────────────► Verified ──────► Asked
///  ▲ ▲              │ ▲ │ wrong, lost: again │ │ wrong                  │ cancel       │ restart
///  │ │              └─┘ │ cancel             │ ▼                        │              ▼
///  │ └──────────────────┴────────────────────┴─ Failed, Cancelled ◄─────┘         (bootloader)
///  │                                                                                   │
///  │   counter raised             self-test passed and head-end confirms                ▼
///  ├─── Confirmed ◄──────────────────── Kept ◄─────────────────────────────────────  Trial
///  │                       restart                          time, starts, cancel       │
///  └─── Reverted ◄───────(bootloader)◄─── GivenUp ◄────────────────────────────────────┘
/// ```
///
/// Loading, Verified, Asked, Trial, Kept and GivenUp are stored before anything that follows from them is
/// done; Complete is Loading with all bytes whole.
#[derive(Debug)]
pub(super) struct Machine<'b> {
    device: Device,
    policy: Policy,
    geometry: Geometry,
    /// The list of hashes.
    hashes: &'b mut [u8],
    has_list: bool,
    boot: Boot,
    security_counter: u32,
    /// What flash has.
    record: Record,
    /// What it is to have.
    next: Option<Record>,
    manifest: Option<Manifest>,
    stage: Stage,
    /// Blocks and lists that were wrong in this update, since the start of the firmware.
    wrong: u32,
    /// Manifests that were refused, since the start of the firmware.
    refused: u32,
    repairs: u8,
    /// Writes that failed since a page was whole.
    stumbles: u8,
    notices: Notices,
}

impl<'b> Machine<'b> {
    /// Goes on from what flash and bootloader say.
    pub(super) fn new(
        device: Device,
        policy: Policy,
        geometry: Geometry,
        hashes: &'b mut [u8],
        (boot, security_counter): (Boot, u32),
        (record, manifest): (Record, Option<Manifest>),
        now: Duration,
    ) -> Self {
        let mut machine = Self {
            device,
            policy,
            geometry,
            hashes,
            has_list: false,
            boot,
            security_counter,
            record,
            next: None,
            manifest: manifest.filter(|manifest| manifest.image_id() == record.image),
            stage: Stage::Idle,
            wrong: 0,
            refused: 0,
            repairs: 0,
            stumbles: 0,
            notices: Notices::default(),
        };
        machine.wake(now);
        machine
    }

    /// Finds out what became of the update while nobody looked.
    fn wake(&mut self, now: Duration) {
        let is_new = self
            .manifest
            .is_some_and(|manifest| manifest.build == self.device.build);
        match (self.record.phase, self.boot) {
            (Phase::Idle, Boot::Settled) => {}
            (Phase::Idle, _) => self.stage = Stage::GivenUp,
            (_, Boot::Pending) => self.stage = Stage::Asked,
            (_, Boot::Trial) if is_new => self.wake_on_trial(now),
            (_, Boot::Trial) => self.stage = Stage::GivenUp,
            (Phase::Loading | Phase::Verified, Boot::Settled) => self.resume(now),
            // It stays, whether it was found good or not. The bootloader is told, for where it has
            // only lost its place the next update could bring it back to what it was about.
            (_, Boot::Settled) if is_new => self.stage = Stage::Keep,
            (_, Boot::Settled) => self.end(Outcome::Reverted),
        }
    }

    /// Goes on with an update that nothing was installed of, if it may still be.
    fn resume(&mut self, now: Duration) {
        let mut manifest = self.manifest.iter();
        if manifest.any(|manifest| self.suits(manifest).is_ok()) {
            self.enter(now);
        } else {
            self.fail();
        }
    }

    fn wake_on_trial(&mut self, now: Duration) {
        let boots = self.record.boots.saturating_add(1);
        let is_lost = self.record.phase == Phase::GivenUp || boots > self.policy.boots;
        // One that was found good is so. Its signature was looked at before the swap, by the keys of
        // the firmware before.
        let (phase, stage) = match self.record.phase {
            _ if is_lost => (Phase::GivenUp, self.trial(now)),
            Phase::Kept => (Phase::Kept, Stage::Keep),
            _ => (Phase::Trial, self.trial(now)),
        };
        let record = Record {
            phase,
            boots,
            ..self.record
        };
        self.next = Some(record);
        self.stage = stage;
    }

    fn trial(&self, now: Duration) -> Stage {
        Stage::Trial {
            until: now.saturating_add(self.policy.trial),
            is_tested: false,
            is_wanted: false,
        }
    }

    /// Takes the place in the machine that belongs to what flash has.
    fn enter(&mut self, now: Duration) {
        self.stage = match (self.record.phase, self.manifest) {
            (Phase::Idle, _) => Stage::Idle,
            (Phase::Loading, Some(manifest)) if !self.has_list => {
                let (size, block) = (manifest.list_size(), manifest.block_size);
                Stage::List(Window::new(LIST_OFFSET, size, block, self.policy.pace))
            }
            (Phase::Loading, Some(_)) => Self::recheck(0),
            (Phase::Verified, Some(_)) => Self::verify(),
            (Phase::Loading | Phase::Verified, None) => return self.fail(),
            (Phase::Asked, _) => Stage::Asked,
            (Phase::Trial, _) => self.trial(now),
            (Phase::Kept, _) => Stage::Keep,
            (Phase::GivenUp, _) => Stage::GivenUp,
        };
    }

    fn recheck(begin: u32) -> Stage {
        Stage::Recheck {
            begin,
            at: begin,
            hash: Sha256::new(),
        }
    }

    fn verify() -> Stage {
        Stage::Verify {
            at: 0,
            hash: Sha256::new(),
        }
    }

    /// How far the update is, as flash has it.
    pub(super) const fn record(&self) -> &Record {
        &self.record
    }

    pub(super) const fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Blocks and lists that were wrong.
    pub(super) const fn wrong(&self) -> u32 {
        self.wrong
    }

    pub(super) fn notice(&mut self) -> Option<Notice> {
        self.notices.pop()
    }

    /// Judges a signed manifest. If it is a new one, store the message and
    /// [`begin`](Self::begin).
    pub(super) fn judge(
        &self,
        message: &[u8],
        clock: Option<meter_core::units::UtcSeconds>,
    ) -> Result<Manifest, Refusal> {
        let manifest = self.device.judge(message, self.standing(clock))?;
        self.fit(&manifest)?;
        if self.is_idle() || self.manifest == Some(manifest) {
            Ok(manifest)
        } else {
            Err(Refusal::Busy)
        }
    }

    /// Whether the stored manifest may still be installed, as far as can be told without its
    /// signature.
    fn suits(&self, manifest: &Manifest) -> Result<(), Refusal> {
        self.device.suits(manifest, self.standing(None))?;
        self.fit(manifest)
    }

    fn standing(&self, clock: Option<meter_core::units::UtcSeconds>) -> Standing {
        Standing {
            sequence: self.record.sequence,
            security_counter: self.security_counter,
            clock,
            area: self.geometry.room,
            list: u32::try_from(self.hashes.len()).unwrap_or(u32::MAX),
        }
    }

    /// Whether blocks, pages and words go into each other.
    fn fit(&self, manifest: &Manifest) -> Result<(), Refusal> {
        let Geometry { page, word, .. } = self.geometry;
        let block = u32::from(manifest.block_size);
        let fits = page.max(block).is_multiple_of(page.min(block)) && block.is_multiple_of(word);
        fits.then_some(()).ok_or(Refusal::Room)
    }

    /// Manifests that were refused.
    pub(super) const fn refused(&self) -> u32 {
        self.refused
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refused = self.refused.saturating_add(1);
        self.notices.push(Notice::Refused(refusal));
    }

    pub(super) const fn is_idle(&self) -> bool {
        matches!(
            (&self.stage, self.boot, &self.next),
            (Stage::Idle, Boot::Settled, None)
        )
    }

    /// The manifest is stored: the update begins.
    pub(super) fn begin(&mut self, manifest: Manifest) {
        self.has_list = false;
        (self.wrong, self.repairs, self.stumbles) = (0, 0, 0);
        self.manifest = Some(manifest);
        self.next = Some(Record {
            phase: Phase::Loading,
            image: manifest.image_id(),
            whole: 0,
            boots: 0,
            ..self.record
        });
    }

    /// The application installs now: `false` when there is nothing to install.
    pub(super) fn install(&mut self) -> bool {
        let is_ready = matches!(self.stage, Stage::Verified | Stage::Swap);
        if is_ready {
            self.stage = Stage::Swap;
        }
        is_ready
    }

    /// The head-end gives it up: `false` when it is too late, or another image.
    pub(super) fn cancel(&mut self, image: ImageId) -> bool {
        match self.stage {
            _ if self.is_idle() || self.record.image != image => return false,
            Stage::Trial { .. } => self.give_up(),
            Stage::Idle
            | Stage::Swap
            | Stage::Asked
            | Stage::Keep
            | Stage::Raise
            | Stage::GivenUp => return false,
            _ => self.end(Outcome::Cancelled),
        }
        true
    }

    /// The head-end has seen the new firmware: `false` when it is another one, or not on trial.
    pub(super) fn confirm(&mut self, image: ImageId) -> bool {
        match &mut self.stage {
            Stage::Trial { is_wanted, .. } if self.record.image == image => *is_wanted = true,
            _ => return false,
        }
        true
    }

    /// The new firmware has found itself to work: `false` when none is on trial.
    pub(super) fn tested(&mut self) -> bool {
        match &mut self.stage {
            Stage::Trial { is_tested, .. } => *is_tested = true,
            _ => return false,
        }
        true
    }

    fn give_up(&mut self) {
        self.next = Some(Record {
            phase: Phase::GivenUp,
            ..self.record
        });
    }

    fn end(&mut self, outcome: Outcome) {
        self.stage = Stage::Idle;
        self.next = Some(Record {
            phase: Phase::Idle,
            outcome,
            ..self.record
        });
    }

    fn fail(&mut self) {
        self.notices.push(Notice::Refused(Refusal::Image));
        self.end(Outcome::Failed);
    }
}
