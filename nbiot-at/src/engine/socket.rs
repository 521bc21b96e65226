//! The table of sockets and their receive buffers.

use crate::command::socket::{Connection, Transport};
use crate::engine::event::Event;
use crate::text::{Bytes, append};

/// Bytes read from the modem at once and kept until the application takes them.
pub(crate) const RECEIVE: usize = 1024;
/// The result of `+QIOPEN` that a lost context stands for, AT reference section 22.3.
const PDP_BROKEN: u16 = 570;

/// A socket, valid until it is closed or the modem restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SocketId {
    /// The connectID of the module.
    id: u8,
    generation: u32,
}

impl SocketId {
    /// The connectID of the module, 0 to 11.
    #[must_use]
    pub const fn connect_id(self) -> u8 {
        self.id
    }
}

/// ```text
///   Free ── connect ──► Opening ── +QIOPEN: id,0 ──► Open ── drained, lost ──► Closed
///    ▲                     │ abandoned                │ close                    │ close
///    └── QICLOSE ─────── Stray                        └──────► Free ◄────────────┘
/// ```
/// A QICLOSE without answer leaves `Quarantined`: the id is used only when no other is free, and is
/// closed once more before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Free,
    Opening,
    Open,
    Closed,
    Stray,
    Quarantined,
}

#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) phase: Phase,
    transport: Transport,
    generation: u32,
    /// The modem may hold unread data: `"recv"` comes only once.
    pub(crate) more: bool,
    /// `"closed"` came; there may still be data to read.
    pub(crate) ending: bool,
    /// Lines were missed: it may have come.
    pub(crate) is_doubted: bool,
    /// The modem has said that there is something to read.
    pub(crate) is_announced: bool,
    tell_data: bool,
    tell_closed: bool,
    /// The result of `+QIOPEN`, 0 for success.
    pub(crate) completion: Option<u16>,
    /// Bytes sent and read since it was opened, as the modem counts them.
    pub(crate) sent: u32,
    pub(crate) read: u32,
    buffer: Bytes<RECEIVE>,
    /// Bytes of the buffer that are complete.
    complete: usize,
    taken: usize,
}

impl Socket {
    const fn new() -> Self {
        Self {
            phase: Phase::Free,
            transport: Transport::Tcp,
            generation: 0,
            more: false,
            ending: false,
            is_doubted: false,
            is_announced: false,
            tell_data: false,
            tell_closed: false,
            completion: None,
            sent: 0,
            read: 0,
            buffer: Bytes::new(),
            complete: 0,
            taken: 0,
        }
    }

    /// Another socket, of the same transport. What stood in the buffer need not be wiped.
    #[inline(never)]
    fn reset(&mut self, phase: Phase) {
        let Self {
            phase: present,
            transport: _,
            generation,
            more,
            ending,
            is_doubted,
            is_announced,
            tell_data,
            tell_closed,
            completion,
            sent,
            read,
            buffer,
            complete,
            taken,
        } = self;
        *present = phase;
        *generation = generation.wrapping_add(1);
        for flag in [
            more,
            ending,
            is_doubted,
            is_announced,
            tell_data,
            tell_closed,
        ] {
            *flag = false;
        }
        *completion = None;
        (*sent, *read) = (0, 0);
        buffer.clear();
        (*complete, *taken) = (0, 0);
    }

    /// Itself, for a command that names it.
    pub(crate) const fn connection(&self, id: u8) -> Connection {
        let transport = self.transport;
        Connection { id, transport }
    }

    /// What it will carry, now that nothing is left of what it was.
    pub(crate) const fn carry(&mut self, transport: Transport) {
        self.transport = transport;
    }

    /// Room for a read. What was taken makes way only once all is: nothing is moved.
    pub(crate) fn room(&mut self) -> usize {
        self.buffer.truncate(self.complete);
        self.make_way();
        RECEIVE - self.complete
    }

    /// Begins the buffer anew if all is taken, and nothing is staged behind it.
    fn make_way(&mut self) {
        if self.is_empty() && self.buffer.len() == self.complete {
            self.buffer.clear();
            self.complete = 0;
            self.taken = 0;
        }
    }

    /// Bytes that can be taken.
    pub(crate) fn ready(&self) -> usize {
        self.complete - self.taken
    }

    /// Bytes of a block; they count once [`commit`](Self::commit) is called.
    pub(crate) fn stage(&mut self, data: &[u8]) {
        // A block is never longer than the buffer that was asked for.
        let _ = append(&mut self.buffer, data);
    }

    /// Starts a read: whatever was staged before and not completed is dropped, and what comes
    /// while it runs is news.
    pub(crate) fn begin_read(&mut self) {
        self.buffer.truncate(self.complete);
        self.more = false;
    }

    /// There may be something to read that nobody was told of.
    pub(crate) fn tell_data(&mut self) {
        self.more = true;
        self.tell_data = true;
    }

    /// Whether it is open in the modem, as far as that has been told.
    fn is_live(&self) -> bool {
        self.phase == Phase::Open || self.phase == Phase::Opening && self.completion == Some(0)
    }

    /// The block is complete; returns its length.
    pub(crate) fn commit(&mut self) -> usize {
        let new = self.buffer.len() - self.complete;
        self.complete = self.buffer.len();
        self.read = self
            .read
            .wrapping_add(u32::try_from(new).unwrap_or(u32::MAX));
        new
    }

    /// Takes what is buffered.
    pub(crate) fn take(&mut self, out: &mut [u8]) -> usize {
        let ready = self
            .buffer
            .get(self.taken..self.complete)
            .unwrap_or_default();
        let count = ready.len().min(out.len());
        for (to, from) in out.iter_mut().zip(ready) {
            *to = *from;
        }
        self.taken += count;
        self.make_way();
        count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken == self.complete
    }

    /// The connection is over; what is buffered can still be taken.
    pub(crate) fn end(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Closed;
            self.more = false;
            self.tell_data = !self.is_empty();
            self.tell_closed = true;
        }
    }
}

#[derive(Debug)]
pub(crate) struct Sockets<const N: usize>([Socket; N]);

impl<const N: usize> Sockets<N> {
    pub(crate) const fn new() -> Self {
        Self([const { Socket::new() }; N])
    }

    /// The socket with this connectID.
    pub(crate) fn slot(&mut self, id: u8) -> Option<&mut Socket> {
        self.0.get_mut(usize::from(id))
    }

    /// The socket the application means, if it still exists.
    pub(crate) fn get(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.slot(id.id).filter(|s| {
            s.generation == id.generation && matches!(s.phase, Phase::Open | Phase::Closed)
        })
    }

    /// Takes a free id, or one that has to be closed before: the second of the pair.
    pub(crate) fn allocate(
        &mut self,
        transport: Transport,
    ) -> Option<(Connection, Option<Connection>)> {
        let find = |phase| self.0.iter().position(|s| s.phase == phase);
        let index = find(Phase::Free).or_else(|| find(Phase::Quarantined))?;
        let id = u8::try_from(index).ok()?;
        let socket = self.0.get_mut(index)?;
        let is_doubtful = socket.phase == Phase::Quarantined;
        let before = is_doubtful.then_some(socket.connection(id));
        socket.reset(Phase::Opening);
        if !is_doubtful {
            socket.transport = transport;
        }
        Some((Connection { id, transport }, before))
    }

    /// The handle of a connectID.
    pub(crate) fn handle(&self, id: u8) -> SocketId {
        let generation = self.0.get(usize::from(id)).map_or(0, |s| s.generation);
        SocketId { id, generation }
    }

    /// Frees an id, or keeps it out of use.
    pub(crate) fn release(&mut self, id: u8, phase: Phase) {
        if let Some(socket) = self.slot(id) {
            socket.reset(phase);
        }
    }

    /// An id that nobody holds and that is still open in the modem.
    pub(crate) fn stray(&self) -> Option<Connection> {
        let (index, socket) = (0..).zip(&self.0).find(|(_, s)| s.phase == Phase::Stray)?;
        Some(socket.connection(index))
    }

    pub(crate) fn received(&mut self, id: u8) {
        if let Some(socket) = self.slot(id).filter(|s| s.is_live()) {
            socket.is_announced = true;
            socket.tell_data();
        }
    }

    /// Lines may have been missed: whoever reads finds out.
    pub(crate) fn doubt_all(&mut self) {
        for socket in self.0.iter_mut().filter(|s| s.phase == Phase::Open) {
            socket.is_doubted = true;
            socket.tell_data();
        }
    }

    /// What may wait in the modem.
    pub(crate) fn tell_unread(&mut self) {
        for socket in &mut self.0 {
            socket.tell_data |= socket.phase == Phase::Open && socket.more;
        }
    }

    pub(crate) fn closed_by_peer(&mut self, id: u8) {
        if let Some(socket) = self.slot(id).filter(|s| s.is_live()) {
            socket.ending = true;
            socket.tell_data();
        }
    }

    pub(crate) fn opened(&mut self, id: u8, error: u16) {
        if let Some(socket) = self.slot(id).filter(|s| s.phase == Phase::Opening) {
            socket.completion = Some(error);
        }
    }

    /// The context is gone and every connection with it, also one that is being opened.
    pub(crate) fn lose_all(&mut self) {
        for socket in &mut self.0 {
            if socket.phase == Phase::Opening {
                socket.completion = Some(PDP_BROKEN);
            }
            socket.end();
        }
    }

    /// The modem forgot every socket.
    pub(crate) fn forget_all(&mut self) {
        for socket in &mut self.0 {
            socket.reset(Phase::Free);
        }
    }

    /// The next event of a socket.
    pub(crate) fn event(&mut self) -> Option<Event> {
        for (index, socket) in self.0.iter_mut().enumerate() {
            let Ok(id) = u8::try_from(index) else { break };
            let id = SocketId {
                id,
                generation: socket.generation,
            };
            if matches!(socket.phase, Phase::Open | Phase::Closed)
                && core::mem::take(&mut socket.tell_data)
            {
                return Some(Event::Data(id));
            }
            if socket.tell_closed && socket.is_empty() {
                socket.tell_closed = false;
                return Some(Event::Closed(id));
            }
        }
        None
    }
}
