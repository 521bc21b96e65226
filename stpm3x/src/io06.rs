//! Ports of embedded-io 0.6 as those of 0.7.

use core::fmt;

/// A port whose HAL still implements the traits of embedded-io 0.6.
///
/// ```
/// # struct HalUart;
/// # #[derive(Debug)] struct Never;
/// # impl embedded_io_06::Error for Never {
/// #     fn kind(&self) -> embedded_io_06::ErrorKind { embedded_io_06::ErrorKind::Other }
/// # }
/// # impl embedded_io_06::ErrorType for HalUart { type Error = Never; }
/// # impl embedded_io_06::Read for HalUart {
/// #     fn read(&mut self, _: &mut [u8]) -> Result<usize, Never> { Ok(0) }
/// # }
/// # impl embedded_io_06::ReadReady for HalUart {
/// #     fn read_ready(&mut self) -> Result<bool, Never> { Ok(false) }
/// # }
/// # impl embedded_io_06::Write for HalUart {
/// #     fn write(&mut self, bytes: &[u8]) -> Result<usize, Never> { Ok(bytes.len()) }
/// #     fn flush(&mut self) -> Result<(), Never> { Ok(()) }
/// # }
/// use stpm3x::blocking::Uart;
/// use stpm3x::{Io06, Pins};
///
/// let bus = Uart::new(Io06(HalUart), Pins::none());
/// # let _ = bus;
/// ```
#[derive(Debug)]
pub struct Io06<T>(pub T);

/// The error of such a port, kept whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Io06Error<E>(pub E);

impl<E: fmt::Debug> fmt::Display for Io06Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl<E: fmt::Debug> core::error::Error for Io06Error<E> {}

impl<E: embedded_io_06::Error> embedded_io::Error for Io06Error<E> {
    fn kind(&self) -> embedded_io::ErrorKind {
        use embedded_io::ErrorKind as New;
        use embedded_io_06::ErrorKind as Old;
        match self.0.kind() {
            Old::NotFound => New::NotFound,
            Old::PermissionDenied => New::PermissionDenied,
            Old::ConnectionRefused => New::ConnectionRefused,
            Old::ConnectionReset => New::ConnectionReset,
            Old::ConnectionAborted => New::ConnectionAborted,
            Old::NotConnected => New::NotConnected,
            Old::AddrInUse => New::AddrInUse,
            Old::AddrNotAvailable => New::AddrNotAvailable,
            Old::BrokenPipe => New::BrokenPipe,
            Old::AlreadyExists => New::AlreadyExists,
            Old::InvalidInput => New::InvalidInput,
            Old::InvalidData => New::InvalidData,
            Old::TimedOut => New::TimedOut,
            Old::Interrupted => New::Interrupted,
            Old::Unsupported => New::Unsupported,
            Old::OutOfMemory => New::OutOfMemory,
            Old::WriteZero => New::WriteZero,
            _ => New::Other,
        }
    }
}

impl<T: embedded_io_06::ErrorType> embedded_io::ErrorType for Io06<T> {
    type Error = Io06Error<T::Error>;
}

impl<T: embedded_io_06::Read> embedded_io::Read for Io06<T> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Self::Error> {
        self.0.read(bytes).map_err(Io06Error)
    }
}

impl<T: embedded_io_06::ReadReady> embedded_io::ReadReady for Io06<T> {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        self.0.read_ready().map_err(Io06Error)
    }
}

impl<T: embedded_io_06::Write> embedded_io::Write for Io06<T> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(bytes).map_err(Io06Error)
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush().map_err(Io06Error)
    }
}

#[cfg(feature = "async")]
impl<T: embedded_io_async_06::Read> embedded_io_async::Read for Io06<T> {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Self::Error> {
        self.0.read(bytes).await.map_err(Io06Error)
    }
}

#[cfg(feature = "async")]
impl<T: embedded_io_async_06::Write> embedded_io_async::Write for Io06<T> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(bytes).await.map_err(Io06Error)
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush().await.map_err(Io06Error)
    }
}
