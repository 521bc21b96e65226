//! The program where the system gives it few files to open.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use common::{back, connect, ends, mirror};

/// Input, output, errors and the listener.
const AT_REST: u32 = 4;

struct Program {
    process: Child,
    address: SocketAddr,
    /// Read no further, but open.
    _output: BufReader<ChildStdout>,
}

impl Program {
    /// In front of a mirror, with so many files beside those it has at rest.
    fn with_files(more: u32) -> Self {
        let shell = "for file in 3 4 5 6 7 8 9; do eval \"exec $file>&-\"; done; \
                     ulimit -n $0 && exec \"$@\"";
        let mut process = Command::new("sh")
            .args(["-c", shell, &(AT_REST + more).to_string()])
            .arg(env!("CARGO_BIN_EXE_fault-proxy"))
            .arg(mirror().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let address = line.split([' ', ',']).nth(2).unwrap().parse().unwrap();
        Self {
            process,
            address,
            _output: output,
        }
    }

    /// Time on the processor, in hundredths of a second.
    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let times = fields.split_whitespace().skip(11).take(2);
        times.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether a byte comes back; if not, the client has to be closed.
fn is_served(client: &mut TcpStream) -> bool {
    back(client, b"x") == b"x" || {
        assert!(ends(client), "neither served nor closed");
        false
    }
}

/// Clients come until so many were served.
fn serves(program: &Program, count: usize) {
    let begun = Instant::now();
    let mut served = 0;
    while served < count {
        served += usize::from(is_served(&mut connect(program.address)));
        assert!(begun.elapsed() < Duration::from_secs(60), "{served} served");
    }
}

#[test]
fn files_of_a_connection_that_is_over_are_free_for_the_next() {
    serves(&Program::with_files(8), 50);
}

#[test]
fn client_is_served_or_closed_however_few_files_there_are() {
    for files in 1..8 {
        let program = Program::with_files(files);
        let is_served = is_served(&mut connect(program.address));
        // Two of them, and the one that the system keeps for the next client: the first to ask for
        // the second gets it.
        assert!(files == 2 || is_served == (files > 2), "{files}");
    }
}

#[test]
fn more_clients_than_files_are_no_trouble_for_those_who_come_later() {
    let program = Program::with_files(8);
    let crowd: Vec<_> = (0..20).map(|_| connect(program.address)).collect();
    std::thread::sleep(Duration::from_millis(200));
    drop(crowd);
    serves(&program, 1);
}

#[test]
fn no_file_for_a_client_costs_no_time() {
    let program = Program::with_files(0);
    let before = program.ticks();
    std::thread::sleep(Duration::from_secs(1));
    let ticks = program.ticks() - before;
    assert!(ticks < 25, "{ticks} ticks");
}
