//! What a meter reports, in the units of the wire: records, their values, births and deaths.

pub use meter_proto::topic::MeterId;

/// A stream of records with a sequence of its own, numbered as in the receipt.
pub type Stream = u8;

/// Stream numbers and names of the wire format.
pub mod stream {
    use super::Stream;

    /// Momentary values.
    pub const READING: Stream = 1;
    /// Load profile.
    pub const PROFILE: Stream = 2;
    /// Ends of billing periods.
    pub const BILLING: Stream = 3;
    /// Events.
    pub const EVENT: Stream = 4;
    /// The state of the meter's link and memory.
    pub const DIAGNOSTIC: Stream = 5;

    /// The name of a stream, as the JSON interface gives it.
    #[must_use]
    pub const fn name(stream: Stream) -> &'static str {
        match stream {
            READING => "reading",
            PROFILE => "profile",
            BILLING => "billing",
            EVENT => "event",
            DIAGNOSTIC => "diagnostic",
            _ => "unknown",
        }
    }
}

/// Register numbers of the wire: keys of a reading, columns of a profile.
pub mod register {
    /// Voltage, mV.
    pub const VOLTAGE: u16 = 4;
    /// Current, mA.
    pub const CURRENT: u16 = 5;
    /// Active power, 0.1 W, import positive.
    pub const ACTIVE: u16 = 6;
    /// Reactive power, 0.1 var.
    pub const REACTIVE: u16 = 7;
    /// Apparent power, 0.1 VA.
    pub const APPARENT: u16 = 8;
    /// Power factor, 0.001.
    pub const POWER_FACTOR: u16 = 9;
    /// Line frequency, mHz.
    pub const FREQUENCY: u16 = 10;
    /// Active energy import, Wh.
    pub const IMPORT: u16 = 11;
    /// Active energy export, Wh.
    pub const EXPORT: u16 = 12;
    /// Reactive energy import, varh.
    pub const REACTIVE_IMPORT: u16 = 13;
    /// Reactive energy export, varh.
    pub const REACTIVE_EXPORT: u16 = 14;
    /// Reactive energy by quadrant, varh.
    pub const QUADRANTS: u16 = 15;
    /// Neutral current, mA.
    pub const NEUTRAL: u16 = 16;
    /// Temperature, 0.1 °C.
    pub const TEMPERATURE: u16 = 17;
    /// Tariff in force.
    pub const TARIFF: u16 = 18;

    /// The number of OBIS code 1-0:`c`.`d`.0.
    #[must_use]
    pub const fn obis(c: u8, d: u8) -> u16 {
        u16::from_be_bytes([c, d])
    }

    /// The registers that hold one phase of a quantity each, L1 to L3 (IEC 62056-6-1, value
    /// group C).
    #[must_use]
    pub const fn of_phases(quantity: u16) -> Option<[u16; 3]> {
        let c = match quantity {
            VOLTAGE => 32,
            CURRENT => 31,
            ACTIVE => 21,
            REACTIVE => 23,
            APPARENT => 29,
            POWER_FACTOR => 33,
            _ => return None,
        };
        Some([obis(c, 7), obis(c + 20, 7), obis(c + 40, 7)])
    }
}

/// Which value: a register, and the part of it where it has several (L1 L2 L3, Q1 to Q4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Quantity {
    /// Register number.
    pub register: u16,
    /// Part, 0 to 3; 0 where there is only one.
    pub part: u8,
}

/// The values of one record, sorted by quantity.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Values(Vec<(Quantity, i64)>);

impl Values {
    /// Sets a value; a part above 3 is ignored, as no register of the wire has more.
    pub fn set(&mut self, register: u16, part: u8, value: i64) {
        if part > 3 {
            return;
        }
        let quantity = Quantity { register, part };
        match self.0.binary_search_by_key(&quantity, |entry| entry.0) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (quantity, value)),
        }
    }

    /// The first part of a register.
    #[must_use]
    pub fn get(&self, register: u16) -> Option<i64> {
        self.part(register, 0)
    }

    fn part(&self, register: u16, part: u8) -> Option<i64> {
        let quantity = Quantity { register, part };
        let at = self
            .0
            .binary_search_by_key(&quantity, |entry| entry.0)
            .ok()?;
        self.0.get(at).map(|entry| entry.1)
    }

    /// A quantity by phase, L1 first; empty where the meter did not send it.
    ///
    /// A reading carries the phases as parts of one register, a load profile as a column each.
    #[must_use]
    pub fn phases(&self, register: u16) -> Vec<i64> {
        let columns = register::of_phases(register);
        let column = |phase: u8| columns.and_then(|all| all.get(usize::from(phase)).copied());
        let phase = |n| self.part(register, n).or_else(|| self.get(column(n)?));
        (0..3).map_while(phase).collect()
    }

    /// Active power by phase in 0.1 W: as sent, else voltage × current × power factor.
    #[must_use]
    pub fn active(&self) -> Vec<i64> {
        let sent = self.phases(register::ACTIVE);
        if !sent.is_empty() {
            return sent;
        }
        let (volts, amps) = (
            self.phases(register::VOLTAGE),
            self.phases(register::CURRENT),
        );
        let factors = self.phases(register::POWER_FACTOR);
        let phases = volts.iter().zip(&amps).zip(&factors);
        // mV × mA × 0.001 is 1e-9 W.
        phases
            .map(|((&v, &a), &f)| i128::from(v) * i128::from(a) * i128::from(f) / 100_000_000)
            .map(|power| i64::try_from(power).unwrap_or(i64::MAX))
            .collect()
    }

    /// All values in order.
    pub fn iter(&self) -> impl Iterator<Item = (Quantity, i64)> + '_ {
        self.0.iter().copied()
    }

    /// Takes every value of `other`, which wins where both have one.
    pub fn merge(&mut self, other: &Self) {
        for (quantity, value) in other.iter() {
            self.set(quantity.register, quantity.part, value);
        }
    }

    /// The stored form: for each value `register × 4 + part` and the value, as LEB128 numbers,
    /// the value zigzag coded.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * 5);
        for (quantity, value) in self.iter() {
            put(
                &mut out,
                u64::from(quantity.register) * 4 + u64::from(quantity.part),
            );
            put(&mut out, zigzag(value));
        }
        out
    }

    /// Reads the stored form; `None` when it is damaged.
    #[must_use]
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut values = Self::default();
        while !bytes.is_empty() {
            let key = take(&mut bytes)?;
            let value = unzigzag(take(&mut bytes)?);
            values.set(
                u16::try_from(key / 4).ok()?,
                u8::try_from(key % 4).ok()?,
                value,
            );
        }
        Some(values)
    }
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7F;
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Where a record stands: its stream and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// Epoch of the sequence.
    pub epoch: u32,
    /// Stream.
    pub stream: Stream,
    /// Sequence number, 0 or more.
    pub seq: i64,
}

/// Where a page of entries begins, newest first: only what is older comes. Of one time, the greater
/// sequence number is the newer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Before {
    /// UTC seconds.
    pub time: i64,
    /// Sequence number.
    pub seq: i64,
    /// Epoch.
    pub epoch: i64,
}

impl Before {
    /// Everything is older.
    pub const END: Self = Self::time(i64::MAX);

    /// What is of an earlier time is older.
    #[must_use]
    pub const fn time(time: i64) -> Self {
        Self {
            time,
            seq: i64::MIN,
            epoch: i64::MIN,
        }
    }
}

/// Status bit 17.
const RECORDS_LOST: u32 = 1 << 17;

/// One record of a reading, profile or diagnostic stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its key within the meter.
    pub place: Place,
    /// End of the interval, UTC seconds.
    pub time: i64,
    /// Length of the interval in seconds, 0 for momentary values.
    pub period: i64,
    /// Status bits of the wire.
    pub status: u32,
    /// What was measured.
    pub values: Values,
}

impl Record {
    /// Status bit 17: what is missing in the stream before this record is lost for good.
    #[must_use]
    pub const fn records_lost(&self) -> bool {
        self.status & RECORDS_LOST != 0
    }

    /// Status bit 0: the record was made before the meter's clock was set.
    #[must_use]
    pub const fn clock_set(&self) -> bool {
        self.status & 1 == 0
    }
}

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its key within the meter.
    pub place: Place,
    /// When, UTC seconds.
    pub time: i64,
    /// Event code.
    pub code: u16,
    /// What the meter added to it.
    pub detail: Detail,
}

/// What an event says beyond its code.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The last second of the year 9999: the last time that is shown.
pub(crate) const LATEST: i64 = 253_402_300_799;

/// The end of a billing period, kept as it came: the signature in it is over its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Billing {
    /// Its key within the meter.
    pub place: Place,
    /// End of the period, UTC seconds.
    pub time: i64,
    /// Status bits of the wire.
    pub status: u32,
    /// The payload of the message.
    pub message: Vec<u8>,
}

impl Billing {
    /// Status bit 17: what is missing in the stream before this record is lost for good.
    #[must_use]
    pub const fn records_lost(&self) -> bool {
        self.status & RECORDS_LOST != 0
    }
}

/// What a billing record says. Energies are import, export, reactive import and reactive export in
/// Wh and varh, cumulative since the meter was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bill {
    /// Periods that ended since the meter was made, this one included.
    pub period: u64,
    /// Registers over all rates, as far as they were sent.
    pub totals: [Option<u64>; 4],
    /// Each rate with what was sent of it, ascending.
    pub rates: Vec<Rate>,
}

/// One rate of a billing record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// 0 is the total, 1 to 8 are the rates of the tariff.
    pub rate: u8,
    /// Registers.
    pub energies: Option<[u64; 4]>,
    /// Maximum demand of the period in W, and the end of its demand period in UTC seconds.
    pub demand: Option<(u32, u64)>,
}

/// A meter's announcement after it connected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Birth {
    /// Epoch of all its sequences.
    pub epoch: u32,
    /// Meter's clock, UTC seconds.
    pub time: i64,
    /// Status bits.
    pub status: u32,
    /// Firmware version.
    pub firmware: String,
    /// Hardware.
    pub hardware: String,
    /// Starts since production.
    pub boot_count: i64,
    /// Cause of the last start.
    pub reset_cause: i64,
    /// Card identity, if it has one.
    pub identity: Option<String>,
    /// Connection number, paired with the death's.
    pub connection: i64,
}

/// What one MQTT message says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// Records of one stream.
    Records(Vec<Record>),
    /// Events.
    Events(Vec<Event>),
    /// The end of a billing period.
    Billing(Billing),
    /// The meter is on line.
    Birth(Birth),
    /// The connection with this number is gone.
    Death {
        /// Connection number of the birth it belongs to.
        connection: i64,
    },
}
