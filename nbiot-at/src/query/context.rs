//! Packet contexts, AT reference section 9.

use core::net::IpAddr;
use core::time::Duration;

use super::{LOCAL, Lines, asking, commands, queries, some_address, switch, text, within};
use crate::config::Apn;
use crate::field::Field;
use crate::text::Text;

/// AT reference section 4.
const ATTACH: Duration = Duration::from_secs(140);
const ACTIVATE: Duration = Duration::from_secs(150);

queries! {
    /// Whether the modem is attached to the packet service, `AT+CGATT?`. It may be and reach nobody.
    PacketService = "AT+CGATT?", LOCAL => bool, "+CGATT: <state>",
        |lines| switch(lines.fields("+CGATT")?.next());
}

/// Attaches to the packet service, or detaches from it, `AT+CGATT=`: up to 140 s. Detached, every
/// connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attach(pub bool);

/// Kind of a packet context, `<PDP_type>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ContextKind {
    /// `IP`
    V4,
    /// `IPV6`
    V6,
    /// `IPV4V6`
    V4V6,
    /// `PPP`
    Ppp,
}

impl ContextKind {
    const NAMES: [(&'static str, Self); 4] = [
        ("IP", Self::V4),
        ("IPV6", Self::V6),
        ("IPV4V6", Self::V4V6),
        ("PPP", Self::Ppp),
    ];

    fn parse(field: Field<'_>) -> Option<Self> {
        let is_it = |(name, _): &&(&str, Self)| field.text.eq_ignore_ascii_case(name.as_bytes());
        Self::NAMES.iter().find(is_it).map(|&(_, kind)| kind)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IP",
            Self::V6 => "IPV6",
            Self::V4V6 => "IPV4V6",
            Self::Ppp => "PPP",
        }
    }
}

/// How a packet context is defined, `AT+CGDCONT?`; `None`: it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextDefinition {
    /// Its number, `<cid>`.
    pub context: u8,
}

/// How a packet context is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Definition {
    /// What it carries.
    pub kind: ContextKind,
    /// Access point name.
    pub apn: Apn,
}

/// Defines a packet context, `AT+CGDCONT=`. LTE attaches with number 1: before it registers.
///
/// `start` does so with [`Config::apn`](crate::Config::apn).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefineContext<'a> {
    /// Its number, `<cid>`.
    pub context: u8,
    /// What it carries.
    pub kind: ContextKind,
    /// Access point name.
    pub apn: &'a str,
}

/// Forgets how a packet context is defined, `AT+CGDCONT=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteContext {
    /// Its number, `<cid>`.
    pub context: u8,
}

/// Whether a packet context is active, `AT+CGACT?`; `None`: it is not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextState {
    /// Its number, `<cid>`.
    pub context: u8,
}

/// Activates a packet context, or deactivates it, `AT+CGACT=`: up to 150 s. Connections over one that
/// is deactivated are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivateContext {
    /// Its number, `<cid>`.
    pub context: u8,
    /// Active or not.
    pub is_active: bool,
}

/// The address of a packet context, `AT+CGPADDR=`; `None` while it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextAddress {
    /// Its number, `<cid>`.
    pub context: u8,
}

/// How the module's own protocols use a packet context, `AT+QICSGP=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextSettings {
    /// Its number, 1 to 16.
    pub context: u8,
}

/// What `AT+QICSGP` says; its password is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Access {
    /// `<type>`: 0 not set, 1 IPv4, 2 IPv6, 3 both.
    pub kind: u8,
    /// Access point name.
    pub apn: Apn,
    /// User name.
    pub user: Text<64>,
    /// `<auth>`: 0 none, 1 PAP, 2 CHAP, 3 either.
    pub authentication: u8,
}

/// The packet context that the module's own protocols use, `AT+QIACT?`; `None`: it is not active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveContext {
    /// Its number, 1 to 16.
    pub context: u8,
}

/// What `AT+QIACT?` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Active {
    /// `<type>`: 1 IPv4, 2 IPv6, 3 both.
    pub kind: u8,
    /// The address of the modem.
    pub address: Option<IpAddr>,
}

/// Who is asked for names, `AT+QIDNSCFG=`; the module refuses while the context is not active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameServers {
    /// Number of the context, 1 to 16.
    pub context: u8,
}

/// Sets who is asked for names, `AT+QIDNSCFG=`, until the context goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetNameServer<'a> {
    /// Number of the context, 1 to 16.
    pub context: u8,
    /// Its address.
    pub address: &'a str,
}

commands! {
    Attach, ATTACH, |this, line| {
        line.text("AT+CGATT=").number(this.0.into());
    };
    DefineContext<'_>, LOCAL, |this, line| {
        line.text("AT+CGDCONT=").number(this.context.into());
        line.text(",").quoted(this.kind.name()).text(",").parameter(this.apn);
    };
    DeleteContext, LOCAL, |this, line| {
        line.text("AT+CGDCONT=").number(this.context.into());
    };
    ActivateContext, ACTIVATE, |this, line| {
        line.text("AT+CGACT=").number(this.is_active.into());
        line.text(",").number(this.context.into());
    };
    SetNameServer<'_>, LOCAL, |this, line| {
        line.text("AT+QIDNSCFG=").number(this.context.into());
        line.text(",").parameter(this.address);
    };
}

asking! {
    ContextDefinition, LOCAL, |_, line| {
        line.text("AT+CGDCONT?");
    } => Option<Definition>,
        "[+CGDCONT: <cid>,\"<type>\",\"<apn>\",\"<addr>\",<dc>,<hc>[,…]]",
        |this, lines| one(lines, "+CGDCONT", this.context, |fields| {
            Some(Definition { kind: ContextKind::parse(fields.next())?, apn: quoted(fields.next())? })
        });
    ContextState, LOCAL, |_, line| {
        line.text("AT+CGACT?");
    } => Option<bool>, "[+CGACT: <cid>,<state>]",
        |this, lines| one(lines, "+CGACT", this.context, |fields| switch(fields.next()));
    ContextAddress, LOCAL, |this, line| {
        line.text("AT+CGPADDR=").number(this.context.into());
    } => Option<IpAddr>, "+CGPADDR: <cid>[,<addr>]",
        |this, lines| {
            let found = one(lines, "+CGPADDR", this.context, |fields| some_address(fields.next()));
            // That of another context is no answer.
            let found = found.filter(|found| found.is_some() || lines.is_empty());
            found.map(Option::flatten)
        };
    ContextSettings, LOCAL, |this, line| {
        line.text("AT+QICSGP=").number(this.context.into());
    } => Access, "+QICSGP: <type>,\"<apn>\",\"<user>\",\"<pass>\",<auth>",
        |_, lines| {
            let mut fields = lines.fields("+QICSGP")?;
            let (kind, apn, user) = (fields.next(), fields.next(), fields.next());
            let password = fields.next();
            password.quoted.then_some(())?;
            Some(Access {
                kind: within(kind, 0..=3)?,
                apn: quoted(apn)?,
                user: quoted(user)?,
                authentication: within(fields.next(), 0..=3)?,
            })
        };
    ActiveContext, LOCAL, |_, line| {
        line.text("AT+QIACT?");
    } => Option<Active>, "[+QIACT: <context>,<state>,<type>[,\"<ip>\"]]",
        |this, lines| {
            let found = one(lines, "+QIACT", this.context, |fields| {
                let is_active = switch(fields.next())?;
                let kind = within(fields.next(), 1..=3)?;
                let address = some_address(fields.next())?;
                Some(is_active.then_some(Active { kind, address }))
            });
            found.map(Option::flatten)
        };
    NameServers, LOCAL, |this, line| {
        line.text("AT+QIDNSCFG=").number(this.context.into());
    } => [Option<IpAddr>; 2], "+QIDNSCFG: <context>,\"<dns1>\",\"<dns2>\"",
        |this, lines| {
            let found = one(lines, "+QIDNSCFG", this.context, |fields| {
                Some([some_address(fields.next())?, some_address(fields.next())?])
            });
            found.flatten()
        };
}

/// What the line of a context says, `None` inside if it has none. One line that cannot be read
/// spoils all: it may be that of this context.
fn one<T>(
    lines: Lines<'_>,
    prefix: &str,
    context: u8,
    read: impl Fn(&mut super::Fields<'_>) -> Option<T>,
) -> Option<Option<T>> {
    let mut found = None;
    let mut count = 0;
    for mut fields in lines.all(prefix) {
        count += 1;
        let number: u8 = fields.number()?;
        let says = read(&mut fields)?;
        if number == context {
            found = Some(says);
        }
    }
    (count == lines.iter().count()).then_some(found)
}

/// A text in quotes.
fn quoted<const N: usize>(field: Field<'_>) -> Option<Text<N>> {
    text(field.text).filter(|_| field.quoted)
}
