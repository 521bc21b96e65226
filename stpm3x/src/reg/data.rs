//! Latched rows of measured values.

use bitfield_struct::bitfield;

/// DSP_EV1, DSP_EV2 (0x2A, 0x2C): live events, latched. Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspEv1 {
    /// Total active power negative; STPM33 and STPM34.
    pub total_active_negative: bool,
    /// Total reactive power negative; STPM33 and STPM34.
    pub total_reactive_negative: bool,
    /// Total active energy wrapped; STPM33 and STPM34.
    pub total_active_wrapped: bool,
    /// Total reactive energy wrapped; STPM33 and STPM34.
    pub total_reactive_wrapped: bool,
    /// Active power negative.
    pub active_negative: bool,
    /// Fundamental active power negative.
    pub fundamental_negative: bool,
    /// Reactive power negative.
    pub reactive_negative: bool,
    /// Apparent power negative.
    pub apparent_negative: bool,
    /// Active energy wrapped.
    pub active_wrapped: bool,
    /// Fundamental active energy wrapped.
    pub fundamental_wrapped: bool,
    /// Reactive energy wrapped.
    pub reactive_wrapped: bool,
    /// Apparent energy wrapped.
    pub apparent_wrapped: bool,
    /// Zero-crossing signal of the current.
    pub current_zero_crossing: bool,
    /// Current bit stream stuck.
    pub current_stuck: bool,
    /// Ampere-hours accumulate.
    pub ampere_hours: bool,
    /// SWCx_EV: history of current swells, newest in bit 0.
    #[bits(4)]
    pub current_swell: u8,
    /// Zero-crossing signal of the voltage.
    pub voltage_zero_crossing: bool,
    /// Voltage bit stream stuck.
    pub voltage_stuck: bool,
    /// PER_ERR: period out of range or sag; period and phase angle keep their last values.
    pub period_error: bool,
    /// SWVx_EV: history of voltage swells, newest in bit 0.
    #[bits(4)]
    pub voltage_swell: u8,
    /// SAGx_EV: history of voltage sags, newest in bit 0.
    #[bits(4)]
    pub sag: u8,
    #[bits(2)]
    __: u8,
}

/// DSP_REG1 (0x2E): line periods. Reset 0; the first period latched is
/// 0x9C4.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspReg1 {
    /// PH1_PERIOD: mean of eight periods, 8 µs a step; 2500 = 50 Hz.
    #[bits(12)]
    pub primary: u16,
    #[bits(4)]
    __: u8,
    /// PH2_PERIOD, as the primary one.
    #[bits(12)]
    pub secondary: u16,
    #[bits(4)]
    __: u8,
}

/// DSP_REG2 to DSP_REG9 (0x30 to 0x3E): a momentary sample. Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspReg2 {
    /// Vx_DATA, Cx_DATA, Vx_FUND, Cx_FUND: 24 bits, signed.
    #[bits(24)]
    pub sample: i32,
    #[bits(8)]
    __: u8,
}

/// DSP_REG14, DSP_REG15 (0x48, 0x4A): RMS values. Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspReg14 {
    /// Vx_RMS.
    #[bits(15)]
    pub voltage: u16,
    /// Cx_RMS, bits 31 to 15.
    #[bits(17)]
    pub current: u32,
}

/// DSP_REG16, DSP_REG18 (0x4C, 0x50): voltage swell and sag times. Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspReg16 {
    /// SWVx_TIME: 8 µs a step.
    #[bits(15)]
    pub swell_time: u16,
    __: bool,
    /// SAGx_TIME: 8 µs a step.
    #[bits(15)]
    pub sag_time: u16,
    __: bool,
}

/// DSP_REG17, DSP_REG19 (0x4E, 0x52): current swell time and phase angle. Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspReg17 {
    /// SWCx_TIME: 8 µs a step.
    #[bits(15)]
    pub swell_time: u16,
    __: bool,
    /// Cx_PHA: delay between the zero crossings, 8 µs a step.
    #[bits(12)]
    pub phase_angle: u16,
    #[bits(4)]
    __: u8,
}

/// PHx_REG5 to PHx_REG11 (0x5C to 0x68, 0x74 to 0x80): a power. Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct Power {
    /// 29 bits, signed; positive active power is import.
    #[bits(29)]
    pub value: i32,
    #[bits(3)]
    __: u8,
}
