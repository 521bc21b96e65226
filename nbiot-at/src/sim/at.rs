//! The command interpreter: lines in, answers out. AT reference sections 1 and 5 to 7.

use core::fmt::{Arguments, Write};
use core::time::Duration;

use crate::sim::network::Network;
use crate::sim::{Action, Card, Input, Modem, Mood, Power};
use crate::text::Text;
use crate::time::Instant;

/// A command line taken apart: `AT+NAME`, then `?`, `=?`, `=arguments` or nothing.
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) form: Form<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form<'a> {
    Execute,
    Read,
    Test,
    Write(&'a str),
}

impl<'a> Call<'a> {
    fn parse(body: &'a str) -> Self {
        let (name, form) = if let Some(name) = body.strip_suffix("=?") {
            (name, Form::Test)
        } else if let Some((name, arguments)) = body.split_once('=') {
            (name, Form::Write(arguments))
        } else if let Some(name) = body.strip_suffix('?') {
            (name, Form::Read)
        } else {
            (body, Form::Execute)
        };
        Self { name, form }
    }

    /// The argument number `n`, without its quotes.
    pub(super) fn text(&self, n: usize) -> &'a str {
        let Form::Write(arguments) = self.form else {
            return "";
        };
        arguments.split(',').nth(n).unwrap_or("").trim_matches('"')
    }

    /// The argument number `n` as a number.
    pub(super) fn number<T: core::str::FromStr>(&self, n: usize) -> Option<T> {
        self.text(n).parse().ok()
    }
}

impl<N: Network> Modem<N> {
    /// One byte from the host.
    pub(super) fn byte(&mut self, byte: u8, now: Instant) {
        match self.input {
            Input::Line => {}
            Input::Payload { id, left } => return self.payload_byte(id, left, byte, now),
            Input::File { handle, left } => return self.file_byte(handle, left, byte, now),
            Input::Message { left } => return self.mqtt_byte(left, byte, now),
            Input::Http { given, left } => return self.http_byte(given, left, byte, now),
        }
        if now < self.busy_until {
            // The module does not queue commands.
            return;
        }
        if self.echo {
            self.output.push([byte], now);
        }
        match byte {
            b'\r' => {
                let line = core::mem::take(&mut self.line);
                self.command(&line, now);
            }
            b'\n' if self.line.is_empty() => {}
            _ => {
                let _ = self.line.push(byte);
            }
        }
    }

    fn command(&mut self, line: &[u8], now: Instant) {
        // Zeros mean nothing; anything else that is no command is refused.
        let start = line
            .iter()
            .position(|&byte| byte != 0)
            .unwrap_or(line.len());
        let line = line.get(start..).unwrap_or_default().trim_ascii();
        if line.is_empty() {
            return;
        }
        let Some(body) = line.get(2..).filter(|_| starts_with_at(line)) else {
            return self.error(now);
        };
        let Ok(body) = core::str::from_utf8(body) else {
            return self.error(now);
        };
        let before = self.output.len();
        self.execute(body, now);
        if self.dice.hits(self.faults.restart) {
            let added = self.output.len().saturating_sub(before) as u64;
            let kept = usize::try_from(self.dice.below(added + 1)).unwrap_or(0);
            self.restart(now, before + kept);
        }
    }

    fn execute(&mut self, body: &str, now: Instant) {
        let now = now + self.answer_time();
        self.busy_until = now;
        if let Some(extended) = body.strip_prefix('+') {
            return self.extended(&Call::parse(extended), now);
        }
        match body {
            "" | "V1" | "Q0" | "&W" => self.ok(now),
            "E0" | "E1" => {
                self.echo = body == "E1";
                self.ok(now);
            }
            "I" => {
                self.info(format_args!("Quectel"), now);
                self.info(format_args!("BG96"), now);
                self.info(format_args!("Revision: BG96MAR02A08M1G"), now);
                self.ok(now);
            }
            _ => self.error(now),
        }
    }

    fn extended(&mut self, call: &Call<'_>, now: Instant) {
        let is_query = self.inform(call, now)
            || self.card_query(call, now)
            || self.context_query(call, now)
            || self.setting_query(call, now);
        if is_query {
            return;
        }
        match (call.name, call.form) {
            ("CMEE", Form::Read) => {
                let form = self.error_form;
                self.tell(format_args!("+CMEE: {form}"), now);
            }
            ("CMEE", Form::Write(_)) => match call.number(0) {
                Some(form @ 0..=2) => {
                    self.error_form = form;
                    self.ok(now);
                }
                _ => self.error(now),
            },
            ("CGMM" | "GMM", Form::Execute) => self.tell(format_args!("BG96"), now),
            ("CGMI" | "GMI", Form::Execute) => self.tell(format_args!("Quectel"), now),
            ("QGMR", Form::Execute) => {
                self.tell(format_args!("BG96MAR02A08M1G_01.012.01.012"), now);
            }
            ("CGSN" | "GSN", Form::Execute) => {
                let imei = self.settings.imei.clone();
                self.tell(format_args!("{imei}"), now);
            }
            ("CFUN", Form::Write("1,1")) => {
                self.ok(now);
                self.restart(now, usize::MAX);
            }
            ("CFUN", Form::Write("0")) => {
                self.ok(now);
                if core::mem::take(&mut self.is_radio_on) {
                    self.restart_sim(now);
                }
            }
            ("CFUN", Form::Write("1")) => {
                self.ok(now);
                if !core::mem::replace(&mut self.is_radio_on, true) {
                    self.plan(Action::SimReady, now + Duration::from_secs(1));
                }
            }
            ("CFUN", Form::Write(_)) => self.ok(now),
            ("CCHO" | "CCHC" | "CGLA" | "CSIM", _) => self.card_command(call, now),
            ("QPOWD", _) => {
                self.ok(now);
                self.plan(Action::PowerDown, now + Duration::from_secs(3));
            }
            ("QURCCFG", Form::Write("\"urcport\"")) => {
                self.tell(format_args!("+QURCCFG: \"urcport\",\"uart1\""), now);
            }
            ("QURCCFG" | "CGEREP", Form::Write(_)) => self.ok(now),
            ("CSQ", Form::Execute) if self.is_registered() => {
                self.tell(format_args!("+CSQ: 20,99"), now);
            }
            ("CSQ", Form::Execute) => self.tell(format_args!("+CSQ: 99,99"), now),
            ("QCSQ", Form::Execute) if self.is_registered() => {
                let rsrp = self.settings.rsrp;
                self.tell(format_args!("+QCSQ: \"CAT-NB1\",-71,{rsrp},120,-12"), now);
            }
            ("QCSQ", Form::Execute) => self.tell(format_args!("+QCSQ: \"NOSERVICE\""), now),
            ("QGPS" | "QGPSLOC" | "QGPSEND", _) => self.gnss(call, now),
            ("CCLK" | "CTZU" | "QLTS" | "QNTP", _) => self.clock(call, now),
            (name, _) if name.starts_with("QSSL") => self.tls(call, now),
            ("QFOTADL", _) => self.update_command(call, now),
            (name, _) if name.starts_with("QHTTP") => self.http_command(call, now),
            (name, _) if name.starts_with("QMT") => self.mqtt_command(call, now),
            (name, _) if name.starts_with("QF") => self.file_command(call, now),
            ("CPIN" | "QPINC" | "QCCID", _) => self.card(call, now),
            ("CEREG" | "CGREG" | "COPS", _) => self.radio(call, now),
            ("QCFG", Form::Write(_)) if !call.text(0).starts_with("psm") => {
                self.scan_setting(call, now);
            }
            ("CPSMS" | "QCFG" | "CEDRXS" | "CEDRXRDP", _) => self.power_saving(call, now),
            _ => self.packet(call.name, call, now),
        }
    }

    fn card(&mut self, call: &Call<'_>, now: Instant) {
        let card = self.settings.card;
        match (call.name, call.form) {
            _ if card == Card::Missing => self.cme(10, now),
            ("QPINC", _) => {
                let tries = self.pin_tries;
                self.tell(format_args!("+QPINC: \"SC\",{tries},10"), now);
            }
            ("QCCID", _) if card == Card::Open || self.unlocked => {
                let iccid = self.iccid();
                self.tell(format_args!("+QCCID: {iccid}"), now);
            }
            ("CPIN", Form::Read) if self.sim_ready => self.tell(format_args!("+CPIN: READY"), now),
            ("CPIN", Form::Read) if card == Card::Puk || self.pin_tries == 0 => {
                self.tell(format_args!("+CPIN: SIM PUK"), now);
            }
            ("CPIN", Form::Read) if card == Card::Pin => {
                self.tell(format_args!("+CPIN: SIM PIN"), now);
            }
            ("CPIN", Form::Read) => self.cme(14, now),
            ("CPIN", Form::Write(_)) if call.text(0) == "1234" && self.pin_tries > 0 => {
                self.unlocked = true;
                self.pin_tries = 3;
                self.ok(now);
                self.plan(Action::SimReady, now + Duration::from_millis(300));
            }
            ("CPIN", Form::Write(_)) => {
                self.pin_tries = self.pin_tries.saturating_sub(1);
                self.cme(16, now);
            }
            _ => self.cme(13, now),
        }
    }

    fn radio(&mut self, call: &Call<'_>, now: Instant) {
        match (call.name, call.form) {
            ("CEREG", Form::Write(_)) => match call.number(0) {
                Some(form @ (0..=2 | 4)) => {
                    self.reports = form;
                    self.ok(now);
                }
                _ => self.error(now),
            },
            ("CGREG", Form::Write(_)) => match call.number(0) {
                Some(form @ 0..=2) => {
                    self.gprs_reports = form;
                    self.ok(now);
                }
                _ => self.error(now),
            },
            ("CEREG", Form::Read) if self.reports < 2 || !self.is_registered() => {
                let (form, status) = (self.reports, self.status);
                self.tell(format_args!("+CEREG: {form},{status}"), now);
            }
            ("CEREG", Form::Read) => {
                let (form, status) = (self.reports, self.status);
                let access = self.settings.access_number();
                let place = format_args!("\"0A1B\",\"01C2D304\",{access}");
                match self.settings.psm.filter(|_| self.psm && form == 4) {
                    Some(grant) => {
                        let (active, periodic) = (grant.active.0, grant.periodic.0);
                        let timers = format_args!("\"{active}\",\"{periodic}\"");
                        self.tell(
                            format_args!("+CEREG: {form},{status},{place},,,{timers}"),
                            now,
                        );
                    }
                    None => self.tell(format_args!("+CEREG: {form},{status},{place}"), now),
                }
            }
            // Normal while on LTE.
            ("CGREG", Form::Read) => {
                let form = self.gprs_reports;
                self.tell(format_args!("+CGREG: {form},4"), now);
            }
            ("COPS", Form::Write("2")) => {
                self.ok(now);
                self.set_status(0, now);
            }
            ("COPS", Form::Write(_)) => {
                self.ok(now);
                if self.settings.mood != Mood::NoCell {
                    self.plan(Action::Register, now + self.settings.registration);
                }
            }
            _ => self.error(now),
        }
    }

    pub(super) fn is_registered(&self) -> bool {
        matches!(self.status, 1 | 5)
    }

    /// One information line and `OK`.
    pub(super) fn tell(&mut self, text: Arguments<'_>, now: Instant) {
        self.info(text, now);
        self.ok(now);
    }

    pub(super) fn info(&mut self, text: Arguments<'_>, now: Instant) {
        self.intrude(now);
        self.say(text, now);
    }

    pub(super) fn ok(&mut self, now: Instant) {
        self.intrude(now);
        self.say(format_args!("OK"), now);
    }

    pub(super) fn error(&mut self, now: Instant) {
        self.say(format_args!("ERROR"), now);
    }

    /// `+CME ERROR` in the form set with `AT+CMEE`.
    pub(super) fn cme(&mut self, code: u16, now: Instant) {
        match self.error_form {
            0 => self.error(now),
            1 => self.say(format_args!("+CME ERROR: {code}"), now),
            _ => self.say(format_args!("+CME ERROR: error {code}"), now),
        }
    }

    /// A line, framed, unless it gets lost.
    pub(super) fn say(&mut self, text: Arguments<'_>, due: Instant) {
        let mut line = Text::<200>::new();
        if write!(line, "\r\n{text}\r\n").is_ok() && !self.dice.hits(self.faults.drop_line) {
            self.emit(line.as_bytes().iter().copied(), due);
        }
    }

    /// Bytes to the host over a UART that may lose or change some.
    pub(super) fn emit(&mut self, bytes: impl Iterator<Item = u8>, due: Instant) {
        let Self {
            dice,
            faults,
            output,
            ..
        } = self;
        let bytes = bytes.filter_map(|byte| {
            if dice.hits(faults.drop_byte) {
                return None;
            }
            let flip = if dice.hits(faults.corrupt_byte) {
                1 << dice.below(8)
            } else {
                0
            };
            Some(byte ^ flip)
        });
        output.push(bytes, due);
    }

    /// Now and then a line that nobody asked for.
    fn intrude(&mut self, due: Instant) {
        if self.power == Power::On && self.dice.hits(self.faults.urc) {
            let status = self.status;
            match self.dice.below(3) {
                0 => self.say(format_args!("+QIND: \"csq\",20,99"), due),
                1 if self.reports > 0 => self.say(format_args!("+CEREG: {status}"), due),
                _ => self.say(format_args!("+QCSCON: 1,1"), due),
            }
        }
    }

    fn answer_time(&mut self) -> Duration {
        let slow = if self.dice.hits(self.faults.slow) {
            self.dice.below(20_000)
        } else {
            0
        };
        self.settings.answer + Duration::from_millis(slow)
    }
}

/// `AT` or `at`; the mixed forms are not promised.
fn starts_with_at(line: &[u8]) -> bool {
    line.starts_with(b"AT") || line.starts_with(b"at")
}
