//! The writable rows, and what front end, calibration and link make of them.

use super::{ConfigError, WRITABLE_ROWS};
use crate::convert::FrontEnd;
use crate::reg::{DfeCr1, DspCr1, DspCr4, DspCr5, DspCr6, DspCr9, DspCr10, MAP, Register, UsReg2};
use crate::{Calibration, Channel};

/// The writable rows after a reset; the two status rows read 0.
pub(crate) const RESET: [u32; WRITABLE_ROWS] = {
    let mut rows = [0; WRITABLE_ROWS];
    let mut number = 0;
    while number < WRITABLE_ROWS {
        rows[number] = MAP[number].reset;
        number += 1;
    }
    rows
};

/// DSP_CR1 with a clear pulse of 8 µs instead of 0, where it would have its reset value.
///
/// The length is only used with CLEAR_SS, and 1 is as good as 0.
pub(crate) const fn marked(row: u32) -> u32 {
    if row == DspCr1::RESET {
        DspCr1::from_bits(row).with_clear_timeout(1).into_bits()
    } else {
        row
    }
}

/// Bits of rows 0 to 15 that are settings: neither reserved nor an order that returns to 0.
pub(crate) const SETTINGS: [u32; 16] = [
    0xFF3E_01EF, // DSP_CR1: not CLEAR_SS
    0xFF3E_01EF,
    0x0F8F_FFFF, // DSP_CR3: not SW_RESET, SW_LATCH1, SW_LATCH2
    0x00FF_FFFF,
    0xFFFF_FFFF,
    0x003F_FFFF,
    0xFFFF_FFFF,
    0x003F_FFFF,
    0xFFFF_FFFF,
    0xFFFF_FFFF,
    0xFFFF_FFFF,
    0xFFFF_FFFF,
    0x0C01_0001, // DFE_CR1: reserved fields stay 0x193
    0x0C01_0001,
    0xFFFF_FFFF,
    0xFFFF_FFFF,
];

/// The place of a channel's row: the first rows of both channels lie side by side, the others by
/// pairs.
pub(crate) const fn place(channel: Channel, primary: usize, distance: usize) -> usize {
    match channel {
        Channel::Primary => primary,
        Channel::Secondary => primary + distance,
    }
}

/// Both channels' rows have one layout: the primary's type serves both.
pub(crate) const fn apply_front_end(
    rows: &mut [u32; WRITABLE_ROWS],
    channel: Channel,
    front_end: FrontEnd,
) {
    let FrontEnd { sensor, gain, .. } = front_end;
    let control = place(channel, DspCr1::ROW as usize, 1);
    rows[control] = DspCr1::from_bits(rows[control])
        .with_integrator(sensor.needs_integrator())
        .into_bits();
    let analog = place(channel, DfeCr1::ROW as usize, 1);
    rows[analog] = DfeCr1::from_bits(rows[analog])
        .with_gain(gain.code())
        .into_bits();
}

pub(crate) const fn apply_calibration(
    rows: &mut [u32; WRITABLE_ROWS],
    channel: Channel,
    codes: Calibration,
) {
    let voltage = place(channel, DspCr5::ROW as usize, 2);
    rows[voltage] = DspCr5::from_bits(rows[voltage])
        .with_voltage_calibrator(codes.voltage)
        .into_bits();
    let current = place(channel, DspCr6::ROW as usize, 2);
    rows[current] = DspCr6::from_bits(rows[current])
        .with_current_calibrator(codes.current)
        .into_bits();
    let delays = DspCr4::from_bits(rows[3]);
    rows[3] = match channel {
        Channel::Primary => delays
            .with_voltage_delay_primary(codes.voltage_delay)
            .with_current_delay_primary(codes.current_delay),
        Channel::Secondary => delays
            .with_voltage_delay_secondary(codes.voltage_delay)
            .with_current_delay_secondary(codes.current_delay),
    }
    .into_bits();
    let active = place(channel, DspCr9::ROW as usize, 2);
    rows[active] = DspCr9::from_bits(rows[active])
        .with_active_offset(codes.active_offset)
        .with_fundamental_offset(codes.fundamental_offset)
        .into_bits();
    let other = place(channel, DspCr10::ROW as usize, 2);
    rows[other] = DspCr10::from_bits(rows[other])
        .with_reactive_offset(codes.reactive_offset)
        .with_apparent_offset(codes.apparent_offset)
        .into_bits();
}

/// The divider of US_REG2 for a baud rate: 16 MHz / baud, rounded (DS10272 section 6).
///
/// # Errors
/// [`ConfigError`] outside 2400 to 460800, the speeds the manual lists.
pub(crate) const fn baud_divider(baud: u32) -> Result<UsReg2, ConfigError> {
    match ConfigError::of("baud", baud, 2_400, 460_800) {
        Some(error) => Err(error),
        None => {
            let divider = (16_000_000 + baud / 2) / baud;
            Ok(UsReg2::new().with_baud_divider(divider as u16))
        }
    }
}
