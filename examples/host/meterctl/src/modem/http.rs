//! A resource of a web server into a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use embedded_io::Read;
use indicatif::{ProgressBar, ProgressStyle};
use nbiot_at::http::{Progress, Url};

use super::{Client, explain};

/// The address in the words of the user.
pub(super) fn url(text: &str) -> Result<Url> {
    Url::parse(text).with_context(|| format!("{text} is no http:// or https:// address"))
}

/// Reads all of it, with a bar.
pub(super) fn get(modem: &mut Client, url: &Url, output: Option<&Path>) -> Result<()> {
    let mut out = Output::open(output)?;
    let bar = ProgressBar::no_length().with_style(style()?);
    let mut download = modem.download(url, Progress::new());
    let mut buffer = [0; 512];
    loop {
        let count = download.read(&mut buffer).map_err(explain)?;
        if count == 0 {
            break;
        }
        out.write(&buffer[..count])?;
        let Progress { offset, length, .. } = download.progress();
        if let Some(length) = length {
            bar.set_length(u64::from(*length));
        }
        bar.set_position(u64::from(*offset));
    }
    bar.finish_and_clear();
    eprintln!("{} bytes", download.progress().offset);
    drop(download);
    out.finish()
}

fn style() -> Result<ProgressStyle> {
    let template = "{bar:40} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}";
    ProgressStyle::with_template(template).map_err(|error| anyhow!("{error}"))
}

enum Output {
    File(File),
    Standard(io::Stdout),
}

impl Output {
    fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::Standard(io::stdout()));
        };
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::File(file))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::File(file) => file.write_all(bytes)?,
            Self::Standard(out) => out.write_all(bytes)?,
        }
        Ok(())
    }

    /// Cuts off what an older and longer file had behind it.
    fn finish(self) -> Result<()> {
        match self {
            Self::File(mut file) => {
                let end = file.stream_position()?;
                file.set_len(end)?;
            }
            Self::Standard(mut out) => out.flush()?,
        }
        Ok(())
    }
}
