//! The writable rows and their rules.

/// Values after a full reset, rows 0 to 20.
const RESET: [u32; 21] = [
    0x0400_00A0,
    0x2400_00A0,
    0x0000_04E0,
    0x0000_0000,
    0x003F_F800,
    0x003F_F800,
    0x003F_F800,
    0x003F_F800,
    0x0000_0FFF,
    0x0000_0FFF,
    0x0000_0FFF,
    0x0000_0FFF,
    0x0F27_0327,
    0x0327_0327,
    0x0000_0000,
    0x0000_0000,
    0x0000_0000,
    0x0000_0000,
    0x0000_4007,
    0x0000_0683,
    0x0000_0000,
];

/// The first row that cannot be written.
pub(super) const FIRST_READ_ONLY: usize = RESET.len();

/// Rows in all.
pub(super) const ROWS: usize = 70;

/// Bits `low` to `low + width - 1` of a row.
pub(super) const fn field(row: u32, low: u32, width: u32) -> u32 {
    (row >> low) & ((1 << width) - 1)
}

/// What a write asks of the chip beside keeping the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) reset: bool,
    pub(super) latch: [bool; 2],
    /// Sag and swell data of these channels.
    pub(super) clear: [bool; 2],
}

/// Configuration and status as they are, and the copies the last latch made.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    live: [u32; FIRST_READ_ONLY],
    latched: [u32; ROWS],
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            live: RESET,
            latched: [0; ROWS],
        }
    }

    /// Forgets what was latched.
    pub(super) fn clear_latched(&mut self) {
        self.latched = [0; ROWS];
    }

    /// Configuration to its reset values. The sticky status rows are measurement data.
    pub(super) fn reset_configuration(&mut self) {
        let status = [self.live[16], self.live[17]];
        self.live = RESET;
        self.live[16] = status[0];
        self.live[17] = status[1];
    }

    /// A row as it is now; 0 for one that is not writable.
    pub(super) fn config(&self, row: usize) -> u32 {
        self.live.get(row).copied().unwrap_or(0)
    }

    /// A row as the serial link reads it: rows 16, 17 and from 21 on through the latch.
    pub(super) fn read(&self, row: usize) -> u32 {
        match row {
            16 | 17 => self.latched[row],
            _ if row < FIRST_READ_ONLY => self.live[row],
            _ => self.latched.get(row).copied().unwrap_or(0),
        }
    }

    pub(super) fn latch(&mut self, row: usize, value: u32) {
        if let Some(slot) = self.latched.get_mut(row) {
            *slot = value;
        }
    }

    /// Raises bits of a status row: 16, 17 or 20.
    pub(super) const fn raise(&mut self, row: usize, bits: u32) {
        if row < FIRST_READ_ONLY {
            self.live[row] |= bits;
        }
    }

    /// Writes one half, by the rules of its row.
    pub(super) fn write(&mut self, half: u8, value: u16) -> Order {
        let row = usize::from(half / 2);
        let shift = if half % 2 == 1 { 16 } else { 0 };
        let (mask, value) = (0xFFFF << shift, u32::from(value) << shift);
        let old = self.config(row);
        let mut new = (old & !mask) | value;
        let mut order = Order::default();
        match row {
            0 | 1 => {
                order.clear[row] = field(new, 4, 1) == 1;
                new &= !(1 << 4);
            }
            2 => {
                order.reset = field(new, 20, 1) == 1;
                order.latch = [field(new, 21, 1) == 1, field(new, 22, 1) == 1];
                new &= !(7 << 20);
            }
            // Status: a 0 clears, a 1 leaves alone.
            16 | 17 => new = old & (value | !mask),
            20 if shift == 16 => new = old & (value | !mask | 0x0300_0000),
            _ => {}
        }
        if let Some(slot) = self.live.get_mut(row) {
            *slot = new;
        }
        order
    }
}
