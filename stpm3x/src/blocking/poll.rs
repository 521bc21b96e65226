//! Calls that never wait for a frame, for firmware that is driven by interrupts.

use embedded_hal::delay::DelayNs;

use super::{Registers, Stpm3x};
use crate::error::mendable;
use crate::link::{Frame, Framing, Progress, Transfer};
use crate::part::Model;
use crate::seq::{Action, Latch, MAX_ROWS, SETTLE_US, Sequence, Step, TakeSnapshot};
use crate::{Error, Fault, Snapshot};

/// A link that exchanges a frame in steps.
pub trait Exchange: Registers {
    /// Goes on with the exchange of `frame`; `place` is 0 at its beginning and then the link's own.
    ///
    /// # Errors
    /// `WouldBlock` until the last byte has come; or the bus.
    fn exchange(
        &mut self,
        framing: Framing,
        frame: &mut Frame,
        place: &mut usize,
    ) -> nb::Result<(), Error<Self::Error>>;

    /// Brings host and chip back to a frame's start, after a damaged answer or an exchange that was
    /// given up; may wait.
    ///
    /// # Errors
    /// The bus or a pin.
    fn align<D: DelayNs>(&mut self, delay: &mut D, damaged: bool)
    -> Result<(), Error<Self::Error>>;
}

/// A procedure that is played a frame, or on a UART a byte, a call.
///
/// Call [`poll`](Self::poll) from the main loop, or whenever a byte came. Drop it to give up, for
/// instance when a UART has been silent for 20 ms: the next call works as after any damage. Do not
/// use the driver otherwise before it is done. Short waits happen inside: 4 µs after a write, SCS
/// and SYN pulses, and the silence that a UART without SCS needs after a damaged answer.
///
/// ```
/// # use std::cell::RefCell;
/// # use stpm3x::{Config, Divider, FrontEnd, Gain, Part, Pins, Sensor, Stpm32};
/// # use stpm3x::blocking::{Spi, Stpm3x};
/// # use stpm3x::sim::{self, Board, Chip, Input, Interface, NoDelay};
/// # let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// # let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
/// # let config = Config::<Stpm32>::new(front_end)?;
/// # let chip = RefCell::new(Chip::new(Part::Stpm32, Board::new(Input::shunt(770_000, 470, 300))));
/// # chip.borrow_mut().power_on(Interface::Spi);
/// # let mut meter = Stpm3x::new(Spi::new(sim::SpiDevice(&chip), Pins::none()), NoDelay, config);
/// # meter.restart()?;
/// meter.latch()?;
/// let mut poll = meter.poll_snapshot()?;
/// let snapshot = nb::block!(poll.poll(&mut meter))?; // or do other things on WouldBlock
/// assert!(snapshot.primary.events.period_error());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Poll<S> {
    sequence: S,
    values: [u32; MAX_ROWS],
    job: Job,
}

/// What the procedure waits for.
#[derive(Debug)]
enum Job {
    /// Its next step, after this many rows were read, or after a fault.
    Next(Result<usize, Fault>),
    /// A transfer of so many rows; its frame and how much of it is done.
    Transfer {
        transfer: Transfer<'static>,
        frame: Frame,
        place: usize,
        count: usize,
    },
}

impl<S: Sequence> Poll<S> {
    pub(super) const fn new(sequence: S) -> Self {
        Self {
            sequence,
            values: [0; MAX_ROWS],
            job: Job::Next(Ok(0)),
        }
    }

    /// Goes on as far as it goes without waiting for the bus.
    ///
    /// # Errors
    /// `WouldBlock` until it is done; or as the call that waits.
    pub fn poll<R: Exchange, D: DelayNs, M: Model>(
        &mut self,
        meter: &mut Stpm3x<R, D, M>,
    ) -> nb::Result<S::Output, Error<R::Error>> {
        if let Job::Next(outcome) = self.job {
            let rows = outcome.map(|count| self.values.get(..count).unwrap_or(&[]));
            let step = self.sequence.next(rows);
            let step = step.inspect_err(|fault| meter.driver.note(fault));
            match step.map_err(Error::Fault)? {
                Step::Done(output) => return Ok(output),
                step => self.job = begin(meter, step)?,
            }
        } else if let Some(outcome) = self.exchange(meter)? {
            self.job = Job::Next(outcome);
        }
        Err(nb::Error::WouldBlock)
    }

    /// Goes on with the transfer; what came of it when it is done.
    fn exchange<R: Exchange, D: DelayNs, M: Model>(
        &mut self,
        meter: &mut Stpm3x<R, D, M>,
    ) -> nb::Result<Option<Result<usize, Fault>>, Error<R::Error>> {
        let Job::Transfer {
            transfer,
            frame,
            place,
            count,
        } = &mut self.job
        else {
            return Ok(None);
        };
        let framing = meter.bus.framing().ok_or(Error::Fault(Fault::OutOfMap))?;
        meter.bus.exchange(framing, frame, place)?;
        match transfer.answer(Some(frame), &mut self.values) {
            Ok(Progress::Good) => {}
            Ok(Progress::Repeat) => meter.bus.align(&mut meter.delay, true)?,
            Err(fault) => return Ok(Some(Err(fault))),
        }
        match transfer.frame() {
            Some(next) => (*frame, *place) = (next, 0),
            None => {
                if transfer.writes() {
                    meter.delay.delay_us(SETTLE_US);
                }
                return Ok(Some(Ok(*count)));
            }
        }
        Ok(None)
    }
}

/// The job of a step: a transfer, or one that is done at once.
fn begin<T, R: Exchange, D: DelayNs, M: Model>(
    meter: &mut Stpm3x<R, D, M>,
    step: Step<T>,
) -> Result<Job, Error<R::Error>> {
    let framing = meter.bus.framing().ok_or(Fault::OutOfMap)?;
    let (transfer, count) = match step {
        Step::Read(rows) => (Transfer::read(framing, rows)?, rows.len()),
        Step::Act(Action::Write { half, value }) => (Transfer::write(framing, half, value)?, 0),
        Step::Act(action) => {
            let done = mendable(meter.act(action))?;
            return Ok(Job::Next(done.map(|()| 0)));
        }
        Step::Done(_) => return Ok(Job::Next(Ok(0))),
    };
    meter.bus.align(&mut meter.delay, false)?;
    Ok(match transfer.frame() {
        Some(frame) => Job::Transfer {
            transfer,
            frame,
            place: 0,
            count,
        },
        None => Job::Next(Ok(count)),
    })
}

impl<R: Exchange, D: DelayNs, M: Model> Stpm3x<R, D, M> {
    /// [`latch`](Self::latch) in steps.
    pub fn poll_latch(&mut self) -> Poll<Latch> {
        Poll::new(self.driver.latch())
    }

    /// [`snapshot`](Self::snapshot) in steps.
    ///
    /// # Errors
    /// [`NotConfigured`](Fault::NotConfigured).
    pub fn poll_snapshot(&mut self) -> Result<Poll<TakeSnapshot<Snapshot<M>>>, Error<R::Error>> {
        Ok(Poll::new(self.driver.snapshot()?))
    }
}
