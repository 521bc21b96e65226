//! Latched rows of periods, samples, RMS values, times and angles.

use bitfield_struct::bitfield;

/// DSP_REG1 (0x2E): line periods. Reset 0; the first period latched is 0x9C4.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspReg1 {
    /// PH1_PERIOD: mean of eight periods, 8 µs a step; 2500 = 50 Hz (section 11).
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

macro_rules! samples {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// 24 bits, signed; a new one every 128 µs.
            #[bits(24)]
            pub sample: i32,
            #[bits(8)]
            __: u8,
        }
    )* };
}

samples! {
    /// DSP_REG2 (0x30): V1_DATA, the primary voltage. Reset 0.
    DspReg2;
    /// DSP_REG3 (0x32): C1_DATA, the primary current. Reset 0.
    DspReg3;
    /// DSP_REG4 (0x34): V2_DATA, the secondary voltage. Reset 0.
    DspReg4;
    /// DSP_REG5 (0x36): C2_DATA, the secondary current. Reset 0.
    DspReg5;
    /// DSP_REG6 (0x38): V1_FUND, fundamental of the primary voltage. Reset 0.
    DspReg6;
    /// DSP_REG7 (0x3A): C1_FUND, fundamental of the primary current. Reset 0.
    DspReg7;
    /// DSP_REG8 (0x3C): V2_FUND, fundamental of the secondary voltage. Reset 0.
    DspReg8;
    /// DSP_REG9 (0x3E): C2_FUND, fundamental of the secondary current. Reset 0.
    DspReg9;
}

macro_rules! reserved {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// No meaning is documented; seen non-zero.
            #[bits(32, access = RO)]
            pub reserved: u32,
        }
    )* };
}

reserved! {
    /// DSP_REG10 (0x40): reserved.
    DspReg10;
    /// DSP_REG11 (0x42): reserved.
    DspReg11;
    /// DSP_REG12 (0x44): reserved.
    DspReg12;
    /// DSP_REG13 (0x46): reserved.
    DspReg13;
}

macro_rules! rms {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// Vx_RMS, over about 200 ms (section 10).
            #[bits(15)]
            pub voltage: u16,
            /// Cx_RMS, bits 31 to 15.
            #[bits(17)]
            pub current: u32,
        }
    )* };
}

rms! {
    /// DSP_REG14 (0x48): primary RMS values. Reset 0.
    DspReg14;
    /// DSP_REG15 (0x4A): secondary RMS values. Reset 0.
    DspReg15;
}

macro_rules! voltage_times {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// SWVx_TIME: time in swell, 8 µs a step, added up until cleared (section 12).
            #[bits(15)]
            pub swell_time: u16,
            __: bool,
            /// SAGx_TIME: time in sag, 8 µs a step, added up until cleared.
            #[bits(15)]
            pub sag_time: u16,
            __: bool,
        }
    )* };
}

voltage_times! {
    /// DSP_REG16 (0x4C): primary voltage swell and sag times. Reset 0.
    DspReg16;
    /// DSP_REG18 (0x50): secondary voltage swell and sag times. Reset 0.
    DspReg18;
}

macro_rules! current_times {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// SWCx_TIME: time in swell, 8 µs a step, added up until cleared.
            #[bits(15)]
            pub swell_time: u16,
            __: bool,
            /// Cx_PHA: delay between the zero crossings, 8 µs a step (section 11).
            #[bits(12)]
            pub phase_angle: u16,
            #[bits(4)]
            __: u8,
        }
    )* };
}

current_times! {
    /// DSP_REG17 (0x4E): primary current swell time and phase angle. Reset 0.
    DspReg17;
    /// DSP_REG19 (0x52): secondary current swell time and phase angle. Reset 0.
    DspReg19;
}
