//! Jobs that speak to an application of the SIM card, through the modem.

use crate::code::CmeError;
use crate::command::apdu::{
    CLOSE, CLOSE_CHANNEL, OPEN, OPEN_CHANNEL, SELECT, TO_APPLICATION, TO_CARD,
};
use crate::engine::job::{Answer, Cause, Step, work};
use crate::engine::state::State;
use crate::error::Fault;
use crate::esim::Aid;
use crate::esim::apdu::{ApduError, accept};
use crate::known::SimChannel;
use crate::time::Instant;

/// Pause before a busy card is asked again, ms, and how often; modem scenario K8.
const BUSY_PAUSE: u32 = 2_000;
const BUSY_TIMES: u8 = 3;
/// Sessions that an earlier program may have left open.
const STALE: u32 = 3;
/// Bytes of the longest application identifier.
const AID: usize = 16;

/// ```text
///   open       CCHC=1, 2, 3 ──► CCHO ── session ──► done
///                                └─ refused ──► CSIM MANAGE CHANNEL ──► CSIM SELECT ──► done
///                                    ▲              │ none free           └─ 6A82 ──► closed: no eUICC
///                                    └─ once ── CSIM, channels 1 to 3 closed
///   transmit   CGLA or CSIM ──► done
///   close      CCHC or CSIM MANAGE CHANNEL ──► done
/// ```
#[derive(Debug)]
pub(crate) struct Card {
    at: At,
    aid: heapless::Vec<u8, AID>,
    /// What is sent, if the card is busy and it has to be sent again.
    again: Option<Instant>,
    attempts: u8,
    /// Channels that an earlier program left open in the card have been closed.
    is_cleared: bool,
    /// Why the channel is closed again.
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Stale(u32),
    Open,
    Manage,
    Clear(u32),
    Select(u32),
    Transmit,
    Close,
}

work!(Card);

impl Card {
    pub(crate) fn open(aid: Aid<'_>) -> Self {
        Self {
            // An identifier is not longer.
            aid: heapless::Vec::from_slice(aid.bytes()).unwrap_or_default(),
            ..Self::new(At::Stale(1))
        }
    }

    /// Sends the payload in the state's buffer; the answer replaces it.
    pub(crate) const fn transmit() -> Self {
        Self::new(At::Transmit)
    }

    pub(crate) const fn close() -> Self {
        Self::new(At::Close)
    }

    const fn new(at: At) -> Self {
        Self {
            at,
            aid: heapless::Vec::new(),
            again: None,
            attempts: 0,
            is_cleared: false,
            fault: None,
        }
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        let result = match (cause, self.again) {
            (Cause::Wake, Some(at)) if now < at => return Step::Wait(at),
            (Cause::Begin | Cause::Wake, _) => return self.command(state),
            (Cause::Reply(Err(Fault::Silent)), _) => return Step::failed(Fault::Silent),
            (Cause::Reply(Err(Fault::Cme(CmeError::SimBusy))), _) if self.attempts < BUSY_TIMES => {
                self.attempts += 1;
                let at = now.plus(BUSY_PAUSE);
                self.again = Some(at);
                return Step::Wait(at);
            }
            (Cause::Reply(result), _) => result,
        };
        match (self.at, result) {
            (At::Stale(session), _) => {
                self.at = if session < STALE {
                    At::Stale(session + 1)
                } else {
                    At::Open
                };
                self.command(state)
            }
            (At::Open, Ok(())) => {
                state.known.channel = state.known.heard.handle.map(SimChannel::Session);
                Step::Done(Ok(Answer::Done))
            }
            (At::Open, Err(fault @ (Fault::TimedOut | Fault::Malformed))) => Step::failed(fault),
            (At::Open, Err(Fault::Cme(CmeError::SimNotInserted))) => {
                Step::failed(Fault::SimMissing)
            }
            // Whether it does not know the command or the application: the card will tell.
            (At::Open, Err(_)) => self.go(state, At::Manage),
            (At::Manage, Ok(())) => match accept(&state.known.payload) {
                Ok(&[channel @ 1..=3]) => self.go(state, At::Select(channel.into())),
                Ok(_) => Step::failed(Fault::Malformed),
                Err(ApduError::Status(_) | ApduError::Refused(_)) if !self.is_cleared => {
                    self.is_cleared = true;
                    self.go(state, At::Clear(1))
                }
                Err(error) => Step::failed(told(error)),
            },
            (At::Clear(channel), _) if channel < STALE => self.go(state, At::Clear(channel + 1)),
            (At::Clear(_), _) => self.go(state, At::Manage),
            (At::Manage, Err(Fault::Refused | Fault::Cme(_))) => Step::failed(Fault::NotSupported),
            (At::Select(channel), result) => {
                state.known.channel = Some(SimChannel::Channel(channel));
                let selected = result.and_then(|()| accept(&state.known.payload).map_err(told));
                match selected {
                    Ok(_) => Step::Done(Ok(Answer::Done)),
                    Err(fault) => {
                        self.fault = Some(fault);
                        self.go(state, At::Close)
                    }
                }
            }
            (At::Transmit, Ok(())) => Step::Done(Ok(Answer::Count(state.known.payload.len()))),
            // It may be open still.
            (At::Close, Err(fault @ (Fault::TimedOut | Fault::Malformed))) => {
                Step::failed(self.fault.unwrap_or(fault))
            }
            (At::Close, _) => {
                state.known.channel = None;
                Step::Done(self.fault.map_or(Ok(Answer::Done), Err))
            }
            (_, Err(fault)) => Step::failed(fault),
        }
    }

    fn go<const N: usize>(&mut self, state: &mut State<N>, at: At) -> Step {
        self.at = at;
        self.attempts = 0;
        self.command(state)
    }

    fn command<const N: usize>(&mut self, state: &mut State<N>) -> Step {
        self.again = None;
        let channel = state.known.channel;
        match (self.at, channel) {
            (At::Stale(session), _) => Step::Command(CLOSE.with(session, 0)),
            (At::Open, _) => match state.known.load(&self.aid) {
                Ok(()) => Step::command(&OPEN),
                Err(fault) => Step::failed(fault),
            },
            (At::Manage, _) => Step::command(&OPEN_CHANNEL),
            (At::Clear(channel), _) => Step::Command(CLOSE_CHANNEL.with(channel, 0)),
            (At::Select(channel), _) => match state.known.load(&self.aid) {
                Ok(()) => Step::Command(SELECT.with(channel, 0)),
                Err(fault) => Step::failed(fault),
            },
            (At::Transmit, Some(SimChannel::Session(session))) => {
                Step::Command(TO_APPLICATION.with(session, 0))
            }
            (At::Transmit, Some(SimChannel::Channel(_))) => Step::command(&TO_CARD),
            (At::Close, Some(SimChannel::Session(session))) => {
                Step::Command(CLOSE.with(session, 0))
            }
            (At::Close, Some(SimChannel::Channel(channel))) => {
                Step::Command(CLOSE_CHANNEL.with(channel, 0))
            }
            (At::Transmit, None) => Step::failed(Fault::NotStarted),
            (At::Close, None) => Step::Done(Ok(Answer::Done)),
        }
    }
}

/// The refusal of a card as a fault.
pub(crate) const fn told(error: ApduError) -> Fault {
    match error {
        ApduError::NoEuicc => Fault::NoEuicc,
        ApduError::Refused(status) | ApduError::Status(status) => Fault::CardStatus(status),
        ApduError::Buffer(_) | ApduError::RequestLength => Fault::InvalidParameter,
        _ => Fault::Malformed,
    }
}
