//! The communication block: frames in, answers out, one late.

use super::memory::{FIRST_READ_ONLY, Memory, ROWS, field};

/// US_REG3 error bits.
const UART_CRC: u32 = 1 << 17;
const UART_TIMEOUT: u32 = 1 << 18;
const READ_ADDRESS: u32 = 1 << 26;
const WRITE_ADDRESS: u32 = 1 << 27;
const SPI_CRC: u32 = 1 << 28;

/// A write the frame asked for: half and value.
pub(super) type Write = Option<(u8, u16)>;

/// Where the link stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Serial {
    /// The row the next answer shows.
    pointer: usize,
    received: [u8; 5],
    count: usize,
    answer: [u8; 5],
    pending_ns: u64,
}

impl Serial {
    /// Takes a byte and gives the one that goes out meanwhile.
    pub(super) fn byte(&mut self, memory: &Memory, reversed: bool, stale: bool, byte: u8) -> u8 {
        if self.count == 0 {
            self.pending_ns = 0;
            if !stale {
                self.answer = answer(memory, memory.read(self.pointer), reversed);
            }
        }
        let out = self.answer.get(self.count).copied().unwrap_or(0);
        if let Some(slot) = self.received.get_mut(self.count) {
            *slot = byte;
        }
        self.count += 1;
        out
    }

    /// Whether a frame is complete.
    pub(super) fn complete(&self, memory: &Memory) -> bool {
        self.count >= length(memory)
    }

    /// Ends the frame: moves the pointer and returns the write it asks for.
    pub(super) fn end(&mut self, memory: &mut Memory, reversed: bool) -> Write {
        let count = core::mem::take(&mut self.count);
        if count == 0 {
            return None;
        }
        let [read, write, low, high, crc] = self.received;
        let checked = field(memory.config(18), 14, 1) == 1;
        let good = count == length(memory)
            && (!checked || crc == checksum(memory, &[read, write, low, high], reversed));
        if !good {
            memory.raise(20, if reversed { UART_CRC } else { SPI_CRC });
            return None;
        }
        match usize::from(read) {
            0xFF if self.pointer + 1 < ROWS => self.pointer += 1,
            address if address % 2 == 0 && address / 2 < ROWS => self.pointer = address / 2,
            _ => memory.raise(20, READ_ADDRESS),
        }
        if write == 0xFF {
            return None;
        }
        if usize::from(write) >= 2 * FIRST_READ_ONLY {
            memory.raise(20, WRITE_ADDRESS);
            return None;
        }
        Some((write, u16::from_le_bytes([low, high])))
    }

    /// Forgets an unfinished frame.
    pub(super) const fn abort(&mut self) {
        self.count = 0;
    }

    /// Lets time pass for an unfinished UART frame.
    pub(super) fn elapse(&mut self, memory: &mut Memory, ns: u64) {
        let limit = u64::from(field(memory.config(18), 16, 8)) * 1_000_000;
        self.pending_ns = self.pending_ns.saturating_add(ns);
        if self.count > 0 && limit > 0 && self.pending_ns >= limit {
            self.count = 0;
            memory.raise(20, UART_TIMEOUT);
        }
    }
}

/// Bytes of a frame: five with CRC, four without.
fn length(memory: &Memory) -> usize {
    if field(memory.config(18), 14, 1) == 1 {
        5
    } else {
        4
    }
}

fn answer(memory: &Memory, row: u32, reversed: bool) -> [u8; 5] {
    let [a, b, c, d] = row.to_le_bytes();
    [a, b, c, d, checksum(memory, &[a, b, c, d], reversed)]
}

/// The CRC with the polynomial of US_REG1, on the bit order of the line.
fn checksum(memory: &Memory, bytes: &[u8; 4], reversed: bool) -> u8 {
    let polynomial = memory.config(18).to_le_bytes()[0];
    let mut crc = 0u8;
    for byte in bytes {
        crc ^= if reversed { byte.reverse_bits() } else { *byte };
        for _ in 0..8 {
            let falls_out = crc & 0x80 != 0;
            crc <<= 1;
            if falls_out {
                crc ^= polynomial;
            }
        }
    }
    if reversed { crc.reverse_bits() } else { crc }
}
