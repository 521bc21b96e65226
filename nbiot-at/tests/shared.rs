//! Several connections of one modem at the same time, each with a task of its own.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use embassy_futures::join::join3;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embedded_io_async::{Read, Write};
use embedded_nal_async::{AddrType, Dns, TcpConnect};
use nbiot_at::asynch::{Connection, Modem, Shared};
use nbiot_at::sim::{Bench, Faults, Loopback, Modem as Model, Port, VirtualClock};
use nbiot_at::{Apn, Clock, Config, Event, Fault, Instant, Transport};

fn bench(seed: u64) -> Bench<Loopback> {
    let mut model = Model::new(Loopback::new(), seed);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

fn config() -> Config {
    Config::new(Apn::parameter("iot.example").unwrap())
}

type Serial<'a> = Port<'a, Loopback>;
type Clocked<'a> = &'a VirtualClock;

async fn open<'a, 'b, const N: usize>(
    shared: &'a Shared<NoopRawMutex, Serial<'b>, Clocked<'b>, N>,
    port: u16,
) -> Connection<'a, NoopRawMutex, Serial<'b>, Clocked<'b>, N> {
    let connect = shared.connect("meter.example", port, Transport::Tcp);
    connect.await.unwrap()
}

/// Sends in pieces while what comes back is read, and compares.
async fn echo(mut connection: impl Read + Write, seed: u8, pieces: usize) {
    let data: Vec<u8> = (0..pieces * 90).map(|n| (n * 7) as u8 ^ seed).collect();
    let mut back = Vec::new();
    for piece in data.chunks(90) {
        connection.write_all(piece).await.unwrap();
        let mut buffer = [0; 60];
        let count = connection.read(&mut buffer).await.unwrap();
        assert!(count > 0);
        back.extend_from_slice(&buffer[..count]);
    }
    while back.len() < data.len() {
        let mut buffer = [0; 60];
        let count = connection.read(&mut buffer).await.unwrap();
        back.extend_from_slice(&buffer[..count]);
    }
    assert!(back == data);
}

#[test]
fn f16_connections_read_and_write_at_the_same_time() {
    for seed in 0..10 {
        let bench = bench(seed);
        let modem = Modem::<_, _, 3>::with_sockets(bench.port(), bench.clock(), config());
        let shared = Shared::<NoopRawMutex, _, _, 3>::new(modem);
        bench
            .run(async {
                shared.lock().await.start().await.unwrap();
                bench.with(|model, _| {
                    model.faults = Faults::NONE;
                    model.faults.urc = 100_000;
                    model.faults.send_fail = 50_000;
                });
                let (a, b) = (open(&shared, 1).await, open(&shared, 2).await);
                let c = open(&shared, 3).await;
                let fourth = shared.connect("meter.example", 4, Transport::Tcp).await;
                assert_eq!(fourth.unwrap_err().fault(), Some(Fault::NoFreeSocket));
                join3(echo(a, 1, 20), echo(b, 2, 15), echo(c, 3, 30)).await;
                // Dropped at the end of each, so there is room again.
                let again = open(&shared, 5).await;
                echo(again, 4, 2).await;
            })
            .unwrap();
    }
}

/// One task waits for data that never come; another does not wait for it.
#[test]
fn reader_that_waits_lets_others_use_the_modem() {
    let bench = bench(1);
    let modem = Modem::<_, _, 2>::with_sockets(bench.port(), bench.clock(), config());
    let shared = Shared::<NoopRawMutex, _, _, 2>::new(modem);
    bench
        .run(async {
            shared.lock().await.start().await.unwrap();
            let mut idle = open(&shared, 1).await;
            let busy = open(&shared, 2).await;
            let before = bench.clock().now();
            let mut buffer = [0; 8];
            match select(idle.read(&mut buffer), echo(busy, 1, 10)).await {
                Either::First(read) => panic!("{read:?}"),
                Either::Second(()) => {}
            }
            assert!(bench.clock().now().since(before) < Duration::from_secs(10));
            let until = bench.clock().now() + Duration::from_secs(5);
            assert_eq!(shared.wait(until).await.unwrap(), Event::Deadline);
            // The peer ends it: so does a read that waits.
            let id = idle.socket().connect_id();
            let (read, ()) = embassy_futures::join::join(idle.read(&mut buffer), async {
                bench
                    .clock()
                    .until(bench.clock().now() + Duration::from_secs(30))
                    .await;
                bench.with(|model, _| model.network().hang_up(id));
                // The line is there from the next step of the time on.
                bench
                    .clock()
                    .until(bench.clock().now() + Duration::from_secs(1))
                    .await;
            })
            .await;
            assert_eq!(read.unwrap(), 0);
        })
        .unwrap();
}

/// Two that wait for data and one that waits for an event do not wake each other for nothing, and a
/// command in between disturbs none of them.
#[test]
fn those_that_wait_sleep() {
    let bench = bench(1);
    let modem = Modem::<_, _, 2>::with_sockets(bench.port(), bench.clock(), config());
    let shared = Shared::<NoopRawMutex, _, _, 2>::new(modem);
    bench
        .run(async {
            shared.lock().await.start().await.unwrap();
            let mut first = open(&shared, 1).await;
            let mut second = open(&shared, 2).await;
            let (mut a, mut b) = ([0; 8], [0; 8]);
            let until = bench.clock().now() + Duration::from_secs(3_600);
            let mut polls = 0;
            let counted = async {
                let mut readers = pin!(select(first.read(&mut a), second.read(&mut b)));
                poll_fn(|context| {
                    polls += 1;
                    readers.as_mut().poll(context)
                })
                .await
            };
            let commands = async {
                for _ in 0..3 {
                    let pause = bench.clock().now() + Duration::from_secs(600);
                    bench.clock().until(pause).await;
                    shared.lock().await.signal().await.unwrap();
                }
                shared.wait(until).await.unwrap()
            };
            match select(counted, commands).await {
                Either::First(_) => panic!("nothing came"),
                Either::Second(event) => assert_eq!(event, Event::Deadline),
            }
            assert!(polls < 100, "polled {polls} times in an hour");
        })
        .unwrap();
}

#[test]
fn traits_of_the_network_layer() {
    let bench = bench(1);
    let modem = Modem::<_, _, 1>::with_sockets(bench.port(), bench.clock(), config());
    let shared = Shared::<NoopRawMutex, _, _, 1>::new(modem);
    bench
        .run(async {
            let early = shared
                .get_host_by_name("meter.example", AddrType::Either)
                .await;
            assert_eq!(early.unwrap_err().fault(), Some(Fault::NotStarted));
            shared.lock().await.start().await.unwrap();
            let address = shared
                .get_host_by_name("meter.example", AddrType::IPv4)
                .await;
            let address = address.unwrap();
            assert_eq!(address.to_string(), "192.0.2.1");
            let other = shared
                .get_host_by_name("meter.example", AddrType::IPv6)
                .await;
            assert_eq!(other.unwrap_err().fault(), Some(Fault::NotSupported));
            let connection = TcpConnect::connect(&shared, (address, 1883).into()).await;
            echo(connection.unwrap(), 1, 3).await;
        })
        .unwrap();
}

/// Scenario F22: what is dropped while another task has the modem is closed as soon as it can be.
#[test]
fn f22_connection_that_was_dropped_is_closed() {
    let bench = bench(1);
    let modem = Modem::<_, _, 1>::with_sockets(bench.port(), bench.clock(), config());
    let shared = Shared::<NoopRawMutex, _, _, 1>::new(modem);
    bench
        .run(async {
            shared.lock().await.start().await.unwrap();
            for round in 0..3 {
                let open = open(&shared, 1).await;
                let guard = shared.lock().await;
                drop(open);
                drop(guard);
                assert!(round < 3);
            }
        })
        .unwrap();
}
