//! A dropped future leaves a modem that works, and loses nothing.

#[path = "common/slow.rs"]
mod slow;

use std::time::Duration;

use nbiot_at::query::operator::FindOperators;
use nbiot_at::sim::VirtualClock;
use nbiot_at::{Clock, Event, Fault, SocketId, Transport, asynch};
use slow::{Slow, bench, certificate, config, dropped_after, slow};

type SlowModem<'a> = asynch::Modem<Slow<'a>, &'a VirtualClock>;

/// Opens a connection and has data sent back.
async fn works(modem: &mut SlowModem<'_>, clock: &VirtualClock) {
    modem.signal().await.unwrap();
    let socket = modem
        .connect("meter.example", 1883, Transport::Tcp)
        .await
        .unwrap();
    modem.send(socket, b"still here").await.unwrap();
    loop {
        let event = modem
            .wait(clock.now() + Duration::from_secs(60))
            .await
            .unwrap();
        if event == Event::Data(socket) {
            break;
        }
        assert_ne!(event, Event::Deadline);
    }
    let mut buffer = [0; 16];
    assert_eq!(modem.receive(socket, &mut buffer).await.unwrap(), 10);
    assert_eq!(&buffer[..10], b"still here");
}

/// What is dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Start,
    Connect,
    ConnectTls,
    Send,
    Receive,
    Close,
    Identity,
    NetworkTime,
    Resolve,
    Synchronise,
    StoreFile,
    DeleteFile,
    Ask,
}

async fn call(modem: &mut SlowModem<'_>, socket: Option<SocketId>, call: Call) {
    let socket = socket.ok_or(Fault::UnknownSocket);
    match call {
        Call::Start => modem.start().await.unwrap(),
        Call::Connect => drop(
            modem
                .connect("meter.example", 1883, Transport::Tcp)
                .await
                .unwrap(),
        ),
        Call::Send => drop(modem.send(socket.unwrap(), &[b'x'; 40]).await.unwrap()),
        Call::Receive => drop(modem.receive(socket.unwrap(), &mut [0; 16]).await.unwrap()),
        Call::Close => modem.close(socket.unwrap()).await.unwrap(),
        Call::Identity => drop(modem.identity().await.unwrap()),
        Call::NetworkTime => drop(modem.network_time().await.unwrap()),
        Call::ConnectTls => drop(
            modem
                .connect("meter.example", 8883, Transport::Tls)
                .await
                .unwrap(),
        ),
        Call::Resolve => drop(modem.resolve("meter.example").await.unwrap()),
        Call::Synchronise => drop(modem.synchronise("time.example").await.unwrap()),
        Call::StoreFile => modem.store_file("other", &certificate()).await.unwrap(),
        Call::DeleteFile => modem.delete_file("ca.pem").await.unwrap(),
        Call::Ask => drop(modem.ask(&FindOperators).await.unwrap()),
    }
}

/// Drops `what` after `polls` polls; true once it had ended before.
fn drop_and_go_on(what: Call, polls: usize) -> bool {
    let bench = bench();
    let (port, _) = slow(&bench, 5);
    let mut modem = asynch::Modem::new(port, bench.clock(), config());
    let ended = bench.run(async {
        let mut socket = None;
        if what != Call::Start {
            modem.start().await.unwrap();
        }
        if what == Call::ConnectTls {
            for name in ["ca.pem", "meter.pem", "meter.key"] {
                modem.store_file(name, &certificate()).await.unwrap();
            }
        }
        if matches!(what, Call::Send | Call::Receive | Call::Close) {
            let open = modem
                .connect("meter.example", 1883, Transport::Tcp)
                .await
                .unwrap();
            bench.with(|model, _| model.network().push(open.connect_id(), b"some data"));
            socket = Some(open);
        }
        let ended = dropped_after(call(&mut modem, socket, what), polls)
            .await
            .is_some();
        match (what, socket) {
            (Call::Start, _) => modem.start().await.unwrap(),
            (Call::Send | Call::Receive, Some(socket)) => modem.close(socket).await.unwrap(),
            // Before its first poll nothing has happened; later the id is free.
            (Call::Close, Some(socket)) => drop(modem.close(socket).await),
            // A connection that nobody got to know, or a close that had ended.
            (Call::Connect | Call::ConnectTls, _) if ended => return true,
            // What was written of it is found and written anew.
            (Call::StoreFile, _) => modem.store_file("other", &certificate()).await.unwrap(),
            _ => {}
        }
        works(&mut modem, bench.clock()).await;
        ended
    });
    ended.unwrap_or_else(|_| panic!("{what:?} dropped after {polls} polls: stalled"))
}

#[test]
fn a19_any_call_may_be_dropped_at_any_await() {
    for what in [
        Call::Start,
        Call::Connect,
        Call::ConnectTls,
        Call::Resolve,
        Call::Synchronise,
        Call::StoreFile,
        Call::DeleteFile,
        Call::Send,
        Call::Receive,
        Call::Close,
        Call::Identity,
        Call::NetworkTime,
        Call::Ask,
    ] {
        let awaits = (0..).find(|&polls| drop_and_go_on(what, polls)).unwrap();
        println!("{what:?}: dropped at {awaits} points");
        assert!(awaits > 3, "{what:?} never waited");
    }
}

#[test]
fn a19_dropped_receive_loses_no_data() {
    let text: Vec<u8> = (0..200).map(|n| b'a' + n % 26).collect();
    for polls in 0.. {
        let bench = bench();
        let (port, _) = slow(&bench, 8);
        let mut modem = asynch::Modem::new(port, bench.clock(), config());
        let run = bench.run(async {
            modem.start().await.unwrap();
            let socket = modem
                .connect("meter.example", 1883, Transport::Tcp)
                .await
                .unwrap();
            bench.with(|model, _| model.network().push(socket.connect_id(), &text));
            let until = bench.clock().now() + Duration::from_secs(60);
            assert_eq!(modem.wait(until).await.unwrap(), Event::Data(socket));
            let mut buffer = [0; 256];
            let mut got = Vec::new();
            let first = dropped_after(modem.receive(socket, &mut buffer), polls).await;
            if let Some(Ok(count)) = first {
                got.extend_from_slice(&buffer[..count]);
            }
            while let Ok(count @ 1..) = modem.receive(socket, &mut buffer).await {
                got.extend_from_slice(&buffer[..count]);
            }
            (got, first.is_some())
        });
        let (got, has_ended) = run.unwrap();
        assert_eq!(got, text, "after {polls} polls");
        if has_ended {
            assert!(polls > 20, "there were pauses");
            break;
        }
    }
}

#[test]
fn download_does_not_swallow_the_events_of_others() {
    use embedded_io_async::Read as _;
    use nbiot_at::http::{Progress, Url};
    use nbiot_at::sim::{Bench, Loopback, Modem as Model};
    use nbiot_at::{Clock, asynch};
    let mut model = Model::new(Loopback::new(), 1);
    model.power_on(nbiot_at::Instant::ZERO);
    let bench = Bench::new(model);
    let mut modem = asynch::Modem::<_, _, 2>::with_sockets(bench.port(), bench.clock(), config());
    let event = bench.run(async {
        modem.start().await.unwrap();
        let other = modem
            .connect("meter.example", 1883, Transport::Tcp)
            .await
            .unwrap();
        modem.send(other, b"hello").await.unwrap();
        let url = Url::parse("http://meter.example/image.bin").unwrap();
        let mut download = modem.download(&url, Progress::new());
        download.read(&mut [0; 64]).await.unwrap_err();
        drop(download);
        let until = bench.clock().now() + std::time::Duration::from_secs(60);
        let event = modem.wait(until).await.unwrap();
        (event, other)
    });
    let (event, other) = event.unwrap();
    assert_eq!(event, Event::Data(other));
}
