//! Files in the modem: certificates and keys.

use embedded_hal::delay::DelayNs;
use embedded_io::{Read, ReadReady, Write};

use super::Modem;
use crate::engine::file;
use crate::engine::query;
use crate::engine::state::State;
use crate::{Answer, Clock, Error, Fault};

/// Bytes of a file that are written or read at once.
const PIECE: usize = crate::known::CHUNK;

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Puts a file into the modem: a certificate, a key. One that is there already with the same
    /// contents is not written again.
    ///
    /// What was written is read back and compared. Nothing is written unless there is room for it,
    /// and what was not written whole is deleted, where the modem still answers: a part may stay
    /// otherwise, and the next call makes it whole.
    ///
    /// # Errors
    ///
    /// [`Fault::File`] with the modem's reason, [`FileError::NoSpace`](crate::FileError::NoSpace)
    /// among them; [`Fault::Malformed`]: it did not read back, try again;
    /// [`Fault::InvalidParameter`]: the name, or no data.
    pub fn store_file(&mut self, name: &str, data: &[u8]) -> Result<(), Error<S::Error>> {
        // A name with `*` would stand for others, too.
        if data.is_empty() || name.contains('*') {
            return Err(Fault::InvalidParameter.into());
        }
        let before = self.file_size(name)?;
        if self.holds(name, data, before)? {
            return Ok(());
        }
        self.act(&mut |_, _| file::room(data.len(), before.unwrap_or(0)))?;
        let stored = self.write_file(name, data);
        // What was there before, or is as long as it should be, may still be good.
        if stored.is_err()
            && let Ok(Some(size)) = self.file_size(name)
            && Some(size) != before
            && usize::try_from(size) != Ok(data.len())
        {
            let _ = self.delete_file(name);
        }
        stored
    }

    /// Writes a file and reads it back.
    fn write_file(&mut self, name: &str, data: &[u8]) -> Result<(), Error<S::Error>> {
        let mut offset = 0;
        for data in data.chunks(PIECE) {
            let mut write = |state: &mut State<_>, _| state.write_file(name, offset, data);
            self.act(&mut write)?;
            offset += u32::try_from(data.len()).map_err(|_| Fault::InvalidParameter)?;
        }
        let size = self.file_size(name)?;
        if self.holds(name, data, size)? {
            return Ok(());
        }
        if size == u32::try_from(data.len()).ok() {
            let _ = self.delete_file(name);
        }
        Err(Fault::Malformed.into())
    }

    /// Whether the modem has a file with these contents; it has one of `size`.
    fn holds(
        &mut self,
        name: &str,
        data: &[u8],
        size: Option<u32>,
    ) -> Result<bool, Error<S::Error>> {
        if size != u32::try_from(data.len()).ok() {
            return Ok(false);
        }
        let mut offset = 0;
        for piece in data.chunks(PIECE) {
            self.act(&mut |state, _| state.read_file(name, offset))?;
            if self.engine.data() != piece {
                return Ok(false);
            }
            offset += u32::try_from(piece.len()).map_err(|_| Fault::InvalidParameter)?;
        }
        Ok(true)
    }

    /// Length of a file in the modem, bytes; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub fn file_size(&mut self, name: &str) -> Result<Option<u32>, Error<S::Error>> {
        match self.run(&mut |state, _| state.file_query(name, &query::FILE_SIZE))? {
            Answer::Size(size) => Ok(size),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Reads from a file in the modem, at most 1024 bytes; 0 at its end.
    ///
    /// # Errors
    ///
    /// [`Fault::File`] with the modem's reason; those of the port.
    pub fn read_file(
        &mut self,
        name: &str,
        offset: u32,
        out: &mut [u8],
    ) -> Result<usize, Error<S::Error>> {
        self.act(&mut |state, _| state.read_file(name, offset))?;
        let data = self.engine.data();
        for (to, from) in out.iter_mut().zip(data) {
            *to = *from;
        }
        Ok(data.len().min(out.len()))
    }

    /// Deletes a file in the modem, if it is there.
    ///
    /// # Errors
    ///
    /// [`Fault::File`] with the modem's reason; those of the port.
    pub fn delete_file(&mut self, name: &str) -> Result<(), Error<S::Error>> {
        self.act(&mut |state, _| state.file_query(name, &query::DELETE_FILE))
    }
}
