//! Registers and their OBIS codes (IEC 62056-6-1): `spec.md` section 4.

use core::fmt;

use super::Column;

/// An OBIS code of the current values, `A-B:C.D.E`; the billing period F is left out, as 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Obis {
    /// Medium: 0 abstract, 1 electricity.
    pub a: u8,
    /// Channel: 0 where there is one.
    pub b: u8,
    /// Quantity.
    pub c: u8,
    /// Processing: 4 to 6 demand, 7 momentary, 8 cumulative.
    pub d: u8,
    /// Rate: 0 is the total.
    pub e: u8,
}

impl Obis {
    /// The code `1-0:C.D.0`.
    #[must_use]
    pub const fn electricity(c: u8, d: u8) -> Self {
        Self {
            a: 1,
            b: 0,
            c,
            d,
            e: 0,
        }
    }

    /// The code of one rate of a register, `x.8.n`.
    #[must_use]
    pub const fn of_rate(self, rate: u8) -> Self {
        Self { e: rate, ..self }
    }
}

impl fmt::Display for Obis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { a, b, c, d, e } = self;
        write!(f, "{a}-{b}:{c}.{d}.{e}")
    }
}

/// What a value on the wire counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Unit {
    /// One on the wire, as text; empty where it has no unit.
    pub symbol: &'static str,
    /// The unit code of DLMS/COSEM (IEC 62056-6-2); 255 is none.
    pub dlms: u8,
    /// The decimal exponent: a value on the wire is worth itself times 10 to this, in that unit.
    pub scaler: i8,
}

impl Unit {
    const fn new(symbol: &'static str, dlms: u8, scaler: i8) -> Self {
        Self {
            symbol,
            dlms,
            scaler,
        }
    }
}

const MILLIVOLT: Unit = Unit::new("mV", 35, -3);
const MILLIAMPERE: Unit = Unit::new("mA", 33, -3);
const WATT: Unit = Unit::new("W", 27, 0);
const TENTH_WATT: Unit = Unit::new("0.1 W", 27, -1);
const TENTH_VAR: Unit = Unit::new("0.1 var", 29, -1);
const TENTH_VOLTAMPERE: Unit = Unit::new("0.1 VA", 28, -1);
const MILLIHERTZ: Unit = Unit::new("mHz", 44, -3);
const WATT_HOUR: Unit = Unit::new("Wh", 30, 0);
const VAR_HOUR: Unit = Unit::new("varh", 32, 0);
const VOLTAMPERE_HOUR: Unit = Unit::new("VAh", 31, 0);
const THOUSANDTH: Unit = Unit::new("0.001", 255, -3);
const TENTH_DEGREE: Unit = Unit::new("0.1°", 8, -1);
const COUNT: Unit = Unit::new("", 255, 0);

/// A quantity that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Register {
    /// Its number.
    pub column: Column,
    /// Its code. That of a net power is the code of what counts as positive.
    pub obis: Obis,
    /// Its name in English.
    pub name: &'static str,
    /// What its values count.
    pub unit: Unit,
}

impl Register {
    /// A register whose number says its code.
    const fn by_rule(c: u8, d: u8, name: &'static str, unit: Unit) -> Self {
        Self::small(u16::from_be_bytes([c, d]), c, d, name, unit)
    }

    const fn small(number: u16, c: u8, d: u8, name: &'static str, unit: Unit) -> Self {
        Self {
            column: Column(number),
            obis: Obis::electricity(c, d),
            name,
            unit,
        }
    }

    /// The register of a number; `None` when that has no name.
    #[must_use]
    pub fn of(column: Column) -> Option<&'static Self> {
        REGISTERS.iter().find(|known| known.column == column)
    }

    /// The register of a code, under its lowest number; `None` when it has no name.
    #[must_use]
    pub fn of_obis(obis: Obis) -> Option<&'static Self> {
        REGISTERS.iter().find(|known| known.obis == obis)
    }
}

impl Column {
    /// The OBIS code of the register, by the table or by the rule; `None` for what is neither.
    #[must_use]
    pub fn obis(self) -> Option<Obis> {
        let by_rule = || {
            let [c, d] = self.0.to_be_bytes();
            (c > 0).then_some(Obis::electricity(c, d))
        };
        Register::of(self).map(|known| known.obis).or_else(by_rule)
    }

    /// The lowest register number of an OBIS code; `None` when it has none.
    #[must_use]
    pub fn of_obis(obis: Obis) -> Option<Self> {
        let by_rule = || {
            let is_ours = obis.c > 0 && obis == Obis::electricity(obis.c, obis.d);
            is_ours.then_some(Self(u16::from_be_bytes([obis.c, obis.d])))
        };
        let known = Register::of_obis(obis);
        known.map(|known| known.column).or_else(by_rule)
    }
}

/// All registers that have a name, by their number.
pub static REGISTERS: [Register; 55] = [
    Register::small(4, 32, 7, "voltage L1", MILLIVOLT),
    Register::small(5, 31, 7, "current L1", MILLIAMPERE),
    Register::small(6, 16, 7, "active power, net", TENTH_WATT),
    Register::small(7, 3, 7, "reactive power, net", TENTH_VAR),
    Register::small(8, 9, 7, "apparent power", TENTH_VOLTAMPERE),
    Register::small(9, 33, 7, "power factor L1", THOUSANDTH),
    Register::small(10, 14, 7, "frequency", MILLIHERTZ),
    Register::small(11, 1, 8, "active energy import", WATT_HOUR),
    Register::small(12, 2, 8, "active energy export", WATT_HOUR),
    Register::small(13, 3, 8, "reactive energy import", VAR_HOUR),
    Register::small(14, 4, 8, "reactive energy export", VAR_HOUR),
    Register::small(16, 91, 7, "current in the neutral", MILLIAMPERE),
    Register {
        column: Column(18),
        obis: Obis {
            a: 0,
            b: 0,
            c: 96,
            d: 14,
            e: 0,
        },
        name: "rate in force",
        unit: COUNT,
    },
    Register::by_rule(1, 4, "active demand import, present period", WATT),
    Register::by_rule(1, 5, "active demand import, last period", WATT),
    Register::by_rule(1, 6, "maximum active demand import", WATT),
    Register::by_rule(5, 8, "reactive energy Q1", VAR_HOUR),
    Register::by_rule(6, 8, "reactive energy Q2", VAR_HOUR),
    Register::by_rule(7, 8, "reactive energy Q3", VAR_HOUR),
    Register::by_rule(8, 8, "reactive energy Q4", VAR_HOUR),
    Register::by_rule(9, 8, "apparent energy import", VOLTAMPERE_HOUR),
    Register::by_rule(10, 8, "apparent energy export", VOLTAMPERE_HOUR),
    Register::by_rule(13, 7, "power factor", THOUSANDTH),
    Register::by_rule(15, 8, "active energy, sum of magnitudes", WATT_HOUR),
    Register::by_rule(16, 8, "active energy, net", WATT_HOUR),
    Register::by_rule(21, 7, "active power import L1", TENTH_WATT),
    Register::by_rule(21, 8, "active energy import L1", WATT_HOUR),
    Register::by_rule(22, 7, "active power export L1", TENTH_WATT),
    Register::by_rule(23, 7, "reactive power import L1", TENTH_VAR),
    Register::by_rule(24, 7, "reactive power export L1", TENTH_VAR),
    Register::by_rule(29, 7, "apparent power L1", TENTH_VOLTAMPERE),
    Register::by_rule(31, 7, "current L1", MILLIAMPERE),
    Register::by_rule(32, 7, "voltage L1", MILLIVOLT),
    Register::by_rule(32, 32, "voltage dips L1", COUNT),
    Register::by_rule(32, 36, "voltage swells L1", COUNT),
    Register::by_rule(33, 7, "power factor L1", THOUSANDTH),
    Register::by_rule(41, 7, "active power import L2", TENTH_WATT),
    Register::by_rule(41, 8, "active energy import L2", WATT_HOUR),
    Register::by_rule(42, 7, "active power export L2", TENTH_WATT),
    Register::by_rule(43, 7, "reactive power import L2", TENTH_VAR),
    Register::by_rule(44, 7, "reactive power export L2", TENTH_VAR),
    Register::by_rule(49, 7, "apparent power L2", TENTH_VOLTAMPERE),
    Register::by_rule(51, 7, "current L2", MILLIAMPERE),
    Register::by_rule(52, 7, "voltage L2", MILLIVOLT),
    Register::by_rule(53, 7, "power factor L2", THOUSANDTH),
    Register::by_rule(61, 7, "active power import L3", TENTH_WATT),
    Register::by_rule(61, 8, "active energy import L3", WATT_HOUR),
    Register::by_rule(62, 7, "active power export L3", TENTH_WATT),
    Register::by_rule(63, 7, "reactive power import L3", TENTH_VAR),
    Register::by_rule(64, 7, "reactive power export L3", TENTH_VAR),
    Register::by_rule(69, 7, "apparent power L3", TENTH_VOLTAMPERE),
    Register::by_rule(71, 7, "current L3", MILLIAMPERE),
    Register::by_rule(72, 7, "voltage L3", MILLIVOLT),
    Register::by_rule(73, 7, "power factor L3", THOUSANDTH),
    Register::by_rule(81, 7, "phase angle", TENTH_DEGREE),
];
