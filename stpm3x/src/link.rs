//! Frames on the wire: bytes in, bytes out, no I/O.
//!
//! ```text
//! byte       1             2              3            4             5
//! host   read address  write address  data 7:0     data 15:8     CRC of 1-4
//! chip   row 7:0       row 15:8       row 23:16    row 31:24     CRC of 1-4
//! ```
//!
//! The chip's answer belongs to the read address of the frame before, so `n` rows cost `n + 1`
//! frames. A [`Transfer`] plays that pipeline and repeats what came back damaged. It asks every row
//! by its address and never by the 0xFF "next row": the frame is as long, and a frame the chip
//! drops then costs one row and not the alignment of all that follow (DS10272 section 4).

use crc::{Algorithm, CRC_8_SMBUS, Crc, NoTable};

use crate::Fault;

/// Bytes of a frame with CRC, each way.
pub const FRAME_LEN: usize = 5;

/// A frame as sent or as answered.
pub type Frame = [u8; FRAME_LEN];

/// The write address that writes nothing.
pub const NO_WRITE: u8 = 0xFF;

/// How often a transfer repeats a damaged exchange before it gives up.
///
/// A UART without SCS that lost step needs up to four repeats to find a frame's start again.
pub const RESENDS: u8 = 6;

/// Rows in the map.
const ROWS: u8 = 70;

/// The line's bit order, on which the CRC depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Dialect {
    /// Most significant bit first.
    Spi,
    /// Least significant bit first: bits reversed within each byte and in the CRC.
    Uart,
}

/// CRC-8 with the polynomial 0x07 as the UART shows it: every byte and the result bit-reversed.
const CRC_8_REVERSED: Algorithm<u8> = Algorithm {
    refin: true,
    refout: true,
    check: 0x20,
    ..CRC_8_SMBUS
};

impl Dialect {
    /// The CRC of four bytes: polynomial 0x07, start value 0 (DS10272 section 4).
    #[must_use]
    pub fn crc(self, bytes: &[u8]) -> u8 {
        match self {
            Self::Spi => Crc::<u8, NoTable>::new(&CRC_8_SMBUS).checksum(bytes),
            Self::Uart => Crc::<u8, NoTable>::new(&CRC_8_REVERSED).checksum(bytes),
        }
    }

    /// A frame that selects `read` for the next answer and writes `data` to the half `write`.
    #[must_use]
    pub fn frame(self, read: u8, write: u8, data: u16) -> Frame {
        let [low, high] = data.to_le_bytes();
        let crc = self.crc(&[read, write, low, high]);
        [read, write, low, high, crc]
    }

    /// The row in an answer.
    ///
    /// # Errors
    /// [`Fault::StuckHigh`] when every bit is one, [`Fault::Crc`] when the CRC does not fit. An
    /// answer of zeros fits its CRC: only a row that is never zero can tell a stuck line.
    pub fn row(self, answer: &Frame) -> Result<u32, Fault> {
        let [a, b, c, d, crc] = *answer;
        if self.crc(&[a, b, c, d]) == crc {
            Ok(u32::from_le_bytes([a, b, c, d]))
        } else if answer == &[0xFF; FRAME_LEN] {
            Err(Fault::StuckHigh)
        } else {
            Err(Fault::Crc)
        }
    }
}

/// What a [`Transfer`] wants after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The exchange went well.
    Good,
    /// It is repeated: a UART first brings both ends back into step.
    Repeat,
}

/// One block read or one write, as frames.
///
/// ```text
///   ask row 0 ──► ask row 1, take 0 ──► … ──► ask nothing, take n-1 ──► done
///       ▲                │ answer damaged
///       └── ask that row again
/// ```
///
/// The owner sends [`frame`](Self::frame), gives what came back to [`answer`](Self::answer), and
/// repeats until `frame` has nothing more.
#[derive(Debug)]
pub struct Transfer<'a> {
    dialect: Dialect,
    rows: &'a [u8],
    write: Option<(u8, u16)>,
    /// The row to ask for next; one past the last when only its answer is missing.
    asked: usize,
    /// Whether the next answer belongs to a row of ours.
    pending: bool,
    finished: bool,
    resends: u8,
}

impl<'a> Transfer<'a> {
    /// Reads `rows`, any rows of the map in any order.
    ///
    /// # Errors
    /// [`Fault::OutOfMap`] for a row above 69: the chip's answer to one is not documented.
    pub fn read(dialect: Dialect, rows: &'a [u8]) -> Result<Self, Fault> {
        if rows.iter().any(|&row| row >= ROWS) {
            return Err(Fault::OutOfMap);
        }
        Ok(Self::new(dialect, rows, None))
    }

    /// Writes one half: 2r is the low and 2r + 1 the high half of row r.
    ///
    /// # Errors
    /// [`Fault::OutOfMap`] for a half above 41.
    pub fn write(dialect: Dialect, half: u8, value: u16) -> Result<Self, Fault> {
        if half > 41 {
            return Err(Fault::OutOfMap);
        }
        Ok(Self::new(dialect, &[], Some((half, value))))
    }

    fn new(dialect: Dialect, rows: &'a [u8], write: Option<(u8, u16)>) -> Self {
        Self {
            dialect,
            rows,
            write,
            asked: 0,
            pending: false,
            finished: rows.is_empty() && write.is_none(),
            resends: RESENDS,
        }
    }

    /// The next frame to exchange, or `None` when all is done.
    #[must_use]
    pub fn frame(&self) -> Option<Frame> {
        if self.finished {
            return None;
        }
        let (half, value) = self.write.unwrap_or((NO_WRITE, 0xFFFF));
        // Past the last row the frame only fetches; row 0 is a selection that is always valid.
        let row = self.rows.get(self.asked).copied().unwrap_or(0);
        Some(self.dialect.frame(row * 2, half, value))
    }

    /// Takes the answer to the last [`frame`](Self::frame), `None` when it did not come in time.
    ///
    /// A row goes to the place in `values` that it has in the rows asked for.
    ///
    /// # Errors
    /// The cause of the last damage when the resends are used up; [`Fault::OutOfMap`] when
    /// `values` is shorter than the rows.
    pub fn answer(
        &mut self,
        answer: Option<&Frame>,
        values: &mut [u32],
    ) -> Result<Progress, Fault> {
        match answer.map_or(Err(Fault::NoAnswer), |frame| self.dialect.row(frame)) {
            Ok(row) => self.advance(row, values).map(|()| Progress::Good),
            Err(fault) => self.repeat(fault).map(|()| Progress::Repeat),
        }
    }

    fn advance(&mut self, row: u32, values: &mut [u32]) -> Result<(), Fault> {
        if self.pending {
            let place = self.asked.checked_sub(1).and_then(|at| values.get_mut(at));
            *place.ok_or(Fault::OutOfMap)? = row;
        }
        self.finished = self.asked >= self.rows.len();
        self.pending = true;
        self.asked += 1;
        Ok(())
    }

    fn repeat(&mut self, fault: Fault) -> Result<(), Fault> {
        self.resends = self.resends.checked_sub(1).ok_or(fault)?;
        if self.pending {
            self.asked = self.asked.saturating_sub(1);
        }
        self.pending = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_the_worked_frames() {
        assert_eq!(Dialect::Spi.crc(&[0xFF, 0x08, 0xFA, 0xF7]), 0xDD);
        assert_eq!(Dialect::Uart.crc(&[0xFF, 0x08, 0xFA, 0xF7]), 0xFC);
        assert_eq!(Dialect::Uart.crc(&[0x04, 0x03, 0xCD, 0xAB]), 0x68);
        assert_eq!(Dialect::Spi.crc(&[0x24, 0x24, 0x07, 0x00]), 0x15);
        assert_eq!(Dialect::Spi.crc(b"123456789"), CRC_8_SMBUS.check);
        assert_eq!(Dialect::Uart.crc(b"123456789"), CRC_8_REVERSED.check);
    }

    #[test]
    fn write_frame_is_the_manuals_example() {
        let frame = Dialect::Uart.frame(0x04, 0x03, 0xABCD);
        assert_eq!(frame, [0x04, 0x03, 0xCD, 0xAB, 0x68]);
    }

    #[test]
    fn a_damaged_answer_costs_one_frame_more() {
        let mut transfer = Transfer::read(Dialect::Spi, &[12, 36]).unwrap();
        let mut values = [0; 2];
        let mut sent = [0; 4];
        let answers = [[0; 5], [1, 2, 3, 4, 0], [0; 5], [0; 5], [0; 5]];
        for (frame, answer) in sent.iter_mut().zip(answers) {
            *frame = transfer.frame().unwrap()[0];
            transfer.answer(Some(&answer), &mut values).unwrap();
        }
        assert_eq!(sent, [0x18, 0x48, 0x18, 0x48]);
        assert!(transfer.frame().is_some());
        transfer.answer(Some(&[0; 5]), &mut values).unwrap();
        assert_eq!(transfer.frame(), None);
    }

    #[test]
    fn resends_are_bounded_and_name_their_cause() {
        let mut transfer = Transfer::write(Dialect::Uart, 5, 0x60).unwrap();
        for _ in 0..RESENDS {
            assert_eq!(transfer.answer(None, &mut []), Ok(Progress::Repeat));
        }
        assert_eq!(
            transfer.answer(Some(&[0xFF; 5]), &mut []),
            Err(Fault::StuckHigh)
        );
    }

    #[test]
    fn rows_outside_the_map_are_never_asked() {
        assert!(Transfer::read(Dialect::Spi, &[70]).is_err());
        assert!(Transfer::write(Dialect::Spi, 42, 0).is_err());
    }
}
