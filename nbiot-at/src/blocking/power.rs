//! Power-up and power-down with the lines of the board.

use core::time::Duration;

use embedded_hal::delay::DelayNs;
use embedded_io::{Read, ReadReady, Write};

use super::Modem;
use crate::power::{Off, PowerLines, PowerTiming};
use crate::{Clock, Error, ErrorKind, Event, Fault};

/// Time of an orderly power-down, AT reference section 3.2.
const POWER_DOWN: Duration = Duration::from_secs(66);
/// STATUS follows `POWERED DOWN` in this time, ms.
const STATUS: u32 = 1_000;
/// Presses of the key before the reset line is used.
const PRESSES: u8 = 2;

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Brings the modem from off, or from whatever state it is in, to an active packet context.
    ///
    /// A modem that answers is only started. One that is silent for 20 s gets a press of the key, once
    /// more after another 20 s, and then a reset, if that line is wired: modem scenarios B1 to B3
    /// and C1. Where STATUS says that it is on and deaf, it is reset, or switched off and on.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start). One of [`ErrorKind::Power`] means that nothing of this helped:
    /// wait as [`BackOff`](crate::BackOff) says before the supply is cut and given again.
    pub fn power_up(
        &mut self,
        lines: &mut impl PowerLines,
        timing: PowerTiming,
    ) -> Result<(), Error<S::Error>> {
        let mut result = match lines.is_on() {
            Some(false) => Err(Error::Modem(Fault::PoweredDown)),
            _ => self.start(),
        };
        let mut presses = 0;
        let mut may_reset = true;
        while is_of_power(&result) && presses < PRESSES {
            let is_on = lines.is_on() == Some(true);
            // On, and deaf.
            if is_on && core::mem::take(&mut may_reset) && self.reset(lines, timing) {
                result = self.start();
                continue;
            }
            self.press(lines, timing);
            presses += 1;
            if is_on {
                // That was to switch it off; the next switches it on.
                self.wait_for_off(lines)?;
            } else {
                result = self.start();
            }
        }
        if is_of_power(&result) && may_reset && self.reset(lines, timing) {
            result = self.start();
        }
        result
    }

    fn press(&mut self, lines: &mut impl PowerLines, timing: PowerTiming) {
        lines.press(true);
        self.clock.delay_ms(millis(timing.press));
        lines.press(false);
    }

    /// Whether there is such a line.
    fn reset(&mut self, lines: &mut impl PowerLines, timing: PowerTiming) -> bool {
        if !lines.reset(true) {
            return false;
        }
        self.clock.delay_ms(millis(timing.reset));
        lines.reset(false)
    }

    /// What it says of that is heard, so that nobody takes it for news later.
    fn wait_for_off(&mut self, lines: &mut impl PowerLines) -> Result<(), Error<S::Error>> {
        let until = self.clock.now() + POWER_DOWN;
        loop {
            let next = self.clock.now().plus(STATUS);
            while self.wait(next)? != Event::Deadline {}
            if lines.is_on() != Some(true) || next >= until {
                return Ok(());
            }
        }
    }

    /// Switches the modem off, up to 66 s; then the supply may be cut.
    ///
    /// # Errors
    ///
    /// Only those of the serial port.
    pub fn power_off(&mut self, lines: &mut impl PowerLines) -> Result<Off, Error<S::Error>> {
        let told = self.clock.now();
        match self.power_down() {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Serial => return Err(error),
            Err(_) => return Ok(Off::Forced),
        }
        let until = told + POWER_DOWN;
        loop {
            match self.wait(until)? {
                Event::PoweredDown => break,
                Event::Deadline => return Ok(Off::Forced),
                _ => {}
            }
        }
        // Also told when it has only had its time.
        let is_late = self.clock.now() >= told.plus(65_000);
        self.clock.delay_ms(STATUS);
        Ok(match lines.is_on() {
            Some(true) => Off::Forced,
            None if is_late => Off::Forced,
            _ => Off::Orderly,
        })
    }
}

/// Whether the power would help.
fn is_of_power<E>(result: &Result<(), Error<E>>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::Power)
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
