//! `calibrate`: one step of the procedure of AN4470 on the primary channel.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use stpm3x::calibrate::{LEAST_READINGS, PhaseTest};
use stpm3x::part::Model;
use stpm3x::{Calibration, RECORD_LEN, Record};

use super::board::Board;
use super::{Meter, Say, explain};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) board: Board,
    /// The file that keeps the codes; read first when it is there
    #[arg(short, long, default_value = "calibration.bin")]
    output: PathBuf,
    /// Readings to average
    #[arg(long, default_value_t = 40)]
    readings: u16,
    #[command(subcommand)]
    step: Step,
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

pub(super) fn run<M: Model>(meter: &mut Meter<M>, say: Say, arguments: &Arguments) -> Result<()> {
    if arguments.readings < LEAST_READINGS {
        bail!("--readings must be at least {LEAST_READINGS}");
    }
    let mut record = kept(&arguments.output)?;
    let [old, _] = record.channels;
    let config = meter.config().with_calibration(old)?;
    meter.restart().map_err(explain)?;
    meter.reconfigure(config).map_err(explain)?;
    let new = find(meter, arguments, old)?;
    meter
        .reconfigure(config.with_calibration(new)?)
        .map_err(explain)?;
    record.channels[0] = new;
    if !matches!(arguments.step, Step::Apply) {
        record.count = record.count.saturating_add(1);
        let bytes: [u8; RECORD_LEN] = record.to_bytes();
        fs::write(&arguments.output, bytes)
            .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    }
    print(say, &new, record.count, &arguments.output);
    Ok(())
}

fn find<M: Model>(
    meter: &mut Meter<M>,
    arguments: &Arguments,
    old: Calibration,
) -> Result<Calibration> {
    if matches!(arguments.step, Step::Apply) {
        return Ok(old);
    }
    // The averages of the chip settle in half a second.
    thread::sleep(Duration::from_millis(1_000));
    let averages = meter.measure(arguments.readings).map_err(explain)?.primary;
    let scales = meter.config().scales();
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
            println!("voltage gain   {:4}  CHV1", codes.voltage);
            println!("current gain   {:4}  CHC1", codes.current);
            println!("voltage delay  {:4}  PHV1", codes.voltage_delay);
            println!("current delay  {:4}  PHC1", codes.current_delay);
            println!("active offset  {:4}  OFA1", codes.active_offset);
            println!("step {count}, kept in {}", file.display());
        },
    );
}
