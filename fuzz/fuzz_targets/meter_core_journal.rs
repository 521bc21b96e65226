//! The journal on random flash, with power cuts at random bytes: it always opens, never gives a
//! mixture, and never loses a save that came back.

#![no_main]

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use libfuzzer_sys::{arbitrary, fuzz_target};
use meter_core::journal::Journal;

const SECTOR: usize = 128;
const SECTORS: usize = 3;
const SLOT: usize = 48;

#[derive(arbitrary::Arbitrary, Debug)]
struct Life {
    flash: Vec<u8>,
    /// Bytes until power fails, and whether to erase ahead.
    runs: Vec<(u16, bool)>,
}

#[derive(Debug)]
struct Flash {
    bytes: Vec<u8>,
    budget: usize,
}

#[derive(Clone, Copy, Debug)]
struct PowerCut;

impl NorFlashError for PowerCut {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl Flash {
    fn spend(&mut self) -> Result<(), PowerCut> {
        self.budget = self.budget.checked_sub(1).ok_or(PowerCut)?;
        Ok(())
    }
}

impl ErrorType for Flash {
    type Error = PowerCut;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerCut> {
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerCut> {
        for at in from as usize..to as usize {
            self.spend()?;
            self.bytes[at] = 0xFF;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerCut> {
        for (at, &byte) in (offset as usize..).zip(bytes) {
            self.spend()?;
            self.bytes[at] &= byte;
        }
        Ok(())
    }
}

fuzz_target!(|life: Life| {
    let mut bytes = vec![0xFF; SECTORS * SECTOR];
    for (slot, byte) in bytes.iter_mut().zip(life.flash) {
        *slot = byte;
    }
    let mut saved: Option<u32> = None;
    let mut number = 0u32;
    let mut foreign = true;
    for (budget, ahead) in life.runs {
        let flash = Flash {
            bytes,
            budget: budget.into(),
        };
        let mut journal =
            Journal::<_, SLOT>::open(flash, 0..(SECTORS * SECTOR) as u32).expect("any flash opens");
        let found = journal
            .latest()
            .expect("reading needs no power")
            .map(|record| {
                let payload: [u8; 4] = record.payload.try_into().unwrap_or_default();
                u32::from_le_bytes(payload)
            });
        // The input may hold a record of its own, until ours are the newest.
        foreign &= saved.is_none();
        if !foreign {
            assert!(found >= saved, "a save that came back is lost");
            assert!(found <= Some(number), "nobody saved that");
        }
        for _ in 0..8 {
            number += 1;
            if journal.save(1, &number.to_le_bytes()).is_err() {
                break;
            }
            saved = Some(number);
            if ahead && journal.prepare().is_err() {
                break;
            }
        }
        bytes = journal.release().bytes;
    }
});
