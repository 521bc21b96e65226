//! The chip and the modem of a board that runs in QEMU, each behind a TCP port, in real time.
//!
//! `qemu-peers HOST:PORT` names the broker that the modem's connections end at. It prints the two
//! ports, then a line for each latch of the chip: the registers that a record of it must show.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant as Real, SystemTime};

use nbiot_at::Instant;
use nbiot_at::sim::{Link, Modem, Network, Peer, TcpNetwork};
use simulator::truth::Truth;
use stpm3x::sim::{Board, Chip, Input, Interface, Line, Phasor};
use stpm3x::{Channel, Divider, FrontEnd, Gain, Part, Sensor};

/// A tick of the chip.
const TICK_NS: u128 = 128_000;
/// How often the peers look at their own time.
const LOOK: Duration = Duration::from_millis(1);
/// The board's first reading only sets the base: no load before it has surely been taken.
const FIRST_READING: Duration = Duration::from_secs(6);
/// The load then: 230 V and 80 A, so that every second moves the registers.
const VOLTAGE_UV: u32 = 230_000_000;
const CURRENT_UA: u32 = 80_000_000;

fn main() -> ExitCode {
    match std::env::args()
        .nth(1)
        .as_deref()
        .and_then(|broker| broker.rsplit_once(':'))
    {
        Some((host, port)) if port.parse::<u16>().is_ok() => {
            let port = port.parse().unwrap_or_default();
            end(serve(host, port))
        }
        _ => end(Err(io::Error::other("usage: qemu-peers HOST:PORT"))),
    }
}

fn end(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("qemu-peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(host: &str, port: u16) -> io::Result<()> {
    let meter = TcpListener::bind(("127.0.0.1", 0))?;
    let modem = TcpListener::bind(("127.0.0.1", 0))?;
    println!("meter {}", meter.local_addr()?.port());
    println!("modem {}", modem.local_addr()?.port());
    let broker = Broker {
        tcp: TcpNetwork::new(),
        host: host.to_string(),
        port,
    };
    let modem = thread::spawn(move || play_modem(modem.accept()?.0, broker));
    play_chip(meter.accept()?.0)?;
    modem
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the modem's thread ended")))
}

/// Reads what is there within a look; `None` when the board is gone.
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(0) => Ok(None),
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(Some(0))
        }
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(None),
        Err(error) => Err(error),
    }
}

fn play_chip(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    let mut chip = Chip::new(Part::Stpm32, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(Interface::Uart);
    reset(&mut chip);
    let mut truth = truth()?;
    let (mut buffer, start, mut ticks) = ([0; 64], Real::now(), 0);
    let mut last = chip.latched_truth();
    while let Some(count) = read(&mut stream, &mut buffer)? {
        let now = start.elapsed();
        let due = now.as_nanos() / TICK_NS;
        let current = if now < FIRST_READING { 0 } else { CURRENT_UA };
        let load = Phasor::sine(VOLTAGE_UV, current, 0, 50_000);
        chip.set_phase(Channel::Primary, load);
        chip.advance(u64::try_from(due - ticks).unwrap_or(u64::MAX));
        ticks = due;
        let answer: Vec<u8> = buffer
            .iter()
            .take(count)
            .filter_map(|&byte| chip.uart_byte(byte))
            .collect();
        stream.write_all(&answer)?;
        if chip.latched_truth() != last {
            last = chip.latched_truth();
            truth.latch([&last.primary].into_iter());
            let [import, export, reactive_import, reactive_export] = truth.registers();
            println!("latch {import} {export} {reactive_import} {reactive_export}");
        }
    }
    Ok(())
}

/// The full reset of DS10272 section 3: three SYN pulses between two of SCS. QEMU has no pins, so
/// what the board's start sequence would do is done for it.
fn reset(chip: &mut Chip) {
    let pulses = [Line::Scs, Line::Syn, Line::Syn, Line::Syn, Line::Scs];
    // The chip has chosen its interface by then.
    chip.elapse_ns(40_000_000);
    for line in pulses {
        for high in [false, true] {
            chip.set_line(line, high);
            chip.elapse_ns(1_000_000);
        }
    }
}

/// The board's front end, as its firmware has it.
fn truth() -> io::Result<Truth> {
    let divider = Divider {
        upper_ohms: 770_000,
        lower_ohms: 470,
    };
    let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
    let scales = front_end
        .scales()
        .map_err(|error| io::Error::other(error.to_string()))?;
    let lsb = scales.energy_lsb();
    Ok(Truth::new(lsb.num(), lsb.den()))
}

fn play_modem(mut stream: TcpStream, broker: Broker) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    let mut modem = Modem::new(broker, 1);
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    modem.settings.unix = unix.ok().map(|since| since.as_secs());
    modem.power_on(Instant::ZERO);
    let (mut buffer, start) = ([0; 2_048], Real::now());
    while let Some(count) = read(&mut stream, &mut buffer)? {
        let now = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = Instant::from_millis(now);
        modem.receive(&buffer[..count], now);
        let count = modem.transmit(now, &mut buffer);
        stream.write_all(&buffer[..count])?;
    }
    Ok(())
}

/// A network in which every address is the broker's.
struct Broker {
    tcp: TcpNetwork,
    host: String,
    port: u16,
}

impl Network for Broker {
    fn open(&mut self, id: u8, peer: &Peer<'_>) {
        self.tcp.open(id, &peer.moved_to(&self.host, self.port));
    }

    fn poll(&mut self, id: u8) -> Link {
        self.tcp.poll(id)
    }

    fn send(&mut self, id: u8, bytes: &[u8]) -> usize {
        self.tcp.send(id, bytes)
    }

    fn receive(&mut self, id: u8, out: &mut [u8]) -> usize {
        self.tcp.receive(id, out)
    }

    fn close(&mut self, id: u8) {
        self.tcp.close(id);
    }
}
