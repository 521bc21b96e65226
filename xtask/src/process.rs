//! Child processes: what they print goes to the terminal or to the log of a step.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a check says of itself: a note for the summary, or what went wrong and what to do.
pub(crate) type Outcome = Result<String, String>;

/// Where the output of commands goes.
pub(crate) struct Log {
    file: Option<(File, PathBuf)>,
}

impl Log {
    /// Everything is shown as it comes.
    pub(crate) const fn to_terminal() -> Self {
        Self { file: None }
    }

    /// Everything is kept in `path`, which is made anew.
    pub(crate) fn to_file(path: &Path) -> Result<Self, String> {
        let explain = |error| format!("cannot write {}: {error}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(explain)?;
        }
        let file = File::create(path).map_err(explain)?;
        Ok(Self {
            file: Some((file, path.to_path_buf())),
        })
    }

    /// The text kept so far; empty on a terminal.
    pub(crate) fn text(&self) -> String {
        let Some((_, path)) = &self.file else {
            return String::new();
        };
        let bytes = fs::read(path).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Adds one line.
    pub(crate) fn line(&mut self, text: &str) {
        match &mut self.file {
            None => println!("{text}"),
            // A log that cannot be written must not fail the check it belongs to.
            Some((file, _)) => drop(writeln!(file, "{text}")),
        }
    }

    fn output(&self) -> Result<(Stdio, Stdio), String> {
        let Some((file, path)) = &self.file else {
            return Ok((Stdio::inherit(), Stdio::inherit()));
        };
        let again = || {
            file.try_clone()
                .map_err(|error| format!("cannot share {}: {error}", path.display()))
        };
        Ok((again()?.into(), again()?.into()))
    }

    /// Runs a command to its end; an exit code other than 0 is an error.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<(), String> {
        let text = describe(command);
        self.line(&format!("$ {text}"));
        let (out, err) = self.output()?;
        let status = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .status()
            .map_err(|error| cannot_start(command, &error))?;
        must_succeed(status, &text)
    }

    /// Runs commands at the same time, each to its end; those that fail are the error.
    pub(crate) fn run_together(&mut self, commands: &mut [Command]) -> Result<(), String> {
        let mut started = Vec::new();
        for command in commands {
            let text = describe(command);
            self.line(&format!("$ {text}"));
            started.push(self.output().and_then(|(out, err)| {
                let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
                child
                    .map(|child| (child, text))
                    .map_err(|error| cannot_start(command, &error))
            }));
        }
        // All are waited for, whatever becomes of one.
        let ended = started.into_iter().map(|started| {
            let (mut child, text) = started?;
            let status = child.wait().map_err(|error| format!("{text}: {error}"))?;
            must_succeed(status, &text)
        });
        let failed: Vec<String> = ended.filter_map(Result::err).collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(failed.join("; "))
        }
    }

    /// Runs a command to its end and gives back its standard output.
    pub(crate) fn capture(&mut self, command: &mut Command) -> Result<String, String> {
        let text = describe(command);
        self.line(&format!("$ {text}"));
        let (_, err) = self.output()?;
        let output = command
            .stdin(Stdio::null())
            .stderr(err)
            .output()
            .map_err(|error| cannot_start(command, &error))?;
        must_succeed(output.status, &text)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn must_succeed(status: ExitStatus, text: &str) -> Result<(), String> {
    if status.success() {
        Ok(())
    } else {
        Err(format!("{status}: {text}"))
    }
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot start {}: {error}", command.get_program().display())
}

/// Whether a command ends well, its output thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where a program is found along PATH.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    // Servers such as mosquitto live in sbin, which is not on every user's PATH.
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Waits for a child no longer than `limit`; it is ended when the time is over.
pub(crate) fn wait_within(child: &mut Child, limit: Duration) -> Result<ExitStatus, String> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if start.elapsed() < limit => sleep(Duration::from_millis(20)),
            Ok(None) => {
                // Both fail only when it has ended meanwhile, which is what is wanted.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("not finished after {} s", limit.as_secs()));
            }
            Err(error) => return Err(format!("cannot wait: {error}")),
        }
    }
}

fn describe(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(key, value)| Some(format!("{}={:?}", key.display(), value?)))
        .collect();
    words.push(command.get_program().display().to_string());
    words.extend(command.get_args().map(|word| word.display().to_string()));
    words.join(" ")
}
