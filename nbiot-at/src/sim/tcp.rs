//! The model's sockets as TCP, UDP and, with the feature `tls`, TLS connections of the host.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};
use std::{boxed::Box, string::String};

use crate::sim::network::{Link, Network, Peer};
#[cfg(feature = "tls")]
use crate::sim::secure;

/// Pause between two looks at the sockets while waiting for one.
const POLL: Duration = Duration::from_micros(200);
/// How often an idle connection is looked at, in real time.
const IDLE_POLL: Duration = Duration::from_millis(1);
/// How long a connection attempt may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Real connections, one for each connectID. Without the feature `tls`, TLS sockets are in the clear.
///
/// Virtual time must not run past an exchange that is really in flight:
/// [`settle`](Network::settle) waits up to [`patience`](Self::patience) for the answer to what was
/// last sent, once; a connection that is being opened is always waited for.
#[derive(Debug)]
pub struct TcpNetwork {
    links: [Stream; 13],
    /// Longest real wait for an answer. Default 100 ms.
    pub patience: Duration,
    /// Replaces every host name, for names that only the simulated network knows.
    pub host: Option<String>,
    sent: u64,
    received: u64,
    /// When the last byte left that nothing has answered since.
    unanswered: Option<Instant>,
    looked: Option<Instant>,
}

/// What carries the bytes of a stream.
#[derive(Debug)]
pub(super) enum Wire {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Secure(Box<secure::Stream>),
}

impl Read for Wire {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(out),
            #[cfg(feature = "tls")]
            Self::Secure(stream) => stream.read(out),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Self::Secure(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            #[cfg(feature = "tls")]
            Self::Secure(stream) => stream.flush(),
        }
    }
}

impl Wire {
    /// Whether a read would not wait: there are bytes, or it is over.
    fn is_readable(&mut self) -> bool {
        let socket = match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Self::Secure(stream) => {
                if stream.has_plaintext() {
                    return true;
                }
                stream.socket()
            }
        };
        match socket.peek(&mut [0]) {
            Ok(_) => true,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

#[derive(Debug, Default)]
enum Stream {
    #[default]
    None,
    Connecting(Receiver<Option<Wire>>),
    Open(Wire),
    Datagrams(UdpSocket),
    /// The peer is done, or the connection broke.
    Over,
    Refused,
}

impl Default for TcpNetwork {
    fn default() -> Self {
        Self::new()
    }
}

impl TcpNetwork {
    /// No connections.
    #[must_use]
    pub fn new() -> Self {
        Self {
            links: Default::default(),
            patience: Duration::from_millis(100),
            host: None,
            sent: 0,
            received: 0,
            unanswered: None,
            looked: None,
        }
    }

    /// Bytes sent so far over all connections.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Bytes received so far over all connections.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Real time since a byte was sent, or a connection begun, that nothing has answered.
    #[must_use]
    pub fn in_flight(&self) -> Option<Duration> {
        self.unanswered.map(|since| since.elapsed())
    }

    /// Whether any connection is open or being opened.
    #[must_use]
    pub fn has_connection(&self) -> bool {
        let alive = |link: &Stream| {
            matches!(
                link,
                Stream::Connecting(_) | Stream::Open(_) | Stream::Datagrams(_)
            )
        };
        self.links.iter().any(alive)
    }

    /// Blocks the thread until a connection has bytes, is decided or over, at most `timeout`.
    pub fn wait_readable(&mut self, timeout: Duration) -> bool {
        let start = Instant::now();
        loop {
            if (0..self.links.len()).any(|index| self.is_readable(index)) {
                self.looked = None;
                return true;
            }
            if start.elapsed() >= timeout {
                return false;
            }
            std::thread::sleep(POLL);
        }
    }

    fn is_readable(&mut self, index: usize) -> bool {
        let Some(link) = self.links.get_mut(index) else {
            return false;
        };
        match link {
            Stream::Connecting(_) => {
                link.decide();
                !matches!(link, Stream::Connecting(_))
            }
            Stream::Datagrams(socket) => socket.peek(&mut [0; 1]).is_ok(),
            Stream::Open(wire) => wire.is_readable(),
            _ => false,
        }
    }

    fn link(&mut self, id: u8) -> Option<&mut Stream> {
        self.links.get_mut(usize::from(id))
    }

    /// Whether it is time to look at an idle connection again.
    fn may_look(&mut self) -> bool {
        if self.unanswered.is_some() {
            return true;
        }
        let now = Instant::now();
        let due = self.looked.is_none_or(|last| now - last >= IDLE_POLL);
        if due {
            self.looked = Some(now);
        }
        due
    }
}

impl Stream {
    fn decide(&mut self) {
        let Self::Connecting(result) = self else {
            return;
        };
        match result.try_recv() {
            Ok(Some(stream)) => *self = Self::Open(stream),
            Ok(None) | Err(TryRecvError::Disconnected) => *self = Self::Refused,
            Err(TryRecvError::Empty) => {}
        }
    }
}

/// Datagrams to and from one peer.
fn datagrams(host: &str, port: u16) -> Option<UdpSocket> {
    let peer = (host, port).to_socket_addrs().ok()?.next()?;
    let own: IpAddr = match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((own, 0)).ok()?;
    socket.connect(peer).ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

fn connect(host: &str, port: u16) -> Option<TcpStream> {
    let addresses = (host, port).to_socket_addrs().ok()?;
    let stream = addresses
        .map(|a| TcpStream::connect_timeout(&a, CONNECT))
        .find_map(Result::ok)?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

fn plain(stream: TcpStream) -> Option<Wire> {
    stream.set_nonblocking(true).ok()?;
    Some(Wire::Plain(stream))
}

impl Network for TcpNetwork {
    fn open(&mut self, id: u8, peer: &Peer<'_>) {
        let port = peer.port;
        let host: Box<str> = self.host.as_deref().unwrap_or(peer.host).into();
        if peer.is_datagram {
            let socket = datagrams(&host, port);
            if let Some(link) = self.link(id) {
                *link = socket.map_or(Stream::Refused, Stream::Datagrams);
            }
            return;
        }
        #[cfg(feature = "tls")]
        let secure = peer.tls.map(|tls| secure::Client::new(peer.host, &tls));
        let (send, result) = channel();
        std::thread::spawn(move || {
            let stream = connect(&host, port);
            #[cfg(feature = "tls")]
            let wire = match secure {
                Some(client) => stream.and_then(|stream| client?.handshake(stream)),
                None => stream.and_then(plain),
            };
            #[cfg(not(feature = "tls"))]
            let wire = stream.and_then(plain);
            drop(send.send(wire));
        });
        self.unanswered = Some(Instant::now());
        if let Some(link) = self.link(id) {
            *link = Stream::Connecting(result);
        }
    }

    fn poll(&mut self, id: u8) -> Link {
        let Some(link) = self.link(id) else {
            return Link::Refused;
        };
        link.decide();
        match link {
            Stream::Connecting(_) => Link::Connecting,
            Stream::Open(_) | Stream::Datagrams(_) => Link::Connected,
            Stream::Over | Stream::None => Link::Closed,
            Stream::Refused => Link::Refused,
        }
    }

    fn send(&mut self, id: u8, bytes: &[u8]) -> usize {
        let Some(link) = self.link(id) else { return 0 };
        let written = match link {
            Stream::Open(stream) => stream.write(bytes),
            // Lost, if it cannot be sent.
            Stream::Datagrams(socket) => socket.send(bytes).or(Ok(bytes.len())),
            _ => return 0,
        };
        match written {
            Ok(count) => {
                self.sent += count as u64;
                self.unanswered = Some(Instant::now());
                count
            }
            Err(error) => {
                // What the peer sent before the break is read first: the read reports the end.
                let _ = error;
                0
            }
        }
    }

    fn receive(&mut self, id: u8, out: &mut [u8]) -> usize {
        if !self.may_look() {
            return 0;
        }
        let Some(link) = self.link(id) else { return 0 };
        let is_stream = matches!(link, Stream::Open(_));
        let received = match link {
            Stream::Open(stream) => stream.read(out),
            Stream::Datagrams(socket) => socket.recv(out),
            _ => return 0,
        };
        match received {
            Ok(0) if is_stream => *link = Stream::Over,
            Ok(count) => {
                self.received += count as u64;
                self.unanswered = None;
                self.looked = None;
                return count;
            }
            Err(_) if !is_stream => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => *link = Stream::Over,
        }
        0
    }

    fn close(&mut self, id: u8) {
        if let Some(link) = self.link(id) {
            *link = Stream::None;
        }
    }

    fn resolve(&mut self, host: &str) -> Result<IpAddr, u16> {
        let host = self.host.as_deref().unwrap_or(host);
        let mut found = (host, 0).to_socket_addrs().map_err(|_| 565u16)?;
        found.next().map(|address| address.ip()).ok_or(565)
    }

    fn settle(&mut self) -> bool {
        // Once only: what is readable but not read, because the air is down or a buffer is full,
        // must not hold the time.
        let Some(since) = self.unanswered.take() else {
            return false;
        };
        let opening = |link: &Stream| matches!(link, Stream::Connecting(_));
        let patience = match self.links.iter().any(opening) {
            true => CONNECT,
            false => self.patience,
        };
        self.wait_readable(patience.saturating_sub(since.elapsed()))
    }
}
