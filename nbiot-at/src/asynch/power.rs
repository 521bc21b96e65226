//! Power-up and power-down with the lines of the board.

use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{Read, Write};

use super::Modem;
use crate::power::{Held, Ladder, Off, POWER_DOWN, PowerLines, PowerTiming, Rung, STATUS, millis};
use crate::{Clock, Error, ErrorKind, Event, Fault};

impl<S: Read + Write, C: Clock + DelayNs, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Brings the modem from off, or from whatever state it is in, to an active packet context.
    ///
    /// A modem that answers is only started. One that is silent for 20 s gets a press of the key, once
    /// more after another 20 s, and then a reset, if that line is wired: modem scenarios B1 to B3
    /// and C1. Where STATUS says that it is on and deaf, it is reset, or switched off and on.
    ///
    /// A future that is dropped leaves both lines inactive.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start). One of [`ErrorKind::Power`] means that nothing of this helped:
    /// wait as [`BackOff`](crate::BackOff) says before the supply is cut and given again.
    pub async fn power_up(
        &mut self,
        lines: &mut impl PowerLines,
        timing: PowerTiming,
    ) -> Result<(), Error<S::Error>> {
        let mut ladder = Ladder::new();
        let mut result = Err(Error::Modem(Fault::PoweredDown));
        loop {
            let needs_power = matches!(&result, Err(error) if error.kind() == ErrorKind::Power);
            match ladder.next(lines.is_on(), needs_power) {
                Rung::Start => result = self.start().await,
                Rung::Press => {
                    let _key = Held::key(lines);
                    self.clock.delay_ms(millis(timing.press)).await;
                }
                Rung::Reset => match Held::reset(lines) {
                    Some(_line) => self.clock.delay_ms(millis(timing.reset)).await,
                    None => ladder.cannot_reset(),
                },
                Rung::AwaitOff => self.wait_for_off(lines).await?,
                Rung::Over => return result,
            }
        }
    }

    /// What it says of that is heard, so that nobody takes it for news later.
    async fn wait_for_off(&mut self, lines: &mut impl PowerLines) -> Result<(), Error<S::Error>> {
        let until = self.clock.now() + POWER_DOWN;
        loop {
            let next = self.clock.now().plus(STATUS);
            while self.clock.now() < next {
                self.wait(next).await?;
            }
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
    pub async fn power_off(&mut self, lines: &mut impl PowerLines) -> Result<Off, Error<S::Error>> {
        match self.power_down().await {
            // Told already: it is on its way.
            Ok(()) | Err(Error::Modem(Fault::PoweredDown)) => {}
            Err(error) if error.kind() == ErrorKind::Serial => return Err(error),
            Err(_) => return Ok(Off::Forced),
        }
        let until = self.clock.now() + POWER_DOWN;
        loop {
            match self.wait(until).await? {
                Event::PoweredDown => break,
                Event::Deadline => return Ok(Off::Forced),
                _ => {}
            }
        }
        self.clock.delay_ms(STATUS).await;
        Ok(Off::judge(self.engine.said_off(), lines.is_on()))
    }
}
