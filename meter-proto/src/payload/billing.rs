//! The end of a billing period: `d/b`.

use meter_core::units::{UtcSeconds, WattHours};
use minicbor::Decoder;

use super::cbor::{self, Fields, Writer, Written};
use super::energy::{self, Energies};
use super::{ByRate, DecodeError, EncodeError, PartialStamp, Stamp, required};

/// The four registers of one rate: key 27.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RateEnergy {
    /// Active energy import.
    pub import: WattHours,
    /// Active energy export.
    pub export: WattHours,
    /// Reactive energy import in varh.
    pub reactive_import: WattHours,
    /// Reactive energy export in varh.
    pub reactive_export: WattHours,
}

/// The maximum demand of one rate in the period that ends: key 28.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Demand {
    /// Mean active import over a demand period, in W.
    pub watts: u32,
    /// The end of that demand period.
    pub end: UtcSeconds,
}

/// The registers at the end of a billing period. Energies are cumulative since the meter was made.
///
/// `encode` and `decode` pass a signature on as it stands; the feature `signatures` adds `sign` and
/// `verify`.
///
/// The outbox keeps messages of 256 bytes: with registers of five bytes and demands, six rates, or
/// three and a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Billing<'b> {
    /// Key and time: the end of the period.
    pub stamp: Stamp,
    /// Active energy import over all rates, key 11.
    pub import: Option<WattHours>,
    /// Active energy export over all rates, key 12.
    pub export: Option<WattHours>,
    /// Reactive energy import over all rates in varh, key 13.
    pub reactive_import: Option<WattHours>,
    /// Reactive energy export over all rates in varh, key 14.
    pub reactive_export: Option<WattHours>,
    /// Periods that ended since the meter was made, this one included, key 26.
    pub period: u64,
    /// Registers by rate, at least one, key 27.
    pub rates: ByRate<RateEnergy>,
    /// Maximum demand by rate, key 28.
    pub demands: ByRate<Demand>,
    /// A COSE_Sign1 with detached payload, over this map without it, key 29.
    pub signature: Option<&'b [u8]>,
}

impl<'b> Billing<'b> {
    /// Encodes the message and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::Count`] without a rate; [`EncodeError::BufferTooSmall`]: 576 bytes, and 5 more
    /// than the signature, always suffice; two rates take about 90.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        if self.rates.count() == 0 {
            return Err(EncodeError::Count);
        }
        cbor::encode_into(buffer, |writer| self.write(writer))
    }

    /// Decodes a message, bounded and without a panic. It does not look at the signature.
    ///
    /// # Errors
    /// [`DecodeError`] with the key at fault where there is one.
    pub fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let mut stamp = PartialStamp::default();
        let mut billing = Self::default();
        let (mut period, mut rates) = (None, None);
        while let Some(key) = fields.next()? {
            let value = fields.value();
            match key {
                26 => period = Some(value.u64()?),
                27 => rates = Some(ByRate::read(key, value, rate_energy)?),
                28 => billing.demands = ByRate::read(key, value, demand)?,
                29 => billing.signature = Some(value.bytes()?),
                _ if stamp.take(key, value)? || billing.take_energy(key, value)? => {}
                _ => fields.skip()?,
            }
        }
        billing.stamp = stamp.finish()?;
        billing.period = required(period, 26)?;
        billing.rates = required(rates, 27)?;
        Ok(billing)
    }

    fn take_energy(&mut self, key: u64, value: &mut Decoder<'_>) -> Result<bool, DecodeError> {
        let registers = [
            &mut self.import,
            &mut self.export,
            &mut self.reactive_import,
            &mut self.reactive_export,
        ];
        energy::take(registers, key, value)
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
        let energies = self.energies();
        let optional = [self.demands.count() > 0, self.signature.is_some()];
        let optional = optional.map(u64::from).iter().sum::<u64>();
        writer.map(self.stamp.entries() + energy::entries(&energies) + 2 + optional)?;
        self.stamp.write(writer)?;
        energy::write(&energies, writer)?;
        writer.u8(26)?.u64(self.period)?;
        self.rates.write(27, writer, |writer, rate| {
            writer.array(4)?;
            writer.u64(rate.import.get())?.u64(rate.export.get())?;
            writer.u64(rate.reactive_import.get())?;
            writer.u64(rate.reactive_export.get())?;
            Ok(())
        })?;
        if self.demands.count() > 0 {
            self.demands.write(28, writer, |writer, demand| {
                writer.array(2)?.u32(demand.watts)?.u64(demand.end.get())?;
                Ok(())
            })?;
        }
        if let Some(signature) = self.signature {
            writer.u8(29)?.bytes(signature)?;
        }
        Ok(())
    }
}

fn rate_energy(value: &mut Decoder<'_>) -> Result<RateEnergy, DecodeError> {
    cbor::items(value, 4)?;
    Ok(RateEnergy {
        import: WattHours::new(value.u64()?),
        export: WattHours::new(value.u64()?),
        reactive_import: WattHours::new(value.u64()?),
        reactive_export: WattHours::new(value.u64()?),
    })
}

fn demand(value: &mut Decoder<'_>) -> Result<Demand, DecodeError> {
    cbor::items(value, 2)?;
    Ok(Demand {
        watts: value.u32()?,
        end: UtcSeconds::new(value.u64()?),
    })
}
