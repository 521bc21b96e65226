//! What is left of a proxy that was dropped: nothing. One test, because it counts the threads of the
//! process.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{connect, ends, is_silent, listen};
use fault_proxy::{FaultProxy, Faults, Way};

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// A thread that is joined may still be seen for a moment.
fn are_soon(count: usize) -> bool {
    let begun = Instant::now();
    while threads() != count {
        if begun.elapsed() > Duration::from_secs(20) {
            return false;
        }
        sleep(Duration::from_millis(1));
    }
    true
}

fn start(server: SocketAddr, faults: Faults) -> FaultProxy {
    FaultProxy::start(server, faults, 1).unwrap()
}

#[test]
fn proxy_that_is_dropped_leaves_no_connection_and_no_thread() {
    let (_listener, server) = listen();
    let before = threads();

    // Bytes on their way, for longer than a test lasts or a clock counts.
    for delay in [Duration::from_secs(3_600), Duration::MAX] {
        let proxy = start(
            server,
            Faults {
                delay,
                ..Faults::default()
            },
        );
        let mut client = connect(proxy.address());
        client.write_all(b"x").unwrap();
        while proxy.count(Way::Up).bytes == 0 {
            sleep(Duration::from_millis(1));
        }
        drop(proxy);
        assert!(ends(&mut client));
        assert!(are_soon(before));
    }

    // A connection that is silent.
    let silent = Faults {
        hang_after: Some((Way::Up, 1)),
        ..Faults::default()
    };
    let proxy = start(server, silent);
    let mut client = connect(proxy.address());
    client.write_all(b"xyz").unwrap();
    assert!(is_silent(&mut client));
    drop(proxy);
    assert!(ends(&mut client));
    assert!(are_soon(before));

    // Clients that come just then.
    for moment in 0..50 {
        let (_listener, server) = listen();
        let proxy = start(server, Faults::default());
        let clients: Vec<_> = (0..5).map(|_| connect(proxy.address())).collect();
        sleep(Duration::from_micros(moment * 20));
        drop(proxy);
        assert!(clients.into_iter().all(|mut client| ends(&mut client)));
        assert!(are_soon(before));
    }

    // A server that does not answer: where the queue of a listener is full, nobody does.
    let (_full, server) = listen();
    let moment = Duration::from_millis(200);
    while TcpStream::connect_timeout(&server, moment).is_ok() {}
    let waiting = start(server, Faults::default());
    let mut patient = connect(waiting.address());
    let proxy = start(server, Faults::default());
    let mut client = connect(proxy.address());
    drop(proxy);
    assert!(ends(&mut client));
    assert!(ends(&mut patient));
    drop(waiting);
    assert!(are_soon(before));
}
