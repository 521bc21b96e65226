//! All that a meter does with an update.

use core::convert::Infallible;
use core::hint::black_box;
use core::time::Duration;

use meter_core::units::UtcSeconds;
use meter_proto::update::{
    Action, Boot, Device, ImageId, Keys, Policy, PublicKey, Slot, UpdateError, Updater,
};

use crate::flash::Flash;

/// The other area, behind a bootloader of which nothing is known when the image is built.
struct Area(Flash);

impl Slot for Area {
    type Error = Infallible;
    type Area = Flash;

    fn area(&mut self) -> &mut Flash {
        &mut self.0
    }

    fn room(&self) -> u32 {
        black_box(98_304)
    }

    async fn boot(&mut self) -> Result<Boot, Infallible> {
        Ok(black_box(Boot::Settled))
    }

    async fn swap(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn security_counter(&mut self) -> Result<u32, Infallible> {
        Ok(black_box(0))
    }

    async fn raise_security_counter(&mut self, to: u32) -> Result<(), Infallible> {
        black_box(to);
        Ok(())
    }
}

pub async fn all() -> Result<(), UpdateError<Infallible, Infallible>> {
    let Ok(current) = PublicKey::new(&black_box([7; 32])) else {
        return Ok(());
    };
    let keys = Keys {
        current,
        next: None,
    };
    let device = Device {
        keys,
        vendor: black_box(*b"vendor vendor id"),
        class: black_box(*b"class of a meter"),
        build: black_box(7),
    };
    let mut hashes = [0; 768];
    let now = Duration::from_secs(black_box(1));
    let area = Area(Flash);
    let range = black_box(0..0x2000);
    let opened = Updater::open(
        Flash,
        range,
        area,
        device,
        Policy::default(),
        &mut hashes,
        now,
    );
    let mut updater = opened.await?;
    let clock = Some(UtcSeconds::new(black_box(1_767_225_600)));
    let started = updater.start(black_box(&[0xD2, 0x84]), clock);
    black_box(started.await?.is_ok());
    black_box(updater.receive(black_box(&[0xA2]), now).await?);
    let action = updater.work(now).await?;
    if let Action::Ask(query) = action {
        let mut message = [0; 24];
        black_box(query.encode(&mut message).is_ok());
        black_box(message);
    }
    while let Some(notice) = updater.notice() {
        black_box(notice.event(UtcSeconds::new(black_box(1))));
    }
    let image = black_box(ImageId([7; 8]));
    black_box((updater.install(), updater.cancel(image)));
    black_box((updater.confirm(image), updater.self_test_passed()));
    Ok(())
}
