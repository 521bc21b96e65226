//! What the model tells of its SIM. AT reference section 6.

use core::time::Duration;

use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::sim::{Action, Card, Modem};
use crate::time::Instant;

/// EF_IMSI as the card keeps it, and as digits.
const IMSI_FILE: &str = "082922990000000010";
const IMSI: &str = "222990000000001";

impl<N: Network> Modem<N> {
    /// Answers what asks for the SIM; false if this is something else.
    pub(super) fn card_query(&mut self, call: &Call<'_>, now: Instant) -> bool {
        let card = self.settings.card;
        let is_open = card == Card::Open || self.unlocked;
        match (call.name, call.form) {
            ("CIMI", Form::Execute) if card == Card::Missing => self.cme(10, now),
            ("CIMI", Form::Execute) if is_open => self.tell(format_args!("{IMSI}"), now),
            ("CIMI", Form::Execute) => self.error(now),
            ("CLCK", Form::Write("\"SC\",2")) if card == Card::Missing => self.cme(10, now),
            ("CLCK", Form::Write("\"SC\",2")) => {
                let is_locked = u8::from(card != Card::Open);
                self.tell(format_args!("+CLCK: {is_locked}"), now);
            }
            ("CPIN", Form::Write(arguments)) if arguments.contains(',') => {
                self.unblock([call.text(0), call.text(1)], now);
            }
            ("QINISTAT", Form::Execute) => {
                let bits = if self.sim_ready { 7 } else { 0 };
                self.tell(format_args!("+QINISTAT: {bits}"), now);
            }
            ("QSIMSTAT", Form::Read) => {
                let reports = u8::from(self.informed.sim_reports);
                let inserted = u8::from(card != Card::Missing);
                self.tell(format_args!("+QSIMSTAT: {reports},{inserted}"), now);
            }
            ("QSIMSTAT", Form::Write(value @ ("0" | "1"))) => {
                self.informed.sim_reports = value == "1";
                self.ok(now);
            }
            ("QSIMDET", Form::Write("0,0" | "0,1" | "1,0" | "1,1")) => self.ok(now),
            ("CRSM", Form::Write(_)) if card == Card::Missing => self.cme(10, now),
            ("CRSM", Form::Write(_)) => match (call.number(0), call.number(1)) {
                (Some(176u8), Some(0x6f07u16)) => {
                    self.tell(format_args!("+CRSM: 144,0,\"{IMSI_FILE}\""), now);
                }
                (Some(242), None) => self.tell(format_args!("+CRSM: 144,0"), now),
                // No such file.
                (Some(176 | 178 | 214 | 220), Some(_)) => {
                    self.tell(format_args!("+CRSM: 106,130"), now);
                }
                _ => self.cme(50, now),
            },
            _ => return false,
        }
        true
    }

    /// The PUK and a new PIN.
    fn unblock(&mut self, [puk, pin]: [&str; 2], now: Instant) {
        let is_blocked = self.settings.card == Card::Puk || self.pin_tries == 0;
        if !is_blocked || puk != "12345678" || pin.len() < 4 {
            return self.cme(16, now);
        }
        self.settings.card = Card::Pin;
        self.unlocked = true;
        self.pin_tries = 3;
        self.ok(now);
        self.plan(Action::SimReady, now + Duration::from_millis(300));
    }
}
