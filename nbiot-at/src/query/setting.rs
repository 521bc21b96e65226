//! Settings of the module that it keeps, `AT+QCFG`, AT reference section 8.
//!
//! The module keeps them in flash: read first, and write what differs. A change of what it looks for
//! restarts the radio, and takes the service away for 10 to 60 s;
//! [`Config::scan`](crate::Config::scan) does so before it registers.

use super::{Fields, LOCAL, Line, Lines, Query, asking, commands, queries, switch, text, within};
use crate::error::Fault;
use crate::field::Field;
use crate::text::Text;

/// A setting that is one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Key {
    /// `nwscanmode`: 0 automatic, 1 GSM only, 3 LTE only.
    ScanMode,
    /// `iotopmode`: 0 LTE-M, 1 NB-IoT, 2 both.
    ///
    /// A BG77 or BG95 of the series `xA` is said to hang behind a 1.
    IotMode,
    /// `servicedomain`: 1 packets only, 2 calls and packets.
    ServiceDomain,
    /// `roamservice`: 1 off, 2 on, 255 automatic.
    Roaming,
    /// `celevel`: coverage level of NB-IoT, 0 to 2; only to read.
    CoverageLevel,
    /// `psm/urc`: 1 reports `+QPSMTIMER`.
    PsmReports,
    /// `psm/enter`: 1 enters power saving mode as soon as the connection is released.
    PsmEntry,
    /// `pdp/duplicatechk`: 1 allows two contexts with one APN.
    DuplicateApn,
    /// `urc/delay`: 1 sends a line of its own behind the pulse of RI.
    UrcDelay,
    /// `cmux/urcport`: which channel of the multiplexer has lines of its own, 0 to 4.
    UrcChannel,
    /// `ledmode`: what the network LED shows.
    LedMode,
    /// `msc`: release of the switching centre.
    Msc,
    /// `sgsn`: release of the packet node.
    Sgsn,
}

impl Key {
    /// As it is written.
    const fn name(self) -> &'static str {
        match self {
            Self::ScanMode => "nwscanmode",
            Self::IotMode => "iotopmode",
            Self::ServiceDomain => "servicedomain",
            Self::Roaming => "roamservice",
            Self::CoverageLevel => "celevel",
            Self::PsmReports => "psm/urc",
            Self::PsmEntry => "psm/enter",
            Self::DuplicateApn => "pdp/duplicatechk",
            Self::UrcDelay => "urc/delay",
            Self::UrcChannel => "cmux/urcport",
            Self::LedMode => "ledmode",
            Self::Msc => "msc",
            Self::Sgsn => "sgsn",
        }
    }

    /// Whether the manual knows this value.
    const fn takes(self, value: u8) -> bool {
        match self {
            Self::ScanMode => matches!(value, 0 | 1 | 3),
            Self::IotMode | Self::CoverageLevel => value <= 2,
            Self::ServiceDomain => matches!(value, 1 | 2),
            Self::Roaming => matches!(value, 1 | 2 | 255),
            Self::PsmReports | Self::PsmEntry | Self::DuplicateApn | Self::UrcDelay => value <= 1,
            Self::UrcChannel => value <= 4,
            Self::LedMode | Self::Msc | Self::Sgsn => true,
        }
    }
}

/// Reads a setting that is one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read(pub Key);

/// Writes a setting that is one number; a value that the manual does not know is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which one.
    pub key: Key,
    /// What it is to be.
    pub value: u8,
}

/// Reads where RI is pulled for a kind of line, and how: `"off"`, `"pulse"`, `"always"`, `"auto"`,
/// `"wave"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingIndicator {
    /// `urc/ri/ring`: a call.
    Ring,
    /// `urc/ri/smsincoming`: a short message.
    Message,
    /// `urc/ri/other`: every other line.
    Other,
}

impl RingIndicator {
    const fn name(self) -> &'static str {
        match self {
            Self::Ring => "urc/ri/ring",
            Self::Message => "urc/ri/smsincoming",
            Self::Other => "urc/ri/other",
        }
    }
}

/// Sets how RI is pulled for a kind of line; pulses of the default length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetRingIndicator {
    /// For which lines.
    pub kind: RingIndicator,
    /// Pulled for a pulse, or not at all.
    pub is_on: bool,
}

/// Sets the bands of NB-IoT that are looked at first, `nb1/bandprior`; at most 16 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetBandPriority<'a>(pub &'a [u8]);

/// Back to the radio settings of the factory, `nvrestore`; BG95.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreFactory;

/// Holds lines of its own back until a pin of the host says that it listens, `apready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HostReady {
    /// On or off.
    pub is_enabled: bool,
    /// The pin is high when the host listens.
    pub is_high: bool,
    /// How often it is looked at, 100 to 3000 ms.
    pub interval: u16,
}

/// Bands that the module looks at, a mask for each access: bit n - 1 is band n of LTE. Those of GSM
/// are 1 for 900, 2 for 1800, 4 for 850 and 8 for 1900 MHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BandMasks {
    /// GSM.
    pub gsm: u8,
    /// LTE-M.
    pub lte_m: u128,
    /// NB-IoT.
    pub nb_iot: u128,
}

impl BandMasks {
    /// The mask of these bands of LTE; `None` of one that is not 1 to 85.
    #[must_use]
    pub fn of(bands: &[u8]) -> Option<u128> {
        bands.iter().try_fold(0, |mask, &band| {
            let bit = (1..=85).contains(&band).then(|| 1_u128 << (band - 1))?;
            Some(mask | bit)
        })
    }
}

queries! {
    /// Reads the order in which radio accesses are looked for, `nwscanseq`.
    ScanSequence = "AT+QCFG=\"nwscanseq\"", LOCAL => Sequence, "+QCFG: \"nwscanseq\",<scanseq>",
        |lines| sequence(value(lines, "nwscanseq")?.next());
    /// Reads which bands are looked at, `band`.
    Bands = "AT+QCFG=\"band\"", LOCAL => BandMasks, "+QCFG: \"band\",<gsm>,<m1>,<nb1>", |lines| {
        let mut fields = value(lines, "band")?;
        let gsm = u8::try_from(mask(fields.next())?).ok()?;
        Some(BandMasks { gsm, lte_m: mask(fields.next())?, nb_iot: mask(fields.next())? })
    };
    /// Reads whether IMS is on, and whether it is registered, `ims`.
    Ims = "AT+QCFG=\"ims\"", LOCAL => [u8; 2], "+QCFG: \"ims\",<mode>,<state>", |lines| {
        let mut fields = value(lines, "ims")?;
        Some([fields.number()?, fields.number()?])
    };
    /// Reads which line RI is, `risignaltype`: each port has its own, or all have that of the module.
    RingLine = "AT+QCFG=\"risignaltype\"", LOCAL => RingSignal,
        "+QCFG: \"risignaltype\",\"respective\"|\"physical\"", |lines| {
            match value(lines, "risignaltype")?.next().text {
                b"respective" => Some(RingSignal::Respective),
                b"physical" => Some(RingSignal::Physical),
                _ => None,
            }
        };
    /// Reads how lines of its own are held back, `apready`.
    HostReadiness = "AT+QCFG=\"apready\"", LOCAL => HostReady,
        "+QCFG: \"apready\",<enable>,<level>,<interval>", |lines| {
            let mut fields = value(lines, "apready")?;
            Some(HostReady {
                is_enabled: switch(fields.next())?,
                is_high: switch(fields.next())?,
                interval: within(fields.next(), 100..=3000)?,
            })
        };
    /// Reads which port has lines of its own, `AT+QURCCFG="urcport"`: `usbat`, `usbmodem`, `uart1`.
    UrcPort = "AT+QURCCFG=\"urcport\"", LOCAL => Text<12>, "+QURCCFG: \"urcport\",\"<port>\"",
        |lines| {
            let mut fields = lines.fields("+QURCCFG")?;
            let is_port = fields.next().text == b"urcport";
            text(fields.next().text).filter(|port: &Text<12>| is_port && !port.as_str().is_empty())
        };
}

/// Order of radio accesses, AT reference section 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sequence {
    /// 0 automatic, 1 GSM, 2 LTE-M, 3 NB-IoT; the first is looked for first.
    pub accesses: [Option<u8>; 3],
}

/// Which line RI is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RingSignal {
    /// `respective`: that of the port which the line comes from.
    Respective,
    /// `physical`: that of the module.
    Physical,
}

asking! {
    Read, LOCAL, |this, line| {
        line.text("AT+QCFG=").quoted(this.0.name());
    } => u8, "+QCFG: \"<key>\",<value>", |this, lines| {
        let found = value(lines, this.0.name())?.number();
        found.filter(|&value| this.0.takes(value))
    };
    RingIndicator, LOCAL, |this, line| {
        line.text("AT+QCFG=").quoted(this.name());
    } => Text<8>, "+QCFG: \"urc/ri/<kind>\",\"<type>\"[,…]", |this, lines| {
        let name = value(lines, this.name())?.next();
        let is_known = ["off", "pulse", "always", "auto", "wave"]
            .iter()
            .any(|known| known.as_bytes() == name.text);
        text(name.text).filter(|_| is_known)
    };
}

commands! {
    Write, LOCAL, |this, line| {
        line.text("AT+QCFG=").quoted(this.key.name()).text(",");
        line.number(this.value.into());
        let is_read_only = this.key == Key::CoverageLevel;
        line.require(this.key.takes(this.value) && !is_read_only);
    };
    SetRingIndicator, LOCAL, |this, line| {
        let value = if this.is_on { "pulse" } else { "off" };
        line.text("AT+QCFG=").quoted(this.kind.name()).text(",").quoted(value);
    };
    SetBandPriority<'_>, LOCAL, |this, line| {
        line.text("AT+QCFG=\"nb1/bandprior\",\"");
        for &band in this.0 {
            line.digits(band.into(), 16, 2);
        }
        line.text("\"").require((1..=16).contains(&this.0.len()));
    };
    RingSignal, LOCAL, |this, line| {
        let value = match this {
            Self::Respective => "respective",
            Self::Physical => "physical",
        };
        line.text("AT+QCFG=\"risignaltype\",").quoted(value);
    };
    HostReady, LOCAL, |this, line| {
        line.text("AT+QCFG=\"apready\",").number(this.is_enabled.into());
        line.text(",").number(this.is_high.into()).text(",").number(this.interval.into());
        line.require((100..=3000).contains(&this.interval));
    };
    BandMasks, LOCAL, |this, line| {
        line.text("AT+QCFG=\"band\",").digits(this.gsm.into(), 16, 1);
        for mask in [this.lte_m, this.nb_iot] {
            line.text(",");
            hex(line, mask);
        }
    };
    RestoreFactory, LOCAL, |_, line| {
        line.text("AT+QCFG=\"nvrestore\",0");
    };
}

/// The fields behind the name of the setting.
fn value<'a>(lines: Lines<'a>, name: &str) -> Option<Fields<'a>> {
    let mut fields = lines.fields("+QCFG")?;
    (fields.next().text == name.as_bytes()).then_some(fields)
}

/// Two digits for each; the zero in front may be missing.
fn sequence(field: Field<'_>) -> Option<Sequence> {
    let number: u32 = field.number()?;
    let digits = field.text.len();
    let count = digits.div_ceil(2);
    let mut accesses = [None; 3];
    let mut rest = number;
    for slot in accesses.iter_mut().take(count).rev() {
        *slot = Some(
            u8::try_from(rest % 100)
                .ok()
                .filter(|&access| access <= 3)?,
        );
        rest /= 100;
    }
    (rest == 0 && (1..=6).contains(&digits)).then_some(Sequence { accesses })
}

/// Hexadecimal digits, with `0x` or without, of up to 128 bits.
fn mask(field: Field<'_>) -> Option<u128> {
    let text = field.text;
    let digits = text
        .strip_prefix(b"0x")
        .or_else(|| text.strip_prefix(b"0X"));
    let digits = digits.unwrap_or(text);
    let number =
        |mask: u128, &digit: &u8| Some(mask << 4 | u128::from(char::from(digit).to_digit(16)?));
    let is_some = (1..=32).contains(&digits.len());
    digits.iter().try_fold(0, number).filter(|_| is_some)
}

fn hex(line: &mut Line, mask: u128) {
    let digits = (128 - mask.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = u32::try_from(mask >> (place * 4) & 0xf).unwrap_or_default();
        line.digits(digit, 16, 1);
    }
}

/// Sets which of its own accord the module tells, `AT+QINDCFG=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indicate {
    /// Which lines.
    pub kind: Indication,
    /// On or off.
    pub is_on: bool,
    /// Kept over a restart.
    pub is_kept: bool,
}

/// Lines that the module may say by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indication {
    /// `all` of them.
    All,
    /// `csq`: the strength of the signal.
    Signal,
    /// `smsfull`: no room for short messages.
    Full,
    /// `ring`: a call.
    Ring,
    /// `smsincoming`: a short message.
    Message,
}

impl Query for Indicate {
    type Answer = ();
    const TIME_OUT: core::time::Duration = LOCAL;
    const EXPECTED: &'static str = "OK";

    fn write(&self, line: &mut Line) {
        let kind = match self.kind {
            Indication::All => "all",
            Indication::Signal => "csq",
            Indication::Full => "smsfull",
            Indication::Ring => "ring",
            Indication::Message => "smsincoming",
        };
        line.text("AT+QINDCFG=").quoted(kind);
        line.text(",")
            .number(self.is_on.into())
            .text(",")
            .number(self.is_kept.into());
    }

    fn parse(&self, lines: Lines<'_>) -> Result<(), Fault> {
        lines.none()
    }
}
