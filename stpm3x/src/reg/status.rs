//! Interrupt enables, sticky status and live events (DS10272 section 16).

use bitfield_struct::bitfield;

macro_rules! status {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// Total active power negative; STPM33 and STPM34.
            pub total_active_negative: bool,
            /// Total reactive power negative; STPM33 and STPM34.
            pub total_reactive_negative: bool,
            /// Total active energy wrapped; STPM33 and STPM34.
            pub total_active_wrapped: bool,
            /// Total reactive energy wrapped; STPM33 and STPM34.
            pub total_reactive_wrapped: bool,
            /// PH2 active power negative; STPM33 and STPM34.
            pub secondary_active_negative: bool,
            /// PH2 fundamental power negative; STPM33 and STPM34.
            pub secondary_fundamental_negative: bool,
            /// PH2 reactive power negative; STPM33 and STPM34.
            pub secondary_reactive_negative: bool,
            /// PH2 apparent power negative; STPM33 and STPM34.
            pub secondary_apparent_negative: bool,
            /// PH2 active energy wrapped; STPM33 and STPM34.
            pub secondary_active_wrapped: bool,
            /// PH2 fundamental energy wrapped; STPM33 and STPM34.
            pub secondary_fundamental_wrapped: bool,
            /// PH2 reactive energy wrapped; STPM33 and STPM34.
            pub secondary_reactive_wrapped: bool,
            /// PH2 apparent energy wrapped; STPM33 and STPM34.
            pub secondary_apparent_wrapped: bool,
            /// PH1 active power negative.
            pub primary_active_negative: bool,
            /// PH1 fundamental power negative.
            pub primary_fundamental_negative: bool,
            /// PH1 reactive power negative.
            pub primary_reactive_negative: bool,
            /// PH1 apparent power negative.
            pub primary_apparent_negative: bool,
            /// PH1 active energy wrapped.
            pub primary_active_wrapped: bool,
            /// PH1 fundamental energy wrapped.
            pub primary_fundamental_wrapped: bool,
            /// PH1 reactive energy wrapped.
            pub primary_reactive_wrapped: bool,
            /// PH1 apparent energy wrapped.
            pub primary_apparent_wrapped: bool,
            /// Current bit stream of this channel stuck.
            pub current_stuck: bool,
            /// Ampere-hours accumulate.
            pub ampere_hours: bool,
            /// Current swell began.
            pub current_swell_start: bool,
            /// Current swell ended.
            pub current_swell_end: bool,
            /// Voltage bit stream of this channel stuck.
            pub voltage_stuck: bool,
            /// Line period out of range.
            pub period_error: bool,
            /// Voltage sag began.
            pub sag_start: bool,
            /// Voltage sag ended.
            pub sag_end: bool,
            /// Voltage swell began.
            pub voltage_swell_start: bool,
            /// Voltage swell ended.
            pub voltage_swell_end: bool,
            /// Tamper: this channel has the larger energy; STPM33 and STPM34.
            pub tamper: bool,
            /// Tamper or wrong connection; STPM33 and STPM34.
            pub tamper_or_wrong: bool,
        }
    )* };
}

status! {
    /// DSP_IRQ1 (0x1C): enables of the status bits onto INT1. Reset 0.
    DspIrq1;
    /// DSP_IRQ2 (0x1E): enables of the status bits onto INT2. Reset 0.
    DspIrq2;
    /// DSP_SR1 (0x20): sticky status of the primary channel, latched; write 0 to clear. Reset 0.
    DspSr1;
    /// DSP_SR2 (0x22): sticky status of the secondary channel, latched; write 0 to clear. Reset 0.
    DspSr2;
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
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
    )* };
}

events! {
    /// DSP_EV1 (0x2A): live events of the primary channel, latched. Reset 0.
    DspEv1;
    /// DSP_EV2 (0x2C): live events of the secondary channel, latched. Reset 0.
    DspEv2;
}
