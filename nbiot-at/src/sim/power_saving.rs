//! Power saving mode and eDRX of the model. AT reference sections 16 and 17.

use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::sim::{Action, Modem, Power};
use crate::text::Text;
use crate::time::Instant;

impl<N: Network> Modem<N> {
    pub(super) fn power_saving(&mut self, call: &Call<'_>, now: Instant) {
        match (call.name, call.form) {
            ("CPSMS", Form::Write(_)) => match call.text(0) {
                "0" => {
                    self.psm = false;
                    self.ok(now);
                }
                "1" if is_binary(call.text(3), 8) && is_binary(call.text(4), 8) => {
                    self.psm = true;
                    self.psm_writes += 1;
                    let [periodic, active] = [3, 4].map(|n| Text::lossy(call.text(n).as_bytes()));
                    self.psm_asked = [periodic, active];
                    self.ok(now);
                }
                _ => self.error(now),
            },
            ("CPSMS", Form::Read) => {
                let (mode, [periodic, active]) = (u8::from(self.psm), self.psm_asked.clone());
                self.tell(
                    format_args!("+CPSMS: {mode},,,\"{periodic}\",\"{active}\""),
                    now,
                );
            }
            ("QCFG", Form::Write("\"psm/urc\"")) => {
                let reports = u8::from(self.psm_reports);
                self.tell(format_args!("+QCFG: \"psm/urc\",{reports}"), now);
            }
            ("QCFG", Form::Write("\"psm/urc\",1")) => {
                self.psm_reports = true;
                self.ok(now);
            }
            ("CEDRXS", Form::Write(_)) => match (call.text(0), call.number(1)) {
                ("0" | "3", _) => {
                    self.edrx = None;
                    self.ok(now);
                }
                ("1" | "2", Some(access @ 4..=5)) if is_binary(call.text(2), 4) => {
                    self.edrx = Some((access, Text::lossy(call.text(2).as_bytes())));
                    self.ok(now);
                }
                _ => self.error(now),
            },
            ("CEDRXRDP", Form::Execute) => match (self.edrx.clone(), self.settings.edrx) {
                (Some((access, asked)), Some((cycle, window))) => self.tell(
                    format_args!("+CEDRXRDP: {access},\"{asked}\",\"{cycle}\",\"{window}\""),
                    now,
                ),
                _ => self.tell(format_args!("+CEDRXRDP: 0"), now),
            },
            _ => self.error(now),
        }
    }

    /// When the modem goes to sleep unless something happens.
    pub(super) fn falls_asleep(&self) -> Option<Instant> {
        let grant = self.settings.psm.filter(|_| self.psm)?;
        let is_idle = self.power == Power::On && self.is_registered();
        is_idle.then(|| self.last_active + self.settings.release + grant.active.1)
    }

    pub(super) fn sleep(&mut self, now: Instant) {
        let Some(grant) = self.settings.psm else {
            return;
        };
        if self.psm_reports {
            let [tau, active] = [grant.periodic.1, grant.active.1].map(|time| time.as_secs());
            self.say(format_args!("+QPSMTIMER: {tau},{active}"), now);
        }
        if self.settings.sleeps_without_a_word {
            self.say(format_args!("POWERED DOWN"), now);
        } else {
            self.say(format_args!("PSM POWER DOWN"), now);
        }
        self.forget();
        let outage =
            |entry: &(Instant, Action)| matches!(entry.1, Action::Outage | Action::NetworkBack);
        self.plan.retain(outage);
        self.power = Power::Asleep;
        self.plan(Action::Wake, now + grant.periodic.1);
    }

    /// By the key, or by the timer: as after a boot.
    pub(super) fn wake(&mut self, now: Instant) {
        self.plan.retain(|(_, action)| *action != Action::Wake);
        self.boot(now);
    }
}

fn is_binary(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|digit| matches!(digit, b'0' | b'1'))
}
