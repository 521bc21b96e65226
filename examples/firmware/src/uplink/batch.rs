//! Messages from what waits in the outbox.

use core::ops::ControlFlow;

use embedded_storage_async::nor_flash::NorFlash;
use meter_proto::payload::{MAX_COLUMNS, Profile, ProfileRecord, Stream, encode_batch};

use crate::store::Store;

/// The most records of one profile message.
const BATCH: usize = 24;

/// Joins the profile records after `after` into one message.
pub(super) async fn next_batch<F: NorFlash>(
    store: &mut Store<F>,
    after: u64,
    message: &mut [u8],
) -> Option<(usize, u64)> {
    let mut records = [ProfileRecord::default(); BATCH];
    let mut count = 0;
    let mut shape = None;
    let visited = store
        .outbox
        .visit_after(Stream::Profile, after, |_, bytes| {
            let Ok(profile) = Profile::decode(bytes) else {
                return ControlFlow::Continue(());
            };
            let mut columns = [Default::default(); MAX_COLUMNS];
            let width = profile.columns().len();
            for (slot, column) in columns.iter_mut().zip(profile.columns()) {
                *slot = *column;
            }
            let its = (profile.period(), columns, width);
            let same = *shape.get_or_insert(its) == its;
            match (records.get_mut(count), profile.records().next()) {
                (Some(slot), Some(record)) if same => {
                    *slot = record;
                    count += 1;
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Break(()),
            }
        });
    visited.await.ok()?;
    let (period, columns, width) = shape?;
    let epoch = store.outbox.epoch();
    let (columns, records) = (columns.get(..width)?, records.get(..count)?);
    let (length, taken) = encode_batch(epoch, period, columns, records, message).ok()?;
    Some((length, records.get(taken.checked_sub(1)?)?.seq))
}
