//! Values that no meter has: every public computation comes back, with a result or an error.

use proptest::prelude::*;
use stpm3x::calibrate::{Average, PhaseTest, PowerAverage};
use stpm3x::{
    Calibration, ClockPin, Config, Demand, Divider, Energies, EnergyCounters, FrontEnd, Gain, Led,
    LedSource, Protection, Quantity, Sensor, Stpm33, Stpm34, TamperTolerance,
};

/// Mostly the ends of the range.
fn any_number() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(u32::MAX),
        Just(1 << 31),
        any::<u32>(),
        1..1_000_000u32
    ]
}

fn any_sensor() -> impl Strategy<Value = Sensor> {
    prop_oneof![
        any_number().prop_map(|micro_ohms| Sensor::Shunt { micro_ohms }),
        (any_number(), any_number()).prop_map(|(turns, burden_milliohms)| {
            Sensor::CurrentTransformer {
                turns,
                burden_milliohms,
            }
        }),
        any_number().prop_map(|microvolts_per_amp| Sensor::Rogowski { microvolts_per_amp }),
    ]
}

prop_compose! {
    fn any_front_end()(
        upper_ohms in any_number(), lower_ohms in any_number(), sensor in any_sensor(),
        gain in prop_oneof![Just(Gain::X2), Just(Gain::X16)],
        reference_uv in prop_oneof![Just(1_180_000), any_number()],
        crystal_hz in prop_oneof![Just(16_000_000), any_number()],
    ) -> FrontEnd {
        let divider = Divider { upper_ohms, lower_ohms };
        FrontEnd { divider, sensor, gain, reference_uv, crystal_hz }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_front_end_has_limits_or_an_error(
        front_end in any_front_end(), a in any_number(), b in any_number(), c in any_number(),
    ) {
        let _ = front_end.largest_voltage_mv();
        let _ = front_end.largest_current_ma();
        let _ = front_end.least_current_ua();
        let _ = front_end.longest_read_interval_ms();
        let _ = front_end.longest_read_interval_at(a, b);
        let demand = Demand { voltage_mv: a, current_ma: b, starting_current_ua: c };
        let _ = front_end.check(&demand);
        let _ = front_end.sag_filter_us(a, b, c);
    }

    #[test]
    fn any_setting_is_taken_or_named(
        front_end in any_front_end(), a in any_number(), b in any_number(), c in any_number(),
        d in any_number(), e in any_number(),
    ) {
        let Ok(config) = Config::<Stpm34>::new(front_end) else { return Ok(()) };
        let watch = Protection::default()
            .with_sag(a)
            .with_swell_percent(b, c)
            .with_over_current(d)
            .with_ampere_hours(e, a);
        if let Ok(config) = config.with_protection(watch) {
            let _ = config.protection();
        }
        for watch in [
            Protection::default().with_sag(a),
            Protection::default().with_over_current_percent(b, c),
            Protection::default().with_ampere_hours(d, e),
        ] {
            if let Ok(config) = config.with_protection(watch) {
                let _ = config.protection();
            }
        }
        if let Ok(config) = config.with_sag_filter_us(a) {
            let _ = config.sag_filter_us();
        }
        let source = LedSource::Total;
        let led = Led { quantity: Quantity::Apparent, source, impulses_per_kwh: a };
        if let Ok(config) = config.with_led2(led) {
            let _ = config.led2();
        }
        let _ = config.with_led1(Led::active(b));
        let _ = config.with_clock_pin(ClockPin::ZeroCrossingV2);
        let _ = config.with_tamper(TamperTolerance::Twelfth).rows();
        if let Ok(config) = Config::<Stpm33>::new(front_end) {
            let _ = config.with_secondary(front_end.sensor, Gain::X4);
        }
    }

    #[test]
    fn any_reading_converts(
        front_end in any_front_end(), a: u16, b: u32, c: i32, d: u16, e: u16,
    ) {
        let Ok(scales) = front_end.scales() else { return Ok(()) };
        let _ = scales.voltage(a);
        let _ = scales.current(b);
        let _ = scales.active_power(c);
        let _ = scales.apparent_power(c);
        let _ = scales.voltage_sample_uv(c);
        let _ = scales.current_sample_ua(c);
        let _ = scales.frequency(d);
        let _ = scales.phase_angle(a, d);
        let _ = scales.time_us(e);
        let _ = scales.ampere_hour_lsb();
    }

    #[test]
    fn any_calibration_is_found_or_refused(
        front_end in any_front_end(), reading in any_number(), power: i32, truth: i64,
        a in any_number(), count in prop_oneof![Just(20u32), Just(70_000), 0..30u32],
        codes in any::<(u16, u16, u8, u16, i16)>(), error_ppm: i32, lag_mdeg: i32, line_mhz: u32,
    ) {
        let Ok(scales) = front_end.scales() else { return Ok(()) };
        let (mut average, mut powers) = (Average::new(), PowerAverage::new());
        for _ in 0..count {
            average.push(reading);
            powers.push(power);
        }
        let (voltage, current, voltage_delay, current_delay, active_offset) = codes;
        let calibration = Calibration {
            voltage, current, voltage_delay, current_delay, active_offset, ..Calibration::NOMINAL
        };
        let told = |result: Result<Calibration, stpm3x::CalibrationError>| match result {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        told(calibration.with_voltage_gain(&average, a, &scales));
        told(calibration.with_current_gain(&average, a, &scales));
        told(calibration.with_active_offset(&powers));
        told(calibration.with_reactive_offset(&powers.excess_over(truth, &scales)));
        let _ = powers.error_ppm(truth, &scales);
        let test = PhaseTest { error_ppm, lag_mdeg, line_mhz, crystal_hz: a };
        told(calibration.with_phase(&test));
        let _ = calibration.with_common_voltage_delay(Calibration::NOMINAL);
    }

    #[test]
    fn any_counters_step(readings: Vec<(u32, u32, u32)>) {
        let mut counters = EnergyCounters::after(stpm3x::Counters::Kept, 21_000);
        for (active, reactive, elapsed) in readings {
            let now = Energies { active, reactive, ..Energies::default() };
            let _ = counters.advance(&now, elapsed);
        }
    }
}
