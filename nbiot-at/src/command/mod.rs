//! The commands the engine sends, a chapter of the AT reference per module.

pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod file;
pub(crate) mod general;
pub(crate) mod radio;
pub(crate) mod sim;
pub(crate) mod socket;

use core::fmt::{self, Write};
use core::time::Duration;

use crate::config::Config;
use crate::text::Text;
use crate::tls::{FileName, Tls, TlsSetting};
use file::Handle;
use socket::{Connection, Transport};

/// Longest command line, with its CR.
pub(crate) const COMMAND: usize = 192;

/// Longest host name taken by `connect`.
pub(crate) const HOST: usize = 100;

/// What the request in hand names.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The peer of a connection, a name to resolve, a time server.
    pub(crate) host: Text<HOST>,
    pub(crate) port: u16,
    pub(crate) file: FileName,
    /// UTC to set, seconds since 1970.
    pub(crate) unix: u64,
}

impl Target {
    pub(crate) const NONE: Self = Self {
        host: Text::new(),
        port: 0,
        file: Text::new(),
        unix: 0,
    };
}

/// A command and its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// `AT`
    Attention,
    /// `ATQ0V1`: the same to a modem that answers with numbers or not at all.
    AttentionInWords,
    /// `ATE0`
    EchoOff,
    /// `ATV1`
    VerboseCodes,
    /// `ATQ0`
    ResultCodes,
    /// `AT+CMEE=1`
    ErrorNumbers,
    /// `AT+CMEE?`: its answer cannot be mistaken for that of another command.
    Guard,
    /// `AT+QURCCFG="urcport"`
    UrcPortQuery,
    /// `AT+QURCCFG="urcport","uart1"`
    UrcPort,
    /// `AT+CGMM`
    Model,
    /// `AT+QGMR`
    Revision,
    /// `AT+CGSN`
    Imei,
    /// `AT+QCCID`
    Iccid,
    /// `AT+CFUN=1`
    FullFunction,
    /// `AT+QPOWD=1`
    PowerDown,
    /// `AT+CPIN?`
    SimState,
    /// `AT+QPINC="SC"`
    PinTries,
    /// `AT+CPIN="…"`
    EnterPin,
    /// `AT+CEREG=<n>`
    Reports(u8),
    /// `AT+CGREG=2`
    GprsReports,
    /// `AT+CGEREP=2,1`
    ContextReports,
    /// `AT+CEREG?`
    Registration,
    /// `AT+CGREG?`
    GprsRegistration,
    /// `AT+COPS=0`
    AutomaticOperator,
    /// `AT+COPS=2`
    Deregister,
    /// `AT+QCSQ`
    Signal,
    /// `AT+CPSMS?`
    PowerSavingModeState,
    /// `AT+CPSMS=…`
    PowerSavingMode,
    /// `AT+QCFG="psm/urc"`
    PowerSavingReportsState,
    /// `AT+QCFG="psm/urc",1`
    PowerSavingReports,
    /// `AT+CEDRXS=…`
    DiscontinuousReception,
    /// `AT+CEDRXRDP`
    DiscontinuousReceptionState,
    /// `AT+QICSGP=1,…`
    ContextSettings,
    /// `AT+QIACT?`
    Contexts,
    /// `AT+QIACT=1`
    Activate,
    /// `AT+QIDEACT=1`
    Deactivate,
    /// `AT+QISDE=0`
    PayloadEchoOff,
    /// `AT+QISTATE?`
    Sockets,
    /// `AT+QSSLSTATE`
    TlsSockets,
    /// `AT+QSSLCFG="<key>",1,<value>`
    TlsSet(TlsSetting),
    /// `AT+QSSLCFG="<key>",1`
    TlsRead(TlsSetting),
    /// `AT+QIOPEN=1,<id>,"TCP",…`, `AT+QSSLOPEN=1,1,<id>,…`
    Open(Connection),
    /// `AT+QIGETERROR`
    OpenError,
    /// `AT+QISEND=<id>,<len>`, `AT+QSSLSEND=<id>,<len>` and the payload
    Send(Connection, u16),
    /// `AT+QISEND=<id>,0`
    SendCheck(u8),
    /// `AT+QIRD=<id>,<max>`, `AT+QSSLRECV=<id>,<max>`
    Read(Connection, u16),
    /// `AT+QIRD=<id>,0`
    ReadCheck(u8),
    /// `AT+QICLOSE=<id>,10`, `AT+QSSLCLOSE=<id>,10`
    Close(Connection),
    /// `AT+QIDNSGIP=1,"<name>"`
    Resolve,
    /// `AT+QLTS=1`
    NetworkTime,
    /// `AT+CCLK?`
    Clock,
    /// `AT+CCLK="…"`
    SetClock,
    /// `AT+CTZU?`
    AutomaticClockState,
    /// `AT+CTZU=1`
    AutomaticClock,
    /// `AT+QNTP=1,"<server>",<port>,1`: and sets the modem's clock
    Synchronise,
    /// `AT+QFLST="<name>"`
    FileSize,
    /// `AT+QFOPEN="<name>",<mode>`
    FileOpen(u8),
    /// `AT+QFSEEK=<handle>,<offset>,0`
    FileSeek(Handle, u32),
    /// `AT+QFREAD=<handle>,<len>`
    FileRead(Handle, u16),
    /// `AT+QFWRITE=<handle>,<len>` and the bytes
    FileWrite(Handle, u16),
    /// `AT+QFCLOSE=<handle>`
    FileClose(Handle),
    /// `AT+QFDEL="<name>"`
    FileDelete,
}

/// What the modem says when it wants the payload, AT reference sections 1.4 and 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invitation {
    /// `>`
    Prompt,
    /// A line `CONNECT`
    Connect,
}

impl Command {
    /// Longest time to the final result code, AT reference section 4.
    pub(crate) const fn time_out(self) -> Duration {
        Duration::from_millis(match self {
            Self::Attention | Self::AttentionInWords => 500,
            Self::SimState | Self::EnterPin | Self::PinTries => 5_000,
            Self::FullFunction => 15_000,
            Self::AutomaticOperator | Self::Deregister => 180_000,
            Self::Activate => 150_000,
            Self::Deactivate => 40_000,
            // The module gives up after the 10 s it was told.
            Self::Close(_) => 15_000,
            // A prompt, 5 s in the manual and more in the field; then the payload has its own time.
            Self::Send(..) | Self::FileWrite(..) => 20_000,
            Self::Read(..) | Self::FileRead(..) => 5_000,
            // Flash is erased.
            Self::FileOpen(_) | Self::FileClose(_) | Self::FileDelete => 10_000,
            // Local commands: 300 ms documented, identity and SIM files were seen to take more.
            _ => 2_000,
        })
    }

    /// Whether `OK` is only believed behind the command's own answer line.
    pub(crate) const fn needs_answer(self) -> bool {
        matches!(
            self,
            Self::Guard
                | Self::Model
                | Self::Revision
                | Self::Imei
                | Self::Iccid
                | Self::SimState
                | Self::PinTries
                | Self::Registration
                | Self::GprsRegistration
                | Self::Signal
                | Self::DiscontinuousReceptionState
                | Self::OpenError
                | Self::SendCheck(_)
                | Self::Read(..)
                | Self::ReadCheck(_)
                | Self::NetworkTime
                | Self::Clock
                | Self::TlsRead(_)
                | Self::FileOpen(_)
                | Self::FileRead(..)
                | Self::FileWrite(..)
        )
    }

    /// What its answer lines start with; `None` where the answer is bare.
    pub(crate) const fn prefix(self) -> Option<&'static str> {
        Some(match self {
            Self::Guard => "+CMEE:",
            Self::UrcPortQuery => "+QURCCFG",
            Self::PinTries => "+QPINC",
            Self::Signal => "+QCSQ",
            Self::PowerSavingModeState => "+CPSMS",
            Self::PowerSavingReportsState => "+QCFG",
            Self::DiscontinuousReceptionState => "+CEDRXRDP",
            Self::Contexts => "+QIACT",
            Self::Sockets => "+QISTATE",
            Self::OpenError => "+QIGETERROR",
            Self::SendCheck(_) => "+QISEND",
            Self::ReadCheck(_) => "+QIRD",
            Self::NetworkTime => "+QLTS",
            Self::Clock => "+CCLK",
            Self::TlsSockets => "+QSSLSTATE",
            Self::TlsRead(_) => "+QSSLCFG",
            Self::AutomaticClockState => "+CTZU",
            Self::FileSize => "+QFLST",
            Self::FileOpen(_) => "+QFOPEN",
            Self::FileWrite(..) => "+QFWRITE",
            _ => return None,
        })
    }

    /// Whether a missing answer calls for a new synchronisation.
    pub(crate) const fn resynchronises(self) -> bool {
        !matches!(self, Self::Attention | Self::AttentionInWords)
    }

    /// Whether a counted block may answer it.
    pub(crate) const fn has_block(self) -> bool {
        matches!(self, Self::Read(..) | Self::FileRead(..))
    }

    /// What invites the payload behind the command line, if it has one.
    pub(crate) const fn invitation(self) -> Option<Invitation> {
        match self {
            Self::Send(..) => Some(Invitation::Prompt),
            Self::FileWrite(..) => Some(Invitation::Connect),
            _ => None,
        }
    }

    /// The command line with its CR.
    pub(crate) fn encode(
        self,
        config: &Config,
        target: &Target,
    ) -> Result<Text<COMMAND>, fmt::Error> {
        let mut out = Text::new();
        self.write(&mut out, config, target)?;
        out.write_char('\r')?;
        Ok(out)
    }

    fn write(self, out: &mut Text<COMMAND>, config: &Config, to: &Target) -> fmt::Result {
        let Config {
            apn,
            user,
            password,
            pin,
            power_saving,
            ..
        } = config;
        let saving = power_saving.unwrap_or_default();
        match self {
            Self::Attention => out.write_str("AT"),
            Self::AttentionInWords => out.write_str("ATQ0V1"),
            Self::EchoOff => out.write_str("ATE0"),
            Self::VerboseCodes => out.write_str("ATV1"),
            Self::ResultCodes => out.write_str("ATQ0"),
            Self::ErrorNumbers => out.write_str("AT+CMEE=1"),
            Self::Guard => out.write_str("AT+CMEE?"),
            Self::UrcPortQuery => out.write_str("AT+QURCCFG=\"urcport\""),
            Self::UrcPort => out.write_str("AT+QURCCFG=\"urcport\",\"uart1\""),
            Self::Model => out.write_str("AT+CGMM"),
            Self::Revision => out.write_str("AT+QGMR"),
            Self::Imei => out.write_str("AT+CGSN"),
            Self::Iccid => out.write_str("AT+QCCID"),
            Self::FullFunction => out.write_str("AT+CFUN=1"),
            Self::PowerDown => out.write_str("AT+QPOWD=1"),
            Self::SimState => out.write_str("AT+CPIN?"),
            Self::PinTries => out.write_str("AT+QPINC=\"SC\""),
            Self::EnterPin => write!(out, "AT+CPIN=\"{pin}\""),
            Self::Reports(n) => write!(out, "AT+CEREG={n}"),
            Self::GprsReports => out.write_str("AT+CGREG=2"),
            Self::ContextReports => out.write_str("AT+CGEREP=2,1"),
            Self::Registration => out.write_str("AT+CEREG?"),
            Self::GprsRegistration => out.write_str("AT+CGREG?"),
            Self::AutomaticOperator => out.write_str("AT+COPS=0"),
            Self::Deregister => out.write_str("AT+COPS=2"),
            Self::Signal => out.write_str("AT+QCSQ"),
            Self::PowerSavingModeState => out.write_str("AT+CPSMS?"),
            Self::PowerSavingReportsState => out.write_str("AT+QCFG=\"psm/urc\""),
            Self::PowerSavingMode => match saving.psm {
                Some((periodic, active)) => {
                    write!(out, "AT+CPSMS=1,,,\"{periodic}\",\"{active}\"")
                }
                None => out.write_str("AT+CPSMS=0"),
            },
            Self::PowerSavingReports => out.write_str("AT+QCFG=\"psm/urc\",1"),
            Self::DiscontinuousReception => match saving.edrx {
                Some((access, cycle)) => {
                    write!(out, "AT+CEDRXS=1,{},\"{cycle}\"", access.number())
                }
                None => out.write_str("AT+CEDRXS=0"),
            },
            Self::DiscontinuousReceptionState => out.write_str("AT+CEDRXRDP"),
            Self::ContextSettings => {
                write!(out, "AT+QICSGP=1,1,\"{apn}\",\"{user}\",\"{password}\",1")
            }
            Self::Contexts => out.write_str("AT+QIACT?"),
            Self::Activate => out.write_str("AT+QIACT=1"),
            Self::Deactivate => out.write_str("AT+QIDEACT=1"),
            Self::PayloadEchoOff => out.write_str("AT+QISDE=0"),
            Self::Sockets => out.write_str("AT+QISTATE?"),
            Self::OpenError => out.write_str("AT+QIGETERROR"),
            Self::SendCheck(id) => write!(out, "AT+QISEND={id},0"),
            Self::ReadCheck(id) => write!(out, "AT+QIRD={id},0"),
            Self::NetworkTime => out.write_str("AT+QLTS=1"),
            Self::Clock => out.write_str("AT+CCLK?"),
            Self::SetClock => clock::write_setting(out, to.unix),
            Self::AutomaticClockState => out.write_str("AT+CTZU?"),
            Self::AutomaticClock => out.write_str("AT+CTZU=1"),
            Self::Synchronise => write!(out, "AT+QNTP=1,\"{}\",{},1", to.host, to.port),
            Self::Resolve => write!(out, "AT+QIDNSGIP=1,\"{}\"", to.host),
            Self::Open(_) | Self::Send(..) | Self::Read(..) | Self::Close(_) => {
                self.write_socket(out, to)
            }
            Self::TlsSockets => out.write_str("AT+QSSLSTATE"),
            Self::TlsRead(setting) => setting.write_to(out, None),
            Self::TlsSet(setting) => {
                let value = config.tls.as_ref().map(|tls: &Tls| tls.value(setting));
                setting.write_to(out, Some(value.unwrap_or_default().as_str()))
            }
            Self::FileSize => write!(out, "AT+QFLST=\"{}\"", to.file),
            Self::FileOpen(mode) => write!(out, "AT+QFOPEN=\"{}\",{mode}", to.file),
            Self::FileSeek(file, offset) => write!(out, "AT+QFSEEK={file},{offset},0"),
            Self::FileRead(file, len) => write!(out, "AT+QFREAD={file},{len}"),
            Self::FileWrite(file, len) => write!(out, "AT+QFWRITE={file},{len}"),
            Self::FileClose(file) => write!(out, "AT+QFCLOSE={file}"),
            Self::FileDelete => write!(out, "AT+QFDEL=\"{}\"", to.file),
        }
    }

    fn write_socket(self, out: &mut Text<COMMAND>, to: &Target) -> fmt::Result {
        let Target { host, port, .. } = to;
        match self {
            Self::Open(Connection { id, transport }) => match transport {
                Transport::Tcp => write!(out, "AT+QIOPEN=1,{id},\"TCP\",\"{host}\",{port},0,0"),
                Transport::Udp => write!(out, "AT+QIOPEN=1,{id},\"UDP\",\"{host}\",{port},0,0"),
                Transport::Tls => write!(out, "AT+QSSLOPEN=1,1,{id},\"{host}\",{port},0"),
            },
            Self::Send(Connection { id, transport }, len) => {
                write!(out, "AT+{}SEND={id},{len}", transport.family())
            }
            Self::Read(Connection { id, transport }, max) => match transport {
                Transport::Tls => write!(out, "AT+QSSLRECV={id},{max}"),
                _ => write!(out, "AT+QIRD={id},{max}"),
            },
            Self::Close(Connection { id, transport }) => {
                write!(out, "AT+{}CLOSE={id},10", transport.family())
            }
            _ => Err(fmt::Error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(command: Command) -> std::string::String {
        let mut config = Config::new(Text::parameter("iot.example").unwrap());
        config.pin = Text::parameter("1234").unwrap();
        config.tls = Some(Tls::new(Text::parameter("ca.pem").unwrap()));
        let target = Target {
            host: Text::parameter("broker.example").unwrap(),
            port: 1883,
            file: Text::parameter("ca.pem").unwrap(),
            unix: 1_774_745_999,
        };
        command.encode(&config, &target).unwrap().as_str().into()
    }

    #[test]
    fn command_lines_are_those_of_the_reference() {
        let socket = |id, transport| Connection { id, transport };
        let (tcp, tls) = (socket(3, Transport::Tcp), socket(4, Transport::Tls));
        for (command, expected) in [
            (Command::EchoOff, "ATE0\r"),
            (Command::EnterPin, "AT+CPIN=\"1234\"\r"),
            (
                Command::ContextSettings,
                "AT+QICSGP=1,1,\"iot.example\",\"\",\"\",1\r",
            ),
            (
                Command::Open(tcp),
                "AT+QIOPEN=1,3,\"TCP\",\"broker.example\",1883,0,0\r",
            ),
            (Command::Send(tcp, 1024), "AT+QISEND=3,1024\r"),
            (Command::SendCheck(3), "AT+QISEND=3,0\r"),
            (Command::Read(tcp, 1024), "AT+QIRD=3,1024\r"),
            (Command::Close(tcp), "AT+QICLOSE=3,10\r"),
            (
                Command::Open(socket(5, Transport::Udp)),
                "AT+QIOPEN=1,5,\"UDP\",\"broker.example\",1883,0,0\r",
            ),
            (
                Command::Open(tls),
                "AT+QSSLOPEN=1,1,4,\"broker.example\",1883,0\r",
            ),
            (Command::Send(tls, 1024), "AT+QSSLSEND=4,1024\r"),
            (Command::Read(tls, 1024), "AT+QSSLRECV=4,1024\r"),
            (Command::Close(tls), "AT+QSSLCLOSE=4,10\r"),
            (
                Command::TlsSet(TlsSetting::Authority),
                "AT+QSSLCFG=\"cacert\",1,\"ca.pem\"\r",
            ),
            (
                Command::TlsRead(TlsSetting::Level),
                "AT+QSSLCFG=\"seclevel\",1\r",
            ),
            (Command::SetClock, "AT+CCLK=\"26/03/29,00:59:59+00\"\r"),
            (Command::FileOpen(2), "AT+QFOPEN=\"ca.pem\",2\r"),
        ] {
            assert_eq!(line(command), expected);
        }
    }

    #[test]
    fn longest_parameters_fit_the_command_line() {
        let long = |n: usize| "x".repeat(n);
        let mut config = Config::new(Text::parameter(&long(63)).unwrap());
        config.user = Text::parameter(&long(32)).unwrap();
        config.password = Text::parameter(&long(32)).unwrap();
        config.tls = Some(Tls::new(Text::parameter(&long(32)).unwrap()));
        let target = Target {
            host: Text::parameter(&long(HOST)).unwrap(),
            port: u16::MAX,
            file: Text::parameter(&long(32)).unwrap(),
            unix: clock::SETTABLE.end - 1,
        };
        let open = |transport| Command::Open(Connection { id: 11, transport });
        for command in [
            Command::ContextSettings,
            open(Transport::Udp),
            open(Transport::Tls),
            Command::TlsSet(TlsSetting::Authority),
            Command::FileOpen(2),
            Command::Synchronise,
            Command::Resolve,
        ] {
            assert!(command.encode(&config, &target).is_ok(), "{command:?}");
        }
    }
}
