//! Where the modem looks for a network: what differs is written, and the radio restarted.

use super::{At, Start};
use crate::command::general;
use crate::command::scan::{SETTING, SETTING_STATE};
use crate::engine::job::Step;
use crate::engine::state::State;
use crate::error::Fault;
use crate::scan::Scan;
use crate::time::Instant;

/// Once in a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tuning {
    /// It may be tuned otherwise than wanted.
    Unknown,
    /// It was, and the radio is to be restarted.
    Changed,
    Done,
}

impl Start {
    /// Goes on from the setting with this number.
    pub(super) fn tune<const N: usize>(
        &mut self,
        state: &State<N>,
        from: u8,
        now: Instant,
    ) -> Step {
        let scan = state.known.config.scan;
        let says = |&n: &u8| scan.is_some_and(|scan| scan.setting(n.into()).is_some());
        let is_open = self.tuning != Tuning::Done;
        if let Some(n) = (from..Scan::SETTINGS).find(says).filter(|_| is_open) {
            return self.go(At::Scan(n), SETTING_STATE.with(n.into(), 0));
        }
        match core::mem::replace(&mut self.tuning, Tuning::Done) {
            Tuning::Changed => self.go(At::RadioOff, &general::MINIMUM_FUNCTION),
            Tuning::Unknown | Tuning::Done => self.radio_setting(state, 0, now),
        }
    }

    /// Goes on from a reply. A setting that is refused is no reason to stop.
    pub(super) fn tuned<const N: usize>(
        &mut self,
        state: &State<N>,
        result: Result<(), Fault>,
        now: Instant,
    ) -> Step {
        match self.at {
            At::Scan(n) if result.is_ok() && !state.known.heard.is_set => {
                self.go(At::SetScan(n), SETTING.with(n.into(), 0))
            }
            At::SetScan(n) => {
                if result.is_ok() {
                    self.tuning = Tuning::Changed;
                }
                self.tune(state, n + 1, now)
            }
            At::Scan(n) => self.tune(state, n + 1, now),
            _ => Step::failed(Fault::LogicBug),
        }
    }
}
