//! The SIM, AT reference section 6.

use super::{Line, Lines, List, Query, SIM, commands, digits, queries, switch, text};
use crate::command::general::iccid;
use crate::error::Fault;
use crate::field::unsigned;
use crate::text::Text;

queries! {
    /// What the SIM asks for, `AT+CPIN?`. A card that is missing is
    /// [`SimNotInserted`](crate::CmeError::SimNotInserted), one that starts
    /// [`SimBusy`](crate::CmeError::SimBusy).
    SimStatus = "AT+CPIN?", SIM => Code, "+CPIN: <code>", |lines| {
        lines.all("+CPIN").find_map(|mut fields| Code::parse(fields.next().text))
    };
    /// Subscriber number, `AT+CIMI`.
    Imsi = "AT+CIMI", SIM => Text<15>, "<6 to 15 digits>",
        |lines| lines.iter().find_map(|line| digits(line, 6..=15));
    /// Serial number of the SIM, `AT+QCCID`: 19 or 20 digits, without the filler.
    Iccid = "AT+QCCID", SIM => Text<20>, "+QCCID: <19 or 20 digits>",
        |lines| text(lines.iter().find_map(iccid)?);
    /// How often the PIN and the PUK may be wrong, `AT+QPINC="SC"`.
    PinTries = "AT+QPINC=\"SC\"", SIM => Tries, "+QPINC: \"SC\",<pin>,<puk>", |lines| {
        let mut fields = lines.fields("+QPINC")?;
        let is_card = fields.next().text == b"SC";
        let tries = Tries { pin: fields.number()?, puk: fields.number()? };
        is_card.then_some(tries)
    };
    /// Whether the SIM asks for its PIN after a restart, `AT+CLCK="SC",2`.
    PinLock = "AT+CLCK=\"SC\",2", SIM => bool, "+CLCK: <status>",
        |lines| switch(lines.fields("+CLCK")?.next());
    /// How far the SIM is, `AT+QINISTAT`.
    SimInitialisation = "AT+QINISTAT", SIM => Initialised, "+QINISTAT: <bits>", |lines| {
        let bits = super::within(lines.fields("+QINISTAT")?.next(), 0..=7u8)?;
        let [pin, messages, phone_book] = [1, 2, 4].map(|bit| bits & bit > 0);
        Some(Initialised { pin, messages, phone_book })
    };
    /// Whether a card is in the holder, `AT+QSIMSTAT?`.
    SimPresence = "AT+QSIMSTAT?", SIM => Presence, "+QSIMSTAT: <enable>,<inserted>", |lines| {
        // Behind a report that came meanwhile.
        let mut fields = lines.all("+QSIMSTAT").last()?;
        let reports = switch(fields.next())?;
        let inserted = match fields.number()? {
            0 => Some(false),
            1 => Some(true),
            2 => None,
            _ => return None,
        };
        Some(Presence { reports, inserted })
    };
}

/// What the SIM asks for, `<code>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Code {
    /// `READY`: nothing.
    Ready,
    /// `SIM PIN`
    Pin,
    /// `SIM PUK`
    Puk,
    /// `SIM PIN2`
    Pin2,
    /// `SIM PUK2`
    Puk2,
    /// `PH-NET PIN`: the module is for another network.
    NetworkPin,
    /// `PH-NET PUK`
    NetworkPuk,
    /// `PH-NETSUB PIN`: the module is for another part of the network.
    SubsetPin,
    /// `PH-NETSUB PUK`
    SubsetPuk,
    /// `PH-SP PIN`: the module is for another service provider.
    ProviderPin,
    /// `PH-SP PUK`
    ProviderPuk,
    /// `PH-CORP PIN`: the module is for another company.
    CorporatePin,
    /// `PH-CORP PUK`
    CorporatePuk,
}

impl Code {
    fn parse(text: &[u8]) -> Option<Self> {
        const CODES: [(&str, Code); 13] = [
            ("READY", Code::Ready),
            ("SIM PIN", Code::Pin),
            ("SIM PUK", Code::Puk),
            ("SIM PIN2", Code::Pin2),
            ("SIM PUK2", Code::Puk2),
            ("PH-NET PIN", Code::NetworkPin),
            ("PH-NET PUK", Code::NetworkPuk),
            ("PH-NETSUB PIN", Code::SubsetPin),
            ("PH-NETSUB PUK", Code::SubsetPuk),
            ("PH-SP PIN", Code::ProviderPin),
            ("PH-SP PUK", Code::ProviderPuk),
            ("PH-CORP PIN", Code::CorporatePin),
            ("PH-CORP PUK", Code::CorporatePuk),
        ];
        let found = CODES.iter().find(|(code, _)| code.as_bytes() == text);
        found.map(|&(_, code)| code)
    }
}

/// Tries that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Tries {
    /// For the PIN.
    pub pin: u8,
    /// For the PUK.
    pub puk: u8,
}

/// What of the SIM is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Initialised {
    /// The card needs no PIN any more.
    pub pin: bool,
    /// Short messages can be read.
    pub messages: bool,
    /// The phone book can be read.
    pub phone_book: bool,
}

/// Whether a card is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Presence {
    /// A change is reported, see [`ReportSim`].
    pub reports: bool,
    /// `None`: not known.
    pub inserted: Option<bool>,
}

/// Enters the PIN of four to eight digits, `AT+CPIN=`. A wrong one costs a try: see [`PinTries`] first, and send none twice.
/// `start` does so with [`Config::pin`](crate::Config::pin).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnterPin<'a>(pub &'a str);

/// Enters the PUK and a new PIN, `AT+CPIN=`. Ten wrong ones destroy the card.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnterPuk<'a> {
    /// Eight digits.
    pub puk: &'a str,
    /// Four to eight digits.
    pub new_pin: &'a str,
}

/// Reports a card that is taken out or put in, `AT+QSIMSTAT=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportSim(pub bool);

/// Watches the contact of the card holder, `AT+QSIMDET=`, from the next restart on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectSim {
    /// On or off.
    pub is_enabled: bool,
    /// The contact is high while a card is in.
    pub is_high: bool,
}

/// Four to eight digits.
fn is_pin(text: &str) -> bool {
    (4..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

commands! {
    EnterPin<'_>, SIM, |this, line| {
        line.text("AT+CPIN=").parameter(this.0).require(is_pin(this.0));
    }, may_report "+CPIN: READY";
    EnterPuk<'_>, SIM, |this, line| {
        line.text("AT+CPIN=").parameter(this.puk).text(",").parameter(this.new_pin);
        line.require(is_pin(this.puk) && this.puk.len() == 8 && is_pin(this.new_pin));
    }, may_report "+CPIN: READY";
    ReportSim, SIM, |this, line| {
        line.text("AT+QSIMSTAT=").number(this.0.into());
    }, may_report "+QSIMSTAT: ";
    DetectSim, SIM, |this, line| {
        line.text("AT+QSIMDET=").number(this.is_enabled.into());
        line.text(",").number(this.is_high.into());
    };
}

/// Access to a file of the SIM, `AT+CRSM=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimFile<'a> {
    /// What to do.
    pub command: SimCommand,
    /// Identifier of the file, 0x6F07 for the IMSI say; none for [`SimCommand::Status`].
    pub file: Option<u16>,
    /// P1, P2 and P3 of the command.
    pub parameters: [u8; 3],
    /// What is written, at most 70 bytes.
    pub data: &'a [u8],
}

/// A command to a file of the SIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimCommand {
    /// 176: READ BINARY.
    ReadBinary = 176,
    /// 178: READ RECORD.
    ReadRecord = 178,
    /// 192: GET RESPONSE.
    GetResponse = 192,
    /// 214: UPDATE BINARY.
    UpdateBinary = 214,
    /// 220: UPDATE RECORD.
    UpdateRecord = 220,
    /// 242: STATUS.
    Status = 242,
}

/// What the SIM answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct SimAnswer {
    /// Status of ISO 7816-4: 0x9000 is success.
    pub status: u16,
    /// What was read.
    pub data: List<u8, 255>,
}

impl Query for SimFile<'_> {
    type Answer = SimAnswer;
    const TIME_OUT: core::time::Duration = SIM;
    const EXPECTED: &'static str = "+CRSM: <sw1>,<sw2>[,<response>]";
    const IS_LONG: bool = true;

    fn write(&self, line: &mut Line) {
        line.text("AT+CRSM=").number(self.command as u32);
        let Some(file) = self.file else {
            return;
        };
        line.text(",").number(file.into());
        for parameter in self.parameters {
            line.text(",").number(parameter.into());
        }
        if !self.data.is_empty() {
            line.text(",\"");
            for &byte in self.data {
                line.digits(byte.into(), 16, 2);
            }
            line.text("\"");
        }
    }

    fn parse(&self, lines: Lines<'_>) -> Result<SimAnswer, Fault> {
        sim_answer(lines).ok_or(Fault::Malformed)
    }
}

fn sim_answer(lines: Lines<'_>) -> Option<SimAnswer> {
    let mut fields = lines.fields("+CRSM")?;
    let status = [fields.number()?, fields.number()?];
    let text = fields.next().text;
    let bytes = text.chunks(2).map(|pair| {
        let byte = unsigned(pair, 16).filter(|_| pair.len() == 2);
        byte.and_then(|byte| u8::try_from(byte).ok())
    });
    let data = bytes.collect::<Option<List<_, 255>>>()?;
    let answer = SimAnswer {
        status: u16::from_be_bytes(status),
        data,
    };
    Some(answer).filter(|answer| !answer.data.is_cut())
}
