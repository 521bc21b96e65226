//! The STM32F405 board example in QEMU: the models of chip and modem on its serial ports, and the
//! head-end behind the modem.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::boards;
use crate::install;
use crate::process::{Log, Outcome, wait_within};
use crate::workspace::{cargo, target_dir};

const BOARD: &str = "qemu-f405";
/// The board's identity as the head-end shows it: `QEMUF405` in hex.
const METER: &str = "51454d5546343035";
/// Load profile records of a short run; one each five seconds.
const RECORDS: usize = 6;
const LIMIT: Duration = Duration::from_secs(180);

/// `cargo xtask qemu [--stay]`.
pub(crate) fn command(log: &mut Log, words: &[&str]) -> Outcome {
    match words {
        [] => run(log),
        ["--stay"] => chain(log, usize::MAX, Duration::MAX),
        [other, ..] => Err(format!(
            "'{other}' is not expected here; see 'cargo xtask help'"
        )),
    }
}

/// A short run, its records compared with the chip's totals.
pub(crate) fn run(log: &mut Log) -> Outcome {
    chain(log, RECORDS, LIMIT)
}

fn chain(log: &mut Log, records: usize, limit: Duration) -> Outcome {
    install::program(log, "qemu-system-arm")?;
    let toolchain = boards::one(log, &format!("examples/boards/{BOARD}"))?;
    log.run(cargo().args(["build", "-p", "head-end", "-p", "simulator", "--bins"]))?;
    let folder = target_dir().join("xtask").join("qemu");
    // From an earlier run; the first has none.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;

    let host = |name: &str| {
        let mut command = Command::new(target_dir().join("debug").join(name));
        command.current_dir(&folder);
        command
    };
    let mut command = host("head-end");
    let head_end = command.args(["--listen", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
    let head_end = Program::start(head_end)?;
    let web = head_end.word_after("web pages  http://")?;
    let broker = head_end.word_after("broker     mqtt://")?;
    log.line(&format!("head-end: http://{web}"));
    let peers = Program::start(host("qemu-peers").arg(broker))?;
    let mut command = machine();
    command.current_dir(&folder);
    // The order is the order of the chip's ports: USART1, USART2, USART3, UART4.
    command.args(["-serial", "null", "-serial", "stdio"]);
    for name in ["meter", "modem"] {
        let port = peers.word_after(&format!("{name} "))?;
        let socket = format!("socket,id={name},host=127.0.0.1,port={port},server=off");
        command.args(["-chardev", &socket, "-serial", &format!("chardev:{name}")]);
    }
    let mut board = Program::start(command.arg("-kernel").arg(toolchain.image(BOARD)))?;

    let result = wait_for_records(&mut board, &web, records, limit);
    drop(board.child.kill());
    let console = board.lines();
    console
        .iter()
        .chain(&peers.lines())
        .for_each(|line| log.line(line));
    compare(&result?, &latches(&peers.lines()))
}

/// The emulated STM32F405, without ports and without a program yet.
pub(crate) fn machine() -> Command {
    let mut command = Command::new("qemu-system-arm");
    command.args([
        "-M",
        "netduinoplus2",
        "-display",
        "none",
        "-monitor",
        "none",
    ]);
    command.args(["-semihosting-config", "enable=on,target=native"]);
    command
}

/// Runs the emulator to its own end, within the time limit, and gives back what the board printed
/// on its console and by semihosting.
pub(crate) fn play(log: &mut Log, mut command: Command) -> Outcome {
    let mut board = Program::start(&mut command)?;
    let status = wait_within(&mut board.child, LIMIT)?;
    // The pipe is read to its end a moment after the program's.
    thread::sleep(Duration::from_millis(100));
    let text = board.lines().join("\n");
    log.line(&text);
    if status.success() {
        Ok(text)
    } else {
        Err(format!("the board ended with {status}: {text}"))
    }
}

/// A program in the background; it is ended when this is dropped.
struct Program {
    name: String,
    child: Child,
    printed: Arc<Mutex<Vec<String>>>,
}

impl Program {
    fn start(command: &mut Command) -> Result<Self, String> {
        let name = command.get_program().display().to_string();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = child
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        let printed = Arc::new(Mutex::new(Vec::new()));
        let output = child.stdout.take().ok_or("no output")?;
        let lines = Arc::clone(&printed);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        Ok(Self {
            name,
            child,
            printed,
        })
    }

    fn lines(&self) -> Vec<String> {
        self.printed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for a line that begins so, and gives the rest of it.
    fn word_after(&self, start: &str) -> Result<String, String> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            if let Some(rest) = self
                .lines()
                .iter()
                .find_map(|line| line.strip_prefix(start))
            {
                return Ok(rest.to_string());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{} did not print '{start}'", self.name))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it has ended before, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One record as the head-end has it.
struct Record {
    seq: u64,
    /// Import, export, reactive import and reactive export.
    registers: [u64; 4],
}

fn wait_for_records(
    board: &mut Program,
    web: &str,
    wanted: usize,
    limit: Duration,
) -> Result<Vec<Record>, String> {
    let began = Instant::now();
    while began.elapsed() < limit {
        if let Ok(Some(status)) = board.child.try_wait() {
            let last = board.lines().pop().unwrap_or_default();
            return Err(format!(
                "the board ended by itself ({status}); its last line: {last}"
            ));
        }
        let records = records(&get(web, &format!("/api/meters/{METER}/records.csv"))?);
        if records.len() >= wanted {
            return Ok(records);
        }
        thread::sleep(Duration::from_millis(500));
    }
    let last = board.lines().pop().unwrap_or_default();
    Err(format!(
        "not {wanted} records after {} s; last line: {last}",
        limit.as_secs()
    ))
}

/// The body of a page; version 1.0, so that it ends with the connection and has no chunks.
fn get(address: &str, path: &str) -> Outcome {
    let explain = |error| format!("http://{address}{path}: {error}");
    let mut stream = TcpStream::connect(address).map_err(explain)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").map_err(explain)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(explain)?;
    Ok(answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_string())
        .unwrap_or_default())
}

/// The records of an export; none before the meter is known.
fn records(csv: &str) -> Vec<Record> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let titles = lines.next().unwrap_or_default();
    let column = |name: &str| titles.iter().position(|title| *title == name);
    let names = [
        "seq",
        "import [Wh]",
        "export [Wh]",
        "reactive_import [varh]",
    ];
    let [Some(seq), Some(import), Some(export), Some(reactive_import)] = names.map(column) else {
        return Vec::new();
    };
    let Some(reactive_export) = column("reactive_export [varh]") else {
        return Vec::new();
    };
    let record = |line: Vec<&str>| {
        let number = |at: usize| line.get(at)?.parse().ok();
        let registers = [
            number(import)?,
            number(export)?,
            number(reactive_import)?,
            number(reactive_export)?,
        ];
        Some(Record {
            seq: number(seq)?,
            registers,
        })
    };
    lines.filter_map(record).collect()
}

/// What the chip's own totals were at each latch.
fn latches(lines: &[String]) -> BTreeSet<[u64; 4]> {
    let latch = |line: &String| {
        let numbers = line
            .strip_prefix("latch ")?
            .split(' ')
            .map(|word| word.parse().ok());
        numbers.collect::<Option<Vec<u64>>>()?.try_into().ok()
    };
    // Before the first count all registers are zero.
    lines.iter().filter_map(latch).chain([[0; 4]]).collect()
}

/// Every record is there once and shows exactly what the chip had counted at one of its latches.
fn compare(records: &[Record], latches: &BTreeSet<[u64; 4]>) -> Outcome {
    for (expected, record) in (1..).zip(records) {
        let Record { seq, registers } = record;
        if *seq != expected {
            return Err(format!("record {seq} where {expected} was due"));
        }
        if !latches.contains(registers) {
            return Err(format!(
                "record {seq} shows {registers:?}, which the chip never had"
            ));
        }
    }
    match records.last() {
        Some(Record {
            registers: [import, ..],
            ..
        }) if *import > 0 => Ok(format!("{} records, {import} Wh", records.len())),
        _ => Err("no energy was counted".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, compare, latches, records};

    const CSV: &str = "time,seq,import [Wh],export [Wh],reactive_import [varh],\
                       reactive_export [varh],other\n\
                       t,1,0,0,0,0,\n\
                       t,2,5,0,1,0,\n";

    fn seen() -> std::collections::BTreeSet<[u64; 4]> {
        latches(&["meter 40001", "latch 2 0 0 0", "latch 5 0 1 0"].map(str::to_string))
    }

    #[test]
    fn records_of_an_export_are_read_by_their_titles() {
        let read = records(CSV);
        assert_eq!(read.len(), 2);
        assert_eq!((read[1].seq, read[1].registers), (2, [5, 0, 1, 0]));
        assert!(records("no such meter\n").is_empty());
    }

    #[test]
    fn a_register_that_the_chip_never_had_is_found() {
        assert_eq!(
            compare(&records(CSV), &seen()),
            Ok("2 records, 5 Wh".to_string())
        );
        let wrong = [Record {
            seq: 1,
            registers: [3, 0, 0, 0],
        }];
        assert!(compare(&wrong, &seen()).is_err());
    }

    #[test]
    fn a_gap_is_found() {
        let gap = [Record {
            seq: 2,
            registers: [5, 0, 1, 0],
        }];
        assert!(compare(&gap, &seen()).is_err());
    }
}
