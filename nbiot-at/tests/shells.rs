//! The two shells do the same, and a dropped future leaves a modem that works.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use nbiot_at::http::{Progress, Url};
use nbiot_at::sim::{Bench, Loopback, Modem as Model, Mood, Port, VirtualClock};
use nbiot_at::{
    Apn, ClientIdentity, Clock, Config, Error, Event, Fault, FileName, Instant, SocketId, Tls,
    Transport, asynch, blocking,
};

/// A port that keeps what is written, and takes it in small pieces with pauses.
struct Slow<'a> {
    port: Port<'a, Loopback>,
    clock: &'a VirtualClock,
    /// Bytes taken at once; 0 is all, without a pause.
    piece: usize,
    written: Rc<RefCell<Vec<u8>>>,
}

impl Slow<'_> {
    fn keep(&mut self, bytes: &[u8]) {
        self.written.borrow_mut().extend_from_slice(bytes);
    }
}

impl embedded_io::ErrorType for Slow<'_> {
    type Error = Infallible;
}

impl embedded_io::Read for Slow<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        embedded_io::Read::read(&mut self.port, buf)
    }
}

impl embedded_io::ReadReady for Slow<'_> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        embedded_io::ReadReady::read_ready(&mut self.port)
    }
}

impl embedded_io::Write for Slow<'_> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        self.keep(buf);
        embedded_io::Write::write(&mut self.port, buf)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl embedded_io_async::Read for Slow<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        embedded_io_async::Read::read(&mut self.port, buf).await
    }
}

impl embedded_io_async::Write for Slow<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        if self.piece > 0 {
            self.clock
                .until(self.clock.now() + Duration::from_millis(1))
                .await;
        }
        let count = if self.piece == 0 {
            buf.len()
        } else {
            buf.len().min(self.piece)
        };
        self.keep(&buf[..count]);
        embedded_io_async::Write::write(&mut self.port, &buf[..count]).await
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A network that gives no time, so that the clock has to be asked for.
fn bench() -> Bench<Loopback> {
    let mut model = Model::new(Loopback::new(), 1);
    model.settings.checks_names = true;
    model.settings.time_server = Some(1_790_000_000);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

fn slow(bench: &Bench<Loopback>, piece: usize) -> (Slow<'_>, Rc<RefCell<Vec<u8>>>) {
    let written = Rc::default();
    let port = Slow {
        port: bench.port(),
        clock: bench.clock(),
        piece,
        written: Rc::clone(&written),
    };
    (port, written)
}

fn config() -> Config {
    let mut config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut tls = Tls::new(FileName::parameter("ca.pem").unwrap());
    tls.identity = Some(ClientIdentity {
        certificate: FileName::parameter("meter.pem").unwrap(),
        key: FileName::parameter("meter.key").unwrap(),
    });
    config.tls = Some(tls);
    config
}

/// Longer than one piece, and with the bytes that a prompt or a line would be ended by.
fn certificate() -> Vec<u8> {
    let ends = b"\r\nOK\r\n> \x1a\x1b\0";
    (0..1_500).map(|n| ends[n % ends.len()]).collect()
}

/// Every public call, in one order, its results as text.
macro_rules! script {
    ($modem:ident, $bench:ident, $log:ident $(, $await:tt)?) => {{
        let until = |seconds| $bench.clock().now() + Duration::from_secs(seconds);
        $log.push(format!("{:?}", $modem.signal()$(.$await)?));
        $log.push(format!("{:?}", $modem.start()$(.$await)?));
        $log.push(format!("{:?}", $modem.identity()$(.$await)?));
        $log.push(format!("{:?}", $modem.registration()$(.$await)?));
        $log.push(format!("{:?}", $modem.signal()$(.$await)?));
        $log.push(format!("{:?}", $modem.network_time()$(.$await)?.map(|t| t.zone)));
        let socket = $modem.connect("meter.example", 1883, Transport::Tcp)$(.$await)?.unwrap();
        let data: Vec<u8> = (0..3000).map(|n| n as u8).collect();
        $log.push(format!("{:?}", $modem.send(socket, &data[..2000])$(.$await)?));
        $log.push(format!("{:?}", $modem.flush(socket)$(.$await)?));
        $log.push(format!("{:?}", $modem.wait(until(60))$(.$await)?));
        let mut buffer = [0; 700];
        while let Ok(count @ 1..) = $modem.receive(socket, &mut buffer)$(.$await)? {
            $log.push(format!("{count}: {:?}", &buffer[..count]));
        }
        $log.push(format!("{:?}", $modem.wait(until(60))$(.$await)?));
        $bench.with(|model, _| model.network().hang_up(socket.connect_id()));
        $log.push(format!("{:?}", $modem.wait(until(60))$(.$await)?));
        $log.push(format!("{:?}", $modem.receive(socket, &mut buffer)$(.$await)?));
        $log.push(format!("{:?}", $modem.wait(until(60))$(.$await)?));
        $log.push(format!("{:?}", $modem.close(socket)$(.$await)?));
        $log.push(format!("{:?}", $modem.close(socket)$(.$await)?));
        $bench.with(|model, _| model.network().refuse = true);
        $log.push(format!("{:?}", $modem.connect("meter.example", 1883, Transport::Tcp)$(.$await)?));
        $bench.with(|model, _| model.network().refuse = false);
        let peer = ("meter.example", 8883, Transport::Tls);
        $log.push(format!("{:?}", $modem.connect(peer.0, peer.1, peer.2)$(.$await)?));
        for name in ["ca.pem", "meter.pem", "meter.key"] {
            $log.push(format!("{:?}", $modem.store_file(name, &certificate())$(.$await)?));
            $log.push(format!("{:?}", $modem.file_size(name)$(.$await)?));
        }
        $log.push(format!("{:?}", $modem.read_file("ca.pem", 1_490, &mut buffer)$(.$await)?));
        $log.push(format!("{:?}", $modem.synchronise("time.example")$(.$await)?));
        let socket = $modem.connect(peer.0, peer.1, peer.2)$(.$await)?.unwrap();
        $log.push(format!("{:?}", $modem.send(socket, &data[..1500])$(.$await)?));
        $log.push(format!("{:?}", $modem.wait(until(60))$(.$await)?));
        while let Ok(count @ 1..) = $modem.receive(socket, &mut buffer)$(.$await)? {
            $log.push(format!("{count}: {:?}", &buffer[..count]));
        }
        $log.push(format!("{:?}", $modem.close(socket)$(.$await)?));
        $log.push(format!("{:?}", $modem.delete_file("ca.pem")$(.$await)?));
        $log.push(format!("{:?}", $modem.delete_file("ca.pem")$(.$await)?));
        $log.push(format!("{:?}", $modem.connect(peer.0, peer.1, peer.2)$(.$await)?));
        $log.push(format!("{:?}", $modem.set_clock(1_800_000_000)$(.$await)?));
        $log.push(format!("{:?}", $modem.resolve("meter.example")$(.$await)?));
        let socket = $modem.connect("meter.example", 5683, Transport::Udp)$(.$await)?.unwrap();
        for datagram in [&data[..300], &data[..7]] {
            $log.push(format!("{:?}", $modem.send(socket, datagram)$(.$await)?));
        }
        for _ in 0..2 {
            $log.push(format!("{:?}", $modem.wait(until(60))$(.$await)?));
            while let Ok(count @ 1..) = $modem.receive(socket, &mut buffer)$(.$await)? {
                $log.push(format!("datagram of {count}"));
            }
        }
        $log.push(format!("{:?}", $modem.close(socket)$(.$await)?));
        // The peer sends the request back, which is no response.
        let url = Url::parse("http://meter.example/image.bin").unwrap();
        let mut download = $modem.download(&url, Progress::new());
        $log.push(format!("{:?}", download.read(&mut buffer)$(.$await)?));
        drop(download);
        $log.push(format!("{:?}", $modem.eid()$(.$await)?));
        $log.push(format!("{:?}", $modem.power_down()$(.$await)?));
        $log.push(format!("{:?}", $modem.wait(until(60))$(.$await)?));
    }};
}

#[test]
fn blocking_and_async_send_the_same_bytes_and_return_the_same() {
    let (mut async_log, mut blocking_log) = (Vec::new(), Vec::new());
    let async_bench = bench();
    let (port, async_bytes) = slow(&async_bench, 0);
    let mut modem = asynch::Modem::new(port, async_bench.clock(), config());
    async_bench
        .run(async {
            use embedded_io_async::Read as _;
            script!(modem, async_bench, async_log, await)
        })
        .unwrap();

    let blocking_bench = bench();
    let (port, blocking_bytes) = slow(&blocking_bench, 0);
    let mut modem = blocking::Modem::new(port, blocking_bench.blocking_clock(), config());
    {
        use embedded_io::Read as _;
        script!(modem, blocking_bench, blocking_log);
    }

    assert_eq!(async_log, blocking_log);
    assert_eq!(*async_bytes.borrow(), *blocking_bytes.borrow());
    let unknown = format!("{:?}", Error::<Infallible>::Modem(Fault::UnknownSocket));
    let mut log = async_log.iter();
    for part in [
        unknown.as_str(),
        "Socket(ConnectFailed)",
        // The authority's file is not there.
        "Tls(ConnectFailed)",
        "Ok(Some(1500))",
        "Ok(Some(1500))",
        "Ok(Some(1500))",
        "Ok(10)",
        "NetworkTime { unix: 1790000",
        "Ok(1500)",
        "Tls(ConnectFailed)",
        "Ok(192.0.2.1)",
        "datagram of 300",
        "datagram of 7",
        "Malformed",
        "NoEuicc",
        "Ok(PoweredDown)",
    ] {
        let found = log.any(|line| line.contains(part));
        assert!(found, "no {part} in {async_log:#?}");
    }
}

/// Polls a future at most `polls` times, then drops it.
async fn dropped_after<F: Future>(future: F, mut polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(move |context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

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
    ] {
        let awaits = (0..).find(|&polls| drop_and_go_on(what, polls)).unwrap();
        println!("{what:?}: dropped at {awaits} points");
        assert!(awaits > 3, "{what:?} never waited");
    }
}

#[test]
fn socket_is_a_stream() {
    use embedded_io_async::{Read, Write};
    let bench = bench();
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    bench
        .run(async {
            modem.start().await.unwrap();
            let id = modem
                .connect("meter.example", 1883, Transport::Tcp)
                .await
                .unwrap();
            let mut socket = modem.socket(id);
            socket.write_all(b"one line\n").await.unwrap();
            let mut line = [0; 9];
            socket.read_exact(&mut line).await.unwrap();
            assert_eq!(&line, b"one line\n");
            bench.with(|model, _| model.network().hang_up(0));
            assert_eq!(socket.read(&mut line).await.unwrap(), 0);
        })
        .unwrap();
}

#[test]
fn start_tells_stage_and_reason() {
    let mut model = Model::new(Loopback::new(), 1);
    model.settings.mood = Mood::Denied;
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    let error = bench.run(modem.start()).unwrap().unwrap_err();
    let (stage, source) = (nbiot_at::Stage::Registration, Fault::Denied(None));
    assert_eq!(error, Error::Start { stage, source });
    assert_eq!(
        error.to_string(),
        "start failed at Registration: registration denied"
    );
}

#[test]
fn idle_modem_needs_no_attention_for_a_day_of_reports() {
    let begun = std::time::Instant::now();
    let bench = bench();
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    bench
        .run(async {
            modem.start().await.unwrap();
            let socket = modem
                .connect("meter.example", 1883, Transport::Tcp)
                .await
                .unwrap();
            for quarter in 1..=96_u64 {
                let until = Instant::from_millis(quarter * 900_000);
                while modem.wait(until).await.unwrap() != Event::Deadline {}
                assert_eq!(bench.with(|model, now| model.deadline(now)), None);
                modem.send(socket, &[b'r'; 100]).await.unwrap();
                let soon = bench.clock().now() + Duration::from_secs(10);
                assert_eq!(modem.wait(soon).await.unwrap(), Event::Data(socket));
                let mut buffer = [0; 128];
                assert_eq!(modem.receive(socket, &mut buffer).await.unwrap(), 100);
                assert_eq!(modem.receive(socket, &mut buffer).await.unwrap(), 0);
            }
        })
        .unwrap();
    println!("a day of 96 exchanges: {:?} of real time", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(2));
}

/// Whenever data come, before or while the modem is asked for them.
#[test]
fn f6_a_stream_reads_what_comes_at_any_moment() {
    use embedded_io_async::Read;
    for offset in 270..330_u64 {
        let bench = bench();
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
        let read = bench.run(async {
            modem.start().await.unwrap();
            let socket = modem
                .connect("meter.example", 1883, Transport::Tcp)
                .await
                .unwrap();
            bench.with(|model, _| model.network().push(socket.connect_id(), b"hello"));
            let at = bench.clock().now() + Duration::from_millis(offset);
            bench.clock().until(at).await;
            let mut line = [0; 5];
            modem.socket(socket).read(&mut line).await.unwrap()
        });
        assert_eq!(read, Ok(5), "{offset} ms");
    }
}

#[test]
fn a19_dropped_receive_loses_no_data() {
    for polls in 0..12 {
        let bench = bench();
        let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
        let got = bench.run(async {
            modem.start().await.unwrap();
            let socket = modem
                .connect("meter.example", 1883, Transport::Tcp)
                .await
                .unwrap();
            bench.with(|model, _| model.network().push(socket.connect_id(), b"hello"));
            let until = bench.clock().now() + Duration::from_secs(60);
            assert_eq!(modem.wait(until).await.unwrap(), Event::Data(socket));
            let (mut early, mut buffer) = ([0; 5], [0; 5]);
            let mut got = Vec::new();
            let first = dropped_after(modem.receive(socket, &mut early), polls).await;
            if let Some(Ok(count)) = first {
                got.extend_from_slice(&early[..count]);
            }
            while let Ok(count @ 1..) = modem.receive(socket, &mut buffer).await {
                got.extend_from_slice(&buffer[..count]);
            }
            got
        });
        assert_eq!(got, Ok(b"hello".to_vec()), "after {polls} polls");
    }
}
