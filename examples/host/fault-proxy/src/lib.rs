//! A TCP proxy between a client and its server that does to their connection what a radio does: it
//! delays, it is slow, it cuts after so many bytes, it goes silent, and it loses a chosen MQTT packet.
//!
//! What it does to a connection follows from the seed and the number of the connection, so a test
//! that fails fails again.

mod connection;
mod count;
mod end;

pub use count::{Count, PacketType};

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{Builder, JoinHandle, scope, sleep};
use std::time::Duration;

use connection::Connection;
use count::Packets;
use end::End;

/// How long the server may take to answer a connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Before the next try, where the system refuses a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// Which connections are cut, and where.
///
/// The bytes before the cut arrive; then both sides are closed. A connection that is over before it
/// gets there is not cut: [`FaultProxy::drawn`] counts it, [`FaultProxy::cuts`] does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Each, behind so many bytes that way.
    After(Way, u64),
    /// Some, drawn by seed and number.
    Drawn {
        /// How many of a million connections; all, from a million on.
        per_million: u32,
        /// The place is drawn too: the way, and behind 1 up to this many bytes that way. As many
        /// connections as were drawn are cut where each moves this many bytes both up and down.
        within: NonZeroU64,
    },
}

/// What is done to connections. [`Faults::default`] does nothing.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// From a byte read to the same byte sent on, each way.
    pub delay: Duration,
    /// Bytes per second, each way; 0 for no limit.
    pub rate: u32,
    /// The most bytes of one write; 0 for no limit.
    pub piece: usize,
    /// Which connections are cut, and where.
    pub cut: Option<Cut>,
    /// Each connection goes silent behind so many bytes that way: what comes after them is read and
    /// goes nowhere, both ways, and neither side is closed before the other closes. It is not cut
    /// any more.
    pub hang_after: Option<(Way, u64)>,
    /// The first MQTT packet of this type is lost, once in the life of the proxy.
    pub lose: Option<(Way, PacketType)>,
}

/// A proxy that runs until it is dropped, which closes what is open and waits for its threads: no
/// longer than 10 s, where a connect to the server is under way.
///
/// A close of either side passes on behind the bytes before it, and ends the connection both ways. A
/// client whose server does not take the connection within 10 s is closed.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    faults: Faults,
    seed: u64,
    /// The packet that was to be lost is lost.
    has_lost: AtomicBool,
    up: Mutex<Count>,
    down: Mutex<Count>,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    total: u64,
    drawn: u64,
    cut: u64,
    /// The proxy is dropped: nothing is opened any more.
    is_over: bool,
    open: Vec<Weak<Connection>>,
}

impl FaultProxy {
    /// Listens on a free port of the loopback.
    ///
    /// # Errors
    ///
    /// Those of the socket, and of a system that has no thread left.
    pub fn start(server: SocketAddr, faults: Faults, seed: u64) -> io::Result<Self> {
        Self::listen((Ipv4Addr::LOCALHOST, 0).into(), server, faults, seed)
    }

    /// Listens on an address.
    ///
    /// # Errors
    ///
    /// Those of the socket, and of a system that has no thread left; `InvalidInput` for an address
    /// that is the server's, where each connection would make another for ever.
    pub fn listen(
        on: SocketAddr,
        server: SocketAddr,
        faults: Faults,
        seed: u64,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(on)?;
        let address = listener.local_addr()?;
        if reachable(address) == server {
            let what = "the proxy listens on the server's own address";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let shared = Arc::new(Shared {
            server,
            faults,
            seed,
            has_lost: AtomicBool::new(false),
            up: Mutex::default(),
            down: Mutex::default(),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = Builder::new().spawn(move || accept(listener, &accepting))?;
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// Where clients connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was read that way so far.
    #[must_use]
    pub fn count(&self, way: Way) -> Count {
        lock(self.shared.count(way)).clone()
    }

    /// Connections that clients have made so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        lock(&self.shared.connections).total
    }

    /// Connections so far that are to be cut: those that were drawn, or all with [`Cut::After`].
    #[must_use]
    pub fn drawn(&self) -> u64 {
        lock(&self.shared.connections).drawn
    }

    /// Connections that were cut so far.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        lock(&self.shared.connections).cut
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.close();
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        // It waits for a client, so it gets one.
        let address = reachable(self.address);
        while !acceptor.is_finished() && TcpStream::connect_timeout(&address, PAUSE).is_err() {
            sleep(PAUSE);
        }
        let _ = acceptor.join();
    }
}

/// Where a listener on this address is reached from here.
fn reachable(mut listening: SocketAddr) -> SocketAddr {
    match listening.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => listening.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => listening.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    listening
}

impl Shared {
    const fn count(&self, way: Way) -> &Mutex<Count> {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    /// Counts what was read, and gives what is to be sent on.
    fn take(&self, way: Way, packets: &mut Packets, bytes: &[u8]) -> Vec<u8> {
        let may_lose = self.faults.lose.is_some_and(|(of, _)| of == way);
        let mut kept = Vec::new();
        let mut total = lock(self.count(way));
        total.bytes += bytes.len() as u64;
        packets.push(bytes, |kind, packet| {
            if kind.is_some() {
                total.add(packet);
            }
            if may_lose && !kind.is_some_and(|kind| self.loses(way, kind)) {
                kept.extend_from_slice(packet);
            }
        });
        if may_lose { kept } else { bytes.to_vec() }
    }

    /// Whether this packet is the one to be lost.
    fn loses(&self, way: Way, packet: PacketType) -> bool {
        self.faults.lose == Some((way, packet)) && !self.has_lost.swap(true, Ordering::Relaxed)
    }

    /// Counts a new connection and draws its end; none once the proxy is over.
    fn draw(&self) -> Option<End> {
        let mut connections = lock(&self.connections);
        if connections.is_over {
            return None;
        }
        connections.total += 1;
        let end = End::draw(&self.faults, self.seed, connections.total);
        connections.drawn += u64::from(end.is_drawn());
        Some(end)
    }

    /// Sees to it that the connection does not outlive the proxy.
    fn keep(&self, connection: &Arc<Connection>) {
        let mut connections = lock(&self.connections);
        if connections.is_over {
            return connection.close();
        }
        connections.open.retain(|open| open.strong_count() > 0);
        connections.open.push(Arc::downgrade(connection));
    }

    fn close(&self) {
        let mut connections = lock(&self.connections);
        connections.is_over = true;
        for connection in connections.open.iter().filter_map(Weak::upgrade) {
            connection.close();
        }
    }

    fn has_cut(&self) {
        lock(&self.connections).cut += 1;
    }
}

/// A panic elsewhere leaves numbers that are still numbers.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Until the proxy is over, and so is every connection.
fn accept(listener: TcpListener, shared: &Shared) {
    scope(|threads| {
        for client in listener.incoming() {
            let Ok(client) = client else {
                // There is no file left for it, and there would be none at once.
                sleep(PAUSE);
                continue;
            };
            let Some(end) = shared.draw() else {
                break;
            };
            // A client that gets no thread is closed.
            let _ = Builder::new().spawn_scoped(threads, move || serve(client, end, shared));
        }
        drop(listener);
    });
}

/// # Errors
///
/// Those of the sockets; both are closed then.
fn serve(client: TcpStream, end: End, shared: &Shared) -> io::Result<()> {
    let server = TcpStream::connect_timeout(&shared.server, CONNECT_TIMEOUT)?;
    let connection = Arc::new(Connection::new(client, server, end)?);
    shared.keep(&connection);
    connection.run(shared);
    Ok(())
}
