//! Packet contexts, AT reference section 9.

use crate::field::Fields;

/// The context this client uses.
pub(crate) const CONTEXT: u8 = 1;

/// `+CGEV: NW DETACH`, `+CGEV: ME DETACH` and `+CGEV: NW PDN DEACT <cid>`: contexts are gone.
pub(crate) fn is_detached(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"+CGEV:") else {
        return false;
    };
    let rest = rest.trim_ascii();
    let ours = |digits: &[u8]| digits.trim_ascii() == b"1";
    rest == b"NW DETACH"
        || rest == b"ME DETACH"
        || rest.strip_prefix(b"NW PDN DEACT").is_some_and(ours)
}

/// `+QIACT: <ctx>,<state>,…`: whether it says that our context is active.
pub(crate) fn active(line: &[u8]) -> Option<bool> {
    let mut fields = Fields::of(line, "+QIACT")?;
    Some(fields.number() == Some(CONTEXT) && fields.number() == Some(1_u8))
}
