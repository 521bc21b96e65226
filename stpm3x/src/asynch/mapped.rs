//! The chip's rows on the processor's own bus.

use core::convert::Infallible;

use embedded_hal_async::delay::DelayNs;

use super::Registers;
use crate::reg::ROWS;
use crate::seq::{Lines, Signal};
use crate::{Block, Error, Fault};

/// A [`Block`] as a bus: no frames, no pins; the latch and the reset go by software.
///
/// The same as the one of [`blocking`](crate::blocking::Mapped): a read takes no time to wait for.
#[derive(Debug)]
pub struct Mapped<B>(B);

impl<B: Block> Mapped<B> {
    /// Takes the block.
    pub const fn new(block: B) -> Self {
        Self(block)
    }

    /// Gives the block back.
    pub fn release(self) -> B {
        self.0
    }
}

impl<B: Block> Registers for Mapped<B> {
    type Error = Infallible;

    fn lines(&self) -> Lines {
        Lines::default()
    }

    async fn read<D: DelayNs>(
        &mut self,
        _: &mut D,
        rows: &[u8],
        values: &mut [u32],
    ) -> Result<(), Error<Infallible>> {
        if rows.len() > values.len() || rows.iter().any(|&row| row >= ROWS) {
            return Err(Fault::OutOfMap.into());
        }
        for (value, &row) in values.iter_mut().zip(rows) {
            *value = self.0.read(row);
        }
        Ok(())
    }

    async fn write<D: DelayNs>(
        &mut self,
        _: &mut D,
        half: u8,
        value: u16,
    ) -> Result<(), Error<Infallible>> {
        if half > 41 {
            return Err(Fault::OutOfMap.into());
        }
        self.0.write(half, value);
        Ok(())
    }

    async fn signal<D: DelayNs>(&mut self, _: &mut D, _: Signal) -> Result<(), Error<Infallible>> {
        Ok(())
    }
}
