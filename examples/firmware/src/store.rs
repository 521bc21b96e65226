//! What survives a power cut: the outbox, and the meter's own state.

use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;
use meter_core::energy::{EnergyRegisters, STORED_BYTES};
use meter_core::scale::Ratio;
use meter_core::status::Status;
use meter_core::units::UtcSeconds;
use meter_proto::outbox::{self, Opened, Outbox};
use meter_proto::payload::Stream;
use sequential_storage::cache::Cache;
use sequential_storage::map::{MapConfig, MapStorage};

use crate::billing::Standing;

/// Where the meter keeps its data in flash. Each range begins and ends at an erase boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The meter's own state: at least two erase pages. It is written at each interval end and
    /// when power fails; four pages of 4 KiB last for a century of quarter hours.
    pub state: Range<u32>,
    /// The outbox.
    pub outbox: outbox::Layout,
}

/// The meter's own state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The billing registers.
    pub(crate) registers: EnergyRegisters,
    /// The LSB their counts were made with.
    pub(crate) lsb: Option<Ratio>,
    /// The last instant that the registers cover.
    pub(crate) last_seen: UtcSeconds,
    /// The last sequence of the profile when this was written.
    pub(crate) profile_seq: u64,
    /// Billing periods that had ended when this was written.
    pub(crate) periods: u64,
    /// Written just before the record of the interval that ended at `last_seen` was.
    pub(crate) closing: bool,
    /// The streams that have not said yet what was lost.
    pub(crate) unsaid: Unsaid,
}

/// The streams whose next record has to say that records were lost before it: the bits of their
/// numbers. Events have one of their own for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unsaid(u8);

impl Unsaid {
    /// Every stream that this meter has.
    pub(crate) const ALL: Self = Self(
        1 << Stream::Reading.number()
            | 1 << Stream::Profile.number()
            | 1 << Stream::Billing.number()
            | 1 << Stream::Event.number(),
    );

    /// Whether a stream has to say it.
    pub(crate) const fn has(self, stream: Stream) -> bool {
        self.0 & (1 << stream.number()) != 0
    }

    /// What the next record of a stream has to say, once.
    pub(crate) const fn say(&mut self, stream: Stream) -> Status {
        if !self.has(stream) {
            return Status::NONE;
        }
        self.0 &= !(1 << stream.number());
        Status::RECORDS_LOST
    }
}

/// Set in the second byte beside the bits of [`Unsaid`], of which older states have none.
const CLOSING: u8 = 1;
/// Version 1 had no billing periods.
const VERSION: u8 = 2;
const STATE_BYTES: usize = 1 + 1 + 4 * 8 + STORED_BYTES + 8;
const KEY_STATE: u8 = 1;
const KEY_BOOTS: u8 = 2;
const KEY_CONNECTIONS: u8 = 3;
const KEY_PERIODS: u8 = 4;

impl State {
    fn to_bytes(self) -> [u8; STATE_BYTES] {
        let closing = if self.closing { CLOSING } else { 0 };
        let head = [VERSION, closing | self.unsaid.0];
        let (num, den) = self.lsb.map_or((0, 0), |lsb| (lsb.num(), lsb.den()));
        let numbers = [self.last_seen.get(), self.profile_seq, num, den];
        let bytes = head
            .into_iter()
            .chain(numbers.into_iter().flat_map(u64::to_le_bytes))
            .chain(self.registers.to_bytes())
            .chain(self.periods.to_le_bytes());
        let mut stored = [0; STATE_BYTES];
        for (slot, byte) in stored.iter_mut().zip(bytes) {
            *slot = byte;
        }
        stored
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[version, flags], rest) = bytes.split_first_chunk()?;
        let (last_seen, rest) = rest.split_first_chunk()?;
        let (profile_seq, rest) = rest.split_first_chunk()?;
        let (num, rest) = rest.split_first_chunk()?;
        let (den, rest) = rest.split_first_chunk()?;
        let (registers, rest) = rest.split_first_chunk()?;
        let periods = match version {
            1 if rest.is_empty() => 0,
            VERSION => u64::from_le_bytes(rest.try_into().ok()?),
            _ => return None,
        };
        Some(Self {
            registers: EnergyRegisters::from_bytes(registers),
            periods,
            last_seen: UtcSeconds::new(u64::from_le_bytes(*last_seen)),
            profile_seq: u64::from_le_bytes(*profile_seq),
            lsb: Ratio::new(u64::from_le_bytes(*num), u64::from_le_bytes(*den)),
            closing: flags & CLOSING != 0,
            unsaid: Unsaid(flags & Unsaid::ALL.0),
        })
    }
}

/// The outbox with the state beside it, in one flash.
pub(crate) struct Store<F> {
    pub(crate) outbox: Outbox<F>,
    state: Range<u32>,
    fresh_epoch: u32,
    /// Records that are known to be lost and not admitted yet.
    pub(crate) lost: u64,
}

/// Why the flash does not serve.
pub(crate) type Error<E> = outbox::Error<E>;

impl<F: NorFlash> Store<F> {
    /// Opens both, repairing what cannot be read.
    pub(crate) async fn open(
        flash: F,
        layout: Layout,
        fresh_epoch: u32,
    ) -> Result<(Self, Opened), Error<F::Error>> {
        let (outbox, mut opened) = Outbox::open(flash, layout.outbox, fresh_epoch).await?;
        let mut store = Self {
            outbox,
            state: layout.state,
            fresh_epoch,
            lost: 0,
        };
        match store.fetch(KEY_STATE).await {
            Err(Error::Corrupted) => {
                let Range { start, end } = store.state;
                store
                    .outbox
                    .flash()
                    .erase(start, end)
                    .await
                    .map_err(Error::Flash)?;
                opened.repaired = true;
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        Ok((store, opened))
    }

    /// Whether the record of the interval that the state closed is missing: power failed between
    /// the two writes.
    pub(crate) fn lacks_record(&self, state: &State) -> bool {
        state.closing && self.outbox.last(Stream::Profile) == state.profile_seq
    }

    /// The state of before the restart; `None` at the first start, or where it was lost.
    pub(crate) async fn state(&mut self) -> Result<Option<State>, Error<F::Error>> {
        Ok(self
            .fetch(KEY_STATE)
            .await?
            .and_then(|(bytes, length)| bytes.get(..length).and_then(State::from_bytes)))
    }

    /// Writes the state: whole, or the one before stays.
    pub(crate) async fn save(&mut self, state: &State) -> Result<(), Error<F::Error>> {
        self.put(KEY_STATE, &state.to_bytes()).await
    }

    /// Where the billing periods stood; what was never written is zero.
    pub(crate) async fn periods(&mut self) -> Result<Standing, Error<F::Error>> {
        let stored = self.fetch(KEY_PERIODS).await?;
        let read = |(bytes, _): ([u8; STATE_BYTES], usize)| {
            let (ended, rest) = bytes.split_first_chunk()?;
            let (month, rest) = rest.split_first_chunk()?;
            Some(Standing {
                ended: u64::from_le_bytes(*ended),
                month: u32::from_le_bytes(*month),
                behind: u32::from_le_bytes(*rest.first_chunk()?),
            })
        };
        Ok(stored.and_then(read).unwrap_or_default())
    }

    /// Writes where the billing periods stand, once their record is in the outbox.
    pub(crate) async fn save_periods(&mut self, standing: Standing) -> Result<(), Error<F::Error>> {
        let Standing {
            ended,
            month,
            behind,
        } = standing;
        let mut bytes = [0; 16];
        let parts = ended.to_le_bytes().into_iter();
        let parts = parts.chain(month.to_le_bytes()).chain(behind.to_le_bytes());
        for (slot, byte) in bytes.iter_mut().zip(parts) {
            *slot = byte;
        }
        self.put(KEY_PERIODS, &bytes).await
    }

    /// Counts one more boot and gives the number.
    pub(crate) async fn count_boot(&mut self) -> Result<u32, Error<F::Error>> {
        let count = self.count(KEY_BOOTS).await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Counts one more connection and gives the number.
    pub(crate) async fn count_connection(&mut self) -> Result<u64, Error<F::Error>> {
        self.count(KEY_CONNECTIONS).await
    }

    /// Erases an outbox that can be read no more, and goes on under a new epoch.
    pub(crate) async fn repair(&mut self) -> Result<(), Error<F::Error>> {
        let fresh = self
            .fresh_epoch
            .wrapping_add(self.outbox.epoch())
            .wrapping_add(1);
        self.outbox.repair(fresh).await
    }

    async fn count(&mut self, key: u8) -> Result<u64, Error<F::Error>> {
        let stored = self.fetch(key).await?;
        let before = stored.and_then(|(bytes, _)| bytes.first_chunk().copied());
        let count = before.map_or(0, u64::from_le_bytes).saturating_add(1);
        self.put(key, &count.to_le_bytes()).await?;
        Ok(count)
    }

    async fn fetch(
        &mut self,
        key: u8,
    ) -> Result<Option<([u8; STATE_BYTES], usize)>, Error<F::Error>> {
        let mut buffer = [0; STATE_BYTES + 32];
        let mut map = self.map()?;
        let stored = map.fetch_item::<&[u8]>(&mut buffer, &key).await?;
        Ok(stored.map(|stored| {
            let mut bytes = [0; STATE_BYTES];
            for (slot, byte) in bytes.iter_mut().zip(stored) {
                *slot = *byte;
            }
            (bytes, stored.len().min(STATE_BYTES))
        }))
    }

    async fn put(&mut self, key: u8, value: &[u8]) -> Result<(), Error<F::Error>> {
        let mut buffer = [0; STATE_BYTES + 32];
        Ok(self.map()?.store_item(&mut buffer, &key, &value).await?)
    }

    fn map(&mut self) -> Result<StateMap<'_, F>, Error<F::Error>> {
        let config = MapConfig::try_new(self.state.clone()).map_err(|_| Error::Layout)?;
        Ok(MapStorage::new(
            self.outbox.flash(),
            config,
            Cache::new_uncached(),
        ))
    }
}

use sequential_storage::cache::Uncached;
type StateMap<'f, F> = MapStorage<u8, &'f mut F, Cache<Uncached, Uncached, Uncached, u8>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_comes_back() {
        let mut registers = EnergyRegisters::new();
        registers.book(1_234, -5);
        let state = State {
            registers,
            last_seen: UtcSeconds::new(1_774_742_400),
            profile_seq: 96,
            lsb: Ratio::new(3, 7),
            periods: 12,
            closing: true,
            unsaid: Unsaid::ALL,
        };
        let bytes = state.to_bytes();
        assert_eq!(State::from_bytes(&bytes), Some(state));
        for (flags, closing) in [(0, false), (1, true)] {
            let mut older = bytes;
            older[1] = flags;
            let unsaid = Unsaid::default();
            let expected = State {
                closing,
                unsaid,
                ..state
            };
            assert_eq!(State::from_bytes(&older), Some(expected));
        }
        let mut of_version_1 = bytes;
        of_version_1[0] = 1;
        assert_eq!(State::from_bytes(&of_version_1), None);
        let of_version_1 = &of_version_1[..STATE_BYTES - 8];
        let expected = State {
            periods: 0,
            ..state
        };
        assert_eq!(State::from_bytes(of_version_1), Some(expected));
        assert_eq!(State::from_bytes(&bytes[..STATE_BYTES - 8]), None);
        assert_eq!(State::from_bytes(&[9; STATE_BYTES]), None);
        assert_eq!(State::from_bytes(&[VERSION]), None);
    }

    #[test]
    fn each_stream_says_once_what_was_lost() {
        let mut unsaid = Unsaid::ALL;
        for stream in [
            Stream::Reading,
            Stream::Profile,
            Stream::Billing,
            Stream::Event,
        ] {
            assert_eq!(unsaid.say(stream), Status::RECORDS_LOST);
            assert_eq!(unsaid.say(stream), Status::NONE);
        }
        assert_eq!(unsaid, Unsaid::default());
    }
}
