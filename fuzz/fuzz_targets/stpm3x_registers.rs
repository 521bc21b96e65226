//! The register decoder, and the calibration record: any bits are fields, any bytes a record or an
//! error.

#![no_main]

use std::fmt::Write;
use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use stpm3x::link::{Dialect, Framing};
use stpm3x::reg::{Decoded, UsReg1};
use stpm3x::{Events, Record, Stpm32, Stpm33, Stpm34};

fuzz_target!(|bytes: &[u8]| {
    let mut text = String::new();
    for chunk in bytes.chunks_exact(5) {
        let [row, rest @ ..] = chunk else { continue };
        let bits = u32::from_le_bytes(rest.try_into().expect("four bytes"));
        let row = row % 72;
        write!(text, "{:?}", Decoded { row, bits }).expect("strings take everything");
        black_box(Events::<Stpm32>::of(bits, !bits).count());
        black_box(Events::<Stpm33>::of(bits, !bits).count());
        black_box(Events::<Stpm34>::of(bits, bits).count());
        emit_and_parse(bits, chunk);
    }
    if let Ok(record) = Record::from_bytes(bytes) {
        let again = record.to_bytes();
        assert_eq!(Record::from_bytes(&again), Ok(record));
    }
});

/// What a framing emits it also parses, and the other way round.
fn emit_and_parse(bits: u32, chunk: &[u8]) {
    let control = UsReg1::from_bits(bits);
    for dialect in [Dialect::Spi, Dialect::Uart] {
        let framing = Framing::of(dialect, control);
        let [a, b, c, d] = bits.to_le_bytes();
        let frame = framing.frame(a, b, u16::from_le_bytes([c, d]));
        assert_eq!(framing.row(&frame), Ok(bits));
        let wire = chunk.try_into().expect("five bytes");
        let _ = black_box(framing.row(wire));
    }
}
