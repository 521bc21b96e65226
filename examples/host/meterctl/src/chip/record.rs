//! `record`: samples of voltage and current, as fast as the port carries them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use stpm3x::part::Model;

use super::{Meter, Say, explain};

/// The chip's own rate.
const RATE: f64 = 7_812.5;

pub(super) fn run<M: Model>(
    meter: &mut Meter<M>,
    say: Say,
    seconds: f64,
    output: &Path,
) -> Result<()> {
    let length = Duration::try_from_secs_f64(seconds)
        .with_context(|| format!("{seconds} s is no length of time"))?;
    let file = File::create(output)
        .with_context(|| format!("cannot write {}; choose another -o", output.display()))?;
    let mut file = BufWriter::new(file);
    writeln!(file, "time_s,voltage_v,current_a")?;
    let scales = meter.config().scales();
    let bar = ProgressBar::new(length.as_millis() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} {msg}")?);
    let start = Instant::now();
    let mut count = 0u32;
    loop {
        let time = start.elapsed();
        if time >= length {
            break;
        }
        let sample = meter.sample().map_err(explain)?;
        let volts = scales.voltage_sample_uv(sample.voltage) as f64 / 1e6;
        let amps = scales.current_sample_ua(sample.current) as f64 / 1e6;
        writeln!(file, "{:.6},{volts:.6},{amps:.6}", time.as_secs_f64())?;
        count += 1;
        bar.set_message(format!("{count} samples"));
        bar.set_position(time.as_millis() as u64);
    }
    bar.finish_and_clear();
    file.flush()?;
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    say.either(
        || json!({ "samples": count, "rate_hz": rate, "file": output }),
        || {
            println!(
                "{count} samples in {}, {rate:.0} a second of the chip's {RATE}",
                output.display()
            );
        },
    );
    Ok(())
}
