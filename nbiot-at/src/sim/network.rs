//! What is behind the simulated modem's sockets.

use core::net::{IpAddr, Ipv4Addr};

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

/// Whom the modem connects to, and how.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Peer<'a> {
    /// Name or address.
    pub host: &'a str,
    /// TCP or UDP port.
    pub port: u16,
    /// Datagrams, and not a stream.
    pub is_datagram: bool,
    /// What the TLS of the modem was set to; `None` for a connection in the clear.
    pub tls: Option<TlsPeer<'a>>,
}

impl<'a> Peer<'a> {
    /// The same, elsewhere: for networks in which every name leads to the same server.
    #[must_use]
    pub const fn moved_to(self, host: &'a str, port: u16) -> Self {
        Self { host, port, ..self }
    }
}

/// What the TLS of the modem was set to. Contents of files are PEM, as they were uploaded.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TlsPeer<'a> {
    /// The authority whose signature the server needs; `None`: any server will do.
    pub authority: Option<&'a [u8]>,
    /// Certificate and key of the client.
    pub identity: Option<(&'a [u8], &'a [u8])>,
    /// The only cipher suite offered, by its IANA number; `0xffff` is all.
    pub cipher_suite: u16,
    /// The server is told its name.
    pub tells_name: bool,
    /// The name in the server's certificate is compared.
    pub checks_name: bool,
    /// UTC in seconds since 1970 that dates are compared with; `None`: the
    /// module does not look at them, and a network with TLS of its own takes the time it likes.
    pub unix: Option<u64>,
}

/// The outside world: one connection for each connectID of the modem, 0 to 11, and one more, 12, for
/// its MQTT client. Nothing blocks.
pub trait Network {
    /// Begins to connect. A network without TLS of its own carries it in the clear.
    fn open(&mut self, id: u8, peer: &Peer<'_>);

    /// The state of a connection; [`Link::Closed`] if there is none.
    fn poll(&mut self, id: u8) -> Link;

    /// Sends bytes, or one datagram; returns how many were taken.
    fn send(&mut self, id: u8, bytes: &[u8]) -> usize;

    /// Receives bytes, or one datagram; 0 if none are there now.
    fn receive(&mut self, id: u8, out: &mut [u8]) -> usize;

    /// Closes a connection and forgets it.
    fn close(&mut self, id: u8);

    /// The address of a host, or the error number of the module, 565 for a name that is not known.
    fn resolve(&mut self, host: &str) -> Result<IpAddr, u16> {
        host.parse().map_err(|_| 565)
    }

    /// Called when the simulation has nothing to do at the present virtual instant: lets a real
    /// exchange in flight finish. True if something came, so virtual time must not move yet.
    fn settle(&mut self) -> bool {
        false
    }
}

impl<T: Network + ?Sized> Network for &mut T {
    fn open(&mut self, id: u8, peer: &Peer<'_>) {
        (**self).open(id, peer);
    }

    fn resolve(&mut self, host: &str) -> Result<IpAddr, u16> {
        (**self).resolve(host)
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
    /// One for each connectID, and one for the MQTT client.
    links: [Option<Echo>; 13],
    /// Refuse the next connections.
    pub refuse: bool,
}

#[derive(Debug, Default)]
struct Echo {
    bytes: heapless::Deque<u8, 4096>,
    /// Lengths of datagrams; `None`: a stream.
    datagrams: Option<heapless::Deque<usize, 16>>,
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
            links: [const { None }; 13],
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
    fn open(&mut self, id: u8, peer: &Peer<'_>) {
        let echo = Echo {
            datagrams: peer.is_datagram.then(heapless::Deque::new),
            ..Echo::default()
        };
        if let Some(link) = self.links.get_mut(usize::from(id)) {
            *link = (!self.refuse).then_some(echo);
        }
    }

    /// Every name has the same address.
    fn resolve(&mut self, _host: &str) -> Result<IpAddr, u16> {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        if self.refuse { Err(565) } else { Ok(address) }
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
        if let Some(datagrams) = &mut link.datagrams {
            // What there is no room for is lost on the way.
            let has_room = link.bytes.capacity() - link.bytes.len() >= bytes.len();
            if !has_room || datagrams.push_back(bytes.len()).is_err() {
                return bytes.len();
            }
        }
        bytes
            .iter()
            .take_while(|&&byte| link.bytes.push_back(byte).is_ok())
            .count()
    }

    fn receive(&mut self, id: u8, out: &mut [u8]) -> usize {
        let Some(link) = self.link(id) else { return 0 };
        let length = match &mut link.datagrams {
            Some(datagrams) => datagrams.pop_front().unwrap_or(0),
            None => out.len().min(link.bytes.len()),
        };
        let bytes = core::iter::from_fn(|| link.bytes.pop_front()).take(length);
        let mut count = 0;
        let mut out = out.iter_mut();
        for byte in bytes {
            if let Some(to) = out.next() {
                *to = byte;
                count += 1;
            }
        }
        count
    }

    fn close(&mut self, id: u8) {
        if let Some(link) = self.links.get_mut(usize::from(id)) {
            *link = None;
        }
    }
}
