//! The proxy as a program.

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use fault_proxy::{Cut, FaultProxy, Faults, PacketType, Way};

/// A meter that connects and sends one record moves more than this both up and down.
const CUT_WITHIN: NonZeroU64 = NonZeroU64::new(40).unwrap();

const NO_OUTPUT: &str = "cannot write the report to the standard output";

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
    /// Percentage of connections that are cut, in steps of 0.0001.
    ///
    /// Each is drawn by the seed and its number. The place is drawn too: either way, and behind 1
    /// up to --cut-within bytes that way. The bytes before it arrive, then both sides are closed.
    #[arg(long, value_name = "PERCENT", value_parser = per_million)]
    cut: Option<u32>,
    /// The most bytes before a cut that was drawn.
    ///
    /// A connection that is over before its place is not cut, so take no more than a connection
    /// moves each way. By default a meter that sends one record gets there. The report says how
    /// many were drawn, and how many were cut.
    #[arg(long, default_value_t = CUT_WITHIN, value_name = "BYTES", requires = "cut")]
    cut_within: NonZeroU64,
    /// Cut each connection behind so many bytes: `up:1000`, `down:20`.
    #[arg(long, value_name = "WAY:BYTES", value_parser = after, conflicts_with = "cut")]
    cut_after: Option<(Way, u64)>,
    /// Go silent both ways behind so many bytes, and leave the connection open.
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

/// A percentage in steps of 0.0001, as that many of a million.
fn per_million(text: &str) -> Result<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction:0<4}");
    let is_number = !whole.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|&share| is_number && fraction.len() <= 4 && share <= 1_000_000)
        .context("a percentage from 0 to 100, in steps of 0.0001")
}

impl Arguments {
    fn faults(&self) -> Faults {
        let within = self.cut_within;
        let drawn = self.cut.map(|per_million| Cut::Drawn {
            per_million,
            within,
        });
        let each = self.cut_after.map(|(way, after)| Cut::After(way, after));
        Faults {
            delay: Duration::from_millis(self.delay),
            rate: self.rate,
            piece: self.piece,
            cut: drawn.or(each),
            hang_after: self.hang_after,
            lose: self.lose,
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let (listen, server) = (arguments.listen, arguments.server);
    let proxy = FaultProxy::listen(listen, server, arguments.faults(), arguments.seed)
        .with_context(|| format!("cannot listen on {listen}"))?;
    let mut output = std::io::stdout();
    writeln!(output, "listening on {}, for {server}", proxy.address()).context(NO_OUTPUT)?;
    loop {
        std::thread::sleep(Duration::from_secs(10));
        let (up, down) = (proxy.count(Way::Up), proxy.count(Way::Down));
        writeln!(
            output,
            "{} connections, {} drawn to be cut, {} cut, {} bytes up, {} down",
            proxy.connections(),
            proxy.drawn(),
            proxy.cuts(),
            up.bytes,
            down.bytes
        )
        .context(NO_OUTPUT)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[&str]) -> Result<Arguments, String> {
        let program = ["fault-proxy", "127.0.0.1:1883"];
        Arguments::try_parse_from(program.iter().chain(options)).map_err(|error| error.to_string())
    }

    #[test]
    fn share_is_exact_or_refused() {
        let exact = [
            ("0", 0),
            ("0.0001", 1),
            ("0.05", 500),
            ("5", 50_000),
            ("5.", 50_000),
            ("99.9999", 999_999),
            ("100", 1_000_000),
        ];
        for (text, share) in exact {
            assert_eq!(parse(&["--cut", text]).unwrap().cut, Some(share), "{text}");
        }
        let refused = [
            "",
            ".",
            ".5",
            "0.00001",
            "100.0001",
            "5e1",
            "+5",
            "nan",
            "1.+1",
            "5%",
            "9999999999",
        ];
        for text in refused {
            let error = parse(&["--cut", text]).unwrap_err();
            assert!(error.contains("in steps of 0.0001"), "{text}: {error}");
        }
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        assert!(parse(&["--cut", "5", "--cut-after", "up:10"]).is_err());
        assert!(parse(&["--cut-within", "10"]).is_err());
        assert!(parse(&["--cut", "5", "--cut-within", "0"]).is_err());
        let (share, place) = (
            ["--cut", "5", "--cut-within", "7"],
            ["--cut-after", "up:10"],
        );
        let within = NonZeroU64::new(7).unwrap();
        let drawn = Cut::Drawn {
            per_million: 50_000,
            within,
        };
        assert_eq!(parse(&share).unwrap().faults().cut, Some(drawn));
        let each = Cut::After(Way::Up, 10);
        assert_eq!(parse(&place).unwrap().faults().cut, Some(each));
        assert_eq!(parse(&[]).unwrap().faults().cut, None);
    }
}
