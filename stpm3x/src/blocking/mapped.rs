//! The chip's rows on the processor's own bus.

use core::convert::Infallible;

use embedded_hal::delay::DelayNs;

use super::Registers;
use crate::reg::ROWS;
use crate::seq::{Lines, Signal};
use crate::{Block, Error, Fault};

/// A [`Block`] as a bus: no frames, no pins; the latch and the reset go by software.
///
/// ```
/// # use std::cell::RefCell;
/// # use stpm3x::{Config, Divider, FrontEnd, Gain, Part, Sensor, Stpm34};
/// # use stpm3x::sim::{self, Board, Chip, Input, Interface, NoDelay};
/// use stpm3x::blocking::{Mapped, Stpm3x};
/// # let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// # let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
/// # let config = Config::<Stpm34>::new(front_end)?;
/// # let chip = RefCell::new(Chip::new(Part::Stpm34, Board::new(Input::shunt(770_000, 470, 300))));
/// # chip.borrow_mut().power_on(Interface::Spi);
/// let mut meter = Stpm3x::new(Mapped::new(sim::Rows(&chip)), NoDelay, config);
/// meter.restart()?;
/// meter.latch()?;
/// let snapshot = meter.snapshot()?;
/// # assert!(snapshot.primary.events.period_error());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    fn read<D: DelayNs>(
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

    fn write<D: DelayNs>(
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

    fn signal<D: DelayNs>(&mut self, _: &mut D, _: Signal) -> Result<(), Error<Infallible>> {
        Ok(())
    }
}
