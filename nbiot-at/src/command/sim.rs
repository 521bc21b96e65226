//! The SIM, AT reference section 6.

use crate::command::Spec;
use crate::field::{Fields, which};

pub(crate) static SIM_STATE: Spec = Spec::new("AT+CPIN?").within(5_000).reported();
pub(crate) static PIN_TRIES: Spec =
    Spec::new("AT+QPINC=\"SC\"")
        .within(5_000)
        .answered("+QPINC", |line, known, _| {
            known.heard.tries = pin_tries(line);
            true
        });
pub(crate) static ENTER_PIN: Spec = Spec::written(|line, known, _| {
    line.text("AT+CPIN=").quoted(known.config.pin.as_str());
})
.within(5_000)
.hidden();

/// What `+CPIN` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SimState {
    Ready,
    NotReady,
    NotInserted,
    Pin,
    Puk,
    /// Another lock: network, service provider, corporate, PIN2.
    Locked,
}

/// `+CPIN: <code>`, the answer and the URC alike.
pub(crate) fn sim_state(line: &[u8]) -> Option<SimState> {
    const CODES: [&str; 5] = ["READY", "NOT READY", "NOT INSERTED", "SIM PIN", "SIM PUK"];
    Some(
        match which(&CODES, Fields::of(line, "+CPIN")?.next().text) {
            Some(0) => SimState::Ready,
            Some(1) => SimState::NotReady,
            Some(2) => SimState::NotInserted,
            Some(3) => SimState::Pin,
            Some(4) => SimState::Puk,
            _ => SimState::Locked,
        },
    )
}

/// `+QSIMSTAT: <enabled>,0`: the card was taken out.
pub(crate) fn removed(line: &[u8]) -> Option<SimState> {
    let mut fields = Fields::of(line, "+QSIMSTAT")?;
    fields.next();
    (fields.number() == Some(0u8)).then_some(SimState::NotInserted)
}

/// `+QPINC: "SC",<tries left>,<PUK tries left>`.
fn pin_tries(line: &[u8]) -> Option<u8> {
    let mut fields = Fields::of(line, "+QPINC")?;
    fields.next();
    fields.number()
}
