//! The cell and the network around the modem, AT reference section 7.3.

use core::time::Duration;

use super::radio::access;
use super::{Fields, LOCAL, Line, Lines, Query, digits, queries, text, within};
use crate::command::radio::Access;
use crate::error::Fault;
use crate::field::Field;
use crate::text::Text;

queries! {
    /// Access, network, band and channel, `AT+QNWINFO`; `None` without service.
    NetworkInformation = "AT+QNWINFO", LOCAL => Option<Network>,
        "+QNWINFO: \"<act>\",\"<mccmnc>\",\"<band>\",<channel>", network;
    /// Names of the network, `AT+QSPN`.
    ServiceProvider = "AT+QSPN", LOCAL => ProviderNames,
        "+QSPN: \"<full>\",\"<short>\",\"<spn>\",<alphabet>,\"<mccmnc>\"", provider;
    /// The cell that serves the modem, `AT+QENG="servingcell"`.
    ServingCell = "AT+QENG=\"servingcell\"", LOCAL => Serving,
        "+QENG: \"servingcell\",\"<state>\"[,\"<rat>\",…]", serving;
    /// Why the last failure happened, `AT+CEER`, in words; BG95 only.
    LastFailure = "AT+CEER", LOCAL => Text<64>, "+CEER: <text>", |lines| {
        // There may be commas in it.
        let line = lines.iter().find_map(|line| line.strip_prefix(b"+CEER:"))?;
        text(line.trim_ascii())
    };
}

/// How many cells the modem sees beside it, `AT+QENG="neighbourcell"`: those whose lines fit 1024
/// bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighbourCells;

impl Query for NeighbourCells {
    type Answer = usize;
    const TIME_OUT: Duration = LOCAL;
    const EXPECTED: &'static str = "[+QENG: \"neighbourcell…\",…]";
    const MAY_BE_CUT: bool = true;

    fn write(&self, line: &mut Line) {
        line.text("AT+QENG=\"neighbourcell\"");
    }

    fn parse(&self, lines: Lines<'_>) -> Result<usize, Fault> {
        let mut names = lines.all("+QENG").map(|mut fields| fields.next().text);
        let are_cells = names.all(|name| name.starts_with(b"neighbourcell"));
        let count = lines.all("+QENG").count();
        let is_all = are_cells && count == lines.iter().count();
        is_all.then_some(count).ok_or(Fault::Malformed)
    }
}

/// What `AT+QNWINFO` says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Network {
    /// Radio access technology.
    pub access: Access,
    /// Country and network, five or six digits.
    pub mccmnc: Text<6>,
    /// `LTE BAND 20`, `GSM 900`.
    pub band: Text<24>,
    /// EARFCN or ARFCN.
    pub channel: u32,
}

fn network(lines: Lines<'_>) -> Option<Option<Network>> {
    let mut fields = lines.fields("+QNWINFO")?;
    let name = fields.next().text;
    if matches!(name, b"No Service" | b"NONE") {
        return Some(None);
    }
    Some(Some(Network {
        access: access(name)?,
        mccmnc: digits(fields.next().text, 5..=6)?,
        band: some(fields.next())?,
        channel: fields.number()?,
    }))
}

/// What `AT+QSPN` says. A name that is not ASCII is shown without what is not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ProviderNames {
    /// Full name of the network.
    pub full: Text<32>,
    /// Short name of the network.
    pub short: Text<16>,
    /// Name that the SIM gives.
    pub provider: Text<32>,
    /// Country and network, five or six digits.
    pub mccmnc: Text<6>,
}

fn provider(lines: Lines<'_>) -> Option<ProviderNames> {
    let mut fields = lines.fields("+QSPN")?;
    let (full, short, provider) = (fields.next(), fields.next(), fields.next());
    fields.number::<u8>()?;
    let are_names = full.quoted && short.quoted && provider.quoted;
    let mccmnc = digits(fields.next().text, 5..=6).filter(|_| are_names)?;
    Some(ProviderNames {
        full: Text::lossy(full.text),
        short: Text::lossy(short.text),
        provider: Text::lossy(provider.text),
        mccmnc,
    })
}

/// What the modem does with its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CellState {
    /// `SEARCH`: it looks for one.
    Searching,
    /// `LIMSRV`: on one that gives no service.
    Limited,
    /// `NOCONN`: on one, idle.
    Idle,
    /// `CONNECT`: on one, connected.
    Connected,
}

/// What `AT+QENG="servingcell"` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Serving {
    /// What the modem does.
    pub state: CellState,
    /// Radio access technology; `None` while it is on no cell.
    pub access: Option<Access>,
    /// The cell, of LTE-M and NB-IoT; what is said of one of GSM is not taken apart.
    pub lte: Option<LteCell>,
}

/// A cell of LTE-M or NB-IoT; what is not known is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct LteCell {
    /// `TDD`, and not `FDD`.
    pub is_tdd: Option<bool>,
    /// Mobile country code.
    pub mcc: Option<u16>,
    /// Mobile network code.
    pub mnc: Option<u16>,
    /// Cell identity.
    pub cell: Option<u32>,
    /// Physical cell identity, 0 to 503.
    pub physical_cell: Option<u16>,
    /// Channel, EARFCN.
    pub channel: Option<u32>,
    /// Band, as 3GPP TS 36.101 counts them.
    pub band: Option<u8>,
    /// Bandwidth up and down, tenths of a MHz.
    pub bandwidth: [Option<u8>; 2],
    /// Tracking area code.
    pub tracking_area: Option<u32>,
    /// Reference signal received power, dBm.
    pub rsrp: Option<i16>,
    /// Reference signal received quality, dB.
    pub rsrq: Option<i16>,
    /// Received signal strength, dBm.
    pub rssi: Option<i16>,
    /// Signal to interference and noise, as the module numbers it.
    pub sinr: Option<i16>,
    /// Level by which the cell is chosen, dB.
    pub level: Option<i16>,
}

fn serving(lines: Lines<'_>) -> Option<Serving> {
    let mut fields = lines.fields("+QENG")?;
    let is_serving = fields.next().text == b"servingcell";
    let state = match fields.next().text {
        b"SEARCH" => CellState::Searching,
        b"LIMSRV" => CellState::Limited,
        b"NOCONN" => CellState::Idle,
        b"CONNECT" => CellState::Connected,
        _ => return None,
    };
    let name = fields.next();
    let has_no_cell = match state {
        CellState::Searching => true,
        CellState::Limited => name.text.is_empty(),
        CellState::Idle | CellState::Connected => false,
    };
    let (mut access, mut lte) = (None, None);
    if !has_no_cell {
        access = known(name, |name| self::access(name.text))?;
        if access != Some(Access::Gsm) {
            lte = Some(cell(fields)?);
        }
    }
    is_serving.then_some(Serving { state, access, lte })
}

fn cell(mut fields: Fields<'_>) -> Option<LteCell> {
    Some(LteCell {
        is_tdd: known(fields.next(), |field| match field.text {
            b"FDD" => Some(false),
            b"TDD" => Some(true),
            _ => None,
        })?,
        mcc: known(fields.next(), |field| field.number())?,
        mnc: known(fields.next(), |field| field.number())?,
        cell: known(fields.next(), Field::hex)?,
        physical_cell: known(fields.next(), |field| within(field, 0..=503))?,
        channel: known(fields.next(), |field| field.number())?,
        band: known(fields.next(), |field| field.number())?,
        bandwidth: [
            known(fields.next(), bandwidth)?,
            known(fields.next(), bandwidth)?,
        ],
        tracking_area: known(fields.next(), Field::hex)?,
        rsrp: known(fields.next(), |field| field.number())?,
        rsrq: known(fields.next(), |field| field.number())?,
        rssi: known(fields.next(), |field| field.number())?,
        sinr: known(fields.next(), |field| field.number())?,
        level: known(fields.next(), |field| field.number())?,
    })
}

/// A field that may be `-`.
fn known<'a, T>(field: Field<'a>, read: impl Fn(Field<'a>) -> Option<T>) -> Option<Option<T>> {
    if field.text == b"-" {
        return Some(None);
    }
    read(field).map(Some)
}

/// Code of a bandwidth, 0 to 5.
fn bandwidth(field: Field<'_>) -> Option<u8> {
    [14, 30, 50, 100, 150, 200]
        .get(field.number::<usize>()?)
        .copied()
}

/// A text that is not empty.
fn some<const N: usize>(field: Field<'_>) -> Option<Text<N>> {
    text(field.text).filter(|text: &Text<N>| !text.as_str().is_empty())
}
