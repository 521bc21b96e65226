//! The table of registers, written out once more: numbers and codes never change.

use meter_proto::payload::Column;
use meter_proto::payload::register::{Obis, REGISTERS, Register};

/// Number, OBIS code, unit on the wire, DLMS unit, decimal exponent.
const TABLE: [(u16, &str, &str, u8, i8); 55] = [
    (4, "1-0:32.7.0", "mV", 35, -3),
    (5, "1-0:31.7.0", "mA", 33, -3),
    (6, "1-0:16.7.0", "0.1 W", 27, -1),
    (7, "1-0:3.7.0", "0.1 var", 29, -1),
    (8, "1-0:9.7.0", "0.1 VA", 28, -1),
    (9, "1-0:33.7.0", "0.001", 255, -3),
    (10, "1-0:14.7.0", "mHz", 44, -3),
    (11, "1-0:1.8.0", "Wh", 30, 0),
    (12, "1-0:2.8.0", "Wh", 30, 0),
    (13, "1-0:3.8.0", "varh", 32, 0),
    (14, "1-0:4.8.0", "varh", 32, 0),
    (16, "1-0:91.7.0", "mA", 33, -3),
    (18, "0-0:96.14.0", "", 255, 0),
    (260, "1-0:1.4.0", "W", 27, 0),
    (261, "1-0:1.5.0", "W", 27, 0),
    (262, "1-0:1.6.0", "W", 27, 0),
    (1_288, "1-0:5.8.0", "varh", 32, 0),
    (1_544, "1-0:6.8.0", "varh", 32, 0),
    (1_800, "1-0:7.8.0", "varh", 32, 0),
    (2_056, "1-0:8.8.0", "varh", 32, 0),
    (2_312, "1-0:9.8.0", "VAh", 31, 0),
    (2_568, "1-0:10.8.0", "VAh", 31, 0),
    (3_335, "1-0:13.7.0", "0.001", 255, -3),
    (3_848, "1-0:15.8.0", "Wh", 30, 0),
    (4_104, "1-0:16.8.0", "Wh", 30, 0),
    (5_383, "1-0:21.7.0", "0.1 W", 27, -1),
    (5_384, "1-0:21.8.0", "Wh", 30, 0),
    (5_639, "1-0:22.7.0", "0.1 W", 27, -1),
    (5_895, "1-0:23.7.0", "0.1 var", 29, -1),
    (6_151, "1-0:24.7.0", "0.1 var", 29, -1),
    (7_431, "1-0:29.7.0", "0.1 VA", 28, -1),
    (7_943, "1-0:31.7.0", "mA", 33, -3),
    (8_199, "1-0:32.7.0", "mV", 35, -3),
    (8_224, "1-0:32.32.0", "", 255, 0),
    (8_228, "1-0:32.36.0", "", 255, 0),
    (8_455, "1-0:33.7.0", "0.001", 255, -3),
    (10_503, "1-0:41.7.0", "0.1 W", 27, -1),
    (10_504, "1-0:41.8.0", "Wh", 30, 0),
    (10_759, "1-0:42.7.0", "0.1 W", 27, -1),
    (11_015, "1-0:43.7.0", "0.1 var", 29, -1),
    (11_271, "1-0:44.7.0", "0.1 var", 29, -1),
    (12_551, "1-0:49.7.0", "0.1 VA", 28, -1),
    (13_063, "1-0:51.7.0", "mA", 33, -3),
    (13_319, "1-0:52.7.0", "mV", 35, -3),
    (13_575, "1-0:53.7.0", "0.001", 255, -3),
    (15_623, "1-0:61.7.0", "0.1 W", 27, -1),
    (15_624, "1-0:61.8.0", "Wh", 30, 0),
    (15_879, "1-0:62.7.0", "0.1 W", 27, -1),
    (16_135, "1-0:63.7.0", "0.1 var", 29, -1),
    (16_391, "1-0:64.7.0", "0.1 var", 29, -1),
    (17_671, "1-0:69.7.0", "0.1 VA", 28, -1),
    (18_183, "1-0:71.7.0", "mA", 33, -3),
    (18_439, "1-0:72.7.0", "mV", 35, -3),
    (18_695, "1-0:73.7.0", "0.001", 255, -3),
    (20_743, "1-0:81.7.0", "0.1°", 8, -1),
];

#[test]
fn the_table_is_that_of_the_specification() {
    let rows = REGISTERS.iter().map(|of| {
        let unit = of.unit;
        (
            of.column.0,
            of.obis.to_string(),
            unit.symbol,
            unit.dlms,
            unit.scaler,
        )
    });
    let expected = TABLE.map(|(number, obis, symbol, dlms, scaler)| {
        (number, obis.to_owned(), symbol, dlms, scaler)
    });
    assert_eq!(rows.collect::<Vec<_>>(), expected);
    assert!(REGISTERS.is_sorted_by_key(|of| of.column));
}

#[test]
fn numbers_and_codes_lead_to_each_other() {
    for register in &REGISTERS {
        let (column, obis) = (register.column, register.obis);
        assert_eq!(Register::of(column), Some(register));
        assert_eq!(column.obis(), Some(obis));
        // L1 has a small number and one by the rule: the small one is shorter on the wire.
        let lowest = match column.0 {
            7_943 => 5,
            8_199 => 4,
            8_455 => 9,
            number => number,
        };
        assert_eq!(Column::of_obis(obis), Some(Column(lowest)), "{obis}");
        let found = Register::of_obis(obis).map(|of| of.column);
        assert_eq!(found, Some(Column(lowest)));
    }
}

#[test]
fn other_numbers_follow_the_rule() {
    for number in 256..=u16::MAX {
        let (c, d) = ((number / 256) as u8, (number % 256) as u8);
        let obis = Obis::electricity(c, d);
        assert_eq!(Column(number).obis(), Some(obis));
        let back = Column::of_obis(obis).unwrap();
        assert_eq!(back.obis(), Some(obis));
        assert!(back == Column(number) || Register::of(back).is_some());
    }
    for number in [0, 3, 15, 17, 19, 255] {
        assert_eq!(Column(number).obis(), None, "{number}");
        assert_eq!(Register::of(Column(number)), None, "{number}");
    }
    let gas = Obis {
        a: 7,
        ..Obis::electricity(3, 8)
    };
    let other_channel = Obis {
        b: 1,
        ..Obis::electricity(1, 8)
    };
    let no_quantity = Obis::electricity(0, 8);
    let of_rate = Obis::electricity(1, 8).of_rate(2);
    assert_eq!(of_rate.to_string(), "1-0:1.8.2");
    for obis in [gas, other_channel, no_quantity, of_rate] {
        assert_eq!(Column::of_obis(obis), None, "{obis}");
    }
}
