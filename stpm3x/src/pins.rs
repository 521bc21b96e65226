//! The chip's pins beside its data lines, each of them optional.

use core::convert::Infallible;

use embedded_hal::digital::{Error as _, ErrorKind, ErrorType, OutputPin, PinState};

use crate::seq::Signal;

/// The pin of a board that does not have it.
#[derive(Clone, Copy, Debug)]
pub enum NoPin {}

impl ErrorType for NoPin {
    type Error = Infallible;
}

impl OutputPin for NoPin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        match *self {}
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        match *self {}
    }
}

/// SYN, SCS and EN, as far as the board connects them.
///
/// Leave SYN out where several chips share it: that line belongs to a `SharedSyn`. Leave SCS out on
/// SPI, where the SPI device drives it.
///
/// | fitted | start | latch |
/// | --- | --- | --- |
/// | SYN, SCS (or SPI) | full reset, as the manual asks for | SYN |
/// | SYN, EN on a UART | full reset | one frame |
/// | EN | restart, then software reset | one frame |
/// | others | software reset; the energies go on | one frame |
///
/// Without the full reset some chips measure wrongly hours or days later (DS10272 section 3).
///
/// ```
/// use stpm3x::{NoPin, Pins};
/// # fn board<P: embedded_hal::digital::OutputPin>(syn: P, enable: P) {
/// let pins: Pins<P, NoPin, P> = Pins::none().with_syn(syn).with_enable(enable);
/// # let _ = pins;
/// # }
/// ```
#[derive(Debug)]
pub struct Pins<SYN = NoPin, SCS = NoPin, EN = NoPin> {
    syn: Option<SYN>,
    scs: Option<SCS>,
    enable: Option<EN>,
}

impl Pins {
    /// A board that connects the data lines only.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            syn: None,
            scs: None,
            enable: None,
        }
    }
}

impl<SYN, SCS, EN> Pins<SYN, SCS, EN> {
    /// Adds SYN.
    pub fn with_syn<P: OutputPin>(self, pin: P) -> Pins<P, SCS, EN> {
        Pins {
            syn: Some(pin),
            scs: self.scs,
            enable: self.enable,
        }
    }

    /// Adds SCS, for a UART.
    pub fn with_scs<P: OutputPin>(self, pin: P) -> Pins<SYN, P, EN> {
        Pins {
            syn: self.syn,
            scs: Some(pin),
            enable: self.enable,
        }
    }

    /// Adds EN.
    pub fn with_enable<P: OutputPin>(self, pin: P) -> Pins<SYN, SCS, P> {
        Pins {
            syn: self.syn,
            scs: self.scs,
            enable: Some(pin),
        }
    }

    pub(crate) const fn has_syn(&self) -> bool {
        self.syn.is_some()
    }

    pub(crate) const fn has_scs(&self) -> bool {
        self.scs.is_some()
    }

    pub(crate) const fn has_enable(&self) -> bool {
        self.enable.is_some()
    }
}

impl<SYN: OutputPin, SCS: OutputPin, EN: OutputPin> Pins<SYN, SCS, EN> {
    /// Drives the level of a signal; a pulse is the shell's business.
    pub(crate) fn drive(&mut self, signal: Signal) -> Result<(), ErrorKind> {
        match signal {
            Signal::Syn(level) => set(self.syn.as_mut(), level),
            Signal::Scs(level) => set(self.scs.as_mut(), level),
            Signal::Enable(level) => set(self.enable.as_mut(), level),
            Signal::Select { .. } => Ok(()),
        }
    }
}

fn set<P: OutputPin>(pin: Option<&mut P>, level: PinState) -> Result<(), ErrorKind> {
    pin.map_or(Ok(()), |pin| pin.set_state(level))
        .map_err(|error| error.kind())
}
