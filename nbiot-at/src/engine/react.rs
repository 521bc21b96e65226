//! What a line, a final code or a loss leads to.

use super::Engine;
use super::exchange::{Final, Next};
use super::job::Cause;
use super::state::Effect;
use crate::error::{Fault, Stage};
use crate::time::Instant;

impl<const SOCKETS: usize> Engine<SOCKETS> {
    pub(super) fn apply(&mut self, effect: Effect, now: Instant) {
        match effect {
            Effect::None => {}
            Effect::Answer => self.exchange.answered = true,
            Effect::Block(length, trailer) => self.splitter.expect_block(length, trailer),
            Effect::Damaged => self.deafen(now),
            Effect::Changed => {
                if self.wake.is_some() && self.exchange.command.is_none() {
                    self.step(Cause::Wake, now);
                }
            }
            Effect::Restarted => self.restarted(now),
            Effect::PoweredDown => self.lost(Fault::PoweredDown, now),
            Effect::Asleep => self.lost(Fault::Asleep, now),
        }
    }

    pub(super) fn finish(&mut self, code: Final, now: Instant) {
        let next = self.exchange.finish(code, self.state.known.payload.len());
        self.follow(next, now);
    }

    /// The exchange cannot succeed any more; late answers have to be waited for.
    pub(super) fn fail(&mut self, fault: Fault, now: Instant) {
        if self.exchange.command.is_some() && !self.exchange.is_resynchronising() {
            let next = self.exchange.resynchronise(fault);
            self.follow(next, now);
        }
    }

    pub(super) fn follow(&mut self, next: Next, now: Instant) {
        match next {
            Next::Wait => {}
            Next::Command(command) => {
                if !self.exchange.is_resynchronising() {
                    // It was kept until the guard was answered.
                    self.listen();
                }
                self.command(command, now);
            }
            Next::Ended(result) => {
                self.wipe();
                self.listen();
                if self.wake.is_some() {
                    // No job has asked for that.
                    self.step(Cause::Wake, now);
                } else if self.task.is_some() {
                    if matches!(result, Err(Fault::Silent)) {
                        self.state.known.stage = Stage::Boot;
                    }
                    self.step(Cause::Reply(result), now);
                } else {
                    self.tidy(now);
                }
            }
        }
    }

    /// What follows may be a payload that is not counted: it is not listened to until the modem has
    /// been quiet, and is heard to answer then. But that it switches off as it was told to is heard
    /// in any case.
    pub(super) fn deafen(&mut self, now: Instant) {
        if self.state.known.off_by.is_some() {
            return;
        }
        self.deaf_since.get_or_insert(now);
        self.splitter.expect_prompt(false);
        self.exchange.await_quiet();
        if self.exchange.command.is_none() {
            self.exchange.doubt();
        }
    }

    /// What comes now is a line again.
    #[inline(never)]
    pub(super) fn listen(&mut self) {
        self.splitter.abort_block();
        if self.deaf_since.take().is_some() {
            self.state.doubt();
        }
    }

    pub(super) fn restarted(&mut self, now: Instant) {
        if core::mem::take(&mut self.state.known.is_asleep) {
            self.state.pending.awake();
        }
        self.lost(Fault::Restarted, now);
        self.state.known.boot = Some(now);
    }

    /// The modem is not the one that was set up.
    pub(super) fn lost(&mut self, fault: Fault, now: Instant) {
        let was_ready = core::mem::take(&mut self.state.known.was_ready);
        match fault {
            Fault::PoweredDown => self.state.pending.powered_down(),
            Fault::Asleep => self.state.pending.asleep(),
            _ if was_ready => self.state.pending.restarted(),
            _ => {}
        }
        self.state.invalidate();
        self.state.known.is_asleep = matches!(fault, Fault::Asleep);
        self.state.known.said_off = matches!(fault, Fault::PoweredDown);
        self.exchange.abort();
        self.wipe();
        self.deaf_since = None;
        self.splitter.abort_block();
        if core::mem::take(&mut self.abandoned) {
            // It has left nothing behind in a modem that forgot everything.
            self.task = None;
            self.wake = None;
        }
        if self.task.is_some() {
            self.step(Cause::Reply(Err(fault)), now);
        }
    }
}
