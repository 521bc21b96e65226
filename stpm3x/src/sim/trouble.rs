//! Faults of the line, one by one or at random.

/// One fault of the line, counted from the next byte or frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Disturbance {
    /// Bits of a byte to the chip are flipped, after so many good ones.
    FlipToChip {
        /// Good bytes before it.
        after: u32,
        /// The bits.
        mask: u8,
    },
    /// Bits of a byte to the host are flipped, after so many good ones.
    FlipToHost {
        /// Good bytes before it.
        after: u32,
        /// The bits.
        mask: u8,
    },
    /// A byte to the chip is lost, after so many good ones: UART only.
    LoseToChip {
        /// Good bytes before it.
        after: u32,
    },
    /// A byte to the host is lost, after so many good ones: UART only.
    LoseToHost {
        /// Good bytes before it.
        after: u32,
    },
    /// An answer is the one before it once more, after so many good bytes.
    Stale {
        /// Good bytes before the byte in whose frame it happens.
        after: u32,
    },
}

impl Disturbance {
    fn after(&mut self) -> &mut u32 {
        match self {
            Self::FlipToChip { after, .. }
            | Self::FlipToHost { after, .. }
            | Self::LoseToChip { after }
            | Self::LoseToHost { after }
            | Self::Stale { after } => after,
        }
    }
}

/// What happens to one byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mishap {
    pub(super) to_chip: u8,
    pub(super) to_host: u8,
    pub(super) lose_to_chip: bool,
    pub(super) lose_to_host: bool,
    pub(super) stale: bool,
}

/// The faults that are switched on.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    waiting: [Option<Disturbance>; 8],
    pub(super) stuck: Option<bool>,
    noise_state: u64,
    noise_per_million: u32,
}

impl Trouble {
    /// Adds a fault; false when eight are waiting.
    pub(super) fn add(&mut self, disturbance: Disturbance) -> bool {
        let free = self.waiting.iter_mut().find(|slot| slot.is_none());
        free.map(|slot| *slot = Some(disturbance)).is_some()
    }

    pub(super) const fn noise(&mut self, seed: u64, per_million: u32) {
        self.noise_state = seed | 1;
        self.noise_per_million = per_million;
    }

    /// What happens to the next byte.
    pub(super) fn next(&mut self) -> Mishap {
        let mut mishap = Mishap::default();
        for slot in &mut self.waiting {
            let Some(disturbance) = slot else { continue };
            if let Some(left) = disturbance.after().checked_sub(1) {
                *disturbance.after() = left;
                continue;
            }
            match *disturbance {
                Disturbance::FlipToChip { mask, .. } => mishap.to_chip ^= mask,
                Disturbance::FlipToHost { mask, .. } => mishap.to_host ^= mask,
                Disturbance::LoseToChip { .. } => mishap.lose_to_chip = true,
                Disturbance::LoseToHost { .. } => mishap.lose_to_host = true,
                Disturbance::Stale { .. } => mishap.stale = true,
            }
            *slot = None;
        }
        mishap.to_chip ^= self.flip();
        mishap.to_host ^= self.flip();
        mishap
    }

    fn flip(&mut self) -> u8 {
        if self.noise_per_million == 0 {
            return 0;
        }
        if self.random() % 1_000_000 < u64::from(self.noise_per_million) {
            1 << (self.random() % 8)
        } else {
            0
        }
    }

    /// Marsaglia's xorshift with the shifts 13, 7, 17.
    const fn random(&mut self) -> u64 {
        self.noise_state ^= self.noise_state << 13;
        self.noise_state ^= self.noise_state >> 7;
        self.noise_state ^= self.noise_state << 17;
        self.noise_state >> 11
    }
}
