//! The gate: what becomes of a message that says it is a command.
//!
//! It has no clock, no flash and no random source: the caller brings the time and a random number,
//! and makes each [`Change`] durable before it takes the next step. [`Store`](super::Store) does.

use meter_core::units::UtcSeconds;

use super::cose::{self, CoseError, Envelope};
use super::decide::Decision;
use super::state::{
    Change, Kept, KeyRing, Pair, Part, PerRole, ReplayState, Short, State, Waiting,
};
use super::step::{Accepted, Answer, Authentic, Ticket};
use super::{Command, Key, KeyId, MAX_COMMAND, MAX_WAITING, Outcome, Response, Role};
use crate::payload::EncodeError;
use crate::topic::{Channel, MeterId, Topic};

/// What the caller knows that the gate does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Now {
    /// The time, once the clock is set.
    pub clock: Option<UtcSeconds>,
    /// Any number, evenly distributed and not known outside this meter before: it spreads the
    /// switch off of many meters over time.
    pub random: u32,
}

/// What a meter insists on, whatever a command says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Policy {
    /// A switch off at a given time is spread over at least so many seconds.
    pub least_spread: u32,
}

impl Default for Policy {
    /// A quarter of an hour.
    fn default() -> Self {
        Self { least_spread: 900 }
    }
}

/// Why a message is as if it had not come. Count it, and raise an event, at a bounded rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// Longer than [`MAX_COMMAND`], or than the caller's buffer.
    TooLong,
    /// Neither of the two envelopes.
    Shape,
    /// No key of this name.
    UnknownKey,
    /// The tag is wrong: forged, damaged, or meant for another topic or meter.
    Forged,
    /// Authentic, and no command: the head-end is wrong.
    Malformed,
}

/// What becomes of a message.
#[derive(Debug)]
pub enum Verdict<'b> {
    /// Nothing: not even an answer.
    Ignore(Reason),
    /// An answer, without anything being done.
    Answer(Answer),
    /// A new command: take its [`Gate::step`]s.
    Accept(Accepted<'b>),
}

/// Judges what comes as commands of one meter.
///
/// ```text
///              length, shape, key, tag          counter
/// message ──► authentic? ─────────────► above the stored one? ──► in time, allowed, in range?
///              │ no                       │ the same: stored answer        │ always
///              ▼                          │ below: replayed                ▼
///            Ignore                       ▼                        Store the counter, then
///                                       Answer               Run │ wait │ new key │ answer
/// ```
#[derive(Debug)]
pub struct Gate {
    pub(super) meter: MeterId,
    pub(super) policy: Policy,
    pub(super) keys: KeyRing,
    seen: PerRole<Option<ReplayState>>,
    /// What flash has seen under this role is older.
    behind: PerRole<bool>,
    pub(super) waiting: [Option<Waiting>; MAX_WAITING],
}

impl Gate {
    /// A gate without keys: it lets nothing through. Tell it what was stored by
    /// [`stored`](Self::stored), and then call [`settle`](Self::settle).
    #[must_use]
    pub fn new(meter: MeterId, policy: Policy) -> Self {
        Self {
            meter,
            policy,
            keys: KeyRing::default(),
            seen: PerRole::default(),
            behind: PerRole::default(),
            waiting: [None; MAX_WAITING],
        }
    }

    /// Whether there is any key.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        let mut roles = Role::ALL.into_iter();
        roles.any(|role| self.keys.of(role).newest().is_some())
    }

    /// Puts in a key where the meter is made or repaired, in place of those of its role: make the
    /// changes durable in their order, and tell [`stored`](Self::stored) of each. What waits under
    /// the role is refused with it. The key must never have been in a meter: its counter begins
    /// at 0.
    ///
    /// `None` when the generation is not above those that the meter knows of this role. After a
    /// power cut between the changes, the same key is put in once more.
    #[must_use]
    pub fn provision(&self, id: KeyId, key: Key) -> Option<impl Iterator<Item = Change> + use<>> {
        let newest = self.keys.of(id.role).newest();
        // What was never used and has no key is of one that was about to be put in.
        let used = self.seen(id.role).filter(|seen| seen.counter > 0);
        let newest = newest.max(used.map(|seen| seen.generation));
        if newest.is_some_and(|newest| id.generation <= newest) {
            return None;
        }
        let mut keys = self.keys.clone();
        *keys.of_mut(id.role) = Pair {
            current: Some((id.generation, key)),
            next: None,
        };
        let refused = (0..).zip(self.waiting).filter_map(move |(place, slot)| {
            let waits =
                |waiting: &Waiting| waiting.id.role == id.role && waiting.state != State::Ended;
            let refused = Kept::new(Outcome::Refused, None);
            Some(Part::Waiting(place, slot.filter(waits)?.ended(refused)))
        });
        let fresh = [
            Part::Replay(id.role, ReplayState::fresh(id.generation)),
            Part::Keys(keys),
        ];
        Some(refused.chain(fresh).map(Change))
    }

    /// Judges a message that came on the meter's command topic. A secret payload is decrypted into
    /// `buffer`; [`MAX_COMMAND`] bytes suffice.
    ///
    /// Nothing changes by this alone. The buffer then holds what was secret, a new key perhaps:
    /// overwrite it after use.
    #[must_use]
    pub fn judge<'b>(&self, message: &'b [u8], buffer: &'b mut [u8], now: Now) -> Verdict<'b> {
        let authentic = match self.authenticate(message, buffer) {
            Ok(authentic) => authentic,
            Err(reason) => return Verdict::Ignore(reason),
        };
        if authentic.command.counter <= self.counter(authentic.id) {
            return Verdict::Answer(authentic.answer(self.kept(&authentic), None));
        }
        let id = authentic.id;
        Verdict::Accept(Accepted {
            decision: self.decide(&authentic, now),
            authentic,
            clock: now.clock,
            is_promotion: self.keys.of(id.role).is_next(id.generation),
            taken: 0,
        })
    }

    /// A change is in flash. At a start, so is everything that was stored, in ascending order of
    /// the items.
    pub fn stored(&mut self, change: Change) {
        match change.0 {
            Part::Keys(keys) => self.keys = keys,
            Part::Replay(role, seen) => {
                self.keys.of_mut(role).promote(seen.generation);
                self.set_seen(role, seen, false);
            }
            Part::Waiting(place, waiting) => {
                if let Some(slot) = self.waiting.get_mut(place) {
                    *slot = Some(waiting);
                    self.catch_up(&waiting);
                }
            }
        }
    }

    /// Ends the loading of what was stored: puts right what a power cut left half done, and closes
    /// what cannot be trusted. `true` when a key was closed, because its counter is lost: nothing
    /// is accepted under it until it is replaced.
    pub fn settle(&mut self) -> bool {
        let mut is_closed = false;
        for role in Role::ALL {
            let seen = self.seen(role);
            let pair = self.keys.of_mut(role);
            if let Some(seen) = seen {
                pair.promote(seen.generation);
            }
            if let Some((generation, _)) = pair.current
                && seen.is_none_or(|seen| seen.generation != generation)
            {
                self.set_seen(role, ReplayState::closed(generation), false);
                is_closed = true;
            }
        }
        is_closed
    }

    /// A change that was not made durable with the one it belongs to, because power or the flash
    /// failed in between: store it before anything else, and ask again.
    #[must_use]
    pub fn overdue(&self) -> Option<Change> {
        let mut roles = Role::ALL.into_iter();
        let role = roles.find(|role| *self.behind.of(*role))?;
        Some(Change(Part::Replay(role, self.seen(role)?)))
    }

    /// A command that waits is stored before its counter is: the counter is used up with it.
    fn catch_up(&mut self, waiting: &Waiting) {
        let KeyId { role, generation } = waiting.id;
        let pair = self.keys.of_mut(role);
        let is_first = pair.is_next(generation);
        pair.promote(generation);
        let is_newer = self
            .seen(role)
            .is_some_and(|seen| seen.generation == generation && seen.counter < waiting.counter);
        if is_first || is_newer {
            let seen = ReplayState {
                generation,
                counter: waiting.counter,
                tag: waiting.tag,
                kept: waiting.kept,
            };
            self.set_seen(role, seen, true);
        }
    }

    /// When [`due`](Self::due) is to be asked again at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<UtcSeconds> {
        let waiting = self.waiting.iter().flatten();
        waiting
            .filter_map(|waiting| match waiting.state {
                State::Unconfirmed => Some(after(waiting.not_after)),
                State::Due(time) => Some(time),
                State::Ended => None,
            })
            .min()
    }

    /// A command whose time has come, or is over: take its [`step`](Self::step)s, and ask again.
    /// Its arguments are put into `buffer`; [`MAX_BODY`](super::MAX_BODY) bytes suffice.
    #[must_use]
    pub fn due<'b>(&self, clock: UtcSeconds, buffer: &'b mut [u8]) -> Option<Accepted<'b>> {
        let (place, waiting) = self.waiting.iter().enumerate().find_map(|(place, slot)| {
            let waiting = slot.as_ref()?;
            let is_over = clock > waiting.not_after && waiting.state != State::Ended;
            let is_due = matches!(waiting.state, State::Due(time) if time <= clock);
            (is_over || is_due).then_some((place, waiting))
        })?;
        let from = waiting.arguments.as_bytes();
        let arguments = buffer.get_mut(..from.len())?;
        arguments.copy_from_slice(from);
        let command = Command {
            counter: waiting.counter,
            not_after: waiting.not_after,
            operation: waiting.operation,
            arguments: Some(&*arguments).filter(|bytes| !bytes.is_empty()),
            run_at: match waiting.state {
                State::Due(time) => Some(time),
                _ => None,
            },
        };
        Some(Accepted {
            authentic: Authentic {
                id: waiting.id,
                form: waiting.form,
                tag: waiting.tag,
                command,
            },
            decision: if clock > waiting.not_after {
                Decision::Lapse(place)
            } else {
                Decision::Due(place)
            },
            clock: Some(clock),
            is_promotion: false,
            taken: 0,
        })
    }

    /// A command was run: its answer, and the change that keeps it. Make the change durable, tell
    /// [`stored`](Self::stored), and then send the answer. There is no change when a later command
    /// has taken this one's place already.
    ///
    /// # Errors
    /// [`EncodeError::Count`]: the body is longer than [`MAX_BODY`](super::MAX_BODY) bytes.
    pub fn finish(
        &self,
        ticket: Ticket,
        response: &Response<'_>,
    ) -> Result<(Option<Change>, Answer), EncodeError> {
        let kept = Kept {
            outcome: response.outcome,
            time: response.time,
            body: Short::new(response.body.unwrap_or_default()).ok_or(EncodeError::Count)?,
        };
        let answer = Answer {
            id: ticket.id,
            form: ticket.form,
            counter: ticket.counter,
            kept,
            operation: Some(ticket.operation),
        };
        let part = match ticket.place {
            Some(place) => self
                .place(place)
                .filter(|waiting| (waiting.id, waiting.counter) == (ticket.id, ticket.counter))
                .map(|waiting| Part::Waiting(place, waiting.ended(kept))),
            None => self
                .seen(ticket.id.role)
                .filter(|seen| {
                    (seen.generation, seen.counter) == (ticket.id.generation, ticket.counter)
                })
                .map(|seen| Part::Replay(ticket.id.role, ReplayState { kept, ..seen })),
        };
        Ok((part.map(Change), answer))
    }

    /// Seals an answer for the meter's answer topic and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 160 bytes always suffice. [`EncodeError::Count`]: there is
    /// no key any more.
    pub fn seal(&self, answer: &Answer, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let mut payload = [0; super::MAX_BODY + 28];
        let length = answer.response().encode(&mut payload)?;
        let payload = payload.get(..length).ok_or(EncodeError::BufferTooSmall)?;
        let pair = self.keys.of(answer.id.role);
        let (id, key) = match (self.keys.key(answer.id), &pair.current) {
            (Some(key), _) => (answer.id, key),
            // A command that waited is older than the key.
            (None, Some((generation, key))) => {
                let generation = *generation;
                let role = answer.id.role;
                (KeyId { role, generation }, key)
            }
            (None, None) => return Err(EncodeError::Count),
        };
        let topic = Topic::new(self.meter, Channel::Answer);
        cose::seal(answer.form, key, id, topic, payload, buffer)
    }

    fn authenticate<'b>(
        &self,
        message: &'b [u8],
        buffer: &'b mut [u8],
    ) -> Result<Authentic<'b>, Reason> {
        if message.len() > MAX_COMMAND {
            return Err(Reason::TooLong);
        }
        let envelope = Envelope::parse(message).map_err(|_| Reason::Shape)?;
        let id = envelope.key_id().ok_or(Reason::UnknownKey)?;
        let key = self.keys.key(id).ok_or(Reason::UnknownKey)?;
        let topic = Topic::new(self.meter, Channel::Command);
        let payload = match envelope.open(key, topic, buffer) {
            Ok(payload) => payload,
            Err(CoseError::BufferTooSmall) => return Err(Reason::TooLong),
            Err(_) => return Err(Reason::Forged),
        };
        Ok(Authentic {
            id,
            form: envelope.form(),
            tag: envelope.tag(),
            command: Command::decode(payload).map_err(|_| Reason::Malformed)?,
        })
    }

    /// The highest counter that was used under a key. Only one that was never used has none: where
    /// that is lost, the key is closed.
    fn counter(&self, id: KeyId) -> u64 {
        match self.seen(id.role) {
            Some(seen) if seen.generation == id.generation => seen.counter,
            _ if self.keys.of(id.role).is_next(id.generation) => 0,
            _ => u64::MAX,
        }
    }

    /// The answer to a message whose counter is used up.
    fn kept(&self, authentic: &Authentic<'_>) -> Kept {
        let mut waiting = self.waiting.iter().flatten();
        if let Some(waiting) = waiting.find(|waiting| authentic.is(waiting)) {
            return waiting.kept;
        }
        let this = (authentic.command.counter, authentic.tag);
        self.seen(authentic.id.role)
            .filter(|seen| seen.generation == authentic.id.generation)
            .filter(|seen| (seen.counter, seen.tag) == this)
            .map_or(Kept::new(Outcome::Replayed, None), |seen| seen.kept)
    }

    pub(super) fn place(&self, place: usize) -> Option<Waiting> {
        self.waiting.get(place).copied().flatten()
    }

    pub(super) fn seen(&self, role: Role) -> Option<ReplayState> {
        *self.seen.of(role)
    }

    fn set_seen(&mut self, role: Role, seen: ReplayState, is_behind: bool) {
        *self.seen.of_mut(role) = Some(seen);
        *self.behind.of_mut(role) = is_behind;
    }
}

const fn after(time: UtcSeconds) -> UtcSeconds {
    UtcSeconds::new(time.get().saturating_add(1))
}
