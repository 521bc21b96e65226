//! Rows that both channels share, interrupts and the serial block.

use bitfield_struct::bitfield;

/// DSP_CR3 (0x04): latches, reset, totals, tamper, pins. Reset 0x000004E0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspCr3 {
    /// SAG_TIME_THR: sag filter time, 8 µs a step; never 0.
    #[bits(14, default = 0x4E0)]
    pub sag_time: u16,
    /// ZCR_SEL: signal of the CLKOUT/ZCR pin.
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

/// DSP_CR4 (0x06): phase delays. Reset 0.
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

/// DSP_SR1, DSP_SR2 (0x20, 0x22): sticky status, latched; write 0 to clear. Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspSr1 {
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

/// DSP_IRQ1, DSP_IRQ2 (0x1C, 0x1E): enables of the status bits onto INT1, INT2. Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct DspIrq1 {
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

/// US_REG1 (0x24): CRC and UART behaviour. Reset 0x00004007.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct UsReg1 {
    /// CRC_POLY: polynomial without its leading term.
    #[bits(8, default = 0x07)]
    pub crc_polynomial: u8,
    /// NOISE_EN: a bit whose samples differ discards the frame.
    pub noise_is_error: bool,
    /// BREAK_ON_ERR: the chip answers a UART error with a BREAK.
    pub break_on_error: bool,
    #[bits(4)]
    __: u8,
    /// CRC_EN: frames carry a CRC.
    #[bits(default = true)]
    pub crc: bool,
    /// LSB_FIRST: SPI bit order.
    pub lsb_first: bool,
    /// TIMEOUT: an unfinished UART frame is dropped after so many milliseconds; 0 never.
    #[bits(8)]
    pub timeout_ms: u8,
    #[bits(8)]
    __: u8,
}

/// US_REG2 (0x26): UART speed. Reset 0x00000683.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct UsReg2 {
    /// BAUD: 16 MHz / baud, rounded.
    #[bits(16, default = 0x0683)]
    pub baud_divider: u16,
    /// FRAME_DELAY: gap between the chip's bytes in bit times.
    #[bits(8)]
    pub frame_delay: u8,
    #[bits(8)]
    __: u8,
}

/// US_REG3 (0x28): link interrupt enables and sticky error bits; write 0 to clear. Reset 0.
#[bitfield(u32, defmt = cfg(feature = "defmt"))]
#[derive(PartialEq, Eq)]
pub struct UsReg3 {
    __: bool,
    /// Interrupt on: UART CRC error.
    pub uart_crc_interrupt: bool,
    /// Interrupt on: UART timeout.
    pub uart_timeout_interrupt: bool,
    /// Interrupt on: UART framing error.
    pub uart_framing_interrupt: bool,
    /// Interrupt on: UART noise.
    pub uart_noise_interrupt: bool,
    /// Interrupt on: UART receive overrun.
    pub uart_receive_overrun_interrupt: bool,
    /// Interrupt on: UART transmit overrun.
    pub uart_transmit_overrun_interrupt: bool,
    __: bool,
    /// Interrupt on: SPI receive full.
    pub spi_receive_full_interrupt: bool,
    /// Interrupt on: SPI transmit empty.
    pub spi_transmit_empty_interrupt: bool,
    /// Interrupt on: read address out of range.
    pub read_address_interrupt: bool,
    /// Interrupt on: write address out of range.
    pub write_address_interrupt: bool,
    /// Interrupt on: SPI CRC error.
    pub spi_crc_interrupt: bool,
    /// Interrupt on: SPI transmit underrun.
    pub spi_transmit_underrun_interrupt: bool,
    /// Interrupt on: SPI receive overrun.
    pub spi_receive_overrun_interrupt: bool,
    __: bool,
    /// UART BREAK received.
    pub uart_break: bool,
    /// Seen: UART CRC error.
    pub uart_crc: bool,
    /// Seen: UART timeout.
    pub uart_timeout: bool,
    /// Seen: UART framing error.
    pub uart_framing: bool,
    /// Seen: UART noise.
    pub uart_noise: bool,
    /// Seen: UART receive overrun.
    pub uart_receive_overrun: bool,
    /// Seen: UART transmit overrun.
    pub uart_transmit_overrun: bool,
    __: bool,
    /// Seen: SPI receive full.
    pub spi_receive_full: bool,
    /// Seen: SPI transmit empty.
    pub spi_transmit_empty: bool,
    /// Seen: read address out of range.
    pub read_address: bool,
    /// Seen: write address out of range.
    pub write_address: bool,
    /// Seen: SPI CRC error.
    pub spi_crc: bool,
    /// Seen: SPI transmit underrun.
    pub spi_transmit_underrun: bool,
    /// Seen: SPI receive overrun.
    pub spi_receive_overrun: bool,
    __: bool,
}

impl UsReg3 {
    /// The error bits: all status bits but the two diagnostic ones (24 and 25).
    pub const ERRORS: u32 = 0x7C7F_0000;

    /// Whether the chip noted an error of the link since the bits were last cleared.
    #[must_use]
    pub const fn has_errors(self) -> bool {
        self.into_bits() & Self::ERRORS != 0
    }
}
