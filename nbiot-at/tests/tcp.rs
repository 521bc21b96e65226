//! End to end over real TCP: client, model of the modem, host socket, echo server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use nbiot_at::sim::{Bench, Modem, TcpNetwork};
use nbiot_at::{Apn, Clock, Config, Event, Transport, asynch};

/// An echo server on the loopback interface.
fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
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
    address
}

fn config() -> Config {
    Config::new(Apn::parameter("iot.example").unwrap())
}

#[test]
fn bytes_come_back_over_real_tcp() {
    let address = echo_server();
    let mut model = Modem::new(TcpNetwork::new(), 1);
    model.power_on(nbiot_at::Instant::ZERO);
    let bench = Bench::new(model);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    let began = std::time::Instant::now();
    let echoed = bench.run(async {
        modem.start().await.unwrap();
        let socket = modem
            .connect("127.0.0.1", address.port(), Transport::Tcp)
            .await
            .unwrap();
        let message: Vec<u8> = (0..=255).cycle().take(5000).collect();
        assert_eq!(modem.send(socket, &message[..1500]).await.unwrap(), 1500);
        let mut got = Vec::new();
        let mut buffer = [0; 100];
        while got.len() < 1500 {
            assert!(began.elapsed() < Duration::from_secs(30), "no answer");
            let until = bench.clock().now() + Duration::from_secs(60);
            // The rest of an answer may take its time in reality; the virtual minute does not.
            let event = modem.wait(until).await.unwrap();
            assert!(
                matches!(event, Event::Data(_) | Event::Deadline),
                "{event:?}"
            );
            while let count @ 1.. = modem.receive(socket, &mut buffer).await.unwrap() {
                got.extend_from_slice(&buffer[..count]);
            }
        }
        modem.close(socket).await.unwrap();
        got == message[..1500]
    });
    assert!(echoed.unwrap());
}
