//! The simulator fed with samples, beside phasors and the formulas of DS10272 sections 2 and 9.

use std::f64::consts::{PI, SQRT_2};

use proptest::prelude::*;
use stpm3x::sim::{Board, Chip, Input, Instant, Interface, Line, Phasor};
use stpm3x::{Channel, Part};

fn chip(part: Part) -> Chip {
    let mut chip = Chip::new(part, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(Interface::Spi);
    chip
}

fn row(chip: &mut Chip, number: u8) -> u32 {
    chip.set_line(Line::Scs, false);
    chip.set_line(Line::Scs, true);
    chip.set_line(Line::Syn, false);
    chip.set_line(Line::Syn, true);
    chip.row(number)
}

fn power(row: u32) -> f64 {
    f64::from((row << 3) as i32 >> 3)
}

/// Voltage and current of one tick, from RMS values, harmonics in phase with the fundamental.
fn wave(tick: u32, hertz: f64, lag: f64, harmonics: &[(f64, f64, f64)]) -> Instant {
    let angle = 2.0 * PI * hertz * f64::from(tick) * 128e-6;
    let (mut volts, mut amps) = (0.0, 0.0);
    for &(order, voltage, current) in harmonics {
        volts += voltage * SQRT_2 * (order * angle).sin();
        amps += current * SQRT_2 * (order * angle - lag).sin();
    }
    Instant {
        voltage_uv: (volts * 1e6).round() as i32,
        current_ua: (amps * 1e6).round() as i32,
    }
}

#[test]
fn a_fed_sine_measures_as_its_phasor_does() {
    for (hertz, lag) in [(50.0f64, 0.0f64), (50.0, 1.0), (60.0, -0.5), (49.3, 2.5)] {
        let mut fed = chip(Part::Stpm32);
        let mut tick = 0;
        let mut run = |fed: &mut Chip, ticks: u32| {
            for _ in 0..ticks {
                fed.feed([
                    wave(tick, hertz, lag, &[(1.0, 230.0, 5.0)]),
                    Instant::default(),
                ]);
                tick += 1;
            }
        };
        run(&mut fed, 39_062); // 5 s to settle
        let begin = row(&mut fed, 42);
        run(&mut fed, 78_125); // 10 s
        let mut phasor = chip(Part::Stpm32);
        let mdeg = (lag * 180.0 / PI * 1e3).round() as i32;
        let mhz = (hertz * 1e3).round() as u32;
        phasor.set_phase(
            Channel::Primary,
            Phasor::sine(230_000_000, 5_000_000, mdeg, mhz),
        );
        phasor.advance(78_125);
        let close = |a: f64, b: f64, part: f64| {
            assert!(
                (a - b).abs() <= part * b.abs().max(1_000.0),
                "{hertz} Hz, {lag}: {a} {b}"
            );
        };
        let (a, b) = (row(&mut fed, 36), row(&mut phasor, 36));
        close(f64::from(a & 0x7FFF), f64::from(b & 0x7FFF), 0.5e-3);
        close(f64::from(a >> 15), f64::from(b >> 15), 0.5e-3);
        let apparent = power(row(&mut phasor, 49));
        for number in [46, 47, 48] {
            let (a, b) = (
                power(row(&mut fed, number)),
                power(row(&mut phasor, number)),
            );
            assert!((a - b).abs() < apparent * 2e-3, "row {number}: {a} {b}");
        }
        let gained = row(&mut fed, 42).wrapping_sub(begin) as i32;
        let expected = row(&mut phasor, 42) as i32;
        let bound = apparent * 78_125.0 / 2_048.0 * 0.5e-3;
        assert!(
            (f64::from(gained) - f64::from(expected)).abs() < bound,
            "{gained} {expected}"
        );
        let (a, b) = (row(&mut fed, 23) & 0xFFF, row(&mut phasor, 23) & 0xFFF);
        assert!(a.abs_diff(b) <= 1, "period {a} {b}");
        if lag > 0.0 {
            let (a, b) = (row(&mut fed, 39) >> 16, row(&mut phasor, 39) >> 16);
            assert!(a.abs_diff(b) <= 3, "delay {a} {b}");
        }
    }
}

/// The IEC test: U5 = 10 % U1, I5 = 40 % I1, in phase: P = 1.04 P1.
#[test]
fn harmonics_in_phase_add_their_power() {
    let mut chip = chip(Part::Stpm32);
    for tick in 0..78_125 {
        let both = [(1.0, 230.0, 5.0), (5.0, 23.0, 2.0)];
        chip.feed([wave(tick, 50.0, 0.0, &both), Instant::default()]);
    }
    let active = power(row(&mut chip, 46));
    // 230 V * 5 A / 1.1569 mW
    assert!((active / 994_038.0 - 1.04).abs() < 2e-3, "{active}");
    let fundamental = power(row(&mut chip, 47));
    assert!(
        (fundamental / 994_038.0 - 1.0).abs() < 10e-3,
        "{fundamental}"
    );
    let volts = f64::from(row(&mut chip, 36) & 0x7FFF) * 0.0337328;
    assert!(
        (volts - (230.0f64.powi(2) + 23.0f64.powi(2)).sqrt()).abs() < 0.2,
        "{volts}"
    );
}

/// Samples of a phasor: V LSB 131.769 uV, I LSB 33.4921 uA (section 9).
#[test]
fn samples_of_a_phasor_are_its_sine() {
    let mut chip = chip(Part::Stpm32);
    chip.set_phase(
        Channel::Primary,
        Phasor::sine(230_000_000, 5_000_000, 0, 50_000),
    );
    let mut most = [0i32; 2];
    for _ in 0..157 {
        chip.advance(1);
        for (most, number) in most.iter_mut().zip([24, 25]) {
            let sample = row(&mut chip, number) as i32;
            assert_eq!(sample, sample << 8 >> 8, "padding is the sign");
            *most = (*most).max(sample);
        }
    }
    let peaks = most.map(f64::from);
    assert!(
        (peaks[0] * 1.31769e-4 / 325.27 - 1.0).abs() < 1e-3,
        "{peaks:?}"
    );
    assert!(
        (peaks[1] * 3.34921e-5 / 7.0711 - 1.0).abs() < 1e-3,
        "{peaks:?}"
    );
}

#[test]
fn a_sag_of_a_wave_is_seen() {
    let mut chip = chip(Part::Stpm32);
    chip.write_half(0x09, 271 << 6 | 0x3F); // 207 V
    chip.write_half(0x04, 2_141); // 17.1 ms
    let mut tick = 0;
    let mut run = |chip: &mut Chip, volts: f64, ticks: u32| {
        for _ in 0..ticks {
            chip.feed([
                wave(tick, 50.0, 0.0, &[(1.0, volts, 5.0)]),
                Instant::default(),
            ]);
            tick += 1;
        }
    };
    run(&mut chip, 230.0, 7_812);
    chip.write_half(0x21, 0);
    run(&mut chip, 230.0, 7_812);
    assert_eq!(row(&mut chip, 16) >> 26 & 3, 0);
    run(&mut chip, 100.0, 1_000);
    assert_eq!(row(&mut chip, 16) >> 26 & 3, 1);
    run(&mut chip, 230.0, 1_000);
    assert_eq!(row(&mut chip, 16) >> 26 & 3, 3);
}

/// The CRC as section 4 words it for a UART.
fn reversed_crc(bytes: &[u8]) -> u8 {
    let crc = bytes.iter().fold(0u8, |crc, byte| {
        (0..8).fold(crc ^ byte.reverse_bits(), |crc, _| {
            crc << 1 ^ if crc & 0x80 == 0 { 0 } else { 0x07 }
        })
    });
    crc.reverse_bits()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Time may be cut anywhere: the counters are exact sums.
    #[test]
    fn advancing_in_pieces_is_advancing_at_once(
        pieces in prop::collection::vec(0..200_000u64, 1..8), active in -20_000_000..20_000_000i64,
    ) {
        let (mut one, mut many) = (chip(Part::Stpm34), chip(Part::Stpm34));
        for chip in [&mut one, &mut many] {
            let load = Phasor::load(230_000_000, active, active / 3, 50_000);
            chip.set_phase(Channel::Primary, load);
            chip.set_phase(Channel::Secondary, load);
        }
        one.advance(pieces.iter().sum());
        pieces.iter().for_each(|&ticks| many.advance(ticks));
        for number in (42..46).chain(54..58).chain(66..70) {
            prop_assert_eq!(row(&mut one, number), row(&mut many, number));
        }
    }

    /// Whatever a host sends, a chip whose SCS was pulsed takes the next good frame.
    #[test]
    fn any_bytes_and_then_a_frame(bytes in prop::collection::vec(any::<u8>(), 0..200), uart: bool) {
        let mut chip = Chip::new(Part::Stpm33, Board::new(Input::shunt(770_000, 470, 300)));
        chip.power_on(if uart { Interface::Uart } else { Interface::Spi });
        for chunk in bytes.chunks(5) {
            // Frames that happen to be good may change the link itself: leave those out.
            if chunk.get(1).is_some_and(|half| (0x24..=0x27).contains(half) || *half == 0x05) {
                continue;
            }
            let mut frame = chunk.to_vec();
            if uart {
                frame.iter().for_each(|&byte| { chip.uart_byte(byte); });
            } else {
                chip.spi_transfer(&mut frame);
            }
        }
        chip.set_line(Line::Scs, false);
        chip.set_line(Line::Scs, true);
        // Ask for row 12, then fetch it: 18 FF FF FF with its CRC on either line.
        let mut ask = [0x18, 0xFF, 0xFF, 0xFF, 0xD8];
        let mut fetch = ask;
        if uart {
            ask[4] = reversed_crc(&ask[..4]);
            fetch[4] = ask[4];
            ask.iter().for_each(|&byte| { chip.uart_byte(byte); });
            for byte in &mut fetch {
                *byte = chip.uart_byte(*byte).unwrap();
            }
        } else {
            chip.spi_transfer(&mut ask);
            chip.spi_transfer(&mut fetch);
        }
        let expected = chip.row(12).to_le_bytes();
        prop_assert_eq!(&fetch[..4], &expected);
    }
}
