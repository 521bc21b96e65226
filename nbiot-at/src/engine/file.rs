//! Jobs on the files of the module.

use crate::code::FileError;
use crate::command::file::{self, KEEP, READ_ONLY, TRUNCATE};
use crate::engine::job::{Answer, Cause, Job, Step, Task, work};
use crate::engine::query::{Query, ROOM};
use crate::engine::state::State;
use crate::error::Fault;
use crate::known::CHUNK;
use crate::time::Instant;

/// Reads or writes one piece of a file. Whatever happens, the file is closed at the end.
///
/// ```text
///   QFOPEN ──► QFSEEK, unless at the start ──► QFREAD or QFWRITE ──► QFCLOSE ──► done
///                 └── refused ─────────────────────┴───────────────► QFCLOSE ──► failed
/// ```
#[derive(Debug)]
pub(crate) struct Piece {
    is_write: bool,
    offset: u32,
    handle: Option<u32>,
    at: At,
    result: Result<usize, Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Open,
    Seek,
    Move,
    Close,
}

work!(Piece);

impl Piece {
    /// Reads up to the engine's buffer from `offset` on.
    pub(crate) const fn read(offset: u32) -> Self {
        Self::new(false, offset)
    }

    /// Writes the payload in the state's buffer at `offset`; at 0 the file is made anew.
    pub(crate) const fn write(offset: u32) -> Self {
        Self::new(true, offset)
    }

    const fn new(is_write: bool, offset: u32) -> Self {
        Self {
            is_write,
            offset,
            handle: None,
            at: At::Open,
            result: Ok(0),
        }
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        _: Instant,
    ) -> Step {
        let Cause::Reply(result) = cause else {
            let mode = match (self.is_write, self.offset) {
                (false, _) => READ_ONLY,
                (true, 0) => TRUNCATE,
                (true, _) => KEEP,
            };
            return Step::Command(file::OPEN.with(mode, 0));
        };
        match (self.at, result.map_err(told)) {
            (At::Open, Err(fault)) => Step::failed(fault),
            (At::Open, Ok(())) => {
                self.handle = state.known.heard.handle;
                self.at = At::Seek;
                match self.handle {
                    Some(handle) if self.offset > 0 => {
                        Step::Command(file::SEEK.with(handle, self.offset))
                    }
                    Some(handle) => self.transfer(state, handle),
                    None => Step::failed(Fault::Malformed),
                }
            }
            (At::Close, _) => Step::Done(self.result.map(Answer::Count)),
            (_, Err(fault)) => self.close(Err(fault)),
            (At::Seek, Ok(())) => match self.handle {
                Some(handle) => self.transfer(state, handle),
                None => Step::failed(Fault::LogicBug),
            },
            (At::Move, Ok(())) => {
                let result = self.moved(state);
                self.close(result)
            }
        }
    }

    fn transfer<const N: usize>(&mut self, state: &mut State<N>, handle: u32) -> Step {
        self.at = At::Move;
        let length = if self.is_write {
            state.known.payload.len()
        } else {
            CHUNK
        };
        match u32::try_from(length) {
            Ok(length) if self.is_write => Step::Command(file::WRITE.with(handle, length)),
            Ok(length) => Step::Command(file::READ.with(handle, length)),
            Err(_) => Step::failed(Fault::LogicBug),
        }
    }

    /// Bytes that went, if all of them did.
    fn moved<const N: usize>(&self, state: &State<N>) -> Result<usize, Fault> {
        let length = state.known.payload.len();
        let written = state
            .known
            .heard
            .total
            .and_then(|n| usize::try_from(n).ok());
        match self.is_write {
            true if state.known.spoiled => Err(Fault::TimedOut),
            true if written != Some(length) => Err(Fault::Malformed),
            _ => Ok(length),
        }
    }

    fn close(&mut self, result: Result<usize, Fault>) -> Step {
        self.result = result;
        self.at = At::Close;
        match self.handle {
            Some(handle) if result != Err(Fault::Silent) => {
                Step::Command(file::CLOSE.with(handle, 0))
            }
            _ => Step::Done(result.map(Answer::Count)),
        }
    }
}

/// Looks whether there is room for `length` bytes, where a file of the name has `before` already.
pub(crate) fn room<const N: usize>(length: usize, before: u32) -> Result<Task<N>, Fault> {
    let length = u32::try_from(length).map_err(|_| Fault::InvalidParameter)?;
    let more = length.saturating_sub(before);
    Ok(Task::new(Query::with(&ROOM, more), Job::Query))
}

/// The reason that a command on a file gives, AT reference section 22.5.
pub(crate) fn told(fault: Fault) -> Fault {
    match fault {
        Fault::Cme(code) if (400..=499).contains(&code.code()) => {
            Fault::File(FileError::from_code(code.code()))
        }
        other => other,
    }
}
