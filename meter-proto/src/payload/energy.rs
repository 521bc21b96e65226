//! The four energy registers that readings and billing records share: keys 11 to 14.

use meter_core::units::WattHours;

use super::DecodeError;
use super::cbor::{Writer, Written};

/// Active import and export, reactive import and export, as far as they are there.
pub(super) type Energies = [Option<WattHours>; 4];

/// The first of their keys.
const FIRST: u8 = 11;

/// Takes the value when the key is one of them.
pub(super) fn take(
    registers: [&mut Option<WattHours>; 4],
    key: u64,
    value: &mut minicbor::Decoder<'_>,
) -> Result<bool, DecodeError> {
    let mut keyed = (u64::from(FIRST)..).zip(registers);
    let Some((_, register)) = keyed.find(|(of_register, _)| *of_register == key) else {
        return Ok(false);
    };
    *register = Some(WattHours::new(value.u64()?));
    Ok(true)
}

/// The number of map entries that [`write`] makes.
pub(super) fn entries(energies: &Energies) -> u64 {
    energies.iter().flatten().count() as u64
}

pub(super) fn write(energies: &Energies, writer: &mut Writer<'_>) -> Written {
    for (key, energy) in (FIRST..).zip(energies) {
        if let Some(energy) = energy {
            writer.u8(key)?.u64(energy.get())?;
        }
    }
    Ok(())
}
