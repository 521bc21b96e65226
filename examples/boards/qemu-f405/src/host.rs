//! Semihosting: the files and the clock of the machine that runs the emulator. A real board has a
//! flash chip and a real-time clock in its place.

use cortex_m_semihosting::{nr, syscall};

/// A file of the host, open for reading and writing.
#[derive(Clone, Copy, Debug)]
pub struct File(usize);

/// The host refused an operation on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError;

impl core::fmt::Display for HostError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the host refused the file operation")
    }
}

impl core::error::Error for HostError {}

impl File {
    /// Opens a file that exists, or makes one. The name ends in NUL.
    pub fn open(name: &core::ffi::CStr) -> Result<Self, HostError> {
        Self::open_as(name, nr::open::RW_BINARY)
            .or_else(|HostError| Self::open_as(name, nr::open::RW_TRUNC_BINARY))
    }

    fn open_as(name: &core::ffi::CStr, mode: usize) -> Result<Self, HostError> {
        let length = name.count_bytes();
        // SAFETY: the host only reads the name, which outlives the call.
        let handle = unsafe { syscall!(OPEN, name.as_ptr(), mode, length) };
        if handle == usize::MAX {
            Err(HostError)
        } else {
            Ok(Self(handle))
        }
    }

    /// The length in bytes.
    pub fn length(self) -> Result<usize, HostError> {
        // SAFETY: the host takes a number and gives one.
        let length = unsafe { syscall!(FLEN, self.0) };
        if length == usize::MAX {
            Err(HostError)
        } else {
            Ok(length)
        }
    }

    /// Fills `bytes` from `offset` on.
    pub fn read(self, offset: u32, bytes: &mut [u8]) -> Result<(), HostError> {
        self.seek(offset)?;
        // SAFETY: the host writes at most `len` bytes into the slice, which is borrowed for that.
        all(unsafe { syscall!(READ, self.0, bytes.as_mut_ptr(), bytes.len()) })
    }

    /// Writes all of `bytes` from `offset` on.
    pub fn write(self, offset: u32, bytes: &[u8]) -> Result<(), HostError> {
        self.seek(offset)?;
        // SAFETY: the host only reads the slice, which outlives the call.
        all(unsafe { syscall!(WRITE, self.0, bytes.as_ptr(), bytes.len()) })
    }

    fn seek(self, offset: u32) -> Result<(), HostError> {
        // SAFETY: the host takes two numbers.
        all(unsafe { syscall!(SEEK, self.0, offset as usize) })
    }
}

/// The host says how much it could not do.
const fn all(left: usize) -> Result<(), HostError> {
    if left == 0 { Ok(()) } else { Err(HostError) }
}

/// The host's clock: seconds since 1970. Differs from run to run, and never goes back.
pub fn seconds() -> u32 {
    // SAFETY: the host takes nothing and gives a number.
    (unsafe { syscall!(TIME) }) as u32
}
