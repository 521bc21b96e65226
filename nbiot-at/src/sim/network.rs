//! What is behind the simulated modem's sockets.

/// State of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Not yet decided.
    Connecting,
    /// Open both ways.
    Connected,
    /// The peer closed it; what it sent before can still be received.
    Closed,
    /// It could not be opened.
    Refused,
}

/// The outside world: one connection for each connectID of the modem. Nothing blocks.
pub trait Network {
    /// Begins to connect.
    fn open(&mut self, id: u8, host: &str, port: u16);

    /// The state of a connection; [`Link::Closed`] if there is none.
    fn poll(&mut self, id: u8) -> Link;

    /// Sends bytes; returns how many were taken.
    fn send(&mut self, id: u8, bytes: &[u8]) -> usize;

    /// Receives bytes; 0 if none are there now.
    fn receive(&mut self, id: u8, out: &mut [u8]) -> usize;

    /// Closes a connection and forgets it.
    fn close(&mut self, id: u8);

    /// Called when the simulation has nothing to do at the present virtual instant: lets a real
    /// exchange in flight finish. True if something came, so virtual time must not move yet.
    fn settle(&mut self) -> bool {
        false
    }
}

impl<T: Network + ?Sized> Network for &mut T {
    fn open(&mut self, id: u8, host: &str, port: u16) {
        (**self).open(id, host, port);
    }

    fn poll(&mut self, id: u8) -> Link {
        (**self).poll(id)
    }

    fn send(&mut self, id: u8, bytes: &[u8]) -> usize {
        (**self).send(id, bytes)
    }

    fn receive(&mut self, id: u8, out: &mut [u8]) -> usize {
        (**self).receive(id, out)
    }

    fn close(&mut self, id: u8) {
        (**self).close(id);
    }

    fn settle(&mut self) -> bool {
        (**self).settle()
    }
}

/// A peer in memory that sends back what it gets.
#[derive(Debug)]
pub struct Loopback {
    links: [Option<Echo>; 12],
    /// Refuse the next connections.
    pub refuse: bool,
}

#[derive(Debug, Default)]
struct Echo {
    bytes: heapless::Deque<u8, 4096>,
    closed: bool,
}

impl Default for Loopback {
    fn default() -> Self {
        Self::new()
    }
}

impl Loopback {
    /// No connections.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            links: [const { None }; 12],
            refuse: false,
        }
    }

    /// The peer of a connection sends bytes by itself.
    pub fn push(&mut self, id: u8, bytes: &[u8]) {
        self.send(id, bytes);
    }

    /// The peer closes its connection.
    pub fn hang_up(&mut self, id: u8) {
        if let Some(link) = self.link(id) {
            link.closed = true;
        }
    }

    fn link(&mut self, id: u8) -> Option<&mut Echo> {
        self.links.get_mut(usize::from(id))?.as_mut()
    }
}

impl Network for Loopback {
    fn open(&mut self, id: u8, _host: &str, _port: u16) {
        let refuse = self.refuse;
        if let Some(link) = self.links.get_mut(usize::from(id)) {
            *link = (!refuse).then(Echo::default);
        }
    }

    fn poll(&mut self, id: u8) -> Link {
        match self.link(id) {
            Some(link) if link.closed => Link::Closed,
            Some(_) => Link::Connected,
            None => Link::Refused,
        }
    }

    fn send(&mut self, id: u8, bytes: &[u8]) -> usize {
        let Some(link) = self.link(id) else { return 0 };
        bytes
            .iter()
            .take_while(|&&byte| link.bytes.push_back(byte).is_ok())
            .count()
    }

    fn receive(&mut self, id: u8, out: &mut [u8]) -> usize {
        let Some(link) = self.link(id) else { return 0 };
        let mut count = 0;
        for (to, from) in out
            .iter_mut()
            .zip(core::iter::from_fn(|| link.bytes.pop_front()))
        {
            *to = from;
            count += 1;
        }
        count
    }

    fn close(&mut self, id: u8) {
        if let Some(link) = self.links.get_mut(usize::from(id)) {
            *link = None;
        }
    }
}
