//! The module itself, AT reference section 5.

use core::time::Duration;

use super::{LOCAL, Lines, Query, SIM, commands, digits, queries, text, within};
use crate::error::Fault;
use crate::text::Text;

queries! {
    /// Manufacturer, model and revision, `ATI`.
    ModuleInformation = "ATI", LOCAL => Information,
        "<manufacturer>, <model>, Revision: <revision>", information;
    /// Manufacturer, `AT+CGMI`.
    Manufacturer = "AT+CGMI", LOCAL => Text<24>, "<manufacturer>", |lines| text(lines.bare()?);
    /// Model, `AT+CGMM`: `BG96`, `BG95-M3`.
    Model = "AT+CGMM", LOCAL => Text<24>, "<model>", |lines| text(lines.bare()?);
    /// Base revision of the firmware, `AT+CGMR`.
    BaseRevision = "AT+CGMR", LOCAL => Text<40>, "<revision>", |lines| text(lines.bare()?);
    /// Base revision and application version of the firmware, `AT+QGMR`.
    FirmwareRevision = "AT+QGMR", LOCAL => Text<40>, "<revision>_<application version>",
        |lines| text(lines.bare()?);
    /// Application version of the firmware, `AT+QAPPVER`.
    ApplicationVersion = "AT+QAPPVER", LOCAL => Text<40>, "<application version>",
        |lines| text(lines.bare()?);
    /// Serial number of the module, `AT+CGSN`: 15 digits.
    Imei = "AT+CGSN", SIM => Text<15>, "<15 digits>",
        |lines| lines.iter().find_map(|line| digits(line, 15..=15));
    /// Which parts of the module are on, `AT+CFUN?`.
    Functionality = "AT+CFUN?", LOCAL => Function, "+CFUN: <fun>",
        |lines| Function::from_raw(lines.all("+CFUN").last()?.number()?);
    /// What the module does now, `AT+CPAS`.
    ActivityStatus = "AT+CPAS", LOCAL => Activity, "+CPAS: <pas>",
        |lines| Activity::from_raw(lines.fields("+CPAS")?.number()?);
    /// The supply of the module, `AT+CBC`.
    Battery = "AT+CBC", LOCAL => BatteryCharge, "+CBC: <bcs>,<bcl>,<voltage>", battery;
    /// Temperatures of the module, `AT+QTEMP`.
    Temperature = "AT+QTEMP", LOCAL => Temperatures, "+QTEMP: <pmic>,<xo>,<pa>", temperature;
    /// Bytes that have gone over the air, `AT+QGDCNT?`.
    DataCounter = "AT+QGDCNT?", LOCAL => Traffic, "+QGDCNT: <sent>,<received>", |lines| {
        let mut fields = lines.fields("+QGDCNT")?;
        Some(Traffic { sent: fields.number()?, received: fields.number()? })
    };
    /// How the module words its errors, `AT+CMEE?`: 0 not at all, 1 by number, 2 by text.
    ErrorForm = "AT+CMEE?", LOCAL => u8, "+CMEE: <n>",
        |lines| within(lines.fields("+CMEE")?.next(), 0..=2);
}

/// What `ATI` says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Information {
    /// `Quectel`.
    pub manufacturer: Text<24>,
    /// `BG96`.
    pub model: Text<24>,
    /// `BG96MAR02A07M1G`.
    pub revision: Text<40>,
}

fn information(lines: Lines<'_>) -> Option<Information> {
    let mut lines = lines.all_bare();
    Some(Information {
        manufacturer: text(lines.next()?)?,
        model: text(lines.next()?)?,
        revision: text(lines.next()?.strip_prefix(b"Revision:")?.trim_ascii())?,
    })
}

/// Level of functionality, `<fun>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Function {
    /// 0: minimum, the SIM is off, too.
    Minimum,
    /// 1: full.
    Full,
    /// 4: the radio is off.
    RadioOff,
}

impl Function {
    const fn from_raw(fun: u8) -> Option<Self> {
        match fun {
            0 => Some(Self::Minimum),
            1 => Some(Self::Full),
            4 => Some(Self::RadioOff),
            _ => None,
        }
    }
}

/// What the module does, `<pas>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Activity {
    /// 0: ready.
    Ready,
    /// 3: ringing.
    Ringing,
    /// 4: in a call.
    InCall,
}

impl Activity {
    const fn from_raw(pas: u8) -> Option<Self> {
        match pas {
            0 => Some(Self::Ready),
            3 => Some(Self::Ringing),
            4 => Some(Self::InCall),
            _ => None,
        }
    }
}

/// The supply of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct BatteryCharge {
    /// State of charging, `<bcs>`.
    pub charging: u8,
    /// Charge, percent.
    pub percent: u8,
    /// Voltage of the supply, mV.
    pub millivolts: u16,
}

fn battery(lines: Lines<'_>) -> Option<BatteryCharge> {
    let mut fields = lines.fields("+CBC")?;
    Some(BatteryCharge {
        charging: fields.number()?,
        percent: within(fields.next(), 0..=100)?,
        millivolts: fields.number()?,
    })
}

/// Temperatures of the module, degrees Celsius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Temperatures {
    /// Power management.
    pub pmic: i8,
    /// Crystal oscillator.
    pub oscillator: i8,
    /// Power amplifier.
    pub amplifier: i8,
}

fn temperature(lines: Lines<'_>) -> Option<Temperatures> {
    let mut fields = lines.fields("+QTEMP")?;
    Some(Temperatures {
        pmic: fields.number()?,
        oscillator: fields.number()?,
        amplifier: fields.number()?,
    })
}

/// Bytes that have gone over the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Traffic {
    /// Bytes sent.
    pub sent: u32,
    /// Bytes received.
    pub received: u32,
}

/// What to do with the [`DataCounter`], `AT+QGDCNT=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountTraffic {
    /// 0: begin anew.
    Reset = 0,
    /// 1: keep it over a restart.
    Save = 1,
}

commands! {
    CountTraffic, LOCAL, |this, line| {
        line.text("AT+QGDCNT=").number(*this as u32);
    };
}

/// Voltage at an input of the module, `AT+QADC=`; its answer is in mV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputVoltage {
    /// 0 or 1.
    pub input: u8,
}

impl Query for InputVoltage {
    type Answer = u16;
    const TIME_OUT: Duration = LOCAL;
    const EXPECTED: &'static str = "+QADC: 1,<mV>";

    fn write(&self, line: &mut super::Line) {
        line.text("AT+QADC=").number(self.input.into());
    }

    fn parse(&self, lines: Lines<'_>) -> Result<u16, Fault> {
        let mut fields = lines.fields("+QADC").ok_or(Fault::Malformed)?;
        match fields.number::<u8>() {
            Some(1) => fields.number().ok_or(Fault::Malformed),
            // It could not measure.
            Some(0) => Err(Fault::Refused),
            _ => Err(Fault::Malformed),
        }
    }
}
