//! The link against any answers at all, and its CRC against a second implementation.

use proptest::prelude::*;
use stpm3x::link::{Dialect, Frame, Framing, RESENDS, Transfer};

const SPI: Framing = Framing::after_reset(Dialect::Spi);
const UART: Framing = Framing::after_reset(Dialect::Uart);

/// CRC-8 as DS10272 section 4 words it, most significant bit first.
fn crc(bytes: &[u8]) -> u8 {
    let mut crc = 0u8;
    for byte in bytes {
        crc ^= byte;
        for _ in 0..8 {
            crc = if crc & 0x80 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x07
            };
        }
    }
    crc
}

fn answer(row: u32) -> Frame {
    let [a, b, c, d] = row.to_le_bytes();
    [a, b, c, d, crc(&[a, b, c, d])]
}

proptest! {
    #[test]
    fn crc_is_that_of_the_manual(bytes: [u8; 4]) {
        prop_assert_eq!(Dialect::Spi.crc(0x07, &bytes), crc(&bytes));
        let reversed = crc(&bytes.map(u8::reverse_bits)).reverse_bits();
        prop_assert_eq!(Dialect::Uart.crc(0x07, &bytes), reversed);
    }

    #[test]
    fn a_frame_read_back_is_what_was_put_in(row: u32) {
        let [a, b, c, d] = row.to_le_bytes();
        let sent = UART.frame(a, b, u16::from_le_bytes([c, d]));
        prop_assert_eq!(UART.row(&sent), Ok(row));
    }

    #[test]
    fn any_flip_of_up_to_three_bits_is_seen(
        row: u32,
        flips in prop::collection::hash_set(0..40usize, 1..4),
    ) {
        let mut damaged = answer(row);
        for flip in flips {
            damaged[flip / 8] ^= 1 << (flip % 8);
        }
        prop_assert!(SPI.row(&damaged).is_err());
    }

    #[test]
    fn any_answers_end_in_bounded_time(
        rows in prop::collection::vec(0..70u8, 1..32),
        answers in prop::collection::vec(prop::option::of(any::<[u8; 5]>()), 200),
    ) {
        let mut transfer = Transfer::read(SPI, &rows).unwrap();
        let mut values = [0; 32];
        let mut frames = 0;
        for answer in &answers {
            if transfer.frame().is_none() {
                break;
            }
            frames += 1;
            if transfer.answer(answer.as_ref(), &mut values).is_err() {
                break;
            }
        }
        prop_assert!(frames <= rows.len() + 2 + 2 * usize::from(RESENDS), "{frames}");
    }

    #[test]
    fn damaged_answers_cost_frames_and_never_a_value(
        rows in prop::collection::vec(0..70u8, 1..32),
        damaged in prop::collection::hash_set(0..40usize, 0..6),
    ) {
        let content = |row: u8| u32::from(row) * 0x0101_0101 + 7;
        let mut transfer = Transfer::read(SPI, &rows).unwrap();
        let mut values = [0; 32];
        let mut pointer = 0;
        let mut place = 0;
        while let Some(frame) = transfer.frame() {
            let mut bytes = answer(content(pointer));
            if damaged.contains(&place) {
                bytes[place % 5] ^= 0x10;
            }
            place += 1;
            transfer.answer(Some(&bytes), &mut values).unwrap();
            pointer = frame[0] / 2;
        }
        let expected: Vec<u32> = rows.iter().map(|&row| content(row)).collect();
        prop_assert_eq!(&values[..rows.len()], expected.as_slice());
    }
}

#[test]
fn crc_is_that_of_an_independent_crate_for_every_polynomial() {
    for poly in 0..=u8::MAX {
        let plain = crc::Algorithm {
            poly,
            ..crc::CRC_8_SMBUS
        };
        let reversed = crc::Algorithm {
            refin: true,
            refout: true,
            ..plain
        };
        let bytes = [0xA5, poly, 0x00, 0x5A];
        for (dialect, algorithm) in [(Dialect::Spi, plain), (Dialect::Uart, reversed)] {
            let algorithm = Box::leak(Box::new(algorithm));
            let oracle = crc::Crc::<u8, crc::NoTable>::new(algorithm);
            assert_eq!(dialect.crc(poly, &bytes), oracle.checksum(&bytes));
        }
    }
}
