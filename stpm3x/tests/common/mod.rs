//! A simulated chip whose bus, pins and delay write down what happens and can be held up.
#![allow(dead_code, reason = "each test file uses its part")]

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use embedded_hal::digital::{self, OutputPin};
use embedded_hal::spi::{self, Operation};
use stpm3x::sim::{self, Board, Chip, Input, Interface, Line, Phasor};
use stpm3x::{Channel, Config, Divider, FrontEnd, Gain, Part, Pins, Sensor, Stpm32, Stpm34};

/// What happened on the bus, on the pins, and in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Pin(Line, bool),
    Spi(Vec<u8>),
    Select { ns: u32 },
    Uart(u8),
    Wait { ns: u32 },
}

/// A chip and the record of what its driver did.
pub(crate) struct Bench {
    pub(crate) chip: RefCell<Chip>,
    pub(crate) events: RefCell<Vec<Event>>,
}

impl Bench {
    pub(crate) fn new(part: Part, interface: Interface) -> Self {
        let mut chip = Chip::new(part, Board::new(Input::shunt(770_000, 470, 300)));
        chip.power_on(interface);
        let fed = Phasor::sine(230_000_000, 10_000_000, 30_000, 50_000);
        chip.set_phase(Channel::Primary, fed);
        chip.set_phase(
            Channel::Secondary,
            Phasor::sine(231_000_000, 3_000_000, -10_000, 50_000),
        );
        Self {
            chip: RefCell::new(chip),
            events: RefCell::default(),
        }
    }

    pub(crate) fn front_end() -> FrontEnd {
        let divider = Divider {
            upper_ohms: 770_000,
            lower_ohms: 470,
        };
        FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X8)
    }

    /// An STPM32.
    pub(crate) fn single() -> Config<Stpm32> {
        Config::new(Self::front_end()).unwrap()
    }

    /// An STPM34 with both channels.
    pub(crate) fn dual() -> Config<Stpm34> {
        let config = Config::<Stpm34>::new(Self::front_end()).unwrap();
        config.with_secondary(Self::front_end()).unwrap()
    }

    pub(crate) fn pin(&self, line: Line) -> Tap<'_> {
        Tap { bench: self, line }
    }

    pub(crate) fn spi_pins(&self) -> Pins<Tap<'_>, stpm3x::NoPin, Tap<'_>> {
        let pins = Pins::none().with_syn(self.pin(Line::Syn));
        pins.with_enable(self.pin(Line::Enable))
    }

    pub(crate) fn uart_pins(&self) -> Pins<Tap<'_>, Tap<'_>, Tap<'_>> {
        self.spi_pins().with_scs(self.pin(Line::Scs))
    }

    pub(crate) fn port(&self) -> Port<'_> {
        Port(self, sim::Uart::new(&self.chip))
    }

    pub(crate) fn take_events(&self) -> Vec<Event> {
        self.events.take()
    }

    fn note(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }

    fn wait(&self, ns: u32) {
        self.note(Event::Wait { ns });
        self.chip.borrow_mut().elapse_ns(ns.into());
    }
}

/// A pin that is written down.
#[derive(Clone, Copy)]
pub(crate) struct Tap<'a> {
    bench: &'a Bench,
    line: Line,
}

impl digital::ErrorType for Tap<'_> {
    type Error = Infallible;
}

impl OutputPin for Tap<'_> {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.bench.note(Event::Pin(self.line, false));
        self.bench.chip.borrow_mut().set_line(self.line, false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.bench.note(Event::Pin(self.line, true));
        self.bench.chip.borrow_mut().set_line(self.line, true);
        Ok(())
    }
}

/// The SPI device, written down.
pub(crate) struct Device<'a>(pub(crate) &'a Bench);

impl Device<'_> {
    fn play(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        let events = operations.iter().map(|operation| match operation {
            Operation::TransferInPlace(bytes) => Event::Spi(bytes.to_vec()),
            Operation::DelayNs(ns) => Event::Select { ns: *ns },
            other => panic!("unexpected {other:?}"),
        });
        events.for_each(|event| self.0.note(event));
        spi::SpiDevice::transaction(&mut sim::SpiDevice(&self.0.chip), operations)
    }
}

impl spi::ErrorType for Device<'_> {
    type Error = Infallible;
}

impl spi::SpiDevice for Device<'_> {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        self.play(operations)
    }
}

impl embedded_hal_async::spi::SpiDevice for Device<'_> {
    async fn transaction(
        &mut self,
        operations: &mut [Operation<'_, u8>],
    ) -> Result<(), Infallible> {
        once_pending().await;
        let done = self.play(operations);
        once_pending().await;
        done
    }
}

/// The serial port, written down.
pub(crate) struct Port<'a>(&'a Bench, sim::Uart<'a>);

impl embedded_io::ErrorType for Port<'_> {
    type Error = Infallible;
}

impl embedded_io::Read for Port<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        embedded_io::Read::read(&mut self.1, bytes)
    }
}

impl embedded_io::ReadReady for Port<'_> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        self.1.read_ready()
    }
}

impl embedded_io::Write for Port<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        bytes
            .iter()
            .for_each(|&byte| self.0.note(Event::Uart(byte)));
        embedded_io::Write::write(&mut self.1, bytes)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl embedded_io_async::Read for Port<'_> {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        embedded_io_async::Read::read(&mut self.1, bytes).await
    }
}

impl embedded_io_async::Write for Port<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        once_pending().await;
        let done = embedded_io::Write::write(self, bytes);
        once_pending().await;
        done
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The delay, written down.
#[derive(Clone, Copy)]
pub(crate) struct Clock<'a>(pub(crate) &'a Bench);

impl embedded_hal::delay::DelayNs for Clock<'_> {
    fn delay_ns(&mut self, ns: u32) {
        self.0.wait(ns);
    }
}

impl embedded_hal_async::delay::DelayNs for Clock<'_> {
    async fn delay_ns(&mut self, ns: u32) {
        once_pending().await;
        self.0.wait(ns);
        once_pending().await;
    }
}

/// Pending once, so that a future can be dropped there.
async fn once_pending() {
    let mut asked = false;
    poll_fn(|context| {
        if asked {
            return Poll::Ready(());
        }
        asked = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls a future so many times, then drops it; what it returned if it got that far.
pub(crate) fn poll_times<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}
