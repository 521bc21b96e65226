//! The tags of SGP.22 that this module writes or reads.

use super::tlv::Tag;

macro_rules! tags {
    ($($name:ident $raw:literal $text:literal;)*) => {
        $(#[doc = $text] pub const $name: Tag = Tag::known($raw);)*

        #[cfg(test)]
        const RAW: &[u32] = &[$($raw),*];
    };
}

tags! {
    GROUP_0 0xa0 "Group of a function's own: criterion of a search, name of a profile, or a list.";
    AID 0x4f "AID of the ISD-P, 16 bytes.";
    ICCID 0x5a "ICCID, 10 bytes; within the answer of `GetEID` the EID, 16 bytes.";
    TAG_LIST 0x5c "The tags wanted, one behind the other.";
    PROFILE 0xe3 "One profile of the list.";
    STATE 0x9f70 "State of a profile: 0 disabled, 1 enabled.";
    NICKNAME 0x90 "Name given to a profile on the device, UTF-8.";
    PROVIDER 0x91 "Name of the operator or service provider, UTF-8.";
    NAME 0x92 "Name given to a profile by its provider, UTF-8.";
    ICON_TYPE 0x93 "Format of the icon: 0 JPEG, 1 PNG.";
    ICON 0x94 "Icon, up to 1024 bytes.";
    CLASS 0x95 "Class of a profile: 0 test, 1 provisioning, 2 operational.";
    NOTIFICATION_CONFIGURATION 0xb6 "Where a profile's notifications go.";
    OWNER 0xb7 "Operator of a profile: MCC and MNC, GID1, GID2.";
    POLICY 0x99 "Policy rules of a profile.";
    CONTEXT_0 0x80 "First of a function's own: result code, or sequence number.";
    CONTEXT_1 0x81 "Second of a function's own: error code, or refresh flag.";
    LIST_NOTIFICATION 0xbf28 "Function `ListNotification`.";
    SET_NICKNAME 0xbf29 "Function `SetNickname`.";
    PROFILES_INFO 0xbf2d "Function `GetProfilesInfo`.";
    REMOVE_NOTIFICATION 0xbf30 "Function `RemoveNotificationFromList`.";
    ENABLE_PROFILE 0xbf31 "Function `EnableProfile`.";
    DISABLE_PROFILE 0xbf32 "Function `DisableProfile`.";
    DELETE_PROFILE 0xbf33 "Function `DeleteProfile`.";
    GET_EID 0xbf3e "Function `GetEID`.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_is_a_tag() {
        for raw in RAW {
            assert!(Tag::new(*raw).is_some(), "{raw:x}");
        }
        assert_eq!(Tag::new(0xbf2d), Some(PROFILES_INFO));
    }
}
