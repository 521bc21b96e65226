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
//! by its address and never by [`NEXT_ROW`]: the frame is as long, and a frame the chip drops then
//! costs one row and not the alignment of all that follow (DS10272 section 4).
//!
//! A [`Framing`] says how frames look at the moment: it follows US_REG1, which switches the CRC
//! off, changes its polynomial, or reverses the bits on SPI, and falls back with every reset.

use crate::Fault;
use crate::reg::{ROWS, Register, UsReg1};

/// Bytes of the longest frame, each way: with CRC. Without it the fifth byte is not sent.
pub const FRAME_LEN: usize = 5;

/// A frame as sent or as answered.
pub type Frame = [u8; FRAME_LEN];

/// The write address that writes nothing.
pub const NO_WRITE: u8 = 0xFF;

/// The read address that moves the chip's pointer to the next row.
pub const NEXT_ROW: u8 = 0xFF;

/// How often a transfer repeats a damaged exchange before it gives up.
///
/// A UART without SCS that lost step needs up to four repeats to find a frame's start again.
pub const RESENDS: u8 = 6;

/// The line's bit order, on which the CRC depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Dialect {
    /// Most significant bit first.
    Spi,
    /// Least significant bit first: bits reversed within each byte and in the CRC.
    Uart,
}

impl Dialect {
    /// The CRC of bytes: start value 0, no inversion (DS10272 section 4).
    ///
    /// `polynomial` is without its leading term, as in US_REG1; 0x07 after a reset.
    ///
    /// ```
    /// use stpm3x::link::Dialect;
    /// assert_eq!(Dialect::Spi.crc(0x07, &[0xFF, 0x08, 0xFA, 0xF7]), 0xDD);
    /// assert_eq!(Dialect::Uart.crc(0x07, &[0xFF, 0x08, 0xFA, 0xF7]), 0xFC);
    /// ```
    #[must_use]
    #[inline(never)]
    pub const fn crc(self, polynomial: u8, mut bytes: &[u8]) -> u8 {
        let mut crc = 0u8;
        while let [byte, rest @ ..] = bytes {
            crc ^= self.order(*byte);
            let mut bit = 0;
            while bit < 8 {
                // All ones when a one falls out.
                let falls_out = (crc.cast_signed() >> 7).cast_unsigned();
                crc = (crc << 1) ^ (polynomial & falls_out);
                bit += 1;
            }
            bytes = rest;
        }
        self.order(crc)
    }

    /// A byte as the line has its bits, most significant first.
    const fn order(self, byte: u8) -> u8 {
        match self {
            Self::Spi => byte,
            Self::Uart => byte.reverse_bits(),
        }
    }
}

/// How frames look: bit order, CRC, length.
///
/// ```
/// use stpm3x::link::{Dialect, Framing};
/// use stpm3x::reg::UsReg1;
///
/// let reset = Framing::after_reset(Dialect::Spi);
/// // The frame that switches the CRC off still carries one.
/// assert_eq!(reset.frame(0x24, 0x24, 0x0007), [0x24, 0x24, 0x07, 0x00, 0x15]);
/// let off = Framing::of(Dialect::Spi, UsReg1::new().with_crc(false));
/// assert_eq!(off.frame_len(), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Framing {
    dialect: Dialect,
    polynomial: Option<u8>,
    reversed: bool,
}

impl Framing {
    /// The framing of a chip fresh from any reset: CRC with polynomial 0x07.
    #[must_use]
    pub const fn after_reset(dialect: Dialect) -> Self {
        Self {
            dialect,
            polynomial: Some(0x07),
            reversed: false,
        }
    }

    /// The framing that a value of US_REG1 asks for. LSB_FIRST is a matter of SPI only.
    #[must_use]
    #[inline(never)]
    pub const fn of(dialect: Dialect, control: UsReg1) -> Self {
        Self {
            dialect,
            polynomial: if control.crc() {
                Some(control.crc_polynomial())
            } else {
                None
            },
            reversed: control.lsb_first() && matches!(dialect, Dialect::Spi),
        }
    }

    /// The line's bit order.
    #[must_use]
    pub const fn dialect(self) -> Dialect {
        self.dialect
    }

    /// The same without CRC.
    pub(crate) const fn without_crc(self) -> Self {
        Self {
            polynomial: None,
            ..self
        }
    }

    /// Bytes of a frame each way: 5 with CRC, 4 without.
    #[must_use]
    pub const fn frame_len(self) -> usize {
        match self.polynomial {
            Some(_) => FRAME_LEN,
            None => FRAME_LEN - 1,
        }
    }

    /// A frame that selects `read` for the next answer and writes `data` to the half `write`.
    ///
    /// Only [`frame_len`](Self::frame_len) bytes of it are to be sent.
    #[must_use]
    pub const fn frame(self, read: u8, write: u8, data: u16) -> Frame {
        let [low, high] = data.to_le_bytes();
        let bytes = [read, write, low, high];
        let crc = match self.polynomial {
            Some(polynomial) => self.dialect.crc(polynomial, &bytes),
            None => 0,
        };
        self.on_the_line([read, write, low, high, crc])
    }

    /// The row in an answer.
    ///
    /// # Errors
    /// [`Fault::StuckHigh`] when every bit is one, [`Fault::Crc`] when the CRC does not fit. An
    /// answer of zeros fits its CRC: only a row that is never zero can tell a stuck line. Without
    /// CRC every answer is believed.
    pub fn row(self, answer: &Frame) -> Result<u32, Fault> {
        let [a, b, c, d, crc] = self.on_the_line(*answer);
        let row = [a, b, c, d];
        match self.polynomial {
            Some(polynomial) if self.dialect.crc(polynomial, &row) != crc => {
                if answer == &[0xFF; FRAME_LEN] {
                    return Err(Fault::StuckHigh);
                }
                Err(Fault::Crc)
            }
            _ => Ok(u32::from_le_bytes(row)),
        }
    }

    /// Bytes as they stand on the wire, or back: reversed where the chip was told so.
    const fn on_the_line(self, mut frame: Frame) -> Frame {
        if self.reversed {
            let [a, b, c, d, crc] = &mut frame;
            *a = a.reverse_bits();
            *b = b.reverse_bits();
            *c = c.reverse_bits();
            *d = d.reverse_bits();
            *crc = crc.reverse_bits();
        }
        frame
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
    framing: Framing,
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
    pub fn read(framing: Framing, rows: &'a [u8]) -> Result<Self, Fault> {
        if rows.iter().any(|&row| row >= ROWS) {
            return Err(Fault::OutOfMap);
        }
        Ok(Self::new(framing, rows, None))
    }

    /// Writes one half: 2r is the low and 2r + 1 the high half of row r.
    ///
    /// # Errors
    /// [`Fault::OutOfMap`] for a half above 41.
    pub fn write(framing: Framing, half: u8, value: u16) -> Result<Self, Fault> {
        if half > 41 {
            return Err(Fault::OutOfMap);
        }
        Ok(Self::new(framing, &[], Some((half, value))))
    }

    fn new(framing: Framing, rows: &'a [u8], write: Option<(u8, u16)>) -> Self {
        Self {
            framing,
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
        Some(self.framing.frame(row * 2, half, value))
    }

    /// Whether it is a write.
    #[must_use]
    pub const fn writes(&self) -> bool {
        self.write.is_some()
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
        match answer.map_or(Err(Fault::NoAnswer), |frame| self.framing.row(frame)) {
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

/// The write address of the half that decides the framing: the low one of US_REG1.
pub(crate) const CONTROL: u8 = UsReg1::ROW * 2;

#[cfg(test)]
mod tests {
    use super::*;

    const SPI: Framing = Framing::after_reset(Dialect::Spi);
    const UART: Framing = Framing::after_reset(Dialect::Uart);

    #[test]
    fn crc_of_the_worked_frames() {
        assert_eq!(Dialect::Spi.crc(0x07, &[0xFF, 0x08, 0xFA, 0xF7]), 0xDD);
        assert_eq!(Dialect::Uart.crc(0x07, &[0xFF, 0x08, 0xFA, 0xF7]), 0xFC);
        assert_eq!(Dialect::Uart.crc(0x07, &[0x04, 0x03, 0xCD, 0xAB]), 0x68);
        assert_eq!(Dialect::Spi.crc(0x07, &[0x24, 0x24, 0x07, 0x00]), 0x15);
    }

    #[test]
    fn write_frame_is_the_manuals_example() {
        let frame = UART.frame(0x04, 0x03, 0xABCD);
        assert_eq!(frame, [0x04, 0x03, 0xCD, 0xAB, 0x68]);
    }

    #[test]
    fn least_significant_bit_first_is_the_manuals_example() {
        let control = UsReg1::new().with_crc(false).with_lsb_first(true);
        let framing = Framing::of(Dialect::Spi, control);
        // Clears LSB_FIRST, as seen by a host that sends most significant bit first.
        let frame = framing.frame(0x24, 0x24, 0x4007);
        assert_eq!(frame[..framing.frame_len()], [0x24, 0x24, 0xE0, 0x02]);
        let answer = [0xE0, 0x02, 0, 0, 0];
        assert_eq!(framing.row(&answer), Ok(0x0000_4007));
    }

    #[test]
    fn a_damaged_answer_costs_one_frame_more() {
        let mut transfer = Transfer::read(SPI, &[12, 36]).unwrap();
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
        let mut transfer = Transfer::write(UART, 5, 0x60).unwrap();
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
        assert!(Transfer::read(SPI, &[70]).is_err());
        assert!(Transfer::write(SPI, 42, 0).is_err());
    }
}
