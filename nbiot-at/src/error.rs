//! What can go wrong, who failed, and what to do about it.

use core::fmt;

use crate::backoff::Class;
use crate::esim::es10::EnableResult;
use crate::{
    CmeError, CmsError, FileError, GnssError, HttpError, MqttOpenError, MqttRefusal, SocketError,
    TlsSetting,
};

/// What the modem, the SIM, the network or the caller did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// The modem does not answer, not even `AT`. It may be restarting: call `start`, and if that
    /// fails with the same fault use the power key or the reset line.
    Silent,
    /// The command got no answer in its time; the modem answers `AT` again.
    TimedOut,
    /// The modem answered `ERROR` without a reason.
    Refused,
    /// The modem answered `+CME ERROR`.
    Cme(CmeError),
    /// The modem answered `+CMS ERROR`.
    Cms(CmsError),
    /// A socket operation ended with this result.
    Socket(SocketError),
    /// A TLS connection could not be opened. The module does not tell one cause from another: the
    /// authority's file, the server's name, a client certificate that the server wants, the cipher
    /// suite, or the network.
    Tls(SocketError),
    /// The modem does not do this setting of TLS, or does not show it when it is read back: nothing
    /// was opened.
    TlsSetting(TlsSetting),
    /// The module's MQTT client could not reach its broker, or not by TLS.
    MqttOpen(MqttOpenError),
    /// The broker refused the client.
    MqttRefused(MqttRefusal),
    /// A server answered a request with this status.
    Http(u16),
    /// An operation of the module's own HTTP client ended with this result.
    HttpModule(HttpError),
    /// The resource is another one than that of which a part is there: begin anew.
    Changed,
    /// An operation of the receiver for satellites ended with this result.
    Gnss(GnssError),
    /// A file operation ended with this result.
    File(FileError),
    /// The answer does not have its documented form.
    Malformed,
    /// The modem restarted: nothing that was set up before holds.
    Restarted,
    /// The modem switched itself off.
    PoweredDown,
    /// The modem sleeps in power saving mode.
    Asleep,
    /// No SIM card.
    SimMissing,
    /// The SIM did not become ready within 20 s.
    SimFailure,
    /// The SIM is no eUICC: it holds one profile.
    NoEuicc,
    /// The card ended a command with this status, ISO 7816-4.
    CardStatus(u16),
    /// The card does not enable a profile.
    Profile(EnableResult),
    /// The answer of the card does not say what was asked.
    CardAnswer,
    /// The modem does not have the commands for this.
    NotSupported,
    /// The SIM asks for its PUK.
    SimBlocked,
    /// The SIM asks for a PIN and the configuration has none, or no try can be spared.
    PinRequired,
    /// The SIM refused the PIN; it is not sent again.
    PinRefused,
    /// No network within the search time.
    NotRegistered,
    /// The network denied registration, with the EMM cause where the modem tells it.
    Denied(Option<u8>),
    /// Registered abroad, and the configuration does not allow roaming.
    RoamingNotAllowed,
    /// [`Engine`](crate::Engine) has not been started since the modem's last restart.
    NotStarted,
    /// Every socket is in use.
    NoFreeSocket,
    /// The socket was closed by the caller or lost in a restart.
    UnknownSocket,
    /// The connection is closed and its data are read.
    Closed,
    /// The modem's send queue stayed full for the whole write time-out.
    QueueFull,
    /// A host name or other parameter is too long or not printable.
    InvalidParameter,
    /// The network has not given the modem the time.
    TimeNotValid,
    /// A request while another one runs.
    Busy,
    /// A broken invariant of this crate.
    LogicBug,
}

impl Fault {
    /// What the caller can do.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::PoweredDown | Self::Asleep => ErrorKind::Power,
            Self::Silent | Self::Restarted | Self::NotStarted | Self::SimFailure => {
                ErrorKind::Start
            }
            Self::TimedOut | Self::Refused | Self::Malformed | Self::Cme(_) | Self::Cms(_) => {
                ErrorKind::Retry
            }
            Self::NotRegistered | Self::TimeNotValid | Self::QueueFull => ErrorKind::Wait,
            Self::Socket(
                SocketError::PdpOpenFailed | SocketError::PdpBroken | SocketError::ApnNotConfigured,
            ) => ErrorKind::Start,
            Self::Socket(_) | Self::Tls(_) | Self::Closed => ErrorKind::Retry,
            Self::Gnss(GnssError::NotSupported | GnssError::InvalidParameter) => ErrorKind::Setting,
            Self::Gnss(_) => ErrorKind::Retry,
            Self::TlsSetting(_) | Self::File(_) => ErrorKind::Setting,
            Self::MqttOpen(MqttOpenError::PdpFailed) => ErrorKind::Start,
            Self::MqttOpen(MqttOpenError::WrongParameter) => ErrorKind::Caller,
            Self::MqttOpen(_) | Self::MqttRefused(MqttRefusal::Unavailable) => ErrorKind::Retry,
            Self::MqttRefused(_) => ErrorKind::Setting,
            Self::HttpModule(HttpError::NetworkDeactivated | HttpError::NetworkOpenFailed) => {
                ErrorKind::Start
            }
            Self::HttpModule(
                HttpError::NoRequest
                | HttpError::NotConfigured
                | HttpError::UrlError
                | HttpError::EmptyUrl
                | HttpError::InvalidParameter,
            ) => ErrorKind::Caller,
            Self::HttpModule(_) => ErrorKind::Retry,
            Self::Http(408 | 429 | 500..) => ErrorKind::Retry,
            Self::Http(_) => ErrorKind::Setting,
            Self::Changed => ErrorKind::Caller,
            Self::NoEuicc | Self::NotSupported | Self::Profile(_) => ErrorKind::Setting,
            Self::CardStatus(_) | Self::CardAnswer => ErrorKind::Retry,
            Self::SimMissing | Self::SimBlocked | Self::PinRequired | Self::PinRefused => {
                ErrorKind::Setting
            }
            Self::Denied(_) | Self::RoamingNotAllowed => ErrorKind::Setting,
            Self::NoFreeSocket | Self::UnknownSocket | Self::InvalidParameter => ErrorKind::Caller,
            Self::Busy | Self::LogicBug => ErrorKind::Caller,
        }
    }

    /// The back-off that the next attempt has to keep, see [`next_delay`](crate::next_delay).
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Silent | Self::PoweredDown | Self::Restarted | Self::NotStarted => Class::Restart,
            Self::SimMissing
            | Self::SimFailure
            | Self::NoEuicc
            | Self::CardStatus(_)
            | Self::Profile(_)
            | Self::CardAnswer
            | Self::SimBlocked
            | Self::PinRequired
            | Self::PinRefused => Class::Sim,
            Self::NotRegistered => Class::Registration,
            Self::Denied(Some(2 | 3 | 6 | 7 | 8)) | Self::RoamingNotAllowed => {
                Class::DeniedPermanent
            }
            Self::Denied(_) => Class::DeniedTemporary,
            Self::Cme(
                CmeError::ServiceOptionNotSubscribed
                | CmeError::PdpAuthenticationFailure
                | CmeError::NoNetworkService,
            ) => Class::Apn,
            Self::Socket(SocketError::DnsFailed | SocketError::DnsBusy) => Class::Dns,
            Self::Socket(SocketError::ApnNotConfigured) => Class::Apn,
            Self::Socket(SocketError::PdpOpenFailed | SocketError::PdpBroken) => Class::Context,
            Self::MqttOpen(MqttOpenError::DnsFailed) => Class::Dns,
            Self::MqttOpen(MqttOpenError::PdpFailed) => Class::Context,
            Self::MqttRefused(_) => Class::MqttRefused,
            Self::HttpModule(HttpError::DnsFailed) => Class::Dns,
            Self::HttpModule(HttpError::NetworkDeactivated | HttpError::NetworkOpenFailed) => {
                Class::Context
            }
            Self::HttpModule(_) | Self::Http(_) | Self::Changed => Class::Request,
            Self::TimeNotValid => Class::NetworkTime,
            Self::Socket(_)
            | Self::Tls(_)
            | Self::TlsSetting(_)
            | Self::MqttOpen(_)
            | Self::Closed
            | Self::QueueFull => Class::Connect,
            _ => Class::Command,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Cme(code) => return write!(f, "modem error: {code}"),
            Self::Socket(code) => return write!(f, "socket error: {code}"),
            Self::Profile(result) => return write!(f, "profile: {result}"),
            Self::CardStatus(status) => return write!(f, "card answered with {status:04X}"),
            Self::Cms(code) => return write!(f, "modem error: {code}"),
            Self::Http(status) => return write!(f, "server answered with status {status}"),
            Self::HttpModule(code) => return write!(f, "HTTP error of the module: {code}"),
            Self::MqttOpen(code) => return write!(f, "MQTT connection not opened: {code}"),
            Self::MqttRefused(code) => return write!(f, "broker refused the client: {code}"),
            Self::Tls(code) => return write!(f, "TLS connection not opened: {code}"),
            Self::TlsSetting(setting) => return write!(f, "TLS setting not taken: {setting}"),
            Self::Gnss(code) => return write!(f, "GNSS error: {code}"),
            Self::File(code) => return write!(f, "file error: {code}"),
            Self::Denied(Some(cause)) => return write!(f, "registration denied, cause {cause}"),
            Self::Silent => "modem does not answer",
            Self::TimedOut => "command timed out",
            Self::Refused => "command refused",
            Self::Malformed => "answer malformed",
            Self::Restarted => "modem restarted",
            Self::PoweredDown => "modem powered down",
            Self::Asleep => "modem asleep",
            Self::SimMissing => "no SIM",
            Self::SimFailure => "SIM not ready",
            Self::Changed => "resource has changed",
            Self::NoEuicc => "SIM is no eUICC",
            Self::CardAnswer => "answer of the card malformed",
            Self::NotSupported => "modem cannot do this",
            Self::SimBlocked => "SIM asks for its PUK",
            Self::PinRequired => "SIM asks for a PIN",
            Self::PinRefused => "SIM refused the PIN",
            Self::NotRegistered => "no network found",
            Self::Denied(None) => "registration denied",
            Self::RoamingNotAllowed => "roaming not allowed",
            Self::NotStarted => "modem not started",
            Self::NoFreeSocket => "no free socket",
            Self::UnknownSocket => "no such socket",
            Self::Closed => "connection closed",
            Self::QueueFull => "send queue full",
            Self::InvalidParameter => "parameter too long or not printable",
            Self::TimeNotValid => "network time not known",
            Self::Busy => "another request runs",
            Self::LogicBug => "broken invariant",
        };
        f.write_str(text)
    }
}

impl core::error::Error for Fault {}

/// What a caller does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ErrorKind {
    /// Try again after the delay of [`next_delay`](crate::next_delay).
    Retry,
    /// Nothing to do but wait.
    Wait,
    /// Call `start` again.
    Start,
    /// Use the power key or the reset line, then call `start`.
    Power,
    /// SIM, subscription or configuration must change first.
    Setting,
    /// The caller asked for what cannot be.
    Caller,
    /// The serial port failed.
    Serial,
}

/// How far `start` had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Stage {
    /// Looking for a modem that answers, and setting up its AT interface.
    #[default]
    Boot,
    /// Waiting for the SIM, entering the PIN.
    Sim,
    /// Waiting for the network.
    Registration,
    /// Activating the packet context.
    Context,
    /// Closing what an earlier session left open.
    Sockets,
    /// Done.
    Ready,
}

/// Error of the shells; `E` is the error of the serial port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The serial port failed.
    Serial(E),
    /// The serial port reported its end.
    SerialClosed,
    /// `start` failed.
    Start {
        /// How far it had come.
        stage: Stage,
        /// Why it failed.
        source: Fault,
    },
    /// The modem, the network or the caller failed.
    Modem(Fault),
}

impl<E> Error<E> {
    /// What the caller can do.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Serial(_) | Self::SerialClosed => ErrorKind::Serial,
            // It was given the time of a boot.
            Self::Start {
                source: Fault::Silent,
                ..
            } => ErrorKind::Power,
            Self::Start { source, .. } | Self::Modem(source) => source.kind(),
        }
    }

    /// The fault behind it, unless the serial port failed.
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Serial(_) | Self::SerialClosed => None,
            Self::Start { source, .. } | Self::Modem(source) => Some(*source),
        }
    }
}

impl<E> From<Fault> for Error<E> {
    fn from(fault: Fault) -> Self {
        Self::Modem(fault)
    }
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(error) => write!(f, "serial port: {error:?}"),
            Self::SerialClosed => f.write_str("serial port closed"),
            Self::Start { stage, source } => write!(f, "start failed at {stage:?}: {source}"),
            Self::Modem(fault) => fault.fmt(f),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}

impl<E: fmt::Debug> embedded_io::Error for Error<E> {
    fn kind(&self) -> embedded_io::ErrorKind {
        match self.fault() {
            Some(Fault::TimedOut | Fault::QueueFull) => embedded_io::ErrorKind::TimedOut,
            Some(Fault::Closed | Fault::UnknownSocket) => embedded_io::ErrorKind::NotConnected,
            Some(Fault::Restarted | Fault::PoweredDown | Fault::Asleep) => {
                embedded_io::ErrorKind::ConnectionReset
            }
            _ => embedded_io::ErrorKind::Other,
        }
    }
}
