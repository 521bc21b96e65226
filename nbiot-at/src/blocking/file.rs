//! Files in the modem: certificates and keys.

use embedded_hal::delay::DelayNs;
use embedded_io::{Read, ReadReady, Write};

use super::Modem;
use crate::engine::query;
use crate::engine::state::State;
use crate::{Answer, Clock, Error, Fault};

/// Bytes of a file that are written or read at once.
const PIECE: usize = crate::known::CHUNK;

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Puts a file into the modem: a certificate, a key. One that is there already with the same
    /// contents is not written again.
    ///
    /// What was written is read back and compared.
    ///
    /// # Errors
    ///
    /// [`Fault::File`] with the modem's reason; [`Fault::Malformed`]: it did not read back, try
    /// again; [`Fault::InvalidParameter`]: the name, or no data.
    pub fn store_file(&mut self, name: &str, data: &[u8]) -> Result<(), Error<S::Error>> {
        if self.holds(name, data)? {
            return Ok(());
        }
        let mut offset = 0;
        for data in data.chunks(PIECE) {
            let mut write = |state: &mut State<_>, _| state.write_file(name, offset, data);
            self.act(&mut write)?;
            offset += u32::try_from(data.len()).map_err(|_| Fault::InvalidParameter)?;
        }
        let holds = self.holds(name, data)?;
        holds.then_some(()).ok_or(Error::Modem(Fault::Malformed))
    }

    /// Whether the modem has a file with these contents.
    fn holds(&mut self, name: &str, data: &[u8]) -> Result<bool, Error<S::Error>> {
        let length = u32::try_from(data.len()).map_err(|_| Fault::InvalidParameter)?;
        if length == 0 {
            return Err(Fault::InvalidParameter.into());
        }
        if self.file_size(name)? != Some(length) {
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
