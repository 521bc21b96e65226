//! Times of the UART, common to both shells.

use crate::config::UART_TIMEOUT_MS;

/// How long an answer byte may take: it comes while the host's byte goes out, 1 ms at 9600 baud.
pub(crate) const BYTE_TIMEOUT_MS: u32 = 20;

/// A silence in which the chip gives up an unfinished frame.
pub(crate) const QUIET_MS: u32 = UART_TIMEOUT_MS as u32 + 10;

/// A byte that is no address and writes nothing.
pub(crate) const FILL: u8 = 0xFF;

/// The most bytes a resynchronisation throws away, so that a babbling line cannot hold it.
pub(crate) const BABBLE: u32 = 64;

/// How often the blocking shell looks for a byte.
pub(crate) const POLL_US: u32 = 50;

/// The SCS pulse that resets the chip's communication block; at least 4 µs.
pub(crate) const RESYNC_US: u32 = 10;

/// The pause before the first frame at a new speed, about 1 ms (DS10272 section 6).
pub(crate) const SPEED_US: u32 = 1_000;
