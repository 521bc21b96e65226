//! Each fault, on a server that sends back what it gets.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use common::{back, connect, ends, is_silent, listen, mirror, patient};
use fault_proxy::{Cut, FaultProxy, Faults, PacketType, Way};

fn proxy(faults: Faults) -> FaultProxy {
    FaultProxy::start(mirror(), faults, 1).unwrap()
}

/// A connection with both of its ends.
fn both_ends(faults: Faults) -> (FaultProxy, TcpStream, TcpStream) {
    let (listener, address) = listen();
    let proxy = FaultProxy::start(address, faults, 1).unwrap();
    let client = connect(proxy.address());
    let (server, _) = listener.accept().unwrap();
    (proxy, client, patient(server))
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
        assert_eq!(back(&mut connect(proxy.address()), &data), data);
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
        let mut stream = connect(proxy.address());
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
            cut: Some(Cut::After(way, after)),
            ..Faults::default()
        });
        let data = pattern(5_000);
        let got = back(&mut connect(proxy.address()), &data);
        assert!(got.len() as u64 <= after, "{} {after}", got.len());
        assert!(data.starts_with(&got));
        assert_eq!((proxy.drawn(), proxy.cuts()), (1, 1));
        if way == Way::Down {
            assert_eq!(got.len() as u64, after);
        }
    }
}

/// What each of so many connections got back of so many bytes.
fn lengths(proxy: &FaultProxy, connections: usize, bytes: usize) -> Vec<usize> {
    let data = pattern(bytes);
    let got = |_| back(&mut connect(proxy.address()), &data).len();
    (0..connections).map(got).collect()
}

#[test]
fn connection_that_is_drawn_is_cut_where_it_gets_there() {
    let within = NonZeroU64::new(100).unwrap();
    let proxy = proxy(Faults {
        cut: Some(Cut::Drawn {
            per_million: 250_000,
            within,
        }),
        ..Faults::default()
    });
    let got = lengths(&proxy, 100, 200);
    let short = got.iter().filter(|&&length| length < 200).count() as u64;
    assert!((15..35).contains(&proxy.drawn()), "{}", proxy.drawn());
    assert_eq!(proxy.cuts(), proxy.drawn());
    assert_eq!(short, proxy.cuts());
}

#[test]
fn connection_that_is_over_before_its_place_is_drawn_but_not_cut() {
    let within = NonZeroU64::new(u64::MAX).unwrap();
    let proxy = proxy(Faults {
        cut: Some(Cut::Drawn {
            per_million: 1_000_000,
            within,
        }),
        ..Faults::default()
    });
    assert_eq!(lengths(&proxy, 3, 10), [10; 3]);
    assert_eq!((proxy.drawn(), proxy.cuts()), (3, 0));
}

#[test]
fn silence_begins_behind_the_byte_that_was_named_and_is_both_ways() {
    for way in [Way::Up, Way::Down] {
        let faults = Faults {
            hang_after: Some((way, 10)),
            ..Faults::default()
        };
        let (_proxy, mut client, mut server) = both_ends(faults);
        let (from, to) = match way {
            Way::Up => (&mut client, &mut server),
            Way::Down => (&mut server, &mut client),
        };
        from.write_all(b"0123456789 and more").unwrap();
        let mut got = [0; 10];
        to.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"0123456789");
        // More than the sockets hold, so somebody reads it.
        let much = [0x30, 0x7f].repeat(8 << 20);
        for end in [from, to] {
            end.write_all(&much).unwrap();
        }
        assert!(is_silent(&mut client) && is_silent(&mut server), "{way:?}");
        client.shutdown(Shutdown::Both).unwrap();
        assert!(ends(&mut server), "{way:?}");
    }
}

#[test]
fn close_passes_on_before_the_silence() {
    for way in [Way::Up, Way::Down] {
        let faults = Faults {
            hang_after: Some((way, 10)),
            ..Faults::default()
        };
        let (_proxy, client, mut server) = both_ends(faults.clone());
        drop(client);
        assert!(ends(&mut server), "{way:?}");
        let (_proxy, mut client, mut server) = both_ends(faults);
        server.write_all(b"bye").unwrap();
        drop(server);
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"bye", "{way:?}");
    }
}

#[test]
fn one_packet_is_lost_and_no_other() {
    let proxy = proxy(Faults {
        lose: PacketType::parse("puback").map(|packet| (Way::Down, packet)),
        ..Faults::default()
    });
    let mut stream = connect(proxy.address());
    // Two acknowledgements between signs of life.
    stream
        .write_all(b"\xc0\0\x40\x02\0\x01\xc0\0\x40\x02\0\x02")
        .unwrap();
    let mut got = [0; 8];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"\xc0\0\xc0\0\x40\x02\0\x02");
    assert_eq!(proxy.count(Way::Down).packets(PacketType::PUBACK), 2);
    // Once in its life.
    let mut stream = connect(proxy.address());
    stream.write_all(b"\x40\x02\0\x01").unwrap();
    let mut got = [0; 4];
    stream.read_exact(&mut got).unwrap();
}

/// A proxy in front of itself would make connections without end.
#[test]
fn a_proxy_is_not_its_own_server() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let refused = FaultProxy::listen(address, address, Faults::default(), 1);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// A server that reads nothing is felt by the client.
#[test]
fn a_client_waits_for_a_server_that_takes_nothing() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = server.local_addr().unwrap();
    let proxy = FaultProxy::start(address, Faults::default(), 1).unwrap();
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    let (_unread, _) = server.accept().unwrap();
    client
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut taken = 0;
    while let Ok(count) = client.write(&[0xc0; 65_536]) {
        taken += count;
        assert!(taken < 64 << 20, "{taken} bytes are somewhere");
    }
}
