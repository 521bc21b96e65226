//! TLS of the module: what is asked of it before a connection, AT reference section 11.

use core::fmt;
use core::time::Duration;

use crate::command::line::Line;
use crate::field::{Fields, is_same};
use crate::text::{Bytes, Text};

/// Name of a file in the modem, at most 32 printable characters. The modem takes 80 and advises
/// 8.3, AT reference section 14.
pub type FileName = Text<FILE_NAME>;
pub(crate) const FILE_NAME: usize = 32;

/// The TLS context of the module that this client uses, of 0 to 5.
const CONTEXT: u8 = 1;

/// The client's own certificate, for servers that ask for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// File of the certificate, PEM.
    pub certificate: FileName,
    /// File of its private key, PEM.
    pub key: FileName,
}

/// Whether the name in the server's certificate is compared with the host that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NameCheck {
    /// No connection without it. The BG96 cannot do it.
    Required,
    /// Where the modem can. Elsewhere every certificate that the authority has signed is taken: use
    /// an authority of your own, that signs nothing but your servers.
    WhereSupported,
}

/// How connections with [`Transport::Tls`](crate::Transport::Tls) are protected.
///
/// [`Tls::new`] checks the server's certificate against the authority, its dates against the
/// modem's clock, and its name. Each setting that security rests on is read back before the
/// connection is opened.
///
/// A file is put into the modem with `store_file` of the shells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// File of the authority that signs servers, PEM.
    pub authority: FileName,
    /// The client's certificate, if servers ask for one.
    pub identity: Option<ClientIdentity>,
    /// Whether the name in the certificate is compared.
    pub name_check: NameCheck,
    /// Whether dates in the certificate are compared with the modem's clock, which has to be set.
    pub checks_dates: bool,
    /// The only cipher suite that is offered, by its IANA number; `0xffff`: all that the module has.
    ///
    /// Default `0xc02f`, ECDHE-RSA-AES128-GCM-SHA256: of those in the AT reference the one with
    /// forward secrecy and authenticated encryption. A server with an ECDSA certificate needs another.
    pub cipher_suite: u16,
    /// Time of the handshake, 10 to 300 s.
    pub negotiation_time: Duration,
}

impl Tls {
    /// Server, name and dates are checked; no client certificate; 60 s for the handshake.
    #[must_use]
    pub const fn new(authority: FileName) -> Self {
        Self {
            authority,
            identity: None,
            name_check: NameCheck::Required,
            checks_dates: true,
            cipher_suite: 0xc02f,
            negotiation_time: Duration::from_secs(60),
        }
    }

    /// Whether a setting applies.
    pub(crate) const fn has(&self, setting: TlsSetting) -> bool {
        match setting {
            TlsSetting::Certificate | TlsSetting::Key => self.identity.is_some(),
            _ => true,
        }
    }

    /// Whether a modem that does not know a setting will do.
    pub(crate) const fn is_optional(&self, setting: TlsSetting) -> bool {
        match setting {
            TlsSetting::ServerName | TlsSetting::NegotiationTime => true,
            TlsSetting::NameCheck => matches!(self.name_check, NameCheck::WhereSupported),
            _ => false,
        }
    }

    /// The value as it is written, without its quotes.
    pub(crate) fn value(&self, setting: TlsSetting) -> Text<32> {
        let identity = self.identity.as_ref();
        let mut text = Bytes::<32>::new();
        let mut line = Line::new(&mut text);
        match setting {
            TlsSetting::Version => line.text("3"),
            TlsSetting::CipherSuite => line.text("0X").digits(self.cipher_suite.into(), 16, 4),
            TlsSetting::Authority => line.text(self.authority.as_str()),
            TlsSetting::Level => line.text(if identity.is_some() { "2" } else { "1" }),
            TlsSetting::Dates => line.text(if self.checks_dates { "0" } else { "1" }),
            TlsSetting::ServerName | TlsSetting::NameCheck => line.text("1"),
            TlsSetting::Certificate => line.text(identity.map_or("", |i| i.certificate.as_str())),
            TlsSetting::Key => line.text(identity.map_or("", |i| i.key.as_str())),
            TlsSetting::NegotiationTime => {
                let seconds = self.negotiation_time.as_secs().clamp(10, 300);
                line.number(u32::try_from(seconds).unwrap_or(300))
            }
        };
        Text::lossy(&text)
    }
}

/// A setting of TLS, as a modem may refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TlsSetting {
    /// `sslversion`: TLS 1.2 and nothing below.
    Version,
    /// `ciphersuite`
    CipherSuite,
    /// `cacert`
    Authority,
    /// `seclevel`: the server is verified.
    Level,
    /// `ignorelocaltime`: the dates of the certificate are verified.
    Dates,
    /// `sni`: the server is told its name, as hosted ones need it.
    ServerName,
    /// `checkhost`: the name in the certificate is verified.
    NameCheck,
    /// `clientcert`
    Certificate,
    /// `clientkey`
    Key,
    /// `negotiatetime`
    NegotiationTime,
}

impl TlsSetting {
    /// In the order they are written.
    pub(crate) const ALL: [Self; 10] = [
        Self::Version,
        Self::CipherSuite,
        Self::Authority,
        Self::Level,
        Self::Dates,
        Self::ServerName,
        Self::NameCheck,
        Self::Certificate,
        Self::Key,
        Self::NegotiationTime,
    ];

    /// The word of `AT+QSSLCFG`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Version => "sslversion",
            Self::CipherSuite => "ciphersuite",
            Self::Authority => "cacert",
            Self::Level => "seclevel",
            Self::Dates => "ignorelocaltime",
            Self::ServerName => "sni",
            Self::NameCheck => "checkhost",
            Self::Certificate => "clientcert",
            Self::Key => "clientkey",
            Self::NegotiationTime => "negotiatetime",
        }
    }

    /// Whether a connection without it is not the one that was asked for.
    pub(crate) const fn is_read_back(self) -> bool {
        !matches!(self, Self::ServerName | Self::NegotiationTime)
    }

    const fn is_quoted(self) -> bool {
        matches!(self, Self::Authority | Self::Certificate | Self::Key)
    }
}

impl fmt::Display for TlsSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// `AT+QSSLCFG="<key>",1` and, to write it, its value.
pub(crate) fn write(line: &mut Line<'_>, setting: TlsSetting, value: Option<&str>) {
    line.text("AT+QSSLCFG=").quoted(setting.key());
    line.text(",").number(CONTEXT.into());
    match value {
        Some(value) if setting.is_quoted() => {
            line.text(",").quoted(value);
        }
        Some(value) => {
            line.text(",").text(value);
        }
        None => {}
    }
}

/// Whether `+QSSLCFG: "<key>",1,<value>` shows this value.
pub(crate) fn shows(line: &[u8], setting: TlsSetting, value: &str) -> bool {
    let Some(mut fields) = Fields::of(line, "+QSSLCFG") else {
        return false;
    };
    fields.next().text == setting.key().as_bytes()
        && fields.number() == Some(CONTEXT)
        && is_same(fields.next().text, value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_shown_only_by_its_own_line() {
        let is_shown = |line: &str| shows(line.as_bytes(), TlsSetting::Level, "2");
        assert!(is_shown("+QSSLCFG: \"seclevel\",1,2"));
        for line in [
            "+QSSLCFG: \"seclevel\",1,0",
            "+QSSLCFG: \"seclevel\",0,2",
            "+QSSLCFG: \"seclevel\",1",
            "+QSSLCFG: \"sslversion\",1,2",
            "+QMTCFG: \"seclevel\",1,2",
        ] {
            assert!(!is_shown(line), "{line}");
        }
        let suite = b"+QSSLCFG: \"ciphersuite\",1,0xc02f";
        assert!(shows(suite, TlsSetting::CipherSuite, "0XC02F"));
    }

    #[test]
    fn the_default_verifies_all_that_can_be_verified() {
        let tls = Tls::new(Text::parameter("ca.pem").unwrap());
        for (setting, value) in [
            (TlsSetting::Version, "3"),
            (TlsSetting::Level, "1"),
            (TlsSetting::Dates, "0"),
            (TlsSetting::NameCheck, "1"),
            (TlsSetting::ServerName, "1"),
        ] {
            assert_eq!(tls.value(setting).as_str(), value);
        }
        assert!(!tls.is_optional(TlsSetting::NameCheck));
    }
}
