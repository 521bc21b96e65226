//! Standard input and output as the two ends of a connection.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use nbiot_at::{Clock, Error, Event, Fault, Transport};

use super::{Client, explain};
use crate::port::Desk;

/// How long the modem is listened to before the input is looked at again.
const TURN: Duration = Duration::from_millis(100);

/// Sends the input, prints what comes, and ends when the peer closes or nothing has come for so
/// long after the end of the input.
pub(super) fn bridge(
    modem: &mut Client,
    host: &str,
    port: u16,
    transport: Transport,
    linger: Duration,
) -> Result<()> {
    let socket = modem.connect(host, port, transport).map_err(explain)?;
    eprintln!("connected to {host}:{port}");
    let input = input();
    let desk = Desk::new();
    let mut ends = None;
    loop {
        if ends.is_none() {
            match input.try_recv() {
                Ok(bytes) => {
                    let count = modem.send(socket, &bytes).map_err(explain)?;
                    if count < bytes.len() {
                        bail!("the connection took {count} of {} bytes", bytes.len());
                    }
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => ends = Some(desk.now() + linger),
            }
        }
        let mut buffer = [0; 1_024];
        match modem.receive(socket, &mut buffer) {
            Ok(0) => {}
            Ok(count) => {
                let mut out = io::stdout().lock();
                out.write_all(&buffer[..count])?;
                out.flush()?;
                ends = ends.map(|_| desk.now() + linger);
                continue;
            }
            Err(Error::Modem(Fault::Closed)) => break,
            Err(error) => return Err(explain(error)),
        }
        if ends.is_some_and(|at| desk.now() >= at) {
            break;
        }
        match modem.wait(desk.now() + TURN).map_err(explain)? {
            Event::Restarted | Event::PoweredDown | Event::ContextLost | Event::SimRemoved => {
                bail!("the modem lost the connection")
            }
            _ => {}
        }
    }
    modem.close(socket).map_err(explain)
}

/// The standard input, read ahead by a thread of its own.
fn input() -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 1_024];
        while let Ok(count @ 1..) = io::stdin().read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}
