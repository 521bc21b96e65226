//! Packet contexts, AT reference section 9.

use crate::field::Fields;

/// The context this client uses.
pub(crate) const CONTEXT: u8 = 1;

/// `+QIACT: <ctx>,<state>,…`: whether it says that our context is active.
pub(crate) fn active(line: &[u8]) -> Option<bool> {
    let mut fields = Fields::of(line, "+QIACT")?;
    Some(fields.number() == Some(CONTEXT) && fields.number() == Some(1_u8))
}
