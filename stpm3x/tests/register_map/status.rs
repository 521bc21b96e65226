//! Rows 14 to 22: interrupts, status, link, events.

use stpm3x::reg::*;
use stpm3x::{Stpm32, Stpm33, Stpm34};

use crate::{Field, check, exists, writable};

#[test]
#[rustfmt::skip]
fn dsp_irq1() {
    check::<DspIrq1>(("DSP_IRQ1", 0x1C, 0x0000_0000, false), DspIrq1::new().into_bits(), &[
        field!(DspIrq1, "TOT_SIGN_A", 0, 1, false, total_active_negative, with_total_active_negative),
        field!(DspIrq1, "TOT_SIGN_R", 1, 1, false, total_reactive_negative, with_total_reactive_negative),
        field!(DspIrq1, "TOT_OVF_A", 2, 1, false, total_active_wrapped, with_total_active_wrapped),
        field!(DspIrq1, "TOT_OVF_R", 3, 1, false, total_reactive_wrapped, with_total_reactive_wrapped),
        field!(DspIrq1, "PH2_SIGN_A", 4, 1, false, secondary_active_negative, with_secondary_active_negative),
        field!(DspIrq1, "PH2_SIGN_F", 5, 1, false, secondary_fundamental_negative, with_secondary_fundamental_negative),
        field!(DspIrq1, "PH2_SIGN_R", 6, 1, false, secondary_reactive_negative, with_secondary_reactive_negative),
        field!(DspIrq1, "PH2_SIGN_S", 7, 1, false, secondary_apparent_negative, with_secondary_apparent_negative),
        field!(DspIrq1, "PH2_OVF_A", 8, 1, false, secondary_active_wrapped, with_secondary_active_wrapped),
        field!(DspIrq1, "PH2_OVF_F", 9, 1, false, secondary_fundamental_wrapped, with_secondary_fundamental_wrapped),
        field!(DspIrq1, "PH2_OVF_R", 10, 1, false, secondary_reactive_wrapped, with_secondary_reactive_wrapped),
        field!(DspIrq1, "PH2_OVF_S", 11, 1, false, secondary_apparent_wrapped, with_secondary_apparent_wrapped),
        field!(DspIrq1, "PH1_SIGN_A", 12, 1, false, primary_active_negative, with_primary_active_negative),
        field!(DspIrq1, "PH1_SIGN_F", 13, 1, false, primary_fundamental_negative, with_primary_fundamental_negative),
        field!(DspIrq1, "PH1_SIGN_R", 14, 1, false, primary_reactive_negative, with_primary_reactive_negative),
        field!(DspIrq1, "PH1_SIGN_S", 15, 1, false, primary_apparent_negative, with_primary_apparent_negative),
        field!(DspIrq1, "PH1_OVF_A", 16, 1, false, primary_active_wrapped, with_primary_active_wrapped),
        field!(DspIrq1, "PH1_OVF_F", 17, 1, false, primary_fundamental_wrapped, with_primary_fundamental_wrapped),
        field!(DspIrq1, "PH1_OVF_R", 18, 1, false, primary_reactive_wrapped, with_primary_reactive_wrapped),
        field!(DspIrq1, "PH1_OVF_S", 19, 1, false, primary_apparent_wrapped, with_primary_apparent_wrapped),
        field!(DspIrq1, "C1_STUCK", 20, 1, false, current_stuck, with_current_stuck),
        field!(DspIrq1, "C1_AH", 21, 1, false, ampere_hours, with_ampere_hours),
        field!(DspIrq1, "C1_SWELL_START", 22, 1, false, current_swell_start, with_current_swell_start),
        field!(DspIrq1, "C1_SWELL_END", 23, 1, false, current_swell_end, with_current_swell_end),
        field!(DspIrq1, "V1_STUCK", 24, 1, false, voltage_stuck, with_voltage_stuck),
        field!(DspIrq1, "V1_PERIOD_ERR", 25, 1, false, period_error, with_period_error),
        field!(DspIrq1, "V1_SAG_START", 26, 1, false, sag_start, with_sag_start),
        field!(DspIrq1, "V1_SAG_END", 27, 1, false, sag_end, with_sag_end),
        field!(DspIrq1, "V1_SWELL_START", 28, 1, false, voltage_swell_start, with_voltage_swell_start),
        field!(DspIrq1, "V1_SWELL_END", 29, 1, false, voltage_swell_end, with_voltage_swell_end),
        field!(DspIrq1, "PH1_TAMPER", 30, 1, false, tamper, with_tamper),
        field!(DspIrq1, "TAMPER_OR_WRONG", 31, 1, false, tamper_or_wrong, with_tamper_or_wrong),
    ]);
    exists::<DspIrq1, Stpm32>();
    exists::<DspIrq1, Stpm33>();
    exists::<DspIrq1, Stpm34>();
    writable::<DspIrq1>();
}

#[test]
#[rustfmt::skip]
fn dsp_irq2() {
    check::<DspIrq2>(("DSP_IRQ2", 0x1E, 0x0000_0000, false), DspIrq2::new().into_bits(), &[
        field!(DspIrq2, "TOT_SIGN_A", 0, 1, false, total_active_negative, with_total_active_negative),
        field!(DspIrq2, "TOT_SIGN_R", 1, 1, false, total_reactive_negative, with_total_reactive_negative),
        field!(DspIrq2, "TOT_OVF_A", 2, 1, false, total_active_wrapped, with_total_active_wrapped),
        field!(DspIrq2, "TOT_OVF_R", 3, 1, false, total_reactive_wrapped, with_total_reactive_wrapped),
        field!(DspIrq2, "PH2_SIGN_A", 4, 1, false, secondary_active_negative, with_secondary_active_negative),
        field!(DspIrq2, "PH2_SIGN_F", 5, 1, false, secondary_fundamental_negative, with_secondary_fundamental_negative),
        field!(DspIrq2, "PH2_SIGN_R", 6, 1, false, secondary_reactive_negative, with_secondary_reactive_negative),
        field!(DspIrq2, "PH2_SIGN_S", 7, 1, false, secondary_apparent_negative, with_secondary_apparent_negative),
        field!(DspIrq2, "PH2_OVF_A", 8, 1, false, secondary_active_wrapped, with_secondary_active_wrapped),
        field!(DspIrq2, "PH2_OVF_F", 9, 1, false, secondary_fundamental_wrapped, with_secondary_fundamental_wrapped),
        field!(DspIrq2, "PH2_OVF_R", 10, 1, false, secondary_reactive_wrapped, with_secondary_reactive_wrapped),
        field!(DspIrq2, "PH2_OVF_S", 11, 1, false, secondary_apparent_wrapped, with_secondary_apparent_wrapped),
        field!(DspIrq2, "PH1_SIGN_A", 12, 1, false, primary_active_negative, with_primary_active_negative),
        field!(DspIrq2, "PH1_SIGN_F", 13, 1, false, primary_fundamental_negative, with_primary_fundamental_negative),
        field!(DspIrq2, "PH1_SIGN_R", 14, 1, false, primary_reactive_negative, with_primary_reactive_negative),
        field!(DspIrq2, "PH1_SIGN_S", 15, 1, false, primary_apparent_negative, with_primary_apparent_negative),
        field!(DspIrq2, "PH1_OVF_A", 16, 1, false, primary_active_wrapped, with_primary_active_wrapped),
        field!(DspIrq2, "PH1_OVF_F", 17, 1, false, primary_fundamental_wrapped, with_primary_fundamental_wrapped),
        field!(DspIrq2, "PH1_OVF_R", 18, 1, false, primary_reactive_wrapped, with_primary_reactive_wrapped),
        field!(DspIrq2, "PH1_OVF_S", 19, 1, false, primary_apparent_wrapped, with_primary_apparent_wrapped),
        field!(DspIrq2, "C2_STUCK", 20, 1, false, current_stuck, with_current_stuck),
        field!(DspIrq2, "C2_AH", 21, 1, false, ampere_hours, with_ampere_hours),
        field!(DspIrq2, "C2_SWELL_START", 22, 1, false, current_swell_start, with_current_swell_start),
        field!(DspIrq2, "C2_SWELL_END", 23, 1, false, current_swell_end, with_current_swell_end),
        field!(DspIrq2, "V2_STUCK", 24, 1, false, voltage_stuck, with_voltage_stuck),
        field!(DspIrq2, "V2_PERIOD_ERR", 25, 1, false, period_error, with_period_error),
        field!(DspIrq2, "V2_SAG_START", 26, 1, false, sag_start, with_sag_start),
        field!(DspIrq2, "V2_SAG_END", 27, 1, false, sag_end, with_sag_end),
        field!(DspIrq2, "V2_SWELL_START", 28, 1, false, voltage_swell_start, with_voltage_swell_start),
        field!(DspIrq2, "V2_SWELL_END", 29, 1, false, voltage_swell_end, with_voltage_swell_end),
        field!(DspIrq2, "PH2_TAMPER", 30, 1, false, tamper, with_tamper),
        field!(DspIrq2, "TAMPER_OR_WRONG", 31, 1, false, tamper_or_wrong, with_tamper_or_wrong),
    ]);
    exists::<DspIrq2, Stpm33>();
    exists::<DspIrq2, Stpm34>();
    writable::<DspIrq2>();
}

#[test]
#[rustfmt::skip]
fn dsp_sr1() {
    check::<DspSr1>(("DSP_SR1", 0x20, 0x0000_0000, true), DspSr1::new().into_bits(), &[
        field!(DspSr1, "TOT_SIGN_A", 0, 1, false, total_active_negative, with_total_active_negative),
        field!(DspSr1, "TOT_SIGN_R", 1, 1, false, total_reactive_negative, with_total_reactive_negative),
        field!(DspSr1, "TOT_OVF_A", 2, 1, false, total_active_wrapped, with_total_active_wrapped),
        field!(DspSr1, "TOT_OVF_R", 3, 1, false, total_reactive_wrapped, with_total_reactive_wrapped),
        field!(DspSr1, "PH2_SIGN_A", 4, 1, false, secondary_active_negative, with_secondary_active_negative),
        field!(DspSr1, "PH2_SIGN_F", 5, 1, false, secondary_fundamental_negative, with_secondary_fundamental_negative),
        field!(DspSr1, "PH2_SIGN_R", 6, 1, false, secondary_reactive_negative, with_secondary_reactive_negative),
        field!(DspSr1, "PH2_SIGN_S", 7, 1, false, secondary_apparent_negative, with_secondary_apparent_negative),
        field!(DspSr1, "PH2_OVF_A", 8, 1, false, secondary_active_wrapped, with_secondary_active_wrapped),
        field!(DspSr1, "PH2_OVF_F", 9, 1, false, secondary_fundamental_wrapped, with_secondary_fundamental_wrapped),
        field!(DspSr1, "PH2_OVF_R", 10, 1, false, secondary_reactive_wrapped, with_secondary_reactive_wrapped),
        field!(DspSr1, "PH2_OVF_S", 11, 1, false, secondary_apparent_wrapped, with_secondary_apparent_wrapped),
        field!(DspSr1, "PH1_SIGN_A", 12, 1, false, primary_active_negative, with_primary_active_negative),
        field!(DspSr1, "PH1_SIGN_F", 13, 1, false, primary_fundamental_negative, with_primary_fundamental_negative),
        field!(DspSr1, "PH1_SIGN_R", 14, 1, false, primary_reactive_negative, with_primary_reactive_negative),
        field!(DspSr1, "PH1_SIGN_S", 15, 1, false, primary_apparent_negative, with_primary_apparent_negative),
        field!(DspSr1, "PH1_OVF_A", 16, 1, false, primary_active_wrapped, with_primary_active_wrapped),
        field!(DspSr1, "PH1_OVF_F", 17, 1, false, primary_fundamental_wrapped, with_primary_fundamental_wrapped),
        field!(DspSr1, "PH1_OVF_R", 18, 1, false, primary_reactive_wrapped, with_primary_reactive_wrapped),
        field!(DspSr1, "PH1_OVF_S", 19, 1, false, primary_apparent_wrapped, with_primary_apparent_wrapped),
        field!(DspSr1, "C1_STUCK", 20, 1, false, current_stuck, with_current_stuck),
        field!(DspSr1, "C1_AH", 21, 1, false, ampere_hours, with_ampere_hours),
        field!(DspSr1, "C1_SWELL_START", 22, 1, false, current_swell_start, with_current_swell_start),
        field!(DspSr1, "C1_SWELL_END", 23, 1, false, current_swell_end, with_current_swell_end),
        field!(DspSr1, "V1_STUCK", 24, 1, false, voltage_stuck, with_voltage_stuck),
        field!(DspSr1, "V1_PERIOD_ERR", 25, 1, false, period_error, with_period_error),
        field!(DspSr1, "V1_SAG_START", 26, 1, false, sag_start, with_sag_start),
        field!(DspSr1, "V1_SAG_END", 27, 1, false, sag_end, with_sag_end),
        field!(DspSr1, "V1_SWELL_START", 28, 1, false, voltage_swell_start, with_voltage_swell_start),
        field!(DspSr1, "V1_SWELL_END", 29, 1, false, voltage_swell_end, with_voltage_swell_end),
        field!(DspSr1, "PH1_TAMPER", 30, 1, false, tamper, with_tamper),
        field!(DspSr1, "TAMPER_OR_WRONG", 31, 1, false, tamper_or_wrong, with_tamper_or_wrong),
    ]);
    exists::<DspSr1, Stpm32>();
    exists::<DspSr1, Stpm33>();
    exists::<DspSr1, Stpm34>();
    writable::<DspSr1>();
}

#[test]
#[rustfmt::skip]
fn dsp_sr2() {
    check::<DspSr2>(("DSP_SR2", 0x22, 0x0000_0000, true), DspSr2::new().into_bits(), &[
        field!(DspSr2, "TOT_SIGN_A", 0, 1, false, total_active_negative, with_total_active_negative),
        field!(DspSr2, "TOT_SIGN_R", 1, 1, false, total_reactive_negative, with_total_reactive_negative),
        field!(DspSr2, "TOT_OVF_A", 2, 1, false, total_active_wrapped, with_total_active_wrapped),
        field!(DspSr2, "TOT_OVF_R", 3, 1, false, total_reactive_wrapped, with_total_reactive_wrapped),
        field!(DspSr2, "PH2_SIGN_A", 4, 1, false, secondary_active_negative, with_secondary_active_negative),
        field!(DspSr2, "PH2_SIGN_F", 5, 1, false, secondary_fundamental_negative, with_secondary_fundamental_negative),
        field!(DspSr2, "PH2_SIGN_R", 6, 1, false, secondary_reactive_negative, with_secondary_reactive_negative),
        field!(DspSr2, "PH2_SIGN_S", 7, 1, false, secondary_apparent_negative, with_secondary_apparent_negative),
        field!(DspSr2, "PH2_OVF_A", 8, 1, false, secondary_active_wrapped, with_secondary_active_wrapped),
        field!(DspSr2, "PH2_OVF_F", 9, 1, false, secondary_fundamental_wrapped, with_secondary_fundamental_wrapped),
        field!(DspSr2, "PH2_OVF_R", 10, 1, false, secondary_reactive_wrapped, with_secondary_reactive_wrapped),
        field!(DspSr2, "PH2_OVF_S", 11, 1, false, secondary_apparent_wrapped, with_secondary_apparent_wrapped),
        field!(DspSr2, "PH1_SIGN_A", 12, 1, false, primary_active_negative, with_primary_active_negative),
        field!(DspSr2, "PH1_SIGN_F", 13, 1, false, primary_fundamental_negative, with_primary_fundamental_negative),
        field!(DspSr2, "PH1_SIGN_R", 14, 1, false, primary_reactive_negative, with_primary_reactive_negative),
        field!(DspSr2, "PH1_SIGN_S", 15, 1, false, primary_apparent_negative, with_primary_apparent_negative),
        field!(DspSr2, "PH1_OVF_A", 16, 1, false, primary_active_wrapped, with_primary_active_wrapped),
        field!(DspSr2, "PH1_OVF_F", 17, 1, false, primary_fundamental_wrapped, with_primary_fundamental_wrapped),
        field!(DspSr2, "PH1_OVF_R", 18, 1, false, primary_reactive_wrapped, with_primary_reactive_wrapped),
        field!(DspSr2, "PH1_OVF_S", 19, 1, false, primary_apparent_wrapped, with_primary_apparent_wrapped),
        field!(DspSr2, "C2_STUCK", 20, 1, false, current_stuck, with_current_stuck),
        field!(DspSr2, "C2_AH", 21, 1, false, ampere_hours, with_ampere_hours),
        field!(DspSr2, "C2_SWELL_START", 22, 1, false, current_swell_start, with_current_swell_start),
        field!(DspSr2, "C2_SWELL_END", 23, 1, false, current_swell_end, with_current_swell_end),
        field!(DspSr2, "V2_STUCK", 24, 1, false, voltage_stuck, with_voltage_stuck),
        field!(DspSr2, "V2_PERIOD_ERR", 25, 1, false, period_error, with_period_error),
        field!(DspSr2, "V2_SAG_START", 26, 1, false, sag_start, with_sag_start),
        field!(DspSr2, "V2_SAG_END", 27, 1, false, sag_end, with_sag_end),
        field!(DspSr2, "V2_SWELL_START", 28, 1, false, voltage_swell_start, with_voltage_swell_start),
        field!(DspSr2, "V2_SWELL_END", 29, 1, false, voltage_swell_end, with_voltage_swell_end),
        field!(DspSr2, "PH2_TAMPER", 30, 1, false, tamper, with_tamper),
        field!(DspSr2, "TAMPER_OR_WRONG", 31, 1, false, tamper_or_wrong, with_tamper_or_wrong),
    ]);
    exists::<DspSr2, Stpm33>();
    exists::<DspSr2, Stpm34>();
    writable::<DspSr2>();
}

#[test]
#[rustfmt::skip]
fn us_reg1() {
    check::<UsReg1>(("US_REG1", 0x24, 0x0000_4007, false), UsReg1::new().into_bits(), &[
        field!(UsReg1, "CRC_POLY", 0, 8, false, crc_polynomial, with_crc_polynomial),
        field!(UsReg1, "NOISE_EN", 8, 1, false, noise_is_error, with_noise_is_error),
        field!(UsReg1, "BREAK_ON_ERR", 9, 1, false, break_on_error, with_break_on_error),
        field!(UsReg1, "CRC_EN", 14, 1, false, crc, with_crc),
        field!(UsReg1, "LSB_FIRST", 15, 1, false, lsb_first, with_lsb_first),
        field!(UsReg1, "TIMEOUT", 16, 8, false, timeout_ms, with_timeout_ms),
    ]);
    exists::<UsReg1, Stpm32>();
    exists::<UsReg1, Stpm33>();
    exists::<UsReg1, Stpm34>();
    writable::<UsReg1>();
}

#[test]
#[rustfmt::skip]
fn us_reg2() {
    check::<UsReg2>(("US_REG2", 0x26, 0x0000_0683, false), UsReg2::new().into_bits(), &[
        field!(UsReg2, "BAUD", 0, 16, false, baud_divider, with_baud_divider),
        field!(UsReg2, "FRAME_DELAY", 16, 8, false, frame_delay, with_frame_delay),
    ]);
    exists::<UsReg2, Stpm32>();
    exists::<UsReg2, Stpm33>();
    exists::<UsReg2, Stpm34>();
    writable::<UsReg2>();
}

#[test]
#[rustfmt::skip]
fn us_reg3() {
    check::<UsReg3>(("US_REG3", 0x28, 0x0000_0000, false), UsReg3::new().into_bits(), &[
        field!(UsReg3, "IRQ_UART_CRC_ERR", 1, 1, false, uart_crc_interrupt, with_uart_crc_interrupt),
        field!(UsReg3, "IRQ_UART_TIMEOUT", 2, 1, false, uart_timeout_interrupt, with_uart_timeout_interrupt),
        field!(UsReg3, "IRQ_UART_FRAMING", 3, 1, false, uart_framing_interrupt, with_uart_framing_interrupt),
        field!(UsReg3, "IRQ_UART_NOISE", 4, 1, false, uart_noise_interrupt, with_uart_noise_interrupt),
        field!(UsReg3, "IRQ_UART_RX_OVR", 5, 1, false, uart_receive_overrun_interrupt, with_uart_receive_overrun_interrupt),
        field!(UsReg3, "IRQ_UART_TX_OVR", 6, 1, false, uart_transmit_overrun_interrupt, with_uart_transmit_overrun_interrupt),
        field!(UsReg3, "IRQ_SPI_RX_FULL", 8, 1, false, spi_receive_full_interrupt, with_spi_receive_full_interrupt),
        field!(UsReg3, "IRQ_SPI_TX_EMPTY", 9, 1, false, spi_transmit_empty_interrupt, with_spi_transmit_empty_interrupt),
        field!(UsReg3, "IRQ_READ_ADDR_ERR", 10, 1, false, read_address_interrupt, with_read_address_interrupt),
        field!(UsReg3, "IRQ_WRITE_ADDR_ERR", 11, 1, false, write_address_interrupt, with_write_address_interrupt),
        field!(UsReg3, "IRQ_SPI_CRC_ERR", 12, 1, false, spi_crc_interrupt, with_spi_crc_interrupt),
        field!(UsReg3, "IRQ_SPI_TX_UNDERRUN", 13, 1, false, spi_transmit_underrun_interrupt, with_spi_transmit_underrun_interrupt),
        field!(UsReg3, "IRQ_SPI_RX_OVERRUN", 14, 1, false, spi_receive_overrun_interrupt, with_spi_receive_overrun_interrupt),
        field!(UsReg3, "UART_BREAK", 16, 1, false, uart_break, with_uart_break),
        field!(UsReg3, "UART_CRC_ERR", 17, 1, false, uart_crc, with_uart_crc),
        field!(UsReg3, "UART_TIMEOUT", 18, 1, false, uart_timeout, with_uart_timeout),
        field!(UsReg3, "UART_FRAMING", 19, 1, false, uart_framing, with_uart_framing),
        field!(UsReg3, "UART_NOISE", 20, 1, false, uart_noise, with_uart_noise),
        field!(UsReg3, "UART_RX_OVR", 21, 1, false, uart_receive_overrun, with_uart_receive_overrun),
        field!(UsReg3, "UART_TX_OVR", 22, 1, false, uart_transmit_overrun, with_uart_transmit_overrun),
        field!(UsReg3, "SPI_RX_FULL", 24, 1, false, spi_receive_full, with_spi_receive_full),
        field!(UsReg3, "SPI_TX_EMPTY", 25, 1, false, spi_transmit_empty, with_spi_transmit_empty),
        field!(UsReg3, "READ_ADDR_ERR", 26, 1, false, read_address, with_read_address),
        field!(UsReg3, "WRITE_ADDR_ERR", 27, 1, false, write_address, with_write_address),
        field!(UsReg3, "SPI_CRC_ERR", 28, 1, false, spi_crc, with_spi_crc),
        field!(UsReg3, "SPI_TX_UNDERRUN", 29, 1, false, spi_transmit_underrun, with_spi_transmit_underrun),
        field!(UsReg3, "SPI_RX_OVERRUN", 30, 1, false, spi_receive_overrun, with_spi_receive_overrun),
    ]);
    exists::<UsReg3, Stpm32>();
    exists::<UsReg3, Stpm33>();
    exists::<UsReg3, Stpm34>();
    writable::<UsReg3>();
}

#[test]
#[rustfmt::skip]
fn dsp_ev1() {
    check::<DspEv1>(("DSP_EV1", 0x2A, 0x0000_0000, true), DspEv1::new().into_bits(), &[
        field!(DspEv1, "TOT_SIGN_A", 0, 1, false, total_active_negative, with_total_active_negative),
        field!(DspEv1, "TOT_SIGN_R", 1, 1, false, total_reactive_negative, with_total_reactive_negative),
        field!(DspEv1, "TOT_OVF_A", 2, 1, false, total_active_wrapped, with_total_active_wrapped),
        field!(DspEv1, "TOT_OVF_R", 3, 1, false, total_reactive_wrapped, with_total_reactive_wrapped),
        field!(DspEv1, "PH1_SIGN_A", 4, 1, false, active_negative, with_active_negative),
        field!(DspEv1, "PH1_SIGN_F", 5, 1, false, fundamental_negative, with_fundamental_negative),
        field!(DspEv1, "PH1_SIGN_R", 6, 1, false, reactive_negative, with_reactive_negative),
        field!(DspEv1, "PH1_SIGN_S", 7, 1, false, apparent_negative, with_apparent_negative),
        field!(DspEv1, "PH1_OVF_A", 8, 1, false, active_wrapped, with_active_wrapped),
        field!(DspEv1, "PH1_OVF_F", 9, 1, false, fundamental_wrapped, with_fundamental_wrapped),
        field!(DspEv1, "PH1_OVF_R", 10, 1, false, reactive_wrapped, with_reactive_wrapped),
        field!(DspEv1, "PH1_OVF_S", 11, 1, false, apparent_wrapped, with_apparent_wrapped),
        field!(DspEv1, "C1_ZCR", 12, 1, false, current_zero_crossing, with_current_zero_crossing),
        field!(DspEv1, "C1_STUCK", 13, 1, false, current_stuck, with_current_stuck),
        field!(DspEv1, "C1_AH", 14, 1, false, ampere_hours, with_ampere_hours),
        field!(DspEv1, "SWC1_EV", 15, 4, false, current_swell, with_current_swell),
        field!(DspEv1, "V1_ZCR", 19, 1, false, voltage_zero_crossing, with_voltage_zero_crossing),
        field!(DspEv1, "V1_STUCK", 20, 1, false, voltage_stuck, with_voltage_stuck),
        field!(DspEv1, "V1_PERIOD_ERR", 21, 1, false, period_error, with_period_error),
        field!(DspEv1, "SWV1_EV", 22, 4, false, voltage_swell, with_voltage_swell),
        field!(DspEv1, "SAG1_EV", 26, 4, false, sag, with_sag),
    ]);
    exists::<DspEv1, Stpm32>();
    exists::<DspEv1, Stpm33>();
    exists::<DspEv1, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_ev2() {
    check::<DspEv2>(("DSP_EV2", 0x2C, 0x0000_0000, true), DspEv2::new().into_bits(), &[
        field!(DspEv2, "TOT_SIGN_A", 0, 1, false, total_active_negative, with_total_active_negative),
        field!(DspEv2, "TOT_SIGN_R", 1, 1, false, total_reactive_negative, with_total_reactive_negative),
        field!(DspEv2, "TOT_OVF_A", 2, 1, false, total_active_wrapped, with_total_active_wrapped),
        field!(DspEv2, "TOT_OVF_R", 3, 1, false, total_reactive_wrapped, with_total_reactive_wrapped),
        field!(DspEv2, "PH2_SIGN_A", 4, 1, false, active_negative, with_active_negative),
        field!(DspEv2, "PH2_SIGN_F", 5, 1, false, fundamental_negative, with_fundamental_negative),
        field!(DspEv2, "PH2_SIGN_R", 6, 1, false, reactive_negative, with_reactive_negative),
        field!(DspEv2, "PH2_SIGN_S", 7, 1, false, apparent_negative, with_apparent_negative),
        field!(DspEv2, "PH2_OVF_A", 8, 1, false, active_wrapped, with_active_wrapped),
        field!(DspEv2, "PH2_OVF_F", 9, 1, false, fundamental_wrapped, with_fundamental_wrapped),
        field!(DspEv2, "PH2_OVF_R", 10, 1, false, reactive_wrapped, with_reactive_wrapped),
        field!(DspEv2, "PH2_OVF_S", 11, 1, false, apparent_wrapped, with_apparent_wrapped),
        field!(DspEv2, "C2_ZCR", 12, 1, false, current_zero_crossing, with_current_zero_crossing),
        field!(DspEv2, "C2_STUCK", 13, 1, false, current_stuck, with_current_stuck),
        field!(DspEv2, "C2_AH", 14, 1, false, ampere_hours, with_ampere_hours),
        field!(DspEv2, "SWC2_EV", 15, 4, false, current_swell, with_current_swell),
        field!(DspEv2, "V2_ZCR", 19, 1, false, voltage_zero_crossing, with_voltage_zero_crossing),
        field!(DspEv2, "V2_STUCK", 20, 1, false, voltage_stuck, with_voltage_stuck),
        field!(DspEv2, "V2_PERIOD_ERR", 21, 1, false, period_error, with_period_error),
        field!(DspEv2, "SWV2_EV", 22, 4, false, voltage_swell, with_voltage_swell),
        field!(DspEv2, "SAG2_EV", 26, 4, false, sag, with_sag),
    ]);
    exists::<DspEv2, Stpm33>();
    exists::<DspEv2, Stpm34>();
}
