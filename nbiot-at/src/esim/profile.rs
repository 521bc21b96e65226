//! The list of profiles.

use super::es10::{AnswerError, list, next_entry, number};
use super::tlv::{Reader, Tlv};
use super::{Aid, Iccid, tag};

/// Whether a profile is in use, tag `9F70`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ProfileState {
    /// 0: stored only.
    Disabled,
    /// 1: the modem sees it as its SIM.
    Enabled,
    /// Any other number.
    Other(u8),
}

impl ProfileState {
    const fn from_raw(raw: u8) -> Self {
        match raw {
            0 => Self::Disabled,
            1 => Self::Enabled,
            other => Self::Other(other),
        }
    }
}

/// What a profile is for, tag `95`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ProfileClass {
    /// 0: tests of the device.
    Test,
    /// 1: access only to download another one.
    Provisioning,
    /// 2: service.
    Operational,
    /// Any other number.
    Other(u8),
}

impl ProfileClass {
    const fn from_raw(raw: u8) -> Self {
        match raw {
            0 => Self::Test,
            1 => Self::Provisioning,
            2 => Self::Operational,
            other => Self::Other(other),
        }
    }

    pub(super) const fn to_raw(self) -> u8 {
        match self {
            Self::Test => 0,
            Self::Provisioning => 1,
            Self::Operational => 2,
            Self::Other(raw) => raw,
        }
    }
}

/// One profile of the card; what the card did not tell is `None`.
///
/// Of a name that is not UTF-8 throughout, what comes before the first wrong byte is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Profile<'a> {
    /// Its number.
    pub iccid: Option<Iccid>,
    /// The security domain that holds it.
    pub aid: Option<Aid<'a>>,
    /// Whether it is in use.
    pub state: Option<ProfileState>,
    /// The name given on the device.
    pub nickname: Option<&'a str>,
    /// The operator or service provider.
    pub provider: Option<&'a str>,
    /// The name given by the provider.
    pub name: Option<&'a str>,
    /// What it is for.
    pub class: Option<ProfileClass>,
}

impl<'a> Profile<'a> {
    fn read(entry: Tlv<'a>) -> Result<Self, AnswerError> {
        let mut profile = Self::default();
        for object in entry.children() {
            let object = object?;
            match object.tag {
                tag::ICCID => profile.iccid = Some(iccid(object)?),
                tag::AID => {
                    let aid = Aid::new(object.value);
                    profile.aid = Some(aid.ok_or(AnswerError::Malformed(object.tag))?);
                }
                tag::STATE => profile.state = Some(ProfileState::from_raw(number(object)?)),
                tag::NICKNAME => profile.nickname = Some(text(object)),
                tag::PROVIDER => profile.provider = Some(text(object)),
                tag::NAME => profile.name = Some(text(object)),
                tag::CLASS => profile.class = Some(ProfileClass::from_raw(number(object)?)),
                _ => {}
            }
        }
        Ok(profile)
    }
}

pub(super) fn iccid(object: Tlv<'_>) -> Result<Iccid, AnswerError> {
    let bytes = object.value.try_into();
    let bytes = bytes.map_err(|_| AnswerError::Malformed(object.tag))?;
    Ok(Iccid::from_bytes(bytes))
}

/// The part of the value that is UTF-8.
pub(super) fn text(object: Tlv<'_>) -> &str {
    let all = core::str::from_utf8(object.value);
    all.unwrap_or_else(|error| {
        let valid = object.value.get(..error.valid_up_to());
        core::str::from_utf8(valid.unwrap_or_default()).unwrap_or_default()
    })
}

/// The profiles in the answer to [`Request::Profiles`](super::es10::Request::Profiles).
///
/// A damaged entry is told as an error, and those behind it are still read; entries of a kind that
/// is not known are passed over.
///
/// ```
/// use nbiot_at::esim::{ProfileState, Profiles};
///
/// let answer = [
///     0xbf, 0x2d, 0x0c, 0xa0, 0x0a, 0xe3, 0x08, 0x9f, 0x70, 0x01, 0x01, 0x91, 0x02, b'N', b'1',
/// ];
/// for profile in Profiles::parse(&answer)? {
///     let profile = profile?;
///     assert_eq!(profile.provider, Some("N1"));
///     assert_eq!(profile.state, Some(ProfileState::Enabled));
/// }
/// # Ok::<(), nbiot_at::esim::es10::AnswerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Profiles<'a> {
    entries: Reader<'a>,
}

impl<'a> Profiles<'a> {
    /// Reads a list.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the answer is damaged around the list, or the card made none.
    pub fn parse(answer: &'a [u8]) -> Result<Self, AnswerError> {
        let entries = list(answer, tag::PROFILES_INFO)?;
        Ok(Self { entries })
    }
}

impl<'a> Iterator for Profiles<'a> {
    type Item = Result<Profile<'a>, AnswerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = next_entry(&mut self.entries, tag::PROFILE)?;
        Some(entry.and_then(Profile::read))
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;
    use std::vec::Vec;

    use super::*;
    use crate::esim::tlv::{TlvError, Writer};

    const ICCID: [u8; 10] = [0x98, 0x44, 0x20, 0x10, 0x32, 0x54, 0x76, 0x98, 0x10, 0xf2];

    /// The answer that lists these entries, each given as the content of its `E3`.
    fn answer(entries: &[&[u8]]) -> Vec<u8> {
        let mut buffer = [0xa5; 400];
        let mut writer = Writer::new(&mut buffer);
        writer.nested(tag::PROFILES_INFO, |info| {
            info.nested(tag::GROUP_0, |list| {
                entries
                    .iter()
                    .for_each(|entry| list.put(tag::PROFILE, entry));
            });
        });
        writer.finish().unwrap().to_vec()
    }

    /// Content of an entry with everything that is read, an icon and an owner beside.
    fn full() -> Vec<u8> {
        let parts: [&[u8]; 9] = [
            &[0x5a, 0x0a],
            &ICCID,
            &[0x4f, 0x10],
            Aid::ISD_R.bytes(),
            b"\x9f\x70\x01\x01\x90\x05meter",
            b"\x91\x08Operator\x92\x04Plan",
            &[0x93, 0x01, 0x00, 0x94, 0x02, 0xff, 0xd8, 0x95, 0x01, 0x02],
            &[0xb7, 0x05, 0x80, 0x03, 0x62, 0xf2, 0x20],
            &[0x99, 0x02, 0x06, 0x40],
        ];
        parts.concat()
    }

    #[test]
    fn a_full_entry_is_read() {
        let answer = answer(&[&full()]);
        let mut profiles = Profiles::parse(&answer).unwrap();
        let profile = profiles.next().unwrap().unwrap();
        let iccid = profile.iccid.unwrap();
        assert_eq!(iccid.to_string(), "8944020123456789012");
        assert_eq!(profile.aid, Some(Aid::ISD_R));
        assert_eq!(profile.state, Some(ProfileState::Enabled));
        assert_eq!(profile.nickname, Some("meter"));
        assert_eq!(profile.provider, Some("Operator"));
        assert_eq!(profile.name, Some("Plan"));
        assert_eq!(profile.class, Some(ProfileClass::Operational));
        assert!(profiles.next().is_none());
    }

    #[test]
    fn what_is_absent_stays_none() {
        let answer = answer(&[&[], &[0x9f, 0x70, 0x01, 0x00, 0x90, 0x00]]);
        let profiles: Vec<_> = Profiles::parse(&answer).unwrap().collect();
        let named = Profile {
            state: Some(ProfileState::Disabled),
            nickname: Some(""),
            ..Profile::default()
        };
        assert_eq!(profiles, [Ok(Profile::default()), Ok(named)]);
    }

    #[test]
    fn a_damaged_entry_does_not_hide_the_next() {
        let state = [0x9f, 0x70, 0x01, 0x01];
        let answer = answer(&[
            &[0x5a, 0x09],
            &[0x5a, 0x01, 0x98],
            &[0x4f, 0x01, 0xa0],
            &[0x9f, 0x70, 0x02, 0x01, 0x00],
            &[0x95, 0x80],
            &state,
        ]);
        let profiles: Vec<_> = Profiles::parse(&answer).unwrap().collect();
        assert_eq!(
            profiles[..5],
            [
                Err(AnswerError::Tlv(TlvError::Overrun(tag::ICCID))),
                Err(AnswerError::Malformed(tag::ICCID)),
                Err(AnswerError::Malformed(tag::AID)),
                Err(AnswerError::Malformed(tag::STATE)),
                Err(AnswerError::Tlv(TlvError::Indefinite(tag::CLASS))),
            ]
        );
        assert_eq!(profiles[5].unwrap().state, Some(ProfileState::Enabled));
    }

    #[test]
    fn other_numbers_and_wrong_text_are_kept() {
        let answer = answer(&[b"\x9f\x70\x01\x07\x95\x01\x09\x92\x04ab\xffc\x91\x01\xff"]);
        let profile = Profiles::parse(&answer).unwrap().next().unwrap().unwrap();
        assert_eq!(profile.state, Some(ProfileState::Other(7)));
        assert_eq!(profile.class, Some(ProfileClass::Other(9)));
        assert_eq!((profile.name, profile.provider), (Some("ab"), Some("")));
    }

    #[test]
    fn an_empty_card_has_an_empty_list() {
        let answer = answer(&[]);
        assert_eq!(Profiles::parse(&answer).unwrap().count(), 0);
    }

    #[test]
    fn a_refusal_is_no_list() {
        let parse = |answer| Profiles::parse(answer).map(Iterator::count);
        let refused = [0xbf, 0x2d, 0x03, 0x81, 0x01, 0x01];
        assert_eq!(parse(&refused), Err(AnswerError::Refused(1)));
        let missing = Err(AnswerError::Missing(tag::GROUP_0));
        assert_eq!(parse(&[0xbf, 0x2d, 0x00]), missing);
        let nothing = Err(AnswerError::Missing(tag::PROFILES_INFO));
        assert_eq!(parse(&[]), nothing);
    }

    #[test]
    fn entries_of_another_kind_are_passed_over() {
        let answer = [
            0xbf, 0x2d, 0x09, 0xa0, 0x07, 0xe4, 0x01, 0x00, 0xe3, 0x00, 0xe5, 0x00,
        ];
        assert_eq!(Profiles::parse(&answer).unwrap().count(), 1);
    }

    #[test]
    fn classes_survive_the_way_to_the_card_and_back() {
        for raw in 0..=255 {
            assert_eq!(ProfileClass::from_raw(raw).to_raw(), raw);
        }
    }
}
