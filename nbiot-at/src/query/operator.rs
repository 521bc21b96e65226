//! Networks to choose from, AT reference section 7.2.

use core::time::Duration;

use super::radio::access_number;
use super::{Fields, Line, Lines, List, Query, commands, digits, queries, within};
use crate::command::radio::Access;
use crate::error::Fault;
use crate::text::Text;

/// Longest time of `AT+COPS`, AT reference section 4.
const TIME_OUT: Duration = Duration::from_secs(180);

queries! {
    /// How the network is chosen, and which it is, `AT+COPS?`.
    CurrentOperator = "AT+COPS?", TIME_OUT => Selected,
        "+COPS: <mode>[,<format>,\"<oper>\"[,<AcT>]]", selected;
}

/// How the network is chosen, `<mode>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Selection {
    /// 0: by the modem.
    Automatic,
    /// 1: by the host.
    Manual,
    /// 2: not at all, the modem has left the network.
    Deregistered,
    /// 4: by the host, and by the modem where that one is not found.
    ManualAutomatic,
}

/// What `AT+COPS?` says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Selected {
    /// How the network is chosen.
    pub selection: Selection,
    /// Its name, or its number if the modem was set to that; `None` while there is none. What is not
    /// ASCII in it is left out.
    pub operator: Option<Text<48>>,
    /// Radio access technology.
    pub access: Option<Access>,
}

fn selected(lines: Lines<'_>) -> Option<Selected> {
    let mut fields = lines.fields("+COPS")?;
    let selection = match fields.number()? {
        0 => Selection::Automatic,
        1 => Selection::Manual,
        2 => Selection::Deregistered,
        4 => Selection::ManualAutomatic,
        _ => return None,
    };
    let format = fields.next();
    if format.text.is_empty() {
        return Some(Selected {
            selection,
            operator: None,
            access: None,
        });
    }
    within(format, 0..=2u8)?;
    let name = fields.next();
    let access = fields.next();
    let is_known = access.text.is_empty() || access_number(access).is_some();
    (name.quoted && is_known).then(|| Selected {
        selection,
        operator: Some(Text::lossy(name.text)),
        access: access_number(access),
    })
}

/// Looks for networks, `AT+COPS=?`: tens of seconds to minutes, and the modem can lose the network
/// that it is in. Not in normal operation.
///
/// The answer fits 1024 bytes, some twenty networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FindOperators;

impl Query for FindOperators {
    type Answer = List<Operator, 12>;
    const TIME_OUT: Duration = TIME_OUT;
    const EXPECTED: &'static str =
        "+COPS: [(<stat>,\"<long>\",\"<short>\",\"<numeric>\"[,<AcT>]),…],,(<modes>),(<formats>)";
    const IS_LONG: bool = true;

    fn write(&self, line: &mut Line) {
        line.text("AT+COPS=?");
    }

    fn parse(&self, lines: Lines<'_>) -> Result<Self::Answer, Fault> {
        operators(lines).ok_or(Fault::Malformed)
    }
}

/// Whether a network can be used, `<stat>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Availability {
    /// 0: not known.
    Unknown,
    /// 1: it can.
    Available,
    /// 2: the modem is in it.
    Current,
    /// 3: it refuses this SIM.
    Forbidden,
}

/// A network that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Operator {
    /// Whether it can be used.
    pub availability: Availability,
    /// Long name. What is not ASCII in it is left out.
    pub name: Text<32>,
    /// Country and network, five or six digits.
    pub mccmnc: Text<6>,
    /// Radio access technology.
    pub access: Option<Access>,
}

fn operators(lines: Lines<'_>) -> Option<List<Operator, 12>> {
    let line = lines.iter().find(|line| line.starts_with(b"+COPS"))?;
    let mut rest = line.strip_prefix(b"+COPS:")?.trim_ascii_start();
    let mut found = List::new();
    // Behind the networks two commas stand, or there are none and one.
    while let Some(group) = rest.strip_prefix(b"(") {
        let end = end_of_group(group)?;
        let (group, behind) = group.split_at(end);
        let comma = behind.strip_prefix(b"),")?;
        found.push(operator(Fields::bare(group))?);
        rest = comma;
    }
    let rest = rest.strip_prefix(b",")?;
    let mut lists = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii();
    for last in [b"),".as_slice(), b")"] {
        lists = lists.strip_prefix(b"(")?;
        let end = end_of_group(lists)?;
        lists = lists.get(end..)?.strip_prefix(last)?;
    }
    lists.is_empty().then_some(found)
}

/// Where the bracket closes that does not stand in quotes.
fn end_of_group(group: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    group.iter().position(|&byte| {
        is_quoted ^= byte == b'"';
        byte == b')' && !is_quoted
    })
}

fn operator(mut fields: Fields<'_>) -> Option<Operator> {
    let availability = match fields.number()? {
        0 => Availability::Unknown,
        1 => Availability::Available,
        2 => Availability::Current,
        3 => Availability::Forbidden,
        _ => return None,
    };
    let (name, short, number) = (fields.next(), fields.next(), fields.next());
    let mccmnc = digits(number.text, 5..=6)?;
    let access = fields.next();
    let is_known = access.text.is_empty() || access_number(access).is_some();
    (name.quoted && short.quoted && is_known).then(|| Operator {
        availability,
        name: Text::lossy(name.text),
        mccmnc,
        access: access_number(access),
    })
}

/// Chooses the network, `AT+COPS=`: 180 s, and the modem loses the one that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectOperator<'a> {
    /// By the modem.
    Automatic,
    /// This one, by its five or six digits.
    Manual(&'a str),
    /// This one, or another if it is not found.
    ManualAutomatic(&'a str),
}

/// How networks are named by [`CurrentOperator`], `AT+COPS=3,<format>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorFormat {
    /// 0: long name.
    Long = 0,
    /// 1: short name.
    Short = 1,
    /// 2: five or six digits.
    Numeric = 2,
}

commands! {
    SelectOperator<'_>, TIME_OUT, |this, line| {
        let line = line.text("AT+COPS=");
        match this {
            Self::Automatic => line.text("0"),
            Self::Manual(network) => line.text("1,2,").parameter(network),
            Self::ManualAutomatic(network) => line.text("4,2,").parameter(network),
        };
    };
    OperatorFormat, TIME_OUT, |this, line| {
        line.text("AT+COPS=3,").number(*this as u32);
    };
}
