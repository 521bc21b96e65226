//! Calibration: the figures of AN4470, an oracle in floating point, and a whole bench against a
//! board whose parts are off.

mod common;

use std::cell::RefCell;

use proptest::prelude::*;
use stpm3x::blocking::{Spi, Stpm3x};
use stpm3x::calibrate::{Average, PhaseTest, PowerAverage};
use stpm3x::sim::{self, Board, Chip, Input, Interface, Line, NoDelay, Phasor, Pin};
use stpm3x::{
    Calibration, CalibrationError, Channel, Config, Divider, FrontEnd, Gain, Part, Pins,
    RECORD_LEN, Record, RecordError, Sensor, Stpm32,
};

fn front_end() -> FrontEnd {
    let divider = Divider {
        upper_ohms: 770_000,
        lower_ohms: 470,
    };
    FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16)
}

fn average(raw: u32) -> Average {
    let mut average = Average::new();
    (0..20).for_each(|_| average.push(raw));
    average
}

fn power(raw: i32) -> PowerAverage {
    let mut average = PowerAverage::new();
    (0..20).for_each(|_| average.push(raw));
    average
}

/// 1 s at this load, then 20 readings.
fn measure<'a>(
    chip: &RefCell<Chip>,
    meter: &mut Stpm3x<Spi<sim::SpiDevice<'a>, Pin<'a>>, NoDelay, Stpm32>,
    load: Phasor,
) -> stpm3x::ChannelAverages {
    chip.borrow_mut().set_phase(Channel::Primary, load);
    chip.borrow_mut().advance(7_812);
    meter.measure(20).unwrap().primary
}

#[test]
fn a_board_whose_parts_are_off_reads_true_after_two_points_and_an_offset() {
    // Divider 3 % high, shunt 5 % low, and the current seen 0.8 degrees early.
    let nominal = Input::shunt(770_000, 470, 300);
    let off = Input {
        divider: nominal.divider * 1.03,
        sensitivity: nominal.sensitivity * 0.95,
        coil: false,
    };
    const EARLY: i32 = 800;
    let chip = RefCell::new(Chip::new(Part::Stpm32, Board::new(off)));
    chip.borrow_mut().power_on(Interface::Spi);
    let config = Config::<Stpm32>::new(front_end()).unwrap();
    let scales = config.scales();
    let pins = Pins::none().with_syn(Pin::new([&chip], Line::Syn));
    let mut meter = Stpm3x::new(Spi::new(sim::SpiDevice(&chip), pins), NoDelay, config);
    meter.restart().unwrap();

    let seen = |lag| Phasor::sine(230_000_000, 20_000_000, lag - EARLY, 50_000);
    let at_one = measure(&chip, &mut meter, seen(0));
    let calibration = Calibration::NOMINAL
        .with_voltage_gain(&at_one.voltage, 230_000, &scales)
        .unwrap()
        .with_current_gain(&at_one.current, 20_000_000, &scales)
        .unwrap();
    meter
        .reconfigure(config.with_calibration(calibration).unwrap())
        .unwrap();
    let at_one = measure(&chip, &mut meter, seen(0));
    let voltage = at_one.voltage.sum() as f64 / 20.0 * 0.0337328;
    let current = at_one.current.sum() as f64 / 20.0 * 2.14350e-3;
    assert!((voltage / 230.0 - 1.0).abs() < 150e-6, "{voltage}");
    assert!((current / 20.0 - 1.0).abs() < 150e-6, "{current}");

    let at_half = measure(&chip, &mut meter, seen(60_000));
    let error_ppm = at_half.active.error_ppm(2_300_000, &scales).unwrap();
    assert!((20_000..30_000).contains(&error_ppm), "{error_ppm}");
    let calibration = calibration
        .with_phase(&PhaseTest::inductive(error_ppm))
        .unwrap();
    meter
        .reconfigure(config.with_calibration(calibration).unwrap())
        .unwrap();
    let at_half = measure(&chip, &mut meter, seen(60_000));
    let error_ppm = at_half.active.error_ppm(2_300_000, &scales).unwrap();
    // Half a step of the delay is 39 ppm at power factor 0.5 (section 17.2); the gains' rest comes
    // on top.
    assert!(error_ppm.abs() < 39 * 2 + 200, "{error_ppm}");
    // 0.8 / 0.0045 degrees is 178, give or take what the gains left.
    assert!((176..=180).contains(&calibration.current_delay));

    // 2 W that are not there.
    let mut excess = Phasor::sine(230_000_000, 0, 0, 50_000);
    excess.harmonic_uw = 2_000_000;
    let idle = measure(&chip, &mut meter, excess);
    let calibration = calibration.with_active_offset(&idle.active).unwrap();
    meter
        .reconfigure(config.with_calibration(calibration).unwrap())
        .unwrap();
    let idle = measure(&chip, &mut meter, excess);
    let left = idle.active.sum() / 20;
    assert!(left.abs() <= 2, "{left} counts, a step is 4");
}

#[test]
fn figures_of_the_application_note() {
    let corrected = |ppm| Calibration::NOMINAL.with_phase(&PhaseTest::inductive(ppm));
    let forth = corrected(38_000).unwrap();
    assert_eq!((forth.voltage_delay, forth.current_delay), (0, 0x119));
    // The opposite angle, 1.2645 degrees: cos(61.2645) / cos(60) - 1.
    let back = corrected(-38_466).unwrap();
    assert_eq!((back.voltage_delay, back.current_delay), (1, 0xE7));
    // CHV = 14336 * XV / VAV - 12288.
    let scales = front_end().scales().unwrap();
    let lsb = scales.voltage_lsb();
    let target = 230_000.0 * lsb.den() as f64 / lsb.num() as f64;
    let code = Calibration::NOMINAL.with_voltage_gain(&average(6_750), 230_000, &scales);
    let expected = (14_336.0 * target / 6_750.0 - 12_288.0).round();
    assert_eq!(f64::from(code.unwrap().voltage), expected);
}

#[test]
fn what_cannot_be_calibrated_says_what_it_would_need() {
    let scales = front_end().scales().unwrap();
    let error = Calibration::NOMINAL
        .with_voltage_gain(&average(5_000), 230_000, &scales)
        .unwrap_err();
    // 14336 * 6818.29 / 5000 - 12288
    assert_eq!(error, CalibrationError::Gain { needed: 7_261 });
    assert!(error.to_string().contains("allowed are 0 to 4095"));
    let few = Average::new();
    let error = Calibration::NOMINAL.with_current_gain(&few, 1, &scales);
    assert_eq!(error, Err(CalibrationError::TooFewReadings { count: 0 }));
    let error = Calibration::NOMINAL.with_current_gain(&average(0), 1, &scales);
    assert_eq!(error, Err(CalibrationError::NoSignal));
    let error = Calibration::NOMINAL.with_active_offset(&power(3_000));
    assert_eq!(error, Err(CalibrationError::Offset { needed: -750 }));
    let far = PhaseTest::inductive(200_000);
    assert!(matches!(
        Calibration::NOMINAL.with_phase(&far),
        Err(CalibrationError::Phase { steps: 1_024.. })
    ));
    let blind = PhaseTest {
        lag_mdeg: 0,
        ..PhaseTest::inductive(0)
    };
    assert!(matches!(
        Calibration::NOMINAL.with_phase(&blind),
        Err(CalibrationError::Input(_))
    ));
}

#[test]
fn both_channels_of_an_stpm33_share_a_voltage_delay() {
    let one = Calibration {
        current_delay: 30,
        ..Calibration::NOMINAL
    };
    let two = Calibration {
        voltage_delay: 1,
        current_delay: 412, // -100 steps
        ..Calibration::NOMINAL
    };
    let (one, two) = one.with_common_voltage_delay(two).unwrap();
    assert_eq!((one.voltage_delay, one.current_delay), (1, 542));
    assert_eq!((two.voltage_delay, two.current_delay), (1, 412));
    let late = Calibration {
        current_delay: 1_000,
        ..Calibration::NOMINAL
    };
    assert!(late.with_common_voltage_delay(two).is_err());
    // Out of reach by itself: it is the one that is named.
    let far = Calibration {
        voltage_delay: 9,
        ..Calibration::NOMINAL
    };
    let error = one.with_common_voltage_delay(far).unwrap_err();
    assert_eq!(error, CalibrationError::Phase { steps: -4_608 });
    let error = far.with_common_voltage_delay(one).unwrap_err();
    assert_eq!(error, CalibrationError::Phase { steps: -4_608 });
}

#[test]
fn memory_that_holds_no_record_is_named() {
    assert_eq!(
        Record::from_bytes(&[0; 10]),
        Err(RecordError::Truncated { len: 10 })
    );
    for erased in [0xFF, 0] {
        let bytes = [erased; RECORD_LEN];
        assert_eq!(Record::from_bytes(&bytes), Err(RecordError::Erased));
    }
    let start = *b"CAL\x02";
    let mut bytes = [1; RECORD_LEN];
    bytes[..4].copy_from_slice(&start);
    assert_eq!(
        Record::from_bytes(&bytes),
        Err(RecordError::Unknown { start })
    );
}

/// Version 1 for good: these bytes were written once and must always be read.
#[test]
fn the_format_stays() {
    let channel = Calibration {
        voltage: 0x0123,
        current: 0x0456,
        voltage_delay: 2,
        current_delay: 0x0178,
        active_offset: -1,
        fundamental_offset: 511,
        reactive_offset: -512,
        apparent_offset: 7,
    };
    let record = Record {
        identity: 0x1122_3344_5566_7788,
        count: 3,
        channels: [channel, Calibration::NOMINAL],
    };
    let bytes = record.to_bytes();
    let body = [
        0x43, 0x41, 0x4C, 0x01, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x03, 0x00, 0x00,
        0x00, 0x23, 0x01, 0x56, 0x04, 0x78, 0x01, 0x02, 0x00, 0xFF, 0xFF, 0xFF, 0x01, 0x00, 0xFE,
        0x07, 0x00, 0x00, 0x08, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00,
    ];
    assert_eq!(bytes[..48], body);
    assert_eq!(Record::from_bytes(&bytes), Ok(record));
}

prop_compose! {
    fn any_calibration()(
        voltage in 0..=4_095u16,
        current in 0..=4_095u16,
        voltage_delay in 0..=3u8,
        current_delay in 0..=1_023u16,
        offsets in prop::array::uniform4(-512..=511i16),
    ) -> Calibration {
        let [active_offset, fundamental_offset, reactive_offset, apparent_offset] = offsets;
        Calibration {
            voltage, current, voltage_delay, current_delay,
            active_offset, fundamental_offset, reactive_offset, apparent_offset,
        }
    }
}

proptest! {
    #[test]
    fn a_record_read_back_is_what_was_put_in(
        identity: u64, count: u16, channels in prop::array::uniform2(any_calibration()),
        flip in 0..RECORD_LEN * 8,
    ) {
        let record = Record { identity, count, channels };
        let mut bytes = record.to_bytes();
        prop_assert_eq!(Record::from_bytes(&bytes), Ok(record));
        bytes[flip / 8] ^= 1 << (flip % 8);
        prop_assert!(Record::from_bytes(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Record::from_bytes(&bytes);
    }

    #[test]
    fn every_calibration_is_taken_and_one_code_further_is_not(calibration in any_calibration()) {
        let config = Config::<Stpm32>::new(front_end()).unwrap();
        prop_assert!(config.with_calibration(calibration).is_ok());
        let beyond = Calibration { voltage: 4_096, ..calibration };
        prop_assert_eq!(config.with_calibration(beyond).unwrap_err().field, "calibration.voltage");
        let beyond = Calibration { active_offset: 512, ..calibration };
        let error = config.with_calibration(beyond).unwrap_err();
        prop_assert_eq!(error.field, "calibration.active_offset");
        let beyond = Calibration { reactive_offset: -513, ..calibration };
        let error = config.with_calibration(beyond).unwrap_err().to_string();
        let expected = "calibration.reactive_offset below zero is 513, allowed are 0 to 512";
        prop_assert_eq!(error, expected);
    }

    #[test]
    fn a_phase_shift_is_found_again(
        shift_mdeg in -4_000..4_000i32, lag in prop_oneof![Just(60_000), Just(-36_870), 20_000..80_000i32],
        line_mhz in 45_000..65_000u32,
    ) {
        let radians = |mdeg: i32| f64::from(mdeg) / 1e3 * std::f64::consts::PI / 180.0;
        let error = radians(lag + shift_mdeg).cos() / radians(lag).cos() - 1.0;
        prop_assume!(error.abs() < 0.49);
        let test = PhaseTest {
            error_ppm: (error * 1e6).round() as i32, lag_mdeg: lag, line_mhz, crystal_hz: 16_000_000,
        };
        let step = 360.0 * f64::from(line_mhz) / 1e3 / 4e6;
        let expected = -f64::from(shift_mdeg) / 1e3 / step;
        // Half a millionth of the error is this many steps.
        let blur = 0.5e-6 / radians(lag).tan().abs() * 180.0 / std::f64::consts::PI / step;
        let found = f64::from(test.correction().unwrap());
        prop_assert!((found - expected).abs() <= 0.51 + blur, "{found} {expected}");
    }

    #[test]
    fn a_gain_makes_the_reading_true(raw in 5_900..7_700u32, code in 0..=4_095u16) {
        let scales = front_end().scales().unwrap();
        let present = Calibration { voltage: code, ..Calibration::NOMINAL };
        // A reading that the code in the chip would give of some voltage.
        if let Ok(new) = present.with_voltage_gain(&average(raw), 230_000, &scales) {
            let gain = |code: u16| 0.75 + 0.125 * f64::from(code) / 2_048.0;
            let lsb = scales.voltage_lsb();
            let volts = f64::from(raw) * gain(new.voltage) / gain(code)
                * lsb.num() as f64 / lsb.den() as f64 / 1e3;
            // Half a code is 41 ppm at the least gain.
            prop_assert!((volts / 230.0 - 1.0).abs() < 41e-6, "{volts}");
        }
    }
}
