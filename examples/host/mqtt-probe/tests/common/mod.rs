//! TCP, in the clear or with TLS, as a transport of the blocking shell.

pub(crate) mod rumqttd;
pub(crate) mod tls;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use embedded_io::{ErrorType, ReadReady};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// What a write or a handshake may take.
const PATIENCE: Duration = Duration::from_secs(20);
const TURN: Duration = Duration::from_millis(1);

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

pub(crate) struct Transport {
    stream: Stream,
    /// What was read to see whether there is something to read.
    ahead: Vec<u8>,
    is_over: bool,
}

impl Transport {
    /// Connects; a TLS configuration has it speak TLS to `localhost`.
    pub(crate) fn connect(address: SocketAddr, tls: Option<&Arc<ClientConfig>>) -> Self {
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp.set_nonblocking(true).unwrap();
        let stream = match tls {
            None => Stream::Plain(tcp),
            Some(config) => {
                let name = "localhost".try_into().unwrap();
                let client = ClientConnection::new(config.clone(), name).unwrap();
                Stream::Tls(Box::new(StreamOwned::new(client, tcp)))
            }
        };
        Self {
            stream,
            ahead: Vec::new(),
            is_over: false,
        }
    }

    /// A hold on the socket, to cut it off without a word.
    pub(crate) fn cutter(&self) -> TcpStream {
        let tcp = match &self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(stream) => &stream.sock,
        };
        tcp.try_clone().unwrap()
    }

    fn inner(&mut self) -> (&mut dyn Read, bool) {
        let is_over = self.is_over;
        match &mut self.stream {
            Stream::Plain(tcp) => (tcp, is_over),
            Stream::Tls(stream) => (stream.as_mut(), is_over),
        }
    }

    fn patiently<R>(
        &mut self,
        mut act: impl FnMut(&mut dyn Write) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut waited = Duration::ZERO;
        loop {
            let stream: &mut dyn Write = match &mut self.stream {
                Stream::Plain(tcp) => tcp,
                Stream::Tls(stream) => stream.as_mut(),
            };
            match act(stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock && waited < PATIENCE => {
                    std::thread::sleep(TURN);
                    waited += TURN;
                }
                result => return result,
            }
        }
    }
}

/// Cuts a connection as a lost link does.
pub(crate) fn cut(tcp: &TcpStream) {
    let _ = tcp.shutdown(Shutdown::Both);
}

impl ErrorType for Transport {
    type Error = io::Error;
}

impl ReadReady for Transport {
    fn read_ready(&mut self) -> io::Result<bool> {
        if !self.ahead.is_empty() || self.is_over {
            return Ok(true);
        }
        let mut buffer = [0; 1_024];
        match self.inner().0.read(&mut buffer) {
            Ok(0) => self.is_over = true,
            Ok(count) => self.ahead.extend(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            // TLS says of a link that was cut that its end was not announced.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.is_over = true,
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}

impl embedded_io::Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.read_ready()? {
            std::thread::sleep(TURN);
        }
        let count = self.ahead.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        Ok(count)
    }
}

impl embedded_io::Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.patiently(|stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.patiently(|stream| stream.flush())
    }
}
