//! Any life of an outbox on a flash of any content: power that goes at any write, cells that change,
//! receipts that lie. Nothing panics or loops, and no number is given twice while the flash keeps what
//! was written to it.

#![no_main]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use embassy_futures::block_on;
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use libfuzzer_sys::fuzz_target;
use meter_proto::outbox::{Layout, Outbox};
use meter_proto::payload::{Receipt, Stream};

const PAGE: usize = 256;
const PAGES: usize = 9;

fn layout() -> Layout {
    let pages = |from: usize, to: usize| (from * PAGE) as u32..(to * PAGE) as u32;
    Layout {
        index: pages(0, 3),
        momentary: pages(3, 5),
        event: pages(5, 7),
        billing: pages(7, 9),
    }
}

#[derive(Debug)]
struct PowerLost;

impl NorFlashError for PowerLost {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

/// Bits fall when written and rise with their page; after `left` bytes the power is gone.
struct Flash<'c> {
    cells: &'c mut [u8],
    left: usize,
}

impl Flash<'_> {
    /// How many of so many bytes are done.
    fn spend(&mut self, count: usize) -> usize {
        let done = count.min(self.left);
        self.left -= done;
        done
    }
}

impl ErrorType for Flash<'_> {
    type Error = PowerLost;
}

impl ReadNorFlash for Flash<'_> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerLost> {
        let offset = offset as usize;
        bytes.copy_from_slice(&self.cells[offset..offset + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells.len()
    }
}

impl NorFlash for Flash<'_> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerLost> {
        let (from, to) = (from as usize, to as usize);
        let done = self.spend(to - from);
        self.cells[from..from + done].fill(0xFF);
        if done == to - from {
            Ok(())
        } else {
            Err(PowerLost)
        }
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerLost> {
        let done = self.spend(bytes.len());
        for (cell, byte) in self.cells[offset as usize..].iter_mut().zip(&bytes[..done]) {
            *cell &= byte;
        }
        if done == bytes.len() {
            Ok(())
        } else {
            Err(PowerLost)
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, mut steps)) = input.split_first() else {
        return;
    };
    let mut cells = vec![0xFF; PAGE * PAGES];
    // A third of the lives begin with what some other program left.
    let mut is_trusted = choice % 3 > 0;
    if !is_trusted {
        let garbage = steps.len().min(cells.len());
        cells[..garbage].copy_from_slice(&steps[..garbage]);
        steps = &steps[garbage / 2..];
    }
    // The last number that each stream was told, in which epoch.
    let mut told: BTreeMap<u8, (u32, u64)> = BTreeMap::new();
    let mut lives = 0;
    while !steps.is_empty() && lives < 8 {
        lives += 1;
        steps = life(&mut cells, steps, lives, is_trusted, &mut told);
        // Between two lives a cell may change; from then on nobody promises anything.
        if let Some((&[what, high, low], rest)) = steps.split_first_chunk()
            && what % 8 == 0
        {
            let place = usize::from(u16::from_be_bytes([high, low])) % cells.len();
            cells[place] ^= 1 << (what >> 3 & 7);
            (is_trusted, steps) = (false, rest);
        }
    }
});

/// One life, to its power cut or the end of the steps; what is left of them.
fn life<'i>(
    cells: &mut [u8],
    steps: &'i [u8],
    seed: u32,
    is_trusted: bool,
    told: &mut BTreeMap<u8, (u32, u64)>,
) -> &'i [u8] {
    let Some((&budget, mut steps)) = steps.split_first() else {
        return steps;
    };
    let flash = Flash {
        cells,
        left: usize::from(budget) * 24,
    };
    let Ok((mut outbox, _)) = block_on(Outbox::open(flash, layout(), seed)) else {
        return steps;
    };
    for stream in Stream::ALL {
        if let Some(&(epoch, seq)) = told.get(&stream.number()) {
            let is_known = epoch != outbox.epoch() || outbox.last(stream) >= seq;
            assert!(is_known || !is_trusted, "{stream:?}: {seq} is forgotten");
        }
    }
    while let Some((&step, rest)) = steps.split_first() {
        steps = rest;
        let stream = Stream::ALL[usize::from(step) % Stream::ALL.len()];
        match step >> 5 {
            0..=4 => {
                let length = usize::from(step >> 2).min(40);
                let message = [step; 40];
                let pushed = block_on(outbox.push(stream, |_, _, buffer| {
                    buffer[..length].copy_from_slice(&message[..length]);
                    Ok(length)
                }));
                let Ok(seq) = pushed else { return steps };
                let (epoch, before) = told.get(&(stream.number())).copied().unwrap_or((0, 0));
                assert!(
                    !is_trusted || epoch != outbox.epoch() || seq > before,
                    "{stream:?} gives {seq} after {before}"
                );
                told.insert(stream.number(), (outbox.epoch(), seq));
            }
            5 => {
                let mut receipt = Receipt::new(outbox.epoch());
                receipt.set(
                    stream,
                    outbox.last(stream).wrapping_sub(u64::from(step & 3)),
                );
                let _ = block_on(outbox.acknowledge(&receipt));
                assert!(outbox.acknowledged(stream) <= outbox.last(stream));
            }
            6 => {
                let mut last = outbox.acknowledged(stream);
                let _ = block_on(outbox.visit_after(stream, last, |seq, _| {
                    // A page that is out of its turn, and an index that does not know of it, have the
                    // numbers begin again.
                    assert!(seq > last || !is_trusted, "out of order");
                    last = seq;
                    ControlFlow::Continue(())
                }));
            }
            _ => return steps,
        }
    }
    steps
}
