//! What the chip noted since the last look.

use core::iter::FusedIterator;
use core::marker::PhantomData;

use crate::Channel;
use crate::part::Model;

/// One thing that happened (DS10272 section 16).
///
/// Sag, swell and stuck flags belong to the channel whose status row shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// A power of a channel was negative.
    PowerNegative(Channel, Quantity),
    /// An energy counter of a channel wrapped, upwards or downwards.
    EnergyWrapped(Channel, Quantity),
    /// The total active or reactive power was negative.
    TotalNegative(Quantity),
    /// The total active or reactive energy wrapped.
    TotalWrapped(Quantity),
    /// The bit stream of the current stood still: saturated, or no signal.
    CurrentStuck(Channel),
    /// Ampere-hours accumulated: current without voltage.
    AmpereHours(Channel),
    /// The current rose over its swell threshold: over-current.
    CurrentSwellStart(Channel),
    /// The current fell below it again.
    CurrentSwellEnd(Channel),
    /// The bit stream of the voltage stood still.
    VoltageStuck(Channel),
    /// The line period was out of range, or a sag hid it.
    PeriodError(Channel),
    /// A voltage sag began.
    SagStart(Channel),
    /// A voltage sag ended.
    SagEnd(Channel),
    /// The voltage rose over its swell threshold.
    VoltageSwellStart(Channel),
    /// The voltage fell below it again.
    VoltageSwellEnd(Channel),
    /// The channels' energies differ, and this one has the larger.
    Tamper(Channel),
    /// The channels' energies have opposite signs: tamper, or a wrong connection.
    TamperOrWrongConnection,
}

/// Which power or energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Quantity {
    /// Wideband active.
    Active,
    /// Active of the fundamental.
    Fundamental,
    /// Reactive.
    Reactive,
    /// Apparent.
    Apparent,
}

/// The events of one look at DSP_SR1 and DSP_SR2, in the order of their bits.
///
/// What both rows show, signs and wraps, comes once. A lasting swell comes as a start and an end
/// in every look: with a sine the chip sees it rise and fall twice a period (section 12).
///
/// ```
/// use stpm3x::reg::DspSr1;
/// use stpm3x::{Channel, Event, Events, Stpm32};
///
/// let status = DspSr1::new().with_sag_start(true).with_sag_end(true);
/// let mut events = Events::<Stpm32>::of(status.into_bits(), 0);
/// assert_eq!(events.next(), Some(Event::SagStart(Channel::Primary)));
/// assert_eq!(events.next(), Some(Event::SagEnd(Channel::Primary)));
/// assert_eq!(events.next(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Events<M> {
    first: u32,
    second: u32,
    model: PhantomData<M>,
}

impl<M: Model> Events<M> {
    /// The events of the rows DSP_SR1 and DSP_SR2; bits that the part does not have are left out.
    #[must_use]
    pub const fn of(first: u32, second: u32) -> Self {
        // Bits 0 to 11, 30 and 31 belong to the parts with two channels.
        let (first, second) = if M::PART.has_secondary() {
            (first | second & COMMON, second & !COMMON)
        } else {
            (first & 0x3FFF_F000, 0)
        };
        Self {
            first,
            second,
            model: PhantomData,
        }
    }

    pub(crate) fn new([first, second]: [u32; 2]) -> Self {
        Self::of(first, second)
    }
}

/// Bits that both status rows show: signs, wraps, and the common tamper bit.
const COMMON: u32 = 0x800F_FFFF;

impl<M: Model> Iterator for Events<M> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let (row, channel) = match (self.first, self.second) {
            (0, 0) => return None,
            (0, _) => (&mut self.second, Channel::Secondary),
            _ => (&mut self.first, Channel::Primary),
        };
        let bit = row.trailing_zeros();
        *row &= *row - 1;
        Some(event(bit, channel))
    }
}

impl<M: Model> FusedIterator for Events<M> {}

/// The event of a bit of a channel's status row.
const fn event(bit: u32, channel: Channel) -> Event {
    use Channel::{Primary, Secondary};
    match bit {
        0 => Event::TotalNegative(Quantity::Active),
        1 => Event::TotalNegative(Quantity::Reactive),
        2 => Event::TotalWrapped(Quantity::Active),
        3 => Event::TotalWrapped(Quantity::Reactive),
        4..=7 => Event::PowerNegative(Secondary, quantity(bit)),
        8..=11 => Event::EnergyWrapped(Secondary, quantity(bit)),
        12..=15 => Event::PowerNegative(Primary, quantity(bit)),
        16..=19 => Event::EnergyWrapped(Primary, quantity(bit)),
        20 => Event::CurrentStuck(channel),
        21 => Event::AmpereHours(channel),
        22 => Event::CurrentSwellStart(channel),
        23 => Event::CurrentSwellEnd(channel),
        24 => Event::VoltageStuck(channel),
        25 => Event::PeriodError(channel),
        26 => Event::SagStart(channel),
        27 => Event::SagEnd(channel),
        28 => Event::VoltageSwellStart(channel),
        29 => Event::VoltageSwellEnd(channel),
        30 => Event::Tamper(channel),
        _ => Event::TamperOrWrongConnection,
    }
}

/// Four bits in the order active, fundamental, reactive, apparent.
const fn quantity(bit: u32) -> Quantity {
    match bit % 4 {
        0 => Quantity::Active,
        1 => Quantity::Fundamental,
        2 => Quantity::Reactive,
        _ => Quantity::Apparent,
    }
}
