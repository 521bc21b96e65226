//! An update of the model's own firmware. AT reference section 20.

use core::time::Duration;

use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::sim::{Action, Modem};
use crate::time::Instant;

/// The step from which on it answers nothing.
const BEGUN: u8 = 2;
/// Its last one.
const END: u8 = 8;

impl<N: Network> Modem<N> {
    pub(super) fn update_command(&mut self, call: &Call<'_>, now: Instant) {
        match call.form {
            Form::Write("1") if self.file("update.zip").is_some() => {
                self.ok(now);
                self.update_goes_on(BEGUN, now + Duration::from_secs(1));
            }
            Form::Write("1") => {
                self.ok(now);
                self.end_update(505, now);
            }
            Form::Write(_) if self.context && call.text(0).starts_with("http") => {
                self.ok(now);
                self.update_goes_on(0, now + Duration::from_secs(1));
            }
            _ => self.error(now),
        }
    }

    /// Whether it answers nothing.
    pub(super) fn is_updating(&self) -> bool {
        self.updating.is_some_and(|step| step >= BEGUN)
    }

    /// A boot that finds an update which was broken off goes on with it.
    pub(super) fn resume_update(&mut self, now: Instant) {
        if self.is_updating() {
            let text = "Last upgrade was not finished,continue upgrade";
            self.say(format_args!("+QIND: \"FOTA\",\"{text}\""), now);
            self.update_goes_on(END - 2, now + Duration::from_secs(10));
        }
    }

    fn update_goes_on(&mut self, step: u8, at: Instant) {
        self.updating = Some(step);
        self.plan(Action::Update(step), at);
    }

    /// One step: what it says, and the next.
    pub(super) fn update(&mut self, step: u8, now: Instant) {
        let error = self.settings.update_error;
        let soon = now + Duration::from_secs(10);
        match step {
            0 => {
                self.say(format_args!("+QIND: \"FOTA\",\"HTTPSTART\""), now);
                self.update_goes_on(1, now + Duration::from_secs(30));
            }
            1 => {
                let error = if (701..=730).contains(&error) {
                    error
                } else {
                    0
                };
                self.say(format_args!("+QIND: \"FOTA\",\"HTTPEND\",{error}"), now);
                if error > 0 {
                    self.updating = None;
                } else {
                    self.update_goes_on(BEGUN, soon);
                }
            }
            BEGUN => {
                self.say(format_args!("+QIND: \"FOTA\",\"START\""), now);
                self.update_goes_on(step + 1, soon);
            }
            3..=5 => {
                let percent = u32::from(step - 3) * 50;
                self.say(
                    format_args!("+QIND: \"FOTA\",\"UPDATING\", {percent}%"),
                    now,
                );
                self.update_goes_on(step + 1, soon);
            }
            6 | 7 => {
                let percent = u32::from(step - 6) * 100;
                self.say(format_args!("+QIND: \"FOTA\",\"RESTORE\",{percent}%"), now);
                self.update_goes_on(step + 1, soon);
            }
            _ => {
                let error = if (504..=506).contains(&error) {
                    error
                } else {
                    0
                };
                self.end_update(error, now);
                if error == 0 {
                    self.restart(now, usize::MAX);
                }
            }
        }
    }

    fn end_update(&mut self, error: u16, now: Instant) {
        self.updating = None;
        self.say(format_args!("+QIND: \"FOTA\",\"END\",{error}"), now);
    }
}
