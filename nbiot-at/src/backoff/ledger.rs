//! Failures and attempts that outlive a restart.

use core::time::Duration;

use super::{Class, next_delay};

/// Classes there are.
const CLASSES: usize = 14;
/// Attempts at the network in an hour, at most; modem scenarios, policy P5.
const BUDGET: usize = 4;
const HOUR: u16 = 3_600;
/// An attempt at the network has worked when it has held so long; policy P6.
const HELD: Duration = Duration::from_secs(600);

/// What has failed lately, and how long to wait before the next attempt.
///
/// Plain data: store [`to_bytes`](Self::to_bytes) after each failure and take it back at boot, so
/// that a restart, of the host or of the modem, is no way around a denial. It has no clock: tell it
/// with [`passed`](Self::passed) what time has passed; a time without power counts as none.
///
/// ```
/// use core::time::Duration;
/// use nbiot_at::{BackOff, Class};
///
/// let mut back_off = BackOff::new();
/// let first = back_off.failed(Class::Registration, 7);
/// let stored = back_off.to_bytes();
///
/// let mut back_off = BackOff::from_bytes(stored);
/// back_off.passed(first);
/// assert!(back_off.failed(Class::Registration, 7) > first);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BackOff {
    /// In a row, by class.
    failures: [u8; CLASSES],
    /// Seconds since the latest attempts at the network, the latest first; an hour is long ago.
    attempts: [u16; BUDGET],
}

impl Default for BackOff {
    fn default() -> Self {
        Self::new()
    }
}

impl BackOff {
    /// Bytes of it when it is stored.
    pub const SIZE: usize = CLASSES + 2 * BUDGET;

    /// Nothing has failed.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            failures: [0; CLASSES],
            attempts: [HOUR; BUDGET],
        }
    }

    /// An attempt has failed: how long to wait before the next, of whatever class.
    ///
    /// That of [`next_delay`] with the failures of this class in a row, and for attempts at the
    /// network never so little that there would be more than four in an hour. `seed` is the
    /// device's own.
    pub fn failed(&mut self, class: Class, seed: u64) -> Duration {
        let failures = self.failures.get_mut(class as usize);
        let before = failures.map_or(0, |failures| {
            let before = *failures;
            *failures = failures.saturating_add(1);
            before
        });
        let delay = next_delay(class, before.into(), seed);
        if !class.is_at_the_network() {
            return delay;
        }
        self.attempts.rotate_right(1);
        if let Some(latest) = self.attempts.first_mut() {
            *latest = 0;
        }
        let oldest = self.attempts.last().copied().unwrap_or(HOUR);
        let room = Duration::from_secs(u64::from(HOUR.saturating_sub(oldest)));
        delay.max(room)
    }

    /// Something has worked, for so long by now; zero for a single exchange.
    ///
    /// Failures of an attempt at the network are forgotten after ten minutes, others at once.
    pub fn worked(&mut self, class: Class, time: Duration) {
        if class.is_at_the_network() && time < HELD {
            return;
        }
        if let Some(failures) = self.failures.get_mut(class as usize) {
            *failures = 0;
        }
    }

    /// So much time has passed. Parts of a second are lost: tell it of whole ones.
    pub fn passed(&mut self, time: Duration) {
        let seconds = u16::try_from(time.as_secs()).unwrap_or(HOUR);
        for attempt in &mut self.attempts {
            *attempt = attempt.saturating_add(seconds).min(HOUR);
        }
    }

    /// Failures of a class in a row, 255 for more.
    #[must_use]
    pub fn failures(&self, class: Class) -> u8 {
        self.failures.get(class as usize).copied().unwrap_or(0)
    }

    /// To store it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        let ages = self.attempts.iter().flat_map(|age| age.to_le_bytes());
        let all = self.failures.into_iter().chain(ages);
        for (to, from) in bytes.iter_mut().zip(all) {
            *to = from;
        }
        bytes
    }

    /// As it was stored. Any bytes mean something, so keep them with a checksum.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let mut back_off = Self::new();
        let (failures, ages) = bytes.split_at(CLASSES);
        for (to, from) in back_off.failures.iter_mut().zip(failures) {
            *to = *from;
        }
        for (to, from) in back_off.attempts.iter_mut().zip(ages.chunks_exact(2)) {
            *to = from.try_into().map_or(HOUR, u16::from_le_bytes).min(HOUR);
        }
        back_off
    }
}

impl Class {
    /// Whether it has to do with coming to the network: then it counts, whatever failed of it.
    const fn is_at_the_network(self) -> bool {
        matches!(
            self,
            Self::Restart
                | Self::Registration
                | Self::DeniedTemporary
                | Self::DeniedPermanent
                | Self::Context
                | Self::Apn
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::mix;
    use crate::backoff::tests::ALL;

    #[test]
    fn every_class_has_its_place() {
        assert_eq!(ALL.len(), CLASSES);
        for (index, class) in ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
            let mut back_off = BackOff::new();
            back_off.failed(class, 1);
            assert_eq!(back_off.failures(class), 1);
            back_off.worked(class, HELD);
            assert_eq!(back_off.failures(class), 0);
        }
    }

    #[test]
    fn stored_and_taken_back_it_is_the_same() {
        for seed in 0..1_000 {
            let mut bytes = [0; BackOff::SIZE];
            for (index, byte) in (0..).zip(&mut bytes) {
                *byte = mix(seed ^ index << 32).to_le_bytes()[0];
            }
            let taken = BackOff::from_bytes(bytes);
            assert_eq!(BackOff::from_bytes(taken.to_bytes()), taken);
        }
    }

    /// Whatever fails, and with a restart after each attempt: in no hour more than four attempts at
    /// the network, and no wait of more than a day.
    #[test]
    fn p5_four_attempts_an_hour_whatever_fails() {
        for seed in 0..300 {
            let (mut at, mut attempts) = (0_u64, std::vec::Vec::new());
            let mut stored = BackOff::new().to_bytes();
            for n in 0..200 {
                let mut back_off = BackOff::from_bytes(stored);
                let draw = mix(seed << 32 | n);
                let class = ALL[usize::try_from(draw % 14).unwrap()];
                if class.is_at_the_network() {
                    attempts.push(at);
                }
                let delay = back_off.failed(class, seed);
                if draw >> 8 & 7 == 0 {
                    back_off.worked(class, HELD);
                }
                // Waited out, and then a little.
                let waited = delay.as_secs() + 1 + (draw >> 16 & 63);
                assert!(waited <= 86_400 + 64);
                back_off.passed(Duration::from_secs(waited));
                at += waited;
                stored = back_off.to_bytes();
            }
            for window in attempts.windows(BUDGET + 1) {
                let span = window[BUDGET] - window[0];
                assert!(span >= 3_600, "five attempts in {span} s, seed {seed}");
            }
        }
    }

    #[test]
    fn short_success_does_not_forgive_a_denial() {
        let mut back_off = BackOff::new();
        back_off.failed(Class::DeniedTemporary, 1);
        back_off.worked(Class::DeniedTemporary, Duration::from_secs(599));
        assert_eq!(back_off.failures(Class::DeniedTemporary), 1);
        back_off.failed(Class::Dns, 1);
        back_off.worked(Class::Dns, Duration::ZERO);
        assert_eq!(back_off.failures(Class::Dns), 0);
    }
}
