//! A UART as an async byte stream: an interrupt fills a ring, reading empties it.

use core::cell::RefCell;
use core::convert::Infallible;
use core::task::Poll;

use critical_section::Mutex;
use embedded_io_async::{ErrorType, Read, Write};
use heapless::Deque;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::serial::{Instance, Rx, RxISR, RxListen, Serial, Tx};

/// More than the modem sends at once: an answer with a full packet of 1500 bytes.
const RING: usize = 2048;

/// What one UART has received and nobody has read yet; shared with its interrupt handler.
pub struct Inbox<U: Instance>(Mutex<RefCell<Received<U>>>);

struct Received<U: Instance> {
    receiver: Option<Rx<U>>,
    bytes: Deque<u8, RING>,
}

impl<U: Instance> Inbox<U>
where
    Rx<U>: RxISR + RxListen + embedded_hal_nb::serial::Read<u8>,
{
    /// An inbox without a UART yet.
    pub const fn new() -> Self {
        Self(Mutex::new(RefCell::new(Received {
            receiver: None,
            bytes: Deque::new(),
        })))
    }

    /// Takes in what has arrived; the interrupt handler of the UART calls this.
    ///
    /// A full ring stops the interrupt until something is read: QEMU keeps the next byte back.
    pub fn collect(&self) {
        critical_section::with(|cs| {
            let Received {
                receiver: Some(receiver),
                bytes,
            } = &mut *self.0.borrow_ref_mut(cs)
            else {
                return;
            };
            while receiver.is_rx_not_empty() {
                if bytes.is_full() {
                    receiver.unlisten();
                    return;
                }
                if let Ok(byte) = receiver.read() {
                    // There is room: it was just looked for.
                    let _ = bytes.push_back(byte);
                }
            }
        });
    }

    /// Moves bytes out; how many there were.
    fn take(&self, buffer: &mut [u8]) -> usize {
        critical_section::with(|cs| {
            let Received { receiver, bytes } = &mut *self.0.borrow_ref_mut(cs);
            let mut count = 0;
            for (place, byte) in buffer
                .iter_mut()
                .zip(core::iter::from_fn(|| bytes.pop_front()))
            {
                *place = byte;
                count += 1;
            }
            if let Some(receiver) = receiver {
                receiver.listen();
            }
            count
        })
    }
}

/// A UART in use: it reads from its inbox and writes to its transmitter.
pub struct Port<U: Instance + 'static> {
    transmitter: Tx<U>,
    inbox: &'static Inbox<U>,
}

impl<U: Instance> Port<U>
where
    Rx<U>: RxListen,
{
    /// Hands the receiver to the inbox. The interrupt is still to be unmasked.
    pub fn new(serial: Serial<U>, inbox: &'static Inbox<U>) -> Self {
        let (transmitter, mut receiver) = serial.split();
        receiver.listen();
        critical_section::with(|cs| inbox.0.borrow_ref_mut(cs).receiver = Some(receiver));
        Self { transmitter, inbox }
    }
}

impl<U: Instance> ErrorType for Port<U> {
    // QEMU's model has no line errors.
    type Error = Infallible;
}

impl<U: Instance> Read for Port<U>
where
    Rx<U>: RxISR + RxListen + embedded_hal_nb::serial::Read<u8>,
{
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        if buffer.is_empty() {
            return Ok(0);
        }
        core::future::poll_fn(|_| match self.inbox.take(buffer) {
            0 => Poll::Pending,
            count => Poll::Ready(Ok(count)),
        })
        .await
    }
}

impl<U: Instance> Write for Port<U>
where
    Tx<U>: embedded_hal_nb::serial::Write<u8, Error: core::fmt::Debug>,
{
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        // Transmission is immediate in QEMU, so waiting here holds nobody up.
        for byte in bytes {
            let _ = nb::block!(embedded_hal_nb::serial::Write::write(
                &mut self.transmitter,
                *byte
            ));
        }
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
