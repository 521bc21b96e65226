//! The serial block: CRC, speed, errors.

use bitfield_struct::bitfield;

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
