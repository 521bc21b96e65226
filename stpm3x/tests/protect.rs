//! Thresholds, ranges and meter constants beside the formulas of DS10272 in floating point.

use proptest::prelude::*;
use stpm3x::{
    ClockPin, Config, Demand, Divider, FrontEnd, Gain, Led, LedSource, Protection, Quantity,
    Sensor, Stpm32, Stpm33, Stpm34, TamperTolerance,
};

fn front_end(sensor: Sensor, gain: Gain, reference_uv: u32) -> FrontEnd {
    let divider = Divider {
        upper_ohms: 770_000,
        lower_ohms: 470,
    };
    FrontEnd {
        reference_uv,
        ..FrontEnd::new(divider, sensor, gain)
    }
}

const SHUNT: Sensor = Sensor::Shunt { micro_ohms: 300 };
const D: f64 = 1.0 + 770_000.0 / 470.0;

/// Section 9: 230 V, 5 A nominal, 64000 imp/kWh at LPW 4.
#[test]
fn design_example_of_the_manual() {
    let old = front_end(Sensor::Shunt { micro_ohms: 3_510 }, Gain::X2, 1_200_000);
    assert_eq!(old.largest_voltage_mv(), 347_747); // printed 347.8 V
    assert_eq!(old.largest_current_ma(), 60_436); // printed 60.5 A
    assert_eq!(old.least_current_ua(), 5_962); // printed 5.97 mA
    let new = front_end(Sensor::Shunt { micro_ohms: 3_392 }, Gain::X2, 1_180_000);
    assert_eq!(new.largest_voltage_mv(), 341_951); // 342.0 V
    assert_eq!(new.largest_current_ma(), 61_496); // 61.5 A
    assert_eq!(new.least_current_ua(), 6_067); // 6.07 mA
    for front_end in [old, new] {
        let config = Config::<Stpm32>::new(front_end).unwrap();
        let config = config.with_led1(Led::active(64_000)).unwrap();
        assert_eq!(config.led1().divider, 4);
        let deviation = config.led1().milli_impulses_per_kwh as f64 / 64e6 - 1.0;
        assert!(deviation.abs() < 1e-3, "{deviation}");
        let config = config.with_led1(Led::active(1_000)).unwrap();
        assert_eq!(config.led1().divider, 10);
    }
}

#[test]
fn half_a_turn_of_a_counter_is_21_seconds_in_the_linear_range() {
    // 43.8 s a turn for any front end (section 10).
    for gain in [Gain::X2, Gain::X16] {
        let interval = front_end(SHUNT, gain, 1_180_000).longest_read_interval_ms();
        assert!((21_800..=21_950).contains(&interval), "{interval}");
    }
    let shunt = front_end(SHUNT, Gain::X16, 1_180_000);
    // 4.19 s a turn at the largest power of a row.
    assert_eq!(shunt.longest_read_interval_at(u32::MAX, u32::MAX), 2_097);
    // Nothing to count.
    assert_eq!(shunt.longest_read_interval_at(0, 0), u32::MAX);
}

#[test]
fn a_front_end_that_saturates_or_cannot_start_says_its_range() {
    let demand = Demand {
        voltage_mv: 300_000,
        current_ma: 80_000,
        starting_current_ua: 20_000,
    };
    let shunt = front_end(SHUNT, Gain::X16, 1_180_000);
    assert_eq!(shunt.check(&demand), Ok(()));
    let loud = Demand {
        voltage_mv: 400_000,
        ..demand
    };
    let error = shunt.check(&loud).unwrap_err();
    assert_eq!((error.field, error.most), ("voltage_mv", 341_951));
    let small = Demand {
        starting_current_ua: 4_000,
        ..demand
    };
    let error = shunt.check(&small).unwrap_err();
    assert_eq!((error.field, error.least), ("starting_current_ua", 8_574));
}

#[test]
fn thresholds_outside_the_chip_say_their_range_in_volts_and_amperes() {
    let config = Config::<Stpm32>::new(front_end(SHUNT, Gain::X16, 1_180_000)).unwrap();
    let wrong = |watch| {
        let error = config.with_protection(watch).unwrap_err();
        (error.field, error.least, error.most)
    };
    let error = wrong(Protection::default().with_sag(900_000));
    // Code 1022: 1022 / 1024 * Vref * D / (2 * sqrt 2 * 0.875)
    let most = 1_022.0 / 1_024.0 * 1_180.0 * D / (2.0 * 2f64.sqrt() * 0.875);
    assert_eq!(error, ("sag_mv", 763, most.round() as u32));
    let error = wrong(Protection::default().with_over_current(300_000));
    assert_eq!(error.0, "over_current_ma");
    // A step is 32 * 2.1435 mA = 68.592 mA: 1 A is code 15, and 14 is the most below it.
    let error = wrong(Protection::default().with_ampere_hours(1_000, 2_000));
    assert_eq!(error, ("ampere_hours.below_ma", 69, 960));
    let error = wrong(Protection::default().with_ampere_hours(1_000, 999));
    assert_eq!(error, ("ampere_hours.below_ma", 69, 960));
    assert_eq!(config.protection(), Protection::default());
    assert_eq!(
        config.with_sag_filter_us(200_000).unwrap_err().to_string(),
        "sag_filter_us is 200000, allowed are 8 to 131064"
    );
    assert_eq!(
        config.with_led1(Led::active(0)).unwrap_err().field,
        "impulses_per_kwh"
    );
    let secondary = Led {
        source: LedSource::Secondary,
        ..Led::active(1_000)
    };
    assert_eq!(config.with_led1(secondary).unwrap_err().field, "led.source");
}

/// Section 12: a healthy sine of 230 V is below 207 V for 2 asin(0.9) / (2 pi 50 Hz) = 7.1 ms.
#[test]
fn sag_filter_is_the_time_of_a_healthy_sine_and_half_a_period() {
    let shunt = front_end(SHUNT, Gain::X16, 1_180_000);
    let healthy = 2.0 * 0.9f64.asin() / (2.0 * std::f64::consts::PI * 50.0);
    let filter = shunt.sag_filter_us(207_000, 230_000, 50_000).unwrap();
    assert_eq!(filter, ((healthy + 0.01) * 1e6).round() as u32);
    assert!(shunt.sag_filter_us(230_000, 230_000, 50_000).is_err());
    assert!(shunt.sag_filter_us(207_000, 230_000, 0).is_err());
}

#[test]
fn settings_land_in_their_rows() {
    let front_end = front_end(SHUNT, Gain::X16, 1_180_000);
    let config = Config::<Stpm33>::new(front_end)
        .and_then(|config| config.with_secondary(SHUNT, Gain::X8))
        .and_then(|config| {
            config.with_secondary_protection(Protection::default().with_over_current(50_000))
        })
        .and_then(|config| {
            let total = Led {
                quantity: Quantity::Apparent,
                source: LedSource::Total,
                impulses_per_kwh: 3_000,
            };
            config.with_led2(total)
        })
        .unwrap()
        .with_tamper(TamperTolerance::Sixteenth)
        .with_total_difference();
    let rows = config.rows();
    // DSP_CR2: LPS2 apparent, LCS2 both.
    assert_eq!(rows[1] >> 28, 0b10_11);
    assert_eq!(rows[2], 0x040C_04E0);
    // I / Vref * 8 * sqrt 2 * kS * 0.875 * 1024
    let code = 50.0 / 1.18 * 8.0 * 2f64.sqrt() * 300e-6 * 0.875 * 1_024.0;
    assert_eq!(rows[7], 0x0000_0800 | (code.round() as u32) << 12);
    assert_eq!(config.secondary_protection().unwrap().sag_mv, None);
    assert_eq!(rows[6], 0x003F_F800);
}

#[test]
fn percents_pins_and_the_automatic_latch() {
    let front_end = front_end(SHUNT, Gain::X16, 1_180_000);
    let percent = Protection::default()
        .with_sag_percent(230_000, 90)
        .with_swell_percent(230_000, 110)
        .with_over_current_percent(60_000, 120);
    let units = Protection::default()
        .with_sag(207_000)
        .with_swell(253_000)
        .with_over_current(72_000);
    assert_eq!(percent, units);
    let single = Config::<Stpm32>::new(front_end).unwrap();
    let crossing = single.with_clock_pin(ClockPin::ZeroCrossingC1).unwrap();
    assert_eq!(crossing.rows()[2], 0x0001_44E0);
    let error = single.with_clock_pin(ClockPin::ZeroCrossingV2).unwrap_err();
    assert_eq!(error.field, "clock_pin");
    let clock = single.with_clock_pin(ClockPin::Clock16MHz).unwrap();
    assert_eq!(clock.with_automatic_latch().rows()[2], 0x0080_C4E0);
}

/// What is no setting is not written, whatever a row is given.
#[test]
fn reserved_bits_and_orders_stay_out_of_the_rows() {
    use stpm3x::reg::*;
    let config = Config::<Stpm34>::new(front_end(SHUNT, Gain::X16, 1_180_000)).unwrap();
    let all = config
        .with_row(DspCr1::from_bits(u32::MAX))
        .with_row(DspCr3::from_bits(u32::MAX))
        .with_row(DfeCr1::from_bits(0))
        .with_row(DfeCr2::from_bits(u32::MAX));
    let rows = all.rows();
    assert_eq!(rows[0], 0xFF3E_01EF);
    assert_eq!(rows[2], 0x0F8F_FFFF);
    assert_eq!(rows[12], 0x0326_0326);
    assert_eq!(rows[13], 0x0F27_0327);
    // DSP_CR1 at its reset value would hide a restart.
    let plain = config.with_row(DspCr1::new());
    assert_ne!(plain.rows()[0], DspCr1::RESET);
}

proptest! {
    #[test]
    fn codes_are_the_nearest_and_mean_what_is_told(
        volts in 20_000..700_000u32, amps in 1_000..120_000u32, up in 200..8_000_000u32,
        reference_uv in 1_150_000..1_250_000u32,
    ) {
        let front_end = front_end(SHUNT, Gain::X16, reference_uv);
        let reference = f64::from(reference_uv) * 1e-6;
        let watch = Protection::default().with_sag(volts).with_swell(volts).with_over_current(amps);
        let watch = if up < 8_000_000 { watch.with_ampere_hours(up, up / 2) } else { watch };
        let Ok(config) = Config::<Stpm32>::new(front_end).unwrap().with_protection(watch) else {
            return Ok(());
        };
        let per_volt = 2.0 * 2f64.sqrt() * 0.875 / D * 1_024.0 / reference;
        let per_amp = 16.0 * 2f64.sqrt() * 300e-6 * 0.875 * 1_024.0 / reference;
        let near = |value: u32, per: f64, code: u32| {
            (f64::from(value) / 1e3 * per - f64::from(code)).abs() <= 0.5 + 1e-6
        };
        let rows = config.rows();
        prop_assert!(near(volts, per_volt, rows[4] >> 22));
        prop_assert!(near(volts, per_volt, rows[4] >> 12 & 0x3FF));
        prop_assert!(near(amps, per_amp, rows[5] >> 12 & 0x3FF));
        let told = config.protection();
        let means = |told: u32, code: u32, per: f64| (f64::from(told) - f64::from(code) / per * 1e3).abs() <= 0.501;
        prop_assert!(means(told.sag_mv.unwrap(), rows[4] >> 22, per_volt));
        prop_assert!(means(told.over_current_ma.unwrap(), rows[5] >> 12 & 0x3FF, per_amp));
        // What is told is itself a setting that stays.
        let again = Config::<Stpm32>::new(front_end).unwrap().with_protection(told).unwrap();
        prop_assert_eq!(again.rows()[4], rows[4]);
        prop_assert_eq!(again.rows()[5], rows[5]);
    }

    #[test]
    fn the_meter_constant_is_the_nearest_power_of_two(imp in 1..2_000_000u32) {
        let front_end = front_end(SHUNT, Gain::X16, 1_180_000);
        // CP = 1/2 / D * kS * 2 * 16 * 0.875^2 / Vref^2 * fD / 2^(LPW - 4), pulses per Ws.
        let at_four = 0.5 / D * 300e-6 * 32.0 * 0.875 * 0.875 / (1.18 * 1.18) * 7_812.5 * 3.6e6;
        match Config::<Stpm32>::new(front_end).unwrap().with_led1(Led::active(imp)) {
            Ok(config) => {
                let found = config.led1();
                let exact = at_four / 2f64.powi(i32::from(found.divider) - 4);
                prop_assert!((found.milli_impulses_per_kwh as f64 / 1e3 - exact).abs() < 1e-3 + exact * 1e-9);
                prop_assert!((f64::from(imp) / exact).log2().abs() <= 1.0 + 1e-6);
            }
            Err(error) => {
                prop_assert!(imp < error.least || imp > error.most, "{error}");
            }
        }
    }
}
