//! Settings that the model keeps, and what else it can be asked. AT reference sections 8, 10 and 14.

use core::net::IpAddr;
use core::time::Duration;

use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::sim::socket::Kind;
use crate::sim::{Action, Modem};
use crate::text::Text;
use crate::time::Instant;

/// Settings of one value: name, values that it takes, whether it stands in quotes.
const KNOWN: [(&str, &str, bool); 16] = [
    ("servicedomain", "1,2", false),
    ("roamservice", "1,2,255", false),
    ("psm/enter", "0,1", false),
    ("pdp/duplicatechk", "0,1", false),
    ("urc/delay", "0,1", false),
    ("cmux/urcport", "0,1,2,3,4", false),
    ("ledmode", "0,1,2,3", false),
    ("msc", "0,1,2", false),
    ("sgsn", "0,1,2", false),
    ("urc/ri/ring", "off,pulse,always,auto,wave", true),
    ("urc/ri/smsincoming", "off,pulse,always", true),
    ("urc/ri/other", "off,pulse,always", true),
    ("risignaltype", "respective,physical", true),
    ("ims", "0,1,2", false),
    ("nb1/bandprior", "", true),
    ("apready", "0,1", false),
];

/// Kept over restarts.
#[derive(Debug)]
pub(super) struct Kept {
    values: [Text<32>; KNOWN.len()],
}

impl Kept {
    pub(super) fn factory() -> Self {
        let first = |(_, values, _): (&str, &str, bool)| values.split(',').next().map(Text::whole);
        Self {
            values: KNOWN.map(|known| first(known).flatten().unwrap_or_default()),
        }
    }
}

impl<N: Network> Modem<N> {
    /// Answers settings and questions of its own; false if this is something else.
    pub(super) fn setting_query(&mut self, call: &Call<'_>, now: Instant) -> bool {
        match (call.name, call.form) {
            ("QCFG", Form::Write(arguments)) => {
                let key = call.text(0);
                let index = KNOWN.iter().position(|&(name, _, _)| name == key);
                match (key, index) {
                    ("celevel", _) => self.tell(format_args!("+QCFG: \"celevel\",0"), now),
                    // Of the BG95.
                    ("nvrestore", _) => self.error(now),
                    ("psm/urc", _) if call.text(1) == "0" => {
                        self.psm_reports = false;
                        self.ok(now);
                    }
                    (_, Some(index)) => self.kept_setting(index, arguments, now),
                    _ => return false,
                }
            }
            ("QINDCFG", Form::Write(_)) => match (call.text(0), call.number(1)) {
                ("all" | "csq" | "smsfull" | "ring" | "smsincoming", Some(0..=1u8)) => self.ok(now),
                _ => self.error(now),
            },
            ("IPR", Form::Write(rate)) => match rate.parse() {
                Ok(9_600 | 19_200 | 38_400 | 57_600 | 115_200 | 230_400 | 460_800 | 921_600u32) => {
                    self.ok(now);
                }
                _ => self.error(now),
            },
            ("IFC", Form::Write("0,0" | "0,2" | "2,0" | "2,2")) => self.ok(now),
            ("QICFG", Form::Write(_)) => {
                let is_taken = match (call.text(0), call.number(1), call.number(2)) {
                    ("tcp/retranscfg", Some(3..=20), Some(5..=1000u16)) => true,
                    ("tcp/keepalive", Some(0u8), None) => true,
                    ("tcp/keepalive", Some(1), Some(1..=120)) => {
                        let (interval, count) = (call.number(3), call.number(4));
                        matches!((interval, count), (Some(25..=100u8), Some(3..=10u8)))
                    }
                    _ => false,
                };
                if is_taken {
                    self.ok(now)
                } else {
                    self.error(now)
                }
            }
            ("QPSMEXTCFG", Form::Write(_)) => match (call.number(3), call.number::<u32>(5)) {
                (Some(1..=1000u16), Some(_)) => self.ok(now),
                _ => self.error(now),
            },
            ("QISTATE", Form::Write(arguments)) => match arguments.strip_prefix("1,") {
                Some(id) => self.states(Kind::Tcp, id.parse().ok(), now),
                None => self.error(now),
            },
            ("QSSLSTATE", Form::Write(id)) => self.states(Kind::Tls, id.parse().ok(), now),
            ("QFLDS", Form::Write("\"UFS\"")) => {
                let (free, total) = self.files.room();
                let free = self.settings.room.unwrap_or(free);
                self.tell(format_args!("+QFLDS: {free},{total}"), now);
            }
            ("QFLDS", Form::Execute) => {
                let (free, total) = self.files.room();
                let (used, count) = (total - free, self.files.count());
                self.tell(format_args!("+QFLDS: {used},{count}"), now);
            }
            ("QPING", Form::Write(_)) => self.ping(call, now),
            _ => return false,
        }
        true
    }

    fn kept_setting(&mut self, index: usize, arguments: &str, now: Instant) {
        let Some(&(name, values, is_quoted)) = KNOWN.get(index) else {
            return self.error(now);
        };
        let Some((_, value)) = arguments.split_once(',') else {
            let value = self.kept.values.get(index).cloned().unwrap_or_default();
            let behind = match name {
                "ims" => ",0",
                "apready" if value.as_str().len() == 1 => ",0,500",
                _ => "",
            };
            let head = format_args!("+QCFG: \"{name}\"");
            return if is_quoted {
                self.tell(format_args!("{head},\"{value}\"{behind}"), now)
            } else {
                self.tell(format_args!("{head},{value}{behind}"), now)
            };
        };
        let first = value
            .split(',')
            .next()
            .unwrap_or_default()
            .trim_matches('"');
        let is_known = values.is_empty() || values.split(',').any(|known| known == first);
        // What has more than one value is kept as a whole.
        let kept = if name == "apready" { value } else { first };
        match (is_known, self.kept.values.get_mut(index)) {
            (true, Some(slot)) => {
                *slot = Text::lossy(kept.as_bytes());
                self.ok(now);
            }
            _ => self.error(now),
        }
    }

    fn ping(&mut self, call: &Call<'_>, now: Instant) {
        let count = call.number(3).unwrap_or(4);
        if !self.context {
            return self.refuse(561, now);
        }
        if call.number(0) != Some(1u8) || !(1..=10).contains(&count) {
            return self.refuse(552, now);
        }
        let address = if self.can_resolve() {
            self.network.resolve(call.text(1))
        } else {
            Err(565)
        };
        self.ok(now);
        let first = Action::Ping {
            address,
            done: 0,
            count,
        };
        self.plan(first, now + self.settings.air);
    }

    /// The line of one echo, or of all of them.
    pub(super) fn pinged(
        &mut self,
        address: Result<IpAddr, u16>,
        done: u8,
        count: u8,
        now: Instant,
    ) {
        let time = self.settings.air.as_millis();
        match address {
            Err(error) => self.say(format_args!("+QPING: {error}"), now),
            Ok(_) if !self.covered => self.say(format_args!("+QPING: 569"), now),
            Ok(_) if done == count => {
                let times = format_args!("{time},{time},{time}");
                self.say(format_args!("+QPING: 0,{count},{count},0,{times}"), now);
            }
            Ok(found) => {
                self.say(format_args!("+QPING: 0,\"{found}\",32,{time},255"), now);
                let done = done + 1;
                let next = Action::Ping {
                    address,
                    done,
                    count,
                };
                self.plan(next, now + Duration::from_secs(1));
            }
        }
    }
}
