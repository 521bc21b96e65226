//! The blocking driver, on embedded-hal and embedded-io.
//!
//! ```
//! # use stpm3x::{Config, Divider, FrontEnd, Gain, Part, Sensor, Stpm32};
//! # let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
//! # let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
//! # let config = Config::<Stpm32>::new(front_end)?;
//! use std::cell::RefCell;
//! use stpm3x::Pins;
//! use stpm3x::blocking::{Spi, Stpm3x};
//! use stpm3x::sim::{Board, Chip, Input, Interface, NoDelay, SpiDevice};
//!
//! let chip = RefCell::new(Chip::new(Part::Stpm32, Board::new(Input::shunt(770_000, 470, 300))));
//! chip.borrow_mut().power_on(Interface::Spi);
//! // No pins: software reset, software latch.
//! let mut meter = Stpm3x::new(Spi::new(SpiDevice(&chip), Pins::none()), NoDelay, config);
//! meter.start()?;
//! meter.configure()?;
//! meter.latch()?;
//! let snapshot = meter.snapshot()?;
//! assert_eq!(snapshot.primary.voltage_rms, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod mapped;
mod poll;
mod spi;
mod uart;

use core::marker::PhantomData;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;

pub use mapped::Mapped;
pub use poll::{Exchange, Poll};
pub use spi::Spi;
pub use uart::Uart;

#[cfg(doc)]
use crate::SampleClock;
use crate::driver::Driver;
use crate::error::mendable;
use crate::event::Events;
use crate::link::Framing;
use crate::part::Model;
use crate::reg::{On, Readable, Setting};
use crate::seq::{
    Action, Adopt, Averages, Counters, Diagnosis, Lines, MAX_ROWS, SETTLE_US, Sequence, Signal,
    Step,
};
use crate::{Config, Error, Fault, FullSnapshot, Sample, Snapshot};

/// Access to the chip's rows: by SPI, by UART, or directly.
pub trait Registers {
    /// The error of the bus.
    type Error;

    /// What the board connects.
    fn lines(&self) -> Lines;

    /// How frames look at present; a register block has none.
    fn framing(&self) -> Option<Framing> {
        None
    }

    /// From now on frames look like this; nothing happens on a register block.
    fn follow(&mut self, _framing: Framing) {}

    /// Reads rows in one block, each into its place in `values`.
    ///
    /// # Errors
    /// The bus, or a fault of the link that repeats have not mended.
    fn read<D: DelayNs>(
        &mut self,
        delay: &mut D,
        rows: &[u8],
        values: &mut [u32],
    ) -> Result<(), Error<Self::Error>>;

    /// Writes one half: 2r is the low, 2r + 1 the high half of row r.
    ///
    /// # Errors
    /// As for [`read`](Self::read). Success does not prove that the chip took the value.
    fn write<D: DelayNs>(
        &mut self,
        delay: &mut D,
        half: u8,
        value: u16,
    ) -> Result<(), Error<Self::Error>>;

    /// Drives a pin; nothing happens where the board does not have it.
    ///
    /// # Errors
    /// The bus or the pin.
    fn signal<D: DelayNs>(
        &mut self,
        delay: &mut D,
        signal: Signal,
    ) -> Result<(), Error<Self::Error>>;
}

/// A metering chip behind a bus `R`, with a delay `D`.
#[derive(Debug)]
pub struct Stpm3x<R, D, M> {
    bus: R,
    delay: D,
    driver: Driver<M>,
}

impl<R: Registers, D: DelayNs, M: Model> Stpm3x<R, D, M> {
    /// Makes a driver; no I/O happens.
    pub fn new(bus: R, delay: D, config: Config<M>) -> Self {
        let driver = Driver::new(config, bus.lines());
        Self { bus, delay, driver }
    }

    /// Resets the chip and waits until it answers; tells whether its energies start from zero.
    ///
    /// # Errors
    /// A [`Fault`] that names why the chip does not answer as after a reset.
    pub fn start(&mut self) -> Result<Counters, Error<R::Error>> {
        let start = self.driver.start();
        self.run(start)
    }

    /// Writes the configuration and reads it back.
    ///
    /// # Errors
    /// [`ReadBack`](crate::Fault::ReadBack) names the row that did not take its value.
    pub fn configure(&mut self) -> Result<(), Error<R::Error>> {
        let configure = self.driver.configure(self.bus.framing());
        self.run(configure)?;
        self.driver.configured();
        Ok(())
    }

    /// Freezes all values of one instant: by SYN where the board allows it, else by a frame.
    ///
    /// # Errors
    /// The bus, a pin, or a fault of the link.
    pub fn latch(&mut self) -> Result<(), Error<R::Error>> {
        let latch = self.driver.latch();
        self.run(latch)
    }

    /// Makes the chip ready for one pulse of a [`SharedSyn`], which takes what this returns.
    ///
    /// # Errors
    /// [`NoSelect`](crate::Fault::NoSelect) on a UART without SCS.
    pub fn arm(&mut self) -> Result<Armed<'_>, Error<R::Error>> {
        let arm = self.driver.arm()?;
        self.run(arm)?;
        Ok(Armed(PhantomData))
    }

    /// Reads what the last latch froze.
    ///
    /// # Errors
    /// [`Restarted`](crate::Fault::Restarted) when the chip lost its configuration since it was
    /// written: start and configure again, and count from the base that `start` tells.
    pub fn snapshot(&mut self) -> Result<Snapshot<M>, Error<R::Error>> {
        let snapshot = self.driver.snapshot()?;
        self.run(snapshot)
    }

    /// Reads everything that the last latch froze: samples, times and angles too.
    ///
    /// # Errors
    /// As for [`snapshot`](Self::snapshot).
    pub fn full_snapshot(&mut self) -> Result<FullSnapshot<M>, Error<R::Error>> {
        let snapshot = self.driver.full_snapshot()?;
        self.run(snapshot)
    }

    /// Latches and reads voltage and current of the primary channel.
    ///
    /// For a stream, call it after each edge of CLKOUT and count what a [`SampleClock`] says was
    /// lost: a sample costs 5 frames, and one more to latch without SYN.
    ///
    /// # Errors
    /// As for [`snapshot`](Self::snapshot).
    pub fn sample(&mut self) -> Result<Sample, Error<R::Error>> {
        self.latch()?;
        let sample = self.driver.sample()?;
        self.run(sample)
    }

    /// What happened since the last call; the chip's sticky bits that are told are cleared.
    ///
    /// What happens while the bits are cleared is told the next time. Makes a latch of its own, by
    /// a frame.
    ///
    /// # Errors
    /// As for [`snapshot`](Self::snapshot); nothing is lost by it.
    pub fn events(&mut self) -> Result<Events<M>, Error<R::Error>> {
        let status = self.driver.status()?;
        Ok(Events::new(self.run(status)?))
    }

    /// Averages so many readings, 5 ms apart: for a calibration at least 20, half a second after
    /// the load was set.
    ///
    /// # Errors
    /// As for [`snapshot`](Self::snapshot).
    pub fn measure(&mut self, readings: u16) -> Result<Averages<M>, Error<R::Error>> {
        let measure = self.driver.measure(readings)?;
        self.run(measure)
    }

    /// Reads one row by its type.
    ///
    /// Latched rows show what the last latch caught.
    ///
    /// # Errors
    /// The bus, or a fault of the link that repeats have not mended.
    pub fn read<T: Readable + On<M>>(&mut self) -> Result<T, Error<R::Error>> {
        let read = self.driver.read();
        self.run(read)
    }

    /// Writes one row by its type and reads it back; the configuration keeps it.
    ///
    /// Reserved bits and orders are left out: see [`Config::rows`].
    ///
    /// # Errors
    /// [`ReadBack`](crate::Fault::ReadBack) when the chip did not take it;
    /// [`NotConfigured`](crate::Fault::NotConfigured) before the first
    /// [`configure`](Self::configure).
    pub fn write<T: Setting + On<M>>(&mut self, row: T) -> Result<(), Error<R::Error>> {
        let write = self.driver.write(row)?;
        self.run(write)
    }

    /// Takes another configuration and writes what differs; the energies go on.
    ///
    /// # Errors
    /// As for [`configure`](Self::configure).
    pub fn reconfigure(&mut self, config: Config<M>) -> Result<(), Error<R::Error>> {
        self.driver.set_config(config);
        self.configure()
    }

    /// Starts and configures: after power-up, and whenever the chip has
    /// [restarted](crate::Fault::Restarted).
    ///
    /// # Errors
    /// As for [`start`](Self::start) and [`configure`](Self::configure).
    pub fn restart(&mut self) -> Result<Counters, Error<R::Error>> {
        let counters = self.start()?;
        self.configure()?;
        Ok(counters)
    }

    /// Takes over a chip that runs, with the configuration it has: for a host that restarted alone.
    ///
    /// Nothing is reset and nothing written, so the energies go on: they count from the first
    /// snapshot, as after [`Counters::Kept`]. The front ends, and with them
    /// the scales, are those of the [`Config`] given. The link must be as after a reset: 9600 baud
    /// or the port's speed, CRC with the usual polynomial.
    ///
    /// # Errors
    /// [`Restarted`](crate::Fault::Restarted) when the chip is fresh from a reset: start and
    /// configure it.
    pub fn adopt(&mut self) -> Result<(), Error<R::Error>> {
        let rows = self.run(Adopt::new())?;
        self.driver.adopt(&rows);
        Ok(())
    }

    /// Resets the chip and says what is wrong with it or its wiring.
    ///
    /// The chip is as after [`start`](Self::start): configure it afterwards. Feed it with mains, or
    /// its inputs cannot be told apart.
    ///
    /// # Errors
    /// The bus or a pin; what the chip does wrong is the [`Diagnosis`].
    pub fn self_test(&mut self) -> Result<Diagnosis, Error<R::Error>> {
        let test = self.driver.self_test();
        self.run(test)
    }

    /// The configuration.
    pub const fn config(&self) -> &Config<M> {
        self.driver.config()
    }

    /// Gives the bus and the delay back.
    pub fn release(self) -> (R, D) {
        (self.bus, self.delay)
    }

    fn run<S: Sequence>(&mut self, mut sequence: S) -> Result<S::Output, Error<R::Error>> {
        let mut values = [0; MAX_ROWS];
        let mut rows: Result<&[u32], Fault> = Ok(&[]);
        loop {
            let step = sequence
                .next(rows)
                .inspect_err(|fault| self.driver.note(fault))?;
            rows = match step {
                Step::Read(numbers) => {
                    let read = self.bus.read(&mut self.delay, numbers, &mut values);
                    mendable(read)?.map(|()| values.get(..numbers.len()).unwrap_or(&[]))
                }
                Step::Act(action) => mendable(self.act(action))?.map(|()| &[][..]),
                Step::Done(output) => return Ok(output),
            };
        }
    }

    fn act(&mut self, action: Action) -> Result<(), Error<R::Error>> {
        match action {
            Action::Write { half, value } => {
                self.bus.write(&mut self.delay, half, value)?;
                self.delay.delay_us(SETTLE_US);
            }
            Action::Follow(framing) => self.bus.follow(framing),
            Action::Signal(signal) => self.bus.signal(&mut self.delay, signal)?,
            Action::DelayUs(us) => self.delay.delay_us(us),
        }
        Ok(())
    }
}

/// A chip that has seen an SCS pulse and waits for one SYN pulse.
#[derive(Debug)]
pub struct Armed<'a>(PhantomData<&'a mut ()>);

/// The SYN line that `N` chips share.
///
/// Every chip counts SYN pulses until its own SCS goes low, and takes the second one as an order to
/// clear its energies. So a pulse needs all `N` chips armed, and uses that up.
#[derive(Debug)]
pub struct SharedSyn<P, const N: usize> {
    pin: P,
}

impl<P: OutputPin, const N: usize> SharedSyn<P, N> {
    /// Takes the pin that is connected to `N` chips.
    pub const fn new(pin: P) -> Self {
        Self { pin }
    }

    /// Latches all chips with one edge.
    ///
    /// # Errors
    /// The pin.
    pub fn latch<D: DelayNs>(
        &mut self,
        delay: &mut D,
        armed: [Armed<'_>; N],
    ) -> Result<(), P::Error> {
        let _used_up = armed;
        self.pulse(delay, SETTLE_US)
    }

    /// Resets data and configuration of all chips: `start` each of them after it.
    ///
    /// # Errors
    /// The pin.
    pub fn reset<D: DelayNs>(
        &mut self,
        delay: &mut D,
        armed: [Armed<'_>; N],
    ) -> Result<(), P::Error> {
        let _used_up = armed;
        for _ in 0..3 {
            self.pulse(delay, 1_000)?;
        }
        Ok(())
    }

    /// Gives the pin back.
    pub fn release(self) -> P {
        self.pin
    }

    fn pulse<D: DelayNs>(&mut self, delay: &mut D, us: u32) -> Result<(), P::Error> {
        self.pin.set_low()?;
        delay.delay_us(us);
        self.pin.set_high()?;
        delay.delay_us(us);
        Ok(())
    }
}
