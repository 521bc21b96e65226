//! Start and joining of the two tasks.

use core::fmt;

use embassy_futures::join::join;
use embassy_sync::mutex::Mutex;
use embedded_io_async::{Read, Write};
use embedded_storage_async::nor_flash::NorFlash;
use meter_core::energy::EnergyRegisters;
use meter_core::profile::LoadProfile;
use meter_core::units::{Seconds, UtcSeconds};
use meter_proto::outbox::Opened;
use meter_proto::payload::code;

use crate::billing::Periods;
use crate::board::{PowerFail, PowerKey, Time};
use crate::config::Config;
use crate::measure::{Health, Measuring};
use crate::metering::Chips;
use crate::monitor::Monitor;
use crate::store::{Error, Layout, State, Store, Unsaid};
use crate::uplink::Uplink;

/// What a board hands over.
pub struct Parts<C, T, F, S, K, W> {
    /// The metering chips.
    pub chips: C,
    /// Clocks and delay.
    pub time: T,
    /// The flash of outbox and state.
    pub flash: F,
    /// Where in it they are.
    pub layout: Layout,
    /// The serial port to the modem.
    pub serial: S,
    /// The modem's settings.
    pub modem: nbiot_at::Config,
    /// The modem's power key.
    pub key: K,
    /// The power-fail signal.
    pub power: W,
}

/// Why the application did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError<E> {
    /// The flash failed: no meter can be run without one.
    Flash(E),
    /// The layout does not fit the flash.
    Layout,
}

impl<E: fmt::Display> fmt::Display for StartError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the meter's flash failed: {error}"),
            Self::Layout => f.write_str("the meter's flash layout does not fit its flash"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for StartError<E> {}

impl<E> From<Error<E>> for StartError<E> {
    fn from(error: Error<E>) -> Self {
        match error {
            Error::Flash(error) => Self::Flash(error),
            _ => Self::Layout,
        }
    }
}

/// Runs the meter. It only returns when it cannot start.
///
/// # Cancel safety
/// Dropping the future is a power cut without a warning: the next run goes on from the last state
/// that was saved, and no record that was stored is lost.
pub async fn run<C, T, F, S, K, W>(
    parts: Parts<C, T, F, S, K, W>,
    config: &Config<'_>,
    monitor: &Monitor,
) -> StartError<F::Error>
where
    C: Chips,
    T: Time,
    F: NorFlash,
    S: Read + Write,
    K: PowerKey,
    W: PowerFail,
{
    let Parts {
        chips,
        time,
        flash,
        layout,
        serial,
        modem,
        key,
        power,
    } = parts;
    let started = start(flash, layout, config, chips.energy_lsb(), &time).await;
    let (store, past) = match started {
        Ok(started) => started,
        Err(error) => return error.into(),
    };
    monitor.see(&store.outbox);
    let store = Mutex::new(store);
    let measuring = Measuring {
        chips,
        time: time.clone(),
        power,
        store: &store,
        config,
        monitor,
        registers: past.registers,
        profile: past.profile,
        periods: past.periods,
        health: Health::resume(past.unsaid),
    };
    let uplink = Uplink::new(time, &store, config, monitor, past.boots);
    match join(measuring.run(), uplink.run(serial, modem, key)).await {}
}

/// What the meter knows of its past.
struct Past {
    registers: EnergyRegisters,
    profile: LoadProfile,
    periods: Periods,
    unsaid: Unsaid,
    boots: u32,
}

async fn start<F: NorFlash>(
    flash: F,
    layout: Layout,
    config: &Config<'_>,
    lsb: meter_core::scale::Ratio,
    time: &impl Time,
) -> Result<(Store<F>, Past), Error<F::Error>> {
    let (mut store, opened) = Store::open(flash, layout, config.fresh_epoch).await?;
    let boots = store.count_boot().await?;
    let state = store.state().await?;
    let mut profile = LoadProfile::new(Seconds::new(config.profile.period));
    let mut registers = EnergyRegisters::new();
    let mut billed = store.last_billed().await?;
    let stood = store.periods().await?;
    let mut unsaid = Unsaid::default();
    if let Some(state) = &state {
        unsaid = state.unsaid;
        registers = state.registers;
        if let Some(then) = state.lsb.filter(|then| *then != lsb) {
            registers.settle(then);
        }
        if state.last_seen.get() > 0 {
            let instant = resume_at(&store, state);
            profile.resume(instant);
            // The record is newer than the state where power failed soon after it.
            if state.periods >= billed.count {
                billed.count = state.periods;
                billed.end = billed.end.max(instant);
            }
        }
    }
    for shown in store.last_shown().await? {
        registers.raise_to(&shown, lsb);
    }
    let now = time.utc().unwrap_or_default();
    record_start(&mut store, opened, state.map(|state| state.last_seen), now).await;
    Ok((
        store,
        Past {
            registers,
            profile,
            periods: Periods::resume(config.zone, stood, billed),
            unsaid,
            boots,
        },
    ))
}

/// The instant at which the profile takes up its intervals: a second earlier where the record of
/// the interval that had just ended is missing.
fn resume_at<F: NorFlash>(store: &Store<F>, state: &State) -> UtcSeconds {
    let missing = u64::from(store.lacks_record(state));
    UtcSeconds::new(state.last_seen.get().saturating_sub(missing))
}

async fn record_start<F: NorFlash>(
    store: &mut Store<F>,
    opened: Opened,
    power_failed_at: Option<UtcSeconds>,
    now: UtcSeconds,
) {
    if let Some(then) = power_failed_at {
        store.record_event(then, code::POWER_DOWN, None).await;
    }
    store.record_event(now, code::POWER_UP, None).await;
    if opened.repaired {
        store.record_event(now, code::STORE_REPAIRED, None).await;
    }
    if opened.new_epoch && power_failed_at.is_some() {
        store.record_event(now, code::EPOCH_CHANGED, None).await;
    }
}
