//! Latched rows of energies, powers and ampere-hours.

use bitfield_struct::bitfield;

macro_rules! energies {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// 32 bits, signed: counts both ways and wraps (section 10).
            #[bits(32)]
            pub count: i32,
        }
    )* };
}

macro_rules! ampere_hours {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// 32 bits: only grows, and wraps (section 14).
            #[bits(32)]
            pub count: u32,
        }
    )* };
}

macro_rules! powers {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[bitfield(u32, defmt = cfg(feature = "defmt"))]
        #[derive(PartialEq, Eq)]
        pub struct $name {
            /// 29 bits, signed; positive active power is import.
            #[bits(29)]
            pub power: i32,
            #[bits(3)]
            __: u8,
        }
    )* };
}

energies! {
    /// PH1_REG1 (0x54): primary active energy. Reset 0.
    Ph1Reg1;
    /// PH1_REG2 (0x56): primary fundamental active energy. Reset 0.
    Ph1Reg2;
    /// PH1_REG3 (0x58): primary reactive energy. Reset 0.
    Ph1Reg3;
    /// PH1_REG4 (0x5A): primary apparent energy. Reset 0.
    Ph1Reg4;
    /// PH2_REG1 (0x6C): secondary active energy. Reset 0.
    Ph2Reg1;
    /// PH2_REG2 (0x6E): secondary fundamental active energy. Reset 0.
    Ph2Reg2;
    /// PH2_REG3 (0x70): secondary reactive energy. Reset 0.
    Ph2Reg3;
    /// PH2_REG4 (0x72): secondary apparent energy. Reset 0.
    Ph2Reg4;
    /// TOT_REG1 (0x84): total active energy of both channels. Reset 0.
    TotReg1;
    /// TOT_REG2 (0x86): total fundamental active energy of both channels. Reset 0.
    TotReg2;
    /// TOT_REG3 (0x88): total reactive energy of both channels. Reset 0.
    TotReg3;
    /// TOT_REG4 (0x8A): total apparent energy of both channels. Reset 0.
    TotReg4;
}

ampere_hours! {
    /// PH1_REG12 (0x6A): primary ampere-hour accumulator. Reset 0.
    Ph1Reg12;
    /// PH2_REG12 (0x82): secondary ampere-hour accumulator. Reset 0.
    Ph2Reg12;
}

powers! {
    /// PH1_REG5 (0x5C): primary active power. Reset 0.
    Ph1Reg5;
    /// PH1_REG6 (0x5E): primary fundamental active power. Reset 0.
    Ph1Reg6;
    /// PH1_REG7 (0x60): primary reactive power. Reset 0.
    Ph1Reg7;
    /// PH1_REG8 (0x62): primary apparent power, product of the RMS values. Reset 0.
    Ph1Reg8;
    /// PH1_REG9 (0x64): primary apparent power of the vectors. Reset 0.
    Ph1Reg9;
    /// PH1_REG10 (0x66): primary momentary active power. Reset 0.
    Ph1Reg10;
    /// PH1_REG11 (0x68): primary momentary fundamental power. Reset 0.
    Ph1Reg11;
    /// PH2_REG5 (0x74): secondary active power. Reset 0.
    Ph2Reg5;
    /// PH2_REG6 (0x76): secondary fundamental active power. Reset 0.
    Ph2Reg6;
    /// PH2_REG7 (0x78): secondary reactive power. Reset 0.
    Ph2Reg7;
    /// PH2_REG8 (0x7A): secondary apparent power, product of the RMS values. Reset 0.
    Ph2Reg8;
    /// PH2_REG9 (0x7C): secondary apparent power of the vectors. Reset 0.
    Ph2Reg9;
    /// PH2_REG10 (0x7E): secondary momentary active power. Reset 0.
    Ph2Reg10;
    /// PH2_REG11 (0x80): secondary momentary fundamental power. Reset 0.
    Ph2Reg11;
}
