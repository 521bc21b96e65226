//! Prepaid energy: a credit that what is used is taken from, exactly.
//!
//! What a mWh costs is less than a millionth of a currency unit as a rule: the rest is carried, so
//! that top-ups less the exact cost of all energy is the balance, to 10^-12 units.

use core::fmt;

use crate::clock::{WallTime, Weekday};
use crate::units::{MicroCurrency, MilliwattHours, Seconds};

/// Fractions of a millionth of a currency unit: a price is for a million mWh.
const FINE: i128 = 1_000_000;

/// When the supply is not cut although the credit is used up: at night, at weekends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FriendlyHours {
    /// Time of day on the wall from which on the supply stays.
    pub from: Seconds,
    /// Time of day at which it may be cut again; earlier than `from` for the next
    /// morning, equal for no such hours.
    pub until: Seconds,
    /// Whether all of Saturday and Sunday are friendly.
    pub weekend: bool,
}

impl FriendlyHours {
    /// None: the supply is cut at any time.
    pub const NONE: Self = Self {
        from: Seconds::ZERO,
        until: Seconds::ZERO,
        weekend: false,
    };

    /// Whether a time on the wall is friendly.
    #[must_use]
    pub fn contains(&self, wall: &WallTime) -> bool {
        let day = wall.date.weekday();
        let is_weekend = matches!(day, Weekday::Saturday | Weekday::Sunday);
        let by_hour = if self.from <= self.until {
            (self.from..self.until).contains(&wall.second)
        } else {
            wall.second >= self.from || wall.second < self.until
        };
        by_hour || self.weekend && is_weekend
    }
}

/// The terms of a prepaid supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Terms {
    /// At this balance and below the customer is warned.
    pub low: MicroCurrency,
    /// What the customer may owe once the emergency credit has been accepted; not negative.
    pub emergency: MicroCurrency,
    /// When the supply is not cut.
    pub friendly: FriendlyHours,
}

/// What is to be done with the supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Supply {
    /// On, with credit.
    On,
    /// On, and the customer is to be warned: the balance is low, or emergency credit is in use.
    Low,
    /// On, though nothing is left, because of the hour.
    Friendly,
    /// Off: nothing is left.
    Off,
}

impl Supply {
    /// Whether the relay is closed.
    #[must_use]
    pub const fn is_on(self) -> bool {
        !matches!(self, Self::Off)
    }
}

/// Why a credit was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PrepaymentError {
    /// A top-up of this number was taken before.
    TakenBefore,
    /// The number is 64 or more behind the newest: whether it was taken is no longer known.
    TooOld,
    /// A top-up must be above zero.
    NotPositive,
    /// The balance would leave the range of 9.2 million million currency units.
    OutOfRange,
    /// Emergency credit is offered only when the balance is low, and once until it is paid back.
    NoEmergency,
}

impl fmt::Display for PrepaymentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TakenBefore => "a top-up of this number was taken before",
            Self::TooOld => {
                "the number is 64 or more behind the newest top-up: send the amount under a new one"
            }
            Self::NotPositive => "a top-up must be above zero",
            Self::OutOfRange => "the balance would be beyond 9.2 million million currency units",
            Self::NoEmergency => {
                "emergency credit is offered when the balance is low, once until it is paid back"
            }
        })
    }
}

impl core::error::Error for PrepaymentError {}

/// Bytes of a stored [`Credit`].
pub const STORED_BYTES: usize = 8 + 4 + 4 + 8 + 1;

/// The credit register of a prepaid meter.
///
/// ```text
///            balance > 0            balance <= low           nothing left
///   On ──────────────────────► Low ──────────────────► Off (Friendly by the hour)
///      ◄───────top-up──────────    ◄──top-up, accept──
/// ```
///
/// ```
/// use meter_core::prepayment::{Credit, FriendlyHours, Supply, Terms};
/// use meter_core::units::{MicroCurrency, MilliwattHours};
/// let unit = |n: i64| MicroCurrency::new(n * 1_000_000);
/// let terms = Terms { low: unit(2), emergency: unit(5), friendly: FriendlyHours::NONE };
/// let mut credit = Credit::default();
/// credit.top_up(1, unit(10))?;
/// credit.use_energy(MilliwattHours::new(30_000_000), MicroCurrency::new(300_000)); // 30 kWh
/// assert_eq!(credit.balance(), unit(1));
/// assert_eq!(credit.supply(&terms, None), Supply::Low);
/// # Ok::<(), meter_core::prepayment::PrepaymentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Credit {
    /// Whole millionths, rounded down.
    balance: i64,
    /// 10^-12 units above it, below [`FINE`].
    rest: u32,
    /// The newest number of a top-up.
    newest: u32,
    /// Which numbers were taken: bit n stands for the one n before the newest.
    taken: u64,
    emergency_accepted: bool,
}

impl Credit {
    /// The balance, rounded down; negative is owed.
    #[must_use]
    pub const fn balance(&self) -> MicroCurrency {
        MicroCurrency::new(self.balance)
    }

    /// The newest number of a top-up; `None` before the first.
    #[must_use]
    pub const fn newest_top_up(&self) -> Option<u32> {
        if self.taken == 0 {
            None
        } else {
            Some(self.newest)
        }
    }

    /// Whether emergency credit was accepted and is not paid back: it is once the balance comes
    /// above zero again, by whatever way. Accepted ahead, it stays until it was needed.
    #[must_use]
    pub const fn emergency_accepted(&self) -> bool {
        self.emergency_accepted
    }

    /// Adds a top-up. Each number counts once, however often it is delivered; numbers rise modulo
    /// 2^32, and may come out of order within the last 64.
    ///
    /// # Errors
    /// [`PrepaymentError`] says why nothing was added.
    pub fn top_up(&mut self, number: u32, amount: MicroCurrency) -> Result<(), PrepaymentError> {
        let (newest, taken) = self.with_number(number)?;
        if amount <= MicroCurrency::ZERO {
            return Err(PrepaymentError::NotPositive);
        }
        let sum = self.balance().checked_add(amount);
        self.book(sum.ok_or(PrepaymentError::OutOfRange)?.get(), self.rest);
        (self.newest, self.taken) = (newest, taken);
        Ok(())
    }

    /// The numbers taken once this one is.
    fn with_number(&self, number: u32) -> Result<(u32, u64), PrepaymentError> {
        let ahead = number.wrapping_sub(self.newest);
        if self.taken == 0 {
            return Ok((number, 1));
        }
        if ahead.cast_signed() > 0 {
            return Ok((number, self.taken.checked_shl(ahead).unwrap_or(0) | 1));
        }
        let bit = 1u64.checked_shl(ahead.wrapping_neg());
        match bit.ok_or(PrepaymentError::TooOld)? {
            bit if self.taken & bit == 0 => Ok((self.newest, self.taken | bit)),
            _ => Err(PrepaymentError::TakenBefore),
        }
    }

    /// Takes the cost of an energy at the price of a kWh in force when it was used. A negative
    /// price gives credit.
    pub fn use_energy(&mut self, energy: MilliwattHours, per_kilowatt_hour: MicroCurrency) {
        self.take(i128::from(energy.get()) * i128::from(per_kilowatt_hour.get()));
    }

    /// Takes a charge: the standing charge of a day, a debt that is recovered.
    pub fn charge(&mut self, amount: MicroCurrency) {
        self.take(i128::from(amount.get()) * FINE);
    }

    /// Takes 10^-12 units. Held at the ends of the range: a meter counts on in every case.
    fn take(&mut self, fine: i128) {
        let exact = i128::from(self.balance) * FINE + i128::from(self.rest);
        let left = exact.saturating_sub(fine);
        let (whole, rest) = (left.div_euclid(FINE), left.rem_euclid(FINE));
        let end = if whole < 0 { i64::MIN } else { i64::MAX };
        let rest = u32::try_from(rest).unwrap_or_default();
        self.book(i64::try_from(whole).unwrap_or(end), rest);
    }

    fn book(&mut self, balance: i64, rest: u32) {
        let had_none = !self.is_above(0);
        (self.balance, self.rest) = (balance, rest);
        if had_none && self.is_above(0) {
            self.emergency_accepted = false;
        }
    }

    const fn is_above(&self, floor: i64) -> bool {
        self.balance > floor || self.balance == floor && self.rest > 0
    }

    /// Accepts emergency credit.
    ///
    /// # Errors
    /// [`PrepaymentError::NoEmergency`]: the balance is not low, it was accepted before, or the
    /// terms offer none.
    pub fn accept_emergency(&mut self, terms: &Terms) -> Result<(), PrepaymentError> {
        let is_offered = terms.emergency > MicroCurrency::ZERO && self.balance() <= terms.low;
        if !is_offered || self.emergency_accepted {
            return Err(PrepaymentError::NoEmergency);
        }
        self.emergency_accepted = true;
        Ok(())
    }

    /// What is to be done with the supply at a time on the wall; a meter whose clock is not valid
    /// gives none, and has no friendly hours.
    #[must_use]
    pub fn supply(&self, terms: &Terms, wall: Option<&WallTime>) -> Supply {
        let floor = if self.emergency_accepted {
            terms.emergency.get().max(0).saturating_neg()
        } else {
            0
        };
        if !self.is_above(floor) {
            return if wall.is_some_and(|wall| terms.friendly.contains(wall)) {
                Supply::Friendly
            } else {
                Supply::Off
            };
        }
        if self.balance() <= terms.low || self.balance <= 0 {
            Supply::Low
        } else {
            Supply::On
        }
    }

    /// The state, little-endian: balance, rest, newest top-up, which ones were taken, 1 where
    /// emergency credit is accepted.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; STORED_BYTES] {
        let mut bytes = [0; STORED_BYTES];
        bytes[..8].copy_from_slice(&self.balance.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.rest.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.newest.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.taken.to_le_bytes());
        bytes[24] = self.emergency_accepted.into();
        bytes
    }

    /// The credit that was stored; `None` for bytes that no credit has.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; STORED_BYTES]) -> Option<Self> {
        let (balance, rest) = bytes.split_first_chunk()?;
        let (fine, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (taken, flags) = rest.split_first_chunk()?;
        let credit = Self {
            balance: i64::from_le_bytes(*balance),
            rest: u32::from_le_bytes(*fine),
            newest: u32::from_le_bytes(*number),
            taken: u64::from_le_bytes(*taken),
            emergency_accepted: flags == [1],
        };
        let knows_the_newest = match credit.taken {
            0 => credit.newest == 0,
            taken => taken & 1 == 1,
        };
        let is_sound = i128::from(credit.rest) < FINE && knows_the_newest;
        (is_sound && flags.iter().all(|&flag| flag <= 1)).then_some(credit)
    }
}
