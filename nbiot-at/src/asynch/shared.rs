//! One modem for several tasks: connections that read and write at the same time.

use core::cell::RefCell;
use core::fmt;
use core::future::poll_fn;
use core::net::{IpAddr, SocketAddr};
use core::ops::{Deref, DerefMut};
use core::task::Poll;

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::Mutex as Kept;
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::mutex::{Mutex, MutexGuard};
use embassy_sync::waitqueue::MultiWakerRegistration;
use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{ErrorType, Read, Write};
use embedded_nal_async::{AddrType, Dns, TcpConnect};

use super::Modem;
use crate::text::Text;
use crate::{Clock, Error, Event, Fault, Instant, SocketId, Transport};

/// Tasks that can wait at once without waking each other for nothing.
const TASKS: usize = 8;

/// A modem that several tasks use by turns.
///
/// ```text
///   command (connect, write, read of what is there)      whoever wants it, one after another
///   driving (nothing to do but to listen to the modem)   one of those that wait for the network
///   sleeping                                             the others, until something has come
/// ```
///
/// The driver lets go as soon as another wants the modem. `M` says who the tasks are: `NoopRawMutex`
/// for those of one executor, `CriticalSectionRawMutex` beyond.
///
/// Cancel safety is that of [`Modem`]: any future may be dropped at any time.
pub struct Shared<M: RawMutex, S, C, const SOCKETS: usize> {
    modem: Mutex<M, Modem<S, C, SOCKETS>>,
    tasks: Kept<M, RefCell<Tasks>>,
}

struct Tasks {
    wakers: MultiWakerRegistration<TASKS>,
    /// Rises whenever something may have come.
    news: u32,
    /// Those that want to give a command.
    wanting: usize,
    /// Connections that were dropped while the modem was in use, by their connectID.
    dropped: [Option<SocketId>; 12],
}

impl<M: RawMutex, S, C, const SOCKETS: usize> Shared<M, S, C, SOCKETS> {
    /// Shares a modem.
    pub const fn new(modem: Modem<S, C, SOCKETS>) -> Self {
        Self {
            modem: Mutex::new(modem),
            tasks: Kept::new(RefCell::new(Tasks {
                wakers: MultiWakerRegistration::new(),
                news: 0,
                wanting: 0,
                dropped: [None; 12],
            })),
        }
    }

    /// The modem, for this task alone until the guard is dropped: for `start`, `signal`, files.
    pub async fn lock(&self) -> Guard<'_, M, S, C, SOCKETS> {
        let _wanting = Wanting::new(self);
        let modem = self.until(|| self.take()).await;
        Guard {
            modem,
            _news: News(self),
        }
    }

    /// Gives the modem back.
    pub fn into_inner(self) -> Modem<S, C, SOCKETS> {
        self.modem.into_inner()
    }

    fn with_tasks<R>(&self, f: impl FnOnce(&mut Tasks) -> R) -> R {
        self.tasks.lock(|tasks| f(&mut tasks.borrow_mut()))
    }

    fn news(&self) -> u32 {
        self.with_tasks(|tasks| tasks.news)
    }

    fn take(&self) -> Option<MutexGuard<'_, M, Modem<S, C, SOCKETS>>> {
        let mut modem = self.modem.try_lock().ok()?;
        let dropped = self.with_tasks(|tasks| core::mem::take(&mut tasks.dropped));
        for socket in dropped.into_iter().flatten() {
            modem.engine.release(socket);
        }
        Some(modem)
    }

    /// A look at the modem that changes nothing, once it is free.
    async fn look<R>(&self, mut look: impl FnMut(&mut Modem<S, C, SOCKETS>) -> R) -> R {
        let found = self.until(|| Some(look(&mut *self.take()?))).await;
        // Another may have found it taken.
        self.with_tasks(|tasks| tasks.wakers.wake());
        found
    }

    /// Waits until `ready` gives something; it is asked again after each news.
    async fn until<T>(&self, mut ready: impl FnMut() -> Option<T>) -> T {
        poll_fn(|context| {
            // First the waker: what comes in between is then not missed.
            self.with_tasks(|tasks| tasks.wakers.register(context.waker()));
            ready().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn drop_socket(&self, socket: SocketId) {
        if let Ok(mut modem) = self.modem.try_lock() {
            return modem.engine.release(socket);
        }
        self.with_tasks(|tasks| {
            if let Some(slot) = tasks.dropped.get_mut(usize::from(socket.connect_id())) {
                *slot = Some(socket);
            }
        });
    }
}

impl<M: RawMutex, S, C, const SOCKETS: usize> fmt::Debug for Shared<M, S, C, SOCKETS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// A task wants the modem; the driver sees it.
struct Wanting<'a, M: RawMutex, S, C, const SOCKETS: usize>(&'a Shared<M, S, C, SOCKETS>);

impl<'a, M: RawMutex, S, C, const SOCKETS: usize> Wanting<'a, M, S, C, SOCKETS> {
    fn new(shared: &'a Shared<M, S, C, SOCKETS>) -> Self {
        shared.with_tasks(|tasks| {
            tasks.wanting += 1;
            tasks.wakers.wake();
        });
        Self(shared)
    }
}

impl<M: RawMutex, S, C, const SOCKETS: usize> Drop for Wanting<'_, M, S, C, SOCKETS> {
    fn drop(&mut self) {
        self.0.with_tasks(|tasks| {
            tasks.wanting = tasks.wanting.saturating_sub(1);
            tasks.wakers.wake();
        });
    }
}

/// A [`Shared`] modem in the hands of one task.
pub struct Guard<'a, M: RawMutex, S, C, const SOCKETS: usize> {
    /// Before the news: the modem is free when anybody is woken.
    modem: MutexGuard<'a, M, Modem<S, C, SOCKETS>>,
    _news: News<'a, M, S, C, SOCKETS>,
}

impl<M: RawMutex, S, C, const SOCKETS: usize> fmt::Debug for Guard<'_, M, S, C, SOCKETS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl<M: RawMutex, S, C, const SOCKETS: usize> Deref for Guard<'_, M, S, C, SOCKETS> {
    type Target = Modem<S, C, SOCKETS>;

    fn deref(&self) -> &Self::Target {
        &self.modem
    }
}

impl<M: RawMutex, S, C, const SOCKETS: usize> DerefMut for Guard<'_, M, S, C, SOCKETS> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.modem
    }
}

/// Dropped, it tells everybody that something may have come.
struct News<'a, M: RawMutex, S, C, const SOCKETS: usize>(&'a Shared<M, S, C, SOCKETS>);

impl<M: RawMutex, S, C, const SOCKETS: usize> Drop for News<'_, M, S, C, SOCKETS> {
    fn drop(&mut self) {
        self.0.with_tasks(|tasks| {
            tasks.news = tasks.news.wrapping_add(1);
            tasks.wakers.wake();
        });
    }
}

impl<M, S, C, const SOCKETS: usize> Shared<M, S, C, SOCKETS>
where
    M: RawMutex,
    S: Read + Write,
    C: Clock + DelayNs,
{
    /// Opens a connection, as [`Modem::connect`].
    ///
    /// # Errors
    ///
    /// As [`Modem::connect`].
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
        transport: Transport,
    ) -> Result<Connection<'_, M, S, C, SOCKETS>, Error<S::Error>> {
        let socket = self.lock().await.connect(host, port, transport).await?;
        Ok(Connection {
            shared: self,
            socket,
        })
    }

    /// Waits for an event that is not of a connection, at most until `until`. One task does so, and
    /// starts the modem again where [`Event`] says so; connections that are lost tell their own.
    ///
    /// # Errors
    ///
    /// Only those of the serial port.
    pub async fn wait(&self, until: Instant) -> Result<Event, Error<S::Error>> {
        loop {
            let (event, now, seen) = self.look(|modem| self.next_event(modem)).await;
            if let Some(event) = event {
                return Ok(event);
            }
            if now >= until {
                return Ok(Event::Deadline);
            }
            self.drive(seen, Some(until)).await?;
        }
    }

    fn next_event(&self, modem: &mut Modem<S, C, SOCKETS>) -> (Option<Event>, Instant, u32) {
        let is_of_a_connection = |event: &Event| matches!(event, Event::Data(_) | Event::Closed(_));
        let mut events = core::iter::from_fn(|| modem.engine.event());
        let event = events.find(|event| !is_of_a_connection(event));
        (event, modem.clock.now(), self.news())
    }

    /// Listens to the modem, or sleeps while another does, until there are other news than those
    /// `seen`. Who has a time to keep listens himself.
    async fn drive(&self, seen: u32, until: Option<Instant>) -> Result<(), Error<S::Error>> {
        loop {
            let own = until.map(|_| Wanting::new(self));
            let others = usize::from(own.is_some());
            let taken = self
                .until(|| match self.news() == seen {
                    false => Some(None),
                    true if self.wanting() > others => None,
                    true => self.take().map(Some),
                })
                .await;
            drop(own);
            let Some(mut modem) = taken else {
                return Ok(());
            };
            let wanted = self.until(|| (self.wanting() > 0).then_some(()));
            let turned = select(modem.turn(until), wanted).await;
            drop(modem);
            match turned {
                Either::First(result) => {
                    drop(News(self));
                    return result;
                }
                Either::Second(()) => self.with_tasks(|tasks| tasks.wakers.wake()),
            }
        }
    }

    fn wanting(&self) -> usize {
        self.with_tasks(|tasks| tasks.wanting)
    }
}

/// A connection of a [`Shared`] modem. Dropped, it is closed with the next use of the modem.
///
/// `read` returns 0 at the end of the connection; a datagram is read with each.
pub struct Connection<'a, M: RawMutex, S, C, const SOCKETS: usize> {
    shared: &'a Shared<M, S, C, SOCKETS>,
    socket: SocketId,
}

impl<M: RawMutex, S, C, const SOCKETS: usize> Connection<'_, M, S, C, SOCKETS> {
    /// Which socket of the modem it is.
    pub const fn socket(&self) -> SocketId {
        self.socket
    }
}

impl<M: RawMutex, S, C, const SOCKETS: usize> Drop for Connection<'_, M, S, C, SOCKETS> {
    fn drop(&mut self) {
        self.shared.drop_socket(self.socket);
    }
}

impl<M: RawMutex, S, C, const SOCKETS: usize> fmt::Debug for Connection<'_, M, S, C, SOCKETS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}

impl<M, S, C, const SOCKETS: usize> ErrorType for Connection<'_, M, S, C, SOCKETS>
where
    M: RawMutex,
    S: ErrorType,
{
    type Error = Error<S::Error>;
}

impl<M, S, C, const SOCKETS: usize> Read for Connection<'_, M, S, C, SOCKETS>
where
    M: RawMutex,
    S: Read + Write,
    C: Clock + DelayNs,
{
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        let Self { shared, socket } = self;
        loop {
            match shared.lock().await.receive(*socket, buf).await {
                Err(Error::Modem(Fault::Closed)) => return Ok(0),
                Ok(0) if !buf.is_empty() => {}
                other => return other,
            }
            loop {
                let look = |modem: &mut Modem<S, C, SOCKETS>| {
                    (modem.engine.has_something(*socket), shared.news())
                };
                let (has_something, seen) = shared.look(look).await;
                if has_something {
                    break;
                }
                shared.drive(seen, None).await?;
            }
        }
    }
}

impl<M, S, C, const SOCKETS: usize> Write for Connection<'_, M, S, C, SOCKETS>
where
    M: RawMutex,
    S: Read + Write,
    C: Clock + DelayNs,
{
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.shared.lock().await.send(self.socket, buf).await
    }

    /// Waits until the peer has acknowledged what was sent, see [`Modem::flush`].
    async fn flush(&mut self) -> Result<(), Self::Error> {
        self.shared.lock().await.flush(self.socket).await
    }
}

impl<M, S, C, const SOCKETS: usize> TcpConnect for Shared<M, S, C, SOCKETS>
where
    M: RawMutex,
    S: Read + Write,
    C: Clock + DelayNs,
{
    type Error = Error<S::Error>;
    type Connection<'a>
        = Connection<'a, M, S, C, SOCKETS>
    where
        Self: 'a;

    /// In the clear: the name that TLS verifies is not in an address. See
    /// [`connect`](Shared::connect).
    async fn connect<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Result<Self::Connection<'a>, Self::Error> {
        let mut host = Text::<45>::new();
        let written = fmt::Write::write_fmt(&mut host, format_args!("{}", remote.ip()));
        written.map_err(|_| Fault::LogicBug)?;
        let port = remote.port();
        Self::connect(self, host.as_str(), port, Transport::Tcp).await
    }
}

impl<M, S, C, const SOCKETS: usize> Dns for Shared<M, S, C, SOCKETS>
where
    M: RawMutex,
    S: Read + Write,
    C: Clock + DelayNs,
{
    type Error = Error<S::Error>;

    async fn get_host_by_name(
        &self,
        host: &str,
        addr_type: AddrType,
    ) -> Result<IpAddr, Self::Error> {
        let address = self.lock().await.resolve(host).await?;
        let is_wanted = match addr_type {
            AddrType::IPv4 => address.is_ipv4(),
            AddrType::IPv6 => address.is_ipv6(),
            AddrType::Either => true,
        };
        is_wanted
            .then_some(address)
            .ok_or(Error::Modem(Fault::NotSupported))
    }

    /// The modem has no such command: [`Fault::NotSupported`].
    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, Self::Error> {
        Err(Fault::NotSupported.into())
    }
}
