//! Where the model looks for a network. AT reference section 8.

use crate::command::radio::Access;
use crate::sim::at::Call;
use crate::sim::network::Network;
use crate::sim::{Action, Modem};
use crate::text::Text;
use crate::time::Instant;

/// Kept over restarts.
#[derive(Debug)]
pub(super) struct Scan {
    mode: u8,
    iot_mode: u8,
    sequence: Text<8>,
    /// Masks in hex digits: GSM, LTE-M, NB-IoT.
    bands: [Text<24>; 3],
    writes: u32,
}

impl Scan {
    /// It looks for everything, everywhere.
    pub(super) fn everywhere() -> Self {
        Self {
            mode: 0,
            iot_mode: 2,
            sequence: Text::lossy(b"020301"),
            bands: ["f", "400a0e189f", "a0e189f"].map(|mask| Text::lossy(mask.as_bytes())),
            writes: 0,
        }
    }

    /// Whether it would find this access in this band of LTE.
    fn finds(&self, access: Access, band: u8) -> bool {
        let (is_allowed, mask) = match access {
            Access::Gsm => return self.mode != 3,
            Access::LteM => (self.iot_mode != 1, &self.bands[1]),
            Access::NbIot => (self.iot_mode != 0, &self.bands[2]),
            Access::Other(_) => return true,
        };
        let mask = u128::from_str_radix(mask.as_str(), 16).unwrap_or(0);
        is_allowed && self.mode != 1 && mask >> band.saturating_sub(1) & 1 == 1
    }
}

impl<N: Network> Modem<N> {
    /// As it comes from the factory: it looks for LTE-M and GSM.
    pub fn reset_scan(&mut self) {
        self.scan = Scan {
            iot_mode: 0,
            ..Scan::everywhere()
        };
    }

    /// Times that what it looks for was written to its flash.
    #[must_use]
    pub const fn scan_writes(&self) -> u32 {
        self.scan.writes
    }

    /// Whether there is a network where it looks for one.
    pub(super) fn finds_network(&self) -> bool {
        self.scan.finds(self.settings.access, self.settings.band)
    }

    /// Without a value it is a query.
    pub(super) fn scan_setting(&mut self, call: &Call<'_>, now: Instant) {
        let (key, value) = (call.text(0), call.text(1));
        let scan = &mut self.scan;
        if value.is_empty() {
            let Scan {
                mode,
                iot_mode,
                sequence,
                bands: [gsm, lte_m, nb_iot],
                ..
            } = scan;
            return match key {
                "nwscanmode" => {
                    let mode = *mode;
                    self.tell(format_args!("+QCFG: \"{key}\",{mode}"), now);
                }
                "iotopmode" => {
                    let mode = *iot_mode;
                    self.tell(format_args!("+QCFG: \"{key}\",{mode}"), now);
                }
                // The zero in front is not shown.
                "nwscanseq" => {
                    let sequence = sequence.clone();
                    let shown = sequence.as_str().trim_start_matches('0');
                    self.tell(format_args!("+QCFG: \"{key}\",{shown}"), now);
                }
                "band" => {
                    let (gsm, lte_m, nb_iot) = (gsm.clone(), lte_m.clone(), nb_iot.clone());
                    let masks = format_args!("0x{gsm},0x{lte_m},0x{nb_iot}");
                    self.tell(format_args!("+QCFG: \"{key}\",{masks}"), now);
                }
                _ => self.error(now),
            };
        }
        let number = call.number::<u8>(1);
        let is_taken = match (key, number) {
            ("nwscanmode", Some(mode @ (0 | 1 | 3))) => {
                scan.mode = mode;
                true
            }
            ("iotopmode", Some(mode @ 0..=2)) => {
                scan.iot_mode = mode;
                true
            }
            ("nwscanseq", _) if is_sequence(value) => {
                scan.sequence = Text::lossy(value.as_bytes());
                true
            }
            ("band", _) => self.set_bands([value, call.text(2), call.text(3)]),
            _ => false,
        };
        if !is_taken {
            return self.error(now);
        }
        self.scan.writes += 1;
        self.ok(now);
        // It lets go of the cell, and looks again.
        if self.sim_ready {
            self.set_status(2, now);
            self.plan(Action::Register, now + self.settings.registration);
        }
    }

    /// Zero leaves a mask as it is.
    fn set_bands(&mut self, masks: [&str; 3]) -> bool {
        let is_mask = |mask: &&str| u128::from_str_radix(mask, 16).is_ok();
        if !masks.iter().all(is_mask) {
            return false;
        }
        for (band, mask) in self.scan.bands.iter_mut().zip(masks) {
            if mask != "0" {
                *band = Text::lossy(mask.as_bytes());
            }
        }
        true
    }
}

/// Two digits for each access.
fn is_sequence(value: &str) -> bool {
    let mut pairs = value.as_bytes().chunks(2);
    value.len() <= 6 && pairs.all(|pair| matches!(pair, [b'0', b'0'..=b'3']))
}
