//! Row numbers, 0 to 69, in the order of the map.

/// Primary channel control.
pub const DSP_CR1: u8 = 0;
/// Secondary channel control.
pub const DSP_CR2: u8 = 1;
/// Common control: latches, reset, sag time, totals.
pub const DSP_CR3: u8 = 2;
/// Phase delays.
pub const DSP_CR4: u8 = 3;
/// Primary voltage calibrator, swell and sag thresholds.
pub const DSP_CR5: u8 = 4;
/// Primary current calibrator and swell threshold.
pub const DSP_CR6: u8 = 5;
/// Secondary voltage calibrator, swell and sag thresholds.
pub const DSP_CR7: u8 = 6;
/// Secondary current calibrator and swell threshold.
pub const DSP_CR8: u8 = 7;
/// Primary ampere-hour upper threshold, active offsets.
pub const DSP_CR9: u8 = 8;
/// Primary ampere-hour lower threshold, reactive and apparent offsets.
pub const DSP_CR10: u8 = 9;
/// Secondary ampere-hour upper threshold, active offsets.
pub const DSP_CR11: u8 = 10;
/// Secondary ampere-hour lower threshold, reactive and apparent offsets.
pub const DSP_CR12: u8 = 11;
/// Primary analog front end.
pub const DFE_CR1: u8 = 12;
/// Secondary analog front end.
pub const DFE_CR2: u8 = 13;
/// Interrupt enables of INT1.
pub const DSP_IRQ1: u8 = 14;
/// Interrupt enables of INT2.
pub const DSP_IRQ2: u8 = 15;
/// Sticky status, primary.
pub const DSP_SR1: u8 = 16;
/// Sticky status, secondary.
pub const DSP_SR2: u8 = 17;
/// CRC and UART control.
pub const US_REG1: u8 = 18;
/// Baud rate and frame delay.
pub const US_REG2: u8 = 19;
/// Link interrupts and error bits.
pub const US_REG3: u8 = 20;
/// Live events, primary.
pub const DSP_EV1: u8 = 21;
/// Live events, secondary.
pub const DSP_EV2: u8 = 22;
/// Line periods.
pub const DSP_REG1: u8 = 23;
/// V1 sample.
pub const DSP_REG2: u8 = 24;
/// C1 sample.
pub const DSP_REG3: u8 = 25;
/// V2 sample.
pub const DSP_REG4: u8 = 26;
/// C2 sample.
pub const DSP_REG5: u8 = 27;
/// V1 fundamental sample.
pub const DSP_REG6: u8 = 28;
/// C1 fundamental sample.
pub const DSP_REG7: u8 = 29;
/// V2 fundamental sample.
pub const DSP_REG8: u8 = 30;
/// C2 fundamental sample.
pub const DSP_REG9: u8 = 31;
/// Reserved.
pub const DSP_REG10: u8 = 32;
/// Reserved.
pub const DSP_REG11: u8 = 33;
/// Reserved.
pub const DSP_REG12: u8 = 34;
/// Reserved.
pub const DSP_REG13: u8 = 35;
/// Primary voltage and current RMS.
pub const DSP_REG14: u8 = 36;
/// Secondary voltage and current RMS.
pub const DSP_REG15: u8 = 37;
/// Primary voltage swell and sag times.
pub const DSP_REG16: u8 = 38;
/// Primary current swell time and phase angle.
pub const DSP_REG17: u8 = 39;
/// Secondary voltage swell and sag times.
pub const DSP_REG18: u8 = 40;
/// Secondary current swell time and phase angle.
pub const DSP_REG19: u8 = 41;
/// Primary active energy.
pub const PH1_REG1: u8 = 42;
/// Primary fundamental active energy.
pub const PH1_REG2: u8 = 43;
/// Primary reactive energy.
pub const PH1_REG3: u8 = 44;
/// Primary apparent energy.
pub const PH1_REG4: u8 = 45;
/// Primary active power.
pub const PH1_REG5: u8 = 46;
/// Primary fundamental active power.
pub const PH1_REG6: u8 = 47;
/// Primary reactive power.
pub const PH1_REG7: u8 = 48;
/// Primary apparent power from RMS values.
pub const PH1_REG8: u8 = 49;
/// Primary apparent power from the vectors.
pub const PH1_REG9: u8 = 50;
/// Primary momentary active power.
pub const PH1_REG10: u8 = 51;
/// Primary momentary fundamental power.
pub const PH1_REG11: u8 = 52;
/// Primary ampere-hour accumulator.
pub const PH1_REG12: u8 = 53;
/// Secondary active energy.
pub const PH2_REG1: u8 = 54;
/// Secondary fundamental active energy.
pub const PH2_REG2: u8 = 55;
/// Secondary reactive energy.
pub const PH2_REG3: u8 = 56;
/// Secondary apparent energy.
pub const PH2_REG4: u8 = 57;
/// Secondary active power.
pub const PH2_REG5: u8 = 58;
/// Secondary fundamental active power.
pub const PH2_REG6: u8 = 59;
/// Secondary reactive power.
pub const PH2_REG7: u8 = 60;
/// Secondary apparent power from RMS values.
pub const PH2_REG8: u8 = 61;
/// Secondary apparent power from the vectors.
pub const PH2_REG9: u8 = 62;
/// Secondary momentary active power.
pub const PH2_REG10: u8 = 63;
/// Secondary momentary fundamental power.
pub const PH2_REG11: u8 = 64;
/// Secondary ampere-hour accumulator.
pub const PH2_REG12: u8 = 65;
/// Total active energy.
pub const TOT_REG1: u8 = 66;
/// Total fundamental active energy.
pub const TOT_REG2: u8 = 67;
/// Total reactive energy.
pub const TOT_REG3: u8 = 68;
/// Total apparent energy.
pub const TOT_REG4: u8 = 69;
