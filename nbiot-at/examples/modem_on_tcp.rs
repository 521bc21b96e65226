//! A simulated BG95-like modem on a TCP port, as its UART would show it. Its sockets are real, TLS
//! included; its SIM is an eUICC with two profiles.
//!
//! ```text
//! cargo run -p nbiot-at --features sim,tls --example modem_on_tcp
//! cargo run -p meterctl -- modem --port tcp:127.0.0.1:7035 attach
//! cargo run -p meterctl -- modem --port tcp:127.0.0.1:7035 esim list
//! ```
//!
//! The second argument is how many times faster than real its time runs, 1 unless it is given.

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant as Real, SystemTime, UNIX_EPOCH};

use nbiot_at::Instant;
use nbiot_at::sim::{Modem, TcpNetwork};

fn main() -> io::Result<()> {
    let mut words = env::args().skip(1);
    let address = words.next().unwrap_or("127.0.0.1:7035".into());
    let speed = words.next().map_or(Ok(1), |word| word.parse());
    let speed: u32 = speed.map_err(|_| io::Error::other("the speed is a whole number"))?;
    let listener = TcpListener::bind(&address)
        .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
    println!("modem on tcp:{}", listener.local_addr()?);
    let mut modem = Modem::new(TcpNetwork::new(), 1);
    modem.settings.checks_names = true;
    modem.settings.is_euicc = true;
    let today = SystemTime::now().duration_since(UNIX_EPOCH);
    modem.settings.unix = today.ok().map(|since| since.as_secs());
    modem.power_on(Instant::ZERO);
    let begun = Real::now();
    let now = || {
        let millis = begun.elapsed().as_millis() * u128::from(speed);
        Instant::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    };
    // One host after the other; the modem goes on between them.
    for stream in listener.incoming() {
        match serve(stream?, &mut modem, now) {
            Ok(()) => println!("the host is gone"),
            Err(error) => println!("the host is gone: {error}"),
        }
    }
    Ok(())
}

fn serve(
    mut stream: TcpStream,
    modem: &mut Modem<TcpNetwork>,
    now: impl Fn() -> Instant,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    let mut buffer = [0; 512];
    loop {
        let count = match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(error) => return Err(error),
        };
        modem.receive(&buffer[..count], now());
        let count = modem.transmit(now(), &mut buffer);
        stream.write_all(&buffer[..count])?;
    }
}
