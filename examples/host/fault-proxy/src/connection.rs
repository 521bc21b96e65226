//! One connection: of each way a thread reads and says when each byte is due, another sends it on.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{Builder, scope};
use std::time::{Duration, Instant};

use super::count::Packets;
use super::end::End;
use super::{Shared, Way, lock};

/// A connection only goes on to a later one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Open,
    /// Bytes of both ways are read, and go nowhere.
    Silent,
    Over,
}

#[derive(Debug)]
pub(crate) struct Connection {
    client: TcpStream,
    server: TcpStream,
    end: End,
    state: Mutex<State>,
    has_changed: Condvar,
}

/// How many reads may be on their way, of 2 KiB at most: a sender feels a link that is slow, and a
/// receiver that takes nothing.
const ON_THE_WAY: usize = 512;

/// Bytes, and when they arrive at the other end; never, where the clock does not reach that far.
type Due = (Option<Instant>, Vec<u8>);

impl Connection {
    pub(crate) fn new(client: TcpStream, server: TcpStream, end: End) -> io::Result<Self> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        Ok(Self {
            client,
            server,
            end,
            state: Mutex::new(State::Open),
            has_changed: Condvar::new(),
        })
    }

    /// Forwards until either end is gone, or [`close`](Self::close).
    pub(crate) fn run(&self, shared: &Shared) {
        scope(|threads| {
            let up = Builder::new().spawn_scoped(threads, || self.carry(Way::Up, shared));
            if up.is_ok() {
                self.carry(Way::Down, shared);
            }
            self.close();
        });
    }

    /// Ends it both ways and wakes all its threads.
    pub(crate) fn close(&self) {
        self.enter(State::Over);
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    fn enter(&self, state: State) {
        let mut now = lock(&self.state);
        *now = state.max(*now);
        self.has_changed.notify_all();
    }

    /// Waits until then, or as long as it is open.
    fn wait(&self, until: Option<Instant>) -> State {
        let time = until.map_or(Duration::MAX, |until| {
            until.saturating_duration_since(Instant::now())
        });
        let is_open = |state: &mut State| *state == State::Open;
        let waited = self
            .has_changed
            .wait_timeout_while(lock(&self.state), time, is_open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *state
    }

    const fn from(&self, way: Way) -> &TcpStream {
        match way {
            Way::Up => &self.client,
            Way::Down => &self.server,
        }
    }

    const fn to(&self, way: Way) -> &TcpStream {
        match way {
            Way::Up => &self.server,
            Way::Down => &self.client,
        }
    }

    /// One way, to the end of the connection.
    fn carry(&self, way: Way, shared: &Shared) {
        let (sender, receiver) = sync_channel(ON_THE_WAY);
        scope(|threads| {
            // A thread that cannot start drops the sender, and the way is at its end.
            let _ = Builder::new().spawn_scoped(threads, move || self.read(way, shared, &sender));
            // It drops the receiver, and a read that waits for room is at its end.
            self.forward(way, shared, receiver);
            self.close();
        });
    }

    /// Reads, counts and hands over, with the time of arrival by rate and delay.
    fn read(&self, way: Way, shared: &Shared, sender: &SyncSender<Due>) {
        let mut from = self.from(way);
        let mut buffer = [0; 2_048];
        let mut packets = Packets::default();
        let mut is_free_at = Instant::now();
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default();
            let bytes = shared.take(way, &mut packets, bytes);
            match *lock(&self.state) {
                State::Open => {}
                State::Silent => continue,
                State::Over => return,
            }
            let begun = is_free_at.max(Instant::now());
            is_free_at = begun + air_time(bytes.len(), shared.faults.rate);
            let due = is_free_at.checked_add(shared.faults.delay);
            if sender.send((due, bytes)).is_err() {
                return;
            }
        }
    }

    /// Sends on what was read, each when it is due, up to the byte that ends or silences it.
    fn forward(&self, way: Way, shared: &Shared, receiver: Receiver<Due>) {
        let (cut, hang) = (self.end.cut(way), self.end.hang(way));
        let limit = cut.into_iter().chain(hang).min().unwrap_or(u64::MAX);
        let mut sent = 0;
        for (due, bytes) in receiver {
            match self.wait(due) {
                State::Open => {}
                State::Silent => continue,
                State::Over => return,
            }
            let left = usize::try_from(limit - sent).unwrap_or(usize::MAX);
            let bytes = bytes.get(..left).unwrap_or(&bytes);
            if write(self.to(way), bytes, shared.faults.piece).is_err() {
                return;
            }
            sent += bytes.len() as u64;
            if cut == Some(sent) {
                shared.has_cut();
                return;
            }
            if hang == Some(sent) {
                self.enter(State::Silent);
            }
        }
    }
}

fn write(mut to: &TcpStream, bytes: &[u8], piece: usize) -> io::Result<()> {
    match piece {
        0 => to.write_all(bytes),
        piece => bytes.chunks(piece).try_for_each(|piece| {
            to.write_all(piece)?;
            // The next is a packet of its own.
            std::thread::yield_now();
            Ok(())
        }),
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
    fn time_on_the_air_follows_the_rate() {
        let second = air_time(1_875, 1_875);
        assert!(second.abs_diff(Duration::from_secs(1)) < Duration::from_micros(10));
        assert_eq!(air_time(1_000, 0), Duration::ZERO);
    }
}
