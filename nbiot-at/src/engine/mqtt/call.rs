//! What is done with a connection that is open.

use super::ACKNOWLEDGED;
use crate::command::Command;
use crate::command::general::CHECK;
use crate::command::mqtt::{CLOSE, DISCONNECT, PUBLISH, READ, STATE, SUBSCRIBE, UNSUBSCRIBE};
use crate::engine::job::{Answer, Cause, Step, work};
use crate::engine::state::State;
use crate::error::Fault;
use crate::known::MqttPhase;
use crate::time::Instant;

/// Time to the result of a message without an identifier, with its prompt and its payload, ms.
const SENT: u32 = 65_000;
/// Attempts of a question that may have been damaged.
const ATTEMPTS: u8 = 2;
/// Time to `+QMTSTAT` behind a disconnect, ms; AT reference section 12.7.
const DISCONNECTED: u32 = 5_000;

/// What is done with an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The payload in the state's buffer, on the target's topic; its flags.
    Publish(u32),
    Subscribe(u32),
    Unsubscribe,
    Receive,
    Close,
}

/// One exchange with the broker, or with what waits in the module.
#[derive(Debug)]
pub(crate) struct MqttCall {
    what: What,
    until: Option<Instant>,
    is_last: bool,
    /// Of the message that is read.
    slot: Option<u8>,
    /// Whether the connection is still there is asked for.
    is_checking: bool,
    /// The module has taken the message.
    is_taken: bool,
    attempts: u8,
}

work!(MqttCall, abandon);

impl MqttCall {
    pub(crate) const fn new(what: What) -> Self {
        Self {
            what,
            until: None,
            is_last: false,
            slot: None,
            is_checking: false,
            is_taken: false,
            attempts: 0,
        }
    }

    /// What was being read may still be there.
    pub(crate) fn abandon<const N: usize>(&self, state: &mut State<N>) {
        if self
            .slot
            .is_some_and(|slot| state.known.mqtt.waits_again_at(slot))
        {
            state.pending.mqtt_message();
        }
        if self.what == What::Close {
            state.known.mqtt.is_stray = state.known.mqtt.phase != MqttPhase::Closed;
        }
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        let is_open = state.known.mqtt.phase == MqttPhase::Open;
        // Others of its kind cannot be told from a message without an identifier.
        let is_sure = state.known.heard.mqtt.is_some() && state.known.mqtt.message_id != 0;
        match (self.what, cause) {
            (What::Close, cause) => self.close(state, cause, now),
            (_, Cause::Begin) => self.begin(state, now),
            (_, Cause::Wake) if self.until.is_none() => self.begin(state, now),
            (_, Cause::Reply(Err(Fault::Silent))) => Step::failed(Fault::Silent),
            (What::Receive, Cause::Reply(result)) => self.received(state, result, now),
            // The broker was given a part, and the rest spoiled the question.
            (What::Publish(_), Cause::Reply(Err(_))) if self.is_taken => {
                Step::failed(Fault::TimedOut)
            }
            // The module does not know the connection any more.
            (_, Cause::Reply(Err(Fault::Refused | Fault::Cme(_)))) if !is_sure => {
                state.known.mqtt.doubt();
                Step::failed(Fault::Closed)
            }
            (_, Cause::Reply(Err(fault))) if !is_sure => {
                Step::failed(if is_open { fault } else { Fault::Closed })
            }
            // The broker may have been given zeros.
            (What::Publish(_), Cause::Reply(_)) if state.known.spoiled => {
                Step::failed(Fault::TimedOut)
            }
            (What::Publish(_), Cause::Reply(Ok(()))) if !self.is_taken => {
                self.is_taken = true;
                Step::command(&CHECK)
            }
            _ => self.result(state, now),
        }
    }

    /// A message without an identifier is sent once the result of the one before has come.
    fn begin<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        let mqtt = &mut state.known.mqtt;
        if mqtt.phase != MqttPhase::Open {
            return Step::failed(Fault::Closed);
        }
        let id = match self.what {
            // Nobody acknowledges it.
            What::Publish(flags) if flags & 3 == 0 => {
                if let Some(before) = mqtt.sending_until.filter(|before| now < *before) {
                    return Step::Wait(before);
                }
                mqtt.sending_until = Some(now.plus(SENT));
                0
            }
            _ => mqtt.next_id(),
        };
        let first = id.into();
        mqtt.message_id = id;
        match self.what {
            What::Publish(flags) => Step::Command(PUBLISH.with(first, flags)),
            What::Subscribe(qos) => Step::Command(SUBSCRIBE.with(first, qos)),
            What::Unsubscribe => Step::Command(UNSUBSCRIBE.with(first, 0)),
            What::Receive if mqtt.slots.is_empty() && mqtt.is_doubted => {
                self.is_checking = true;
                Step::command(&STATE)
            }
            What::Receive => {
                // The next may come to the same place as soon as it is read.
                self.slot = mqtt.slots.pop();
                match self.slot {
                    Some(slot) => Step::Command(READ.with(slot.into(), 0)),
                    None => Step::Done(Ok(Answer::Message(None))),
                }
            }
            What::Close => Step::failed(Fault::LogicBug),
        }
    }

    fn result<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        let until = *self.until.get_or_insert(now.plus(ACKNOWLEDGED));
        match (self.what, state.known.heard.mqtt) {
            (What::Subscribe(_), Some((0, Some(3..)))) => Step::failed(Fault::Refused),
            (_, Some((0, _))) => {
                state.known.failures = [0; 2];
                Step::Done(Ok(Answer::Done))
            }
            (_, Some((2, _))) => Step::failed(Fault::TimedOut),
            _ if state.known.mqtt.phase != MqttPhase::Open => Step::failed(Fault::Closed),
            _ if now >= until => Step::failed(Fault::TimedOut),
            _ => Step::Wait(until),
        }
    }

    fn received<const N: usize>(
        &mut self,
        state: &mut State<N>,
        result: Result<(), Fault>,
        now: Instant,
    ) -> Step {
        let heard = &state.known.heard;
        if self.is_checking {
            return self.checked(state, result, now);
        }
        match (result, heard.block, heard.size) {
            // The answer was lost, and the message may still be there.
            (Err(Fault::TimedOut), ..) => {
                self.abandon(state);
                Step::failed(Fault::TimedOut)
            }
            (Err(Fault::Malformed), ..) => Step::failed(Fault::Malformed),
            (Ok(()), Some(_), Some(topic)) => match usize::try_from(topic) {
                Ok(topic) => Step::Done(Ok(Answer::Message(Some(topic)))),
                Err(_) => Step::failed(Fault::LogicBug),
            },
            // It does not know the connection, or the question was damaged.
            (Err(Fault::Refused | Fault::Cme(_)), ..) => {
                if !state.known.mqtt.is_doubted {
                    state.known.mqtt.doubt_messages();
                }
                self.begin(state, now)
            }
            // Nothing was there: it is told of twice, or was looked for.
            _ => self.begin(state, now),
        }
    }

    /// Lines were missed, and one may have said that the connection is over.
    fn checked<const N: usize>(
        &mut self,
        state: &mut State<N>,
        result: Result<(), Fault>,
        now: Instant,
    ) -> Step {
        self.is_checking = false;
        match result {
            Ok(()) if state.known.heard.active => {
                state.known.mqtt.is_doubted = false;
                self.begin(state, now)
            }
            Err(Fault::Refused | Fault::Cme(_)) if self.attempts < ATTEMPTS => {
                self.attempts += 1;
                self.begin(state, now)
            }
            Ok(()) | Err(Fault::Refused | Fault::Cme(_)) => {
                state.known.mqtt.doubt();
                Step::failed(Fault::Closed)
            }
            Err(fault) => Step::failed(fault),
        }
    }

    fn close<const N: usize>(&mut self, state: &mut State<N>, cause: Cause, now: Instant) -> Step {
        let mqtt = &mut state.known.mqtt;
        match cause {
            Cause::Begin if mqtt.phase == MqttPhase::Open => {
                mqtt.phase = MqttPhase::Closing;
                Step::command(&DISCONNECT)
            }
            Cause::Reply(Err(Fault::Silent)) => {
                mqtt.doubt();
                Step::failed(Fault::Silent)
            }
            Cause::Reply(result) if self.is_last => {
                Step::Done(mqtt.closed(result).map(|()| Answer::Done))
            }
            Cause::Reply(Ok(())) | Cause::Wake => {
                let until = *self.until.get_or_insert(now.plus(DISCONNECTED));
                if mqtt.phase == MqttPhase::Closing && now < until {
                    return Step::Wait(until);
                }
                self.last()
            }
            Cause::Begin | Cause::Reply(Err(_)) => self.last(),
        }
    }

    /// Closing what is not open is no error.
    fn last(&mut self) -> Step {
        self.is_last = true;
        Step::Command(Command::from(&CLOSE))
    }
}
