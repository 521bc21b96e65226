//! The async driver, on embedded-hal-async and embedded-io-async.
//!
//! The UART of a three-wire meter, against the simulator:
//!
//! ```
//! # use stpm3x::{Config, Divider, FrontEnd, Gain, Part, Sensor, Stpm32};
//! # let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
//! # let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
//! # let config = Config::<Stpm32>::new(front_end)?;
//! use std::cell::RefCell;
//! use stpm3x::asynch::{Stpm3x, Uart};
//! use stpm3x::sim::{self, Board, Chip, Input, Interface, Line, NoDelay, Pin};
//! use stpm3x::{Counters, Pins};
//!
//! let chip = RefCell::new(Chip::new(Part::Stpm32, Board::new(Input::shunt(770_000, 470, 300))));
//! chip.borrow_mut().power_on(Interface::Uart);
//! let pins = Pins::none()
//!     .with_syn(Pin::new([&chip], Line::Syn))
//!     .with_scs(Pin::new([&chip], Line::Scs));
//! let mut meter = Stpm3x::new(Uart::new(sim::Uart::new(&chip), pins), NoDelay, config);
//! embassy_futures::block_on(async {
//!     assert_eq!(meter.start().await?, Counters::Cleared);
//!     meter.configure().await?;
//!     meter.latch().await?;
//!     let snapshot = meter.snapshot().await?;
//!     assert!(snapshot.primary.events.period_error(), "no mains yet");
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Three phases from an STPM34 and an STPM33 with one SYN line:
//!
//! ```
//! # use stpm3x::{Config, Divider, FrontEnd, Gain, Part, Sensor, Stpm33, Stpm34};
//! # let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
//! # let sensor = Sensor::CurrentTransformer { turns: 2_500, burden_milliohms: 6_000 };
//! # let front_end = FrontEnd::new(divider, sensor, Gain::X2);
//! # let board = sim::Board::new(sim::Input::transformer(770_000, 470, 2_500, 6_000));
//! use std::cell::RefCell;
//! use stpm3x::Pins;
//! use stpm3x::asynch::{SharedSyn, Spi, Stpm3x};
//! use stpm3x::sim::{self, Chip, Interface, Line, NoDelay, Pin, SpiDevice};
//!
//! let first = RefCell::new(Chip::new(Part::Stpm34, board));
//! let second = RefCell::new(Chip::new(Part::Stpm33, board));
//! first.borrow_mut().power_on(Interface::Spi);
//! second.borrow_mut().power_on(Interface::Spi);
//! let l1_l2 = Config::<Stpm34>::new(front_end)?.with_secondary(front_end)?;
//! let l3 = Config::<Stpm33>::new(front_end)?;
//! let mut a = Stpm3x::new(Spi::new(SpiDevice(&first), Pins::none()), NoDelay, l1_l2);
//! let mut b = Stpm3x::new(Spi::new(SpiDevice(&second), Pins::none()), NoDelay, l3);
//! let mut syn = SharedSyn::new(Pin::new([&first, &second], Line::Syn));
//! embassy_futures::block_on(async {
//!     syn.reset(&mut NoDelay, [a.arm().await?, b.arm().await?]).await?;
//!     a.restart().await?;
//!     b.restart().await?;
//!     syn.latch(&mut NoDelay, [a.arm().await?, b.arm().await?]).await?;
//!     let (l1_l2, l3) = (a.snapshot().await?, b.snapshot().await?);
//!     assert!(l1_l2.secondary().is_some() && l3.secondary().is_none());
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A future dropped at any point leaves a driver whose next call works: a frame is one exchange,
//! every read begins by discarding an answer, and a latch begins by an SCS pulse. A `start` or
//! `configure` that was dropped must be made again; until then `snapshot` says so.

mod mapped;
mod spi;
mod uart;

use core::marker::PhantomData;

use embedded_hal::digital::OutputPin;
use embedded_hal_async::delay::DelayNs;

pub use mapped::Mapped;
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
#[allow(
    async_fn_in_trait,
    reason = "drivers own their bus; no one boxes these futures"
)]
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
    async fn read<D: DelayNs>(
        &mut self,
        delay: &mut D,
        rows: &[u8],
        values: &mut [u32],
    ) -> Result<(), Error<Self::Error>>;

    /// Writes one half: 2r is the low, 2r + 1 the high half of row r.
    ///
    /// # Errors
    /// As for [`read`](Self::read). Success does not prove that the chip took the value.
    async fn write<D: DelayNs>(
        &mut self,
        delay: &mut D,
        half: u8,
        value: u16,
    ) -> Result<(), Error<Self::Error>>;

    /// Drives a pin; nothing happens where the board does not have it.
    ///
    /// # Errors
    /// The bus or the pin.
    async fn signal<D: DelayNs>(
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
    ///
    /// # Cancel safety
    /// Start again.
    pub async fn start(&mut self) -> Result<Counters, Error<R::Error>> {
        let start = self.driver.start();
        self.run(start).await
    }

    /// Writes the configuration and reads it back.
    ///
    /// # Errors
    /// [`ReadBack`](crate::Fault::ReadBack) names the row that did not take its value.
    ///
    /// # Cancel safety
    /// Configure again.
    pub async fn configure(&mut self) -> Result<(), Error<R::Error>> {
        let configure = self.driver.configure(self.bus.framing());
        self.run(configure).await?;
        self.driver.configured();
        Ok(())
    }

    /// Freezes all values of one instant: by SYN where the board allows it, else by a frame.
    ///
    /// # Errors
    /// The bus, a pin, or a fault of the link.
    ///
    /// # Cancel safety
    /// Latch again.
    pub async fn latch(&mut self) -> Result<(), Error<R::Error>> {
        let latch = self.driver.latch();
        self.run(latch).await
    }

    /// Makes the chip ready for one pulse of a [`SharedSyn`], which takes what this returns.
    ///
    /// # Errors
    /// [`NoSelect`](crate::Fault::NoSelect) on a UART without SCS.
    ///
    /// # Cancel safety
    /// Arm again.
    pub async fn arm(&mut self) -> Result<Armed<'_>, Error<R::Error>> {
        let arm = self.driver.arm()?;
        self.run(arm).await?;
        Ok(Armed(PhantomData))
    }

    /// Reads what the last latch froze.
    ///
    /// # Errors
    /// [`Restarted`](crate::Fault::Restarted) when the chip lost its configuration since it was
    /// written: start and configure again, and count from the base that `start` tells.
    ///
    /// # Cancel safety
    /// The latched values stay; call again.
    pub async fn snapshot(&mut self) -> Result<Snapshot<M>, Error<R::Error>> {
        let snapshot = self.driver.snapshot()?;
        self.run(snapshot).await
    }

    /// Reads everything that the last latch froze: samples, times and angles too.
    ///
    /// # Errors
    /// As for [`snapshot`](Self::snapshot).
    ///
    /// # Cancel safety
    /// The latched values stay; call again.
    pub async fn full_snapshot(&mut self) -> Result<FullSnapshot<M>, Error<R::Error>> {
        let snapshot = self.driver.full_snapshot()?;
        self.run(snapshot).await
    }

    /// Latches and reads voltage and current of the primary channel.
    ///
    /// For a stream, call it after each edge of CLKOUT and count what a [`SampleClock`] says was
    /// lost: a sample costs 5 frames, and one more to latch without SYN.
    ///
    /// # Errors
    /// As for [`snapshot`](Self::snapshot).
    ///
    /// # Cancel safety
    /// The sample is lost.
    pub async fn sample(&mut self) -> Result<Sample, Error<R::Error>> {
        self.latch().await?;
        let sample = self.driver.sample()?;
        self.run(sample).await
    }

    /// What happened since the last call; the chip's sticky bits that are told are cleared.
    ///
    /// What happens while the bits are cleared is told the next time. Makes a latch of its own, by
    /// a frame.
    ///
    /// # Errors
    /// As for [`snapshot`](Self::snapshot); nothing is lost by it.
    ///
    /// # Cancel safety
    /// What was cleared and not told is lost: let it end.
    pub async fn events(&mut self) -> Result<Events<M>, Error<R::Error>> {
        let status = self.driver.status()?;
        Ok(Events::new(self.run(status).await?))
    }

    /// Averages so many readings, 5 ms apart: for a calibration at least 20, half a second after
    /// the load was set.
    ///
    /// # Errors
    /// As for [`snapshot`](Self::snapshot).
    ///
    /// # Cancel safety
    /// Measure again.
    pub async fn measure(&mut self, readings: u16) -> Result<Averages<M>, Error<R::Error>> {
        let measure = self.driver.measure(readings)?;
        self.run(measure).await
    }

    /// Reads one row by its type.
    ///
    /// Latched rows show what the last latch caught.
    ///
    /// # Errors
    /// The bus, or a fault of the link that repeats have not mended.
    ///
    /// # Cancel safety
    /// Call again.
    pub async fn read<T: Readable + On<M>>(&mut self) -> Result<T, Error<R::Error>> {
        let read = self.driver.read();
        self.run(read).await
    }

    /// Writes one row by its type and reads it back; the configuration keeps it.
    ///
    /// Reserved bits and orders are left out: see [`Config::rows`].
    ///
    /// # Errors
    /// [`ReadBack`](crate::Fault::ReadBack) when the chip did not take it;
    /// [`NotConfigured`](crate::Fault::NotConfigured) before the first
    /// [`configure`](Self::configure).
    ///
    /// # Cancel safety
    /// The row may be half written: write it again, or configure.
    pub async fn write<T: Setting + On<M>>(&mut self, row: T) -> Result<(), Error<R::Error>> {
        let write = self.driver.write(row)?;
        self.run(write).await
    }

    /// Takes another configuration and writes what differs; the energies go on.
    ///
    /// # Errors
    /// As for [`configure`](Self::configure).
    ///
    /// # Cancel safety
    /// Configure again.
    pub async fn reconfigure(&mut self, config: Config<M>) -> Result<(), Error<R::Error>> {
        self.driver.set_config(config);
        self.configure().await
    }

    /// Starts and configures: after power-up, and whenever the chip has
    /// [restarted](crate::Fault::Restarted).
    ///
    /// # Errors
    /// As for [`start`](Self::start) and [`configure`](Self::configure).
    ///
    /// # Cancel safety
    /// Restart again.
    pub async fn restart(&mut self) -> Result<Counters, Error<R::Error>> {
        let counters = self.start().await?;
        self.configure().await?;
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
    ///
    /// # Cancel safety
    /// Adopt again.
    pub async fn adopt(&mut self) -> Result<(), Error<R::Error>> {
        let rows = self.run(Adopt::new()).await?;
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
    ///
    /// # Cancel safety
    /// Start again.
    pub async fn self_test(&mut self) -> Result<Diagnosis, Error<R::Error>> {
        let test = self.driver.self_test();
        self.run(test).await
    }

    /// The configuration.
    pub const fn config(&self) -> &Config<M> {
        self.driver.config()
    }

    /// Gives the bus and the delay back.
    pub fn release(self) -> (R, D) {
        (self.bus, self.delay)
    }

    async fn run<S: Sequence>(&mut self, mut sequence: S) -> Result<S::Output, Error<R::Error>> {
        let mut values = [0; MAX_ROWS];
        let mut rows: Result<&[u32], Fault> = Ok(&[]);
        loop {
            let step = sequence
                .next(rows)
                .inspect_err(|fault| self.driver.note(fault))?;
            rows = match step {
                Step::Read(numbers) => {
                    let read = self.bus.read(&mut self.delay, numbers, &mut values).await;
                    mendable(read)?.map(|()| values.get(..numbers.len()).unwrap_or(&[]))
                }
                Step::Act(action) => mendable(self.act(action).await)?.map(|()| &[][..]),
                Step::Done(output) => return Ok(output),
            };
        }
    }

    async fn act(&mut self, action: Action) -> Result<(), Error<R::Error>> {
        match action {
            Action::Write { half, value } => {
                self.bus.write(&mut self.delay, half, value).await?;
                self.delay.delay_us(SETTLE_US).await;
            }
            Action::Follow(framing) => self.bus.follow(framing),
            Action::Signal(signal) => self.bus.signal(&mut self.delay, signal).await?,
            Action::DelayUs(us) => self.delay.delay_us(us).await,
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
    ///
    /// # Cancel safety
    /// Arm and latch again.
    pub async fn latch<D: DelayNs>(
        &mut self,
        delay: &mut D,
        armed: [Armed<'_>; N],
    ) -> Result<(), P::Error> {
        let _used_up = armed;
        self.pulse(delay, SETTLE_US).await
    }

    /// Resets data and configuration of all chips: `start` each of them after it.
    ///
    /// # Errors
    /// The pin.
    ///
    /// # Cancel safety
    /// Arm and reset again.
    pub async fn reset<D: DelayNs>(
        &mut self,
        delay: &mut D,
        armed: [Armed<'_>; N],
    ) -> Result<(), P::Error> {
        let _used_up = armed;
        for _ in 0..3 {
            self.pulse(delay, 1_000).await?;
        }
        Ok(())
    }

    /// Gives the pin back.
    pub fn release(self) -> P {
        self.pin
    }

    async fn pulse<D: DelayNs>(&mut self, delay: &mut D, us: u32) -> Result<(), P::Error> {
        self.pin.set_low()?;
        delay.delay_us(us).await;
        self.pin.set_high()?;
        delay.delay_us(us).await;
        Ok(())
    }
}
