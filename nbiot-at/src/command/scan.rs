//! Where the modem looks for a network, AT reference section 8.

use crate::command::Spec;
use crate::known::Known;
use crate::text::Text;

/// The argument of both is the number of the setting.
pub(crate) static SETTING_STATE: Spec = Spec::written(|line, known, [number, _]| {
    let (key, _) = setting(known, number);
    line.text("AT+QCFG=").quoted(key);
})
.lists("+QCFG", |line, known, [number, _]| {
    let scan = known.config.scan;
    known.heard.is_set = scan.is_some_and(|scan| scan.is_set(number, line));
    true
});
pub(crate) static SETTING: Spec = Spec::written(|line, known, [number, _]| {
    let (key, value) = setting(known, number);
    line.text("AT+QCFG=").quoted(key);
    line.text(",").text(value.as_str());
});

fn setting(known: &Known, number: u32) -> (&'static str, Text<48>) {
    let setting = known.config.scan.and_then(|scan| scan.setting(number));
    setting.unwrap_or_default()
}
