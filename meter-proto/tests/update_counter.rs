//! The security counter over flash that loses power: it never falls.

#![cfg(feature = "update")]

mod flash;
mod update_bench;
mod update_boot;

use std::rc::Rc;

use embassy_futures::block_on;
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use flash::PAGE;
use meter_proto::update::{CounterError, SecurityCounter};
use proptest::prelude::*;
use update_boot::chip::{Area, Chip, TEARS};

fn counter<const WORD: usize>() -> (Rc<Chip>, SecurityCounter<Area<WORD>>) {
    let chip = Rc::default();
    let area = Area::append(&chip, 2);
    (chip, SecurityCounter::new(area))
}

fn read<const WORD: usize>(counter: &mut SecurityCounter<Area<WORD>>) -> u32 {
    block_on(counter.read()).unwrap()
}

/// An erase and a write for each value; power fails in each of them, and may fail once more in
/// what mends it.
fn every_cut<const WORD: usize>() {
    let values = [2, 3, 70_000, u32::MAX];
    let uses = 2 * values.len();
    for (at, more) in (0..uses).flat_map(|at| (0..2).map(move |more| (at, more))) {
        for (tear, other) in TEARS.into_iter().flat_map(|tear| TEARS.map(|o| (tear, o))) {
            let (chip, mut counter) = counter::<WORD>();
            chip.cuts.replace(vec![(at, tear), (more, other)]);
            let mut last = 0;
            for value in values {
                while block_on(counter.raise(value)).is_err() {
                    chip.power_on();
                    let now = read(&mut counter);
                    assert!(now == last || now == value, "{now} after {at} {tear:?}");
                }
                assert_eq!(read(&mut counter), value);
                last = value;
            }
        }
    }
}

#[test]
fn the_counter_never_falls() {
    every_cut::<1>();
    every_cut::<4>();
    every_cut::<8>();
    every_cut::<32>();
    every_cut::<64>();
}

#[test]
fn only_a_higher_value_is_written() {
    let (chip, mut counter) = counter::<4>();
    assert_eq!(read(&mut counter), 0);
    block_on(counter.raise(0)).unwrap();
    assert_eq!(chip.uses.get(), 0);
    block_on(counter.raise(7)).unwrap();
    for value in [0, 6, 7] {
        block_on(counter.raise(value)).unwrap();
    }
    assert_eq!((read(&mut counter), chip.uses.get()), (7, 2));
}

/// A flash that takes nothing, and says so to nobody.
struct Protected(Area<4>);

impl ErrorType for Protected {
    type Error = <Area<4> as ErrorType>::Error;
}

impl ReadNorFlash for Protected {
    const READ_SIZE: usize = <Area<4> as ReadNorFlash>::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.read(offset, bytes).await
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Protected {
    const WRITE_SIZE: usize = <Area<4> as NorFlash>::WRITE_SIZE;
    const ERASE_SIZE: usize = <Area<4> as NorFlash>::ERASE_SIZE;

    async fn erase(&mut self, _: u32, _: u32) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn write(&mut self, _: u32, _: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[test]
fn a_value_that_was_not_kept_is_no_success() {
    let area = Area::append(&Rc::default(), 2);
    let mut counter = SecurityCounter::new(Protected(area));
    let raised = block_on(counter.raise(7));
    assert_eq!(raised, Err(CounterError::NotKept));
    assert_eq!(block_on(counter.read()), Ok(0));
}

proptest! {
    /// Some bits did not fall yet, or rose already: the record counts for nothing.
    #[test]
    fn a_torn_record_counts_for_nothing(value in any::<u32>(), risen in any::<u64>()) {
        let (chip, mut counter) = counter::<8>();
        let record = u64::from(value) | u64::from(!value) << 32;
        let torn = record | risen;
        chip.cells.borrow_mut()[..8].copy_from_slice(&torn.to_le_bytes());
        prop_assert_eq!(read(&mut counter), if torn == record { value } else { 0 });
    }

    /// Whatever the flash holds, the counter is raised from there.
    #[test]
    fn any_flash_can_be_raised(cells in prop::collection::vec(any::<u8>(), 2 * PAGE), add: u16) {
        let (chip, mut counter) = counter::<4>();
        chip.cells.replace(cells);
        let value = read(&mut counter).saturating_add(add.into());
        block_on(counter.raise(value)).unwrap();
        prop_assert_eq!(read(&mut counter), value);
    }
}
