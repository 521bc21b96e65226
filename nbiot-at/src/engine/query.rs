//! Jobs that ask one thing.

use crate::code::FileError;
use crate::command::Command;
use crate::engine::file::told;
use crate::engine::job::{Answer, Cause, Step};
use crate::engine::state::State;
use crate::error::Fault;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    Registration,
    Signal,
    /// UTC first, local time where the firmware does not know that form.
    Time {
        local: bool,
    },
    /// One command after the other, by number; what the modem refuses stays empty.
    Identity(usize),
    /// The settings, unless there are none, then what was granted.
    PowerSaving(usize),
    SetClock,
    FileSize,
    DeleteFile,
    PowerDown,
}

const IDENTITY: [Command; 4] = [
    Command::Model,
    Command::Revision,
    Command::Imei,
    Command::Iccid,
];

/// Where nothing is to be set, from [`GRANTED`] on.
const POWER_SAVING: [Command; 7] = [
    Command::PowerSavingModeState,
    Command::PowerSavingMode,
    Command::PowerSavingReportsState,
    Command::PowerSavingReports,
    Command::DiscontinuousReception,
    Command::Registration,
    Command::DiscontinuousReceptionState,
];
const GRANTED: usize = 5;

impl Query {
    /// Sets what the configuration asks for, and reads what is granted.
    pub(crate) const fn power_saving(is_asked: bool) -> Self {
        Self::PowerSaving(if is_asked { 0 } else { GRANTED })
    }

    pub(crate) fn step<const N: usize>(&mut self, state: &mut State<N>, cause: Cause) -> Step {
        let Cause::Reply(result) = cause else {
            return Step::Command(self.command());
        };
        match (*self, result) {
            (Self::PowerDown, Err(fault)) => {
                state.off_by = None;
                Step::failed(fault)
            }
            (_, Err(fault @ (Fault::Silent | Fault::TimedOut))) => Step::failed(fault),
            (Self::Identity(n), _) => {
                *self = Self::Identity(n + 1);
                match IDENTITY.get(n + 1) {
                    Some(&command) => Step::Command(command),
                    None => Step::Done(Ok(Answer::Identity(state.identity.clone()))),
                }
            }
            // A modem without reports or without eDRX can sleep all the same.
            (Self::PowerSaving(1), Err(fault)) => Step::failed(fault),
            (Self::PowerSaving(n), _) => {
                // What is set already is not written to flash again.
                let n = n + 1 + usize::from(state.heard.is_set);
                *self = Self::PowerSaving(n);
                match POWER_SAVING.get(n) {
                    Some(&command) => Step::Command(command),
                    None => Step::Done(Ok(Answer::Granted(state.granted))),
                }
            }
            (Self::Time { local: false }, result) if result.is_err() => {
                *self = Self::Time { local: true };
                Step::Command(self.command())
            }
            (Self::FileSize, _) => match (state.heard.size, result.map_err(told)) {
                (size, Ok(())) => Step::Done(Ok(Answer::Size(size))),
                (_, Err(Fault::File(FileError::NotFound))) => Step::Done(Ok(Answer::Size(None))),
                (_, Err(fault)) => Step::failed(fault),
            },
            (Self::DeleteFile, Err(fault)) if told(fault) != Fault::File(FileError::NotFound) => {
                Step::failed(told(fault))
            }
            (Self::PowerDown | Self::SetClock, Ok(())) | (Self::DeleteFile, _) => {
                Step::Done(Ok(Answer::Done))
            }
            (_, Err(fault)) => Step::failed(fault),
            (Self::Registration, Ok(())) => {
                Step::Done(Ok(Answer::Registration(state.registration)))
            }
            (Self::Signal, Ok(())) => Step::Done(
                state
                    .heard
                    .signal
                    .map(Answer::Signal)
                    .ok_or(Fault::Malformed),
            ),
            (Self::Time { .. }, Ok(())) => Step::Done(
                state
                    .heard
                    .time
                    .map(Answer::Time)
                    .ok_or(Fault::TimeNotValid),
            ),
        }
    }

    fn command(self) -> Command {
        match self {
            Self::Registration => Command::Registration,
            Self::Signal => Command::Signal,
            Self::Time { local: false } => Command::NetworkTime,
            Self::Time { local: true } => Command::Clock,
            Self::Identity(n) => IDENTITY.get(n).copied().unwrap_or(Command::Attention),
            Self::PowerSaving(n) => POWER_SAVING.get(n).copied().unwrap_or(Command::Attention),
            Self::SetClock => Command::SetClock,
            Self::FileSize => Command::FileSize,
            Self::DeleteFile => Command::FileDelete,
            Self::PowerDown => Command::PowerDown,
        }
    }
}
