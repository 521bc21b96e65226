//! Jobs of the module's MQTT client.

use crate::code::{MqttOpenError, MqttRefusal};
use crate::command::general::CHECK;
use crate::command::mqtt::{
    CLOSE, CONNECT, DISCONNECT, KEEP_ALIVE, LINES, OPEN, PUBLISH, READ, RECEIVE_MODE,
    RECEIVE_MODE_STATE, SESSION, STATE, SUBSCRIBE, Slots, TRANSPORT, TRANSPORT_STATE, UNSUBSCRIBE,
    VERSION,
};
use crate::command::socket::Transport;
use crate::command::{Command, Spec};
use crate::config::Config;
use crate::engine::job::{Answer, Cause, Job, Step, Task, work};
use crate::engine::secure::{Secure, Secured};
use crate::engine::state::State;
use crate::error::Fault;
use crate::known::{CHUNK, MqttPhase, MqttTarget};
use crate::mqtt::{Qos, Session};
use crate::text::Text;
use crate::time::Instant;

/// Time to the line of `AT+QMTOPEN`, which a BG95 gives the time of the network, ms.
const OPEN_TIME: u32 = 150_000;
/// Time to that of the others: five seconds for a packet, sent at most four times, and some; ms.
const ACKNOWLEDGED: u32 = 25_000;
/// Time to the result of a message without an identifier, with its prompt and its payload, ms.
const SENT: u32 = 65_000;
/// Attempts of a question that may have been damaged.
const ATTEMPTS: u8 = 2;
/// Time to `+QMTSTAT` behind a disconnect, ms; AT reference section 12.7.
const DISCONNECTED: u32 = 5_000;

/// In order. What must hold is read back where a lost byte would go unseen and matter.
const SETTINGS: [&Spec; 7] = [
    &VERSION,
    &TRANSPORT,
    &TRANSPORT_STATE,
    &KEEP_ALIVE,
    &SESSION,
    &RECEIVE_MODE,
    &RECEIVE_MODE_STATE,
];
const TRANSPORT_READ: usize = 2;
const RECEIVE: usize = 5;
const RECEIVE_READ: usize = 6;

/// ```text
///   (TLS) Secure ──► QMTCFG ──► QMTOPEN ──► +QMTOPEN: 0,0 ──► QMTCONN ──► +QMTCONN: 0,0,0 ──► done
///                      ▲                       │ 0,2, once                  │ anything else
///                      └── QMTCLOSE ◄──────────┘                            ▼
///                                             anything else ──────────► QMTCLOSE ──► failed
/// ```
#[derive(Debug)]
pub(crate) struct MqttOpen {
    at: At,
    secure: Option<Secure>,
    until: Instant,
    /// What another program left open may be closed.
    again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Clearing,
    Securing,
    Setting(usize),
    Opening,
    Connecting,
    Closing(Fault),
}

work!(MqttOpen, abandon);

impl MqttOpen {
    /// Connects to the target; the credentials are in the state's buffer.
    pub(crate) fn new(config: &Config, is_tls: bool, is_open: bool, now: Instant) -> Self {
        Self {
            at: if is_open { At::Clearing } else { At::Securing },
            secure: is_tls.then(|| Secure::new(config.tls.as_ref())),
            until: now,
            again: true,
        }
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        let Cause::Reply(result) = cause else {
            return match self.at {
                At::Clearing => Step::command(&CLOSE),
                At::Securing => self.begin(state),
                _ => self.results(state, now),
            };
        };
        if result == Err(Fault::Silent) {
            state.known.mqtt.doubt();
            return Step::failed(Fault::Silent);
        }
        match (self.at, result) {
            (At::Clearing, result) => {
                let _ = state.known.mqtt.closed(result);
                self.begin(state)
            }
            (At::Securing, result) => match &mut self.secure {
                Some(secure) => {
                    let secured = secure.reply(state, result);
                    self.secured(secured)
                }
                None => Step::failed(Fault::LogicBug),
            },
            (At::Setting(n), result) => self.set(state, n, result, now),
            (At::Closing(fault), result) => {
                let _ = state.known.mqtt.closed(result);
                Step::failed(fault)
            }
            (At::Opening | At::Connecting, Err(fault)) if state.known.heard.mqtt.is_none() => {
                self.close(fault)
            }
            (At::Opening | At::Connecting, _) => self.results(state, now),
        }
    }

    /// What has been opened is closed by the engine.
    pub(crate) fn abandon<const N: usize>(&self, state: &mut State<N>) {
        let mqtt = &mut state.known.mqtt;
        if matches!(mqtt.phase, MqttPhase::Opening | MqttPhase::Open) {
            mqtt.doubt();
            mqtt.is_stray = true;
        }
    }

    fn begin<const N: usize>(&mut self, state: &State<N>) -> Step {
        self.at = At::Securing;
        match &mut self.secure {
            Some(secure) => {
                let secured = secure.begin(state);
                self.secured(secured)
            }
            None => self.go(At::Setting(0), &VERSION),
        }
    }

    fn secured(&mut self, secured: Secured) -> Step {
        match secured {
            Secured::Command(command) => Step::Command(command),
            Secured::Ready => self.go(At::Setting(0), &VERSION),
            Secured::Failed(fault) => Step::failed(fault),
        }
    }

    fn go(&mut self, at: At, command: &'static Spec) -> Step {
        self.at = at;
        Step::command(command)
    }

    /// Goes on from the reply to a setting.
    fn set<const N: usize>(
        &mut self,
        state: &mut State<N>,
        n: usize,
        result: Result<(), Fault>,
        now: Instant,
    ) -> Step {
        let is_set = result.is_ok() && state.known.heard.is_set;
        match (n, result) {
            // Without it messages cannot be told from each other, but they can be sent.
            (RECEIVE, Err(Fault::Refused | Fault::Cme(_))) => {
                state.known.mqtt.can_receive = false;
                return self.open(state, now);
            }
            (RECEIVE_READ, _) => {
                state.known.mqtt.can_receive = is_set;
                return self.open(state, now);
            }
            (TRANSPORT_READ, _) if !is_set => return Step::failed(Fault::NotSupported),
            (_, Err(fault)) => return Step::failed(fault),
            (_, Ok(())) => {}
        }
        match SETTINGS.get(n + 1) {
            Some(&next) => self.go(At::Setting(n + 1), next),
            None => self.open(state, now),
        }
    }

    fn open<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        state.known.mqtt.phase = MqttPhase::Opening;
        state.known.mqtt.lines = Some(&LINES);
        self.until = now.plus(OPEN_TIME);
        self.go(At::Opening, &OPEN)
    }

    /// Looks at what has come.
    fn results<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        let is_over = state.known.mqtt.phase == MqttPhase::Closed;
        match (self.at, state.known.heard.mqtt) {
            (At::Opening, Some((0, _))) => {
                self.until = now.plus(ACKNOWLEDGED);
                // What waits from here on is its own.
                state.known.mqtt.slots = Slots::NONE;
                self.go(At::Connecting, &CONNECT)
            }
            // An earlier program has left it open.
            (At::Opening, Some((2, _))) if self.again => {
                self.again = false;
                self.go(At::Clearing, &CLOSE)
            }
            (At::Opening, Some((code, _))) => {
                // The one that is below zero is its only one.
                let code = u16::try_from(code).unwrap_or(u16::MAX);
                self.close(Fault::MqttOpen(MqttOpenError::from_code(code)))
            }
            (At::Connecting, Some((0, Some(0)))) if !is_over => {
                state.known.mqtt.phase = MqttPhase::Open;
                state.pending.mqtt_opened();
                if !state.known.mqtt.slots.is_empty() {
                    state.pending.mqtt_message();
                }
                Step::Done(Ok(Answer::Done))
            }
            (At::Connecting, Some((0 | 2, Some(code @ 1..)))) => {
                self.close(Fault::MqttRefused(MqttRefusal::from_code(code)))
            }
            (At::Connecting, Some((2, _))) => self.close(Fault::TimedOut),
            _ if is_over => self.close(Fault::Closed),
            _ if now >= self.until => self.close(Fault::TimedOut),
            // Sent again, says the modem.
            _ => Step::Wait(self.until),
        }
    }

    fn close(&mut self, fault: Fault) -> Step {
        self.go(At::Closing(fault), &CLOSE)
    }
}

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
                if now < mqtt.sending_until {
                    return Step::Wait(mqtt.sending_until);
                }
                mqtt.sending_until = now.plus(SENT);
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
            (_, Some((0, _))) => Step::Done(Ok(Answer::Done)),
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

/// Its requests.
impl<const N: usize> State<N> {
    pub(crate) fn mqtt_connect(
        &mut self,
        session: &Session<'_>,
        now: Instant,
    ) -> Result<Task<N>, Fault> {
        /// Of client identifier, user name and password: they fit a line.
        const LONGEST: usize = 150;
        let parts = [session.client, session.user, session.password];
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let is_printable = |part: &&str| Text::<LONGEST>::parameter(part).is_some();
        let is_valid = parts.iter().all(is_printable)
            && length <= LONGEST
            && !session.client.is_empty()
            && (session.password.is_empty() || !session.user.is_empty())
            && session.keep_alive.as_secs() <= 3_600;
        let host = Text::parameter(session.host).filter(|_| is_valid);
        let host = host.ok_or(Fault::InvalidParameter)?;
        let is_tls = match session.transport {
            Transport::Tcp => false,
            Transport::Tls if self.known.config.tls.is_some() => true,
            _ => return Err(Fault::InvalidParameter),
        };
        self.ready()?;
        (self.known.target.host, self.known.target.port) = (host, session.port);
        self.known.target.mqtt = MqttTarget {
            is_tls,
            is_clean: session.is_clean,
            keep_alive: u16::try_from(session.keep_alive.as_secs()).unwrap_or(0),
        };
        self.known.load(&[])?;
        let buffer = &mut self.known.payload;
        for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
            buffer.push(byte).map_err(|_| Fault::LogicBug)?;
        }
        let is_open = self.known.mqtt.phase != MqttPhase::Closed;
        let open = MqttOpen::new(&self.known.config, is_tls, is_open, now);
        Ok(Task::new(open, Job::MqttOpen))
    }

    pub(crate) fn mqtt_publish(
        &mut self,
        topic: &str,
        data: &[u8],
        qos: Qos,
        retain: bool,
    ) -> Result<Task<N>, Fault> {
        if data.is_empty() || data.len() > CHUNK {
            return Err(Fault::InvalidParameter);
        }
        let flags = qos.number() | u32::from(retain) << 2;
        let task = self.mqtt_topic(topic, What::Publish(flags))?;
        self.known.load(data)?;
        Ok(task)
    }

    pub(crate) fn mqtt_topic(&mut self, topic: &str, what: What) -> Result<Task<N>, Fault> {
        let topic = Text::parameter(topic).filter(|topic| !topic.as_str().is_empty());
        let topic = topic.ok_or(Fault::InvalidParameter)?;
        self.mqtt_is_open()?;
        if matches!(what, What::Subscribe(_)) && !self.known.mqtt.can_receive {
            return Err(Fault::NotSupported);
        }
        self.known.target.host = topic;
        Ok(Self::mqtt_call(what))
    }

    pub(crate) fn mqtt_receive(&mut self) -> Result<Task<N>, Fault> {
        self.mqtt_is_open()?;
        Ok(Self::mqtt_call(What::Receive))
    }

    pub(crate) fn mqtt_call(what: What) -> Task<N> {
        Task::new(MqttCall::new(what), Job::MqttCall)
    }

    fn mqtt_is_open(&self) -> Result<(), Fault> {
        self.ready()?;
        let is_open = self.known.mqtt.phase == MqttPhase::Open;
        is_open.then_some(()).ok_or(Fault::Closed)
    }
}
