//! TLS sockets of the model. AT reference section 11.

use crate::sim::at::{Call, Form};
use crate::sim::network::{Network, Peer, TlsPeer};
use crate::sim::socket::Kind;
use crate::sim::{Action, Modem};
use crate::text::Text;
use crate::time::Instant;

/// TLS contexts of the module.
const CONTEXTS: usize = 6;

/// What `AT+QSSLCFG` has set of one context; a restart forgets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    version: u8,
    suite: u16,
    authority: Text<80>,
    certificate: Text<80>,
    key: Text<80>,
    level: u8,
    ignores_time: bool,
    tells_name: bool,
    checks_name: bool,
    negotiation: u16,
}

impl Context {
    /// As the module comes up: nothing is verified.
    const NEW: Self = Self {
        version: 4,
        suite: 0xffff,
        authority: Text::new(),
        certificate: Text::new(),
        key: Text::new(),
        level: 0,
        ignores_time: true,
        tells_name: false,
        checks_name: false,
        negotiation: 300,
    };

    /// Sets a value; false if it is none.
    fn set(&mut self, key: &str, value: &str) -> bool {
        let flag = match value {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        };
        let text = Text::parameter(value);
        let done = match key {
            "sslversion" => number(value, 4).map(|n| self.version = n),
            "seclevel" => number(value, 2).map(|n| self.level = n),
            "ciphersuite" => {
                let digits = value.strip_prefix("0X").unwrap_or("");
                let suite = u16::from_str_radix(digits, 16).ok();
                suite.map(|n| self.suite = n)
            }
            "negotiatetime" => {
                let seconds = value.parse().ok().filter(|s| (10..=300).contains(s));
                seconds.map(|n| self.negotiation = n)
            }
            "cacert" => text.map(|t| self.authority = t),
            "clientcert" => text.map(|t| self.certificate = t),
            "clientkey" => text.map(|t| self.key = t),
            "ignorelocaltime" => flag.map(|f| self.ignores_time = f),
            "sni" => flag.map(|f| self.tells_name = f),
            "checkhost" => flag.map(|f| self.checks_name = f),
            _ => None,
        };
        done.is_some()
    }
}

fn number(value: &str, most: u8) -> Option<u8> {
    value.parse().ok().filter(|&n| n <= most)
}

/// The contexts of the module.
#[derive(Debug)]
pub(super) struct Contexts([Context; CONTEXTS]);

impl Contexts {
    pub(super) const fn new() -> Self {
        Self([const { Context::NEW }; CONTEXTS])
    }
}

impl<N: Network> Modem<N> {
    pub(super) fn tls(&mut self, call: &Call<'_>, now: Instant) {
        match (call.name, call.form) {
            ("QSSLCFG", Form::Write(_)) => self.tls_setting(call, now),
            ("QSSLOPEN", Form::Write(_)) => self.tls_open(call, now),
            ("QSSLSEND", Form::Write(_)) => self.send(call, Kind::Tls, now),
            ("QSSLRECV", Form::Write(_)) => self.read(call, Kind::Tls, now),
            ("QSSLCLOSE", Form::Write(_)) => self.close(call, Kind::Tls, now),
            ("QSSLSTATE", Form::Execute) => self.states(Kind::Tls, None, now),
            _ => self.error(now),
        }
    }

    /// Without a context or without a value it is a query.
    fn tls_setting(&mut self, call: &Call<'_>, now: Instant) {
        let key = call.text(0);
        let knows_names = self.settings.checks_names;
        if matches!(key, "sni" | "checkhost") && !knows_names {
            return self.error(now);
        }
        let (context, value) = match (call.text(1), call.text(2)) {
            (_, "") => (call.number(1).unwrap_or(1), None),
            (_, value) => (call.number(1).unwrap_or(CONTEXTS), Some(value)),
        };
        let Some(settings) = self.tls_contexts.0.get_mut(context) else {
            return self.error(now);
        };
        if let Some(value) = value {
            return if settings.set(key, value) {
                self.ok(now);
            } else {
                self.error(now);
            };
        }
        let settings = settings.clone();
        let head = format_args!("+QSSLCFG: \"{key}\",{context}");
        match key {
            "sslversion" => self.tell(format_args!("{head},{}", settings.version), now),
            "seclevel" => self.tell(format_args!("{head},{}", settings.level), now),
            "ciphersuite" => self.tell(format_args!("{head},0x{:04x}", settings.suite), now),
            "negotiatetime" => self.tell(format_args!("{head},{}", settings.negotiation), now),
            "cacert" => self.tell(format_args!("{head},\"{}\"", settings.authority), now),
            "clientcert" => self.tell(format_args!("{head},\"{}\"", settings.certificate), now),
            "clientkey" => self.tell(format_args!("{head},\"{}\"", settings.key), now),
            "ignorelocaltime" => {
                self.tell(
                    format_args!("{head},{}", u8::from(settings.ignores_time)),
                    now,
                );
            }
            "sni" => self.tell(
                format_args!("{head},{}", u8::from(settings.tells_name)),
                now,
            ),
            "checkhost" => {
                self.tell(
                    format_args!("{head},{}", u8::from(settings.checks_name)),
                    now,
                );
            }
            _ => self.error(now),
        }
    }

    fn tls_open(&mut self, call: &Call<'_>, now: Instant) {
        let id = call.number(2).unwrap_or(u8::MAX);
        let context = call.number(1).unwrap_or(CONTEXTS);
        let (host, port) = (call.text(3), call.number(4));
        let (true, Some(port), false) = (context < CONTEXTS, port, host.is_empty()) else {
            return self.refuse(552, now);
        };
        if !self.occupy(id, Kind::Tls, now) {
            return;
        }
        if self.open_secure(id, context, host, port, now) {
            self.plan(Action::Open(id), now + self.settings.air);
        } else {
            self.fail_open(id, 566, now);
        }
    }

    /// Begins to connect with the settings of a context; false if they lack something.
    pub(super) fn open_secure(
        &mut self,
        id: u8,
        context: usize,
        host: &str,
        port: u16,
        now: Instant,
    ) -> bool {
        let Some(settings) = self.tls_contexts.0.get(context).cloned() else {
            return false;
        };
        let unix = self.rtc(now);
        let (files, network) = (&self.files, &mut self.network);
        let authority = files.get(settings.authority.as_str());
        let certificate = files.get(settings.certificate.as_str());
        let key = files.get(settings.key.as_str());
        let is_complete = (settings.level == 0 || authority.is_some())
            && (settings.level < 2 || certificate.is_some() && key.is_some())
            && (settings.ignores_time || unix.is_some());
        if !is_complete {
            return false;
        }
        let tls = TlsPeer {
            authority: authority.filter(|_| settings.level > 0),
            identity: certificate.zip(key).filter(|_| settings.level == 2),
            cipher_suite: settings.suite,
            tells_name: settings.tells_name,
            checks_name: settings.checks_name,
            unix: unix.filter(|_| !settings.ignores_time),
        };
        let peer = Peer {
            host,
            port,
            is_datagram: false,
            tls: Some(tls),
        };
        network.open(id, &peer);
        true
    }
}
