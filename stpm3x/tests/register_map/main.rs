//! Every address, reset value and field of the register types beside the facts of DS10272
//! section 8, written out again.

use stpm3x::reg::*;

/// A field as the manual has it, and what the type reads and sets there.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) low: u32,
    pub(crate) width: u32,
    pub(crate) signed: bool,
    pub(crate) get: fn(u32) -> i64,
    /// All ones put into the field of a row.
    pub(crate) fill: fn(u32) -> u32,
}

/// Rows by type: name, read address, value after a reset, latched.
pub(crate) fn check<R: Register>(facts: (&str, u8, u32, bool), new: u32, fields: &[Field]) {
    assert_eq!((R::NAME, R::ADDRESS, R::RESET, R::LATCHED), facts);
    assert_eq!(R::ROW * 2, R::ADDRESS);
    assert_eq!(new, R::RESET, "{}: what `new` makes", R::NAME);
    let row = Row::get(R::ROW).unwrap();
    assert_eq!(
        (row.name, row.number, row.reset, row.latched),
        (R::NAME, R::ROW, R::RESET, R::LATCHED)
    );
    for field in fields {
        let name = field.name;
        let mask = (u64::MAX >> (64 - field.width)) as u32 * (1 << field.low);
        let ones = if field.signed {
            -1
        } else {
            i64::from(mask >> field.low)
        };
        assert_eq!((field.get)(mask), ones, "{name}: all of it");
        assert_eq!((field.get)(!mask), 0, "{name}: nothing else");
        assert_eq!(
            (field.fill)(R::RESET),
            R::RESET | mask,
            "{name}: its neighbours stay"
        );
    }
}

pub(crate) fn exists<R: On<M>, M: stpm3x::part::Model>() {}
pub(crate) fn writable<R: Writable>() {
    assert!(Row::get(R::ROW).unwrap().writable);
}

macro_rules! field {
    ($type:ident, $name:literal, $low:literal, $width:literal, $signed:literal, $get:ident, $with:ident) => {
        Field {
            name: $name,
            low: $low,
            width: $width,
            signed: $signed,
            get: |row| i64::from($type::from_bits(row).$get()),
            fill: |row| {
                let ones = $type::from_bits(u32::MAX).$get();
                $type::from_bits(row).$with(ones).into_bits()
            },
        }
    };
}

mod control;
mod data;
mod phase;
mod status;

#[test]
fn all_rows_are_there() {
    assert_eq!(MAP.len(), 70);
    for (row, number) in MAP.iter().zip(0..) {
        assert_eq!(row.number, number);
        assert_eq!(row.writable, number <= 20, "{}", row.name);
    }
    assert!(Row::get(70).is_none());
}

#[test]
fn reserved_bits_survive_every_setter() {
    let row = DfeCr1::new()
        .with_gain(0)
        .with_voltage(false)
        .with_current(false);
    assert_eq!(row.into_bits(), 0x0326_0326);
    let row = DfeCr2::new().with_gain(3).with_current(false);
    assert_eq!(row.into_bits(), 0x0F26_0327);
}
