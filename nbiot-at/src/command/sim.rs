//! The SIM, AT reference section 6.

use crate::field::Fields;

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
    let code = Fields::of(line, "+CPIN")?.next().text;
    Some(match code {
        b"READY" => SimState::Ready,
        b"NOT READY" => SimState::NotReady,
        b"NOT INSERTED" => SimState::NotInserted,
        b"SIM PIN" => SimState::Pin,
        b"SIM PUK" => SimState::Puk,
        _ => SimState::Locked,
    })
}

/// `+QPINC: "SC",<tries left>,<PUK tries left>`.
pub(crate) fn pin_tries(line: &[u8]) -> Option<u8> {
    let mut fields = Fields::of(line, "+QPINC")?;
    fields.next();
    fields.number()
}
