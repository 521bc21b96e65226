//! Control rows: references, filters, latches, calibrators, thresholds, front ends.

use bitfield_struct::bitfield;

macro_rules! channel_control {
    ($(#[$doc:meta])* $name:ident, $led_quantity:tt) => {
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// CLRSS_TOx: length of the pulse that clears sag and swell data, 8 µs a step.
            #[bits(4)]
            pub clear_timeout: u8,
            /// CLEAR_SSx: clears sag and swell times and histories; returns to 0 by itself.
            pub clear_sag_swell: bool,
            /// EN_VREFx: internal voltage reference on.
            #[bits(default = true)]
            pub reference: bool,
            /// TCx: temperature curve of the reference, 2 = +30 ppm/K.
            ///
            /// 0 to 7 are -30, 0, +30 … +180 ppm/K in DS10272 Rev 5 and later; ST's older library
            /// lists other values. A step also moves the reference by about 9 mV: recalibrate.
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
            /// LPWx: LED divider 2^(LPW - 4) (section 15).
            #[bits(4, default = 4)]
            pub led_divider: u8,
            /// LPSx: LED quantity: 0 active, 1 fundamental, 2 reactive, 3 apparent.
            #[bits(2, default = $led_quantity)]
            pub led_quantity: u8,
            /// LCSx: LED channel: 0 primary, 1 secondary, 2 both, 3 bit stream.
            #[bits(2)]
            pub led_channel: u8,
        }
    };
}

channel_control! {
    /// DSP_CR1 (0x00): primary channel control, LED1. Reset 0x040000A0.
    DspCr1, 0
}
channel_control! {
    /// DSP_CR2 (0x02): secondary channel control, LED2. Reset 0x240000A0.
    DspCr2, 2
}

/// DSP_CR3 (0x04): latches, reset, totals, tamper, pins. Reset 0x000004E0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspCr3 {
    /// SAG_TIME_THR: sag filter time, 8 µs a step; never 0 (section 12).
    #[bits(14, default = 0x4E0)]
    pub sag_time: u16,
    /// ZCR_SEL: signal of the CLKOUT/ZCR pin.
    ///
    /// With ZCR_EN: V1, C1, V2, C2; without: 7.8125 kHz, 4 MHz, 4 MHz 50 % duty, 16 MHz.
    #[bits(2)]
    pub zero_crossing_source: u8,
    /// ZCR_EN: the pin shows zero crossings instead of a clock.
    pub zero_crossing: bool,
    /// TMP_TOL: tamper tolerance 12.5, 8.33, 6.25, 3.125 %.
    #[bits(2)]
    pub tamper_tolerance: u8,
    /// TMP_EN: tamper detection on.
    pub tamper: bool,
    /// SW_RESET: resets configuration, keeps measurement data; returns to 0 by itself.
    pub software_reset: bool,
    /// SW_LATCH1: latches the primary channel; returns to 0 by itself.
    pub latch_primary: bool,
    /// SW_LATCH2: latches the secondary channel; returns to 0 by itself.
    pub latch_secondary: bool,
    /// SW_AUTO_LATCH: latches every 128 µs.
    pub auto_latch: bool,
    /// LED1_OFF: LED1 held low.
    pub led1_off: bool,
    /// LED2_OFF: LED2 held low.
    pub led2_off: bool,
    /// EN_CUM: totals are the difference of the channels instead of their sum.
    pub total_difference: bool,
    /// REF_FREQ: 60 Hz line, the start value of the period meter.
    pub sixty_hertz: bool,
    #[bits(4)]
    __: u8,
}

/// DSP_CR4 (0x06): phase delays (section 17.2). Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspCr4 {
    /// PHC2: delay of the secondary current, 0.25 µs a step.
    #[bits(10)]
    pub current_delay_secondary: u16,
    /// PHV2: delay of the secondary voltage, 128 µs a step.
    #[bits(2)]
    pub voltage_delay_secondary: u8,
    /// PHC1: delay of the primary current, 0.25 µs a step. Lies in both halves.
    #[bits(10)]
    pub current_delay_primary: u16,
    /// PHV1: delay of the primary voltage, 128 µs a step.
    #[bits(2)]
    pub voltage_delay_primary: u8,
    #[bits(8)]
    __: u8,
}

macro_rules! voltage_calibrator {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// CHVx: voltage gain 0.75 + 0.125 code / 2048 (section 17.1).
            #[bits(12, default = 0x800)]
            pub voltage_calibrator: u16,
            /// SWV_THRx: voltage swell threshold; 0x3FF is off (section 12).
            #[bits(10, default = 0x3FF)]
            pub swell_threshold: u16,
            /// SAG_THRx: voltage sag threshold; 0 is off.
            #[bits(10)]
            pub sag_threshold: u16,
        }
    };
}

voltage_calibrator! {
    /// DSP_CR5 (0x08): primary voltage calibrator and thresholds. Reset 0x003FF800.
    DspCr5
}
voltage_calibrator! {
    /// DSP_CR7 (0x0C): secondary voltage calibrator and thresholds. Reset 0x003FF800.
    DspCr7
}

macro_rules! current_calibrator {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// CHCx: current gain 0.75 + 0.125 code / 2048 (section 17.1).
            #[bits(12, default = 0x800)]
            pub current_calibrator: u16,
            /// SWC_THRx: current swell threshold; 0x3FF is off (section 12).
            #[bits(10, default = 0x3FF)]
            pub swell_threshold: u16,
            #[bits(10)]
            __: u16,
        }
    };
}

current_calibrator! {
    /// DSP_CR6 (0x0A): primary current calibrator and threshold. Reset 0x003FF800.
    DspCr6
}
current_calibrator! {
    /// DSP_CR8 (0x0E): secondary current calibrator and threshold. Reset 0x003FF800.
    DspCr8
}

macro_rules! active_offsets {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
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
    };
}

active_offsets! {
    /// DSP_CR9 (0x10): primary ampere-hours and active offsets. Reset 0x00000FFF.
    DspCr9
}
active_offsets! {
    /// DSP_CR11 (0x14): secondary ampere-hours and active offsets. Reset 0x00000FFF.
    DspCr11
}

macro_rules! other_offsets {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
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
    };
}

other_offsets! {
    /// DSP_CR10 (0x12): primary ampere-hours, other offsets. Reset 0x00000FFF.
    DspCr10
}
other_offsets! {
    /// DSP_CR12 (0x16): secondary ampere-hours, other offsets. Reset 0x00000FFF.
    DspCr12
}

macro_rules! front_end {
    ($(#[$doc:meta])* $name:ident, $gain:tt) => {
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
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
            /// GAINx: current gain: 0 x2, 1 x4, 2 x8, 3 x16.
            #[bits(2, default = $gain)]
            pub gain: u8,
            #[bits(4)]
            __: u8,
        }
    };
}

front_end! {
    /// DFE_CR1 (0x18): primary front end; its gain resets to x16. Reset 0x0F270327.
    ///
    /// Both reserved fields must stay 0x193.
    DfeCr1, 3
}
front_end! {
    /// DFE_CR2 (0x1A): secondary front end; its gain resets to x2. Reset 0x03270327.
    ///
    /// Both reserved fields must stay 0x193.
    DfeCr2, 0
}
