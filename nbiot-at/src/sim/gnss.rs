//! The receiver for satellites of the model: in Lipari, once it has had its time. AT reference
//! section 18.

use crate::sim::Modem;
use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::time::Instant;

impl<N: Network> Modem<N> {
    pub(super) fn gnss(&mut self, call: &Call<'_>, now: Instant) {
        match (call.name, call.form, self.gnss_since) {
            ("QGPS", Form::Read, since) => {
                let is_on = u8::from(since.is_some());
                self.tell(format_args!("+QGPS: {is_on}"), now);
            }
            ("QGPS", Form::Write("1"), None) => {
                self.gnss_since = Some(now);
                self.ok(now);
            }
            ("QGPS", Form::Write(_), Some(_)) => self.cme(504, now),
            ("QGPSEND", Form::Execute, Some(_)) => {
                self.gnss_since = None;
                self.ok(now);
            }
            ("QGPSLOC", Form::Write("2"), Some(since)) => {
                let fixed = self.settings.first_fix.map(|time| since + time);
                if fixed.is_none_or(|fixed| now < fixed) {
                    return self.cme(516, now);
                }
                let place = "38.46794,14.95438,0.7,62.2,3,0.00,0.0,0.0";
                self.tell(format_args!("+QGPSLOC: 120000.000,{place},271126,09"), now);
            }
            ("QGPSEND" | "QGPSLOC", _, None) => self.cme(505, now),
            _ => self.cme(501, now),
        }
    }
}
