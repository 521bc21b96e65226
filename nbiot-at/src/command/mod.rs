//! The commands the engine sends, a chapter of the AT reference per module.

pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod general;
pub(crate) mod radio;
pub(crate) mod sim;
pub(crate) mod socket;

use core::fmt::{self, Write};
use core::time::Duration;

use crate::config::Config;
use crate::text::Text;

/// Longest command line, with its CR.
pub(crate) const COMMAND: usize = 192;

/// Longest host name taken by `connect`.
pub(crate) const HOST: usize = 100;

/// Where a socket connects to.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) host: Text<HOST>,
    pub(crate) port: u16,
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
    /// `AT+QIOPEN=1,<id>,"TCP",…`
    Open(u8),
    /// `AT+QIGETERROR`
    OpenError,
    /// `AT+QISEND=<id>,<len>` and the payload
    Send(u8, u16),
    /// `AT+QISEND=<id>,0`
    SendCheck(u8),
    /// `AT+QIRD=<id>,<max>`
    Read(u8, u16),
    /// `AT+QIRD=<id>,0`
    ReadCheck(u8),
    /// `AT+QICLOSE=<id>,10`
    Close(u8),
    /// `AT+QLTS=1`
    NetworkTime,
    /// `AT+CCLK?`
    Clock,
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
            Self::Send(..) => 20_000,
            Self::Read(..) => 5_000,
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
            _ => return None,
        })
    }

    /// Whether a missing answer calls for a new synchronisation.
    pub(crate) const fn resynchronises(self) -> bool {
        !matches!(self, Self::Attention | Self::AttentionInWords)
    }

    /// The command line with its CR.
    pub(crate) fn encode(
        self,
        config: &Config,
        endpoint: &Endpoint,
    ) -> Result<Text<COMMAND>, fmt::Error> {
        let mut out = Text::new();
        self.write(&mut out, config, endpoint)?;
        out.write_char('\r')?;
        Ok(out)
    }

    fn write(self, out: &mut Text<COMMAND>, config: &Config, to: &Endpoint) -> fmt::Result {
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
            Self::Open(id) => {
                write!(
                    out,
                    "AT+QIOPEN=1,{id},\"TCP\",\"{}\",{},0,0",
                    to.host, to.port
                )
            }
            Self::OpenError => out.write_str("AT+QIGETERROR"),
            Self::Send(id, len) => write!(out, "AT+QISEND={id},{len}"),
            Self::SendCheck(id) => write!(out, "AT+QISEND={id},0"),
            Self::Read(id, max) => write!(out, "AT+QIRD={id},{max}"),
            Self::ReadCheck(id) => write!(out, "AT+QIRD={id},0"),
            Self::Close(id) => write!(out, "AT+QICLOSE={id},10"),
            Self::NetworkTime => out.write_str("AT+QLTS=1"),
            Self::Clock => out.write_str("AT+CCLK?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(command: Command) -> std::string::String {
        let mut config = Config::new(Text::parameter("iot.example").unwrap());
        config.pin = Text::parameter("1234").unwrap();
        let host = Text::parameter("broker.example").unwrap();
        let text = command
            .encode(&config, &Endpoint { host, port: 1883 })
            .unwrap();
        text.as_str().into()
    }

    #[test]
    fn command_lines_are_those_of_the_reference() {
        for (command, expected) in [
            (Command::EchoOff, "ATE0\r"),
            (Command::EnterPin, "AT+CPIN=\"1234\"\r"),
            (
                Command::ContextSettings,
                "AT+QICSGP=1,1,\"iot.example\",\"\",\"\",1\r",
            ),
            (
                Command::Open(0),
                "AT+QIOPEN=1,0,\"TCP\",\"broker.example\",1883,0,0\r",
            ),
            (Command::Send(3, 1024), "AT+QISEND=3,1024\r"),
            (Command::SendCheck(3), "AT+QISEND=3,0\r"),
            (Command::Read(0, 1024), "AT+QIRD=0,1024\r"),
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
        let endpoint = Endpoint {
            host: Text::parameter(&long(HOST)).unwrap(),
            port: u16::MAX,
        };
        for command in [Command::ContextSettings, Command::Open(11)] {
            assert!(command.encode(&config, &endpoint).is_ok(), "{command:?}");
        }
    }
}
