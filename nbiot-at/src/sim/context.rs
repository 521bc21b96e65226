//! Definitions of packet contexts of the model, power saving and clocks that are asked for. AT
//! reference sections 9, 15 and 16.

use crate::sim::Modem;
use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::text::Text;
use crate::time::Instant;

/// Kept over restarts.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    defined: heapless::Vec<Definition, 4>,
}

#[derive(Clone, Debug)]
struct Definition {
    context: u8,
    kind: Text<8>,
    apn: Text<63>,
    /// User name and password.
    access: [Text<32>; 2],
}

/// Numbers of the kinds in `AT+QICSGP`.
const KINDS: [&str; 3] = ["IP", "IPV6", "IPV4V6"];

impl Definitions {
    fn get(&self, context: Option<u8>) -> Option<&Definition> {
        self.defined.iter().find(|d| Some(d.context) == context)
    }

    /// False if it has no room.
    fn set(&mut self, context: u8, kind: &str, [apn, user, password]: [&str; 3]) -> bool {
        self.remove(context);
        let definition = Definition {
            context,
            kind: Text::lossy(kind.as_bytes()),
            apn: Text::lossy(apn.as_bytes()),
            access: [user, password].map(|text| Text::lossy(text.as_bytes())),
        };
        self.defined.push(definition).is_ok()
    }

    fn remove(&mut self, context: u8) {
        self.defined.retain(|d| d.context != context);
    }
}

impl<N: Network> Modem<N> {
    /// Answers what asks for contexts; false if this is something else.
    pub(super) fn context_query(&mut self, call: &Call<'_>, now: Instant) -> bool {
        let is_active = u8::from(self.context);
        match (call.name, call.form) {
            ("CGDCONT", Form::Read) => {
                for index in 0..self.definitions.defined.len() {
                    let Some(found) = self.definitions.defined.get(index).cloned() else {
                        break;
                    };
                    let Definition {
                        context, kind, apn, ..
                    } = found;
                    let head = format_args!("{context},\"{kind}\",\"{apn}\",\"0.0.0.0\"");
                    self.info(format_args!("+CGDCONT: {head},0,0,0,0"), now);
                }
                self.ok(now);
            }
            ("CGDCONT", Form::Write(arguments)) => match call.number(0) {
                Some(context @ 1..=16) if !arguments.contains(',') => {
                    self.definitions.remove(context);
                    self.ok(now);
                }
                Some(context @ 1..=16) if KINDS.contains(&call.text(1)) => {
                    self.define(context, call.text(1), [call.text(2), "", ""], now);
                }
                _ => self.cme(50, now),
            },
            ("QICSGP", Form::Write(arguments)) => match (call.number(0), call.number(1)) {
                (Some(context @ 1..=16u8), None) if !arguments.contains(',') => {
                    self.settings_of(context, now);
                }
                (Some(context @ 1..=16), Some(kind @ 1..=3usize)) => {
                    let kind = KINDS.get(kind - 1).copied().unwrap_or_default();
                    self.define(context, kind, [2, 3, 4].map(|n| call.text(n)), now);
                }
                _ => self.error(now),
            },
            ("CGATT", Form::Read) => {
                let is_attached = u8::from(self.is_registered());
                self.tell(format_args!("+CGATT: {is_attached}"), now);
            }
            ("CGATT", Form::Write("1")) if self.is_registered() => self.ok(now),
            ("CGATT", Form::Write("1")) => self.cme(30, now),
            ("CGATT", Form::Write("0")) => {
                self.drop_context();
                self.ok(now);
                self.set_status(0, now);
            }
            ("CGACT", Form::Read) => {
                for index in 0..self.definitions.defined.len() {
                    let context = self.definitions.defined.get(index).map_or(0, |d| d.context);
                    let state = if context == 1 { is_active } else { 0 };
                    self.info(format_args!("+CGACT: {context},{state}"), now);
                }
                self.ok(now);
            }
            ("CGACT", Form::Write("1,1")) if self.is_registered() => {
                self.context = true;
                self.ok(now + self.settings.activation);
            }
            ("CGACT", Form::Write("0,1")) => {
                self.drop_context();
                self.ok(now);
            }
            ("CGACT", Form::Write(_)) => self.cme(148, now),
            // Bare, as some firmware has it.
            ("CGPADDR", Form::Write("1")) if self.context => {
                self.tell(format_args!("+CGPADDR: 1,10.64.12.7"), now);
            }
            ("CGPADDR", Form::Write(_)) => match self.definitions.get(call.number(0)) {
                Some(&Definition { context, .. }) => {
                    self.tell(format_args!("+CGPADDR: {context},\"0.0.0.0\""), now);
                }
                None => self.ok(now),
            },
            ("CTZR", Form::Write("0" | "1" | "2")) => {
                self.informed.zone_reports = call.number(0).unwrap_or(0);
                self.ok(now);
            }
            ("QPSMS", Form::Read) => match self.settings.psm.filter(|_| self.psm) {
                Some(grant) => {
                    let [tau, active] = [grant.periodic.1, grant.active.1].map(|t| t.as_secs());
                    self.tell(format_args!("+QPSMS: 1,,,\"{tau}\",\"{active}\""), now);
                }
                None => {
                    let mode = u8::from(self.psm);
                    self.tell(format_args!("+QPSMS: {mode},,,,"), now);
                }
            },
            ("QPSMCFG", Form::Write(_)) => match (call.number(0), call.number(1)) {
                (Some(60..=u32::MAX), None | Some(0..=15u8)) => self.ok(now),
                _ => self.error(now),
            },
            ("QSCLK", Form::Write(value @ ("0" | "1"))) => {
                self.may_doze = value == "1";
                self.ok(now);
            }
            ("CEDRXS", Form::Read) => {
                if let Some((access, cycle)) = self.edrx.clone() {
                    self.info(format_args!("+CEDRXS: {access},\"{cycle}\""), now);
                }
                self.ok(now);
            }
            _ => return false,
        }
        true
    }

    fn define(&mut self, context: u8, kind: &str, texts: [&str; 3], now: Instant) {
        if self.definitions.set(context, kind, texts) {
            self.ok(now);
        } else {
            self.cme(20, now);
        }
    }

    fn settings_of(&mut self, context: u8, now: Instant) {
        let Some(found) = self.definitions.get(Some(context)).cloned() else {
            return self.tell(format_args!("+QICSGP: 0,\"\",\"\",\"\",0"), now);
        };
        let kind = KINDS.iter().position(|&kind| kind == found.kind.as_str());
        let (kind, apn, [user, password]) = (kind.map_or(0, |n| n + 1), found.apn, found.access);
        let texts = format_args!("\"{apn}\",\"{user}\",\"{password}\"");
        self.tell(format_args!("+QICSGP: {kind},{texts},1"), now);
    }
}
