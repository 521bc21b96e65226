//! The lines that switch a modem on and off, AT reference section 3.

use core::time::Duration;

/// What the host can do to the modem's power. Lines that are not wired do nothing.
///
/// Levels are those of the modem's pins: a driver that inverts belongs into the implementation.
pub trait PowerLines {
    /// STATUS: whether the modem is on; `None` where it is not wired.
    fn is_on(&mut self) -> Option<bool> {
        None
    }

    /// PWRKEY, pulled low while `pressed`.
    fn press(&mut self, pressed: bool);

    /// `RESET_N`, pulled low while `active`; false where it is not wired.
    fn reset(&mut self, active: bool) -> bool {
        let _ = active;
        false
    }
}

/// How long the lines are held, by model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct PowerTiming {
    /// PWRKEY, to switch on.
    pub press: Duration,
    /// `RESET_N`.
    pub reset: Duration,
}

impl PowerTiming {
    /// BG96: the key at least 500 ms, reset 150 to 460 ms.
    pub const BG96: Self = Self {
        press: Duration::from_millis(750),
        reset: Duration::from_millis(300),
    };
    /// BG95, BG77, BG600L: the key 500 to 1000 ms, reset 2 to 3.8 s. These times are marked
    /// uncertain in the AT reference.
    pub const BG95: Self = Self {
        press: Duration::from_millis(750),
        reset: Duration::from_millis(2_500),
    };
}

/// How a modem went off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Off {
    /// It said so, and STATUS agrees where it is wired: the supply may be cut.
    Orderly,
    /// It did not say so in the 65 s of the manual, or did not answer at all: cut the supply.
    Forced,
}
