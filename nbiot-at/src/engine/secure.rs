//! What has to hold before something is opened with TLS: the modem's clock, and its settings.

use crate::command::{Command, clock, tls};
use crate::engine::state::State;
use crate::error::Fault;
use crate::tls::{Tls, TlsSetting};

/// What comes next.
#[derive(Debug)]
pub(crate) enum Secured {
    Command(Command),
    Ready,
    Failed(Fault),
}

/// ```text
///   CCLK? ── valid ──► QSSLCFG, each setting ──► QSSLCFG, read back ──► ready
///     └─► QLTS ──► CCLK=    └── TlsSetting ◄───────────┘
///          └── TimeNotValid
/// ```
#[derive(Debug)]
pub(crate) struct Secure {
    at: At,
    /// Bit n: the modem does not know the setting number n, and that will do.
    unknown: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Clock,
    NetworkTime,
    SetClock,
    Set(usize),
    ReadBack(usize),
}

impl Secure {
    pub(crate) fn new(tls: Option<&Tls>) -> Self {
        let checks_dates = tls.is_some_and(|tls| tls.checks_dates);
        Self {
            at: if checks_dates { At::Clock } else { At::Set(0) },
            unknown: 0,
        }
    }

    pub(crate) fn begin<const N: usize>(&mut self, state: &State<N>) -> Secured {
        match self.at {
            At::Clock => Secured::Command((&clock::CLOCK).into()),
            _ => self.set(state, 0),
        }
    }

    /// Goes on from the reply to its command.
    pub(crate) fn reply<const N: usize>(
        &mut self,
        state: &mut State<N>,
        result: Result<(), Fault>,
    ) -> Secured {
        match self.at {
            At::Set(n) | At::ReadBack(n) => self.secure(state, n, result),
            At::Clock | At::NetworkTime | At::SetClock => self.date(state, result),
        }
    }

    /// Makes sure that the modem's clock is set: certificates are checked against it.
    fn date<const N: usize>(&mut self, state: &mut State<N>, result: Result<(), Fault>) -> Secured {
        match (self.at, result, state.known.heard.time) {
            (At::Clock, Ok(()), Some(_)) | (At::SetClock, Ok(()), _) => self.set(state, 0),
            (At::Clock, Ok(()), None) => {
                self.at = At::NetworkTime;
                Secured::Command((&clock::NETWORK_TIME).into())
            }
            // The network has told the time, but the modem was not told to keep it.
            (At::NetworkTime, Ok(()), Some(time)) => {
                self.at = At::SetClock;
                state.known.target.unix = u32::try_from(time.unix).unwrap_or(u32::MAX);
                Secured::Command((&clock::SET_CLOCK).into())
            }
            _ => Secured::Failed(Fault::TimeNotValid),
        }
    }

    fn secure<const N: usize>(
        &mut self,
        state: &State<N>,
        n: usize,
        result: Result<(), Fault>,
    ) -> Secured {
        if let Err(fault @ (Fault::TimedOut | Fault::Malformed)) = result {
            return Secured::Failed(fault);
        }
        let (Some(tls), Some(&setting)) = (&state.known.config.tls, TlsSetting::ALL.get(n)) else {
            return Secured::Failed(Fault::LogicBug);
        };
        match (self.at, result) {
            (At::Set(_), Ok(())) => self.set(state, n + 1),
            (At::Set(_), Err(_)) if tls.is_optional(setting) => {
                self.unknown |= 1 << n;
                self.set(state, n + 1)
            }
            (At::ReadBack(_), Ok(())) if state.known.heard.is_set => self.read_back(state, n + 1),
            _ => Secured::Failed(Fault::TlsSetting(setting)),
        }
    }

    /// Writes the settings from number `n` on.
    fn set<const N: usize>(&mut self, state: &State<N>, n: usize) -> Secured {
        let tls = state.known.config.tls.as_ref();
        let mut rest = TlsSetting::ALL.iter().enumerate().skip(n);
        match rest.find(|&(_, &setting)| tls.is_some_and(|tls| tls.has(setting))) {
            Some((n, _)) => {
                self.at = At::Set(n);
                Secured::Command(tls::set(n))
            }
            None => self.read_back(state, 0),
        }
    }

    /// Reads the settings back that must hold: a byte lost on the way to the modem turns a write
    /// into a query, and that into `OK`.
    fn read_back<const N: usize>(&mut self, state: &State<N>, n: usize) -> Secured {
        let tls = state.known.config.tls.as_ref();
        let is_wanted = |&(n, &setting): &(usize, &TlsSetting)| {
            let is_known = self.unknown & (1 << n) == 0;
            is_known && setting.is_read_back() && tls.is_some_and(|tls| tls.has(setting))
        };
        let mut rest = TlsSetting::ALL.iter().enumerate().skip(n);
        match rest.find(is_wanted) {
            Some((n, _)) => {
                self.at = At::ReadBack(n);
                Secured::Command(tls::read(n))
            }
            None => Secured::Ready,
        }
    }
}
