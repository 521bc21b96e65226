//! The steps of a command that was accepted: what is stored, in which order, and what is done then.

use meter_core::units::UtcSeconds;

use super::cose::{Form, TAG};
use super::decide::Decision;
use super::gate::Gate;
use super::state::{Change, Kept, Part, ReplayState, Short, State, Waiting};
use super::{Command, KeyId, Operation, Outcome, Response};

/// A command on its way through the gate.
#[derive(Debug)]
pub struct Accepted<'b> {
    pub(super) authentic: Authentic<'b>,
    pub(super) decision: Decision,
    pub(super) clock: Option<UtcSeconds>,
    /// This is the first use of the next key.
    pub(super) is_promotion: bool,
    /// How many of the decision's acts are behind.
    pub(super) taken: usize,
}

/// The next thing to do.
#[derive(Debug)]
pub enum Step<'b> {
    /// Make this durable, tell [`Gate::stored`], and take the next step.
    Store(Change),
    /// Run the command and tell [`Gate::finish`]. It is the last step.
    Run(Order<'b>),
    /// Send this answer. It is the last step.
    Answer(Answer),
}

/// A command that is to be run now.
#[derive(Clone, Copy, Debug)]
pub struct Order<'b> {
    /// What [`Gate::finish`] wants back.
    pub ticket: Ticket,
    /// What to do. Its time and its right to be run have been checked; arguments that are the
    /// application's own have not.
    pub command: Command<'b>,
}

/// Names a command that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ticket {
    pub(super) id: KeyId,
    pub(super) counter: u64,
    pub(super) form: Form,
    pub(super) operation: Operation,
    /// Where it waited; `None` for one that is run at once.
    pub(super) place: Option<usize>,
}

/// An answer that is to be sealed and sent.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub(super) id: KeyId,
    pub(super) form: Form,
    pub(super) counter: u64,
    pub(super) kept: Kept,
    /// What the command asked for; `None` where the answer is to a repeated message.
    pub operation: Option<Operation>,
}

impl Answer {
    /// The name of the key that the command came under.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.id
    }

    /// The answer as it is on the wire, before it is sealed.
    #[must_use]
    pub fn response(&self) -> Response<'_> {
        Response {
            time: self.kept.time,
            counter: self.counter,
            outcome: self.kept.outcome,
            body: self.kept.body.item(),
        }
    }
}

/// A message whose tag is right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authentic<'b> {
    pub(super) id: KeyId,
    pub(super) form: Form,
    pub(super) tag: [u8; TAG],
    pub(super) command: Command<'b>,
}

impl Authentic<'_> {
    pub(super) const fn answer(&self, kept: Kept, operation: Option<Operation>) -> Answer {
        Answer {
            id: self.id,
            form: self.form,
            counter: self.command.counter,
            kept,
            operation,
        }
    }

    pub(super) fn is(&self, waiting: &Waiting) -> bool {
        (waiting.id, waiting.counter, waiting.tag) == (self.id, self.command.counter, self.tag)
    }
}

/// What is stored for a decision, in order.
#[derive(Clone, Copy)]
enum Act {
    /// The counter, with the answer that the command was taken.
    Count,
    /// The counter, with the last answer.
    Settle,
    /// The keys, where one has taken another's place.
    Keys,
    /// The keys, with the one that the command brought.
    NextKey,
    /// A command that waits.
    Waiting,
}

impl Decision {
    /// A counter is always stored before what it stands for is done. A command that only begins
    /// to wait does nothing yet; it is stored first, so that it is there if its counter is. One that
    /// is replaced ends first too: it must not run after a power cut, when its successor did.
    const fn acts(&self) -> &'static [Act] {
        match self {
            Self::Run => &[Act::Waiting, Act::Count, Act::Keys],
            Self::Wait(..) => &[Act::Waiting, Act::Count, Act::Keys],
            Self::Confirm(..) => &[Act::Count, Act::Keys, Act::Waiting, Act::Settle],
            Self::Rotate(_) => &[Act::Count, Act::NextKey, Act::Settle],
            Self::Finish(_) => &[Act::Settle, Act::Keys],
            Self::Due(_) | Self::Lapse(_) => &[Act::Waiting],
        }
    }

    const fn outcome(&self) -> Outcome {
        match self {
            Self::Run | Self::Wait(..) | Self::Due(_) => Outcome::Accepted,
            Self::Confirm(..) | Self::Rotate(_) => Outcome::Done,
            Self::Finish(outcome) => *outcome,
            Self::Lapse(_) => Outcome::Expired,
        }
    }
}

impl Gate {
    /// The next step of a command that was accepted.
    pub fn step<'b>(&self, accepted: &mut Accepted<'b>) -> Step<'b> {
        while let Some(act) = accepted.decision.acts().get(accepted.taken) {
            accepted.taken += 1;
            if let Some(part) = self.part(*act, accepted) {
                return Step::Store(Change(part));
            }
        }
        let authentic = accepted.authentic;
        let place = match accepted.decision {
            Decision::Run => None,
            Decision::Due(place) => Some(place),
            _ => {
                let kept = Kept::new(accepted.decision.outcome(), accepted.clock);
                let operation = Some(authentic.command.operation);
                return Step::Answer(authentic.answer(kept, operation));
            }
        };
        Step::Run(Order {
            ticket: Ticket {
                id: authentic.id,
                counter: authentic.command.counter,
                form: authentic.form,
                operation: authentic.command.operation,
                place,
            },
            command: authentic.command,
        })
    }

    fn part(&self, act: Act, accepted: &Accepted<'_>) -> Option<Part> {
        let authentic = &accepted.authentic;
        let KeyId { role, generation } = authentic.id;
        let seen = |outcome| {
            Some(Part::Replay(
                role,
                ReplayState {
                    generation,
                    counter: authentic.command.counter,
                    tag: authentic.tag,
                    kept: Kept::new(outcome, accepted.clock),
                },
            ))
        };
        match act {
            Act::Count => seen(Outcome::Accepted),
            Act::Settle => seen(accepted.decision.outcome()),
            Act::Keys if accepted.is_promotion => {
                let mut keys = self.keys.clone();
                keys.of_mut(role).promote(generation);
                Some(Part::Keys(keys))
            }
            Act::Keys => None,
            Act::NextKey => {
                let Decision::Rotate(new) = &accepted.decision else {
                    return None;
                };
                let mut keys = self.keys.clone();
                keys.of_mut(role).promote(generation);
                keys.of_mut(new.id.role).next = Some((new.id.generation, new.key.clone()));
                Some(Part::Keys(keys))
            }
            Act::Waiting => self.waiting_part(accepted),
        }
    }

    fn waiting_part(&self, accepted: &Accepted<'_>) -> Option<Part> {
        let kept = Kept::new(accepted.decision.outcome(), accepted.clock);
        let Authentic {
            id,
            form,
            tag,
            command,
        } = accepted.authentic;
        Some(match accepted.decision {
            Decision::Wait(place, state) => {
                let waiting = Waiting {
                    id,
                    counter: command.counter,
                    tag,
                    form,
                    operation: command.operation,
                    arguments: Short::new(command.arguments.unwrap_or_default())?,
                    not_after: command.not_after,
                    state,
                    kept,
                };
                Part::Waiting(place, waiting)
            }
            Decision::Confirm(place, clock) => {
                let state = State::Due(clock);
                let waiting = self.place(place)?;
                Part::Waiting(place, Waiting { state, ..waiting })
            }
            // Done at once, a switch on say: one that waits must not undo it later.
            Decision::Run => {
                let place = self.replaced(command.operation)?;
                let refused = Kept::new(Outcome::Refused, accepted.clock);
                Part::Waiting(place, self.place(place)?.ended(refused))
            }
            Decision::Due(place) | Decision::Lapse(place) => {
                Part::Waiting(place, self.place(place)?.ended(kept))
            }
            Decision::Rotate(_) | Decision::Finish(_) => return None,
        })
    }
}
