//! What a new command comes to: its time, the powers of its key, its arguments.

use meter_core::units::UtcSeconds;

use super::gate::{Gate, Now};
use super::state::{Short, State};
use super::step::Authentic;
use super::{Command, Form, Operation, Outcome, Role, RotateKey, Switch};

/// What a new command comes to.
#[derive(Debug)]
pub(super) enum Decision {
    /// Run it now.
    Run,
    /// Let it wait in this place.
    Wait(usize, State),
    /// Let the one that waits in this place be due, now.
    Confirm(usize, UtcSeconds),
    /// Take the key that it brings.
    Rotate(RotateKey),
    /// Answer, and nothing else.
    Finish(Outcome),
    /// Run the one that waited in this place.
    Due(usize),
    /// Give up the one that waited in this place: its time is over.
    Lapse(usize),
}

impl Gate {
    pub(super) fn decide(&self, authentic: &Authentic<'_>, now: Now) -> Decision {
        let command = &authentic.command;
        match now.clock {
            Some(clock) if clock > command.not_after => return Decision::Finish(Outcome::Expired),
            None if !command.operation.is_harmless() => return Decision::Finish(Outcome::Refused),
            _ => {}
        }
        if let Operation::Unknown(_) = command.operation {
            return Decision::Finish(Outcome::UnknownOperation);
        }
        if !authentic.id.role.may(command.operation) {
            return Decision::Finish(Outcome::Refused);
        }
        let decided = match (command.operation, now.clock) {
            (Operation::RotateKey, _) => self.decide_rotation(authentic),
            (Operation::SwitchOff | Operation::SwitchOn, Some(clock)) => {
                self.decide_switch(authentic, clock, now.random)
            }
            (Operation::SwitchOff | Operation::SwitchOn, None) => Err(Outcome::Refused),
            (_, clock) => match command.run_at {
                Some(time) if clock.is_none_or(|clock| time > clock) => {
                    self.wait(command, State::Due(time))
                }
                _ => Ok(Decision::Run),
            },
        };
        decided.unwrap_or_else(Decision::Finish)
    }

    fn decide_rotation(&self, authentic: &Authentic<'_>) -> Result<Decision, Outcome> {
        if authentic.form != Form::Encrypt0 {
            return Err(Outcome::Refused);
        }
        let new = RotateKey::decode(authentic.command.arguments);
        let new = new.map_err(|_| Outcome::BadArguments)?;
        if authentic.command.run_at.is_some() || !self.keys.is_new(&new) {
            return Err(Outcome::BadArguments);
        }
        Ok(Decision::Rotate(new))
    }

    fn decide_switch(
        &self,
        authentic: &Authentic<'_>,
        clock: UtcSeconds,
        random: u32,
    ) -> Result<Decision, Outcome> {
        let command = &authentic.command;
        let switch = Switch::decode(command.arguments).map_err(|_| Outcome::BadArguments)?;
        let is_off = command.operation == Operation::SwitchOff;
        if let Some(counter) = switch.confirms {
            let is_bare = command.run_at.is_none() && switch.spread == 0;
            if !is_off || !is_bare || authentic.id.role != Role::Maintenance {
                return Err(Outcome::BadArguments);
            }
            let place = self.unconfirmed(counter).ok_or(Outcome::Refused)?;
            return Ok(Decision::Confirm(place, clock));
        }
        if authentic.id.role == Role::Maintenance {
            return Err(Outcome::Refused);
        }
        let span = if is_off {
            switch.spread.max(self.policy.least_spread)
        } else {
            switch.spread
        };
        match command.run_at {
            None if is_off => self.wait(command, State::Unconfirmed),
            None if span == 0 => Ok(Decision::Run),
            time => {
                let from = time.map_or(clock, |time| time.max(clock)).get();
                let last = from.checked_add(u64::from(span));
                last.filter(|last| *last <= command.not_after.get())
                    .ok_or(Outcome::BadArguments)?;
                let part = (u64::from(random) * (u64::from(span) + 1)) >> 32;
                self.wait(command, State::Due(UtcSeconds::new(from + part)))
            }
        }
    }

    /// The place of a switch off that waits for its second word.
    fn unconfirmed(&self, counter: u64) -> Option<usize> {
        self.waiting.iter().position(|slot| {
            slot.as_ref().is_some_and(|waiting| {
                waiting.state == State::Unconfirmed
                    && waiting.operation == Operation::SwitchOff
                    && waiting.counter == counter
            })
        })
    }

    fn wait(&self, command: &Command<'_>, state: State) -> Result<Decision, Outcome> {
        let is_late = matches!(state, State::Due(time) if time > command.not_after);
        if is_late || Short::new(command.arguments.unwrap_or_default()).is_none() {
            return Err(Outcome::BadArguments);
        }
        let place = self.replaced(command.operation).or_else(|| self.room());
        let place = place.ok_or(Outcome::Busy)?;
        Ok(Decision::Wait(place, state))
    }

    /// The place of the waiting command that this operation takes the place of.
    pub(super) fn replaced(&self, operation: Operation) -> Option<usize> {
        self.waiting.iter().position(|slot| {
            slot.as_ref().is_some_and(|waiting| {
                waiting.state != State::Ended && kind(waiting.operation) == kind(operation)
            })
        })
    }

    /// A place that is free, or whose command ended; of those, the one longest out of date.
    fn room(&self) -> Option<usize> {
        let places = self.waiting.iter().enumerate();
        places
            .filter_map(|(place, slot)| match slot {
                None => Some((UtcSeconds::new(0), place)),
                Some(waiting) if waiting.state == State::Ended => Some((waiting.not_after, place)),
                Some(_) => None,
            })
            .min()
            .map(|(_, place)| place)
    }
}

/// Switch off and switch on take each other's place, every other operation its own.
const fn kind(operation: Operation) -> u64 {
    match operation {
        Operation::SwitchOff => Operation::SwitchOn.number(),
        other => other.number(),
    }
}
