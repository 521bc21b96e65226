//! A TCP proxy between a client and its server that does to their connection what a radio does: it
//! delays, it is slow, it cuts after so many bytes, it goes silent, and it loses a chosen MQTT packet.
//!
//! What it does to a connection follows from the seed and the number of the connection, so a test
//! that fails fails again.

mod count;
mod link;

pub use count::{Count, PacketType};

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use link::{End, Link};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
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
    /// Each connection is cut after so many bytes that way.
    pub cut_after: Option<(Way, u64)>,
    /// So many of a thousand connections are cut after a number of bytes drawn at random, either
    /// way, below [`cut_within`](Self::cut_within).
    pub cut_per_mille: u32,
    /// See [`cut_per_mille`](Self::cut_per_mille).
    pub cut_within: u64,
    /// Each connection goes silent both ways after so many bytes, and stays open.
    pub hang_after: Option<(Way, u64)>,
    /// The first MQTT packet of this type is lost, once in the life of the proxy.
    pub lose: Option<(Way, PacketType)>,
}

/// A proxy that runs until it is dropped, which cuts what is open.
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
    is_over: AtomicBool,
    /// The packet that was to be lost is lost.
    has_lost: AtomicBool,
    up: Mutex<Count>,
    down: Mutex<Count>,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    total: u64,
    cut: u64,
    open: Vec<TcpStream>,
}

impl FaultProxy {
    /// Listens on a free port of the loopback.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn start(server: SocketAddr, faults: Faults, seed: u64) -> io::Result<Self> {
        Self::listen((Ipv4Addr::LOCALHOST, 0).into(), server, faults, seed)
    }

    /// Listens on an address.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn listen(
        on: SocketAddr,
        server: SocketAddr,
        faults: Faults,
        seed: u64,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(on)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            faults,
            seed,
            is_over: AtomicBool::new(false),
            has_lost: AtomicBool::new(false),
            up: Mutex::default(),
            down: Mutex::default(),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = Some(std::thread::spawn(move || accept(&listener, &accepting)));
        Ok(Self {
            address,
            shared,
            acceptor,
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

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        lock(&self.shared.connections).total
    }

    /// Connections that were cut so far.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        lock(&self.shared.connections).cut
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for stream in lock(&self.shared.connections).open.drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    const fn count(&self, way: Way) -> &Mutex<Count> {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    /// Whether this packet is the one to be lost.
    fn loses(&self, way: Way, packet: PacketType) -> bool {
        self.faults.lose == Some((way, packet)) && !self.has_lost.swap(true, Ordering::Relaxed)
    }

    fn has_cut(&self) {
        lock(&self.connections).cut += 1;
    }
}

/// A panic elsewhere leaves numbers that are still numbers.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        // A server that is away is a connection that ends.
        let (Ok(client), Ok(server)) = (client, TcpStream::connect(shared.server)) else {
            continue;
        };
        let _ = serve(client, server, shared);
    }
}

fn serve(client: TcpStream, server: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let number = {
        let mut connections = lock(&shared.connections);
        connections.total += 1;
        connections.open.push(client.try_clone()?);
        connections.open.push(server.try_clone()?);
        connections.total
    };
    let end = End::draw(&shared.faults, shared.seed, number);
    Link::new(Way::Up, &client, &server, shared, end)?.run();
    Link::new(Way::Down, &server, &client, shared, end)?.run();
    Ok(())
}
