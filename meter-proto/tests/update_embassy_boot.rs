//! Whole updates with `embassy-boot`: its own bootloader swaps and swaps back, its own updater
//! marks, over flash that loses power at any write and erase.

#![cfg(feature = "update")]

#[allow(unreachable_pub, reason = "as it stands in the README")]
mod embassy_slot;
mod flash;
mod update_bench;
mod update_boot;

use std::rc::Rc;

use embassy_boot::{BootLoader, BootLoaderConfig, FirmwareState, State};
use embassy_futures::block_on;
use embassy_slot::EmbassySlot;
use flash::{PAGE, PowerLost};
use meter_proto::update::{Boot, Slot};
use update_boot::chip::{Area, Chip, TEARS, Tear};
use update_boot::{Bootloader, Meter, PAGES, every_cut, one_after_the_other, two_cuts};

struct Embassy<const WORD: usize> {
    active: Area<WORD>,
    dfu: Area<WORD>,
    state: Area<WORD>,
}

impl<const WORD: usize> Embassy<WORD> {
    fn prepare(&self) -> Result<State, PowerLost> {
        let config = BootLoaderConfig {
            active: self.active.clone(),
            dfu: self.dfu.clone(),
            state: self.state.clone(),
        };
        let prepared = BootLoader::new(config).prepare_boot(&mut [0; PAGE / 2]);
        prepared.map_err(|error| {
            assert!(self.active.chip.is_off(), "{error:?}");
            PowerLost
        })
    }

    fn state(&self) -> FirmwareState<'static, Area<WORD>> {
        FirmwareState::new(self.state.clone(), Box::leak(Box::new([0; WORD])))
    }
}

impl<const WORD: usize> Bootloader<WORD> for Embassy<WORD> {
    fn new(chip: &Rc<Chip>) -> Self {
        let state = ((2 + 4 * PAGES) * WORD).div_ceil(PAGE);
        let [active, dfu, state] = [PAGES, PAGES + 1, state].map(|pages| Area::append(chip, pages));
        Self { active, dfu, state }
    }

    fn active(&self) -> &Area<WORD> {
        &self.active
    }

    fn start(&mut self) -> Result<(), PowerLost> {
        self.prepare().map(|_| ())
    }

    fn slot(&self, counter: Area<WORD>) -> impl Slot + 'static {
        let (dfu, state) = (self.dfu.clone(), self.state.clone());
        let word = Box::leak(Box::new([0; WORD]));
        EmbassySlot::new(dfu, state, word, counter, (PAGES * PAGE) as u32)
    }
}

#[test]
fn power_cut_at_every_use_of_the_flash() {
    every_cut::<Embassy<4>, 4>();
}

#[test]
fn power_cut_at_every_use_of_a_flash_of_large_words() {
    every_cut::<Embassy<32>, 32>();
}

#[test]
fn power_cut_twice() {
    two_cuts::<Embassy<8>, 8>();
}

#[test]
fn updates_follow_each_other() {
    one_after_the_other::<Embassy<1>, 1>();
    one_after_the_other::<Embassy<8>, 8>();
}

/// The state is `Swap` before the swap and after it: only the start between tells them apart.
#[test]
fn a_swap_is_pending_until_the_bootloader_has_run() {
    let meter = Meter::<Embassy<4>, 4>::new();
    let mut slot = meter.loader.slot(meter.counter.clone());
    assert_eq!(block_on(slot.boot()).unwrap(), Boot::Settled);
    block_on(slot.swap()).unwrap();
    block_on(slot.swap()).unwrap();
    assert_eq!(block_on(slot.boot()).unwrap(), Boot::Pending);
    assert_eq!(meter.loader.prepare(), Ok(State::Swap));
    let mut slot = meter.loader.slot(meter.counter.clone());
    assert_eq!(block_on(slot.boot()).unwrap(), Boot::Trial);
    block_on(slot.keep()).unwrap();
    block_on(slot.keep()).unwrap();
    assert_eq!(block_on(slot.boot()).unwrap(), Boot::Settled);
    assert_eq!(meter.loader.prepare(), Ok(State::Boot));
}

/// A power cut in `mark_booted`: the bootloader finds its progress invalid, copies nothing, and
/// calls it a revert. The new image stays, whatever the state says.
#[test]
fn a_mark_that_was_cut_counts() {
    for tear in TEARS {
        let meter = Meter::<Embassy<4>, 4>::new();
        let old = meter.loader.active.bytes();
        block_on(meter.loader.slot(meter.counter.clone()).swap()).unwrap();
        assert_eq!(meter.loader.prepare(), Ok(State::Swap));
        let new = meter.loader.active.bytes();
        assert_ne!(old, new);
        meter.chip.cuts.replace(vec![(1, tear)]);
        let mut slot = meter.loader.slot(meter.counter.clone());
        assert!(block_on(slot.keep()).is_err());
        meter.chip.power_on();
        meter.loader.prepare().unwrap();
        assert_eq!(meter.loader.active.bytes(), new);
        let state = block_on(meter.loader.state().get_state()).unwrap();
        let is_erased = !matches!(tear, Tear::Nothing | Tear::LastHalf);
        let expected = if is_erased {
            State::Boot
        } else {
            State::Revert
        };
        assert_eq!(state, expected);
        assert_eq!(block_on(slot.boot()).unwrap(), Boot::Settled);
    }
}

/// What the README shows is what is tested here.
#[test]
fn the_readme_shows_this_slot() {
    let slot = include_str!("embassy_slot/mod.rs");
    assert!(include_str!("../README.md").contains(slot));
}
