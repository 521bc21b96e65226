use proptest::prelude::*;
use std::vec::Vec;

use super::*;
use crate::esim::Profiles;

const ICCID: [u8; 10] = [0x98, 0x44, 0x20, 0x10, 0x32, 0x54, 0x76, 0x98, 0x10, 0xf2];

fn check(request: Request<'_>, parts: &[&[u8]]) {
    let expected = parts.concat();
    let mut buffer = [0xa5; MAX_REQUEST];
    assert_eq!(request.encode(&mut buffer), Ok(&expected[..]));
    let needed = expected.len();
    let too_small = EncodeError::Buffer(BufferTooSmall { needed });
    assert_eq!(request.encode(&mut buffer[1..needed]), Err(too_small));
}

fn by_iccid<'a>() -> ProfileId<'a> {
    ProfileId::Iccid(Iccid::from_bytes(ICCID))
}

#[test]
fn questions_have_their_documented_bytes() {
    check(Request::Eid, &[&[0xbf, 0x3e, 0x03, 0x5c, 0x01, 0x5a]]);
    check(Request::Notifications, &[&[0xbf, 0x28, 0x00]]);
    let all = Request::Profiles {
        search: Search::All,
        tags: &[],
    };
    check(all, &[&[0xbf, 0x2d, 0x00]]);
    let usual = Request::Profiles {
        search: Search::All,
        tags: PROFILE_TAGS,
    };
    let tags = [0x5a, 0x4f, 0x9f, 0x70, 0x90, 0x91, 0x92, 0x95];
    check(usual, &[&[0xbf, 0x2d, 0x0a, 0x5c, 0x08], &tags]);
}

#[test]
fn searches_stand_before_the_tags() {
    let one = Request::Profiles {
        search: Search::Id(by_iccid()),
        tags: &[tag::STATE],
    };
    let parts: [&[u8]; 3] = [
        &[0xbf, 0x2d, 0x12, 0xa0, 0x0c, 0x5a, 0x0a],
        &ICCID,
        &[0x5c, 0x02, 0x9f, 0x70],
    ];
    check(one, &parts);
    let class = Request::Profiles {
        search: Search::Class(ProfileClass::Operational),
        tags: &[],
    };
    check(class, &[&[0xbf, 0x2d, 0x05, 0xa0, 0x03, 0x95, 0x01, 0x02]]);
}

#[test]
fn switching_names_the_profile_and_the_refresh() {
    let enable = Request::Enable {
        profile: by_iccid(),
        refresh: true,
    };
    let head = [0xbf, 0x31, 0x11, 0xa0, 0x0c, 0x5a, 0x0a];
    check(enable, &[&head, &ICCID, &[0x81, 0x01, 0xff]]);
    let disable = Request::Disable {
        profile: ProfileId::Aid(Aid::ISD_R),
        refresh: false,
    };
    let head = [0xbf, 0x32, 0x17, 0xa0, 0x12, 0x4f, 0x10];
    check(disable, &[&head, Aid::ISD_R.bytes(), &[0x81, 0x01, 0x00]]);
    let delete = Request::Delete {
        profile: by_iccid(),
    };
    check(delete, &[&[0xbf, 0x33, 0x0c, 0x5a, 0x0a], &ICCID]);
}

#[test]
fn names_and_sequence_numbers_are_written() {
    let name = Request::SetNickname {
        iccid: Iccid::from_bytes(ICCID),
        nickname: "meter",
    };
    let head = [0xbf, 0x29, 0x13, 0x5a, 0x0a];
    check(name, &[&head, &ICCID, &[0x90, 0x05], b"meter"]);
    let remove = |sequence| Request::RemoveNotification { sequence };
    check(remove(5), &[&[0xbf, 0x30, 0x03, 0x80, 0x01, 0x05]]);
    let high = [0xbf, 0x30, 0x04, 0x80, 0x02, 0x00, 0xc8];
    check(remove(200), &[&high]);
}

#[test]
fn the_longest_requests_fit() {
    let mut buffer = [0xa5; MAX_REQUEST];
    let longest = "n".repeat(MAX_NICKNAME);
    let name = |nickname| Request::SetNickname {
        iccid: Iccid::from_bytes(ICCID),
        nickname,
    };
    assert_eq!(
        name(&longest).encode(&mut buffer).map(<[u8]>::len),
        Ok(MAX_REQUEST)
    );
    let too_long = "n".repeat(MAX_NICKNAME + 1);
    assert_eq!(
        name(&too_long).encode(&mut buffer),
        Err(EncodeError::NicknameTooLong)
    );
    let list = Request::Profiles {
        search: Search::Id(ProfileId::Aid(Aid::ISD_R)),
        tags: &[Tag::new(0xbf_8101).unwrap(); 16],
    };
    assert!(list.encode(&mut buffer).is_ok());
}

#[test]
fn eid_is_read_with_its_32_digits() {
    let mut answer = [
        0xbf, 0x3e, 0x12, 0x5a, 0x10, 0x89, 4, 0x90, 0x32, 0, 0, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0,
        0x17,
    ];
    let eid = Eid::parse(&answer).unwrap();
    assert_eq!(std::format!("{eid}"), "89049032000012340000000000000017");
    answer[20] = 0x1f;
    assert_eq!(Eid::parse(&answer), Err(AnswerError::Malformed(tag::ICCID)));
    assert_eq!(
        Eid::parse(&answer[..20]),
        Err(AnswerError::Tlv(TlvError::Overrun(tag::GET_EID)))
    );
    assert_eq!(
        Eid::parse(&[0xbf, 0x3e, 0]),
        Err(AnswerError::Missing(tag::ICCID))
    );
    assert_eq!(
        Eid::parse(&[0x6a]),
        Err(AnswerError::Tlv(TlvError::Truncated))
    );
}

#[test]
fn results_keep_their_numbers() {
    let answer = |function, code| [0xbf, function, 0x03, 0x80, 0x01, code];
    for code in 0..=255 {
        let number = u16::from(code);
        let enabled = EnableResult::parse(&answer(0x31, code)).unwrap();
        assert_eq!(enabled.code(), number);
        let disabled = DisableResult::parse(&answer(0x32, code)).unwrap();
        assert_eq!(disabled.code(), number);
        let deleted = DeleteResult::parse(&answer(0x33, code)).unwrap();
        assert_eq!(deleted.code(), number);
        let named = NicknameResult::parse(&answer(0x29, code)).unwrap();
        assert_eq!(named.code(), number);
        let removed = RemoveResult::parse(&answer(0x30, code)).unwrap();
        assert_eq!(removed.code(), number);
    }
}

#[test]
fn results_mean_what_the_table_says() {
    let enabled = |code| EnableResult::parse(&[0xbf, 0x31, 0x03, 0x80, 0x01, code]).unwrap();
    assert_eq!(
        [0, 1, 2, 3, 4, 5, 127, 6].map(enabled),
        [
            EnableResult::Enabled,
            EnableResult::NotFound,
            EnableResult::NotDisabled,
            EnableResult::Policy,
            EnableResult::WrongReenabling,
            EnableResult::Busy,
            EnableResult::Undefined,
            EnableResult::from_code(6),
        ]
    );
    let disabled = |code| DisableResult::parse(&[0xbf, 0x32, 0x03, 0x80, 0x01, code]).unwrap();
    assert_eq!(
        [2, 4, 5].map(disabled),
        [
            DisableResult::NotEnabled,
            DisableResult::from_code(4),
            DisableResult::Busy,
        ]
    );
}

#[test]
fn an_answer_to_another_function_is_no_result() {
    let answer = [0xbf, 0x32, 0x03, 0x80, 0x01, 0x00];
    assert_eq!(
        EnableResult::parse(&answer),
        Err(AnswerError::Missing(tag::ENABLE_PROFILE))
    );
    for value in [
        &[0xbf, 0x31, 0x02, 0x80, 0x00][..],
        &[0xbf, 0x31, 0x05, 0x80, 0x03, 1, 0, 0],
    ] {
        assert_eq!(
            EnableResult::parse(value),
            Err(AnswerError::Malformed(tag::CONTEXT_0))
        );
    }
}

/// The tags of the entries, and none.
const ENTRIES: &[&[u8]] = &[&[0xe3], &[0xbf, 0x2f], &[]];

proptest! {
    #[test]
    fn any_answer_is_read_to_an_end(
        function in proptest::sample::select(&[0x28, 0x29, 0x2d, 0x30, 0x31, 0x32, 0x33, 0x3e][..]),
        group in proptest::sample::select(&[0x80, 0x81, 0xa0, 0x5a][..]),
        entry in proptest::sample::select(ENTRIES),
        inner in proptest::collection::vec(any::<u8>(), 0..60),
        damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        // Three levels that hold together, then any bytes, and maybe one byte changed.
        let wrap = |tag: &[u8], content: &[u8]| {
            let length = u8::try_from(content.len()).unwrap();
            [tag, &[length], content].concat()
        };
        let entry = if entry.is_empty() { inner } else { wrap(entry, &inner) };
        let mut answer = wrap(&[0xbf, function], &wrap(&[group], &entry));
        if let Some((index, byte)) = damage {
            let at = index.index(answer.len());
            answer[at] = byte;
        }
        if let Ok(profiles) = Profiles::parse(&answer) {
            prop_assert!(profiles.count() <= answer.len());
        }
        let _ = Eid::parse(&answer);
        let _ = EnableResult::parse(&answer);
        let _ = DisableResult::parse(&answer);
        let _ = DeleteResult::parse(&answer);
        let _ = NicknameResult::parse(&answer);
        let _ = RemoveResult::parse(&answer);
    }

    #[test]
    fn an_encoded_request_is_one_object(
        digits in "[0-9]{18,20}",
        nickname in "\\PC{0,16}",
        refresh: bool,
        sequence: u32,
        choice in 0..6,
    ) {
        let iccid = Iccid::from_digits(&digits).unwrap();
        let profile = ProfileId::Iccid(iccid);
        let request = match choice {
            0 => Request::Profiles { search: Search::Id(profile), tags: PROFILE_TAGS },
            1 => Request::Enable { profile, refresh },
            2 => Request::Disable { profile, refresh },
            3 => Request::Delete { profile },
            4 => Request::SetNickname { iccid, nickname: &nickname },
            _ => Request::RemoveNotification { sequence },
        };
        let mut buffer = [0xa5; MAX_REQUEST];
        let bytes = request.encode(&mut buffer).unwrap();
        let objects: Vec<_> = tlv::Reader::new(bytes).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(objects.len(), 1);
        prop_assert!(objects[0].children().all(|child| child.is_ok()));
    }
}
