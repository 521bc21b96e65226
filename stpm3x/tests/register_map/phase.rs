//! Rows 42 to 69: energies, powers, ampere-hours.

use stpm3x::reg::*;
use stpm3x::{Stpm32, Stpm33, Stpm34};

use crate::{Field, check, exists};

#[test]
#[rustfmt::skip]
fn ph1_reg1() {
    check::<Ph1Reg1>(("PH1_REG1", 0x54, 0x0000_0000, true), Ph1Reg1::new().into_bits(), &[
        field!(Ph1Reg1, "PH1_ACTIVE_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<Ph1Reg1, Stpm32>();
    exists::<Ph1Reg1, Stpm33>();
    exists::<Ph1Reg1, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg2() {
    check::<Ph1Reg2>(("PH1_REG2", 0x56, 0x0000_0000, true), Ph1Reg2::new().into_bits(), &[
        field!(Ph1Reg2, "PH1_FUND_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<Ph1Reg2, Stpm32>();
    exists::<Ph1Reg2, Stpm33>();
    exists::<Ph1Reg2, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg3() {
    check::<Ph1Reg3>(("PH1_REG3", 0x58, 0x0000_0000, true), Ph1Reg3::new().into_bits(), &[
        field!(Ph1Reg3, "PH1_REACTIVE_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<Ph1Reg3, Stpm32>();
    exists::<Ph1Reg3, Stpm33>();
    exists::<Ph1Reg3, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg4() {
    check::<Ph1Reg4>(("PH1_REG4", 0x5A, 0x0000_0000, true), Ph1Reg4::new().into_bits(), &[
        field!(Ph1Reg4, "PH1_APPARENT_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<Ph1Reg4, Stpm32>();
    exists::<Ph1Reg4, Stpm33>();
    exists::<Ph1Reg4, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg5() {
    check::<Ph1Reg5>(("PH1_REG5", 0x5C, 0x0000_0000, true), Ph1Reg5::new().into_bits(), &[
        field!(Ph1Reg5, "PH1_ACTIVE_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph1Reg5, Stpm32>();
    exists::<Ph1Reg5, Stpm33>();
    exists::<Ph1Reg5, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg6() {
    check::<Ph1Reg6>(("PH1_REG6", 0x5E, 0x0000_0000, true), Ph1Reg6::new().into_bits(), &[
        field!(Ph1Reg6, "PH1_FUND_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph1Reg6, Stpm32>();
    exists::<Ph1Reg6, Stpm33>();
    exists::<Ph1Reg6, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg7() {
    check::<Ph1Reg7>(("PH1_REG7", 0x60, 0x0000_0000, true), Ph1Reg7::new().into_bits(), &[
        field!(Ph1Reg7, "PH1_REACTIVE_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph1Reg7, Stpm32>();
    exists::<Ph1Reg7, Stpm33>();
    exists::<Ph1Reg7, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg8() {
    check::<Ph1Reg8>(("PH1_REG8", 0x62, 0x0000_0000, true), Ph1Reg8::new().into_bits(), &[
        field!(Ph1Reg8, "PH1_APPARENT_RMS_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph1Reg8, Stpm32>();
    exists::<Ph1Reg8, Stpm33>();
    exists::<Ph1Reg8, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg9() {
    check::<Ph1Reg9>(("PH1_REG9", 0x64, 0x0000_0000, true), Ph1Reg9::new().into_bits(), &[
        field!(Ph1Reg9, "PH1_APPARENT_VEC_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph1Reg9, Stpm32>();
    exists::<Ph1Reg9, Stpm33>();
    exists::<Ph1Reg9, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg10() {
    check::<Ph1Reg10>(("PH1_REG10", 0x66, 0x0000_0000, true), Ph1Reg10::new().into_bits(), &[
        field!(Ph1Reg10, "PH1_MOM_ACTIVE_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph1Reg10, Stpm32>();
    exists::<Ph1Reg10, Stpm33>();
    exists::<Ph1Reg10, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg11() {
    check::<Ph1Reg11>(("PH1_REG11", 0x68, 0x0000_0000, true), Ph1Reg11::new().into_bits(), &[
        field!(Ph1Reg11, "PH1_MOM_FUND_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph1Reg11, Stpm32>();
    exists::<Ph1Reg11, Stpm33>();
    exists::<Ph1Reg11, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph1_reg12() {
    check::<Ph1Reg12>(("PH1_REG12", 0x6A, 0x0000_0000, true), Ph1Reg12::new().into_bits(), &[
        field!(Ph1Reg12, "PH1_AH_ACC", 0, 32, false, count, with_count),
    ]);
    exists::<Ph1Reg12, Stpm32>();
    exists::<Ph1Reg12, Stpm33>();
    exists::<Ph1Reg12, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg1() {
    check::<Ph2Reg1>(("PH2_REG1", 0x6C, 0x0000_0000, true), Ph2Reg1::new().into_bits(), &[
        field!(Ph2Reg1, "PH2_ACTIVE_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<Ph2Reg1, Stpm33>();
    exists::<Ph2Reg1, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg2() {
    check::<Ph2Reg2>(("PH2_REG2", 0x6E, 0x0000_0000, true), Ph2Reg2::new().into_bits(), &[
        field!(Ph2Reg2, "PH2_FUND_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<Ph2Reg2, Stpm33>();
    exists::<Ph2Reg2, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg3() {
    check::<Ph2Reg3>(("PH2_REG3", 0x70, 0x0000_0000, true), Ph2Reg3::new().into_bits(), &[
        field!(Ph2Reg3, "PH2_REACTIVE_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<Ph2Reg3, Stpm33>();
    exists::<Ph2Reg3, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg4() {
    check::<Ph2Reg4>(("PH2_REG4", 0x72, 0x0000_0000, true), Ph2Reg4::new().into_bits(), &[
        field!(Ph2Reg4, "PH2_APPARENT_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<Ph2Reg4, Stpm33>();
    exists::<Ph2Reg4, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg5() {
    check::<Ph2Reg5>(("PH2_REG5", 0x74, 0x0000_0000, true), Ph2Reg5::new().into_bits(), &[
        field!(Ph2Reg5, "PH2_ACTIVE_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph2Reg5, Stpm33>();
    exists::<Ph2Reg5, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg6() {
    check::<Ph2Reg6>(("PH2_REG6", 0x76, 0x0000_0000, true), Ph2Reg6::new().into_bits(), &[
        field!(Ph2Reg6, "PH2_FUND_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph2Reg6, Stpm33>();
    exists::<Ph2Reg6, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg7() {
    check::<Ph2Reg7>(("PH2_REG7", 0x78, 0x0000_0000, true), Ph2Reg7::new().into_bits(), &[
        field!(Ph2Reg7, "PH2_REACTIVE_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph2Reg7, Stpm33>();
    exists::<Ph2Reg7, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg8() {
    check::<Ph2Reg8>(("PH2_REG8", 0x7A, 0x0000_0000, true), Ph2Reg8::new().into_bits(), &[
        field!(Ph2Reg8, "PH2_APPARENT_RMS_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph2Reg8, Stpm33>();
    exists::<Ph2Reg8, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg9() {
    check::<Ph2Reg9>(("PH2_REG9", 0x7C, 0x0000_0000, true), Ph2Reg9::new().into_bits(), &[
        field!(Ph2Reg9, "PH2_APPARENT_VEC_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph2Reg9, Stpm33>();
    exists::<Ph2Reg9, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg10() {
    check::<Ph2Reg10>(("PH2_REG10", 0x7E, 0x0000_0000, true), Ph2Reg10::new().into_bits(), &[
        field!(Ph2Reg10, "PH2_MOM_ACTIVE_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph2Reg10, Stpm33>();
    exists::<Ph2Reg10, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg11() {
    check::<Ph2Reg11>(("PH2_REG11", 0x80, 0x0000_0000, true), Ph2Reg11::new().into_bits(), &[
        field!(Ph2Reg11, "PH2_MOM_FUND_POWER", 0, 29, true, power, with_power),
    ]);
    exists::<Ph2Reg11, Stpm33>();
    exists::<Ph2Reg11, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn ph2_reg12() {
    check::<Ph2Reg12>(("PH2_REG12", 0x82, 0x0000_0000, true), Ph2Reg12::new().into_bits(), &[
        field!(Ph2Reg12, "PH2_AH_ACC", 0, 32, false, count, with_count),
    ]);
    exists::<Ph2Reg12, Stpm33>();
    exists::<Ph2Reg12, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn tot_reg1() {
    check::<TotReg1>(("TOT_REG1", 0x84, 0x0000_0000, true), TotReg1::new().into_bits(), &[
        field!(TotReg1, "TOT_ACTIVE_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<TotReg1, Stpm32>();
    exists::<TotReg1, Stpm33>();
    exists::<TotReg1, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn tot_reg2() {
    check::<TotReg2>(("TOT_REG2", 0x86, 0x0000_0000, true), TotReg2::new().into_bits(), &[
        field!(TotReg2, "TOT_FUND_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<TotReg2, Stpm32>();
    exists::<TotReg2, Stpm33>();
    exists::<TotReg2, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn tot_reg3() {
    check::<TotReg3>(("TOT_REG3", 0x88, 0x0000_0000, true), TotReg3::new().into_bits(), &[
        field!(TotReg3, "TOT_REACTIVE_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<TotReg3, Stpm32>();
    exists::<TotReg3, Stpm33>();
    exists::<TotReg3, Stpm34>();
}

#[test]
#[rustfmt::skip]
fn tot_reg4() {
    check::<TotReg4>(("TOT_REG4", 0x8A, 0x0000_0000, true), TotReg4::new().into_bits(), &[
        field!(TotReg4, "TOT_APPARENT_ENERGY", 0, 32, true, count, with_count),
    ]);
    exists::<TotReg4, Stpm32>();
    exists::<TotReg4, Stpm33>();
    exists::<TotReg4, Stpm34>();
}
