//! A serial port or a TCP connection as an `embedded-io` port, and the PC's clock.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serial2::SerialPort;

/// Long enough not to spin, short enough to end with the program.
const READ_TIMEOUT: Duration = Duration::from_millis(200);

/// An open port. A thread reads it ahead, so that asking for bytes never blocks.
pub(crate) struct Port {
    writer: Box<dyn Write>,
    received: Receiver<io::Result<Vec<u8>>>,
    bytes: VecDeque<u8>,
}

impl Port {
    /// Opens `tcp:HOST:PORT`, or a serial port by its name.
    pub(crate) fn open(name: &str, baud: u32) -> Result<Self> {
        match name.strip_prefix("tcp:") {
            Some(address) => {
                let stream = TcpStream::connect(address)
                    .with_context(|| format!("cannot connect to {address}"))?;
                stream.set_nodelay(true)?;
                Ok(Self::new(stream.try_clone()?, stream))
            }
            None => {
                let mut port = SerialPort::open(name, baud)
                    .with_context(|| format!("cannot open the serial port {name}"))?;
                port.set_read_timeout(READ_TIMEOUT)?;
                let port = Arc::new(port);
                Ok(Self::new(SharedSerial(port.clone()), SharedSerial(port)))
            }
        }
    }

    fn new(reader: impl Read + Send + 'static, writer: impl Write + 'static) -> Self {
        let (sender, received) = channel();
        thread::spawn(move || read_ahead(reader, &sender));
        Self {
            writer: Box::new(writer),
            received,
            bytes: VecDeque::new(),
        }
    }

    /// Takes in what the thread has read.
    fn collect(&mut self) -> io::Result<()> {
        loop {
            match self.received.try_recv() {
                Ok(bytes) => self.bytes.extend(bytes?),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) if !self.bytes.is_empty() => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(closed()),
            }
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(
        ErrorKind::BrokenPipe,
        "the other side closed the connection",
    )
}

fn read_ahead(mut reader: impl Read, sender: &Sender<io::Result<Vec<u8>>>) {
    let mut buffer = [0; 512];
    loop {
        let message = match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => Ok(buffer[..count].to_vec()),
            Err(error) if is_temporary(&error) => continue,
            Err(error) => Err(error),
        };
        let over = message.is_err();
        if sender.send(message).is_err() || over {
            return;
        }
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
    )
}

/// One serial port for the reading thread and for the writer.
struct SharedSerial(Arc<SerialPort>);

impl Read for SharedSerial {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for SharedSerial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl embedded_io::ErrorType for Port {
    type Error = io::Error;
}

impl embedded_io::ReadReady for Port {
    fn read_ready(&mut self) -> io::Result<bool> {
        self.collect()?;
        Ok(!self.bytes.is_empty())
    }
}

impl embedded_io::Read for Port {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() {
            let bytes = self.received.recv().map_err(|_| closed())??;
            self.bytes.extend(bytes);
        }
        Read::read(&mut self.bytes, buffer)
    }
}

impl embedded_io::Write for Port {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The PC's clock and sleep.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    start: Instant,
}

impl Desk {
    /// A clock that begins now.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl nbiot_at::Clock for Desk {
    fn now(&self) -> nbiot_at::Instant {
        nbiot_at::Instant::ZERO + self.start.elapsed()
    }
}

impl embedded_hal::delay::DelayNs for Desk {
    fn delay_ns(&mut self, ns: u32) {
        thread::sleep(Duration::from_nanos(ns.into()));
    }
}
