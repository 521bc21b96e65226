//! Momentary values: `d/r`.

use meter_core::units::{Milliamps, Millihertz, Millivolts, PowerFactor, WattHours};

use super::cbor::{self, Fields, Writer, Written};
use super::energy::{self, Energies};
use super::{DecodeError, EncodeError, PartialStamp, Phases, Stamp};

/// The momentary values of one instant.
///
/// Powers are in tenths of W, var and VA, as on the wire; what a meter does not measure is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reading {
    /// Key and time.
    pub stamp: Stamp,
    /// RMS voltage, key 4.
    pub voltage: Option<Phases<Millivolts>>,
    /// RMS current, key 5.
    pub current: Option<Phases<Milliamps>>,
    /// Active power in 0.1 W, positive is import, key 6.
    pub active: Option<Phases<i32>>,
    /// Reactive power in 0.1 var, positive is inductive on import, key 7.
    pub reactive: Option<Phases<i32>>,
    /// Apparent power in 0.1 VA, key 8.
    pub apparent: Option<Phases<u32>>,
    /// Power factor, key 9.
    pub power_factor: Option<Phases<PowerFactor>>,
    /// Frequency, key 10.
    pub frequency: Option<Millihertz>,
    /// Active energy import, key 11.
    pub import: Option<WattHours>,
    /// Active energy export, key 12.
    pub export: Option<WattHours>,
    /// Reactive energy import in varh, key 13.
    pub reactive_import: Option<WattHours>,
    /// Reactive energy export in varh, key 14.
    pub reactive_export: Option<WattHours>,
}

impl Reading {
    /// Encodes the message and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 176 bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| self.write(writer))
    }

    /// Decodes a message, bounded and without a panic.
    ///
    /// # Errors
    /// [`DecodeError`] with the key at fault where there is one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let mut stamp = PartialStamp::default();
        let mut reading = Self::default();
        while let Some(key) = fields.next()? {
            if !stamp.take(key, fields.value())? && !reading.take(key, fields.value())? {
                fields.skip()?;
            }
        }
        reading.stamp = stamp.finish()?;
        Ok(reading)
    }

    fn take(&mut self, key: u64, value: &mut minicbor::Decoder<'_>) -> Result<bool, DecodeError> {
        match key {
            4 => self.voltage = Some(Phases::read(value, |v| Ok(Millivolts::new(v.u32()?)))?),
            5 => self.current = Some(Phases::read(value, |v| Ok(Milliamps::new(v.u32()?)))?),
            6 => self.active = Some(Phases::read(value, |v| Ok(v.i32()?))?),
            7 => self.reactive = Some(Phases::read(value, |v| Ok(v.i32()?))?),
            8 => self.apparent = Some(Phases::read(value, |v| Ok(v.u32()?))?),
            9 => self.power_factor = Some(Phases::read(value, power_factor)?),
            10 => self.frequency = Some(Millihertz::new(value.u32()?)),
            _ => {
                let registers = [
                    &mut self.import,
                    &mut self.export,
                    &mut self.reactive_import,
                    &mut self.reactive_export,
                ];
                return energy::take(registers, key, value);
            }
        }
        Ok(true)
    }

    fn entries(&self) -> u64 {
        let given = [
            self.voltage.is_some(),
            self.current.is_some(),
            self.active.is_some(),
            self.reactive.is_some(),
            self.apparent.is_some(),
            self.power_factor.is_some(),
            self.frequency.is_some(),
        ];
        let given = given.map(u64::from).iter().sum::<u64>();
        self.stamp.entries() + given + energy::entries(&self.energies())
    }

    fn energies(&self) -> Energies {
        [
            self.import,
            self.export,
            self.reactive_import,
            self.reactive_export,
        ]
    }

    fn write(&self, writer: &mut Writer<'_>) -> Written {
        writer.map(self.entries())?;
        self.stamp.write(writer)?;
        if let Some(voltage) = &self.voltage {
            voltage.write(4, writer, Millivolts::get)?;
        }
        if let Some(current) = &self.current {
            current.write(5, writer, Milliamps::get)?;
        }
        if let Some(active) = &self.active {
            active.write(6, writer, |power| power)?;
        }
        if let Some(reactive) = &self.reactive {
            reactive.write(7, writer, |power| power)?;
        }
        if let Some(apparent) = &self.apparent {
            apparent.write(8, writer, |power| power)?;
        }
        if let Some(power_factor) = &self.power_factor {
            power_factor.write(9, writer, PowerFactor::get)?;
        }
        if let Some(frequency) = self.frequency {
            writer.u8(10)?.u32(frequency.get())?;
        }
        energy::write(&self.energies(), writer)
    }
}

fn power_factor(value: &mut minicbor::Decoder<'_>) -> Result<PowerFactor, DecodeError> {
    let thousandths = value.i16()?;
    if (-1_000..=1_000).contains(&thousandths) {
        Ok(PowerFactor::new(thousandths))
    } else {
        Err(DecodeError::OutOfRange { key: 9 })
    }
}
