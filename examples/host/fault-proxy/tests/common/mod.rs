//! A server that sends back what it gets, and clients that wait long for what they are to get.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of this module"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

pub fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Sends back what each connection sends.
pub fn mirror() -> SocketAddr {
    let (listener, address) = listen();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 4_096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..count]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// Waits long, so that only what never comes fails a test.
pub fn patient(stream: TcpStream) -> TcpStream {
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).unwrap();
    stream.set_write_timeout(patience).unwrap();
    stream
}

pub fn connect(address: SocketAddr) -> TcpStream {
    patient(TcpStream::connect(address).unwrap())
}

/// What comes back of `bytes`, until the connection ends or all of it is there.
pub fn back(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    let mut got = Vec::new();
    if stream.write_all(bytes).is_err() {
        return got;
    }
    let mut buffer = [0; 4_096];
    while got.len() < bytes.len() {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => got.extend_from_slice(&buffer[..count]),
        }
    }
    got
}

/// Whether there is nothing to read, and no end either.
pub fn is_silent(stream: &mut TcpStream) -> bool {
    let before = stream.read_timeout().unwrap();
    let moment = Some(Duration::from_millis(300));
    stream.set_read_timeout(moment).unwrap();
    let is_silent = stream.read(&mut [0; 8]).is_err_and(|error| is_time(&error));
    stream.set_read_timeout(before).unwrap();
    is_silent
}

/// Waits for the end of the connection, and nothing before it.
pub fn ends(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 8]) {
        Ok(count) => count == 0,
        Err(error) => !is_time(&error),
    }
}

fn is_time(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
