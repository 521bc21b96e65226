//! Packet contexts, AT reference section 9.

use crate::command::Spec;
use crate::field::Fields;

pub(crate) static CONTEXT_SETTINGS: Spec = Spec::written(|line, known, _| {
    let config = &known.config;
    line.text("AT+QICSGP=1,1,").quoted(config.apn.as_str());
    line.text(",").quoted(config.user.as_str());
    line.text(",").quoted(config.password.as_str()).text(",1");
});
pub(crate) static CONTEXTS: Spec = Spec::new("AT+QIACT?").lists("+QIACT", |line, known, _| {
    known.heard.active |= active(line) == Some(true);
    true
});
pub(crate) static ACTIVATE: Spec = Spec::new("AT+QIACT=1").within(150_000);
pub(crate) static DEACTIVATE: Spec = Spec::new("AT+QIDEACT=1").within(40_000);

/// The context this client uses.
pub(crate) const CONTEXT: u8 = 1;

/// `+CGEV: NW DETACH`, `+CGEV: ME DETACH` and `+CGEV: NW PDN DEACT <cid>`: contexts are gone.
pub(crate) fn is_detached(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"+CGEV:") else {
        return false;
    };
    const GONE: [&str; 3] = ["NW DETACH", "ME DETACH", "NW PDN DEACT 1"];
    let rest = rest.trim_ascii();
    GONE.iter().any(|text| text.as_bytes() == rest)
}

/// `+QIACT: <ctx>,<state>,…`: whether it says that our context is active.
fn active(line: &[u8]) -> Option<bool> {
    let mut fields = Fields::of(line, "+QIACT")?;
    Some(fields.number() == Some(CONTEXT) && fields.number() == Some(1_u8))
}
