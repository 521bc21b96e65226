//! A bad day over real TCP: every byte is delivered once and in order, or the connection is
//! reported closed.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use nbiot_at::sim::{Bench, Faults, Modem as Model, TcpNetwork, VirtualClock};
use nbiot_at::{Apn, Clock, Config, ErrorKind, Event, Fault, Instant, SocketId, Transport, asynch};

type Bed = Bench<TcpNetwork>;
type Modem<'a> = asynch::Modem<nbiot_at::sim::Port<'a, TcpNetwork>, &'a VirtualClock>;

/// An echo server on the loopback interface.
fn echo_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 512];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

/// The byte number `n` of each connection, never the same pattern twice within it.
fn pattern(n: usize) -> u8 {
    let mixed = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as u8
}

#[derive(Debug, Default)]
struct Tally {
    echoed: usize,
    connections: usize,
    closed: usize,
    starts: usize,
}

/// Starts until it succeeds, with the power key where the error asks for it.
async fn start(modem: &mut Modem<'_>, bench: &Bed, tally: &mut Tally) {
    loop {
        tally.starts += 1;
        let Err(error) = modem.start().await else {
            return;
        };
        if error.kind() == ErrorKind::Power {
            bench.with(|model, now| {
                model.power_off();
                model.power_on(now);
            });
        }
        bench
            .clock()
            .until(bench.clock().now() + Duration::from_secs(30))
            .await;
    }
}

/// Sends and checks the echo until the connection ends or `target` bytes came back.
async fn exchange(modem: &mut Modem<'_>, bench: &Bed, socket: SocketId, target: usize) -> usize {
    let (mut sent, mut got) = (0, 0);
    let mut buffer = [0; 200];
    while got < target {
        if sent - got < 400 {
            let chunk: Vec<u8> = (sent..sent + 300).map(pattern).collect();
            match modem.send(socket, &chunk).await {
                Ok(count) => sent += count,
                Err(error) if error.fault() == Some(Fault::QueueFull) => {}
                Err(_) => break,
            }
        }
        let until = bench.clock().now() + Duration::from_secs(300);
        match modem.wait(until).await.unwrap() {
            Event::Data(id) if id == socket => loop {
                let count = match modem.receive(socket, &mut buffer).await {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(_) => return got,
                };
                let expected: Vec<u8> = (got..got + count).map(pattern).collect();
                assert_eq!(buffer[..count], expected, "echo differs at byte {got}");
                got += count;
            },
            // Nothing for five minutes: half open.
            Event::Closed(_) | Event::Restarted | Event::ContextLost | Event::Deadline => break,
            _ => {}
        }
    }
    got
}

fn bad_day(seed: u64, faults: Faults, target: usize) -> Tally {
    let port = echo_server();
    let mut model = Model::new(TcpNetwork::new(), seed);
    model.faults = faults;
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
    let mut tally = Tally::default();
    bench
        .run(async {
            start(&mut modem, &bench, &mut tally).await;
            while tally.echoed < target {
                match modem.connect("127.0.0.1", port, Transport::Tcp).await {
                    Ok(socket) => {
                        tally.connections += 1;
                        let left = target - tally.echoed;
                        tally.echoed += exchange(&mut modem, &bench, socket, left).await;
                        tally.closed += 1;
                        let _ = modem.close(socket).await;
                    }
                    Err(error) if error.kind() == ErrorKind::Retry => {
                        bench
                            .clock()
                            .until(bench.clock().now() + Duration::from_secs(15))
                            .await;
                    }
                    Err(_) => start(&mut modem, &bench, &mut tally).await,
                }
            }
        })
        .unwrap();
    let now = bench.clock().now();
    println!(
        "seed {seed}: {tally:?}, {} restarts, {} s",
        bench.with(|m, _| m.restarts()),
        now.as_millis() / 1000
    );
    tally
}

/// More than `heavy`: the stream of one boot seldom survives.
fn extreme() -> Faults {
    let mut faults = Faults::heavy();
    faults.restart = 10_000;
    faults.drop_line = 20_000;
    faults.drop_byte = 200;
    faults
}

#[test]
fn extreme_faults() {
    for seed in 20..30 {
        bad_day(seed, extreme(), 20_000);
    }
}

/// Bytes are lost on the way to the modem, too, it says things twice, and its blocks lie.
#[test]
fn lying_blocks_and_bytes_lost_both_ways() {
    for seed in 50..62 {
        let mut faults = Faults::NONE;
        faults.drop_input = 500;
        faults.drop_byte = 100;
        faults.double_urc = 200_000;
        faults.wrong_length = 50_000;
        faults.cut_block = 20_000;
        faults.urc = 100_000;
        bad_day(seed, faults, 10_000);
    }
}

#[test]
fn light_faults() {
    for seed in 0..5 {
        bad_day(seed, Faults::light(), 20_000);
    }
}

#[test]
fn heavy_faults() {
    for seed in 10..20 {
        bad_day(seed, Faults::heavy(), 20_000);
    }
}

/// One report and its echo; false if the connection has to be given up.
async fn report(modem: &mut Modem<'_>, bench: &Bed, socket: SocketId, number: u64) -> bool {
    let bytes: Vec<u8> = (0..100)
        .map(|n| pattern(number as usize * 100 + n))
        .collect();
    if modem.send(socket, &bytes).await.ok() != Some(100) {
        return false;
    }
    let until = bench.clock().now() + Duration::from_secs(120);
    let (mut got, mut buffer) = (Vec::new(), [0; 128]);
    while got.len() < 100 {
        match modem.wait(until).await.unwrap() {
            Event::Data(_) | Event::Unknown | Event::Attached | Event::Detached => {}
            _ => return false,
        }
        match modem.receive(socket, &mut buffer).await {
            Ok(count) => got.extend_from_slice(&buffer[..count]),
            Err(_) => return false,
        }
    }
    assert_eq!(got, bytes, "echo of report {number} differs");
    true
}

#[test]
fn day_of_outages_is_survived_with_the_connection_reopened_each_time() {
    for seed in 40..45 {
        let begun = std::time::Instant::now();
        let port = echo_server();
        let mut model = Model::new(TcpNetwork::new(), seed);
        model.faults = Faults::heavy();
        model.power_on(Instant::ZERO);
        let bench = Bench::new(model);
        let config = Config::new(Apn::parameter("iot.example").unwrap());
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
        let (mut tally, mut delivered) = (Tally::default(), 0);
        bench
            .run(async {
                let mut open = None;
                for quarter in 1..=96_u64 {
                    let at = Instant::from_millis(quarter * 900_000);
                    while bench.clock().now() < at {
                        modem.wait(at).await.unwrap();
                    }
                    for _ in 0..3 {
                        if open.is_none() {
                            if modem.engine().stage() != nbiot_at::Stage::Ready {
                                start(&mut modem, &bench, &mut tally).await;
                            }
                            open = modem.connect("127.0.0.1", port, Transport::Tcp).await.ok();
                        }
                        let Some(socket) = open else { continue };
                        if report(&mut modem, &bench, socket, quarter).await {
                            delivered += 1;
                            break;
                        }
                        let _ = modem.close(socket).await;
                        open = None;
                    }
                }
            })
            .unwrap();
        let restarts = bench.with(|model, _| model.restarts());
        println!(
            "seed {seed}: {delivered} of 96 reports in time, {} starts, {restarts} restarts, {:?}",
            tally.starts,
            begun.elapsed()
        );
        assert!(delivered > 70, "only {delivered} reports in time");
    }
}
