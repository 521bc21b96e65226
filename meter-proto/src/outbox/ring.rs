//! Items in rings.

use core::ops::{ControlFlow, Range};

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::cache::Cache;
use sequential_storage::queue::{QueueConfig, QueueStorage};

use super::{Error, MAX_MESSAGE};
use crate::payload::Stream;
use crate::storage::NoCache;

/// Bytes of an item before its message.
pub(super) const HEAD: usize = 13;
/// Bytes of the longest item.
pub(super) const ITEM: usize = HEAD + MAX_MESSAGE;

/// The largest word of flash that is written at once.
const LARGEST_WORD: usize = 32;
/// Room to read an item: what it is rounded up to, and a word more.
const READ: usize = ITEM.next_multiple_of(LARGEST_WORD) + LARGEST_WORD;

/// One item of a ring.
pub(super) struct Item<'b> {
    pub(super) stream: Stream,
    pub(super) epoch: u32,
    pub(super) seq: u64,
    pub(super) message: &'b [u8],
}

impl<'b> Item<'b> {
    fn parse(bytes: &'b [u8]) -> Option<Self> {
        let (stream, rest) = bytes.split_first()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (seq, message) = rest.split_first_chunk()?;
        Some(Self {
            stream: Stream::from_number(u64::from(*stream))?,
            epoch: u32::from_le_bytes(*epoch),
            seq: u64::from_le_bytes(*seq),
            message,
        })
    }
}

pub(super) fn write_head(head: &mut [u8], stream: Stream, epoch: u32, seq: u64) {
    let bytes = core::iter::once(stream.number())
        .chain(epoch.to_le_bytes())
        .chain(seq.to_le_bytes());
    for (slot, byte) in head.iter_mut().zip(bytes) {
        *slot = byte;
    }
}

pub(super) const fn index(stream: Stream) -> usize {
    stream.number() as usize - 1
}

pub(super) type Queue<'f, F> = QueueStorage<&'f mut F, NoCache<()>>;

pub(super) fn queue<F: NorFlash>(
    flash: &mut F,
    range: Range<u32>,
) -> Result<Queue<'_, F>, Error<F::Error>> {
    let config = QueueConfig::try_new(range).map_err(|_| Error::Layout)?;
    Ok(QueueStorage::new(flash, config, Cache::new_uncached()))
}

/// Visits the items of a ring, oldest first. What does not parse is passed over.
pub(super) async fn walk<F: NorFlash>(
    flash: &mut F,
    ring: Range<u32>,
    mut visit: impl FnMut(Item<'_>) -> ControlFlow<()>,
) -> Result<(), Error<F::Error>> {
    let mut buffer = [0; READ];
    let mut queue = queue(flash, ring)?;
    let mut items = queue.iter().await?;
    while let Some(entry) = items.next(&mut buffer).await? {
        if let Some(item) = Item::parse(&entry)
            && visit(item).is_break()
        {
            break;
        }
    }
    Ok(())
}
