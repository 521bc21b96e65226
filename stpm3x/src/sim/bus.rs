//! The chip behind the traits of embedded-hal and embedded-io, shared without an allocator.

use core::cell::RefCell;
use core::convert::Infallible;

use embedded_hal::digital::{self, OutputPin};
use embedded_hal::spi::{self, Operation};

use super::{Chip, Line};

/// The chip as an SPI device; SCS is part of it.
#[derive(Clone, Copy, Debug)]
pub struct SpiDevice<'a>(pub &'a RefCell<Chip>);

impl SpiDevice<'_> {
    fn play(&self, operations: &mut [Operation<'_, u8>]) {
        let mut chip = self.0.borrow_mut();
        chip.set_line(Line::Scs, false);
        for operation in operations {
            match operation {
                Operation::Read(bytes) => bytes.iter_mut().for_each(|byte| {
                    *byte = chip.spi_byte(0);
                }),
                Operation::Write(bytes) => bytes.iter().for_each(|&byte| {
                    chip.spi_byte(byte);
                }),
                Operation::Transfer(read, write) => {
                    for place in 0..read.len().max(write.len()) {
                        let sent = write.get(place).copied().unwrap_or(0);
                        let byte = chip.spi_byte(sent);
                        if let Some(slot) = read.get_mut(place) {
                            *slot = byte;
                        }
                    }
                }
                Operation::TransferInPlace(bytes) => bytes.iter_mut().for_each(|byte| {
                    *byte = chip.spi_byte(*byte);
                }),
                Operation::DelayNs(ns) => chip.elapse_ns((*ns).into()),
            }
        }
        chip.set_line(Line::Scs, true);
    }
}

impl spi::ErrorType for SpiDevice<'_> {
    type Error = Infallible;
}

impl spi::SpiDevice for SpiDevice<'_> {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        self.play(operations);
        Ok(())
    }
}

#[cfg(feature = "async")]
impl embedded_hal_async::spi::SpiDevice for SpiDevice<'_> {
    async fn transaction(
        &mut self,
        operations: &mut [Operation<'_, u8>],
    ) -> Result<(), Infallible> {
        self.play(operations);
        Ok(())
    }
}

/// The chip's rows without frames, as a processor reaches a register block on its own bus.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a>(pub &'a RefCell<Chip>);

impl crate::Block for Rows<'_> {
    fn read(&mut self, row: u8) -> u32 {
        self.0.borrow().row(row)
    }

    fn write(&mut self, half: u8, value: u16) {
        self.0.borrow_mut().write_half(half, value);
    }
}

/// The chip on a UART, with a receive buffer of 16 bytes; more are dropped.
#[derive(Debug)]
pub struct Uart<'a> {
    chip: &'a RefCell<Chip>,
    buffer: [u8; 16],
    count: usize,
}

impl<'a> Uart<'a> {
    /// Connects a port to the chip.
    #[must_use]
    pub const fn new(chip: &'a RefCell<Chip>) -> Self {
        Self {
            chip,
            buffer: [0; 16],
            count: 0,
        }
    }

    /// Sets the speed of the host's side.
    pub fn set_baud(&mut self, baud: u32) {
        self.chip.borrow_mut().set_host_baud(baud);
    }

    fn send(&mut self, bytes: &[u8]) -> usize {
        for &byte in bytes {
            let answer = self.chip.borrow_mut().uart_byte(byte);
            if let (Some(answer), Some(slot)) = (answer, self.buffer.get_mut(self.count)) {
                *slot = answer;
                self.count += 1;
            }
        }
        bytes.len()
    }

    fn receive(&mut self, bytes: &mut [u8]) -> usize {
        let count = self.count.min(bytes.len());
        for (to, from) in bytes.iter_mut().zip(self.buffer) {
            *to = from;
        }
        self.buffer.copy_within(count..self.count, 0);
        self.count -= count;
        count
    }
}

impl embedded_io::ErrorType for Uart<'_> {
    type Error = Infallible;
}

impl embedded_io::Read for Uart<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        Ok(self.receive(bytes))
    }
}

impl embedded_io::ReadReady for Uart<'_> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.count > 0)
    }
}

impl embedded_io::Write for Uart<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(self.send(bytes))
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(feature = "async")]
impl embedded_io_async::Read for Uart<'_> {
    /// Waits, and wakes at once, while there is no byte: race it against a delay.
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        core::future::poll_fn(|context| {
            if self.count > 0 || bytes.is_empty() {
                return core::task::Poll::Ready(Ok(self.receive(bytes)));
            }
            context.waker().wake_by_ref();
            core::task::Poll::Pending
        })
        .await
    }
}

#[cfg(feature = "async")]
impl embedded_io_async::Write for Uart<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(self.send(bytes))
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A host pin connected to one chip, or to several that share it.
#[derive(Clone, Copy, Debug)]
pub struct Pin<'a, const N: usize = 1> {
    chips: [&'a RefCell<Chip>; N],
    line: Line,
}

impl<'a, const N: usize> Pin<'a, N> {
    /// Connects a line of these chips.
    #[must_use]
    pub const fn new(chips: [&'a RefCell<Chip>; N], line: Line) -> Self {
        Self { chips, line }
    }

    fn set(&self, high: bool) {
        for chip in self.chips {
            chip.borrow_mut().set_line(self.line, high);
        }
    }
}

impl<const N: usize> digital::ErrorType for Pin<'_, N> {
    type Error = Infallible;
}

impl<const N: usize> OutputPin for Pin<'_, N> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set(true);
        Ok(())
    }
}

/// A delay that lets its time pass on the chip's serial side, and returns at once.
#[derive(Clone, Copy, Debug)]
pub struct Delay<'a>(pub &'a RefCell<Chip>);

impl embedded_hal::delay::DelayNs for Delay<'_> {
    fn delay_ns(&mut self, ns: u32) {
        self.0.borrow_mut().elapse_ns(ns.into());
    }
}

#[cfg(feature = "async")]
impl embedded_hal_async::delay::DelayNs for Delay<'_> {
    async fn delay_ns(&mut self, ns: u32) {
        self.0.borrow_mut().elapse_ns(ns.into());
    }
}

/// A delay that does not wait.
#[derive(Clone, Copy, Debug)]
pub struct NoDelay;

impl embedded_hal::delay::DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}

#[cfg(feature = "async")]
impl embedded_hal_async::delay::DelayNs for NoDelay {
    async fn delay_ns(&mut self, _: u32) {}
}
