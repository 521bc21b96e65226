//! A meter with two areas and a bootloader, all of it on one supply that may fail.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use embassy_futures::block_on;
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use meter_proto::update::{
    Action, Boot, Data, Device, Outcome, Pace, Phase, Policy, Query, Refusal, Slot, UpdateError,
    Updater,
};

use super::{CLOCK, NEW, OLD, device, image, list, manifest, seal};
use crate::flash::{Flash, PAGE, PowerLost};

/// Where the state is kept.
pub(crate) const RANGE: std::ops::Range<u32> = 0..3 * PAGE as u32;
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);
pub(crate) const POLICY: Policy = Policy {
    pace: Pace {
        window: 4,
        timeout: TIMEOUT,
    },
    trial: Duration::from_secs(7_200),
    boots: 3,
};

/// A flash that notes when it is written and erased: what was left of the supply, and for how long.
pub(crate) struct Metered<const WORD: usize> {
    pub(crate) flash: Flash<WORD>,
    pub(crate) marks: Rc<RefCell<Vec<(usize, usize)>>>,
    pub(crate) erased: usize,
    pub(crate) writes: usize,
    /// It holds the only image that is known to work.
    is_needed: bool,
    /// No word is written twice between two erases, as where each has a checksum.
    pub(crate) once: bool,
    /// It cannot be written any more.
    pub(crate) is_worn: bool,
}

impl<const WORD: usize> ErrorType for Metered<WORD> {
    type Error = PowerLost;
}

impl<const WORD: usize> ReadNorFlash for Metered<WORD> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerLost> {
        self.flash.read(offset, bytes).await
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl<const WORD: usize> NorFlash for Metered<WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerLost> {
        assert!(!self.is_needed);
        self.erased += 1;
        let mark = (self.flash.budget.get(), (to - from) as usize);
        self.marks.borrow_mut().push(mark);
        self.flash.erase(from, to).await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerLost> {
        assert!(!self.is_needed);
        self.writes += 1;
        if self.is_worn {
            return Err(PowerLost);
        }
        let cells = self.flash.cells[offset as usize..].iter().take(bytes.len());
        assert!(
            !self.once || cells.copied().all(|cell| cell == 0xFF),
            "written twice"
        );
        let mark = (self.flash.budget.get(), bytes.len());
        self.marks.borrow_mut().push(mark);
        self.flash.write(offset, bytes).await
    }
}

/// The area and what the bootloader keeps.
pub(crate) struct Other<const WORD: usize> {
    pub(crate) area: Metered<WORD>,
    pub(crate) boot: Boot,
    pub(crate) counter: u32,
    /// So often a trial is started again before it is swapped back.
    pub(crate) tries: u32,
    /// It says that it keeps an image, and does not.
    pub(crate) lies: bool,
    /// What may be swapped in.
    pub(crate) signed: Vec<u8>,
}

impl<const WORD: usize> Other<WORD> {
    /// An arrow: power fails before it, or it is done.
    fn arrow(&self) -> Result<(), PowerLost> {
        let budget = &self.area.flash.budget;
        self.area.marks.borrow_mut().push((budget.get(), 1));
        let left = budget.get().checked_sub(1).ok_or(PowerLost)?;
        budget.set(left);
        Ok(())
    }
}

impl<const WORD: usize> Slot for &mut Other<WORD> {
    type Error = PowerLost;
    type Area = Metered<WORD>;

    fn area(&mut self) -> &mut Metered<WORD> {
        self.area.is_needed = self.boot != Boot::Settled;
        &mut self.area
    }

    fn room(&self) -> u32 {
        19 * PAGE as u32
    }

    async fn boot(&mut self) -> Result<Boot, PowerLost> {
        Ok(self.boot)
    }

    async fn swap(&mut self) -> Result<(), PowerLost> {
        self.arrow()?;
        let cells = &self.area.flash.cells;
        assert!(cells.starts_with(&self.signed), "swap of a mixture");
        self.boot = Boot::Pending;
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), PowerLost> {
        self.arrow()?;
        if !self.lies {
            self.boot = Boot::Settled;
        }
        Ok(())
    }

    async fn security_counter(&mut self) -> Result<u32, PowerLost> {
        Ok(self.counter)
    }

    async fn raise_security_counter(&mut self, to: u32) -> Result<(), PowerLost> {
        self.arrow()?;
        assert!(to > self.counter);
        self.counter = to;
        Ok(())
    }
}

/// The head-end's answers, and what the net makes of them.
pub(crate) struct Link {
    pub(crate) image: Vec<u8>,
    pub(crate) list: Vec<u8>,
    pub(crate) block: usize,
    pub(crate) queue: VecDeque<Vec<u8>>,
    /// Sent before `queue`, as it is.
    pub(crate) junk: VecDeque<Vec<u8>>,
    /// Of 256 messages so many are lost, doubled, put off, damaged: a coin for each.
    pub(crate) faults: [u8; 4],
    pub(crate) seed: u32,
    pub(crate) asked: Vec<Query>,
    /// After so many queries nothing is answered.
    pub(crate) answers: usize,
}

impl Link {
    pub(crate) fn new(image: &[u8], block: u16) -> Self {
        Self {
            image: image.to_vec(),
            list: list(image, block.into()),
            block: block.into(),
            queue: VecDeque::new(),
            junk: VecDeque::new(),
            faults: [0; 4],
            seed: 1,
            asked: Vec::new(),
            answers: usize::MAX,
        }
    }

    fn coin(&mut self, of_256: u8) -> bool {
        self.seed = self
            .seed
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.seed >> 24) as u8 >= 255 - of_256 && of_256 > 0
    }

    pub(crate) fn ask(&mut self, query: Query) {
        self.asked.push(query);
        if self.asked.len() > self.answers {
            return;
        }
        let base = query.offset & 0x8000_0000;
        let source = if base == 0 { &self.image } else { &self.list };
        let from = (query.offset - base) as usize;
        assert!(
            from + usize::from(query.length) <= source.len(),
            "{query:?}"
        );
        let wanted = source[from..][..query.length.into()].to_vec();
        for (number, bytes) in wanted.chunks(self.block).enumerate() {
            let data = Data {
                image: query.image,
                offset: query.offset + (number * self.block) as u32,
                bytes,
            };
            let mut message = vec![0; bytes.len() + 24];
            let length = data.encode(&mut message).unwrap();
            message.truncate(length);
            self.send(message);
        }
    }

    fn send(&mut self, mut message: Vec<u8>) {
        let [lost, doubled, put_off, damaged] = self.faults;
        if self.coin(damaged) {
            let at = self.seed as usize % message.len();
            message[at] ^= 0x10;
        }
        if self.coin(doubled) {
            self.queue.push_back(message.clone());
        }
        if self.coin(put_off) {
            self.queue.push_front(message);
        } else if !self.coin(lost) {
            self.queue.push_back(message);
        }
    }
}

/// The update of a board.
pub(crate) type Opened<'b, const WORD: usize> =
    Updater<'b, &'b mut Metered<WORD>, &'b mut Other<WORD>>;

type Failed = UpdateError<PowerLost, PowerLost>;

/// A meter from the first start to the end of an update.
pub(crate) struct Board<const WORD: usize> {
    /// What each build knows of itself.
    pub(crate) device: fn(u32) -> Device,
    /// What the meter runs.
    pub(crate) active: Vec<u8>,
    pub(crate) state: Metered<WORD>,
    pub(crate) other: Other<WORD>,
    pub(crate) link: Link,
    pub(crate) message: Vec<u8>,
    /// Whether the new firmware finds itself good, and the head-end too.
    pub(crate) is_good: [bool; 2],
    /// How often the head-end starts the update.
    pub(crate) starts: u32,
    pub(crate) events: Vec<u16>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) phases: Vec<Phase>,
    pub(crate) restarts: u32,
    /// Room for the list of hashes.
    pub(crate) hashes: usize,
    pub(crate) wrong: u32,
    pub(crate) refused: u32,
    /// An error is no power cut: the application calls again.
    pub(crate) forgives: bool,
    /// A life has so many turns.
    pub(crate) turns: usize,
    pub(crate) whole: u32,
}

impl<const WORD: usize> Board<WORD> {
    /// The old firmware runs, and a new one of `size` bytes is to come.
    pub(crate) fn new(size: usize, block: u16) -> Self {
        let budget = Rc::new(Cell::new(usize::MAX));
        let marks = Rc::default();
        let metered = || Metered {
            flash: Flash {
                budget: Rc::clone(&budget),
                ..Flash::new()
            },
            marks: Rc::clone(&marks),
            erased: 0,
            writes: 0,
            is_needed: false,
            once: false,
            is_worn: false,
        };
        let new = image(NEW, size);
        let mut active = image(OLD, 3_000);
        active.resize(metered().flash.cells.len(), 0xFF);
        let mut area = metered();
        area.once = true;
        area.flash.cells.fill(0x5A); // what an earlier update left
        Self {
            device,
            active,
            state: metered(),
            other: Other {
                area,
                boot: Boot::Settled,
                counter: 2,
                tries: 0,
                lies: false,
                signed: new.clone(),
            },
            link: Link::new(&new, block),
            message: seal(&manifest(&new, block)),
            is_good: [true; 2],
            starts: 1,
            events: Vec::new(),
            refusals: Vec::new(),
            phases: Vec::new(),
            restarts: 0,
            hashes: 256,
            wrong: 0,
            refused: 0,
            forgives: false,
            turns: 20_000,
            whole: 0,
        }
    }

    pub(crate) fn budget(&self) -> Rc<Cell<usize>> {
        Rc::clone(&self.state.flash.budget)
    }

    pub(crate) fn build(&self) -> u32 {
        u32::from_le_bytes(self.active[..4].try_into().unwrap())
    }

    /// The bootloader: whatever happens, one of the two images runs, and whole.
    pub(crate) fn restart(&mut self) {
        self.restarts += 1;
        self.budget().set(usize::MAX);
        self.link.queue.clear();
        self.other.boot = match self.other.boot {
            Boot::Settled => return,
            Boot::Pending => Boot::Trial,
            Boot::Trial if self.other.tries > 0 => {
                self.other.tries -= 1;
                return;
            }
            Boot::Trial => Boot::Settled,
        };
        std::mem::swap(&mut self.active, &mut self.other.area.flash.cells);
        let new = self.active.starts_with(&self.other.signed);
        let old = self.active.starts_with(&image(OLD, 3_000));
        assert!(new || old, "a mixture runs");
        assert!(!old || self.other.boot == Boot::Settled);
    }

    /// Lives until nothing is left to do, over as many restarts as it takes.
    pub(crate) fn live(&mut self) -> Outcome {
        for _ in 0..20 {
            match self.one_life() {
                Ok(Some(outcome)) => return outcome,
                Ok(None) => self.restart(),
                Err(error) => {
                    let lost = matches!(error, UpdateError::Flash(_) | UpdateError::Slot(_));
                    assert!(lost && self.forgives, "{error:?}");
                    self.restart();
                }
            }
        }
        panic!("restarts without end: {:?}", self.events)
    }

    /// One life that ends after so many turns at the latest, by a power cut.
    pub(crate) fn cut_after(&mut self, turns: usize) {
        self.turns = turns;
        let _ = self.one_life();
        self.turns = 20_000;
        self.restart();
    }

    /// Opens the update after a start, for a look and a word.
    pub(crate) fn visit<T>(&mut self, visit: impl FnOnce(&mut Opened<'_, WORD>) -> T) -> T {
        let mut hashes = vec![0xa5; self.hashes];
        let device = (self.device)(self.build());
        let (state, other, now) = (&mut self.state, &mut self.other, Duration::ZERO);
        let opened = Updater::open(state, RANGE, other, device, POLICY, &mut hashes, now);
        visit(&mut block_on(opened).unwrap())
    }

    /// From a start to a restart, or to the end.
    pub(crate) fn one_life(&mut self) -> Result<Option<Outcome>, Failed> {
        let build = self.build();
        let mut hashes = vec![0xa5; self.hashes];
        let mut now = Duration::ZERO;
        let mut updater = block_on(Updater::open(
            &mut self.state,
            RANGE,
            &mut self.other,
            (self.device)(build),
            POLICY,
            &mut hashes,
            now,
        ))?;
        for _ in 0..self.turns {
            let action = block_on(updater.work(now));
            while let Some(notice) = updater.notice() {
                self.events.push(notice.code());
            }
            let record = *updater.record();
            if self.phases.last() != Some(&record.phase) {
                self.phases.push(record.phase);
            }
            (self.wrong, self.whole) = (updater.wrong(), record.whole);
            self.refused = updater.refused();
            if self.forgives && action.is_err() {
                continue;
            }
            match action? {
                Action::Again => {}
                Action::Ask(query) => self.link.ask(query),
                Action::Ready => assert!(updater.install()),
                Action::Restart => return Ok(None),
                Action::Wait(until) => {
                    let junk = self.link.junk.pop_front();
                    if let Some(message) = junk.or_else(|| self.link.queue.pop_front()) {
                        let received = block_on(updater.receive(&message, now));
                        if !self.forgives {
                            received?;
                        }
                    } else if record.phase == Phase::Idle && until.is_none() {
                        if self.starts == 0 || record.outcome == Outcome::Confirmed {
                            return Ok(Some(record.outcome));
                        }
                        self.starts -= 1;
                        if let Err(refusal) = block_on(updater.start(&self.message, CLOCK))? {
                            self.refusals.push(refusal);
                        }
                    } else if record.phase == Phase::Trial && self.is_good == [true; 2] {
                        assert!(updater.self_test_passed());
                        assert!(updater.confirm(record.image));
                    } else {
                        let until = until.expect("something is under way");
                        assert!(until > now, "it waits for the past");
                        if self.is_good[0] {
                            updater.self_test_passed();
                        }
                        if self.is_good[1] {
                            updater.confirm(record.image);
                        }
                        now = until;
                    }
                }
            }
        }
        assert!(self.turns < 20_000, "no end: {:?}", self.events);
        Ok(None)
    }
}
