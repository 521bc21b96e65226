//! The two shells do the same.

#[path = "common/slow.rs"]
mod slow;

use std::convert::Infallible;
use std::time::Duration;

use nbiot_at::http::{Progress, Url};
use nbiot_at::sim::{Bench, Loopback, Modem as Model, Mood};
use nbiot_at::{Clock, Error, Event, Fault, Instant, Transport, asynch, blocking};
use slow::{bench, certificate, config, slow};

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
        let time_out = Duration::from_secs(1);
        for line in ["AT+CSQ", "AT+CGMM", "AT+CEREG?", "AT+NONE", "CSQ"] {
            let answer = $modem.command(line, time_out)$(.$await)?.map(|lines| lines.to_vec());
            $log.push(format!("{answer:?}"));
        }
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
