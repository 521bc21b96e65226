//! Functions of the ISD-R: what is sent to it and what its answers mean.
//!
//! Source: GSMA SGP.22, AT reference section 19.3. Requests and answers are objects of
//! [`tlv`]; [`apdu`](super::apdu) carries them.

use core::fmt;

use super::tlv::{self, BufferTooSmall, Tag, Tlv, TlvError, Writer};
use super::{Aid, Eid, Iccid, ProfileClass, tag};
use crate::code::codes;

/// Bytes of the longest [`Request`], with a list of at most sixteen tags.
pub const MAX_REQUEST: usize = 81;

/// Bytes of the longest nickname that is taken here; a card may take less.
pub const MAX_NICKNAME: usize = 64;

/// Names one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ProfileId<'a> {
    /// By its number.
    Iccid(Iccid),
    /// By the security domain that holds it.
    Aid(Aid<'a>),
}

impl ProfileId<'_> {
    fn write(self, writer: &mut Writer<'_>) {
        match self {
            Self::Iccid(iccid) => writer.put(tag::ICCID, iccid.bytes()),
            Self::Aid(aid) => writer.put(tag::AID, aid.bytes()),
        }
    }
}

/// Which profiles to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Search<'a> {
    /// All of them.
    #[default]
    All,
    /// The one with this name.
    Id(ProfileId<'a>),
    /// Those of this class.
    Class(ProfileClass),
}

/// A function with its arguments.
///
/// ```
/// use nbiot_at::esim::es10::{EnableResult, MAX_REQUEST, ProfileId, Request};
/// use nbiot_at::esim::Iccid;
///
/// let iccid = Iccid::from_digits("8944020123456789012").ok_or("bad ICCID")?;
/// let enable = Request::Enable { profile: ProfileId::Iccid(iccid), refresh: true };
/// let mut buffer = [0; MAX_REQUEST];
/// let request = enable.encode(&mut buffer)?;
/// assert_eq!(request[..3], [0xbf, 0x31, 17]);
///
/// let answer = [0xbf, 0x31, 0x03, 0x80, 0x01, 0x05];
/// assert_eq!(EnableResult::parse(&answer)?, EnableResult::Busy);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'a> {
    /// `GetEID`, answered with an [`Eid`].
    Eid,
    /// `GetProfilesInfo`, answered with [`Profiles`](super::Profiles).
    Profiles {
        /// Which ones.
        search: Search<'a>,
        /// What to tell of each, [`PROFILE_TAGS`] for what a [`Profile`](super::Profile) has. With
        /// an empty list the card decides, and may send icons of up to 1 KiB.
        tags: &'a [Tag],
    },
    /// `EnableProfile`, answered with an [`EnableResult`]; disables the profile enabled before.
    Enable {
        /// Which one.
        profile: ProfileId<'a>,
        /// Whether the card then makes the modem restart it, which closes all channels. Without
        /// it the host has to, by `+CFUN`.
        refresh: bool,
    },
    /// `DisableProfile`, answered with a [`DisableResult`].
    Disable {
        /// Which one.
        profile: ProfileId<'a>,
        /// As for `Enable`.
        refresh: bool,
    },
    /// `DeleteProfile`, answered with a [`DeleteResult`]. There is no way back.
    Delete {
        /// Which one, disabled before.
        profile: ProfileId<'a>,
    },
    /// `SetNickname`, answered with a [`NicknameResult`].
    SetNickname {
        /// Of which profile.
        iccid: Iccid,
        /// At most [`MAX_NICKNAME`] bytes; empty takes the nickname away.
        nickname: &'a str,
    },
    /// `ListNotification`, answered with a list of objects for [`tlv`].
    Notifications,
    /// `RemoveNotificationFromList`, answered with a [`RemoveResult`].
    RemoveNotification {
        /// Sequence number of the notification.
        sequence: u32,
    },
}

/// What a [`Profile`](super::Profile) is made of.
pub const PROFILE_TAGS: &[Tag] = &[
    tag::ICCID,
    tag::AID,
    tag::STATE,
    tag::NICKNAME,
    tag::PROVIDER,
    tag::NAME,
    tag::CLASS,
];

impl Request<'_> {
    /// Writes the request to the start of `buffer` and returns it; [`MAX_REQUEST`] bytes suffice.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if the buffer is too small or the nickname too long.
    pub fn encode(self, buffer: &mut [u8]) -> Result<&[u8], EncodeError> {
        let mut writer = Writer::new(buffer);
        match self {
            Self::Eid => writer.nested(tag::GET_EID, |inner| tag_list(inner, &[tag::ICCID])),
            Self::Profiles { search, tags } => writer.nested(tag::PROFILES_INFO, |inner| {
                criterion(inner, search);
                tag_list(inner, tags);
            }),
            Self::Enable { profile, refresh } => {
                switch(&mut writer, tag::ENABLE_PROFILE, profile, refresh);
            }
            Self::Disable { profile, refresh } => {
                switch(&mut writer, tag::DISABLE_PROFILE, profile, refresh);
            }
            Self::Delete { profile } => {
                writer.nested(tag::DELETE_PROFILE, |inner| profile.write(inner));
            }
            Self::SetNickname { nickname, .. } if nickname.len() > MAX_NICKNAME => {
                return Err(EncodeError::NicknameTooLong);
            }
            Self::SetNickname { iccid, nickname } => writer.nested(tag::SET_NICKNAME, |inner| {
                inner.put(tag::ICCID, iccid.bytes());
                inner.put(tag::NICKNAME, nickname.as_bytes());
            }),
            Self::Notifications => writer.put(tag::LIST_NOTIFICATION, &[]),
            Self::RemoveNotification { sequence } => {
                writer.nested(tag::REMOVE_NOTIFICATION, |inner| {
                    inner.number(tag::CONTEXT_0, sequence);
                });
            }
        }
        Ok(writer.finish()?)
    }
}

fn criterion(writer: &mut Writer<'_>, search: Search<'_>) {
    match search {
        Search::All => {}
        Search::Id(profile) => writer.nested(tag::GROUP_0, |id| profile.write(id)),
        Search::Class(class) => writer.nested(tag::GROUP_0, |id| {
            id.put(tag::CLASS, &[class.to_raw()]);
        }),
    }
}

fn tag_list(writer: &mut Writer<'_>, tags: &[Tag]) {
    if !tags.is_empty() {
        writer.nested(tag::TAG_LIST, |list| {
            tags.iter().for_each(|tag| list.tag(*tag));
        });
    }
}

fn switch(writer: &mut Writer<'_>, function: Tag, profile: ProfileId<'_>, refresh: bool) {
    let flag = if refresh { 0xff } else { 0x00 };
    writer.nested(function, |inner| {
        inner.nested(tag::GROUP_0, |id| profile.write(id));
        inner.put(tag::CONTEXT_1, &[flag]);
    });
}

/// Why a request cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too small.
    Buffer(BufferTooSmall),
    /// The nickname has more than [`MAX_NICKNAME`] bytes.
    NicknameTooLong,
}

impl From<BufferTooSmall> for EncodeError {
    fn from(error: BufferTooSmall) -> Self {
        Self::Buffer(error)
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buffer(error) => error.fmt(f),
            Self::NicknameTooLong => write!(f, "nickname exceeds {MAX_NICKNAME} bytes"),
        }
    }
}

impl core::error::Error for EncodeError {}

/// Why an answer does not say what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AnswerError {
    /// It is no sequence of objects.
    Tlv(TlvError),
    /// It lacks this object.
    Missing(Tag),
    /// The value of this object has another length, or is no number.
    Malformed(Tag),
    /// The card did not make the list: 1 for a wrong criterion or tag, 127 without reason.
    Refused(u16),
}

impl From<TlvError> for AnswerError {
    fn from(error: TlvError) -> Self {
        Self::Tlv(error)
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tlv(error) => error.fmt(f),
            Self::Missing(tag) => write!(f, "answer without {tag}"),
            Self::Malformed(tag) => write!(f, "value of {tag} is malformed"),
            Self::Refused(code) => write!(f, "card refused the list ({code})"),
        }
    }
}

impl core::error::Error for AnswerError {}

impl Eid {
    /// The EID in the answer to [`Request::Eid`].
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the answer is damaged or holds no EID of 32 decimal digits.
    pub fn parse(answer: &[u8]) -> Result<Self, AnswerError> {
        let outer = expect(answer, tag::GET_EID)?;
        let eid = expect(outer.value, tag::ICCID)?;
        let bytes = eid.value.try_into().ok();
        bytes
            .and_then(Self::from_bytes)
            .ok_or(AnswerError::Malformed(eid.tag))
    }
}

/// The object with this tag, on the outermost level.
pub(super) fn expect(bytes: &[u8], tag: Tag) -> Result<Tlv<'_>, AnswerError> {
    tlv::find(bytes, tag)?.ok_or(AnswerError::Missing(tag))
}

/// The value of an object as a number.
pub(super) fn number<T: TryFrom<u32>>(object: Tlv<'_>) -> Result<T, AnswerError> {
    let number = object.number().and_then(|number| T::try_from(number).ok());
    number.ok_or(AnswerError::Malformed(object.tag))
}

/// The entries of a list, or the reason why the card did not make it.
pub(super) fn list(answer: &[u8], function: Tag) -> Result<tlv::Reader<'_>, AnswerError> {
    let outer = expect(answer, function)?;
    if let Some(refusal) = tlv::find(outer.value, tag::CONTEXT_1)? {
        return Err(AnswerError::Refused(number(refusal)?));
    }
    Ok(expect(outer.value, tag::GROUP_0)?.children())
}

/// The next entry of a list with this tag; others are passed over.
pub(super) fn next_entry<'a>(
    entries: &mut tlv::Reader<'a>,
    tag: Tag,
) -> Option<Result<Tlv<'a>, AnswerError>> {
    let entry = entries.find(|entry| entry.is_err() || entry.is_ok_and(|e| e.tag == tag))?;
    Some(entry.map_err(AnswerError::from))
}

macro_rules! parse {
    ($($result:ident $function:ident $request:ident;)*) => {
        $(impl $result {
            #[doc = concat!("The result in the answer to [`Request::", stringify!($request), "`].")]
            ///
            /// # Errors
            ///
            /// [`AnswerError`] if the answer is damaged or holds no result.
            pub fn parse(answer: &[u8]) -> Result<Self, AnswerError> {
                let outer = expect(answer, tag::$function)?;
                let code = number(expect(outer.value, tag::CONTEXT_0)?)?;
                Ok(Self::from_code(code))
            }
        })*
    };
}

codes! {
    /// Result of `EnableProfile`, AT reference section 19.3.
    EnableResult {
        0 Enabled "enabled; with refresh the SIM restarts";
        1 NotFound "no such profile";
        2 NotDisabled "profile is not disabled";
        3 Policy "forbidden by a policy rule";
        4 WrongReenabling "wrong re-enabling";
        5 Busy "card is busy with a toolkit command, try again";
        127 Undefined "failed for no stated reason";
    }
}

codes! {
    /// Result of `DisableProfile`, AT reference section 19.3.
    DisableResult {
        0 Disabled "disabled; with refresh the SIM restarts";
        1 NotFound "no such profile";
        2 NotEnabled "profile is not enabled";
        3 Policy "forbidden by a policy rule";
        5 Busy "card is busy with a toolkit command, try again";
        127 Undefined "failed for no stated reason";
    }
}

codes! {
    /// Result of `DeleteProfile`, AT reference section 19.3.
    DeleteResult {
        0 Deleted "deleted";
        1 NotFound "no such profile";
        2 NotDisabled "profile is not disabled";
        3 Policy "forbidden by a policy rule";
        127 Undefined "failed for no stated reason";
    }
}

codes! {
    /// Result of `SetNickname`, AT reference section 19.3.
    NicknameResult {
        0 Set "set";
        1 NotFound "no such profile";
        127 Undefined "failed for no stated reason";
    }
}

codes! {
    /// Result of `RemoveNotificationFromList`. The reference gives no list of its errors.
    RemoveResult {
        0 Removed "removed";
    }
}

parse! {
    EnableResult ENABLE_PROFILE Enable;
    DisableResult DISABLE_PROFILE Disable;
    DeleteResult DELETE_PROFILE Delete;
    NicknameResult SET_NICKNAME SetNickname;
    RemoveResult REMOVE_NOTIFICATION RemoveNotification;
}

#[cfg(test)]
#[path = "es10_tests.rs"]
mod tests;
