//! Power saving, AT reference sections 8, 16 and 17.

use crate::command::Spec;
use crate::power_saving;

pub(crate) static MODE_STATE: Spec = Spec::new("AT+CPSMS?").lists("+CPSMS", |line, known, _| {
    let asked = known.config.power_saving.unwrap_or_default();
    known.heard.is_set = asked.is_set(line);
    true
});
pub(crate) static MODE: Spec =
    Spec::written(
        |line, known, _| match known.config.power_saving.and_then(|saving| saving.psm) {
            Some((periodic, active)) => {
                line.text("AT+CPSMS=1,,,\"");
                line.digits(periodic.octet().into(), 2, 8).text("\",\"");
                line.digits(active.octet().into(), 2, 8).text("\"");
            }
            None => {
                line.text("AT+CPSMS=0");
            }
        },
    );
pub(crate) static REPORTS_STATE: Spec =
    Spec::new("AT+QCFG=\"psm/urc\"").lists("+QCFG", |line, known, _| {
        known.heard.is_set = power_saving::reports(line);
        true
    });
pub(crate) static REPORTS: Spec = Spec::new("AT+QCFG=\"psm/urc\",1");
pub(crate) static CYCLE: Spec = Spec::written(|line, known, _| {
    match known.config.power_saving.and_then(|saving| saving.edrx) {
        Some((access, cycle)) => {
            line.text("AT+CEDRXS=1,").number(access.number().into());
            line.text(",\"")
                .digits(cycle.code().into(), 2, 4)
                .text("\"");
        }
        None => {
            line.text("AT+CEDRXS=0");
        }
    }
});
pub(crate) static CYCLE_STATE: Spec =
    Spec::new("AT+CEDRXRDP").answered("+CEDRXRDP", |line, known, _| {
        if let Some(found) = power_saving::cycle(line, "+CEDRXRDP") {
            known.granted.cycle = found;
        }
        true
    });
