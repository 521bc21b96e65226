//! What the model tells of itself and of the network around it. AT reference sections 5 and 7.

use core::fmt::Write;

use crate::command::radio::Access;
use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::sim::{Modem, Power};
use crate::text::Text;
use crate::time::Instant;

/// What the host has set of it, until the next restart.
#[derive(Debug, Default)]
pub(super) struct Informed {
    /// `AT+QCSCON=1`
    connection_reports: bool,
    /// `AT+QSIMSTAT=1`
    pub(super) sim_reports: bool,
    /// `AT+CTZR`
    pub(super) zone_reports: u8,
    /// `<format>` of `AT+COPS=3`
    operator_format: u8,
    /// The counters of bytes begin anew.
    is_count_reset: bool,
}

/// Its own network: long name, short name, number.
const OWN: [&str; 3] = ["Isole Eolie Mobile", "Eolie", "22299"];

impl<N: Network> Modem<N> {
    /// Answers what asks for itself; false if this is something else.
    pub(super) fn inform(&mut self, call: &Call<'_>, now: Instant) -> bool {
        match (call.name, call.form) {
            ("CGMR" | "GMR", Form::Execute) => self.tell(format_args!("BG96MAR02A08M1G"), now),
            ("QAPPVER", Form::Execute) => {
                self.tell(format_args!("BG96MAR02A08M1G_01.012.01.012"), now);
            }
            ("CPAS", Form::Execute) => self.tell(format_args!("+CPAS: 0"), now),
            ("CFUN", Form::Read) => {
                let level = if self.is_radio_on { 1 } else { 0 };
                self.tell(format_args!("+CFUN: {level}"), now);
            }
            ("CBC", Form::Execute) => self.tell(format_args!("+CBC: 0,78,3812"), now),
            ("QTEMP", Form::Execute) => self.tell(format_args!("+QTEMP: 31,29,-4"), now),
            ("QADC", Form::Write("0")) => self.tell(format_args!("+QADC: 1,1187"), now),
            // Nothing is connected to it.
            ("QADC", Form::Write("1")) => self.tell(format_args!("+QADC: 0,0"), now),
            ("QGDCNT", Form::Read) => {
                let reset = self.informed.is_count_reset;
                let [sent, received] = if reset { [0, 0] } else { [7_842, 3_724] };
                self.tell(format_args!("+QGDCNT: {sent},{received}"), now);
            }
            ("QGDCNT", Form::Write("0")) => {
                self.informed.is_count_reset = true;
                self.ok(now);
            }
            ("QGDCNT", Form::Write("1")) => self.ok(now),
            ("CREG", Form::Read) => {
                // Without calls it is not registered for them.
                self.tell(format_args!("+CREG: 0,2"), now);
            }
            ("QCSCON", Form::Read) => {
                let reports = u8::from(self.informed.connection_reports);
                let is_connected = u8::from(self.has_radio(now));
                self.tell(format_args!("+QCSCON:{reports},{is_connected}"), now);
            }
            ("QCSCON", Form::Write(value @ ("0" | "1"))) => {
                self.informed.connection_reports = value == "1";
                self.ok(now);
            }
            ("QNWINFO", Form::Execute) => self.network_information(now),
            ("QSPN", Form::Execute) if self.is_registered() => {
                let [long, short, number] = OWN;
                let names = format_args!("\"{long}\",\"{short}\",\"{short}\"");
                self.tell(format_args!("+QSPN: {names},0,\"{number}\""), now);
            }
            ("QENG", Form::Write("\"servingcell\"")) => self.serving_cell(now),
            ("QENG", Form::Write("\"neighbourcell\"")) => self.ok(now),
            ("COPS", Form::Read) => self.operator(now),
            ("COPS", Form::Test) => self.find_operators(now),
            ("COPS", Form::Write(format @ ("3,0" | "3,1" | "3,2"))) => {
                self.informed.operator_format = format.as_bytes().last().map_or(0, |d| d - b'0');
                self.ok(now);
            }
            _ => return false,
        }
        true
    }

    /// There was traffic that the network has not yet released the connection after.
    fn has_radio(&self, now: Instant) -> bool {
        let released = self.last_active + self.settings.release;
        self.power == Power::On && self.is_registered() && now < released
    }

    fn network_information(&mut self, now: Instant) {
        let band = self.settings.band;
        let [_, _, number] = OWN;
        let (name, channel) = match self.settings.access {
            _ if !self.is_registered() => {
                return self.tell(format_args!("+QNWINFO: No Service"), now);
            }
            Access::Gsm => {
                let place = format_args!("\"GSM 900\",62");
                return self.tell(format_args!("+QNWINFO: \"GSM\",\"{number}\",{place}"), now);
            }
            Access::LteM => ("CAT-M1", 6400),
            Access::NbIot | Access::Other(_) => ("CAT-NB1", 6352),
        };
        let place = format_args!("\"LTE BAND {band}\",{channel}");
        self.tell(
            format_args!("+QNWINFO: \"{name}\",\"{number}\",{place}"),
            now,
        );
    }

    fn serving_cell(&mut self, now: Instant) {
        if !self.is_registered() {
            return self.tell(format_args!("+QENG: \"servingcell\",\"SEARCH\""), now);
        }
        let state = if self.has_radio(now) {
            "CONNECT"
        } else {
            "NOCONN"
        };
        let band = self.settings.band;
        let name = match self.settings.access {
            Access::LteM => "CAT-M",
            _ => "CAT-NB",
        };
        let cell = format_args!("222,99,1C2D304,211,6352,{band},0,0,A1B,-83,-12,-71,24,-");
        let head = format_args!("\"servingcell\",\"{state}\",\"{name}\",\"FDD\"");
        self.tell(format_args!("+QENG: {head},{cell}"), now);
    }

    fn operator(&mut self, now: Instant) {
        if !self.is_registered() {
            return self.tell(format_args!("+COPS: 0"), now);
        }
        let format = self.informed.operator_format;
        let name = OWN.get(usize::from(format)).copied().unwrap_or_default();
        let access = self.settings.access_number();
        self.tell(format_args!("+COPS: 0,{format},\"{name}\",{access}"), now);
    }

    /// It takes its time, and the answer is longer than a line of anything else.
    fn find_operators(&mut self, now: Instant) {
        let done = now + core::time::Duration::from_secs(25);
        self.busy_until = done;
        let [long, short, number] = OWN;
        let own = if self.is_registered() { 2 } else { 1 };
        let access = self.settings.access_number();
        let mut line = Text::<600>::new();
        let mut fits = write!(
            line,
            "\r\n+COPS: ({own},\"{long}\",\"{short}\",\"{number}\",{access})"
        );
        for n in 1..=7 {
            let stat = if n == 7 { 3 } else { 1 };
            let other = format_args!("({stat},\"Stromboli (I), {n}\",\"STR {n}\",\"2221{n}\",8)");
            fits = fits.and_then(|()| write!(line, ",{other}"));
        }
        fits = fits.and_then(|()| write!(line, ",,(0-4),(0-2)\r\n"));
        if fits.is_ok() {
            self.emit(line.as_bytes().iter().copied(), done);
        }
        self.ok(done);
    }
}
