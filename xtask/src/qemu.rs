//! The STM32F405 board example in QEMU, with peers on its serial ports.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::boards;
use crate::install;
use crate::process::{Log, Outcome, wait_within};

const BOARD: &str = "qemu-f405";
const LIMIT: Duration = Duration::from_secs(120);

/// Builds the image, starts its peers and runs it to its own end.
pub(crate) fn run(log: &mut Log) -> Outcome {
    install::program(log, "qemu-system-arm")?;
    let toolchain = boards::one(log, &format!("examples/boards/{BOARD}"))?;
    let (meter, modem) = (echo()?, echo()?);
    let mut command = machine();
    // The order is the order of the chip's ports: USART1, USART2, USART3, UART4.
    command.args(["-serial", "null", "-serial", "stdio"]);
    for (name, port) in [("meter", meter), ("modem", modem)] {
        let socket = format!("socket,id={name},host=127.0.0.1,port={port},server=off");
        command.args(["-chardev", &socket, "-serial", &format!("chardev:{name}")]);
    }
    command.arg("-kernel").arg(toolchain.image(BOARD));
    let console = play(log, command)?;
    console
        .lines()
        .last()
        .map(ToString::to_string)
        .ok_or_else(|| "the board said nothing".into())
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

/// Runs the emulator within the time limit and gives back what the board printed
/// on its console and by semihosting.
pub(crate) fn play(log: &mut Log, mut command: Command) -> Outcome {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start qemu-system-arm: {error}"))?;
    let mut console = child.stdout.take().ok_or("no console")?;
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        // What was read before an error is still worth showing.
        let _ = console.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let status = wait_within(&mut child, LIMIT);
    let text = reader.join().unwrap_or_default();
    text.lines().for_each(|line| log.line(line));
    match status? {
        status if status.success() => Ok(text),
        status => Err(format!("the board ended with {status}; console:\n{text}")),
    }
}

/// A peer that sends back what it gets; the port it listens on.
fn echo() -> Result<u16, String> {
    let explain = |error| format!("cannot listen: {error}");
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(explain)?;
    let port = listener.local_addr().map_err(explain)?.port();
    thread::spawn(move || {
        if let Ok((stream, _)) = listener.accept() {
            send_back(stream);
        }
    });
    Ok(port)
}

fn send_back(mut stream: TcpStream) {
    let mut buffer = [0; 256];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}
