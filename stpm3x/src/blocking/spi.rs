//! The chip on SPI.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::{Operation, SpiDevice};

use super::{Exchange, Registers};
use crate::link::{Dialect, Frame, Framing, Transfer};
use crate::seq::{Lines, Signal};
use crate::{Error, NoPin, Pins};

/// The chip on SPI: mode 3, most significant bit first, 8-bit words, up to 20 MHz.
///
/// SCS belongs to the SPI device. Its pulses, and the long one that chooses SPI after EN rises, are
/// transactions that contain a delay only: no other user of the bus may hold it for longer than
/// 700 µs while [`start`](super::Stpm3x::start) runs.
#[derive(Debug)]
pub struct Spi<S, SYN = NoPin, EN = NoPin> {
    device: S,
    pins: Pins<SYN, NoPin, EN>,
    framing: Framing,
}

impl<S: SpiDevice, SYN: OutputPin, EN: OutputPin> Spi<S, SYN, EN> {
    /// Takes the SPI device and what other pins the board connects.
    pub const fn new(device: S, pins: Pins<SYN, NoPin, EN>) -> Self {
        Self {
            device,
            pins,
            framing: Framing::after_reset(Dialect::Spi),
        }
    }

    /// Gives the SPI device and the pins back.
    pub fn release(self) -> (S, Pins<SYN, NoPin, EN>) {
        (self.device, self.pins)
    }

    fn play(
        &mut self,
        mut transfer: Transfer<'_>,
        values: &mut [u32],
    ) -> Result<(), Error<S::Error>> {
        while let Some(mut frame) = transfer.frame() {
            let (bytes, _) = frame.split_at_mut(self.framing.frame_len());
            let exchange = self.device.transfer_in_place(bytes);
            exchange.map_err(Error::Bus)?;
            transfer.answer(Some(&frame), values)?;
        }
        Ok(())
    }
}

impl<S: SpiDevice, SYN: OutputPin, EN: OutputPin> Registers for Spi<S, SYN, EN> {
    type Error = S::Error;

    fn lines(&self) -> Lines {
        Lines {
            dialect: Some(Dialect::Spi),
            syn: self.pins.has_syn(),
            scs: true,
            enable: self.pins.has_enable(),
        }
    }

    fn framing(&self) -> Option<Framing> {
        Some(self.framing)
    }

    fn follow(&mut self, framing: Framing) {
        self.framing = framing;
    }

    fn read<D: DelayNs>(
        &mut self,
        _: &mut D,
        rows: &[u8],
        values: &mut [u32],
    ) -> Result<(), Error<S::Error>> {
        self.play(Transfer::read(self.framing, rows)?, values)
    }

    fn write<D: DelayNs>(
        &mut self,
        _: &mut D,
        half: u8,
        value: u16,
    ) -> Result<(), Error<S::Error>> {
        self.play(Transfer::write(self.framing, half, value)?, &mut [])
    }

    fn signal<D: DelayNs>(&mut self, _: &mut D, signal: Signal) -> Result<(), Error<S::Error>> {
        if let Signal::Select { us } = signal {
            let hold = Operation::DelayNs(u32::from(us) * 1_000);
            return self.device.transaction(&mut [hold]).map_err(Error::Bus);
        }
        self.pins.drive(signal).map_err(Error::Pin)
    }
}

impl<S: SpiDevice, SYN: OutputPin, EN: OutputPin> Exchange for Spi<S, SYN, EN> {
    fn exchange(
        &mut self,
        framing: Framing,
        frame: &mut Frame,
        _: &mut usize,
    ) -> nb::Result<(), Error<S::Error>> {
        let (bytes, _) = frame.split_at_mut(framing.frame_len());
        let exchange = self.device.transfer_in_place(bytes);
        exchange.map_err(|error| nb::Error::Other(Error::Bus(error)))
    }

    fn align<D: DelayNs>(&mut self, _: &mut D, _: bool) -> Result<(), Error<S::Error>> {
        Ok(())
    }
}
