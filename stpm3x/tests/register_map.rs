//! Every address, reset value and field of the register types beside the facts of DS10272
//! section 8, written out again.

use stpm3x::Channel;
use stpm3x::reg::*;

/// Row, name, value after a reset.
#[rustfmt::skip]
const ROWS: [(u8, u8, u32); 70] = [
    (row::DSP_CR1, 0x00, 0x040000a0),
    (row::DSP_CR2, 0x02, 0x240000a0),
    (row::DSP_CR3, 0x04, 0x000004e0),
    (row::DSP_CR4, 0x06, 0x00000000),
    (row::DSP_CR5, 0x08, 0x003ff800),
    (row::DSP_CR6, 0x0a, 0x003ff800),
    (row::DSP_CR7, 0x0c, 0x003ff800),
    (row::DSP_CR8, 0x0e, 0x003ff800),
    (row::DSP_CR9, 0x10, 0x00000fff),
    (row::DSP_CR10, 0x12, 0x00000fff),
    (row::DSP_CR11, 0x14, 0x00000fff),
    (row::DSP_CR12, 0x16, 0x00000fff),
    (row::DFE_CR1, 0x18, 0x0f270327),
    (row::DFE_CR2, 0x1a, 0x03270327),
    (row::DSP_IRQ1, 0x1c, 0x00000000),
    (row::DSP_IRQ2, 0x1e, 0x00000000),
    (row::DSP_SR1, 0x20, 0x00000000),
    (row::DSP_SR2, 0x22, 0x00000000),
    (row::US_REG1, 0x24, 0x00004007),
    (row::US_REG2, 0x26, 0x00000683),
    (row::US_REG3, 0x28, 0x00000000),
    (row::DSP_EV1, 0x2a, 0x00000000),
    (row::DSP_EV2, 0x2c, 0x00000000),
    (row::DSP_REG1, 0x2e, 0x00000000),
    (row::DSP_REG2, 0x30, 0x00000000),
    (row::DSP_REG3, 0x32, 0x00000000),
    (row::DSP_REG4, 0x34, 0x00000000),
    (row::DSP_REG5, 0x36, 0x00000000),
    (row::DSP_REG6, 0x38, 0x00000000),
    (row::DSP_REG7, 0x3a, 0x00000000),
    (row::DSP_REG8, 0x3c, 0x00000000),
    (row::DSP_REG9, 0x3e, 0x00000000),
    (row::DSP_REG10, 0x40, 0x00000000),
    (row::DSP_REG11, 0x42, 0x00000000),
    (row::DSP_REG12, 0x44, 0x00000000),
    (row::DSP_REG13, 0x46, 0x00000000),
    (row::DSP_REG14, 0x48, 0x00000000),
    (row::DSP_REG15, 0x4a, 0x00000000),
    (row::DSP_REG16, 0x4c, 0x00000000),
    (row::DSP_REG17, 0x4e, 0x00000000),
    (row::DSP_REG18, 0x50, 0x00000000),
    (row::DSP_REG19, 0x52, 0x00000000),
    (row::PH1_REG1, 0x54, 0x00000000),
    (row::PH1_REG2, 0x56, 0x00000000),
    (row::PH1_REG3, 0x58, 0x00000000),
    (row::PH1_REG4, 0x5a, 0x00000000),
    (row::PH1_REG5, 0x5c, 0x00000000),
    (row::PH1_REG6, 0x5e, 0x00000000),
    (row::PH1_REG7, 0x60, 0x00000000),
    (row::PH1_REG8, 0x62, 0x00000000),
    (row::PH1_REG9, 0x64, 0x00000000),
    (row::PH1_REG10, 0x66, 0x00000000),
    (row::PH1_REG11, 0x68, 0x00000000),
    (row::PH1_REG12, 0x6a, 0x00000000),
    (row::PH2_REG1, 0x6c, 0x00000000),
    (row::PH2_REG2, 0x6e, 0x00000000),
    (row::PH2_REG3, 0x70, 0x00000000),
    (row::PH2_REG4, 0x72, 0x00000000),
    (row::PH2_REG5, 0x74, 0x00000000),
    (row::PH2_REG6, 0x76, 0x00000000),
    (row::PH2_REG7, 0x78, 0x00000000),
    (row::PH2_REG8, 0x7a, 0x00000000),
    (row::PH2_REG9, 0x7c, 0x00000000),
    (row::PH2_REG10, 0x7e, 0x00000000),
    (row::PH2_REG11, 0x80, 0x00000000),
    (row::PH2_REG12, 0x82, 0x00000000),
    (row::TOT_REG1, 0x84, 0x00000000),
    (row::TOT_REG2, 0x86, 0x00000000),
    (row::TOT_REG3, 0x88, 0x00000000),
    (row::TOT_REG4, 0x8a, 0x00000000),
];

#[test]
fn every_row_has_its_address() {
    for (place, (number, address, _)) in ROWS.into_iter().enumerate() {
        assert_eq!(usize::from(number), place);
        assert_eq!(number * 2, address);
    }
}

/// One field: name in the manual, lowest bit, width, and what the type reads there.
type Field = (&'static str, u32, u32, fn(u32) -> i64);

fn check<R: Register>(primary: u8, secondary: u8, fields: &[Field]) {
    let facts = [(Channel::Primary, primary), (Channel::Secondary, secondary)];
    for (channel, number) in facts {
        let row = R::row(channel);
        let (_, address, reset) = ROWS[usize::from(number)];
        assert_eq!(
            (row.number, row.address(), row.reset),
            (number, address, reset)
        );
        let kept: u32 = R::reset(channel).into();
        assert_eq!(kept, reset, "reserved bits of row {number}");
    }
    fields_of(primary, fields);
}

fn fields_of(primary: u8, fields: &[Field]) {
    for &(name, low, width, read) in fields {
        let ones = (u64::MAX >> (64 - width)) as u32;
        let mask = ones << low;
        let all = read(mask);
        assert!(
            all == i64::from(ones) || all == -1,
            "{name} of row {primary}: {all:#x}"
        );
        assert_eq!(read(!mask), 0, "{name} of row {primary}");
        assert_ne!(read(1 << (low + width - 1)), 0, "top bit of {name}");
        assert_eq!(
            read(1 << low),
            if all == -1 && width == 1 { -1 } else { 1 },
            "{name}"
        );
        let signed = all == -1;
        assert_eq!(
            signed,
            SIGNED.iter().any(|&known| name.starts_with(known)),
            "{name}"
        );
    }
}

/// The fields that carry a sign.
const SIGNED: [&str; 5] = ["OFA", "OFR", "OFS", "V1_DATA", "PH1_ACTIVE_POWER"];

#[test]
#[rustfmt::skip]
fn dsp_cr1() {
    check::<DspCr1>(0, 1, &[
        ("CLRSS_TO1", 0, 4, |w| DspCr1::from_bits(w).clear_timeout().into()),
        ("CLEAR_SS1", 4, 1, |w| DspCr1::from_bits(w).clear_sag_swell().into()),
        ("EN_VREF1", 5, 1, |w| DspCr1::from_bits(w).reference().into()),
        ("TC1", 6, 3, |w| DspCr1::from_bits(w).temperature_curve().into()),
        ("AEM1", 17, 1, |w| DspCr1::from_bits(w).vectorial_apparent().into()),
        ("APM1", 18, 1, |w| DspCr1::from_bits(w).wideband_apparent().into()),
        ("BHPFV1", 19, 1, |w| DspCr1::from_bits(w).bypass_voltage_filter().into()),
        ("BHPFC1", 20, 1, |w| DspCr1::from_bits(w).bypass_current_filter().into()),
        ("ROC1", 21, 1, |w| DspCr1::from_bits(w).integrator().into()),
        ("LPW1", 24, 4, |w| DspCr1::from_bits(w).led_divider().into()),
        ("LPS1", 28, 2, |w| DspCr1::from_bits(w).led_quantity().into()),
        ("LCS1", 30, 2, |w| DspCr1::from_bits(w).led_channel().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_cr3() {
    check::<DspCr3>(2, 2, &[
        ("SAG_TIME_THR", 0, 14, |w| DspCr3::from_bits(w).sag_time().into()),
        ("ZCR_SEL", 14, 2, |w| DspCr3::from_bits(w).zero_crossing_source().into()),
        ("ZCR_EN", 16, 1, |w| DspCr3::from_bits(w).zero_crossing().into()),
        ("TMP_TOL", 17, 2, |w| DspCr3::from_bits(w).tamper_tolerance().into()),
        ("TMP_EN", 19, 1, |w| DspCr3::from_bits(w).tamper().into()),
        ("SW_RESET", 20, 1, |w| DspCr3::from_bits(w).software_reset().into()),
        ("SW_LATCH1", 21, 1, |w| DspCr3::from_bits(w).latch_primary().into()),
        ("SW_LATCH2", 22, 1, |w| DspCr3::from_bits(w).latch_secondary().into()),
        ("SW_AUTO_LATCH", 23, 1, |w| DspCr3::from_bits(w).auto_latch().into()),
        ("LED1_OFF", 24, 1, |w| DspCr3::from_bits(w).led1_off().into()),
        ("LED2_OFF", 25, 1, |w| DspCr3::from_bits(w).led2_off().into()),
        ("EN_CUM", 26, 1, |w| DspCr3::from_bits(w).total_difference().into()),
        ("REF_FREQ", 27, 1, |w| DspCr3::from_bits(w).sixty_hertz().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_cr4() {
    check::<DspCr4>(3, 3, &[
        ("PHC2", 0, 10, |w| DspCr4::from_bits(w).current_delay_secondary().into()),
        ("PHV2", 10, 2, |w| DspCr4::from_bits(w).voltage_delay_secondary().into()),
        ("PHC1", 12, 10, |w| DspCr4::from_bits(w).current_delay_primary().into()),
        ("PHV1", 22, 2, |w| DspCr4::from_bits(w).voltage_delay_primary().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_cr5() {
    check::<DspCr5>(4, 6, &[
        ("CHV1", 0, 12, |w| DspCr5::from_bits(w).voltage_calibrator().into()),
        ("SWV_THR1", 12, 10, |w| DspCr5::from_bits(w).swell_threshold().into()),
        ("SAG_THR1", 22, 10, |w| DspCr5::from_bits(w).sag_threshold().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_cr6() {
    check::<DspCr6>(5, 7, &[
        ("CHC1", 0, 12, |w| DspCr6::from_bits(w).current_calibrator().into()),
        ("SWC_THR1", 12, 10, |w| DspCr6::from_bits(w).swell_threshold().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_cr9() {
    check::<DspCr9>(8, 10, &[
        ("AH_UP1", 0, 12, |w| DspCr9::from_bits(w).ampere_hour_up().into()),
        ("OFA1", 12, 10, |w| DspCr9::from_bits(w).active_offset().into()),
        ("OFAF1", 22, 10, |w| DspCr9::from_bits(w).fundamental_offset().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_cr10() {
    check::<DspCr10>(9, 11, &[
        ("AH_DOWN1", 0, 12, |w| DspCr10::from_bits(w).ampere_hour_down().into()),
        ("OFR1", 12, 10, |w| DspCr10::from_bits(w).reactive_offset().into()),
        ("OFS1", 22, 10, |w| DspCr10::from_bits(w).apparent_offset().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dfe_cr1() {
    check::<DfeCr1>(12, 13, &[
        ("EN_V1", 0, 1, |w| DfeCr1::from_bits(w).voltage().into()),
        ("EN_C1", 16, 1, |w| DfeCr1::from_bits(w).current().into()),
        ("GAIN1", 26, 2, |w| DfeCr1::from_bits(w).gain().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_irq1() {
    check::<DspIrq1>(14, 15, &[
        ("TOT_SIGN_A", 0, 1, |w| DspIrq1::from_bits(w).total_active_negative().into()),
        ("TOT_SIGN_R", 1, 1, |w| DspIrq1::from_bits(w).total_reactive_negative().into()),
        ("TOT_OVF_A", 2, 1, |w| DspIrq1::from_bits(w).total_active_wrapped().into()),
        ("TOT_OVF_R", 3, 1, |w| DspIrq1::from_bits(w).total_reactive_wrapped().into()),
        ("PH2_SIGN_A", 4, 1, |w| DspIrq1::from_bits(w).secondary_active_negative().into()),
        ("PH2_SIGN_F", 5, 1, |w| DspIrq1::from_bits(w).secondary_fundamental_negative().into()),
        ("PH2_SIGN_R", 6, 1, |w| DspIrq1::from_bits(w).secondary_reactive_negative().into()),
        ("PH2_SIGN_S", 7, 1, |w| DspIrq1::from_bits(w).secondary_apparent_negative().into()),
        ("PH2_OVF_A", 8, 1, |w| DspIrq1::from_bits(w).secondary_active_wrapped().into()),
        ("PH2_OVF_F", 9, 1, |w| DspIrq1::from_bits(w).secondary_fundamental_wrapped().into()),
        ("PH2_OVF_R", 10, 1, |w| DspIrq1::from_bits(w).secondary_reactive_wrapped().into()),
        ("PH2_OVF_S", 11, 1, |w| DspIrq1::from_bits(w).secondary_apparent_wrapped().into()),
        ("PH1_SIGN_A", 12, 1, |w| DspIrq1::from_bits(w).primary_active_negative().into()),
        ("PH1_SIGN_F", 13, 1, |w| DspIrq1::from_bits(w).primary_fundamental_negative().into()),
        ("PH1_SIGN_R", 14, 1, |w| DspIrq1::from_bits(w).primary_reactive_negative().into()),
        ("PH1_SIGN_S", 15, 1, |w| DspIrq1::from_bits(w).primary_apparent_negative().into()),
        ("PH1_OVF_A", 16, 1, |w| DspIrq1::from_bits(w).primary_active_wrapped().into()),
        ("PH1_OVF_F", 17, 1, |w| DspIrq1::from_bits(w).primary_fundamental_wrapped().into()),
        ("PH1_OVF_R", 18, 1, |w| DspIrq1::from_bits(w).primary_reactive_wrapped().into()),
        ("PH1_OVF_S", 19, 1, |w| DspIrq1::from_bits(w).primary_apparent_wrapped().into()),
        ("C1_STUCK", 20, 1, |w| DspIrq1::from_bits(w).current_stuck().into()),
        ("C1_AH", 21, 1, |w| DspIrq1::from_bits(w).ampere_hours().into()),
        ("C1_SWELL_START", 22, 1, |w| DspIrq1::from_bits(w).current_swell_start().into()),
        ("C1_SWELL_END", 23, 1, |w| DspIrq1::from_bits(w).current_swell_end().into()),
        ("V1_STUCK", 24, 1, |w| DspIrq1::from_bits(w).voltage_stuck().into()),
        ("V1_PERIOD_ERR", 25, 1, |w| DspIrq1::from_bits(w).period_error().into()),
        ("V1_SAG_START", 26, 1, |w| DspIrq1::from_bits(w).sag_start().into()),
        ("V1_SAG_END", 27, 1, |w| DspIrq1::from_bits(w).sag_end().into()),
        ("V1_SWELL_START", 28, 1, |w| DspIrq1::from_bits(w).voltage_swell_start().into()),
        ("V1_SWELL_END", 29, 1, |w| DspIrq1::from_bits(w).voltage_swell_end().into()),
        ("PH1_TAMPER", 30, 1, |w| DspIrq1::from_bits(w).tamper().into()),
        ("TAMPER_OR_WRONG", 31, 1, |w| DspIrq1::from_bits(w).tamper_or_wrong().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_sr1() {
    check::<DspSr1>(16, 17, &[
        ("TOT_SIGN_A", 0, 1, |w| DspSr1::from_bits(w).total_active_negative().into()),
        ("TOT_SIGN_R", 1, 1, |w| DspSr1::from_bits(w).total_reactive_negative().into()),
        ("TOT_OVF_A", 2, 1, |w| DspSr1::from_bits(w).total_active_wrapped().into()),
        ("TOT_OVF_R", 3, 1, |w| DspSr1::from_bits(w).total_reactive_wrapped().into()),
        ("PH2_SIGN_A", 4, 1, |w| DspSr1::from_bits(w).secondary_active_negative().into()),
        ("PH2_SIGN_F", 5, 1, |w| DspSr1::from_bits(w).secondary_fundamental_negative().into()),
        ("PH2_SIGN_R", 6, 1, |w| DspSr1::from_bits(w).secondary_reactive_negative().into()),
        ("PH2_SIGN_S", 7, 1, |w| DspSr1::from_bits(w).secondary_apparent_negative().into()),
        ("PH2_OVF_A", 8, 1, |w| DspSr1::from_bits(w).secondary_active_wrapped().into()),
        ("PH2_OVF_F", 9, 1, |w| DspSr1::from_bits(w).secondary_fundamental_wrapped().into()),
        ("PH2_OVF_R", 10, 1, |w| DspSr1::from_bits(w).secondary_reactive_wrapped().into()),
        ("PH2_OVF_S", 11, 1, |w| DspSr1::from_bits(w).secondary_apparent_wrapped().into()),
        ("PH1_SIGN_A", 12, 1, |w| DspSr1::from_bits(w).primary_active_negative().into()),
        ("PH1_SIGN_F", 13, 1, |w| DspSr1::from_bits(w).primary_fundamental_negative().into()),
        ("PH1_SIGN_R", 14, 1, |w| DspSr1::from_bits(w).primary_reactive_negative().into()),
        ("PH1_SIGN_S", 15, 1, |w| DspSr1::from_bits(w).primary_apparent_negative().into()),
        ("PH1_OVF_A", 16, 1, |w| DspSr1::from_bits(w).primary_active_wrapped().into()),
        ("PH1_OVF_F", 17, 1, |w| DspSr1::from_bits(w).primary_fundamental_wrapped().into()),
        ("PH1_OVF_R", 18, 1, |w| DspSr1::from_bits(w).primary_reactive_wrapped().into()),
        ("PH1_OVF_S", 19, 1, |w| DspSr1::from_bits(w).primary_apparent_wrapped().into()),
        ("C1_STUCK", 20, 1, |w| DspSr1::from_bits(w).current_stuck().into()),
        ("C1_AH", 21, 1, |w| DspSr1::from_bits(w).ampere_hours().into()),
        ("C1_SWELL_START", 22, 1, |w| DspSr1::from_bits(w).current_swell_start().into()),
        ("C1_SWELL_END", 23, 1, |w| DspSr1::from_bits(w).current_swell_end().into()),
        ("V1_STUCK", 24, 1, |w| DspSr1::from_bits(w).voltage_stuck().into()),
        ("V1_PERIOD_ERR", 25, 1, |w| DspSr1::from_bits(w).period_error().into()),
        ("V1_SAG_START", 26, 1, |w| DspSr1::from_bits(w).sag_start().into()),
        ("V1_SAG_END", 27, 1, |w| DspSr1::from_bits(w).sag_end().into()),
        ("V1_SWELL_START", 28, 1, |w| DspSr1::from_bits(w).voltage_swell_start().into()),
        ("V1_SWELL_END", 29, 1, |w| DspSr1::from_bits(w).voltage_swell_end().into()),
        ("PH1_TAMPER", 30, 1, |w| DspSr1::from_bits(w).tamper().into()),
        ("TAMPER_OR_WRONG", 31, 1, |w| DspSr1::from_bits(w).tamper_or_wrong().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn us_reg1() {
    check::<UsReg1>(18, 18, &[
        ("CRC_POLY", 0, 8, |w| UsReg1::from_bits(w).crc_polynomial().into()),
        ("NOISE_EN", 8, 1, |w| UsReg1::from_bits(w).noise_is_error().into()),
        ("BREAK_ON_ERR", 9, 1, |w| UsReg1::from_bits(w).break_on_error().into()),
        ("CRC_EN", 14, 1, |w| UsReg1::from_bits(w).crc().into()),
        ("LSB_FIRST", 15, 1, |w| UsReg1::from_bits(w).lsb_first().into()),
        ("TIMEOUT", 16, 8, |w| UsReg1::from_bits(w).timeout_ms().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn us_reg2() {
    check::<UsReg2>(19, 19, &[
        ("BAUD", 0, 16, |w| UsReg2::from_bits(w).baud_divider().into()),
        ("FRAME_DELAY", 16, 8, |w| UsReg2::from_bits(w).frame_delay().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn us_reg3() {
    check::<UsReg3>(20, 20, &[
        ("IRQ_UART_CRC_ERR", 1, 1, |w| UsReg3::from_bits(w).uart_crc_interrupt().into()),
        ("IRQ_UART_TIMEOUT", 2, 1, |w| UsReg3::from_bits(w).uart_timeout_interrupt().into()),
        ("IRQ_UART_FRAMING", 3, 1, |w| UsReg3::from_bits(w).uart_framing_interrupt().into()),
        ("IRQ_UART_NOISE", 4, 1, |w| UsReg3::from_bits(w).uart_noise_interrupt().into()),
        ("IRQ_UART_RX_OVR", 5, 1, |w| UsReg3::from_bits(w).uart_receive_overrun_interrupt().into()),
        ("IRQ_UART_TX_OVR", 6, 1, |w| UsReg3::from_bits(w).uart_transmit_overrun_interrupt().into()),
        ("IRQ_SPI_RX_FULL", 8, 1, |w| UsReg3::from_bits(w).spi_receive_full_interrupt().into()),
        ("IRQ_SPI_TX_EMPTY", 9, 1, |w| UsReg3::from_bits(w).spi_transmit_empty_interrupt().into()),
        ("IRQ_READ_ADDR_ERR", 10, 1, |w| UsReg3::from_bits(w).read_address_interrupt().into()),
        ("IRQ_WRITE_ADDR_ERR", 11, 1, |w| UsReg3::from_bits(w).write_address_interrupt().into()),
        ("IRQ_SPI_CRC_ERR", 12, 1, |w| UsReg3::from_bits(w).spi_crc_interrupt().into()),
        ("IRQ_SPI_TX_UNDERRUN", 13, 1, |w| UsReg3::from_bits(w).spi_transmit_underrun_interrupt().into()),
        ("IRQ_SPI_RX_OVERRUN", 14, 1, |w| UsReg3::from_bits(w).spi_receive_overrun_interrupt().into()),
        ("UART_BREAK", 16, 1, |w| UsReg3::from_bits(w).uart_break().into()),
        ("UART_CRC_ERR", 17, 1, |w| UsReg3::from_bits(w).uart_crc().into()),
        ("UART_TIMEOUT", 18, 1, |w| UsReg3::from_bits(w).uart_timeout().into()),
        ("UART_FRAMING", 19, 1, |w| UsReg3::from_bits(w).uart_framing().into()),
        ("UART_NOISE", 20, 1, |w| UsReg3::from_bits(w).uart_noise().into()),
        ("UART_RX_OVR", 21, 1, |w| UsReg3::from_bits(w).uart_receive_overrun().into()),
        ("UART_TX_OVR", 22, 1, |w| UsReg3::from_bits(w).uart_transmit_overrun().into()),
        ("SPI_RX_FULL", 24, 1, |w| UsReg3::from_bits(w).spi_receive_full().into()),
        ("SPI_TX_EMPTY", 25, 1, |w| UsReg3::from_bits(w).spi_transmit_empty().into()),
        ("READ_ADDR_ERR", 26, 1, |w| UsReg3::from_bits(w).read_address().into()),
        ("WRITE_ADDR_ERR", 27, 1, |w| UsReg3::from_bits(w).write_address().into()),
        ("SPI_CRC_ERR", 28, 1, |w| UsReg3::from_bits(w).spi_crc().into()),
        ("SPI_TX_UNDERRUN", 29, 1, |w| UsReg3::from_bits(w).spi_transmit_underrun().into()),
        ("SPI_RX_OVERRUN", 30, 1, |w| UsReg3::from_bits(w).spi_receive_overrun().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_ev1() {
    check::<DspEv1>(21, 22, &[
        ("TOT_SIGN_A", 0, 1, |w| DspEv1::from_bits(w).total_active_negative().into()),
        ("TOT_SIGN_R", 1, 1, |w| DspEv1::from_bits(w).total_reactive_negative().into()),
        ("TOT_OVF_A", 2, 1, |w| DspEv1::from_bits(w).total_active_wrapped().into()),
        ("TOT_OVF_R", 3, 1, |w| DspEv1::from_bits(w).total_reactive_wrapped().into()),
        ("PH1_SIGN_A", 4, 1, |w| DspEv1::from_bits(w).active_negative().into()),
        ("PH1_SIGN_F", 5, 1, |w| DspEv1::from_bits(w).fundamental_negative().into()),
        ("PH1_SIGN_R", 6, 1, |w| DspEv1::from_bits(w).reactive_negative().into()),
        ("PH1_SIGN_S", 7, 1, |w| DspEv1::from_bits(w).apparent_negative().into()),
        ("PH1_OVF_A", 8, 1, |w| DspEv1::from_bits(w).active_wrapped().into()),
        ("PH1_OVF_F", 9, 1, |w| DspEv1::from_bits(w).fundamental_wrapped().into()),
        ("PH1_OVF_R", 10, 1, |w| DspEv1::from_bits(w).reactive_wrapped().into()),
        ("PH1_OVF_S", 11, 1, |w| DspEv1::from_bits(w).apparent_wrapped().into()),
        ("C1_ZCR", 12, 1, |w| DspEv1::from_bits(w).current_zero_crossing().into()),
        ("C1_STUCK", 13, 1, |w| DspEv1::from_bits(w).current_stuck().into()),
        ("C1_AH", 14, 1, |w| DspEv1::from_bits(w).ampere_hours().into()),
        ("SWC1_EV", 15, 4, |w| DspEv1::from_bits(w).current_swell().into()),
        ("V1_ZCR", 19, 1, |w| DspEv1::from_bits(w).voltage_zero_crossing().into()),
        ("V1_STUCK", 20, 1, |w| DspEv1::from_bits(w).voltage_stuck().into()),
        ("V1_PERIOD_ERR", 21, 1, |w| DspEv1::from_bits(w).period_error().into()),
        ("SWV1_EV", 22, 4, |w| DspEv1::from_bits(w).voltage_swell().into()),
        ("SAG1_EV", 26, 4, |w| DspEv1::from_bits(w).sag().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_reg1() {
    check::<DspReg1>(23, 23, &[
        ("PH1_PERIOD", 0, 12, |w| DspReg1::from_bits(w).primary().into()),
        ("PH2_PERIOD", 16, 12, |w| DspReg1::from_bits(w).secondary().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_reg2() {
    fields_of(24, &[
        ("V1_DATA", 0, 24, |w| DspReg2::from_bits(w).sample().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_reg14() {
    check::<DspReg14>(36, 37, &[
        ("V1_RMS", 0, 15, |w| DspReg14::from_bits(w).voltage().into()),
        ("C1_RMS", 15, 17, |w| DspReg14::from_bits(w).current().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_reg16() {
    check::<DspReg16>(38, 40, &[
        ("SWV1_TIME", 0, 15, |w| DspReg16::from_bits(w).swell_time().into()),
        ("SAG1_TIME", 16, 15, |w| DspReg16::from_bits(w).sag_time().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn dsp_reg17() {
    check::<DspReg17>(39, 41, &[
        ("SWC1_TIME", 0, 15, |w| DspReg17::from_bits(w).swell_time().into()),
        ("C1_PHA", 16, 12, |w| DspReg17::from_bits(w).phase_angle().into()),
    ]);
}

#[test]
#[rustfmt::skip]
fn power() {
    fields_of(46, &[
        ("PH1_ACTIVE_POWER", 0, 29, |w| Power::from_bits(w).value().into()),
    ]);
}
