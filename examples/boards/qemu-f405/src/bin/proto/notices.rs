//! All that a meter does with notices.

use core::hint::black_box;

use meter_core::units::UtcSeconds;
use meter_proto::notice::{Notice, PublicKey};
use meter_proto::topic::Topic;

pub fn all() {
    let key = PublicKey::new(&black_box([7; 32]));
    let (Ok(key), Some(group)) = (key, Topic::group(black_box("north-7"))) else {
        return;
    };
    let opened = Notice::open(black_box(&[0xD2, 0x84]), group, |id| {
        black_box(id);
        Some(&key)
    });
    if let Ok((id, notice)) = opened {
        let clock = Some(UtcSeconds::new(black_box(1_767_225_600)));
        black_box((id, notice, notice.judge(black_box(6), clock)));
    }
}
