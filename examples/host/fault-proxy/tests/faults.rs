//! Each fault, on a server that sends back what it gets.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use fault_proxy::{FaultProxy, Faults, PacketType, Way};

/// Sends back what each connection sends.
fn mirror() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
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

fn proxy(faults: Faults) -> FaultProxy {
    FaultProxy::start(mirror(), faults, 1).unwrap()
}

fn connect(proxy: &FaultProxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    stream
}

/// What comes back of `bytes`, until the connection ends or all of it is there.
fn back(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    let mut got = Vec::new();
    let mut buffer = [0; 4_096];
    while got.len() < bytes.len() {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => got.extend_from_slice(&buffer[..count]),
        }
    }
    got
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n ^ (n >> 8)) as u8).collect()
}

#[test]
fn without_faults_nothing_is_changed_however_it_is_cut_up() {
    for piece in [0, 1, 7] {
        let faults = Faults {
            piece,
            ..Faults::default()
        };
        let proxy = proxy(faults);
        let data = pattern(20_000);
        assert_eq!(back(&mut connect(&proxy), &data), data);
        assert_eq!(proxy.count(Way::Up).bytes, 20_000);
        assert_eq!((proxy.connections(), proxy.cuts()), (1, 0));
    }
}

/// No upper bound: a machine may be slow, but a delay is never short.
#[test]
fn delay_and_rate_take_their_time() {
    for (delay, rate, least) in [(50, 0, 100), (0, 10_000, 200)] {
        let proxy = proxy(Faults {
            delay: Duration::from_millis(delay),
            rate,
            ..Faults::default()
        });
        let mut stream = connect(&proxy);
        let data = pattern(2_000);
        let begun = Instant::now();
        assert_eq!(back(&mut stream, &data), data);
        assert!(begun.elapsed() >= Duration::from_millis(least));
    }
}

#[test]
fn connection_ends_behind_the_byte_that_was_named() {
    for (way, after) in [(Way::Up, 0), (Way::Up, 100), (Way::Down, 777)] {
        let proxy = proxy(Faults {
            cut_after: Some((way, after)),
            ..Faults::default()
        });
        let data = pattern(5_000);
        let got = back(&mut connect(&proxy), &data);
        assert!(got.len() as u64 <= after, "{} {after}", got.len());
        assert!(data.starts_with(&got));
        assert_eq!(proxy.cuts(), 1);
        if way == Way::Down {
            assert_eq!(got.len() as u64, after);
        }
    }
}

#[test]
fn silence_leaves_the_connection_open() {
    let proxy = proxy(Faults {
        hang_after: Some((Way::Down, 10)),
        ..Faults::default()
    });
    let mut stream = connect(&proxy);
    assert_eq!(back(&mut stream, b"0123456789"), b"0123456789");
    let patience = Some(Duration::from_millis(300));
    stream.set_read_timeout(patience).unwrap();
    stream.write_all(b"anybody there?").unwrap();
    let error = stream.read(&mut [0; 8]).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    stream.write_all(b"still open").unwrap();
}

#[test]
fn one_packet_is_lost_and_no_other() {
    let proxy = proxy(Faults {
        lose: PacketType::parse("puback").map(|packet| (Way::Down, packet)),
        ..Faults::default()
    });
    let mut stream = connect(&proxy);
    // Two acknowledgements between signs of life.
    stream
        .write_all(b"\xc0\0\x40\x02\0\x01\xc0\0\x40\x02\0\x02")
        .unwrap();
    let mut got = [0; 8];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"\xc0\0\xc0\0\x40\x02\0\x02");
    assert_eq!(proxy.count(Way::Down).packets(PacketType::PUBACK), 2);
    // Once in its life.
    let mut stream = connect(&proxy);
    stream.write_all(b"\x40\x02\0\x01").unwrap();
    let mut got = [0; 4];
    stream.read_exact(&mut got).unwrap();
}

#[test]
fn proxy_that_is_dropped_ends_what_is_open() {
    let proxy = proxy(Faults::default());
    let mut stream = connect(&proxy);
    assert_eq!(back(&mut stream, b"x"), b"x");
    drop(proxy);
    assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0);
}
