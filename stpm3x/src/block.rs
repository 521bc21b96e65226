//! The rows on a processor's own bus instead of a serial link.

/// A block of the chip's 70 rows that the processor reaches by itself, as the metrology block of an
/// STCOMET presumably is.
///
/// No public text gives that chip's addresses, nor says whether its block has this map: implement
/// this over the addresses of your ST documentation, and compare the reset values of rows 0 to 20
/// with [`reg::MAP`](crate::reg::MAP) at the first power-up. `blocking::Mapped` and `asynch::Mapped`
/// make a bus of it. The simulator implements it too: `sim::Rows`.
pub trait Block {
    /// Reads a row, 0 to 69.
    fn read(&mut self, row: u8) -> u32;

    /// Writes one half: 2r is the low, 2r + 1 the high half of row r, up to row 20.
    fn write(&mut self, half: u8, value: u16);
}
