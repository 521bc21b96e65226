//! From a card that is ready to a modem that is registered.

use crate::sim::network::Network;
use crate::sim::{Action, Card, Modem, Mood};
use crate::time::Instant;

impl<N: Network> Modem<N> {
    pub(super) fn sim_appears(&mut self, now: Instant) {
        match self.settings.card {
            Card::Open => self.sim_is_ready(now),
            Card::Pin if self.unlocked => self.sim_is_ready(now),
            Card::Pin => self.urc(format_args!("+CPIN: SIM PIN"), now),
            Card::Puk => self.urc(format_args!("+CPIN: SIM PUK"), now),
            Card::Missing => self.urc(format_args!("+CPIN: NOT INSERTED"), now),
        }
    }

    pub(super) fn sim_is_ready(&mut self, now: Instant) {
        self.sim_ready = true;
        self.urc(format_args!("+CPIN: READY"), now);
        self.urc(format_args!("+QUSIM: 1"), now);
        self.set_status(2, now);
        self.plan(Action::Register, now + self.settings.registration);
    }

    pub(super) fn register(&mut self, now: Instant) {
        let profile = self.euicc.used.and_then(|n| self.settings.moods.get(n));
        let mood = match self.euicc.used {
            None => Mood::NoCell,
            Some(_) => profile.copied().flatten().unwrap_or(self.settings.mood),
        };
        let status = match mood {
            _ if !self.sim_ready || !self.covered || !self.is_radio_on => return,
            _ if !self.finds_network() => 2,
            Mood::Home => 1,
            Mood::Roaming => 5,
            Mood::Denied => 3,
            Mood::NoCell => 2,
        };
        self.set_status(status, now);
        self.take_nitz(now);
    }

    pub(super) fn set_status(&mut self, status: u8, now: Instant) {
        if core::mem::replace(&mut self.status, status) == status || self.reports == 0 {
            return;
        }
        if self.reports == 1 {
            return self.urc(format_args!("+CEREG: {status}"), now);
        }
        let access = self.settings.access_number();
        self.urc(
            format_args!("+CEREG: {status},\"0A1B\",\"01C2D304\",{access}"),
            now,
        );
    }
}
