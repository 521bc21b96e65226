//! Settings of TLS, AT reference section 11. What they are is in [`crate::tls`].

use crate::command::{Command, Spec};
use crate::known::Known;
use crate::tls::{self, TlsSetting};

/// The first argument is the number of the setting in [`TlsSetting::ALL`].
static SET: Spec = Spec::written(|line, known, [number, _]| {
    if let Some((setting, value)) = setting(known, number) {
        tls::write(line, setting, Some(value.as_str()));
    }
});
static READ: Spec = Spec::written(|line, known, [number, _]| {
    if let Some((setting, _)) = setting(known, number) {
        tls::write(line, setting, None);
    }
})
.answered("+QSSLCFG", |line, known, [number, _]| {
    if let Some((setting, value)) = setting(known, number) {
        known.heard.is_set = tls::shows(line, setting, value.as_str());
    }
    true
});

/// `AT+QSSLCFG="<key>",1,<value>`
pub(crate) fn set(number: usize) -> Command {
    SET.with(u32::try_from(number).unwrap_or(u32::MAX), 0)
}

/// `AT+QSSLCFG="<key>",1`
pub(crate) fn read(number: usize) -> Command {
    READ.with(u32::try_from(number).unwrap_or(u32::MAX), 0)
}

/// A setting and the value it is to have.
fn setting(known: &Known, number: u32) -> Option<(TlsSetting, crate::tls::FileName)> {
    let setting = *TlsSetting::ALL.get(usize::try_from(number).ok()?)?;
    Some((setting, known.config.tls.as_ref()?.value(setting)))
}
