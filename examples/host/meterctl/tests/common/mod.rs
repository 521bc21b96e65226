//! The modem's model behind a TCP port.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant as Real};

use nbiot_at::Instant;
use nbiot_at::sim::{Modem, Network};

/// Serves one connection to a modem that was switched on a minute before, and whose time runs
/// `speed` times as fast, so that a boot does not take half a minute; the name of its port.
pub(crate) fn modem<N: Network>(
    speed: u128,
    make: impl FnOnce() -> Modem<N> + Send + 'static,
) -> String {
    modem_that_said(true, speed, make)
}

/// The same; what it said while it started was said before, or is heard now. Who is about to talk
/// must take that for a restart.
pub(crate) fn modem_that_said<N: Network>(
    was_said: bool,
    speed: u128,
    make: impl FnOnce() -> Modem<N> + Send + 'static,
) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut modem = make();
        modem.power_on(Instant::ZERO);
        let stream = listener.accept().unwrap().0;
        let mut unheard = [0; 512];
        while was_said && modem.transmit(Instant::from_millis(60_000), &mut unheard) > 0 {}
        serve(stream, modem, speed);
    });
    format!("tcp:{address}")
}

fn serve<N: Network>(mut stream: TcpStream, mut modem: Modem<N>, speed: u128) {
    let soon = Some(Duration::from_millis(1));
    stream.set_read_timeout(soon).unwrap();
    let start = Real::now();
    let mut buffer = [0; 512];
    loop {
        let count = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(_) => return,
        };
        let now = 60_000 + start.elapsed().as_millis() * speed;
        let now = Instant::from_millis(now as u64);
        modem.receive(&buffer[..count], now);
        let count = modem.transmit(now, &mut buffer);
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}
