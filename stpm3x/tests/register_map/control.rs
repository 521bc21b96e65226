//! Rows 0 to 13.

use stpm3x::reg::*;
use stpm3x::{Stpm32, Stpm33, Stpm34};

use crate::{Field, check, exists, writable};

#[test]
#[rustfmt::skip]
fn dsp_cr1() {
    check::<DspCr1>(("DSP_CR1", 0x00, 0x0400_00A0, false), DspCr1::new().into_bits(), &[
        field!(DspCr1, "CLRSS_TO1", 0, 4, false, clear_timeout, with_clear_timeout),
        field!(DspCr1, "CLEAR_SS1", 4, 1, false, clear_sag_swell, with_clear_sag_swell),
        field!(DspCr1, "EN_VREF1", 5, 1, false, reference, with_reference),
        field!(DspCr1, "TC1", 6, 3, false, temperature_curve, with_temperature_curve),
        field!(DspCr1, "AEM1", 17, 1, false, vectorial_apparent, with_vectorial_apparent),
        field!(DspCr1, "APM1", 18, 1, false, wideband_apparent, with_wideband_apparent),
        field!(DspCr1, "BHPFV1", 19, 1, false, bypass_voltage_filter, with_bypass_voltage_filter),
        field!(DspCr1, "BHPFC1", 20, 1, false, bypass_current_filter, with_bypass_current_filter),
        field!(DspCr1, "ROC1", 21, 1, false, integrator, with_integrator),
        field!(DspCr1, "LPW1", 24, 4, false, led_divider, with_led_divider),
        field!(DspCr1, "LPS1", 28, 2, false, led_quantity, with_led_quantity),
        field!(DspCr1, "LCS1", 30, 2, false, led_channel, with_led_channel),
    ]);
    exists::<DspCr1, Stpm32>();
    exists::<DspCr1, Stpm33>();
    exists::<DspCr1, Stpm34>();
    writable::<DspCr1>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr2() {
    check::<DspCr2>(("DSP_CR2", 0x02, 0x2400_00A0, false), DspCr2::new().into_bits(), &[
        field!(DspCr2, "CLRSS_TO2", 0, 4, false, clear_timeout, with_clear_timeout),
        field!(DspCr2, "CLEAR_SS2", 4, 1, false, clear_sag_swell, with_clear_sag_swell),
        field!(DspCr2, "EN_VREF2", 5, 1, false, reference, with_reference),
        field!(DspCr2, "TC2", 6, 3, false, temperature_curve, with_temperature_curve),
        field!(DspCr2, "AEM2", 17, 1, false, vectorial_apparent, with_vectorial_apparent),
        field!(DspCr2, "APM2", 18, 1, false, wideband_apparent, with_wideband_apparent),
        field!(DspCr2, "BHPFV2", 19, 1, false, bypass_voltage_filter, with_bypass_voltage_filter),
        field!(DspCr2, "BHPFC2", 20, 1, false, bypass_current_filter, with_bypass_current_filter),
        field!(DspCr2, "ROC2", 21, 1, false, integrator, with_integrator),
        field!(DspCr2, "LPW2", 24, 4, false, led_divider, with_led_divider),
        field!(DspCr2, "LPS2", 28, 2, false, led_quantity, with_led_quantity),
        field!(DspCr2, "LCS2", 30, 2, false, led_channel, with_led_channel),
    ]);
    exists::<DspCr2, Stpm32>();
    exists::<DspCr2, Stpm33>();
    exists::<DspCr2, Stpm34>();
    writable::<DspCr2>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr3() {
    check::<DspCr3>(("DSP_CR3", 0x04, 0x0000_04E0, false), DspCr3::new().into_bits(), &[
        field!(DspCr3, "SAG_TIME_THR", 0, 14, false, sag_time, with_sag_time),
        field!(DspCr3, "ZCR_SEL", 14, 2, false, zero_crossing_source, with_zero_crossing_source),
        field!(DspCr3, "ZCR_EN", 16, 1, false, zero_crossing, with_zero_crossing),
        field!(DspCr3, "TMP_TOL", 17, 2, false, tamper_tolerance, with_tamper_tolerance),
        field!(DspCr3, "TMP_EN", 19, 1, false, tamper, with_tamper),
        field!(DspCr3, "SW_RESET", 20, 1, false, software_reset, with_software_reset),
        field!(DspCr3, "SW_LATCH1", 21, 1, false, latch_primary, with_latch_primary),
        field!(DspCr3, "SW_LATCH2", 22, 1, false, latch_secondary, with_latch_secondary),
        field!(DspCr3, "SW_AUTO_LATCH", 23, 1, false, auto_latch, with_auto_latch),
        field!(DspCr3, "LED1_OFF", 24, 1, false, led1_off, with_led1_off),
        field!(DspCr3, "LED2_OFF", 25, 1, false, led2_off, with_led2_off),
        field!(DspCr3, "EN_CUM", 26, 1, false, total_difference, with_total_difference),
        field!(DspCr3, "REF_FREQ", 27, 1, false, sixty_hertz, with_sixty_hertz),
    ]);
    exists::<DspCr3, Stpm32>();
    exists::<DspCr3, Stpm33>();
    exists::<DspCr3, Stpm34>();
    writable::<DspCr3>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr4() {
    check::<DspCr4>(("DSP_CR4", 0x06, 0x0000_0000, false), DspCr4::new().into_bits(), &[
        field!(DspCr4, "PHC2", 0, 10, false, current_delay_secondary, with_current_delay_secondary),
        field!(DspCr4, "PHV2", 10, 2, false, voltage_delay_secondary, with_voltage_delay_secondary),
        field!(DspCr4, "PHC1", 12, 10, false, current_delay_primary, with_current_delay_primary),
        field!(DspCr4, "PHV1", 22, 2, false, voltage_delay_primary, with_voltage_delay_primary),
    ]);
    exists::<DspCr4, Stpm32>();
    exists::<DspCr4, Stpm33>();
    exists::<DspCr4, Stpm34>();
    writable::<DspCr4>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr5() {
    check::<DspCr5>(("DSP_CR5", 0x08, 0x003F_F800, false), DspCr5::new().into_bits(), &[
        field!(DspCr5, "CHV1", 0, 12, false, voltage_calibrator, with_voltage_calibrator),
        field!(DspCr5, "SWV_THR1", 12, 10, false, swell_threshold, with_swell_threshold),
        field!(DspCr5, "SAG_THR1", 22, 10, false, sag_threshold, with_sag_threshold),
    ]);
    exists::<DspCr5, Stpm32>();
    exists::<DspCr5, Stpm33>();
    exists::<DspCr5, Stpm34>();
    writable::<DspCr5>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr6() {
    check::<DspCr6>(("DSP_CR6", 0x0A, 0x003F_F800, false), DspCr6::new().into_bits(), &[
        field!(DspCr6, "CHC1", 0, 12, false, current_calibrator, with_current_calibrator),
        field!(DspCr6, "SWC_THR1", 12, 10, false, swell_threshold, with_swell_threshold),
    ]);
    exists::<DspCr6, Stpm32>();
    exists::<DspCr6, Stpm33>();
    exists::<DspCr6, Stpm34>();
    writable::<DspCr6>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr7() {
    check::<DspCr7>(("DSP_CR7", 0x0C, 0x003F_F800, false), DspCr7::new().into_bits(), &[
        field!(DspCr7, "CHV2", 0, 12, false, voltage_calibrator, with_voltage_calibrator),
        field!(DspCr7, "SWV_THR2", 12, 10, false, swell_threshold, with_swell_threshold),
        field!(DspCr7, "SAG_THR2", 22, 10, false, sag_threshold, with_sag_threshold),
    ]);
    exists::<DspCr7, Stpm32>();
    exists::<DspCr7, Stpm33>();
    exists::<DspCr7, Stpm34>();
    writable::<DspCr7>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr8() {
    check::<DspCr8>(("DSP_CR8", 0x0E, 0x003F_F800, false), DspCr8::new().into_bits(), &[
        field!(DspCr8, "CHC2", 0, 12, false, current_calibrator, with_current_calibrator),
        field!(DspCr8, "SWC_THR2", 12, 10, false, swell_threshold, with_swell_threshold),
    ]);
    exists::<DspCr8, Stpm32>();
    exists::<DspCr8, Stpm33>();
    exists::<DspCr8, Stpm34>();
    writable::<DspCr8>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr9() {
    check::<DspCr9>(("DSP_CR9", 0x10, 0x0000_0FFF, false), DspCr9::new().into_bits(), &[
        field!(DspCr9, "AH_UP1", 0, 12, false, ampere_hour_up, with_ampere_hour_up),
        field!(DspCr9, "OFA1", 12, 10, true, active_offset, with_active_offset),
        field!(DspCr9, "OFAF1", 22, 10, true, fundamental_offset, with_fundamental_offset),
    ]);
    exists::<DspCr9, Stpm32>();
    exists::<DspCr9, Stpm33>();
    exists::<DspCr9, Stpm34>();
    writable::<DspCr9>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr10() {
    check::<DspCr10>(("DSP_CR10", 0x12, 0x0000_0FFF, false), DspCr10::new().into_bits(), &[
        field!(DspCr10, "AH_DOWN1", 0, 12, false, ampere_hour_down, with_ampere_hour_down),
        field!(DspCr10, "OFR1", 12, 10, true, reactive_offset, with_reactive_offset),
        field!(DspCr10, "OFS1", 22, 10, true, apparent_offset, with_apparent_offset),
    ]);
    exists::<DspCr10, Stpm32>();
    exists::<DspCr10, Stpm33>();
    exists::<DspCr10, Stpm34>();
    writable::<DspCr10>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr11() {
    check::<DspCr11>(("DSP_CR11", 0x14, 0x0000_0FFF, false), DspCr11::new().into_bits(), &[
        field!(DspCr11, "AH_UP2", 0, 12, false, ampere_hour_up, with_ampere_hour_up),
        field!(DspCr11, "OFA2", 12, 10, true, active_offset, with_active_offset),
        field!(DspCr11, "OFAF2", 22, 10, true, fundamental_offset, with_fundamental_offset),
    ]);
    exists::<DspCr11, Stpm32>();
    exists::<DspCr11, Stpm33>();
    exists::<DspCr11, Stpm34>();
    writable::<DspCr11>();
}

#[test]
#[rustfmt::skip]
fn dsp_cr12() {
    check::<DspCr12>(("DSP_CR12", 0x16, 0x0000_0FFF, false), DspCr12::new().into_bits(), &[
        field!(DspCr12, "AH_DOWN2", 0, 12, false, ampere_hour_down, with_ampere_hour_down),
        field!(DspCr12, "OFR2", 12, 10, true, reactive_offset, with_reactive_offset),
        field!(DspCr12, "OFS2", 22, 10, true, apparent_offset, with_apparent_offset),
    ]);
    exists::<DspCr12, Stpm32>();
    exists::<DspCr12, Stpm33>();
    exists::<DspCr12, Stpm34>();
    writable::<DspCr12>();
}

#[test]
#[rustfmt::skip]
fn dfe_cr1() {
    check::<DfeCr1>(("DFE_CR1", 0x18, 0x0F27_0327, false), DfeCr1::new().into_bits(), &[
        field!(DfeCr1, "EN_V1", 0, 1, false, voltage, with_voltage),
        field!(DfeCr1, "EN_C1", 16, 1, false, current, with_current),
        field!(DfeCr1, "GAIN1", 26, 2, false, gain, with_gain),
    ]);
    exists::<DfeCr1, Stpm32>();
    exists::<DfeCr1, Stpm33>();
    exists::<DfeCr1, Stpm34>();
    writable::<DfeCr1>();
}

#[test]
#[rustfmt::skip]
fn dfe_cr2() {
    check::<DfeCr2>(("DFE_CR2", 0x1A, 0x0327_0327, false), DfeCr2::new().into_bits(), &[
        field!(DfeCr2, "EN_V2", 0, 1, false, voltage, with_voltage),
        field!(DfeCr2, "EN_C2", 16, 1, false, current, with_current),
        field!(DfeCr2, "GAIN2", 26, 2, false, gain, with_gain),
    ]);
    exists::<DfeCr2, Stpm32>();
    exists::<DfeCr2, Stpm33>();
    exists::<DfeCr2, Stpm34>();
    writable::<DfeCr2>();
}
