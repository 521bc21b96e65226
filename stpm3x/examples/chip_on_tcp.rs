//! A simulated STPM34 on a TCP port, as an evaluation board's UART would show it.
//!
//! ```text
//! cargo run -p stpm3x --features sim --example chip_on_tcp
//! cargo run -p meterctl -- chip --port tcp:127.0.0.1:7034 read --start --watch
//! ```

use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use stpm3x::sim::{Board, Chip, Input, Interface, Phasor};
use stpm3x::{Channel, Part};

/// What the chip measures in one of its ticks.
const TICK_NS: u128 = 128_000;

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or("127.0.0.1:7034".into());
    let listener = TcpListener::bind(&address)
        .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
    println!("STPM34 with a shunt on tcp:{}", listener.local_addr()?);
    let mut chip = Chip::new(Part::Stpm34, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(Interface::Uart);
    // A heater on one channel, a motor on the other.
    let heater = Phasor::sine(230_400_000, 8_700_000, 0, 50_010);
    let motor = Phasor::sine(229_800_000, 3_200_000, 42_000, 50_010);
    chip.set_phase(Channel::Primary, heater);
    chip.set_phase(Channel::Secondary, motor);
    chip.set_secondary_angle(-120_000);
    let mut clock = Clock(Instant::now());
    // One host after the other; the chip measures on between them.
    for stream in listener.incoming() {
        match serve(stream?, &mut chip, &mut clock) {
            Ok(()) => println!("the host is gone"),
            Err(error) => println!("the host is gone: {error}"),
        }
    }
    Ok(())
}

/// The time up to which the chip has measured.
struct Clock(Instant);

impl Clock {
    /// Brings the chip to the present.
    fn catch_up(&mut self, chip: &mut Chip) {
        let ticks = self.0.elapsed().as_nanos() / TICK_NS;
        chip.advance(u64::try_from(ticks).unwrap_or(u64::MAX));
        self.0 = Instant::now();
    }
}

fn serve(mut stream: TcpStream, chip: &mut Chip, clock: &mut Clock) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 {
        clock.catch_up(chip);
        if let Some(answer) = chip.uart_byte(byte[0]) {
            stream.write_all(&[answer])?;
        }
    }
    Ok(())
}
