//! The lines of the power, and what is lost with it.

use core::time::Duration;

use super::inform::Informed;
use super::network::Network;
use super::{Action, Input, Modem, Power, tls};
use crate::time::Instant;

impl<N: Network> Modem<N> {
    /// Pulse on the power key of a modem that is off or asleep.
    pub fn power_on(&mut self, now: Instant) {
        match self.power {
            Power::Off => {
                self.boot(now);
                self.schedule_outage(now);
            }
            Power::Asleep => self.wake(now),
            Power::Booting | Power::On => {}
        }
    }

    /// PWRKEY is released after it was held low for so long: a long press starts a modem that is off
    /// or asleep, and a longer one shuts down one that is on.
    pub fn press(&mut self, now: Instant, held: Duration) {
        match self.power {
            Power::Off | Power::Asleep if held >= Duration::from_millis(500) => self.power_on(now),
            Power::On if held >= Duration::from_millis(650) => {
                self.urc(
                    format_args!("NORMAL POWER DOWN"),
                    now + Duration::from_secs(2),
                );
                self.plan(Action::Off, now + Duration::from_secs(2));
            }
            _ => {}
        }
    }

    /// RESET_N is released after it was held low for so long.
    pub fn reset(&mut self, now: Instant, held: Duration) {
        let is_right = (150..=460).contains(&held.as_millis());
        if is_right && self.is_on() {
            self.settings.hangs = false;
            self.restart(now, 0);
        }
    }

    /// The supply is cut.
    pub fn power_off(&mut self) {
        self.forget();
        self.output.cut(0);
        self.plan.clear();
        self.covered = true;
        self.power = Power::Off;
    }

    /// Whether the power is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        matches!(self.power, Power::Booting | Power::On)
    }

    /// Whether it sleeps in power saving mode.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        self.power == Power::Asleep
    }

    /// Times the modem restarted by itself.
    #[must_use]
    pub const fn restarts(&self) -> u32 {
        self.restarts
    }

    /// The modem restarts now, in the middle of whatever it says: `kept` more bytes leave.
    pub fn restart(&mut self, now: Instant, kept: usize) {
        self.restarts = self.restarts.saturating_add(1);
        self.forget();
        self.output.cut(kept);
        let outage =
            |entry: &(Instant, Action)| matches!(entry.1, Action::Outage | Action::NetworkBack);
        self.plan.retain(outage);
        self.boot(now);
    }

    pub(super) fn boot(&mut self, now: Instant) {
        self.power = Power::Booting;
        self.last_active = now;
        self.plan(Action::Ready, now + self.settings.boot);
    }

    /// Everything that a restart forgets.
    pub(super) fn forget(&mut self) {
        for id in self
            .sockets
            .iter()
            .flatten()
            .map(|s| s.id)
            .collect::<heapless::Vec<_, 4>>()
        {
            self.remove(id);
        }
        self.mqtt_forget();
        self.informed = Informed::default();
        self.http.forget();
        self.input = Input::Line;
        self.line.clear();
        self.files.close_all();
        self.euicc.restart();
        self.is_radio_on = true;
        self.gnss_since = None;
        self.tls_contexts = tls::Contexts::new();
        self.busy_until = Instant::ZERO;
        self.echo = true;
        self.error_form = 1;
        self.payload_echo = true;
        self.reports = 0;
        self.gprs_reports = 0;
        self.sim_ready = false;
        self.unlocked = false;
        self.status = 0;
        self.context = false;
        self.name_server = None;
    }
}
