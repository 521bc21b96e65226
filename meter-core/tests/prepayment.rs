//! The credit of a prepaid meter against exact arithmetic.

use meter_core::clock::{Date, WallTime};
use meter_core::prepayment::{Credit, FriendlyHours, PrepaymentError, STORED_BYTES, Supply, Terms};
use meter_core::units::{MicroCurrency, MilliwattHours, Seconds};
use num_bigint::BigInt;
use proptest::prelude::*;

const fn unit(amount: i64) -> MicroCurrency {
    MicroCurrency::new(amount * 1_000_000)
}

const TERMS: Terms = Terms {
    low: unit(2),
    emergency: unit(5),
    friendly: FriendlyHours {
        from: Seconds::new(20 * 3_600),
        until: Seconds::new(8 * 3_600),
        weekend: true,
    },
};

/// A time on Friday 27 November 2026, or days later.
fn wall(days: i64, hour: u32) -> WallTime {
    let friday = Date::new(2026, 11, 27).expect("a date").days();
    WallTime {
        date: Date::of_days(friday + days),
        second: Seconds::new(hour * 3_600),
        daylight: false,
    }
}

#[test]
fn supply_follows_the_balance() {
    let mut credit = Credit::default();
    assert_eq!(credit.supply(&TERMS, Some(&wall(0, 12))), Supply::Off);
    credit.top_up(1, unit(10)).expect("the first");
    assert_eq!(credit.supply(&TERMS, None), Supply::On);
    credit.charge(unit(8));
    assert_eq!(credit.supply(&TERMS, None), Supply::Low);
    credit.charge(unit(2));
    assert_eq!(credit.balance(), MicroCurrency::ZERO);
    for (days, hour, supply) in [
        (0, 8, Supply::Off),
        (0, 19, Supply::Off),
        (0, 20, Supply::Friendly),
        (0, 7, Supply::Friendly),
        (1, 12, Supply::Friendly), // Saturday
        (2, 12, Supply::Friendly), // Sunday
        (3, 12, Supply::Off),
    ] {
        assert_eq!(
            credit.supply(&TERMS, Some(&wall(days, hour))),
            supply,
            "{days} {hour}"
        );
    }
    // A clock that is not valid has no friendly hours.
    assert_eq!(credit.supply(&TERMS, None), Supply::Off);
}

#[test]
fn emergency_credit_is_lent_once_and_paid_back() {
    let mut credit = Credit::default();
    credit.top_up(1, unit(3)).expect("the first");
    let refused = Err(PrepaymentError::NoEmergency);
    assert_eq!(
        credit.accept_emergency(&TERMS),
        refused,
        "the balance is not low"
    );
    credit.charge(unit(3));
    assert_eq!(credit.accept_emergency(&TERMS), Ok(()));
    assert_eq!(credit.accept_emergency(&TERMS), refused, "once");
    assert_eq!(credit.supply(&TERMS, None), Supply::Low);
    credit.charge(unit(5));
    assert_eq!(credit.supply(&TERMS, None), Supply::Off);
    credit.top_up(2, unit(4)).expect("the second");
    assert!(credit.emergency_accepted(), "one unit is still owed");
    assert_eq!(credit.supply(&TERMS, None), Supply::Low);
    credit.top_up(3, unit(4)).expect("the third");
    assert!(!credit.emergency_accepted());
    assert_eq!(credit.balance(), unit(3));
    let none = Terms {
        emergency: MicroCurrency::ZERO,
        ..TERMS
    };
    credit.charge(unit(3));
    assert_eq!(credit.accept_emergency(&none), refused);
}

#[test]
fn paying_back_never_cuts_the_supply() {
    let mut credit = Credit::default();
    credit.accept_emergency(&TERMS).expect("nothing is left");
    credit.charge(unit(4));
    credit.top_up(1, unit(4)).expect("the first");
    assert_eq!(
        (credit.balance(), credit.supply(&TERMS, None)),
        (unit(0), Supply::Low)
    );
    assert!(
        credit.emergency_accepted(),
        "nothing is owed, and nothing is there"
    );
    // Paid back by energy that is paid for, or by a refund.
    credit.charge(unit(1));
    credit.use_energy(
        MilliwattHours::new(10_000_000),
        MicroCurrency::new(-200_000),
    );
    assert_eq!(
        (credit.balance(), credit.emergency_accepted()),
        (unit(1), false)
    );
}

#[test]
fn emergency_credit_accepted_ahead_stays_until_it_is_needed() {
    let mut credit = Credit::default();
    credit.top_up(1, unit(2)).expect("the first");
    credit.accept_emergency(&TERMS).expect("the balance is low");
    credit.top_up(2, unit(1)).expect("the second");
    credit.charge(unit(5));
    assert_eq!(credit.supply(&TERMS, None), Supply::Low);
    credit.top_up(3, unit(3)).expect("the third");
    assert!(!credit.emergency_accepted());
}

#[test]
fn a_top_up_counts_once() {
    let mut credit = Credit::default();
    assert_eq!(credit.newest_top_up(), None);
    let taken = Err(PrepaymentError::TakenBefore);
    credit.top_up(7, unit(10)).expect("the first");
    assert_eq!(credit.top_up(7, unit(10)), taken);
    assert_eq!(
        credit.top_up(8, MicroCurrency::ZERO),
        Err(PrepaymentError::NotPositive)
    );
    assert_eq!(
        credit.top_up(8, MicroCurrency::MAX),
        Err(PrepaymentError::OutOfRange)
    );
    assert_eq!(credit.top_up(8, unit(1)), Ok(()), "nothing was taken of it");
    assert_eq!(
        (credit.balance(), credit.newest_top_up()),
        (unit(11), Some(8))
    );
}

#[test]
fn a_late_top_up_counts_too() {
    let mut credit = Credit::default();
    credit.top_up(100, unit(1)).expect("the first");
    credit.top_up(37, unit(1)).expect("63 behind");
    assert_eq!(
        credit.top_up(37, unit(1)),
        Err(PrepaymentError::TakenBefore)
    );
    assert_eq!(credit.top_up(36, unit(1)), Err(PrepaymentError::TooOld));
    credit.top_up(101, unit(1)).expect("the next");
    assert_eq!(credit.top_up(37, unit(1)), Err(PrepaymentError::TooOld));
    assert_eq!(
        credit.top_up(100, unit(1)),
        Err(PrepaymentError::TakenBefore)
    );
    // Numbers go round, and one at their end ends nothing.
    credit.top_up(0x8000_0000, unit(1)).expect("a leap");
    credit.top_up(u32::MAX, unit(1)).expect("another");
    credit.top_up(1, unit(1)).expect("round");
    credit.top_up(0, unit(1)).expect("late");
    assert_eq!(
        (credit.balance(), credit.newest_top_up()),
        (unit(7), Some(1))
    );
}

proptest! {
    /// Top-ups less the exact cost of everything is the balance, rounded down.
    #[test]
    fn nothing_is_lost(
        steps in prop::collection::vec(
            (0..3_u8, any::<u32>(), -2_000_000..2_000_000_i64),
            0..200,
        ),
    ) {
        let mut credit = Credit::default();
        let mut exact = BigInt::from(0);
        for (number, (what, quantity, price)) in (1..).zip(steps) {
            let amount = MicroCurrency::new(price);
            match what {
                0 if credit.top_up(number, amount).is_ok() => exact += BigInt::from(price) * 1_000_000,
                0 => prop_assert!(price <= 0),
                1 => {
                    credit.use_energy(MilliwattHours::new(quantity.into()), amount);
                    exact -= BigInt::from(quantity) * price;
                }
                _ => {
                    credit.charge(amount);
                    exact -= BigInt::from(price) * 1_000_000;
                }
            }
            credit = Credit::from_bytes(&credit.to_bytes()).expect("what was stored");
        }
        let million = BigInt::from(1_000_000);
        let below: BigInt = &exact - BigInt::from(credit.balance().get()) * &million;
        prop_assert!(below >= BigInt::from(0) && below < million);
    }

    /// Whatever is stored or used, nothing panics, and a meter at the end of the range stays there.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), STORED_BYTES), price in any::<i64>()) {
        let mut bytes: [u8; STORED_BYTES] = bytes.try_into().expect("as many");
        bytes[24] %= 3;
        bytes[11] = 0;
        if let Some(mut credit) = Credit::from_bytes(&bytes) {
            prop_assert_eq!(credit.to_bytes(), bytes);
            credit.use_energy(MilliwattHours::MAX, MicroCurrency::new(price));
            credit.charge(MicroCurrency::new(price));
            let _ = credit.top_up(u32::MAX, MicroCurrency::new(price));
            let _ = credit.supply(&TERMS, None);
        }
    }
}
