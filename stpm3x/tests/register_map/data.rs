//! Rows 23 to 41: periods, samples, RMS, times.

use stpm3x::reg::*;
use stpm3x::{Stpm32, Stpm33, Stpm34};

use crate::{Field, check, exists};

#[test]
#[rustfmt::skip]
fn dsp_reg1() {
    check::<DspReg1>(("DSP_REG1", 0x2E, 0x0000_0000, true), DspReg1::new().into_bits(), &[
        field!(DspReg1, "PH1_PERIOD", 0, 12, false, primary, with_primary),
        field!(DspReg1, "PH2_PERIOD", 16, 12, false, secondary, with_secondary),
    ]);
    exists::<DspReg1, Stpm32>();
    exists::<DspReg1, Stpm33>();
    exists::<DspReg1, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg2() {
    check::<DspReg2>(("DSP_REG2", 0x30, 0x0000_0000, true), DspReg2::new().into_bits(), &[
        field!(DspReg2, "V1_DATA", 0, 24, true, sample, with_sample),
    ]);
    exists::<DspReg2, Stpm32>();
    exists::<DspReg2, Stpm33>();
    exists::<DspReg2, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg3() {
    check::<DspReg3>(("DSP_REG3", 0x32, 0x0000_0000, true), DspReg3::new().into_bits(), &[
        field!(DspReg3, "C1_DATA", 0, 24, true, sample, with_sample),
    ]);
    exists::<DspReg3, Stpm32>();
    exists::<DspReg3, Stpm33>();
    exists::<DspReg3, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg4() {
    check::<DspReg4>(("DSP_REG4", 0x34, 0x0000_0000, true), DspReg4::new().into_bits(), &[
        field!(DspReg4, "V2_DATA", 0, 24, true, sample, with_sample),
    ]);
    exists::<DspReg4, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg5() {
    check::<DspReg5>(("DSP_REG5", 0x36, 0x0000_0000, true), DspReg5::new().into_bits(), &[
        field!(DspReg5, "C2_DATA", 0, 24, true, sample, with_sample),
    ]);
    exists::<DspReg5, Stpm33>();
    exists::<DspReg5, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg6() {
    check::<DspReg6>(("DSP_REG6", 0x38, 0x0000_0000, true), DspReg6::new().into_bits(), &[
        field!(DspReg6, "V1_FUND", 0, 24, true, sample, with_sample),
    ]);
    exists::<DspReg6, Stpm32>();
    exists::<DspReg6, Stpm33>();
    exists::<DspReg6, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg7() {
    check::<DspReg7>(("DSP_REG7", 0x3A, 0x0000_0000, true), DspReg7::new().into_bits(), &[
        field!(DspReg7, "C1_FUND", 0, 24, true, sample, with_sample),
    ]);
    exists::<DspReg7, Stpm32>();
    exists::<DspReg7, Stpm33>();
    exists::<DspReg7, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg8() {
    check::<DspReg8>(("DSP_REG8", 0x3C, 0x0000_0000, true), DspReg8::new().into_bits(), &[
        field!(DspReg8, "V2_FUND", 0, 24, true, sample, with_sample),
    ]);
    exists::<DspReg8, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg9() {
    check::<DspReg9>(("DSP_REG9", 0x3E, 0x0000_0000, true), DspReg9::new().into_bits(), &[
        field!(DspReg9, "C2_FUND", 0, 24, true, sample, with_sample),
    ]);
    exists::<DspReg9, Stpm33>();
    exists::<DspReg9, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg10() {
    check::<DspReg10>(("DSP_REG10", 0x40, 0x0000_0000, true), DspReg10::new().into_bits(), &[
    ]);
    exists::<DspReg10, Stpm32>();
    exists::<DspReg10, Stpm33>();
    exists::<DspReg10, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg11() {
    check::<DspReg11>(("DSP_REG11", 0x42, 0x0000_0000, true), DspReg11::new().into_bits(), &[
    ]);
    exists::<DspReg11, Stpm32>();
    exists::<DspReg11, Stpm33>();
    exists::<DspReg11, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg12() {
    check::<DspReg12>(("DSP_REG12", 0x44, 0x0000_0000, true), DspReg12::new().into_bits(), &[
    ]);
    exists::<DspReg12, Stpm32>();
    exists::<DspReg12, Stpm33>();
    exists::<DspReg12, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg13() {
    check::<DspReg13>(("DSP_REG13", 0x46, 0x0000_0000, true), DspReg13::new().into_bits(), &[
    ]);
    exists::<DspReg13, Stpm32>();
    exists::<DspReg13, Stpm33>();
    exists::<DspReg13, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg14() {
    check::<DspReg14>(("DSP_REG14", 0x48, 0x0000_0000, true), DspReg14::new().into_bits(), &[
        field!(DspReg14, "V1_RMS", 0, 15, false, voltage, with_voltage),
        field!(DspReg14, "C1_RMS", 15, 17, false, current, with_current),
    ]);
    exists::<DspReg14, Stpm32>();
    exists::<DspReg14, Stpm33>();
    exists::<DspReg14, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg15() {
    check::<DspReg15>(("DSP_REG15", 0x4A, 0x0000_0000, true), DspReg15::new().into_bits(), &[
        field!(DspReg15, "V2_RMS", 0, 15, false, voltage, with_voltage),
        field!(DspReg15, "C2_RMS", 15, 17, false, current, with_current),
    ]);
    exists::<DspReg15, Stpm33>();
    exists::<DspReg15, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg16() {
    check::<DspReg16>(("DSP_REG16", 0x4C, 0x0000_0000, true), DspReg16::new().into_bits(), &[
        field!(DspReg16, "SWV1_TIME", 0, 15, false, swell_time, with_swell_time),
        field!(DspReg16, "SAG1_TIME", 16, 15, false, sag_time, with_sag_time),
    ]);
    exists::<DspReg16, Stpm32>();
    exists::<DspReg16, Stpm33>();
    exists::<DspReg16, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg17() {
    check::<DspReg17>(("DSP_REG17", 0x4E, 0x0000_0000, true), DspReg17::new().into_bits(), &[
        field!(DspReg17, "SWC1_TIME", 0, 15, false, swell_time, with_swell_time),
        field!(DspReg17, "C1_PHA", 16, 12, false, phase_angle, with_phase_angle),
    ]);
    exists::<DspReg17, Stpm32>();
    exists::<DspReg17, Stpm33>();
    exists::<DspReg17, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg18() {
    check::<DspReg18>(("DSP_REG18", 0x50, 0x0000_0000, true), DspReg18::new().into_bits(), &[
        field!(DspReg18, "SWV2_TIME", 0, 15, false, swell_time, with_swell_time),
        field!(DspReg18, "SAG2_TIME", 16, 15, false, sag_time, with_sag_time),
    ]);
    exists::<DspReg18, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn dsp_reg19() {
    check::<DspReg19>(("DSP_REG19", 0x52, 0x0000_0000, true), DspReg19::new().into_bits(), &[
        field!(DspReg19, "SWC2_TIME", 0, 15, false, swell_time, with_swell_time),
        field!(DspReg19, "C2_PHA", 16, 12, false, phase_angle, with_phase_angle),
    ]);
    exists::<DspReg19, Stpm33>();
    exists::<DspReg19, Stpm34>();
}
