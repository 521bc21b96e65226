//! What is inside the envelopes: commands, and the answers to them.

use core::fmt;

use meter_core::units::UtcSeconds;

use super::cose::{self, CoseError, Envelope, Form};
use super::{Key, KeyId};
use crate::number::numbered;
use crate::payload::cbor::{self, Fields};
use crate::payload::{DecodeError, EncodeError, required};
use crate::topic::{Channel, MeterId, Topic};

/// What a meter is asked to do: key 54.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Operation {
    /// 0: answer, and nothing else.
    Ping,
    /// 1: send a reading.
    ReadNow,
    /// 2: send records again.
    ReadRange,
    /// 3: change the configuration.
    SetConfig,
    /// 4: tell the configuration.
    GetConfig,
    /// 5: set the clock.
    SetTime,
    /// 6: disconnect the supply.
    SwitchOff,
    /// 7: connect the supply.
    SwitchOn,
    /// 8: take a new table of tariffs.
    SetTariffs,
    /// 9: end the billing period.
    CloseBilling,
    /// 10: begin an update.
    UpdateStart,
    /// 11: give an update up.
    UpdateCancel,
    /// 12: keep the firmware that is on trial.
    UpdateConfirm,
    /// 13: restart.
    Reboot,
    /// 14: take a new key.
    RotateKey,
    /// 15: forget that the meter was tampered with.
    ClearTamper,
    /// An operation that this version does not know.
    Unknown(u64),
}

impl Operation {
    /// The operation of a number on the wire.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Ping,
            1 => Self::ReadNow,
            2 => Self::ReadRange,
            3 => Self::SetConfig,
            4 => Self::GetConfig,
            5 => Self::SetTime,
            6 => Self::SwitchOff,
            7 => Self::SwitchOn,
            8 => Self::SetTariffs,
            9 => Self::CloseBilling,
            10 => Self::UpdateStart,
            11 => Self::UpdateCancel,
            12 => Self::UpdateConfirm,
            13 => Self::Reboot,
            14 => Self::RotateKey,
            15 => Self::ClearTamper,
            _ => Self::Unknown(number),
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Ping => 0,
            Self::ReadNow => 1,
            Self::ReadRange => 2,
            Self::SetConfig => 3,
            Self::GetConfig => 4,
            Self::SetTime => 5,
            Self::SwitchOff => 6,
            Self::SwitchOn => 7,
            Self::SetTariffs => 8,
            Self::CloseBilling => 9,
            Self::UpdateStart => 10,
            Self::UpdateCancel => 11,
            Self::UpdateConfirm => 12,
            Self::Reboot => 13,
            Self::RotateKey => 14,
            Self::ClearTamper => 15,
            Self::Unknown(number) => number,
        }
    }

    /// Whether it changes nothing in the meter, and may be done before the clock is set.
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        matches!(
            self,
            Self::Ping | Self::ReadNow | Self::ReadRange | Self::GetConfig
        )
    }
}

/// A command, as it is inside its envelope. `Debug` shows how long its arguments are, and not what
/// they are: they may be a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Command<'b> {
    /// Key 52. Rises with every command under one key, and starts above 0.
    pub counter: u64,
    /// Key 53. The last second in which the command may be run.
    pub not_after: UtcSeconds,
    /// Key 54.
    pub operation: Operation,
    /// Key 55, one whole CBOR item as it stands: [`Switch`](super::Switch) and
    /// [`RotateKey`](super::RotateKey) for those operations, the application's own for all others.
    pub arguments: Option<&'b [u8]>,
    /// Key 56. When the command is to be run; absent: now.
    pub run_at: Option<UtcSeconds>,
}

impl<'b> Command<'b> {
    /// Encodes the map and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]: 40 bytes more than the arguments always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let optional = [self.arguments.is_some(), self.run_at.is_some()];
        cbor::encode_into(buffer, |writer| {
            writer.map(3 + optional.map(u64::from).iter().sum::<u64>())?;
            writer.u8(52)?.u64(self.counter)?;
            writer.u8(53)?.u64(self.not_after.get())?;
            writer.u8(54)?.u64(self.operation.number())?;
            if let Some(arguments) = self.arguments {
                cbor::write_raw(writer.u8(55)?, arguments)?;
            }
            if let Some(time) = self.run_at {
                writer.u8(56)?.u64(time.get())?;
            }
            Ok(())
        })
    }

    /// Decodes the map; keys that are not known are passed over.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let (mut counter, mut not_after, mut operation) = (None, None, None);
        let (mut arguments, mut run_at) = (None, None);
        while let Some(key) = fields.next()? {
            match key {
                52 => counter = Some(fields.value().u64()?),
                53 => not_after = Some(fields.value().u64()?),
                54 => operation = Some(fields.value().u64()?),
                55 => arguments = Some(fields.raw()?),
                56 => run_at = Some(UtcSeconds::new(fields.value().u64()?)),
                _ => fields.skip()?,
            }
        }
        Ok(Self {
            counter: required(counter, 52)?,
            not_after: UtcSeconds::new(required(not_after, 53)?),
            operation: Operation::from_number(required(operation, 54)?),
            arguments,
            run_at,
        })
    }

    /// The head-end's side: seals the command for one meter and gives the length of the message.
    ///
    /// The counter must be in the head-end's own store before the message goes out.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]: [`OVERHEAD`](super::OVERHEAD) and 40 bytes more than the
    /// arguments suffice. [`EncodeError::Count`]: the message would be longer than
    /// [`MAX_COMMAND`](super::MAX_COMMAND), which no meter reads. [`EncodeError::Refused`]: the
    /// arguments are not one CBOR item that meters follow.
    pub fn seal(
        &self,
        form: Form,
        key: &Key,
        id: KeyId,
        meter: MeterId,
        buffer: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let mut payload = zeroize::Zeroizing::new([0; super::MAX_COMMAND]);
        let length = self.encode(&mut *payload);
        let length = length.map_err(|_| EncodeError::Count)?;
        let payload = payload.get(..length).ok_or(EncodeError::Count)?;
        if Command::decode(payload) != Ok(*self) {
            return Err(EncodeError::Refused);
        }
        let topic = Topic::new(meter, Channel::Command);
        match cose::seal(form, key, id, topic, payload, buffer)? {
            length if length > super::MAX_COMMAND => Err(EncodeError::Count),
            length => Ok(length),
        }
    }
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("counter", &self.counter)
            .field("not_after", &self.not_after)
            .field("operation", &self.operation)
            .field("arguments", &self.arguments.map(<[u8]>::len))
            .field("run_at", &self.run_at)
            .finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Command<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "Command {{ counter: {}, not_after: {}, operation: {}, arguments: {}, run_at: {} }}",
            self.counter,
            self.not_after,
            self.operation,
            self.arguments.map(<[u8]>::len),
            self.run_at
        );
    }
}

numbered! {
    /// How it went: key 57.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Outcome {
        /// Done.
        Done = 0,
        /// Taken. It waits for its time, or is being done; if the meter restarted since, nobody
        /// knows whether it was done.
        Accepted = 1,
        /// Not with this key, in this form, or at this time.
        Refused = 2,
        /// The arguments are missing, malformed or out of range.
        BadArguments = 3,
        /// Its time is over.
        Expired = 4,
        /// Its counter is not above the last one.
        Replayed = 5,
        /// Not sent by this version: what is not authentic gets no answer.
        BadAuthentication = 6,
        /// No room for another command that waits.
        Busy = 7,
        /// Tried, and it did not work.
        Failed = 8,
        /// No such operation.
        UnknownOperation = 9,
    }
}

/// An answer, as it is inside its envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Response<'b> {
    /// Key 2. When it was done, as far as the meter knows.
    pub time: Option<UtcSeconds>,
    /// Key 52. That of the command.
    pub counter: u64,
    /// Key 57.
    pub outcome: Outcome,
    /// Key 58, one whole CBOR item as it stands.
    pub body: Option<&'b [u8]>,
}

impl<'b> Response<'b> {
    /// Encodes the map and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]: 28 bytes more than the body always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let optional = [self.time.is_some(), self.body.is_some()];
        cbor::encode_into(buffer, |writer| {
            writer.map(2 + optional.map(u64::from).iter().sum::<u64>())?;
            if let Some(time) = self.time {
                writer.u8(2)?.u64(time.get())?;
            }
            writer.u8(52)?.u64(self.counter)?;
            writer.u8(57)?.u8(self.outcome.number())?;
            if let Some(body) = self.body {
                cbor::write_raw(writer.u8(58)?, body)?;
            }
            Ok(())
        })
    }

    /// Decodes the map; keys that are not known are passed over.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let (mut time, mut counter, mut outcome, mut body) = (None, None, None, None);
        while let Some(key) = fields.next()? {
            match key {
                2 => time = Some(UtcSeconds::new(fields.value().u64()?)),
                52 => counter = Some(fields.value().u64()?),
                57 => outcome = Some(fields.value().u64()?),
                58 => body = Some(fields.raw()?),
                _ => fields.skip()?,
            }
        }
        Ok(Self {
            time,
            counter: required(counter, 52)?,
            outcome: Outcome::from_number(required(outcome, 57)?)
                .ok_or(DecodeError::OutOfRange { key: 57 })?,
            body,
        })
    }

    /// The head-end's side: opens an answer that came from `meter`. `key` is asked for the key of
    /// the name in the message.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open<'k>(
        message: &'b [u8],
        meter: MeterId,
        key: impl FnOnce(KeyId) -> Option<&'k Key>,
        buffer: &'b mut [u8],
    ) -> Result<Self, OpenError> {
        let envelope = Envelope::parse(message).map_err(OpenError::Cose)?;
        let key = envelope.key_id().and_then(key);
        let key = key.ok_or(OpenError::UnknownKey)?;
        let topic = Topic::new(meter, Channel::Answer);
        let payload = envelope.open(key, topic, buffer).map_err(OpenError::Cose)?;
        Self::decode(payload).map_err(OpenError::Message)
    }
}

/// Why an answer was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OpenError {
    /// The envelope.
    Cose(CoseError),
    /// There is no key of this name.
    UnknownKey,
    /// The map inside, which is authentic.
    Message(DecodeError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cose(error) => error.fmt(f),
            Self::UnknownKey => f.write_str("there is no key of this name"),
            Self::Message(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OpenError {}
