//! The modem's side of its sockets: buffers, counters, and the once-only `"recv"` rule.

use crate::sim::network::{Link, Network};
use crate::time::Instant;

/// Sockets at once. The module has 12; four keep the model small.
pub(crate) const SOCKETS: usize = 4;
/// Bytes buffered each way.
const BUFFER: usize = 2048;
/// Datagrams buffered from the peer.
const DATAGRAMS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Opening,
    Connected,
    Closing,
}

#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) id: u8,
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
    /// From the peer.
    received: heapless::Deque<u8, BUFFER>,
    /// Of these, lengths of datagrams.
    datagrams: heapless::Deque<usize, DATAGRAMS>,
    /// Of these, bytes that have crossed the air.
    visible: usize,
    /// When the rest becomes visible.
    arrives: Option<Instant>,
    /// `"recv"` was reported and the buffer not read empty since.
    reported: bool,
    queue: heapless::Deque<u8, BUFFER>,
    pub(crate) sent: u32,
    pub(crate) read: u32,
}

/// What a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Udp,
    Tls,
}

/// What the modem has to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Opened,
    Refused,
    Received,
    Closed,
}

impl Socket {
    pub(crate) const fn new(id: u8, kind: Kind) -> Self {
        Self {
            id,
            kind,
            phase: Phase::Opening,
            received: heapless::Deque::new(),
            datagrams: heapless::Deque::new(),
            visible: 0,
            arrives: None,
            reported: false,
            queue: heapless::Deque::new(),
            sent: 0,
            read: 0,
        }
    }

    /// Queues a payload for the air; false (and nothing queued) if there is no room.
    pub(crate) fn enqueue(&mut self, payload: &[u8]) -> bool {
        let is_blocked = self.kind == Kind::Udp && !self.queue.is_empty();
        if is_blocked || self.queue.len() + payload.len() > BUFFER {
            return false;
        }
        for &byte in payload {
            let _ = self.queue.push_back(byte);
        }
        self.sent = self
            .sent
            .wrapping_add(u32::try_from(payload.len()).unwrap_or(0));
        true
    }

    /// Bytes not yet taken by the network.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn unread(&self) -> usize {
        self.visible
    }

    /// Takes up to `max` visible bytes.
    pub(crate) fn take(&mut self, max: usize) -> impl Iterator<Item = u8> {
        let next = match self.kind {
            Kind::Udp => self.datagrams.front().copied().unwrap_or(0),
            Kind::Tcp | Kind::Tls => usize::MAX,
        };
        let count = self.visible.min(max).min(next);
        self.visible -= count;
        if let Some(left) = self.datagrams.front_mut() {
            *left -= count;
            if *left == 0 {
                self.datagrams.pop_front();
            }
        }
        self.read = self.read.wrapping_add(u32::try_from(count).unwrap_or(0));
        if count == 0 {
            self.reported = false;
        }
        (0..count).filter_map(|_| self.received.pop_front())
    }

    /// Moves bytes both ways; returns what happened.
    pub(crate) fn service(
        &mut self,
        network: &mut impl Network,
        now: Instant,
        air: core::time::Duration,
    ) -> Option<News> {
        if self.phase == Phase::Closing {
            return None;
        }
        let link = network.poll(self.id);
        if self.phase == Phase::Opening {
            return match link {
                Link::Connected => Some(News::Opened),
                Link::Refused | Link::Closed => Some(News::Refused),
                Link::Connecting => None,
            };
        }
        self.send(network);
        self.receive(network, now, air);
        if self.arrives.is_some_and(|at| at <= now) {
            self.arrives = None;
            self.visible = self.received.len();
            if !core::mem::replace(&mut self.reported, true) {
                return Some(News::Received);
            }
        }
        let over = matches!(link, Link::Closed | Link::Refused);
        (over && self.arrives.is_none()).then_some(News::Closed)
    }

    fn send(&mut self, network: &mut impl Network) {
        while !self.queue.is_empty() {
            let (first, rest) = self.queue.as_slices();
            // A datagram leaves as soon as it is queued, so the queue is nothing but it.
            let taken = if self.kind == Kind::Udp && !rest.is_empty() {
                let mut whole = heapless::Vec::<u8, BUFFER>::new();
                let fits = [first, rest].map(|part| whole.extend_from_slice(part));
                debug_assert!(fits.iter().all(Result::is_ok), "as large as the queue");
                network.send(self.id, &whole)
            } else {
                network.send(self.id, first)
            };
            if taken == 0 {
                break;
            }
            for _ in 0..taken {
                self.queue.pop_front();
            }
        }
    }

    fn receive(&mut self, network: &mut impl Network, now: Instant, air: core::time::Duration) {
        // One batch is on the air at a time.
        if self.arrives.is_some() {
            return;
        }
        let mut chunk = [0; 1500];
        loop {
            let room = chunk.len().min(BUFFER - self.received.len());
            let is_datagram = self.kind == Kind::Udp;
            if is_datagram && (room < chunk.len() || self.datagrams.is_full()) {
                break;
            }
            let Some(space) = chunk.get_mut(..room).filter(|space| !space.is_empty()) else {
                break;
            };
            let count = network.receive(self.id, space);
            if count == 0 {
                break;
            }
            if is_datagram {
                let _ = self.datagrams.push_back(count);
            }
            for &byte in space.iter().take(count) {
                let _ = self.received.push_back(byte);
            }
            self.arrives = Some(now + air);
        }
    }

    /// When [`service`](Self::service) has something to do by itself.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let retry = (self.phase == Phase::Connected && !self.queue.is_empty())
            .then(|| now + core::time::Duration::from_millis(100));
        // A connection that is being closed delivers nothing more.
        let arrives = self.arrives.filter(|_| self.phase != Phase::Closing);
        crate::time::earlier(arrives, retry)
    }
}
