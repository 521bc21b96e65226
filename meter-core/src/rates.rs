//! Registers by rate: the total register shared out to the rates that were in force.

use crate::calendar::{RATES, Rate};
use crate::units::MilliwattHours;

/// The registers of one quantity by rate, OBIS 1-0:1.8.1 to 1-0:1.8.8 for active import.
///
/// They follow the total register: what it has grown by since the last call goes to one rate. So
/// the rates always add up to the total to the last mWh, and no register ever falls. A fraction of
/// a mWh that is open at a switch is counted in the next rate.
///
/// Call [`book`](Self::book) with the rate that was in force *before* each switch, with the chip
/// read at the switch, and whenever the registers are shown or saved.
///
/// ```
/// use meter_core::calendar::Rate;
/// use meter_core::rates::RateRegisters;
/// use meter_core::units::MilliwattHours;
/// let (day, night) = (Rate::new(1).unwrap(), Rate::new(2).unwrap());
/// let mut rates = RateRegisters::default();
/// rates.book(day, MilliwattHours::new(1_000));
/// rates.book(night, MilliwattHours::new(1_700));
/// assert_eq!(rates.reading(day), MilliwattHours::new(1_000));
/// assert_eq!(rates.reading(night), MilliwattHours::new(700));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RateRegisters {
    rates: [MilliwattHours; RATES],
}

/// The size of [`RateRegisters::to_bytes`].
pub const STORED_BYTES: usize = RATES * 8;

impl RateRegisters {
    /// Books what the total register has grown by, to the rate that was in force. A total below
    /// the one before books nothing.
    pub fn book(&mut self, rate: Rate, total: MilliwattHours) {
        let grown = total.get().saturating_sub(self.total().get());
        if let Some(register) = self.rates.get_mut(rate.index()) {
            *register = register.saturating_add(MilliwattHours::new(grown));
        }
    }

    /// The register of a rate.
    #[must_use]
    pub fn reading(&self, rate: Rate) -> MilliwattHours {
        self.rates.get(rate.index()).copied().unwrap_or_default()
    }

    /// All registers, rate 1 first.
    #[must_use]
    pub const fn readings(&self) -> [MilliwattHours; RATES] {
        self.rates
    }

    /// The sum of all rates: the total register at the last call of [`book`](Self::book).
    #[must_use]
    pub fn total(&self) -> MilliwattHours {
        self.rates
            .iter()
            .fold(MilliwattHours::ZERO, |sum, &rate| sum.saturating_add(rate))
    }

    /// The stored form: eight readings in mWh, 8 bytes each, little endian, rate 1 first.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; STORED_BYTES] {
        let mut bytes = [0; STORED_BYTES];
        for (slot, rate) in bytes.chunks_exact_mut(8).zip(self.rates) {
            slot.copy_from_slice(&rate.get().to_le_bytes());
        }
        bytes
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; STORED_BYTES]) -> Self {
        let mut rates = [MilliwattHours::ZERO; RATES];
        for (rate, slot) in rates.iter_mut().zip(bytes.chunks_exact(8)) {
            *rate = MilliwattHours::new(u64::from_le_bytes(slot.try_into().unwrap_or_default()));
        }
        Self { rates }
    }
}
