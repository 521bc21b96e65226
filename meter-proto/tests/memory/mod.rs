//! The memory of a client.

use meter_proto::mqtt::{Buffers, Session, Slot, Timing};

/// What a session and its shell are lent.
pub(crate) struct Memory {
    buffers: [[u8; 128]; 4],
    slots: [Slot; 2],
    unreleased: [u16; 2],
}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self {
            buffers: [[0; 128]; 4],
            slots: [Slot::FREE; 2],
            unreleased: [0; 2],
        }
    }

    /// A session, and room for what its shell reads ahead.
    pub(crate) fn session(&mut self) -> (Session<'_>, &mut [u8]) {
        let [receive, control, publish, input] = &mut self.buffers;
        let buffers = Buffers {
            receive,
            control,
            publish,
            slots: &mut self.slots,
            unreleased: &mut self.unreleased,
        };
        (Session::new(buffers, Timing::default()), input)
    }
}
