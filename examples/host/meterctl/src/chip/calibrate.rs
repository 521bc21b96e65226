//! `calibrate`: one step of the procedure of AN4470 on one channel.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use stpm3x::calibrate::{LEAST_READINGS, PhaseTest};
use stpm3x::{Calibration, Channel, RECORD_LEN, Record};

use super::board::Board;
use super::read::Channels;
use super::{Meter, Say, explain};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) board: Board,
    /// The file that keeps the codes; read first when it is there
    #[arg(short, long, default_value = "calibration.bin")]
    output: PathBuf,
    /// The channel that the reference is connected to
    #[arg(long, value_enum, default_value = "primary")]
    channel: ChannelName,
    /// Readings to average
    #[arg(long, default_value_t = 40)]
    readings: u16,
    #[command(subcommand)]
    step: Step,
}

#[derive(Clone, Copy, ValueEnum)]
enum ChannelName {
    Primary,
    Secondary,
}

#[derive(Subcommand)]
enum Step {
    /// First: nominal voltage and current at power factor 1
    Amplitude {
        /// Volts that the reference shows
        #[arg(long)]
        volts: f64,
        /// Amperes that the reference shows
        #[arg(long)]
        amps: f64,
    },
    /// Second: the same current at another power factor
    Phase {
        /// Watts that the reference shows
        #[arg(long, allow_negative_numbers = true)]
        watts: f64,
        /// Degrees by which the current lags: 60 is power factor 0.5 inductive
        #[arg(long, default_value_t = 60.0, allow_negative_numbers = true)]
        lag: f64,
        /// Line frequency in hertz
        #[arg(long, default_value_t = 50.0)]
        hertz: f64,
    },
    /// Third: no current, or a small one
    Offset {
        /// Watts that the reference shows
        #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
        watts: f64,
    },
    /// Only write the codes that the file keeps
    Apply,
}

/// A figure in thousandths or millionths.
fn scaled(value: f64, by: f64, name: &str) -> Result<u32> {
    let scaled = (value * by).round();
    if (0.0..=f64::from(u32::MAX)).contains(&scaled) {
        Ok(scaled as u32)
    } else {
        bail!(
            "{name} is {value}: between 0 and {} is allowed",
            f64::from(u32::MAX) / by
        )
    }
}

fn kept(file: &Path) -> Result<Record> {
    match fs::read(file) {
        Ok(bytes) => Record::from_bytes(&bytes).with_context(|| {
            let name = file.display();
            format!("{name} holds no calibration; remove it or choose another -o")
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Record {
            identity: 0,
            count: 0,
            channels: [Calibration::NOMINAL; 2],
        }),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

pub(super) fn run<M: Channels>(
    meter: &mut Meter<M>,
    say: Say,
    arguments: &Arguments,
) -> Result<()> {
    if arguments.readings < LEAST_READINGS {
        bail!("--readings must be at least {LEAST_READINGS}");
    }
    let (channel, place) = match arguments.channel {
        ChannelName::Primary => (Channel::Primary, 0),
        ChannelName::Secondary if M::PART.has_secondary() => (Channel::Secondary, 1),
        ChannelName::Secondary => bail!("the STPM32 has no secondary channel"),
    };
    let mut record = kept(&arguments.output)?;
    let mut config = *meter.config();
    for (channel, codes) in [Channel::Primary, Channel::Secondary]
        .into_iter()
        .zip(record.channels)
    {
        if channel == Channel::Primary || M::PART.has_secondary() {
            config = M::calibrated(&config, channel, codes)?;
        }
    }
    meter.restart().map_err(explain)?;
    meter.reconfigure(config).map_err(explain)?;
    let new = find(meter, arguments, channel, record.channels[place])?;
    meter
        .reconfigure(M::calibrated(&config, channel, new)?)
        .map_err(explain)?;
    record.channels[place] = new;
    if !matches!(arguments.step, Step::Apply) {
        record.count = record.count.saturating_add(1);
        let bytes: [u8; RECORD_LEN] = record.to_bytes();
        fs::write(&arguments.output, bytes)
            .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    }
    print(say, &new, record.count, &arguments.output);
    Ok(())
}

fn find<M: Channels>(
    meter: &mut Meter<M>,
    arguments: &Arguments,
    channel: Channel,
    old: Calibration,
) -> Result<Calibration> {
    if matches!(arguments.step, Step::Apply) {
        return Ok(old);
    }
    // The averages of the chip settle in half a second.
    thread::sleep(Duration::from_millis(1_000));
    let averages = meter.measure(arguments.readings).map_err(explain)?;
    let (averages, scales) = match channel {
        Channel::Primary => (averages.primary, meter.config().scales()),
        Channel::Secondary => M::second_averages(&averages)
            .copied()
            .zip(M::second_scales(meter.config()))
            .context("the secondary channel is not in use")?,
    };
    Ok(match arguments.step {
        Step::Amplitude { volts, amps } => old
            .with_voltage_gain(&averages.voltage, scaled(volts, 1e3, "--volts")?, &scales)
            .context("voltage")?
            .with_current_gain(&averages.current, scaled(amps, 1e6, "--amps")?, &scales)
            .context("current")?,
        Step::Phase { watts, lag, hertz } => {
            let error_ppm = averages
                .active
                .error_ppm((watts * 1e3).round() as i64, &scales)
                .context("0 W tell nothing of the phase")?;
            old.with_phase(&PhaseTest {
                error_ppm,
                lag_mdeg: (lag * 1e3).round() as i32,
                line_mhz: scaled(hertz, 1e3, "--hertz")?,
                crystal_hz: meter.config().front_end().crystal_hz,
            })?
        }
        Step::Offset { watts } => {
            let true_mw = (watts * 1e3).round() as i64;
            let excess = averages.active.excess_over(true_mw, &scales);
            old.with_active_offset(&excess)?
        }
        Step::Apply => old,
    })
}

fn print(say: Say, codes: &Calibration, count: u16, file: &Path) {
    say.either(
        || {
            json!({
                "voltage": codes.voltage, "current": codes.current,
                "voltage_delay": codes.voltage_delay, "current_delay": codes.current_delay,
                "active_offset": codes.active_offset, "count": count, "file": file,
            })
        },
        || {
            println!("voltage gain   {:4}  CHV", codes.voltage);
            println!("current gain   {:4}  CHC", codes.current);
            println!("voltage delay  {:4}  PHV", codes.voltage_delay);
            println!("current delay  {:4}  PHC", codes.current_delay);
            println!("active offset  {:4}  OFA", codes.active_offset);
            println!("step {count}, kept in {}", file.display());
        },
    );
}
