//! The chip on a UART.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{OutputPin, PinState};
use embedded_io::{Read, ReadReady, Write};

use super::{Exchange, Registers, Stpm3x};
use crate::link::{Dialect, FRAME_LEN, Frame, Framing, Progress, Transfer};
use crate::part::Model;
use crate::reg::{Register, UsReg2};
use crate::seq::{Lines, Signal};
use crate::uart::{BABBLE, BYTE_TIMEOUT_MS, FILL, POLL_US, QUIET_MS, RESYNC_US, SPEED_US};
use crate::{Error, NoPin, Pins};

/// The chip on a UART: 9600 baud after every reset, 8 data bits, no parity, 1 stop bit.
///
/// The chip sends each byte while it receives one, so the port must receive while it sends and keep
/// a byte until it is read.
#[derive(Debug)]
pub struct Uart<U, SYN = NoPin, SCS = NoPin, EN = NoPin> {
    port: U,
    pins: Pins<SYN, SCS, EN>,
    framing: Framing,
    /// Host and chip may disagree on where a frame begins.
    out_of_step: bool,
}

impl<U: Read + ReadReady + Write, SYN: OutputPin, SCS: OutputPin, EN: OutputPin>
    Uart<U, SYN, SCS, EN>
{
    /// Takes the port and what pins the board connects.
    pub const fn new(port: U, pins: Pins<SYN, SCS, EN>) -> Self {
        Self {
            port,
            pins,
            framing: Framing::after_reset(Dialect::Uart),
            out_of_step: false,
        }
    }

    /// Gives the port and the pins back.
    pub fn release(self) -> (U, Pins<SYN, SCS, EN>) {
        (self.port, self.pins)
    }

    fn play<D: DelayNs>(
        &mut self,
        delay: &mut D,
        mut transfer: Transfer<'_>,
        values: &mut [u32],
    ) -> Result<(), Error<U::Error>> {
        if self.out_of_step {
            self.resynchronise(delay)?;
        }
        while let Some(frame) = transfer.frame() {
            self.out_of_step = true;
            let answer = self.exchange(delay, &frame)?;
            match transfer.answer(answer.as_ref(), values)? {
                Progress::Good => self.out_of_step = false,
                Progress::Repeat => self.resynchronise(delay)?,
            }
        }
        Ok(())
    }

    /// Sends a frame byte by byte; `None` when an answer byte did not come in time.
    fn exchange<D: DelayNs>(
        &mut self,
        delay: &mut D,
        frame: &Frame,
    ) -> Result<Option<Frame>, Error<U::Error>> {
        let mut answer = [0; FRAME_LEN];
        for (sent, received) in frame.iter().zip(&mut answer).take(self.framing.frame_len()) {
            self.send(*sent)?;
            match self.receive(delay, BYTE_TIMEOUT_MS)? {
                Some(byte) => *received = byte,
                None => return Ok(None),
            }
        }
        Ok(Some(answer))
    }

    /// Sends a frame whose answer cannot be read: it may come at another speed.
    fn announce<D: DelayNs>(
        &mut self,
        delay: &mut D,
        frame: &Frame,
    ) -> Result<(), Error<U::Error>> {
        self.out_of_step = true;
        for &byte in frame.iter().take(self.framing.frame_len()) {
            self.send(byte)?;
            self.receive(delay, BYTE_TIMEOUT_MS)?;
        }
        delay.delay_us(SPEED_US);
        self.out_of_step = false;
        Ok(())
    }

    /// Brings both ends back to a frame's start.
    ///
    /// SCS does that at once. Without it, one byte shifts a chip that never times out, so that
    /// repeats find its frame; a chip that does time out forgets it in the silence that follows.
    fn resynchronise<D: DelayNs>(&mut self, delay: &mut D) -> Result<(), Error<U::Error>> {
        if self.pins.has_scs() {
            self.select(delay, RESYNC_US)?;
        } else {
            self.send(FILL)?;
        }
        self.discard(delay, QUIET_MS)
    }

    /// SCS low for so long: the chip forgets an unfinished frame.
    fn select<D: DelayNs>(&mut self, delay: &mut D, us: u32) -> Result<(), Error<U::Error>> {
        let low = Signal::Scs(PinState::Low);
        self.pins.drive(low).map_err(Error::Pin)?;
        delay.delay_us(us);
        let high = Signal::Scs(PinState::High);
        self.pins.drive(high).map_err(Error::Pin)
    }

    /// Throws away what was received, until nothing comes for so long.
    fn discard<D: DelayNs>(&mut self, delay: &mut D, quiet_ms: u32) -> Result<(), Error<U::Error>> {
        for _ in 0..BABBLE {
            if self.receive(delay, quiet_ms)?.is_none() {
                break;
            }
        }
        self.out_of_step = false;
        Ok(())
    }

    fn send(&mut self, byte: u8) -> Result<(), Error<U::Error>> {
        self.port.write_all(&[byte]).map_err(Error::Bus)?;
        self.port.flush().map_err(Error::Bus)
    }

    fn receive<D: DelayNs>(
        &mut self,
        delay: &mut D,
        timeout_ms: u32,
    ) -> Result<Option<u8>, Error<U::Error>> {
        let mut byte = [0];
        for _ in 0..=timeout_ms * 1_000 / POLL_US {
            if self.port.read_ready().map_err(Error::Bus)? {
                let count = self.port.read(&mut byte).map_err(Error::Bus)?;
                return Ok((count > 0).then_some(byte[0]));
            }
            delay.delay_us(POLL_US);
        }
        Ok(None)
    }
}

impl<U: Read + ReadReady + Write, SYN: OutputPin, SCS: OutputPin, EN: OutputPin> Registers
    for Uart<U, SYN, SCS, EN>
{
    type Error = U::Error;

    fn lines(&self) -> Lines {
        Lines {
            dialect: Some(Dialect::Uart),
            syn: self.pins.has_syn(),
            scs: self.pins.has_scs(),
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
        delay: &mut D,
        rows: &[u8],
        values: &mut [u32],
    ) -> Result<(), Error<U::Error>> {
        self.play(delay, Transfer::read(self.framing, rows)?, values)
    }

    fn write<D: DelayNs>(
        &mut self,
        delay: &mut D,
        half: u8,
        value: u16,
    ) -> Result<(), Error<U::Error>> {
        self.play(delay, Transfer::write(self.framing, half, value)?, &mut [])
    }

    fn signal<D: DelayNs>(&mut self, delay: &mut D, signal: Signal) -> Result<(), Error<U::Error>> {
        match signal {
            Signal::Select { us } if self.pins.has_scs() => {
                self.select(delay, us.into())?;
                self.discard(delay, 0)
            }
            level => self.pins.drive(level).map_err(Error::Pin),
        }
    }
}

impl<
    U: Read + ReadReady + Write,
    SYN: OutputPin,
    SCS: OutputPin,
    EN: OutputPin,
    D: DelayNs,
    M: Model,
> Stpm3x<Uart<U, SYN, SCS, EN>, D, M>
{
    /// Changes the baud rate of the chip, then that of the port by `switch`, and proves it.
    ///
    /// Every reset of the chip brings 9600 baud back: bring the port there before
    /// [`start`](Self::start). Writes the configuration, as [`configure`](Self::configure) does.
    ///
    /// ```
    /// # use std::cell::RefCell;
    /// # use stpm3x::{blocking::{Stpm3x, Uart}, Config, Divider, FrontEnd, Gain, Part, Pins, Sensor, Stpm32};
    /// # use stpm3x::sim::{self, Board, Chip, Input, Interface, NoDelay};
    /// # let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
    /// # let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
    /// # let config = Config::<Stpm32>::new(front_end)?;
    /// # let chip = RefCell::new(Chip::new(Part::Stpm32, Board::new(Input::shunt(770_000, 470, 300))));
    /// # chip.borrow_mut().power_on(Interface::Uart);
    /// # let port = sim::Uart::new(&chip);
    /// # let mut meter = Stpm3x::new(Uart::new(port, Pins::none()), NoDelay, config);
    /// #
    /// meter.start()?;
    /// let switch = |port: &mut sim::Uart<'_>| {
    ///     port.set_baud(115_200);
    ///     Ok(())
    /// };
    /// meter.change_baud(115_200, switch)?;
    /// #
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidConfig`](Error::InvalidConfig) outside 2400 to 460800 baud, with nothing sent. After
    /// any other error chip and port may differ: go back to 9600 and start.
    pub fn change_baud(
        &mut self,
        baud: u32,
        switch: impl FnOnce(&mut U) -> Result<(), U::Error>,
    ) -> Result<(), Error<U::Error>> {
        let divider = self.driver.baud(baud)?;
        let frame = self.bus.framing.frame(0, UsReg2::ROW * 2, divider);
        self.bus.announce(&mut self.delay, &frame)?;
        switch(&mut self.bus.port).map_err(Error::Bus)?;
        self.configure()
    }
}

impl<U: Read + ReadReady + Write, SYN: OutputPin, SCS: OutputPin, EN: OutputPin> Exchange
    for Uart<U, SYN, SCS, EN>
{
    fn exchange(
        &mut self,
        framing: Framing,
        frame: &mut Frame,
        place: &mut usize,
    ) -> nb::Result<(), Error<U::Error>> {
        self.out_of_step = true;
        // Two steps a byte: sent, answered.
        while let Some(byte) = frame.get_mut(*place / 2)
            && *place < 2 * framing.frame_len()
        {
            if place.is_multiple_of(2) {
                self.send(*byte)?;
                *place += 1;
            }
            if !self.port.read_ready().map_err(Error::Bus)? {
                return Err(nb::Error::WouldBlock);
            }
            let answer = core::slice::from_mut(byte);
            if self.port.read(answer).map_err(Error::Bus)? == 0 {
                return Err(nb::Error::WouldBlock);
            }
            *place += 1;
        }
        self.out_of_step = false;
        Ok(())
    }

    fn align<D: DelayNs>(&mut self, delay: &mut D, damaged: bool) -> Result<(), Error<U::Error>> {
        if damaged || self.out_of_step {
            self.resynchronise(delay)?;
        }
        Ok(())
    }
}
