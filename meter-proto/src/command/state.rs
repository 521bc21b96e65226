//! What the gate knows and flash keeps: keys, counters with their answers, commands that wait.

use meter_core::units::UtcSeconds;
use minicbor::Decoder;

use super::cose::TAG;
use super::{Form, Key, KeyId, MAX_BODY, Operation, Outcome, Role, RotateKey};
use crate::payload::cbor::{self, Writer, Written, items};
use crate::payload::{DecodeError, EncodeError};

/// How many commands wait for their time at once.
pub const MAX_WAITING: usize = 4;
/// The longest encoding of a [`Change`], in bytes.
pub const MAX_CHANGE: usize = 256;

const ITEM_KEYS: u8 = 1;
const ITEM_REPLAY: u8 = 1;
const ITEM_WAITING: u8 = 4;

/// A few bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short {
    bytes: [u8; MAX_BODY],
    length: usize,
}

impl Short {
    pub(super) const EMPTY: Self = Self {
        bytes: [0; MAX_BODY],
        length: 0,
    };

    /// `None` when there are more than fit.
    pub(super) fn new(from: &[u8]) -> Option<Self> {
        let mut short = Self::EMPTY;
        short.bytes.get_mut(..from.len())?.copy_from_slice(from);
        short.length = from.len();
        Some(short)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// `None` when it is empty: no CBOR item is.
    pub(super) fn item(&self) -> Option<&[u8]> {
        Some(self.as_bytes()).filter(|bytes| !bytes.is_empty())
    }
}

/// An answer as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) outcome: Outcome,
    pub(super) time: Option<UtcSeconds>,
    pub(super) body: Short,
}

impl Kept {
    pub(super) const fn new(outcome: Outcome, time: Option<UtcSeconds>) -> Self {
        Self {
            outcome,
            time,
            body: Short::EMPTY,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Written {
        writer.u8(self.outcome.number())?;
        match self.time {
            Some(time) => writer.u64(time.get())?,
            None => writer.null()?,
        };
        writer.bytes(self.body.as_bytes())?;
        Ok(())
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let outcome = Outcome::from_number(decoder.u64()?).ok_or(DecodeError::Malformed)?;
        let time = decoder.decode::<Option<u64>>()?.map(UtcSeconds::new);
        let body = short(decoder)?;
        Ok(Self {
            outcome,
            time,
            body,
        })
    }
}

/// The last command under one key, and its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplayState {
    pub(super) generation: u8,
    pub(super) counter: u64,
    /// Of the message with this counter: another one with the same counter is not this command.
    pub(super) tag: [u8; TAG],
    pub(super) kept: Kept,
}

impl ReplayState {
    /// Before the first command under a key.
    pub(super) const fn fresh(generation: u8) -> Self {
        Self {
            generation,
            counter: 0,
            tag: [0; TAG],
            kept: Kept::new(Outcome::Replayed, None),
        }
    }

    /// The counter is not known any more: no command is new under this key.
    pub(super) const fn closed(generation: u8) -> Self {
        Self {
            counter: u64::MAX,
            ..Self::fresh(generation)
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Written {
        writer.array(6)?.u8(self.generation)?.u64(self.counter)?;
        writer.bytes(&self.tag)?;
        self.kept.write(writer)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        items(decoder, 6)?;
        Ok(Self {
            generation: decoder.u8()?,
            counter: decoder.u64()?,
            tag: tag(decoder)?,
            kept: Kept::read(decoder)?,
        })
    }
}

/// Where a command that waits has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Until somebody else says so too.
    Unconfirmed,
    /// Until then.
    Due(UtcSeconds),
    /// No more: run, replaced, or too late. Its answer is kept.
    Ended,
}

/// A command that waits, or has waited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) id: KeyId,
    pub(super) counter: u64,
    pub(super) tag: [u8; TAG],
    pub(super) form: Form,
    pub(super) operation: Operation,
    pub(super) arguments: Short,
    pub(super) not_after: UtcSeconds,
    pub(super) state: State,
    pub(super) kept: Kept,
}

impl Waiting {
    /// The same, at its end.
    pub(super) const fn ended(self, kept: Kept) -> Self {
        Self {
            state: State::Ended,
            kept,
            ..self
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Written {
        let [role, generation] = self.id.to_bytes();
        writer.array(13)?.u8(role)?.u8(generation)?;
        writer.u64(self.counter)?.bytes(&self.tag)?;
        writer.bool(self.form == Form::Encrypt0)?;
        writer.u64(self.operation.number())?;
        writer.bytes(self.arguments.as_bytes())?;
        writer.u64(self.not_after.get())?;
        let (state, due) = match self.state {
            State::Unconfirmed => (0, 0),
            State::Due(time) => (1, time.get()),
            State::Ended => (2, 0),
        };
        writer.u8(state)?.u64(due)?;
        self.kept.write(writer)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        items(decoder, 13)?;
        let kid = [decoder.u8()?, decoder.u8()?];
        Ok(Self {
            id: KeyId::from_bytes(kid).ok_or(DecodeError::Malformed)?,
            counter: decoder.u64()?,
            tag: tag(decoder)?,
            form: if decoder.bool()? {
                Form::Encrypt0
            } else {
                Form::Mac0
            },
            operation: Operation::from_number(decoder.u64()?),
            arguments: short(decoder)?,
            not_after: UtcSeconds::new(decoder.u64()?),
            state: match (decoder.u8()?, UtcSeconds::new(decoder.u64()?)) {
                (0, _) => State::Unconfirmed,
                (1, time) => State::Due(time),
                _ => State::Ended,
            },
            kept: Kept::read(decoder)?,
        })
    }
}

/// A key and its generation.
pub(super) type Named = (u8, Key);

/// The keys of one role.
#[derive(Clone, Debug, Default)]
pub(super) struct Pair {
    pub(super) current: Option<Named>,
    /// Delivered, and not used yet. With its first use it is the current one.
    pub(super) next: Option<Named>,
}

impl Pair {
    fn both(&self) -> impl Iterator<Item = &Named> {
        self.current.iter().chain(&self.next)
    }

    pub(super) fn is_next(&self, generation: u8) -> bool {
        matches!(&self.next, Some((next, _)) if *next == generation)
    }

    /// The next key takes the place of the current one, if it is of this generation.
    pub(super) fn promote(&mut self, generation: u8) {
        if self.is_next(generation) {
            self.current = self.next.take();
        }
    }

    pub(super) fn newest(&self) -> Option<u8> {
        self.both().map(|(generation, _)| *generation).max()
    }
}

/// One value for each role.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PerRole<T> {
    operations: T,
    maintenance: T,
}

impl<T> PerRole<T> {
    pub(super) const fn of(&self, role: Role) -> &T {
        match role {
            Role::Operations => &self.operations,
            Role::Maintenance => &self.maintenance,
        }
    }

    pub(super) const fn of_mut(&mut self, role: Role) -> &mut T {
        match role {
            Role::Operations => &mut self.operations,
            Role::Maintenance => &mut self.maintenance,
        }
    }
}

/// All keys.
pub(super) type KeyRing = PerRole<Pair>;

impl KeyRing {
    pub(super) fn key(&self, id: KeyId) -> Option<&Key> {
        let mut both = self.of(id.role).both();
        both.find(|(generation, _)| *generation == id.generation)
            .map(|(_, key)| key)
    }

    pub(super) fn is_new(&self, new: &RotateKey) -> bool {
        let newest = self.of(new.id.role).newest();
        let mut all = Role::ALL.into_iter().flat_map(|role| self.of(role).both());
        newest.is_none_or(|newest| new.id.generation > newest)
            && !all.any(|(_, key)| *key == new.key)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Written {
        writer.array(2)?;
        for role in Role::ALL {
            let pair = self.of(role);
            writer.array(2)?;
            for named in [&pair.current, &pair.next] {
                match named {
                    Some((generation, key)) => {
                        writer.array(2)?.u8(*generation)?.bytes(key.expose())?
                    }
                    None => writer.null()?,
                };
            }
        }
        Ok(())
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut keys = Self::default();
        items(decoder, 2)?;
        for role in Role::ALL {
            items(decoder, 2)?;
            *keys.of_mut(role) = Pair {
                current: named(decoder)?,
                next: named(decoder)?,
            };
        }
        Ok(keys)
    }
}

/// One change of what the gate knows. It must be in flash before the next step is taken.
///
/// ```text
/// item 1       keys     [[current, next], [current, next]], operations first, each [generation,
///                       key] or null
/// item 2, 3    replay   [generation, counter, tag, outcome, time or null, body]
/// item 4 to 7  waiting  [role, generation, counter, tag, form, operation, arguments, not after,
///                       state, due, outcome, time or null, body]
/// ```
///
/// Each item is one CBOR array and is written whole or not at all.
#[derive(Clone, Debug)]
pub struct Change(pub(super) Part);

/// What changes, as a whole.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Keys(KeyRing),
    Replay(Role, ReplayState),
    Waiting(usize, Waiting),
}

impl Change {
    /// The items that a store keeps, one for each part of what the gate knows.
    pub const ITEMS: core::ops::RangeInclusive<u8> =
        ITEM_KEYS..=ITEM_WAITING + MAX_WAITING as u8 - 1;

    /// The item that this replaces.
    #[must_use]
    pub const fn item(&self) -> u8 {
        match &self.0 {
            Part::Keys(_) => ITEM_KEYS,
            Part::Replay(role, _) => ITEM_REPLAY + role.number(),
            Part::Waiting(place, _) => ITEM_WAITING + *place as u8,
        }
    }

    /// Encodes the item and gives its length. Item 1 holds keys: overwrite the buffer after use.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; [`MAX_CHANGE`] bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| match &self.0 {
            Part::Keys(keys) => keys.write(writer),
            Part::Replay(_, seen) => seen.write(writer),
            Part::Waiting(_, waiting) => waiting.write(writer),
        })
    }

    /// Decodes the content of an item.
    ///
    /// # Errors
    /// [`DecodeError`], also for the number of no item.
    pub fn decode(item: u8, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let role = Role::from_number(u64::from(item.wrapping_sub(ITEM_REPLAY)));
        let part = match (item, role) {
            (ITEM_KEYS, _) => Part::Keys(KeyRing::read(&mut decoder)?),
            (_, Some(role)) => Part::Replay(role, ReplayState::read(&mut decoder)?),
            _ if Self::ITEMS.contains(&item) => Part::Waiting(
                usize::from(item - ITEM_WAITING),
                Waiting::read(&mut decoder)?,
            ),
            _ => return Err(DecodeError::Malformed),
        };
        cbor::finish(&decoder)?;
        Ok(Self(part))
    }
}

fn tag(decoder: &mut Decoder<'_>) -> Result<[u8; TAG], DecodeError> {
    cbor::array(decoder)?.ok_or(DecodeError::Malformed)
}

fn short(decoder: &mut Decoder<'_>) -> Result<Short, DecodeError> {
    Short::new(decoder.bytes()?).ok_or(DecodeError::TooMuch)
}

fn named(decoder: &mut Decoder<'_>) -> Result<Option<Named>, DecodeError> {
    if decoder.datatype()? == minicbor::data::Type::Null {
        decoder.null()?;
        return Ok(None);
    }
    items(decoder, 2)?;
    let generation = decoder.u8()?;
    let key = Key::from_slice(decoder.bytes()?).ok_or(DecodeError::Malformed)?;
    Ok(Some((generation, key)))
}
