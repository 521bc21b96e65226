//! The simulator beside the recipes and rules of DS10272, byte by byte and pin by pin.

use stpm3x::sim::{Board, Chip, Input, Interface, Line, Phasor};
use stpm3x::{Channel, Part};

fn chip(part: Part, interface: Interface) -> Chip {
    let mut chip = Chip::new(part, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(interface);
    chip
}

/// CRC-8 over the bytes as section 4 words it.
fn crc(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| {
            if crc & 0x80 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x07
            }
        })
    })
}

/// One frame with its CRC; the row in the answer.
fn frame(chip: &mut Chip, read: u8, write: u8, data: u16) -> u32 {
    let [low, high] = data.to_le_bytes();
    let mut bytes = [read, write, low, high, crc(&[read, write, low, high])];
    chip.spi_transfer(&mut bytes);
    assert_eq!(crc(&bytes[..4]), bytes[4]);
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn row(chip: &mut Chip, number: u8) -> u32 {
    frame(chip, number * 2, 0xFF, 0);
    frame(chip, 0, 0xFF, 0)
}

fn syn(chip: &mut Chip) {
    chip.set_line(Line::Syn, false);
    chip.set_line(Line::Syn, true);
}

#[test]
fn probe_after_reset() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    assert_eq!(frame(&mut chip, 0x18, 0xFF, 0), 0x0400_00A0);
    assert_eq!(frame(&mut chip, 0xFF, 0xFF, 0), 0x0F27_0327);
}

#[test]
fn the_dummy_address_walks_through_the_map() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    let rows = [0; 3].map(|_| frame(&mut chip, 0xFF, 0xFF, 0));
    assert_eq!(rows, [0x0400_00A0, 0x2400_00A0, 0x0000_04E0]);
}

#[test]
fn manual_examples_of_writes() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    // 0xABCD to the high half of row 1, asking for row 2.
    frame(&mut chip, 0x04, 0x03, 0xABCD);
    assert_eq!(frame(&mut chip, 0x06, 0x06, 0xAABB), 0x0000_04E0);
    assert_eq!(frame(&mut chip, 0x02, 0xFF, 0), 0x0000_AABB);
    assert_eq!(frame(&mut chip, 0xFF, 0xFF, 0), 0xABCD_00A0);
}

#[test]
fn crc_can_be_switched_off_and_on() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    chip.spi_transfer(&mut [0x24, 0x24, 0x07, 0x00, 0x15]);
    let mut short = [0x18, 0xFF, 0xFF, 0xFF];
    chip.spi_transfer(&mut short);
    assert_eq!(short, 0x0000_0007_u32.to_le_bytes());
    chip.spi_transfer(&mut [0x24, 0x24, 0x07, 0x40]);
    assert_eq!(frame(&mut chip, 0, 0xFF, 0), 0x0000_4007);
}

#[test]
fn a_wrong_crc_drops_the_frame_and_raises_its_bit() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    chip.spi_transfer(&mut [0x18, 0x00, 0x34, 0x12, 0x00]);
    assert_eq!(frame(&mut chip, 0x28, 0xFF, 0), 0x0400_00A0);
    assert_eq!(frame(&mut chip, 0x28, 0x29, 0x0000), 1 << 28);
    assert_eq!(frame(&mut chip, 0, 0xFF, 0), 0);
}

#[test]
fn addresses_outside_the_map_raise_their_bits() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    frame(&mut chip, 0x8C, 0xFF, 0);
    frame(&mut chip, 0x05, 0xFF, 0);
    frame(&mut chip, 0x28, 0x2A, 0);
    assert_eq!(frame(&mut chip, 0, 0xFF, 0), 1 << 26 | 1 << 27);
}

#[test]
fn uart_speaks_the_reversed_crc() {
    let mut chip = chip(Part::Stpm32, Interface::Uart);
    let sent = [0x04, 0x03, 0xCD, 0xAB, 0x68];
    let answer = sent.map(|byte| chip.uart_byte(byte).unwrap());
    assert_eq!(answer[..4], 0x0400_00A0_u32.to_le_bytes());
    // The frame was taken: row 2 comes, and row 1 has its new half.
    let sent = [0x02, 0xFF, 0xFF, 0xFF];
    let last = crc(&sent.map(u8::reverse_bits)).reverse_bits();
    let answer = [0x02, 0xFF, 0xFF, 0xFF, last].map(|byte| chip.uart_byte(byte).unwrap());
    assert_eq!(answer[..4], 0x0000_04E0_u32.to_le_bytes());
    let answer = [0xFF; 4].map(|byte| chip.uart_byte(byte).unwrap());
    assert_eq!(answer, 0xABCD_00A0_u32.to_le_bytes());
}

#[test]
fn syn_pulses_latch_then_clear_then_reset() {
    let mut chip = chip(Part::Stpm34, Interface::Spi);
    frame(&mut chip, 0, 0x09, 0x0040);
    let fed = Phasor::sine(230_000_000, 5_000_000, 0, 50_000);
    chip.set_phase(Channel::Primary, fed);
    chip.advance(2_048);
    assert_eq!(row(&mut chip, 42), 0, "nothing is latched");
    syn(&mut chip);
    let energy = row(&mut chip, 42);
    let power = row(&mut chip, 46);
    assert_eq!(energy, power, "2048 ticks gain the power");
    // 230 V * 5 A / 1.1569 mW.
    assert_eq!(power, 994_038);
    chip.advance(2_048);
    syn(&mut chip);
    syn(&mut chip);
    chip.set_line(Line::Scs, false);
    chip.set_line(Line::Scs, true);
    chip.advance(1);
    syn(&mut chip);
    assert_eq!(
        row(&mut chip, 42),
        power / 2_048,
        "the second pulse cleared the counters"
    );
    assert_eq!(row(&mut chip, 4), 0x0040_F800, "and kept the configuration");
    (0..3).for_each(|_| syn(&mut chip));
    assert_eq!(row(&mut chip, 4), 0x003F_F800, "the third reset it");
}

#[test]
fn syn_with_scs_low_is_ignored() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    chip.set_phase(Channel::Primary, Phasor::sine(230_000_000, 0, 0, 50_000));
    chip.set_line(Line::Scs, false);
    syn(&mut chip);
    chip.set_line(Line::Scs, true);
    assert_eq!(row(&mut chip, 36), 0);
    syn(&mut chip);
    assert_eq!(row(&mut chip, 36), 6_818);
}

#[test]
fn software_latch_takes_its_channel_and_clears_itself() {
    let mut chip = chip(Part::Stpm34, Interface::Spi);
    let fed = Phasor::sine(230_000_000, 0, 0, 50_000);
    chip.set_phase(Channel::Primary, fed);
    chip.set_phase(Channel::Secondary, fed);
    frame(&mut chip, 0, 0x05, 0x0020);
    assert_eq!((row(&mut chip, 36), row(&mut chip, 37)), (6_818, 0));
    assert_eq!(row(&mut chip, 2), 0x0000_04E0);
    frame(&mut chip, 0, 0x05, 0x0040);
    assert_eq!(row(&mut chip, 37), 6_818);
}

#[test]
fn software_reset_keeps_the_counters() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    chip.set_phase(
        Channel::Primary,
        Phasor::sine(230_000_000, 5_000_000, 0, 50_000),
    );
    frame(&mut chip, 0, 0x19, 0x0B27);
    chip.advance(1_000);
    frame(&mut chip, 0, 0x05, 0x0010);
    assert_eq!(row(&mut chip, 12), 0x0F27_0327);
    syn(&mut chip);
    assert_ne!(row(&mut chip, 42), 0);
}

#[test]
fn a_uart_frame_that_takes_too_long_is_dropped() {
    let mut chip = chip(Part::Stpm32, Interface::Uart);
    let frame = [0x28, 0x25, 0x32, 0x00];
    let last = crc(&frame.map(u8::reverse_bits)).reverse_bits();
    for byte in frame.into_iter().chain([last, 0x55, 0x55]) {
        chip.uart_byte(byte);
    }
    chip.elapse_ns(49_000_000);
    chip.elapse_ns(1_000_000);
    let answer = [0xFF; 4].map(|byte| chip.uart_byte(byte).unwrap());
    assert_eq!(answer, (1u32 << 18).to_le_bytes());
}

#[test]
fn gain_calibration_and_phase_codes_act() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    chip.set_phase(
        Channel::Primary,
        Phasor::sine(230_000_000, 4_000_000, 60_000, 50_000),
    );
    let measured = |chip: &mut Chip| {
        chip.set_line(Line::Scs, false);
        chip.set_line(Line::Scs, true);
        syn(chip);
        (row(chip, 36) & 0x7FFF, row(chip, 36) >> 15, row(chip, 46))
    };
    let (volts, amps, power) = measured(&mut chip);
    assert_eq!((volts, amps), (6_818, 1_866));
    frame(&mut chip, 0, 0x19, 0x0327);
    assert_eq!(measured(&mut chip).1, 233);
    frame(&mut chip, 0, 0x19, 0x0F27);
    // CHV 4095: gain 0.99994 in place of 0.875.
    frame(&mut chip, 0, 0x08, 0xFFFF);
    assert_eq!(measured(&mut chip).0, 7_792);
    frame(&mut chip, 0, 0x08, 0xF800);
    // PHC1 = 0x119 delays the current by 1.2645 degrees: cos 61.2645 / cos 60.
    frame(&mut chip, 0, 0x06, 0x9000);
    frame(&mut chip, 0, 0x07, 0x0011);
    let delayed = f64::from(measured(&mut chip).2) / f64::from(power);
    assert!((delayed - 0.961_53).abs() < 1e-4, "{delayed}");
    // A wrong reserved field stops the modulator.
    frame(&mut chip, 0, 0x19, 0x0F01);
    assert_eq!(measured(&mut chip).1, 0);
}

#[test]
fn negative_power_counts_down_through_zero_and_says_so() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    chip.set_phase(
        Channel::Primary,
        Phasor::load(230_000_000, -1_000_000, 0, 50_000),
    );
    chip.advance(1);
    syn(&mut chip);
    let power = row(&mut chip, 46) as i32;
    assert_eq!(power << 3 >> 3, -864_381);
    assert_eq!(row(&mut chip, 42) as i32, (-864_381i32).div_euclid(2_048));
    assert_eq!(row(&mut chip, 21) & 0xF0, 0x30);
    assert_eq!(row(&mut chip, 16) & 1 << 16, 1 << 16, "wrapped");
    assert_eq!(row(&mut chip, 16) & 0xF000, 0x3000, "negative");
}

#[test]
fn harmonics_tell_the_powers_apart() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    // The IEC test: U5 = 10 % U1, I5 = 40 % I1, in phase: P = 1.04 P1.
    chip.set_phase(
        Channel::Primary,
        Phasor {
            voltage_uv: 231_147_139,
            current_ua: 5_385_165,
            fundamental_uv: 230_000_000,
            fundamental_ua: 5_000_000,
            lag_mdeg: 0,
            harmonic_uw: 46_000_000,
            frequency_mhz: 50_000,
        },
    );
    syn(&mut chip);
    let (active, fundamental) = (row(&mut chip, 46), row(&mut chip, 47));
    assert_eq!(fundamental, 994_038);
    assert_eq!(active, 1_033_800);
    // V * I is more than either.
    assert!(row(&mut chip, 49) > active);
}

#[test]
fn truth_is_kept_through_power_cuts_and_starts_with_the_full_reset() {
    let mut chip = chip(Part::Stpm32, Interface::Spi);
    chip.set_phase(
        Channel::Primary,
        Phasor::sine(230_000_000, 5_000_000, 0, 50_000),
    );
    chip.advance(2_048);
    assert_eq!(chip.truth().primary.active, 0, "not before the reset");
    (0..3).for_each(|_| syn(&mut chip));
    chip.advance(2_048 * 86_400);
    assert_eq!(chip.truth().primary.active, 994_038 * 86_400);
    chip.power_off();
    chip.advance(2_048);
    chip.power_on(Interface::Spi);
    chip.advance(2_048);
    assert_eq!(chip.truth().primary.active, 994_038 * 86_400);
    (0..3).for_each(|_| syn(&mut chip));
    chip.advance(2_048);
    assert_eq!(chip.truth().primary.active, 994_038 * 86_401);
    assert_eq!(chip.latched_truth().primary.active, 994_038 * 86_400);
}

#[test]
fn scs_chooses_the_interface_when_the_clock_starts() {
    for (low, interface) in [(true, Interface::Spi), (false, Interface::Uart)] {
        let mut chip = chip(Part::Stpm32, Interface::Spi);
        chip.set_line(Line::Enable, false);
        chip.set_line(Line::Enable, true);
        chip.set_line(Line::Scs, !low);
        chip.elapse_ns(749_999);
        assert_eq!(chip.interface(), None);
        chip.elapse_ns(1);
        assert_eq!(chip.interface(), Some(interface));
        assert_eq!(chip.uart_byte(0).is_some(), interface == Interface::Uart);
    }
}

#[test]
fn stpm33_takes_both_channels_from_v1_and_totals_follow_en_cum() {
    let mut chip = chip(Part::Stpm33, Interface::Spi);
    chip.set_phase(
        Channel::Primary,
        Phasor::sine(230_000_000, 5_000_000, 0, 50_000),
    );
    frame(&mut chip, 0, 0x1B, 0x0F27);
    chip.set_phase(Channel::Secondary, Phasor::sine(0, 2_000_000, 0, 50_000));
    let powers = |chip: &mut Chip| {
        chip.set_line(Line::Scs, false);
        chip.set_line(Line::Scs, true);
        chip.advance(2_048);
        syn(chip);
        (
            row(chip, 37) & 0x7FFF,
            row(chip, 42),
            row(chip, 54),
            row(chip, 66),
        )
    };
    let (volts, first, second, total) = powers(&mut chip);
    assert_eq!((volts, first, second), (6_818, 994_038, 397_615));
    assert_eq!(total, first + second);
    frame(&mut chip, 0, 0x05, 0x0400);
    let (_, first, second, both) = powers(&mut chip);
    assert_eq!(both - total, 994_038 - 397_615);
    assert_eq!((first, second), (2 * 994_038, 2 * 397_615));
}
