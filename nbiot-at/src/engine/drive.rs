//! What drives a job: its commands go to the modem, their results come back to it.

use core::fmt;

use super::Engine;
use super::job::{Cause, Job, Step, Task};
use super::transfer::Close;
use crate::command::{Command, Invitation};
use crate::error::Fault;
use crate::known::Heard;
use crate::time::Instant;

impl<const SOCKETS: usize> Engine<SOCKETS> {
    /// Asks the job for its next step.
    #[inline(never)]
    pub(super) fn step(&mut self, cause: Cause, now: Instant) {
        if let Some(task) = self.task.take() {
            self.go_on(task, cause, now);
        }
    }

    pub(super) fn go_on(&mut self, mut task: Task<SOCKETS>, cause: Cause, now: Instant) {
        self.wake = None;
        if self.abandoned {
            return self.end_task(task, now);
        }
        if cause == Cause::Begin && self.state.known.config.dtr_sleep {
            // It may sleep: the first line may not be the one that it gets.
            self.exchange.doubt();
        }
        match task.step(&mut self.state, cause, now) {
            Step::Command(command) => {
                self.task = Some(task);
                self.command(command, now);
            }
            Step::Wait(until) => {
                self.task = Some(task);
                self.wake = Some(until);
            }
            Step::Done(result) => {
                if result.is_err() && !self.tidying {
                    // What it was to be told with is no answer.
                    self.state.known.forget_payload();
                }
                if !core::mem::take(&mut self.tidying) {
                    self.outcome = Some(result);
                }
                self.tidy(now);
            }
        }
    }

    /// Ends an abandoned job.
    pub(super) fn drop_job(&mut self, now: Instant) {
        if let Some(task) = self.task.take() {
            self.end_task(task, now);
        }
    }

    pub(super) fn end_task(&mut self, mut task: Task<SOCKETS>, now: Instant) {
        task.abandon(&mut self.state, now);
        self.state.known.forget_payload();
        self.wake = None;
        self.abandoned = false;
        self.tidy(now);
    }

    /// Closes what is open and nobody holds.
    pub(super) fn tidy(&mut self, now: Instant) {
        if self.state.known.off_by.is_some() {
            return;
        }
        let socket = self.state.sockets.stray().map(Close::Socket);
        let close = socket.or_else(|| self.state.known.mqtt.stray().map(Close::Mqtt));
        if let Some(close) = close {
            self.tidying = true;
            self.go_on(Task::new(close, Job::Close), Cause::Begin, now);
        }
    }

    pub(super) fn command(&mut self, command: Command, now: Instant) {
        if self.exchange.needs_guard(command) {
            let next = self.exchange.keep(command);
            return self.follow(next, now);
        }
        self.wipe();
        let known = &mut self.state.known;
        if self.wake.is_none() && !command.spec.is_aside {
            known.heard = Heard::NOTHING;
        }
        known.spoiled &= command.spec.payload.is_none();
        match command.encode(known, &mut self.exchange.text) {
            true => {
                if !self.exchange.is_resynchronising() && !command.spec.is_aside {
                    known.is_secret = command.spec.is_secret;
                    if let Some(hide) = known.hide.take() {
                        hide(known, &self.exchange.text);
                    }
                }
                self.exchange.begin(command, now);
                let expects_prompt = self.exchange.expects(Invitation::Prompt);
                self.splitter.expect_prompt(expects_prompt);
                self.splitter.expect_long(command.spec.is_long);
                let lines = self.state.known.mqtt.lines;
                self.splitter
                    .expect_quoted(lines.map(|lines| lines.is_header));
            }
            // Every parameter is shorter than its room on the line.
            false => {
                self.task = None;
                self.outcome = Some(Err(Fault::LogicBug));
            }
        }
    }

    /// Overwrites a command line that must not stay in memory.
    pub(super) fn wipe(&mut self) {
        if self.state.known.is_secret {
            self.exchange.text.fill(0);
        }
    }
}

/// What is told by name, and nothing of what was sent or received.
impl<const SOCKETS: usize> fmt::Debug for Engine<SOCKETS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("stage", &self.stage())
            .field("task", &self.task)
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Apn, Config};
    use crate::query::sim::EnterPin;

    #[test]
    fn pin_is_overwritten_in_the_line_that_was_sent() {
        let now = Instant::from_millis(1_000);
        for said in ["\r\nOK\r\n", "\r\n+CME ERROR: 16\r\n", "\r\nRDY\r\n"] {
            let mut engine = Engine::<1>::new(Config::new(Apn::new()));
            engine.ask(&EnterPin("7391"), now).unwrap();
            let line = b"AT+CPIN=\"7391\"\r";
            assert_eq!(engine.transmit(), Some(&line[..]));
            engine.transmitted(line.len());
            engine.receive(said.as_bytes(), now);
            assert_eq!(engine.exchange.text, [0; 15]);
        }
    }
}
