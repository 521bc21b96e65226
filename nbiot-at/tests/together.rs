//! Sockets, the MQTT client inside the module, and the power, with the model, as an application uses them.
use std::collections::VecDeque;
use std::time::Duration;

use nbiot_at::mqtt::{Qos, Session};
use nbiot_at::sim::{Bench, Link, Loopback, Modem as Model, Network, Peer};
use nbiot_at::{Apn, Clock, Config, Event, Instant, Transport, asynch};

/// A broker behind the MQTT client, peers that send back behind the sockets.
#[derive(Debug)]
struct World {
    peers: Loopback,
    input: Vec<u8>,
    output: VecDeque<u8>,
    is_open: bool,
    subscribed: bool,
}

const MQTT: u8 = 12;

impl World {
    fn new() -> Self {
        Self {
            peers: Loopback::new(),
            input: Vec::new(),
            output: VecDeque::new(),
            is_open: false,
            subscribed: false,
        }
    }

    fn say(&mut self, kind: u8, body: &[u8]) {
        self.output.push_back(kind);
        assert!(body.len() < 128);
        self.output.push_back(body.len() as u8);
        self.output.extend(body);
    }
}

impl Network for World {
    fn open(&mut self, id: u8, peer: &Peer<'_>) {
        if id == MQTT {
            (self.is_open, self.subscribed) = (true, false);
        } else {
            self.peers.open(id, peer);
        }
    }
    fn poll(&mut self, id: u8) -> Link {
        if id != MQTT {
            return self.peers.poll(id);
        }
        if self.is_open {
            Link::Connected
        } else {
            Link::Closed
        }
    }
    fn send(&mut self, id: u8, bytes: &[u8]) -> usize {
        if id != MQTT {
            return self.peers.send(id, bytes);
        }
        self.input.extend_from_slice(bytes);
        while let [kind, length, rest @ ..] = self.input.as_slice() {
            let (kind, length) = (*kind, usize::from(*length));
            let Some(body) = rest.get(..length).map(<[u8]>::to_vec) else {
                break;
            };
            self.input.drain(..2 + length);
            match kind & 0xf0 {
                0x10 => self.say(0x20, &[0, 0]),
                0x30 => {
                    let topic = 2 + usize::from(body[1]);
                    let qos = kind >> 1 & 3;
                    let payload = if qos > 0 { topic + 2 } else { topic };
                    if qos == 1 {
                        self.say(0x40, &body[topic..topic + 2]);
                    }
                    if self.subscribed {
                        self.say(0x32, &[&body[..topic], &[0, 9], &body[payload..]].concat());
                    }
                }
                0x80 => {
                    self.subscribed = true;
                    self.say(0x90, &[body[0], body[1], body[body.len() - 1]]);
                }
                0xc0 => self.say(0xd0, &[]),
                _ => {}
            }
        }
        bytes.len()
    }
    fn receive(&mut self, id: u8, out: &mut [u8]) -> usize {
        if id != MQTT {
            return self.peers.receive(id, out);
        }
        let count = out.len().min(self.output.len());
        for (to, from) in out.iter_mut().zip(self.output.drain(..count)) {
            *to = from;
        }
        count
    }
    fn close(&mut self, id: u8) {
        if id != MQTT {
            return self.peers.close(id);
        }
        self.is_open = false;
        self.input.clear();
        self.output.clear();
    }
}

const SESSION: Session<'static> = Session::new("broker.example", 1883, "meter-17");

#[test]
fn two_sockets_and_the_client_of_the_module_live_beside_each_other() {
    let mut model = Model::new(World::new(), 1);
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut modem = asynch::Modem::<_, _, 2>::with_sockets(bench.port(), bench.clock(), config);
    let until = |seconds| bench.clock().now() + Duration::from_secs(seconds);
    let run = async {
        modem.start().await.unwrap();
        let a = modem.connect("a.example", 1, Transport::Tcp).await.unwrap();
        modem.mqtt_connect(&SESSION).await.unwrap();
        modem.mqtt_subscribe("m/#", Qos::AtLeastOnce).await.unwrap();
        let b = modem.connect("b.example", 2, Transport::Udp).await.unwrap();
        for n in 0..20_u8 {
            let sent: Vec<u8> = (0..100 + n).collect();
            assert_eq!(modem.send(a, &sent).await.unwrap(), sent.len());
            modem
                .mqtt_publish("m/1", &sent[..50], Qos::AtLeastOnce, false)
                .await
                .unwrap();
            assert_eq!(modem.send(b, &sent).await.unwrap(), sent.len());
            let (mut got_a, mut got_b, mut messages) = (Vec::new(), Vec::new(), Vec::new());
            loop {
                match modem.wait(until(30)).await.unwrap() {
                    Event::Data(socket) => {
                        let mut buf = [0; 64];
                        while let Ok(count @ 1..) = modem.receive(socket, &mut buf).await {
                            let got = if socket == a { &mut got_a } else { &mut got_b };
                            got.extend_from_slice(&buf[..count]);
                        }
                    }
                    Event::MqttMessage => {
                        while let Some(message) = modem.mqtt_receive().await.unwrap() {
                            messages.push(message.payload.to_vec());
                        }
                    }
                    Event::Deadline => break,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!((got_a.as_slice(), got_b.as_slice()), (&sent[..], &sent[..]));
            assert_eq!(messages, [sent[..50].to_vec()]);
        }
        // The broker goes away in the middle of a publish, and the program connects again.
        bench.with(|model, _| model.network().is_open = false);
        while modem
            .mqtt_publish("m/1", b"x", Qos::AtLeastOnce, false)
            .await
            .is_ok()
        {}
        modem.mqtt_connect(&SESSION).await.unwrap();
        let mut events = Vec::new();
        loop {
            match modem.wait(until(30)).await.unwrap() {
                Event::Deadline => break,
                event => events.push(event),
            }
        }
        assert_eq!(events, [], "behind a connect that succeeded");
    };
    bench.run(run).unwrap();
}

#[test]
fn second_connect_closes_the_first_without_a_word() {
    let mut model = Model::new(World::new(), 1);
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut modem = asynch::Modem::<_, _, 2>::with_sockets(bench.port(), bench.clock(), config);
    let until = |seconds| bench.clock().now() + Duration::from_secs(seconds);
    let run = async {
        modem.start().await.unwrap();
        modem.mqtt_connect(&SESSION).await.unwrap();
        modem.mqtt_connect(&SESSION).await.unwrap();
        assert_eq!(modem.wait(until(30)).await.unwrap(), Event::Deadline);
        modem
            .mqtt_publish("m/1", b"x", Qos::AtLeastOnce, false)
            .await
            .unwrap();
        modem.mqtt_disconnect().await.unwrap();
        modem.mqtt_connect(&SESSION).await.unwrap();
        assert_eq!(modem.wait(until(30)).await.unwrap(), Event::Deadline);
    };
    bench.run(run).unwrap();
}

/// Nothing happens to the client of the module: a read of a socket is cut.
#[test]
fn connection_to_the_broker_outlives_a_damaged_read_of_a_socket() {
    let mut model = Model::new(World::new(), 1);
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut modem = asynch::Modem::<_, _, 2>::with_sockets(bench.port(), bench.clock(), config);
    let until = |seconds| bench.clock().now() + Duration::from_secs(seconds);
    let run = async {
        modem.start().await.unwrap();
        let a = modem.connect("a.example", 1, Transport::Tcp).await.unwrap();
        modem.mqtt_connect(&SESSION).await.unwrap();
        modem.mqtt_subscribe("m/#", Qos::AtLeastOnce).await.unwrap();
        modem.send(a, b"hello, hello, hello").await.unwrap();
        while modem.wait(until(30)).await.unwrap() != Event::Data(a) {}
        bench.with(|model, _| model.faults.cut_block = 1_000_000);
        let _ = modem.receive(a, &mut [0; 64]).await;
        bench.with(|model, _| model.faults.cut_block = 0);
        while modem.wait(until(30)).await.unwrap() != Event::Deadline {}
        let found = modem.mqtt_receive().await.map(|message| message.is_some());
        let is_open = bench.with(|model, _| model.network().is_open);
        assert!(is_open, "the link to the broker stands");
        assert!(matches!(found, Ok(false)), "{found:?}");
    };
    bench.run(run).unwrap();
}

/// A port whose bytes to the modem are lost for a while.
struct Muted<'a> {
    port: nbiot_at::sim::Port<'a, Loopback>,
    is_muted: std::rc::Rc<std::cell::Cell<bool>>,
}

impl embedded_io::ErrorType for Muted<'_> {
    type Error = std::convert::Infallible;
}

impl embedded_io_async::Read for Muted<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        embedded_io_async::Read::read(&mut self.port, buf).await
    }
}

impl embedded_io_async::Write for Muted<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        if self.is_muted.get() {
            return Ok(buf.len());
        }
        embedded_io_async::Write::write(&mut self.port, buf).await
    }
    async fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

struct NoLines;

impl nbiot_at::PowerLines for NoLines {
    fn press(&mut self, _: bool) {}
}

/// What a dropped call has left takes its time before the modem is told to switch off at all.
#[test]
fn power_off_waits_as_long_as_the_manual_says_from_when_it_was_told() {
    let mut model = Model::new(Loopback::new(), 1);
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let config = Config::new(Apn::parameter("iot.example").unwrap());
    let is_muted = std::rc::Rc::new(std::cell::Cell::new(false));
    let port = Muted {
        port: bench.port(),
        is_muted: is_muted.clone(),
    };
    let mut modem = asynch::Modem::<_, _, 1>::new(port, bench.clock(), config);
    let run = async {
        modem.start().await.unwrap();
        is_muted.set(true);
        let soon = bench.clock().now() + Duration::from_secs(1);
        let command = modem.command("AT+QTEMP", Duration::from_secs(65));
        let ended = embassy_futures::select::select(command, bench.clock().until(soon)).await;
        assert!(matches!(ended, embassy_futures::select::Either::Second(())));
        is_muted.set(false);
        // It says `POWERED DOWN` three seconds after it was told to.
        modem.power_off(&mut NoLines).await.unwrap()
    };
    assert_eq!(bench.run(run).unwrap(), nbiot_at::Off::Orderly);
}
