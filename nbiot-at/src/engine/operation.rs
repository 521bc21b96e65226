//! What a query of the application leads to: a command, and the lines of its result behind `OK`.

use crate::code::HttpError;
use crate::command::ask::{ASK, ASK_LONG, OPERATION, WITH_DATA};
use crate::command::custom::hide;
use crate::command::general::CHECK;
use crate::command::line::{COMMAND, Line};
use crate::engine::file;
use crate::engine::job::{Answer, Cause, Job, Step, Task, work};
use crate::engine::query::{Next, Plan, Query as Asked, of_gnss};
use crate::engine::state::State;
use crate::error::Fault;
use crate::known::{CHUNK, Known};
use crate::query::{Lines, Query};
use crate::text::{Bytes, Text};
use crate::time::Instant;

/// Its answer is in the buffer, behind its line.
pub(crate) static ASKED: Plan = Plan::new(&[&ASK], next, whole);
/// The same with an answer longer than a line.
pub(crate) static ASKED_LONG: Plan = Plan::new(&[&ASK_LONG], next, whole);

/// An answer that is longer than the buffer is taken as far as it fits.
pub(crate) static ASKED_AT_MOST: Plan = Plan::new(&[&ASK], next, |known| {
    let answer = Answer::Count(known.payload.len());
    let is_damaged = known.heard.is_damaged;
    (!is_damaged).then_some(answer).ok_or(Fault::Malformed)
});

fn next(_: &mut Known, number: usize, result: Result<(), Fault>) -> Next {
    match result {
        Ok(()) => Next::Command(number + 1),
        Err(fault) => Next::Done(Err(told(fault))),
    }
}

fn whole(known: &mut Known) -> Result<Answer, Fault> {
    let answer = Answer::Count(known.payload.len());
    let is_whole = !known.heard.is_cut;
    is_whole.then_some(answer).ok_or(Fault::Malformed)
}

/// The reason in the words of its chapter: no two of them share a number.
fn told(fault: Fault) -> Fault {
    match fault {
        Fault::Cme(error) if (701..=730).contains(&error.code()) => {
            Fault::HttpModule(HttpError::from_code(error.code()))
        }
        other => of_gnss(file::told(other)),
    }
}

/// Whether the lines so far are all of a result.
type IsWhole = fn(Lines<'_>) -> bool;

/// A command whose result comes in lines of its own, some time behind `OK`, or in front of it.
///
/// ```text
///   command ──► OK ──► AT+CMEE?, behind data ──► wait for the lines ──► done
///       └── error without a line ──► failed              └── time is up ──► failed, or what came
/// ```
///
/// No line says which of two commands it is the result of: where the one before was dropped or its
/// time was up, this one waits until its result has come or can come no more.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Time to the final result code, then to the result, ms.
    times: [u32; 2],
    has_data: bool,
    is_checked: bool,
    is_whole: IsWhole,
    until: Option<Instant>,
}

work!(Operation);

impl Operation {
    fn next<const N: usize>(&mut self, state: &mut State<N>, cause: Cause, now: Instant) -> Step {
        let [time_out, time] = self.times;
        let Some(until) = self.until else {
            let until = now.plus(time_out.saturating_add(time));
            if time > 0 {
                if let Some(before) = state.known.result_until.filter(|before| now < *before) {
                    return Step::Wait(before);
                }
                state.known.result_until = Some(until);
            }
            (self.until, state.known.hears_result) = (Some(until), true);
            let command = if self.has_data {
                &WITH_DATA
            } else {
                &OPERATION
            };
            return Step::Command(command.with(time_out, 0));
        };
        match cause {
            // The reason may have come before it.
            Cause::Reply(Err(fault))
                if is_unsure(fault) || time == 0 || self.is_checked || !self.has_result(state) =>
            {
                if !is_unsure(fault) {
                    state.known.result_until = None;
                }
                return Self::end(state, Step::failed(told(fault)));
            }
            // Zeros may have been taken for the data.
            Cause::Reply(Ok(())) if state.known.spoiled => {
                return Self::end(state, Step::failed(Fault::TimedOut));
            }
            Cause::Reply(Ok(())) if self.has_data && !self.is_checked => {
                self.is_checked = true;
                return Step::command(&CHECK);
            }
            _ => {}
        }
        let is_late = now >= until || matches!(cause, Cause::Reply(Err(_)));
        let is_whole = (self.is_whole)(self.lines(state));
        if time > 0 && !is_late && !is_whole && !state.known.heard.is_cut {
            return Step::Wait(until);
        }
        if state.known.heard.is_cut {
            return Self::end(state, Step::failed(Fault::Malformed));
        }
        if time > 0 && !self.has_result(state) {
            return Self::end(state, Step::failed(Fault::TimedOut));
        }
        if time > 0 && is_whole {
            state.known.result_until = None;
        }
        if self.has_data {
            self.show(&mut state.known);
        }
        let step = Step::Done(whole(&mut state.known));
        Self::end(state, step)
    }

    /// The application has what there is: nothing is put behind it.
    fn end<const N: usize>(state: &mut State<N>, step: Step) -> Step {
        state.known.hears_result = false;
        step
    }

    /// The lines of the result so far.
    fn lines<'a, const N: usize>(&self, state: &'a State<N>) -> Lines<'a> {
        let known = &state.known;
        Lines::new(if self.has_data {
            known.target.host.as_bytes()
        } else {
            &known.payload
        })
    }

    fn has_result<const N: usize>(&self, state: &State<N>) -> bool {
        !self.lines(state).is_empty()
    }

    /// Puts the line where the application looks for it.
    fn show(&self, known: &mut Known) {
        known.payload.clear();
        let whole = known
            .payload
            .extend_from_slice(known.target.host.as_bytes());
        known.heard.is_cut |= whole.is_err();
    }
}

/// Whether nobody knows what the modem took.
const fn is_unsure(fault: Fault) -> bool {
    matches!(fault, Fault::TimedOut | Fault::Silent | Fault::Malformed)
}

impl<const N: usize> State<N> {
    /// The job of a query.
    pub(crate) fn ask<Q: Query>(&mut self, query: &Q) -> Result<Task<N>, Fault> {
        self.known.hears_result = false;
        self.known.hide = Some(hide);
        let mut text = Bytes::<COMMAND>::new();
        let mut line = Line::new(&mut text);
        query.write(&mut line);
        let time_out = millis(Q::TIME_OUT)?;
        match (query.data(), query.result_time()) {
            (None, None) => {
                let plan = match (Q::IS_LONG, Q::MAY_BE_CUT) {
                    (true, _) => &ASKED_LONG,
                    (false, true) => &ASKED_AT_MOST,
                    (false, false) => &ASKED,
                };
                self.asked(&line)?;
                Ok(Task::new(Asked::with(plan, time_out), Job::Query))
            }
            (data, time) => {
                let time = time.map_or(Ok(0), millis)?;
                self.ordered(&line, data, [time_out, time], Q::is_whole)
            }
        }
    }

    /// Puts the line into the buffer.
    fn asked(&mut self, line: &Line<'_>) -> Result<(), Fault> {
        let text = line.command().ok_or(Fault::InvalidParameter)?;
        self.known.load(text.as_bytes())?;
        self.known.payload.push(b'\n').map_err(|_| Fault::LogicBug)
    }

    #[inline(never)]
    fn ordered(
        &mut self,
        line: &Line<'_>,
        data: Option<&[u8]>,
        times: [u32; 2],
        is_whole: IsWhole,
    ) -> Result<Task<N>, Fault> {
        match data {
            None => self.asked(line)?,
            Some(data) if data.is_empty() || data.len() > CHUNK => {
                return Err(Fault::InvalidParameter);
            }
            Some(data) => {
                let text = line.command().and_then(Text::whole);
                self.known.target.host = text.ok_or(Fault::InvalidParameter)?;
                self.known.load(data)?;
            }
        }
        let operation = Operation {
            times,
            has_data: data.is_some(),
            is_checked: false,
            is_whole,
            until: None,
        };
        Ok(Task::new(operation, Job::Operation))
    }
}

fn millis(time: core::time::Duration) -> Result<u32, Fault> {
    let millis = u32::try_from(time.as_millis()).ok();
    millis.filter(|&n| n > 0).ok_or(Fault::InvalidParameter)
}
