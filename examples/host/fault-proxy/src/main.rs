//! The proxy as a program.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use fault_proxy::{FaultProxy, Faults, PacketType, Way};

/// Stands between a client and its server, and is as slow, far away and unreliable as it is told to
/// be: the same way for the same seed.
///
/// NB-IoT in poor coverage: `fault-proxy 127.0.0.1:1883 --delay 1000 --rate 1875 --cut 5`
#[derive(Parser, Debug)]
#[command(version)]
struct Arguments {
    /// Where the server listens.
    server: SocketAddr,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Delay each way in ms.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    delay: u64,
    /// Bytes per second each way; 0 for no limit.
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    rate: u32,
    /// The most bytes of one write; 0 for no limit.
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    piece: usize,
    /// Percentage of connections that are cut at random.
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    cut: f64,
    /// Those are cut within so many bytes.
    #[arg(long, default_value_t = 4_096, value_name = "BYTES")]
    cut_within: u64,
    /// Cut each connection after so many bytes: `up:1000`, `down:20`.
    #[arg(long, value_name = "WAY:BYTES", value_parser = after)]
    cut_after: Option<(Way, u64)>,
    /// Go silent after so many bytes, and leave the connection open.
    #[arg(long, value_name = "WAY:BYTES", value_parser = after)]
    hang_after: Option<(Way, u64)>,
    /// Lose the first MQTT packet of a type: `down:puback`.
    #[arg(long, value_name = "WAY:PACKET", value_parser = packet)]
    lose: Option<(Way, PacketType)>,
    /// Seed of all that is random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn way(text: &str) -> Result<(Way, &str)> {
    match text.split_once(':') {
        Some(("up", rest)) => Ok((Way::Up, rest)),
        Some(("down", rest)) => Ok((Way::Down, rest)),
        _ => bail!("say up: or down: before it"),
    }
}

fn after(text: &str) -> Result<(Way, u64)> {
    let (way, bytes) = way(text)?;
    Ok((way, bytes.parse().context("a number of bytes")?))
}

fn packet(text: &str) -> Result<(Way, PacketType)> {
    let (way, name) = way(text)?;
    let packet = PacketType::parse(name);
    Ok((way, packet.context("a type of packet, as puback")?))
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if !(0.0..=100.0).contains(&arguments.cut) {
        bail!("--cut is a percentage");
    }
    let faults = Faults {
        delay: Duration::from_millis(arguments.delay),
        rate: arguments.rate,
        piece: arguments.piece,
        cut_after: arguments.cut_after,
        cut_per_mille: (arguments.cut * 10.0) as u32,
        cut_within: arguments.cut_within,
        hang_after: arguments.hang_after,
        lose: arguments.lose,
    };
    let (listen, server) = (arguments.listen, arguments.server);
    let proxy = FaultProxy::listen(listen, server, faults, arguments.seed)
        .with_context(|| format!("cannot listen on {listen}"))?;
    println!("listening on {}, for {server}", proxy.address());
    loop {
        std::thread::sleep(Duration::from_secs(10));
        let (up, down) = (proxy.count(Way::Up), proxy.count(Way::Down));
        println!(
            "{} connections, {} cut, {} bytes up, {} down",
            proxy.connections(),
            proxy.cuts(),
            up.bytes,
            down.bytes
        );
    }
}
