//! Jobs that ask one thing: some commands in a row.

use core::fmt;

use crate::code::{FileError, GnssError};
use crate::command::power_saving::{CYCLE, CYCLE_STATE, MODE, MODE_STATE, REPORTS, REPORTS_STATE};
use crate::command::{Spec, clock, custom, file, general, gnss, radio};
use crate::engine::file::told;
use crate::engine::job::{Answer, Cause, Step, work};
use crate::engine::state::State;
use crate::error::Fault;
use crate::known::Known;
use crate::time::Instant;

/// What to do after a command.
pub(crate) enum Next {
    /// The command with this number; after the last one the query is done.
    Command(usize),
    Done(Result<Answer, Fault>),
}

/// The commands of a query, and what their results lead to.
pub(crate) struct Plan {
    commands: &'static [&'static Spec],
    /// What follows the command with this number and this result.
    next: fn(&mut Known, usize, Result<(), Fault>) -> Next,
    end: fn(&mut Known) -> Result<Answer, Fault>,
}

impl Plan {
    pub(crate) const fn new(
        commands: &'static [&'static Spec],
        next: fn(&mut Known, usize, Result<(), Fault>) -> Next,
        end: fn(&mut Known) -> Result<Answer, Fault>,
    ) -> Self {
        Self {
            commands,
            next,
            end,
        }
    }

    /// One command whose success is the end.
    const fn one(
        command: &'static [&'static Spec],
        end: fn(&mut Known) -> Result<Answer, Fault>,
    ) -> Self {
        Self {
            commands: command,
            next: |_, number, result| match result {
                Ok(()) => Next::Command(number + 1),
                Err(fault) => Next::Done(Err(fault)),
            },
            end,
        }
    }
}

pub(crate) static REGISTRATION: Plan = Plan::one(&[&radio::REGISTRATION], |known| {
    Ok(Answer::Registration(known.registration))
});

pub(crate) static SIGNAL: Plan = Plan::one(&[&radio::SIGNAL], |known| {
    let signal = known.heard.signal.ok_or(Fault::Malformed)?;
    known.follow_signal(signal);
    Ok(Answer::Signal(signal))
});

/// UTC first, local time where the firmware does not know that form.
pub(crate) static NETWORK_TIME: Plan = Plan {
    commands: &[&clock::NETWORK_TIME, &clock::CLOCK],
    next: |_, number, result| match result {
        Ok(()) => Next::Command(usize::MAX),
        Err(_) if number == 0 => Next::Command(1),
        Err(fault) => Next::Done(Err(fault)),
    },
    end: |known| {
        let time = known.heard.time.map(Answer::Time);
        time.ok_or(Fault::TimeNotValid)
    },
};

pub(crate) static SET_CLOCK: Plan = Plan::one(&[&clock::SET_CLOCK], |_| Ok(Answer::Done));

/// What the modem refuses stays empty.
pub(crate) static IDENTITY: Plan = Plan {
    commands: &[
        &general::MODEL,
        &general::REVISION,
        &general::IMEI,
        &general::ICCID,
    ],
    next: |_, number, _| Next::Command(number + 1),
    end: |_| Ok(Answer::Identity),
};

/// The settings, then what was granted. What is set already is not written to flash again. A modem
/// without reports or without eDRX can sleep all the same.
pub(crate) static POWER_SAVING: Plan = Plan {
    commands: &[
        &MODE_STATE,
        &MODE,
        &REPORTS_STATE,
        &REPORTS,
        &CYCLE,
        &radio::REGISTRATION,
        &CYCLE_STATE,
    ],
    next: |known, number, result| match result {
        Err(fault) if number == 1 => Next::Done(Err(fault)),
        _ => Next::Command(number + 1 + usize::from(known.heard.is_set)),
    },
    end: |_| Ok(Answer::Granted),
};

/// Only what was granted.
pub(crate) static GRANTED: Plan = Plan {
    commands: &[&radio::REGISTRATION, &CYCLE_STATE],
    next: |_, number, _| Next::Command(number + 1),
    end: |_| Ok(Answer::Granted),
};

pub(crate) static FILE_SIZE: Plan = Plan {
    commands: &[&file::SIZE],
    next: |_, number, result| match result.map_err(told) {
        Ok(()) | Err(Fault::File(FileError::NotFound)) => Next::Command(number + 1),
        Err(fault) => Next::Done(Err(fault)),
    },
    end: |known| Ok(Answer::Size(known.heard.size)),
};

/// Whether there is room for a file; a modem that does not tell may have it.
pub(crate) static ROOM: Plan = Plan {
    // Where there seems to be none, a digit may have been lost: it is asked once more.
    commands: &[&file::ROOM, &file::ROOM],
    next: |known, number, result| match result {
        Ok(()) if known.heard.size.is_some() => Next::Command(number + 1),
        _ => Next::Done(Ok(Answer::Done)),
    },
    end: |known| match known.heard.size {
        Some(_) => Err(Fault::File(FileError::NoSpace)),
        None => Ok(Answer::Done),
    },
};

pub(crate) static DELETE_FILE: Plan = Plan {
    commands: &[&file::DELETE],
    next: |_, number, result| match result.map_err(told) {
        Ok(()) | Err(Fault::File(FileError::NotFound)) => Next::Command(number + 1),
        Err(fault) => Next::Done(Err(fault)),
    },
    end: |_| Ok(Answer::Done),
};

/// One that runs already is what was wanted, and one that does not.
pub(crate) static START_GNSS: Plan = Plan {
    commands: &[&gnss::START],
    next: |_, number, result| match result.map_err(of_gnss) {
        Ok(()) | Err(Fault::Gnss(GnssError::Ongoing)) => Next::Command(number + 1),
        Err(fault) => Next::Done(Err(fault)),
    },
    end: |_| Ok(Answer::Done),
};

pub(crate) static STOP_GNSS: Plan = Plan {
    commands: &[&gnss::STOP],
    next: |_, number, result| match result.map_err(of_gnss) {
        Ok(()) | Err(Fault::Gnss(GnssError::NotActive)) => Next::Command(number + 1),
        Err(fault) => Next::Done(Err(fault)),
    },
    end: |_| Ok(Answer::Done),
};

pub(crate) static POSITION: Plan = Plan {
    commands: &[&gnss::POSITION],
    next: |_, number, result| match result.map_err(of_gnss) {
        Ok(()) => Next::Command(number + 1),
        Err(Fault::Gnss(GnssError::NoFix)) => Next::Done(Ok(Answer::Position(None))),
        Err(fault) => Next::Done(Err(fault)),
    },
    end: |known| {
        let (fix, time) = (known.heard.fix, known.heard.time);
        let position = fix.zip(time).map(|(fix, time)| fix.at(time));
        position.ok_or(Fault::Malformed)?;
        Ok(Answer::Position(position))
    },
};

/// The reason that the receiver for satellites gives.
pub(crate) fn of_gnss(fault: Fault) -> Fault {
    match fault {
        Fault::Cme(code) if (501..=549).contains(&code.code()) => {
            Fault::Gnss(GnssError::from_code(code.code()))
        }
        other => other,
    }
}

/// Its answer is in the buffer.
pub(crate) static CUSTOM: Plan = Plan::one(&[&custom::CUSTOM], |known| {
    let answer = Answer::Count(known.payload.len());
    (!known.heard.is_cut)
        .then_some(answer)
        .ok_or(Fault::Malformed)
});

pub(crate) static RESTART_SIM: Plan = Plan {
    commands: &[&general::MINIMUM_FUNCTION, &general::FULL_FUNCTION],
    next: |_, number, result| match result {
        Ok(()) => Next::Command(number + 1),
        Err(fault) => Next::Done(Err(fault)),
    },
    end: |_| Ok(Answer::Done),
};

/// A modem that may sleep is asked before, as what it does not get is not taken.
pub(crate) static POWER_DOWN: Plan = Plan {
    commands: &[&general::GUARD, &general::POWER_DOWN],
    next: |known, number, result| match (number, result) {
        // Without an answer it may have been taken.
        (_, Ok(())) | (1, Err(Fault::TimedOut)) => Next::Command(number + 1),
        (_, Err(fault)) => {
            known.off_by = None;
            Next::Done(Err(fault))
        }
    },
    end: |_| Ok(Answer::Done),
};

/// A plan that is being followed.
pub(crate) struct Query {
    plan: &'static Plan,
    number: usize,
    /// The first of its commands.
    argument: u32,
}

work!(Query);

impl Query {
    pub(crate) const fn new(plan: &'static Plan) -> Self {
        Self::with(plan, 0)
    }

    /// A plan whose commands have an argument.
    pub(crate) const fn with(plan: &'static Plan, argument: u32) -> Self {
        let number = 0;
        Self {
            plan,
            number,
            argument,
        }
    }

    /// The power-down of a modem that may sleep, or does not.
    pub(crate) fn power_down(may_sleep: bool) -> Self {
        Self {
            number: usize::from(!may_sleep),
            ..Self::new(&POWER_DOWN)
        }
    }

    /// Whether its end decides what becomes of the modem, whoever waits for it.
    pub(crate) fn is_power_down(&self) -> bool {
        let last = self.plan.commands.last();
        last.is_some_and(|&last| core::ptr::eq(last, &raw const general::POWER_DOWN))
    }

    fn next<const N: usize>(&mut self, state: &mut State<N>, cause: Cause, _: Instant) -> Step {
        let is_power_down = self.is_power_down();
        let Self {
            plan,
            number,
            argument,
        } = self;
        if let Cause::Reply(result) = cause {
            let next = match result {
                // Whatever a plan says, unless it has to know.
                Err(fault @ (Fault::Silent | Fault::TimedOut)) if !is_power_down => {
                    Next::Done(Err(fault))
                }
                _ => (plan.next)(&mut state.known, *number, result),
            };
            match next {
                Next::Command(next) => *number = next,
                Next::Done(result) => return Step::Done(result),
            }
        }
        match plan.commands.get(*number) {
            Some(&command) => Step::Command(command.with(*argument, 0)),
            None => Step::Done((plan.end)(&mut state.known)),
        }
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query at command {}", self.number)
    }
}
