//! A port whose bytes are kept, to be attached to a bug report.
//!
//! The file is a transcript as `nbiot-at` has them in its tests: `>` is what went to the modem, `<`
//! what came from it, and a line that begins with `#` is the time.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

/// A port, and where its bytes are kept.
pub(super) struct Logged<P> {
    port: P,
    file: Option<File>,
}

impl<P> Logged<P> {
    pub(super) fn new(port: P, path: Option<&Path>) -> Result<Self> {
        let create = |path: &Path| {
            File::create(path).with_context(|| format!("cannot write {}", path.display()))
        };
        Ok(Self {
            port,
            file: path.map(create).transpose()?,
        })
    }

    fn keep(&mut self, mark: char, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) if !bytes.is_empty() => {
                let now = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let line = format!(
                    "# {:.3} s UTC\n{mark} {}\n",
                    now.as_secs_f64(),
                    escaped(bytes)
                );
                file.write_all(line.as_bytes())
            }
            _ => Ok(()),
        }
    }
}

/// Printable bytes as they are, the others as `\r`, `\n` and `\x00`.
fn escaped(bytes: &[u8]) -> String {
    let byte = |&byte: &u8| match byte {
        b'\r' => "\\r".to_string(),
        b'\n' => "\\n".to_string(),
        b'\\' => "\\\\".to_string(),
        b' '..=b'~' => char::from(byte).to_string(),
        byte => format!("\\x{byte:02X}"),
    };
    bytes.iter().map(byte).collect()
}

impl<P: embedded_io::ErrorType<Error = io::Error>> embedded_io::ErrorType for Logged<P> {
    type Error = io::Error;
}

impl<P: embedded_io::ReadReady<Error = io::Error>> embedded_io::ReadReady for Logged<P> {
    fn read_ready(&mut self) -> io::Result<bool> {
        self.port.read_ready()
    }
}

impl<P: embedded_io::Read<Error = io::Error>> embedded_io::Read for Logged<P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.port.read(buffer)?;
        self.keep('<', buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

impl<P: embedded_io::Write<Error = io::Error>> embedded_io::Write for Logged<P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.port.write(bytes)?;
        self.keep('>', bytes.get(..count).unwrap_or_default())?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.port.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn bytes_are_kept_as_text() {
        assert_eq!(
            escaped(b"AT+X=\"\\\"\r\n\x00\xFF"),
            "AT+X=\"\\\\\"\\r\\n\\x00\\xFF"
        );
    }
}
