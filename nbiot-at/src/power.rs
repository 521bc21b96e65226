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

/// Time of an orderly power-down, AT reference section 3.2.
pub(crate) const POWER_DOWN: Duration = Duration::from_secs(66);
/// STATUS follows `POWERED DOWN` in this time, ms.
pub(crate) const STATUS: u32 = 1_000;
/// Presses of the key before the reset line is used.
const PRESSES: u8 = 2;

impl Off {
    /// By whether it said so, and by STATUS.
    pub(crate) const fn judge(said_so: bool, is_on: Option<bool>) -> Self {
        match is_on {
            Some(true) => Self::Forced,
            None if !said_so => Self::Forced,
            _ => Self::Orderly,
        }
    }
}

/// A line that is active until this is dropped, with the future that holds it, too.
pub(crate) struct Held<'a, L: PowerLines> {
    lines: &'a mut L,
    release: fn(&mut L),
}

impl<'a, L: PowerLines> Held<'a, L> {
    /// Presses the key.
    pub(crate) fn key(lines: &'a mut L) -> Self {
        lines.press(true);
        Self {
            lines,
            release: |lines| lines.press(false),
        }
    }

    /// Resets the modem, if that line is wired.
    pub(crate) fn reset(lines: &'a mut L) -> Option<Self> {
        lines.reset(true).then_some(Self {
            lines,
            release: |lines| {
                lines.reset(false);
            },
        })
    }
}

impl<L: PowerLines> Drop for Held<'_, L> {
    fn drop(&mut self) {
        (self.release)(self.lines);
    }
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// `start`.
    Start,
    /// The reset line, if there is one.
    Reset,
    Press,
    /// Until STATUS says that it is off.
    AwaitOff,
    /// The result of the last start is the end.
    Over,
}

/// The ladder that leads to a modem that is ready: modem scenarios B1 to B3 and C1.
///
/// ```text
///   STATUS off ─────────────────┐
///   Start ── power would help ──┴─► on, or pressed twice: Reset, once ──► Start
///     ▲                             else Press ── was off ──► Start
///     └── anything else: Over           └─ was on ──► AwaitOff ──► Press ──► Start
/// ```
#[derive(Debug)]
pub(crate) struct Ladder {
    at: At,
    presses: u8,
    was_reset: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Begin,
    Started,
    Reset,
    /// Whether it was on before.
    Pressed(bool),
    /// The last rung did not help.
    NoHelp,
}

impl Ladder {
    pub(crate) const fn new() -> Self {
        Self {
            at: At::Begin,
            presses: 0,
            was_reset: false,
        }
    }

    /// The next rung, by STATUS, and by whether the power would help against what the last `start`
    /// failed by.
    pub(crate) fn next(&mut self, is_on: Option<bool>, needs_power: bool) -> Rung {
        let (at, rung) = match self.at {
            At::Begin if is_on != Some(false) => (At::Started, Rung::Start),
            At::Reset | At::Pressed(false) => (At::Started, Rung::Start),
            At::Pressed(true) => (At::NoHelp, Rung::AwaitOff),
            At::Started if !needs_power => (At::Started, Rung::Over),
            At::Begin | At::Started | At::NoHelp => self.help(is_on == Some(true)),
        };
        self.at = at;
        rung
    }

    /// There is no reset line.
    pub(crate) fn cannot_reset(&mut self) {
        self.at = At::NoHelp;
    }

    fn help(&mut self, is_on: bool) -> (At, Rung) {
        let is_pressed_out = self.presses >= PRESSES;
        if (is_on || is_pressed_out) && !core::mem::replace(&mut self.was_reset, true) {
            return (At::Reset, Rung::Reset);
        }
        if is_pressed_out {
            return (At::Started, Rung::Over);
        }
        self.presses += 1;
        (At::Pressed(is_on), Rung::Press)
    }
}

pub(crate) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
