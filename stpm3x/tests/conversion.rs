//! Scales beside the worked values of DS10272 section 9 and beside exact arithmetic.

use proptest::prelude::*;
use stpm3x::{Divider, FrontEnd, Gain, Scales, Sensor};

fn front_end(upper_ohms: u32, sensor: Sensor, gain: Gain) -> FrontEnd {
    let divider = Divider {
        upper_ohms,
        lower_ohms: 470,
    };
    FrontEnd::new(divider, sensor, gain)
}

/// A transformer of 2.4 mV/A.
const TRANSFORMER: Sensor = Sensor::CurrentTransformer {
    turns: 2_000,
    burden_milliohms: 4_800,
};
const SHUNT: Sensor = Sensor::Shunt { micro_ohms: 300 };
const COIL: Sensor = Sensor::Rogowski {
    microvolts_per_amp: 150,
};

fn assert_close(ratio: meter_core::scale::Ratio, printed: f64) {
    let value = ratio.num() as f64 / ratio.den() as f64;
    assert!(
        (value / printed - 1.0).abs() < 1e-5,
        "{value} beside {printed}"
    );
}

/// V/count, A/count, W/count, Wh/count as the reference prints them.
fn assert_scales(front_end: FrontEnd, volt: f64, amp: f64, watt: f64, watt_hour: f64) {
    let scales = front_end.scales().unwrap();
    assert_close(scales.voltage_lsb(), volt * 1e3);
    assert_close(scales.current_lsb(), amp * 1e3);
    assert_close(scales.power_lsb(), watt * 1e3);
    assert_close(scales.energy_lsb(), watt_hour * 3_600e6);
}

#[test]
fn scales_are_those_of_the_table() {
    let x2 = front_end(810_000, TRANSFORMER, Gain::X2);
    assert_scales(x2, 0.035484, 2.14350e-3, 1.21696e-3, 8.86162e-8);
    let x16 = front_end(810_000, TRANSFORMER, Gain::X16);
    assert_scales(x16, 0.035484, 2.67937e-4, 1.52120e-4, 1.10770e-8);
    let shunt = front_end(770_000, SHUNT, Gain::X16);
    assert_scales(shunt, 0.0337328, 2.14350e-3, 1.15690e-3, 8.42427e-8);
    let coil = front_end(770_000, COIL, Gain::X16);
    assert_scales(coil, 0.0337328, 5.25639e-3, 2.83700e-3, 2.06584e-7);
}

#[test]
fn energy_lsb_is_exact() {
    // Worked by hand from the formula: 1.18^2 V^2 * 1639.297872… / (2 * 16 * 300 µohm * 0.765625 *
    // 2^28) * 0.262144 s, in microwatt-seconds.
    let scales = front_end(770_000, SHUNT, Gain::X16).scales().unwrap();
    let energy = scales.energy_lsb();
    assert_eq!((energy.num(), energy.den()), (268_200_607, 884_352));
    let scales = front_end(770_000, COIL, Gain::X16).scales().unwrap();
    let energy = scales.energy_lsb();
    assert_eq!(
        (energy.num(), energy.den()),
        (41_906_344_843_750, 56_348_235_657)
    );
}

#[test]
fn printed_example_with_the_older_reference() {
    let mut front_end = front_end(810_000, TRANSFORMER, Gain::X2);
    front_end.reference_uv = 1_200_000;
    let scales = front_end.scales().unwrap();
    // DSP_REG14 = 0x00F41652: 206.2 V, 1.06 A.
    assert_eq!(scales.voltage(5_714).get(), 206_192);
    assert_eq!(scales.current(488).get(), 1_064);
}

#[test]
fn frequency_of_the_known_periods() {
    let scales = front_end(770_000, SHUNT, Gain::X16).scales().unwrap();
    assert_eq!(scales.frequency(2_500).get(), 50_000);
    assert_eq!(scales.frequency(2_083).get(), 60_010);
    assert_eq!(scales.frequency(0).get(), 0);
}

#[test]
fn a_front_end_that_makes_no_meter_names_its_value() {
    let mut bad = front_end(770_000, SHUNT, Gain::X16);
    bad.divider.lower_ohms = 0;
    let text = bad.scales().unwrap_err().to_string();
    assert_eq!(text, "divider.lower_ohms is 0, allowed are 1 to 4294967295");
    let sensor = Sensor::CurrentTransformer {
        turns: 0,
        burden_milliohms: 1,
    };
    assert_eq!(
        front_end(1, sensor, Gain::X2).scales().unwrap_err().field,
        "sensor.turns"
    );
    let mut bad = front_end(770_000, SHUNT, Gain::X16);
    bad.reference_uv = 1_180;
    assert_eq!(bad.scales().unwrap_err().field, "reference_uv");
}

/// Power in watts per count by the printed formula, in floating point.
fn watts(front_end: &FrontEnd, sensitivity: f64, kint: f64) -> f64 {
    let reference = f64::from(front_end.reference_uv) * 1e-6;
    let Divider {
        upper_ohms,
        lower_ohms,
    } = front_end.divider;
    let divider = 1.0 + f64::from(upper_ohms) / f64::from(lower_ohms);
    let gain = f64::from(2 << front_end.gain.code());
    reference.powi(2) * divider
        / (kint * 2.0 * gain * sensitivity * 0.875 * 0.875 * f64::from(1 << 28))
}

fn any_front_end() -> impl Strategy<Value = (FrontEnd, f64, f64)> {
    let sensor = prop_oneof![
        (1..=100_000u32).prop_map(|micro_ohms| {
            (
                Sensor::Shunt { micro_ohms },
                f64::from(micro_ohms) * 1e-6,
                1.0,
            )
        }),
        (1..=100_000u32, 1..=1_000_000u32).prop_map(|(turns, burden_milliohms)| {
            let sensor = Sensor::CurrentTransformer {
                turns,
                burden_milliohms,
            };
            (
                sensor,
                f64::from(burden_milliohms) * 1e-3 / f64::from(turns),
                1.0,
            )
        }),
        (1..=100_000u32).prop_map(|microvolts_per_amp| {
            let sensor = Sensor::Rogowski { microvolts_per_amp };
            (sensor, f64::from(microvolts_per_amp) * 1e-6, 0.815_577_3)
        }),
    ];
    let gain = prop_oneof![
        Just(Gain::X2),
        Just(Gain::X4),
        Just(Gain::X8),
        Just(Gain::X16)
    ];
    let resistors = (0..=10_000_000u32, 1..=100_000u32);
    let references = (1_000_000..=1_300_000u32, 15_900_000..=16_100_000u32);
    (sensor, gain, resistors, references).prop_map(|(sensor, gain, resistors, references)| {
        let front_end = FrontEnd {
            divider: Divider {
                upper_ohms: resistors.0,
                lower_ohms: resistors.1,
            },
            sensor: sensor.0,
            gain,
            reference_uv: references.0,
            crystal_hz: references.1,
        };
        (front_end, sensor.1, sensor.2)
    })
}

fn relative(ratio: meter_core::scale::Ratio, expected: f64) -> f64 {
    (ratio.num() as f64 / ratio.den() as f64 / expected - 1.0).abs()
}

proptest! {
    #[test]
    fn every_front_end_has_its_scales((front_end, sensitivity, kint) in any_front_end()) {
        let scales: Scales = front_end.scales().unwrap();
        let watts = watts(&front_end, sensitivity, kint);
        let second = 2_048.0 * 2_048.0 / f64::from(front_end.crystal_hz);
        prop_assert!(relative(scales.power_lsb(), watts * 1e3) < 1e-12);
        prop_assert!(relative(scales.energy_lsb(), watts * second * 1e6) < 1e-12);
    }
}

/// `value` is `raw * over / under` to half a unit, exactly.
fn nearest(value: i128, raw: i128, over: i128, under: i128) -> bool {
    (2 * (value * under - raw * over)).abs() <= under
}

proptest! {
    /// Half a unit in the last place is the worst error of every conversion.
    #[test]
    fn conversions_are_the_nearest_unit(
        (front_end, _, _) in any_front_end(), voltage in 0..=0x7FFFu16, current in 0..=0x1_FFFFu32,
        power in -(1 << 28)..(1 << 28), sample in -(1 << 23)..(1 << 23), period in 0x600..=0xF00u16,
        angle in 0..0x1000u16, time in 0..0x8000u16,
    ) {
        let scales = front_end.scales().unwrap();
        let near = |value: i128, raw: i128, lsb: meter_core::scale::Ratio, part: (i128, i128)| {
            let over = i128::from(lsb.num()) * part.0;
            nearest(value, raw, over, i128::from(lsb.den()) * part.1)
        };
        let (volt, amp) = (scales.voltage_lsb(), scales.current_lsb());
        let whole = (1, 1);
        let volts = i128::from(scales.voltage(voltage).get());
        prop_assert!(near(volts, voltage.into(), volt, whole) || volts == i128::from(u32::MAX));
        let amps = i128::from(scales.current(current).get());
        prop_assert!(near(amps, current.into(), amp, whole) || amps == i128::from(u32::MAX));
        let watts = i128::from(scales.active_power(power).get());
        prop_assert!(near(watts, power.into(), scales.power_lsb(), whole));
        let vars = i128::from(scales.reactive_power(power).get());
        prop_assert_eq!(vars, watts);
        let va = i128::from(scales.apparent_power(power).get());
        prop_assert_eq!(va, watts.max(0));
        // Samples are rounded twice, to 1/256 of a unit and to a unit: 129/256 of a unit at worst.
        let microvolts = i128::from(scales.voltage_sample_uv(sample));
        let exact = |value: i128, lsb: meter_core::scale::Ratio, part: i128| {
            let (over, under) = (1_000 * i128::from(lsb.num()), part * i128::from(lsb.den()));
            let error = (value * under - i128::from(sample) * over).abs();
            error <= under / 2 + under / 64
        };
        prop_assert!(exact(microvolts, volt, 256));
        prop_assert!(exact(i128::from(scales.current_sample_ua(sample)), amp, 64));
        let millihertz = i128::from(scales.frequency(period).get());
        let steps = i128::from(period) * 128;
        prop_assert!(nearest(millihertz, 1, 1_000 * i128::from(front_end.crystal_hz), steps));
        let mdeg = i128::from(scales.phase_angle(angle, period));
        prop_assert!(nearest(mdeg, angle.into(), 360_000, period.into()));
        let micros = i128::from(scales.time_us(time));
        prop_assert!(nearest(micros, time.into(), 128_000_000, front_end.crystal_hz.into()));
        if let Some(charge) = scales.ampere_hour_lsb() {
            // 2 current LSB / (3600 * 7812.5), the rate being crystal / 2048; mA to nA.
            let exact = 2e6 * amp.num() as f64 / amp.den() as f64
                / (3_600.0 * f64::from(front_end.crystal_hz) / 2_048.0);
            prop_assert!(relative(charge, exact) < 1e-12);
        }
    }
}
