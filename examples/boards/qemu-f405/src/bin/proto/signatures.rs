//! Signed billing records: made, with a signature from elsewhere, and verified.

use core::hint::black_box;

use meter_core::units::WattHours;
use meter_proto::payload::signature::{KeyId, PublicKey};
use meter_proto::payload::{Billing, ByRate, RateEnergy};
use meter_proto::topic::MeterId;

pub fn all() {
    let meter = black_box(MeterId(*b"MTR\x00\x00\x00\x00\x2a"));
    let day = RateEnergy {
        import: WattHours::new(black_box(8_000_000)),
        ..RateEnergy::default()
    };
    let billing = Billing {
        period: black_box(12),
        rates: ByRate::from_slice(&[(1, day)]).unwrap_or_default(),
        ..Billing::default()
    };
    let mut message = [0; 256];
    let sign = |bytes: &[u8]| {
        black_box(bytes);
        black_box([7; 64])
    };
    let length = billing.sign(KeyId(1), sign, meter, &mut message);
    let message = message.get(..length.unwrap_or_default());
    let Ok(key) = PublicKey::new(&black_box([7; 32])) else {
        return;
    };
    let proven = Billing::verify(message.unwrap_or_default(), meter, |_| Some(&key));
    black_box(proven.is_ok());
}
