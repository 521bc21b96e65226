//! The simulator's events, outputs and links beside DS10272 sections 5, 6 and 12 to 16.

use stpm3x::sim::{Board, Chip, Input, Interface, Interrupt, Line, Output, Phasor, Stream};
use stpm3x::{Channel, Part};

fn chip(part: Part) -> Chip {
    let mut chip = Chip::new(part, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(Interface::Spi);
    chip
}

fn volts(volts: u32) -> Phasor {
    Phasor::sine(volts * 1_000_000, 5_000_000, 0, 50_000)
}

/// A row after a latch by SYN, read as a register block shows it.
fn row(chip: &mut Chip, number: u8) -> u32 {
    chip.set_line(Line::Scs, false);
    chip.set_line(Line::Scs, true);
    chip.set_line(Line::Syn, false);
    chip.set_line(Line::Syn, true);
    chip.row(number)
}

const SAG_START: u32 = 1 << 26;
const SAG_END: u32 = 1 << 27;
const SWELL_START: u32 = 1 << 28;
const SWELL_END: u32 = 1 << 29;

#[test]
fn a_sag_starts_after_the_filter_and_ends_when_the_voltage_returns() {
    let mut chip = chip(Part::Stpm32);
    // 207 V RMS is code 271; a filter of 17.128 ms is 2141 steps of 8 us.
    chip.write_half(0x09, 271 << 6 | 0x3F);
    chip.write_half(0x04, 2_141);
    chip.set_phase(Channel::Primary, volts(230));
    chip.advance(7_812);
    assert_eq!(row(&mut chip, 16) & (SAG_START | SAG_END), 0);
    assert_eq!(row(&mut chip, 21) >> 26 & 0xF, 0);
    chip.set_phase(Channel::Primary, volts(100));
    chip.advance(100); // 12.8 ms
    assert_eq!(row(&mut chip, 16) & SAG_START, 0, "the filter still runs");
    chip.advance(100);
    let status = row(&mut chip, 16);
    assert_eq!(status & (SAG_START | SAG_END), SAG_START);
    assert_eq!(row(&mut chip, 21) >> 26 & 0xF, 0b0001);
    assert_eq!(row(&mut chip, 21) >> 21 & 1, 1, "a sag hides the period");
    // 200 ticks are 3200 steps, the filter's among them.
    assert_eq!(row(&mut chip, 38) >> 16, 3_200);
    chip.set_phase(Channel::Primary, volts(230));
    chip.advance(10);
    assert_eq!(row(&mut chip, 16) & SAG_END, SAG_END);
    assert_eq!(row(&mut chip, 21) >> 26 & 0xF, 0b0010);
    // The example of section 12 goes on: a second start is 0101.
    chip.set_phase(Channel::Primary, volts(100));
    chip.advance(200);
    assert_eq!(row(&mut chip, 21) >> 26 & 0xF, 0b0101);
    // Turns of the 15-bit time, 262 ms, shift a 1 in: 1011 after one.
    chip.advance(2_048 - 400);
    assert_eq!(row(&mut chip, 21) >> 26 & 0xF, 0b1011);
    // CLEAR_SS1 clears history and time, and returns to 0.
    chip.write_half(0x00, 0x00B0);
    assert_eq!(chip.row(0) & 0x10, 0);
    assert_eq!(row(&mut chip, 21) >> 26 & 0xF, 0);
    assert_eq!(row(&mut chip, 38) >> 16, 0);
}

#[test]
fn a_swell_starts_and_ends_with_every_half_wave() {
    let mut chip = chip(Part::Stpm32);
    // 253 V RMS: 253 / 1.18 * 2 sqrt 2 * 0.875 / D * 1024 = code 331.
    chip.write_half(0x08, 331 << 12 & 0xF000 | 0x800);
    chip.write_half(0x09, 331 >> 4);
    chip.set_phase(Channel::Primary, volts(250));
    chip.advance(7_812);
    assert_eq!(row(&mut chip, 16) & (SWELL_START | SWELL_END), 0);
    chip.set_phase(Channel::Primary, volts(260));
    chip.advance(782); // 100 ms: ten half waves
    let both = SWELL_START | SWELL_END;
    assert_eq!(row(&mut chip, 16) & both, both);
    assert_eq!(row(&mut chip, 21) >> 22 & 0xF, 0b1010);
    // Above the threshold for acos(252.8 / 260) / (pi 50 Hz) = 1.5 ms each: 188 steps.
    let time = row(&mut chip, 38) & 0x7FFF;
    assert!((1_850..=1_920).contains(&time), "{time}");
}

#[test]
fn over_current_is_the_current_swell() {
    let mut chip = chip(Part::Stpm32);
    // 50 A RMS: 50 / 1.18 * 16 sqrt 2 * 300e-6 * 0.875 * 1024 = code 258.
    chip.write_half(0x0A, 258 << 12 & 0xF000 | 0x800);
    chip.write_half(0x0B, 258 >> 4);
    let amps = |amps: u32| Phasor::sine(230_000_000, amps * 1_000_000, 0, 50_000);
    chip.set_phase(Channel::Primary, amps(49));
    chip.advance(7_812);
    assert_eq!(row(&mut chip, 16) >> 22 & 3, 0);
    chip.set_phase(Channel::Primary, amps(60));
    chip.advance(782);
    assert_eq!(row(&mut chip, 16) >> 22 & 3, 3);
    assert_eq!(row(&mut chip, 21) >> 15 & 0xF, 0b1010);
}

#[test]
fn ampere_hours_count_without_voltage_and_with_hysteresis() {
    let mut chip = chip(Part::Stpm32);
    // AH_UP 50 and AH_DOWN 30: 1600 and 960 counts of 2.1435 mA.
    chip.write_half(0x10, 50);
    chip.write_half(0x12, 30);
    let amps = |ma: u32, volts: u32| Phasor::sine(volts, ma * 1_000, 0, 50_000);
    chip.set_phase(Channel::Primary, amps(4_000, 230_000_000));
    chip.advance(1_000);
    assert_eq!(row(&mut chip, 53), 0, "not with voltage");
    chip.set_phase(Channel::Primary, amps(3_000, 0));
    chip.advance(1_000);
    assert_eq!(row(&mut chip, 53), 0, "not below the upper threshold");
    chip.set_phase(Channel::Primary, amps(4_000, 0));
    chip.advance(1_000);
    assert_eq!(row(&mut chip, 21) >> 14 & 1, 1);
    // 4 A is 1866 counts; half of them a tick.
    assert_eq!(row(&mut chip, 53), 1_866 * 1_000 / 2);
    chip.set_phase(Channel::Primary, amps(3_000, 0));
    chip.advance(1_000);
    assert_eq!(row(&mut chip, 53), (1_866 + 1_400) * 500, "hysteresis");
    chip.set_phase(Channel::Primary, amps(2_000, 0));
    chip.advance(1_000);
    assert_eq!(row(&mut chip, 53), (1_866 + 1_400) * 500);
    assert_eq!(row(&mut chip, 16) >> 21 & 1, 1, "the sticky bit stays");
}

#[test]
fn tamper_names_the_channel_with_the_larger_energy() {
    let mut chip = chip(Part::Stpm33);
    chip.write_half(0x1B, 0x0F27);
    chip.write_half(0x05, 0x0008); // on, 12.5 %
    let amps = |ma: i32| Phasor::load(230_000_000, i64::from(ma) * 230, 0, 50_000);
    let mut tamper = |one, two| {
        chip.write_half(0x21, 0);
        chip.write_half(0x23, 0);
        chip.set_phase(Channel::Primary, amps(one));
        chip.set_phase(Channel::Secondary, amps(two));
        chip.advance(100);
        (row(&mut chip, 16) >> 30, row(&mut chip, 17) >> 30)
    };
    // |5 - 4.2| = 0.8 < 0.125 * 9.2 = 1.15
    assert_eq!(tamper(5_000, 4_200), (0, 0));
    assert_eq!(tamper(5_000, 3_000), (1, 0));
    assert_eq!(tamper(3_000, 5_000), (0, 1));
    assert_eq!(tamper(5_000, -5_000), (2, 2));
}

#[test]
fn pulses_follow_the_energy_and_the_divider() {
    let mut chip = chip(Part::Stpm32);
    // 1150 W are 994038 counts, which the register gains in 2048 ticks.
    chip.set_phase(Channel::Primary, volts(230));
    chip.advance(2_048 * 100);
    // LPW 4: a pulse each 2^18 counts.
    assert_eq!(chip.pulses(Output::Led1), (994_038 * 100) >> 18);
    assert_eq!(chip.pulses(Output::Led2), 0, "LED2 shows reactive energy");
    // LPW 6, a quarter of it; then off.
    chip.write_half(0x01, 0x0600);
    let before = chip.pulses(Output::Led1);
    chip.advance(2_048 * 100);
    let gained = chip.pulses(Output::Led1) - before;
    assert!(gained.abs_diff((994_038 * 100) >> 20) <= 1, "{gained}");
    chip.write_half(0x05, 0x0100);
    let before = chip.pulses(Output::Led1);
    chip.advance(2_048 * 100);
    assert_eq!(chip.pulses(Output::Led1), before);
}

#[test]
fn interrupts_are_enabled_status_bits() {
    let mut chip = chip(Part::Stpm34);
    chip.set_phase(
        Channel::Primary,
        Phasor::load(230_000_000, -1_000_000, 0, 50_000),
    );
    chip.advance(10);
    assert!(!chip.interrupt(Interrupt::Int1));
    chip.write_half(0x1C, 1 << 12); // PH1 active power negative
    assert!(chip.interrupt(Interrupt::Int1) && !chip.interrupt(Interrupt::Int2));
    chip.write_half(0x20, 0xEFFF);
    assert!(!chip.interrupt(Interrupt::Int1));
    // A CRC error of the link drives both.
    chip.write_half(0x28, 0x1000);
    chip.spi_transfer(&mut [0, 0xFF, 0, 0, 0]);
    assert!(chip.interrupt(Interrupt::Int1) && chip.interrupt(Interrupt::Int2));
}

#[test]
fn a_bit_stream_that_stands_still_shows_full_scale() {
    let mut chip = chip(Part::Stpm32);
    chip.set_phase(
        Channel::Primary,
        Phasor::sine(230_000_000, 5_000_000, 60_000, 50_000),
    );
    chip.stick_stream(Channel::Primary, Stream::Voltage, Some(true));
    chip.advance(10);
    assert_eq!(row(&mut chip, 24), 0x007F_FFFF);
    assert_eq!(row(&mut chip, 21) >> 20 & 1, 1);
    assert_eq!(row(&mut chip, 16) >> 24 & 1, 1);
    assert_eq!(row(&mut chip, 48), 0, "no reactive power");
    chip.stick_stream(Channel::Primary, Stream::Voltage, None);
    assert_eq!(row(&mut chip, 21) >> 20 & 1, 0);
}

#[test]
fn hosts_at_another_speed_are_not_understood() {
    let mut chip = Chip::new(Part::Stpm32, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(Interface::Uart);
    chip.write_half(0x26, 0x008B); // 115200
    assert_eq!(chip.row(0), 0x0400_00A0);
    let answer = [0, 0xFF, 0, 0, 0].map(|byte| chip.uart_byte(byte));
    assert_ne!(answer[..4], [Some(0xA0), Some(0), Some(0), Some(4)]);
    assert_ne!(chip.row(20) & 1 << 19, 0, "framing error");
    chip.set_host_baud(115_200);
    let answer = [0, 0xFF, 0, 0, 0].map(|byte| chip.uart_byte(byte));
    assert_eq!(answer[..4], [Some(0xA0), Some(0), Some(0), Some(4)]);
    // 9600 again after a reset by software.
    chip.write_half(0x05, 0x0010);
    assert_eq!(chip.row(19), 0x0000_0683);
}

/// Section 5: set by 24 24 07 C0, cleared by what a host that still sends MSB first calls 24 24 E0
/// 02.
#[test]
fn bits_can_be_reversed_on_spi() {
    let mut chip = chip(Part::Stpm32);
    chip.spi_transfer(&mut [0x24, 0x24, 0x07, 0x00, 0x15]);
    chip.spi_transfer(&mut [0x24, 0x24, 0x07, 0x80]);
    let mut answer = [0x24, 0x24, 0xE0, 0x02];
    chip.spi_transfer(&mut answer);
    assert_eq!(
        answer,
        [0xE0, 0x01, 0, 0],
        "US_REG1 0x00008007, each byte reversed"
    );
    assert_eq!(chip.row(18), 0x0000_4007);
}

/// The frame that changes the polynomial is checked with the old one (section 4).
#[test]
fn the_polynomial_can_be_changed() {
    let mut chip = chip(Part::Stpm32);
    // 0x1D in place of 0x07; CRC of 24 24 1D 40 with 0x07 is 0x50.
    let crc = |polynomial: u8, bytes: &[u8]| {
        bytes.iter().fold(0u8, |crc, byte| {
            (0..8).fold(crc ^ byte, |crc, _| {
                crc << 1 ^ if crc & 0x80 == 0 { 0 } else { polynomial }
            })
        })
    };
    let frame = [0x24, 0x24, 0x1D, 0x40];
    let [a, b, c, d] = frame;
    chip.spi_transfer(&mut [a, b, c, d, crc(0x07, &frame)]);
    assert_eq!(chip.row(18), 0x0000_401D);
    let frame = [0x00, 0xFF, 0xFF, 0xFF];
    let mut answer = [0x00, 0xFF, 0xFF, 0xFF, crc(0x1D, &frame)];
    chip.spi_transfer(&mut answer);
    assert_eq!(answer[..4], [0x1D, 0x40, 0, 0]);
    assert_eq!(answer[4], crc(0x1D, &answer[..4]));
    assert_eq!(chip.row(20), 0);
}
