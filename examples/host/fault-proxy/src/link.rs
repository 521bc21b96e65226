//! One way of one connection: a thread reads and says when each byte is due, another sends it on.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::count::Packets;
use super::{Faults, Shared, Way, lock};

/// What ends a connection, or silences it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    cut: Option<(Way, u64)>,
    hang: Option<(Way, u64)>,
}

impl End {
    /// The end of the connection with this number.
    pub(crate) fn draw(faults: &Faults, seed: u64, number: u64) -> Self {
        let mut dice = mix(seed ^ mix(number));
        let mut below = |limit: u64| {
            dice = mix(dice);
            dice.checked_rem(limit).unwrap_or(0)
        };
        let is_cut = below(1_000) < u64::from(faults.cut_per_mille);
        let way = if below(2) == 0 { Way::Up } else { Way::Down };
        let drawn = is_cut.then(|| (way, below(faults.cut_within.max(1))));
        Self {
            cut: faults.cut_after.or(drawn),
            hang: faults.hang_after,
        }
    }

    fn of(which: Option<(Way, u64)>, way: Way) -> Option<u64> {
        which.filter(|(of, _)| *of == way).map(|(_, after)| after)
    }
}

/// The finalizer of SplitMix64.
const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Bytes, and when they arrive at the other end.
type Due = (Instant, Vec<u8>);

pub(crate) struct Link {
    way: Way,
    from: TcpStream,
    to: TcpStream,
    shared: Arc<Shared>,
    cut: Option<u64>,
    hang: Option<u64>,
}

impl Link {
    pub(crate) fn new(
        way: Way,
        from: &TcpStream,
        to: &TcpStream,
        shared: &Arc<Shared>,
        end: End,
    ) -> io::Result<Self> {
        Ok(Self {
            way,
            from: from.try_clone()?,
            to: to.try_clone()?,
            shared: Arc::clone(shared),
            cut: End::of(end.cut, way),
            hang: End::of(end.hang, way),
        })
    }

    /// Forwards, in threads of its own, until either end is gone.
    pub(crate) fn run(self) {
        let (sender, receiver) = channel();
        let (mut from, shared, way) = (self.from.try_clone(), Arc::clone(&self.shared), self.way);
        std::thread::spawn(move || {
            if let Ok(from) = &mut from {
                read(from, way, &shared, &sender);
            }
        });
        std::thread::spawn(move || self.forward(&receiver));
    }

    fn forward(mut self, receiver: &Receiver<Due>) {
        let mut sent = 0;
        let is_over = loop {
            let Ok((due, bytes)) = receiver.recv() else {
                break false;
            };
            let left = self.cut.map_or(u64::MAX, |cut| cut - sent);
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let count = usize::try_from(left.min(length)).unwrap_or(usize::MAX);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            sent += left.min(length);
            if self.hang.is_some_and(|hang| sent > hang) {
                // What still comes is read, and goes nowhere; the connection stays open.
                continue;
            }
            if self.write(bytes.get(..count).unwrap_or_default()).is_err() {
                break false;
            }
            if left <= length {
                break true;
            }
        };
        if is_over {
            self.shared.has_cut();
        }
        if is_over || self.hang.is_none() {
            let _ = self.to.shutdown(Shutdown::Both);
            let _ = self.from.shutdown(Shutdown::Both);
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.shared.faults.piece {
            0 => self.to.write_all(bytes),
            piece => bytes.chunks(piece).try_for_each(|piece| {
                self.to.write_all(piece)?;
                // The next is a packet of its own.
                std::thread::yield_now();
                Ok(())
            }),
        }
    }
}

/// Reads, counts and hands over, with the time of arrival by rate and delay.
fn read(from: &mut TcpStream, way: Way, shared: &Shared, sender: &Sender<Due>) {
    let mut buffer = [0; 2_048];
    let mut packets = Packets::default();
    let mut is_free_at = Instant::now();
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..count).unwrap_or_default();
        let mut kept = Vec::new();
        let may_lose = shared.faults.lose.is_some_and(|(of, _)| of == way);
        {
            let mut total = lock(shared.count(way));
            total.bytes += count as u64;
            packets.push(bytes, |kind, packet| {
                total.add(packet);
                if may_lose && !shared.loses(way, kind) {
                    kept.extend_from_slice(packet);
                }
            });
        }
        let bytes = if may_lose { kept } else { bytes.to_vec() };
        let begun = is_free_at.max(Instant::now());
        is_free_at = begun + air_time(bytes.len(), shared.faults.rate);
        if sender
            .send((is_free_at + shared.faults.delay, bytes))
            .is_err()
        {
            return;
        }
    }
}

/// How long so many bytes take.
fn air_time(bytes: usize, rate: u32) -> Duration {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    let second = Duration::from_secs(1);
    second
        .checked_div(rate)
        .map_or(Duration::ZERO, |byte| byte * bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_connections_are_cut_as_was_said_and_the_same_for_the_same_seed() {
        let faults = Faults {
            cut_per_mille: 50,
            cut_within: 1_000,
            ..Faults::default()
        };
        let ends =
            |seed: u64| -> Vec<End> { (0..10_000).map(|n| End::draw(&faults, seed, n)).collect() };
        let cut = ends(1).iter().filter(|end| end.cut.is_some()).count();
        assert!((400..600).contains(&cut), "{cut}");
        assert_eq!(ends(1), ends(1));
        assert_ne!(ends(1), ends(2));
        let within = |end: &End| end.cut.is_none_or(|(_, after)| after < 1_000);
        assert!(ends(3).iter().all(within));
    }

    #[test]
    fn time_on_the_air_follows_the_rate() {
        let second = air_time(1_875, 1_875);
        assert!(second.abs_diff(Duration::from_secs(1)) < Duration::from_micros(10));
        assert_eq!(air_time(1_000, 0), Duration::ZERO);
    }
}
