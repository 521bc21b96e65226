//! Control rows that each channel has of its own.

use bitfield_struct::bitfield;

/// DSP_CR1, DSP_CR2 (0x00, 0x02): channel control. Reset 0x040000A0, 0x240000A0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspCr1 {
    /// CLRSS_TOx: length of the pulse that clears sag and swell data, 8 µs a step.
    #[bits(4)]
    pub clear_timeout: u8,
    /// CLEAR_SSx: clears sag and swell times and histories; returns to 0 by itself.
    pub clear_sag_swell: bool,
    /// EN_VREFx: internal voltage reference on.
    #[bits(default = true)]
    pub reference: bool,
    /// TCx: temperature curve of the reference, 2 = +30 ppm/K.
    #[bits(3, default = 2)]
    pub temperature_curve: u8,
    #[bits(8)]
    __: u8,
    /// AEMx: apparent energy from the vectors instead of the RMS product.
    pub vectorial_apparent: bool,
    /// APMx: wideband active power in the vectorial apparent power.
    pub wideband_apparent: bool,
    /// BHPFVx: voltage high-pass filter bypassed.
    pub bypass_voltage_filter: bool,
    /// BHPFCx: current high-pass filter bypassed.
    pub bypass_current_filter: bool,
    /// ROCx: integrator for a Rogowski coil in the current channel.
    pub integrator: bool,
    #[bits(2)]
    __: u8,
    /// LPWx: LED divider 2^(LPW - 4).
    #[bits(4, default = 4)]
    pub led_divider: u8,
    /// LPSx: LED quantity: 0 active, 1 fundamental, 2 reactive, 3 apparent.
    #[bits(2)]
    pub led_quantity: u8,
    /// LCSx: LED channel: 0 primary, 1 secondary, 2 both, 3 bit stream.
    #[bits(2)]
    pub led_channel: u8,
}

/// DSP_CR5, DSP_CR7 (0x08, 0x0C): voltage calibrator and thresholds. Reset 0x003FF800.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspCr5 {
    /// CHVx: voltage gain 0.75 + 0.125 code / 2048 (DS10272 section 17).
    #[bits(12, default = 0x800)]
    pub voltage_calibrator: u16,
    /// SWV_THRx: voltage swell threshold; 0x3FF is off.
    #[bits(10, default = 0x3FF)]
    pub swell_threshold: u16,
    /// SAG_THRx: voltage sag threshold; 0 is off.
    #[bits(10)]
    pub sag_threshold: u16,
}

/// DSP_CR6, DSP_CR8 (0x0A, 0x0E): current calibrator and threshold. Reset 0x003FF800.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspCr6 {
    /// CHCx: current gain 0.75 + 0.125 code / 2048.
    #[bits(12, default = 0x800)]
    pub current_calibrator: u16,
    /// SWC_THRx: current swell threshold; 0x3FF is off.
    #[bits(10, default = 0x3FF)]
    pub swell_threshold: u16,
    #[bits(10)]
    __: u16,
}

/// DSP_CR9, DSP_CR11 (0x10, 0x14): ampere-hours and active offsets. Reset 0x00000FFF.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspCr9 {
    /// AH_UPx: current above which ampere-hours count without voltage, 32 RMS LSB a step.
    #[bits(12, default = 0xFFF)]
    pub ampere_hour_up: u16,
    /// OFAx: offset of the active power, 4 power LSB a step.
    #[bits(10)]
    pub active_offset: i16,
    /// OFAFx: offset of the fundamental active power, 4 power LSB a step.
    #[bits(10)]
    pub fundamental_offset: i16,
}

/// DSP_CR10, DSP_CR12 (0x12, 0x16): ampere-hours, other offsets. Reset 0x00000FFF.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspCr10 {
    /// AH_DOWNx: current below which ampere-hours stop, 32 RMS LSB a step.
    #[bits(12, default = 0xFFF)]
    pub ampere_hour_down: u16,
    /// OFRx: offset of the reactive power, 4 power LSB a step.
    #[bits(10)]
    pub reactive_offset: i16,
    /// OFSx: offset of the apparent power, 4 power LSB a step.
    #[bits(10)]
    pub apparent_offset: i16,
}

/// DFE_CR1, DFE_CR2 (0x18, 0x1A): analog front end. Reset 0x0F270327, 0x03270327.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DfeCr1 {
    /// EN_Vx: voltage modulator on.
    #[bits(default = true)]
    pub voltage: bool,
    #[bits(15, default = 0x193)]
    __: u16,
    /// EN_Cx: current modulator on.
    #[bits(default = true)]
    pub current: bool,
    #[bits(9, default = 0x193)]
    __: u16,
    /// GAINx: current gain: 0 x2, 1 x4, 2 x8, 3 x16. Resets to x16, on channel 2 to x2.
    #[bits(2, default = 3)]
    pub gain: u8,
    #[bits(4)]
    __: u8,
}
