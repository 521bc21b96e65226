//! One line for each fault, through `defmt` or `log`.

use crate::Fault;

/// Reports a fault of the chip to whichever logger is built in.
pub(crate) fn warn_fault(fault: &Fault) {
    #[cfg(feature = "defmt")]
    defmt::warn!("metering chip: {}", fault);
    #[cfg(all(feature = "log", not(feature = "defmt")))]
    log::warn!("metering chip: {fault}");
    #[cfg(not(any(feature = "defmt", feature = "log")))]
    let _ = fault;
}
