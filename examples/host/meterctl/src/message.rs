//! `meterctl message`: what a message of the wire format says.

use std::io::{self, Read as _, Write as _};

use anyhow::{Context, Result, bail};
use clap::Args;
use meter_proto::json;
use meter_proto::topic::{Channel, Topic};
use serde_json::Value;

/// The longest input that is read, in bytes: many times the longest message in hex.
const MAX_INPUT: u64 = 1 << 20;

/// Print a message of a meter or its head-end as JSON: names, units, times, OBIS codes
///
/// Signatures and tags are not checked, and what is encrypted stays so.
#[derive(Args)]
#[command(after_help = "\
Channels:
  d/r  reading         d/e  events        s    birth and will    a    answer to a command
  d/p  load profile    d/g  diagnostics   k    receipt           f/q  firmware query
  d/b  billing record                     c    command           f/d  firmware block
  em/1/g/GROUP  notice to a group         manifest  signed manifest of a firmware
A whole topic, such as em/1/4d5452000000002a/d/r, stands for its channel.

Examples:
  meterctl message s A3010118 27F4 182807
  mosquitto_sub -t 'em/1/+/d/r' -C 1 -F %x | meterctl message d/r")]
pub(crate) struct Arguments {
    /// Channel or topic that the message came on, or manifest
    channel: String,
    /// The message in hex, upper or lower case, spaces allowed; without it, standard input is read
    hex: Vec<String>,
    /// Print JSON on one line
    #[arg(long)]
    json: bool,
}

/// Does what the words ask for.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let text = if arguments.hex.is_empty() {
        let mut text = String::new();
        let mut input = io::stdin().take(MAX_INPUT + 1);
        input
            .read_to_string(&mut text)
            .context("standard input is not text: give the message in hex")?;
        if text.len() as u64 > MAX_INPUT {
            bail!("standard input is longer than {MAX_INPUT} bytes: give one message");
        }
        text
    } else {
        arguments.hex.concat()
    };
    let shown = view(&arguments.channel, &bytes(&text)?)?;
    let mut output = io::stdout().lock();
    let written = if arguments.json {
        writeln!(output, "{shown}")
    } else {
        writeln!(output, "{shown:#}")
    };
    written.context("cannot write to the standard output")
}

fn view(channel: &str, bytes: &[u8]) -> Result<Value> {
    let shown = if channel == "manifest" {
        json::manifest(bytes)
    } else if channel
        .strip_prefix("em/1/g/")
        .and_then(Topic::group)
        .is_some()
    {
        json::notice(bytes)
    } else {
        let of_topic = || Topic::parse(channel).map(|(_, channel)| channel);
        match Channel::parse(channel).or_else(of_topic) {
            Some(channel) => json::view(channel, bytes),
            None => bail!(
                "{channel:?} is no channel of the wire format; `meterctl message --help` lists them"
            ),
        }
    };
    shown.with_context(|| format!("no message of {channel} (bytes: {})", bytes.len()))
}

/// The bytes of hex digits in pairs, with space between them or not.
fn bytes(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<char> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .collect();
    if let Some(wrong) = digits.iter().find(|digit| !digit.is_ascii_hexdigit()) {
        bail!("{wrong:?} is no hex digit");
    }
    if digits.is_empty() {
        bail!("there is no message: give its bytes in hex, as words or on the standard input");
    }
    if !digits.len().is_multiple_of(2) {
        let count = digits.len();
        bail!("{count} hex digits make no whole bytes: one is missing, or one is too many");
    }
    let nibble = |digit: &char| {
        digit
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let pairs = digits.chunks_exact(2).map(|pair| match pair {
        [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
        _ => None,
    });
    pairs
        .collect::<Option<_>>()
        .context("hex digits make bytes")
}
