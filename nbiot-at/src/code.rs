//! Error numbers of the module, with the reference's wording.

use core::fmt;

/// Numbers from the wire, of which some have a name. Not an enum: a number needs no table to be kept,
/// and an error that holds one stays as small as a register.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($code:literal $variant:ident $text:literal;)* }) => {
        $(#[$meta])*
        ///
        /// Those of the reference are constants; any other number is kept as it is.
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(u16);

        #[allow(
            non_upper_case_globals,
            reason = "each is matched and printed as the variant of an enum would be"
        )]
        impl $name {
            $(#[doc = $text] pub const $variant: Self = Self($code);)*

            /// The meaning of a number.
            #[must_use]
            pub const fn from_code(code: u16) -> Self {
                Self(code)
            }

            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> u16 {
                self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$variant => f.write_str(stringify!($variant)),)*
                    Self(code) => write!(f, "Unknown({code})"),
                }
            }
        }

        #[cfg(feature = "defmt")]
        impl defmt::Format for $name {
            fn format(&self, f: defmt::Formatter<'_>) {
                let text = match *self {
                    $(Self::$variant => defmt::intern!($text),)*
                    Self(_) => defmt::intern!("unknown"),
                };
                defmt::write!(f, "{=istr} ({=u16})", text, self.code());
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = match *self {
                    $(Self::$variant => $text,)*
                    Self(_) => "unknown",
                };
                write!(f, "{text} ({})", self.code())
            }
        }
    };
}

pub(crate) use codes;

codes! {
    /// `+CME ERROR`, 3GPP TS 27.007 clause 9.2.
    CmeError {
        0 PhoneFailure "phone failure";
        1 NoConnectionToPhone "no connection to phone";
        2 AdaptorLinkReserved "adaptor link reserved";
        3 OperationNotAllowed "operation not allowed";
        4 OperationNotSupported "operation not supported";
        5 PhSimPinRequired "PH-SIM PIN required";
        6 PhFsimPinRequired "PH-FSIM PIN required";
        7 PhFsimPukRequired "PH-FSIM PUK required";
        10 SimNotInserted "SIM not inserted";
        11 SimPinRequired "SIM PIN required";
        12 SimPukRequired "SIM PUK required";
        13 SimFailure "SIM failure";
        14 SimBusy "SIM busy";
        15 SimWrong "SIM wrong";
        16 IncorrectPassword "incorrect password";
        17 SimPin2Required "SIM PIN2 required";
        18 SimPuk2Required "SIM PUK2 required";
        20 MemoryFull "memory full";
        21 InvalidIndex "invalid index";
        22 NotFound "not found";
        23 MemoryFailure "memory failure";
        24 TextTooLong "text too long";
        25 InvalidTextCharacters "invalid characters in text";
        26 DialStringTooLong "dial string too long";
        27 InvalidDialCharacters "invalid characters in dial string";
        30 NoNetworkService "no network service";
        31 NetworkTimeOut "network time-out";
        32 EmergencyCallsOnly "emergency calls only";
        40 NetworkPinRequired "network personalisation PIN required";
        41 NetworkPukRequired "network personalisation PUK required";
        42 NetworkSubsetPinRequired "network subset personalisation PIN required";
        43 NetworkSubsetPukRequired "network subset personalisation PUK required";
        44 ServiceProviderPinRequired "service provider personalisation PIN required";
        45 ServiceProviderPukRequired "service provider personalisation PUK required";
        46 CorporatePinRequired "corporate personalisation PIN required";
        47 CorporatePukRequired "corporate personalisation PUK required";
        50 IncorrectParameters "incorrect parameters";
        100 UnknownError "unknown error";
        103 IllegalMs "illegal MS";
        106 IllegalMe "illegal ME";
        107 GprsNotAllowed "GPRS services not allowed";
        111 PlmnNotAllowed "PLMN not allowed";
        112 LocationAreaNotAllowed "location area not allowed";
        113 RoamingNotAllowed "roaming not allowed in this location area";
        132 ServiceOptionNotSupported "service option not supported";
        133 ServiceOptionNotSubscribed "requested service option not subscribed";
        134 ServiceOptionOutOfOrder "service option temporarily out of order";
        148 UnspecifiedGprsError "unspecified GPRS error";
        149 PdpAuthenticationFailure "PDP authentication failure";
        150 InvalidMobileClass "invalid mobile class";
    }
}

codes! {
    /// The result of a socket operation, from `+QIOPEN` or `AT+QIGETERROR`.
    SocketError {
        550 UnknownError "unknown error";
        551 Blocked "operation blocked";
        552 InvalidParameters "invalid parameters";
        553 NoMemory "memory not enough";
        554 CreateFailed "socket creation failed";
        555 NotSupported "operation not supported";
        556 BindFailed "socket bind failed";
        557 ListenFailed "socket listen failed";
        558 WriteFailed "socket write failed";
        559 ReadFailed "socket read failed";
        560 AcceptFailed "socket accept failed";
        561 PdpOpenFailed "PDP context open failed";
        562 PdpCloseFailed "PDP context close failed";
        563 IdentityInUse "socket identity in use";
        564 DnsBusy "DNS busy";
        565 DnsFailed "DNS parse failed";
        566 ConnectFailed "socket connect failed";
        567 SocketClosed "socket closed";
        568 Busy "operation busy";
        569 TimedOut "operation time-out";
        570 PdpBroken "PDP context broken down";
        571 SendCancelled "send cancelled";
        572 NotAllowed "operation not allowed";
        573 ApnNotConfigured "APN not configured";
        574 PortBusy "port busy";
    }
}

codes! {
    /// The result of `+QMTOPEN`, AT reference section 12.2.
    MqttOpenError {
        1 WrongParameter "wrong parameter";
        2 Occupied "client in use";
        3 PdpFailed "PDP context failed";
        4 DnsFailed "DNS parse failed";
        5 NetworkError "network error";
        65535 Failed "not opened";
    }
}

codes! {
    /// Why a broker refuses a client, MQTT 3.1.1 section 3.2.2.3.
    MqttRefusal {
        1 Version "protocol version not accepted";
        2 Identifier "client identifier rejected";
        3 Unavailable "server unavailable";
        4 Credentials "bad user name or password";
        5 NotAuthorised "not authorised";
    }
}

codes! {
    /// The result of an operation of the receiver for satellites, AT reference section 18.
    GnssError {
        501 InvalidParameter "invalid parameter";
        502 NotSupported "not supported";
        503 Busy "subsystem busy";
        504 Ongoing "session ongoing";
        505 NotActive "session not active";
        506 TimedOut "time-out";
        507 NotEnabled "function not enabled";
        508 TimeInformation "time information";
        509 XtraOff "XTRA not enabled";
        512 Validity "validity time out of range";
        513 Resource "internal resource";
        514 Locked "locked";
        515 EmergencyCall "end by emergency call";
        516 NoFix "not fixed yet";
        517 NoFence "no such geo-fence";
        549 UnknownError "unknown error";
    }
}

codes! {
    /// The result of a file operation, AT reference section 22.5.
    FileError {
        400 InvalidInput "invalid input value";
        401 LargerThanFile "larger than the file";
        402 ZeroBytes "zero bytes";
        403 DriveFull "drive full";
        405 NotFound "file not found";
        406 BadName "invalid file name";
        407 Exists "file exists";
        409 WriteFailed "write failed";
        410 OpenFailed "open failed";
        411 ReadFailed "read failed";
        413 TooManyOpen "too many files open";
        414 ReadOnly "read-only file";
        416 BadHandle "invalid file handle";
        417 ListFailed "list failed";
        418 DeleteFailed "delete failed";
        419 DiskInfoFailed "disk information not read";
        420 NoSpace "no space";
        421 TimedOut "file operation time-out";
        423 TooLarge "file too large";
        425 InvalidParameter "invalid parameter";
        426 AlreadyOpen "file already open";
    }
}

codes! {
    /// The result of an HTTP operation of the module, AT reference section 22.4.
    HttpError {
        701 UnknownError "unknown error";
        702 TimedOut "time-out";
        703 Busy "busy";
        704 UartBusy "UART busy";
        705 NoRequest "no request, or nothing to read";
        706 NetworkBusy "network busy";
        707 NetworkOpenFailed "network open failed";
        708 NotConfigured "no configuration";
        709 NetworkDeactivated "network deactivated";
        710 NetworkError "network error";
        711 UrlError "URL error";
        712 EmptyUrl "empty URL";
        713 AddressError "IP address error";
        714 DnsFailed "DNS error";
        715 SocketCreateFailed "socket creation failed";
        716 ConnectFailed "connect failed";
        717 ReadFailed "socket read failed";
        718 WriteFailed "socket write failed";
        719 Closed "socket closed";
        720 EncodeFailed "encoding failed";
        721 DecodeFailed "decoding failed";
        722 ReadTimedOut "read time-out";
        723 ResponseFailed "response failed";
        724 IncomingCall "incoming call";
        725 VoiceCall "voice call";
        726 InputTimedOut "input time-out";
        727 WaitDataTimedOut "time-out waiting for data";
        728 ResponseTimedOut "response time-out";
        729 NoMemory "memory not enough";
        730 InvalidParameter "invalid parameter";
    }
}

codes! {
    /// `+CMS ERROR`, AT reference section 22.3.
    CmsError {
        300 MeFailure "ME failure";
        301 SmsReserved "SMS service reserved";
        302 NotAllowed "operation not allowed";
        303 NotSupported "operation not supported";
        304 InvalidPduMode "invalid PDU mode parameter";
        305 InvalidTextMode "invalid text mode parameter";
        310 SimNotInserted "SIM not inserted";
        311 PinRequired "SIM PIN required";
        312 PhSimPinRequired "PH-SIM PIN required";
        313 SimFailure "SIM failure";
        314 SimBusy "SIM busy";
        315 SimWrong "SIM wrong";
        316 PukRequired "SIM PUK required";
        317 Pin2Required "SIM PIN2 required";
        318 Puk2Required "SIM PUK2 required";
        320 MemoryFailure "memory failure";
        321 InvalidIndex "invalid index";
        322 MemoryFull "memory full";
        330 SmscUnknown "service centre address unknown";
        331 NoNetwork "no network service";
        332 NetworkTimeOut "network time-out";
        500 UnknownError "unknown error";
        512 SimNotReady "SIM not ready";
        513 TooLong "message too long";
        514 InvalidParameters "invalid parameters";
        515 StorageFailure "storage failure";
        517 InvalidMode "invalid service mode";
        528 MoreMessages "more-messages-to-send state";
        529 MobileOriginatedNotAllowed "mobile-originated messages not allowed";
        530 GprsSuspended "GPRS suspended";
        531 StorageFull "storage full";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_the_round_trip() {
        for code in 0..=u16::MAX {
            assert_eq!(CmeError::from_code(code).code(), code);
            assert_eq!(SocketError::from_code(code).code(), code);
            assert_eq!(FileError::from_code(code).code(), code);
            assert_eq!(HttpError::from_code(code).code(), code);
            assert_eq!(CmsError::from_code(code).code(), code);
        }
    }

    #[test]
    fn numbers_mean_what_the_reference_says() {
        assert_eq!(CmeError::from_code(14), CmeError::SimBusy);
        assert_eq!(CmeError::from_code(149), CmeError::PdpAuthenticationFailure);
        assert_eq!(CmeError::from_code(515), CmeError(515));
        assert_eq!(SocketError::from_code(563), SocketError::IdentityInUse);
        assert_eq!(SocketError::from_code(566), SocketError::ConnectFailed);
    }
}
