//! Ten megabytes each way through the model's sockets, with faults in the AT stream: down from a
//! real HTTP server, with ranges, and up to a TCP sink on this machine.
//!
//! Without nginx the first says that it was left out; with `SMART_METER_FULL_TESTS=1` it fails
//! instead.

#[path = "common/server.rs"]
mod server;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedded_io_async::Read as _;
use nbiot_at::http::{Progress, Url};
use nbiot_at::sim::{Bench, Faults, Modem as Model, Port, TcpNetwork, VirtualClock};
use nbiot_at::{Apn, Config, ErrorKind, Fault, Instant, Transport, asynch, next_delay};
use server::Server;

type Bed = Bench<TcpNetwork>;
type Modem<'a> = asynch::Modem<Port<'a, TcpNetwork>, &'a VirtualClock>;

const SIZE: usize = 10_000_000;

/// Bytes in which every place can be told from its neighbours.
fn pattern() -> Vec<u8> {
    (0..SIZE)
        .map(|n| (n ^ (n >> 7) ^ (n >> 15)) as u8)
        .collect()
}

/// `patience` is for peers that answer.
fn bench(seed: u64, patience: Duration) -> Bed {
    let mut network = TcpNetwork::new();
    network.patience = patience;
    let mut model = Model::new(network, seed);
    // Lines and bytes are lost, the modem restarts, queues are full: once in some hundred commands.
    model.faults = Faults::heavy();
    model.faults.restart = 1_000;
    model.faults.drop_line = 1_000;
    model.faults.drop_byte = 1;
    model.faults.slow = 100;
    model.faults.outage_every = Duration::from_secs(1800);
    model.faults.outage = Duration::from_secs(120);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

async fn start(modem: &mut Modem<'_>, bench: &Bed) {
    for failures in 0.. {
        let Err(error) = modem.start().await else {
            return;
        };
        if error.kind() == ErrorKind::Power {
            bench.with(|model, now| {
                model.power_off();
                model.power_on(now);
            });
        }
        let fault = error.fault().expect("the port does not fail");
        let pause = next_delay(fault.class(), failures, 1);
        let until = nbiot_at::Clock::now(bench.clock()) + pause;
        bench.clock().until(until).await;
    }
}

#[test]
fn file_of_a_web_server_comes_whole_over_restarts_and_lost_bytes() {
    let file = pattern();
    let Some(server) = Server::nginx(&file) else {
        return;
    };
    let url = format!("http://{}/image.bin", server.address);
    let url = Url::parse(&url).unwrap();
    let bench = bench(21, Duration::from_millis(500));
    let config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
    let (mut got, mut progress) = (Vec::new(), Progress::new());
    let (mut starts, mut failures) = (0, 0);
    bench
        .run(async {
            while !progress.is_complete() {
                if modem.stage() != nbiot_at::Stage::Ready {
                    start(&mut modem, &bench).await;
                    starts += 1;
                }
                let mut download = modem.download(&url, progress.clone());
                let mut buffer = [0; 700];
                loop {
                    match download.read(&mut buffer).await {
                        Ok(0) => break,
                        Ok(count) => got.extend_from_slice(&buffer[..count]),
                        Err(_) => {
                            failures += 1;
                            break;
                        }
                    }
                }
                progress = download.progress().clone();
                assert_eq!(progress.offset as usize, got.len());
            }
            let wrong = Url::parse(&format!("http://{}/other", server.address)).unwrap();
            bench.with(|model, _| model.faults = Faults::NONE);
            start(&mut modem, &bench).await;
            let mut download = modem.download(&wrong, Progress::new());
            let error = download.read(&mut [0; 16]).await.unwrap_err();
            assert_eq!(error.fault(), Some(Fault::Http(404)));
        })
        .unwrap();
    println!("{starts} starts, {failures} downloads broken off");
    assert!(starts > 3 && failures > 3, "that was too easy");
    assert_eq!(got.len(), file.len());
    assert!(got == file);
}

/// Says how many bytes it has, and takes the rest.
fn sink(received: Arc<Mutex<Vec<u8>>>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let count = u32::try_from(received.lock().unwrap().len()).unwrap();
            if stream.write_all(&count.to_be_bytes()).is_err() {
                continue;
            }
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                received.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        }
    });
    address
}

/// Connects, and learns how far the sink has come.
async fn resume(modem: &mut Modem<'_>, port: u16) -> Option<(nbiot_at::SocketId, usize)> {
    let socket = modem
        .connect("127.0.0.1", port, Transport::Tcp)
        .await
        .ok()?;
    let mut offset = [0; 4];
    match modem.socket(socket).read_exact(&mut offset).await {
        Ok(()) => Some((socket, u32::from_be_bytes(offset) as usize)),
        Err(_) => {
            let _ = modem.close(socket).await;
            None
        }
    }
}

#[test]
fn what_is_sent_arrives_whole_over_restarts_and_lost_bytes() {
    let data = pattern();
    let received = Arc::default();
    let address = sink(Arc::clone(&received));
    let bench = bench(22, Duration::from_millis(1));
    let config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
    let (mut starts, mut connections) = (0, 0);
    bench
        .run(async {
            while received.lock().unwrap().len() < data.len() {
                if modem.stage() != nbiot_at::Stage::Ready {
                    start(&mut modem, &bench).await;
                    starts += 1;
                }
                let Some((socket, mut offset)) = resume(&mut modem, address.port()).await else {
                    continue;
                };
                connections += 1;
                while offset < data.len() {
                    let end = data.len().min(offset + 1024);
                    match modem.send(socket, &data[offset..end]).await {
                        Ok(count) => offset += count,
                        Err(_) => break,
                    }
                }
                if offset == data.len() {
                    // What the modem still has goes out.
                    let until = nbiot_at::Clock::now(bench.clock()) + Duration::from_secs(2);
                    let _ = modem.wait(until).await;
                }
                let _ = modem.close(socket).await;
                // The sink has read what came before the end.
                std::thread::sleep(Duration::from_millis(20));
            }
        })
        .unwrap();
    println!("{starts} starts, {connections} connections");
    assert!(starts > 3 && connections > 10, "that was too easy");
    let received = received.lock().unwrap();
    assert_eq!(received.len(), data.len());
    assert!(*received == data);
}
