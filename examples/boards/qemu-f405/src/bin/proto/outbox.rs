//! All of the outbox, for readings.

use core::convert::Infallible;
use core::hint::black_box;
use core::ops::ControlFlow;

use meter_core::units::{UtcSeconds, WattHours};
use meter_proto::outbox::{Error, Layout, Outbox};
use meter_proto::payload::{Reading, Receipt, Stamp, Stream};

use crate::flash::Flash;

pub async fn all() -> Result<(), Error<Infallible>> {
    let layout = black_box(Layout {
        index: 0..0x2000,
        momentary: 0x2000..0x8000,
        event: 0x8000..0xC000,
        billing: 0xC000..0x2_0000,
    });
    let (mut outbox, opened) = Outbox::open(Flash, layout, black_box(7)).await?;
    black_box(opened);
    let (time, import) = (black_box(1_767_225_600), black_box(12_345_678));
    let pushed = outbox.push(Stream::Reading, |seq, epoch, buffer| {
        let stamp = Stamp {
            seq,
            epoch,
            time: UtcSeconds::new(time),
            ..Stamp::default()
        };
        let reading = Reading {
            stamp,
            import: Some(WattHours::new(import)),
            ..Reading::default()
        };
        reading.encode(buffer)
    });
    black_box(pushed.await?);
    let visited = outbox.visit_after(Stream::Reading, black_box(0), |seq, message| {
        black_box((seq, message));
        ControlFlow::Continue(())
    });
    visited.await?;
    if let Ok(receipt) = Receipt::decode(black_box(&[0xA1, 1])) {
        black_box(outbox.acknowledge(&receipt).await?);
    }
    black_box((outbox.take_lost(), outbox.waiting()));
    outbox.repair(black_box(8)).await
}
