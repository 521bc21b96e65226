use embassy_boot::{FirmwareState, FirmwareUpdaterError, State};
use embedded_storage_async::nor_flash::NorFlash;
use meter_proto::update::{Boot, SecurityCounter, Slot};

/// The DFU partition, the state partition, and a partition of two pages for the counter.
pub struct EmbassySlot<'d, D, S, C> {
    dfu: D,
    state: FirmwareState<'d, S>,
    counter: SecurityCounter<C>,
    /// Size of the active partition.
    room: u32,
    /// `swap` was called since the start.
    is_asked: bool,
}

impl<'d, D: NorFlash, S: NorFlash, C: NorFlash> EmbassySlot<'d, D, S, C> {
    /// Once at each start. `word` has `S::WRITE_SIZE` bytes, or `S::READ_SIZE` if that is more:
    /// `FirmwareState` panics at any other length.
    pub fn new(dfu: D, state: S, word: &'d mut [u8], counter: C, room: u32) -> Self {
        Self {
            dfu,
            state: FirmwareState::new(state, word),
            counter: SecurityCounter::new(counter),
            room,
            is_asked: false,
        }
    }
}

impl<D: NorFlash, S: NorFlash, C: NorFlash> Slot for EmbassySlot<'_, D, S, C> {
    type Error = FirmwareUpdaterError;
    type Area = D;

    fn area(&mut self) -> &mut D {
        &mut self.dfu
    }

    fn room(&self) -> u32 {
        self.room
    }

    async fn boot(&mut self) -> Result<Boot, FirmwareUpdaterError> {
        Ok(match self.state.get_state().await? {
            State::Swap if self.is_asked => Boot::Pending,
            State::Swap => Boot::Trial, // the bootloader has swapped since it was asked
            State::Boot | State::Revert | State::DfuDetach => Boot::Settled,
        })
    }

    async fn swap(&mut self) -> Result<(), FirmwareUpdaterError> {
        self.is_asked = true;
        self.state.mark_updated().await
    }

    async fn keep(&mut self) -> Result<(), FirmwareUpdaterError> {
        self.state.mark_booted().await
    }

    async fn security_counter(&mut self) -> Result<u32, FirmwareUpdaterError> {
        Ok(self.counter.read().await?)
    }

    async fn raise_security_counter(&mut self, to: u32) -> Result<(), FirmwareUpdaterError> {
        Ok(self.counter.raise(to).await?)
    }
}
