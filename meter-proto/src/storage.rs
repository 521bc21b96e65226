//! Items by number in a range of flash, over `sequential-storage`: what is stored is read back.

use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage};

/// How often something is written before the flash is taken for broken.
pub(crate) const ATTEMPTS: u8 = 3;

/// No cache: what the flash says counts.
pub(crate) type NoCache<K> = Cache<Uncached, Uncached, Uncached, K>;

/// Why flash did not do what it was asked.
pub(crate) enum Failure<E> {
    /// It failed.
    Flash(E),
    /// The range does not fit it, or is too small for what is stored.
    Layout,
    /// What is stored cannot be read, or not be read back.
    Corrupted,
}

impl<E> From<sequential_storage::Error<E>> for Failure<E> {
    fn from(error: sequential_storage::Error<E>) -> Self {
        use sequential_storage::Error as Storage;
        match error {
            Storage::Storage { value, .. } => Self::Flash(value),
            Storage::FullStorage | Storage::ItemTooBig => Self::Layout,
            _ => Self::Corrupted,
        }
    }
}

/// The bytes of an item, if it is there. `buffer` takes it, with 64 bytes more than it has.
pub(crate) async fn fetch<'d, F: NorFlash>(
    flash: &mut F,
    range: &Range<u32>,
    item: u8,
    buffer: &'d mut [u8],
) -> Result<Option<&'d [u8]>, Failure<F::Error>> {
    Ok(map(flash, range)?.fetch_item(buffer, &item).await?)
}

/// Stores an item. `buffer` is for work, as in [`fetch`].
pub(crate) async fn store<F: NorFlash>(
    flash: &mut F,
    range: &Range<u32>,
    item: u8,
    value: &[u8],
    buffer: &mut [u8],
) -> Result<(), Failure<F::Error>> {
    Ok(map(flash, range)?.store_item(buffer, &item, &value).await?)
}

/// Stores an item and sees that it can be read back. `buffer` is for work, as in [`fetch`].
#[cfg(any(feature = "commands", feature = "update"))]
pub(crate) async fn keep<F: NorFlash>(
    flash: &mut F,
    range: &Range<u32>,
    item: u8,
    value: &[u8],
    buffer: &mut [u8],
) -> Result<(), Failure<F::Error>> {
    let mut failed = Failure::Corrupted;
    for _ in 0..ATTEMPTS {
        let stored = store(flash, range, item, value, buffer).await;
        let found = fetch(flash, range, item, buffer).await;
        match found.map(|found| found == Some(value)) {
            Ok(true) => return Ok(()),
            Ok(false) => failed = stored.err().unwrap_or(Failure::Corrupted),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

type Map<'f, F> = MapStorage<u8, &'f mut F, NoCache<u8>>;

fn map<'f, F: NorFlash>(
    flash: &'f mut F,
    range: &Range<u32>,
) -> Result<Map<'f, F>, Failure<F::Error>> {
    let config = MapConfig::try_new(range.clone()).map_err(|_| Failure::Layout)?;
    Ok(MapStorage::new(flash, config, Cache::new_uncached()))
}
