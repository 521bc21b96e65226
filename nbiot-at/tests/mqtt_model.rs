//! The module's MQTT client with the model, and a broker in memory.

#[path = "common/slow.rs"]
mod slow;

use std::collections::VecDeque;
use std::time::Duration;

use nbiot_at::mqtt::{Qos, Session};
use nbiot_at::sim::{Bench, Link, Modem as Model, Network, Peer};
use nbiot_at::{Apn, Clock, Config, Event, Fault, Instant, MqttRefusal, asynch, blocking};
use slow::dropped_after;

/// A broker that sends each message back to whoever has subscribed to anything.
#[derive(Debug, Default)]
struct Broker {
    input: Vec<u8>,
    output: VecDeque<u8>,
    is_open: bool,
    has_subscriber: bool,
    refuses: Option<u8>,
    /// Acknowledges nothing.
    is_deaf: bool,
}

impl Broker {
    /// Whole packets: first byte and body.
    fn packets(&mut self) -> Vec<(u8, Vec<u8>)> {
        let mut packets = Vec::new();
        while let [kind, digit, rest @ ..] = self.input.as_slice() {
            let (length, rest) = match (digit, rest) {
                (0..0x80, rest) => (usize::from(*digit), rest),
                (_, [high, rest @ ..]) => {
                    (usize::from(digit & 0x7f) | usize::from(*high) << 7, rest)
                }
                (_, []) => break,
            };
            let Some(body) = rest.get(..length) else {
                break;
            };
            packets.push((*kind, body.to_vec()));
            self.input = rest[length..].to_vec();
        }
        packets
    }

    fn answer(&mut self, kind: u8, body: &[u8]) {
        let id = |at: usize| [body[at], body[at + 1]];
        match kind & 0xf0 {
            0x10 => self.say(0x20, &[0, self.refuses.unwrap_or(0)]),
            0x30 => {
                let topic = 2 + usize::from(u16::from_be_bytes(id(0)));
                let qos = kind >> 1 & 3;
                let payload = if qos > 0 { topic + 2 } else { topic };
                match qos {
                    1 => self.say(0x40, &id(topic)),
                    2 => self.say(0x50, &id(topic)),
                    _ => {}
                }
                if self.has_subscriber {
                    let message = [&body[..topic], &[0, 9], &body[payload..]].concat();
                    self.say(0x32, &message);
                }
            }
            0x60 => self.say(0x70, &id(0)),
            0x80 => {
                self.has_subscriber = true;
                let granted = body[body.len() - 1];
                self.say(0x90, &[&id(0)[..], &[granted]].concat());
            }
            0xa0 => {
                self.has_subscriber = false;
                self.say(0xb0, &id(0));
            }
            0xc0 => self.say(0xd0, &[]),
            _ => {}
        }
    }

    fn say(&mut self, kind: u8, body: &[u8]) {
        self.output.push_back(kind);
        let low = u8::try_from(body.len() & 0x7f).unwrap();
        let high = u8::try_from(body.len() >> 7).unwrap();
        self.output.push_back(low | u8::from(high > 0) << 7);
        self.output.extend((high > 0).then_some(high));
        self.output.extend(body);
    }
}

impl Network for Broker {
    fn open(&mut self, _: u8, _: &Peer<'_>) {
        (self.is_open, self.has_subscriber) = (true, false);
    }

    fn poll(&mut self, _: u8) -> Link {
        if self.is_open {
            Link::Connected
        } else {
            Link::Closed
        }
    }

    fn send(&mut self, _: u8, bytes: &[u8]) -> usize {
        self.input.extend_from_slice(bytes);
        for (kind, body) in self.packets() {
            if !self.is_deaf {
                self.answer(kind, &body);
            }
        }
        bytes.len()
    }

    fn receive(&mut self, _: u8, out: &mut [u8]) -> usize {
        let count = out.len().min(self.output.len());
        for (to, from) in out.iter_mut().zip(self.output.drain(..count)) {
            *to = from;
        }
        count
    }

    fn close(&mut self, _: u8) {
        self.is_open = false;
        self.input.clear();
        self.output.clear();
    }
}

fn config() -> Config {
    Config::new(Apn::parameter("iot.example").unwrap())
}

fn bench(broker: Broker) -> Bench<Broker> {
    let mut model = Model::new(broker, 1);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

const SESSION: Session<'static> = Session::new("broker.example", 1883, "meter-17");

/// Each call once, its results as text.
macro_rules! script {
    ($modem:ident, $bench:ident $(, $await:tt)?) => {{
        let mut log = Vec::new();
        let until = |seconds| $bench.clock().now() + Duration::from_secs(seconds);
        log.push(format!("{:?}", $modem.mqtt_connect(&SESSION)$(.$await)?));
        $modem.start()$(.$await)?.unwrap();
        log.push(format!("{:?}", $modem.mqtt_publish("m", b"x", Qos::AtLeastOnce, false)$(.$await)?));
        log.push(format!("{:?}", $modem.mqtt_connect(&SESSION)$(.$await)?));
        log.push(format!("{:?}", $modem.mqtt_subscribe("m/17/#", Qos::AtLeastOnce)$(.$await)?));
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let data = b"\"\r\nOK\r\n> ,5,\"";
            log.push(format!("{:?}", $modem.mqtt_publish("m/17/up", data, qos, false)$(.$await)?));
            log.push(format!("{:?}", $modem.wait(until(60))$(.$await)?));
            log.push(format!("{:?}", $modem.mqtt_receive()$(.$await)?));
            log.push(format!("{:?}", $modem.mqtt_receive()$(.$await)?));
        }
        log.push(format!("{:?}", $modem.mqtt_unsubscribe("m/17/#")$(.$await)?));
        log.push(format!("{:?}", $modem.wait(until(600))$(.$await)?));
        log.push(format!("{:?}", $modem.mqtt_disconnect()$(.$await)?));
        log.push(format!("{:?}", $modem.mqtt_disconnect()$(.$await)?));
        log.push(format!("{:?}", $modem.wait(until(60))$(.$await)?));
        log
    }};
}

#[test]
fn blocking_and_async_do_the_same() {
    let bench_a = bench(Broker::default());
    let mut modem = asynch::Modem::<_, _, 1>::new(bench_a.port(), bench_a.clock(), config());
    let first = bench_a
        .run(async { script!(modem, bench_a, await) })
        .unwrap();
    let bench_b = bench(Broker::default());
    let mut modem: blocking::Modem<_, _> =
        blocking::Modem::new(bench_b.port(), bench_b.blocking_clock(), config());
    let second = script!(modem, bench_b);
    assert_eq!(first, second);
    let done = first.iter().filter(|line| *line == "Ok(())").count();
    assert_eq!(done, 8, "{first:#?}");
    let messages = first
        .iter()
        .filter(|line| line.contains("Message {"))
        .count();
    assert_eq!(messages, 3, "{first:#?}");
}

#[test]
fn broker_that_is_deaf_or_refuses_is_told() {
    for (refuses, is_deaf, expected) in [
        (Some(4), false, Fault::MqttRefused(MqttRefusal::Credentials)),
        (None, true, Fault::TimedOut),
    ] {
        let broker = Broker {
            refuses,
            is_deaf,
            ..Broker::default()
        };
        let bench = bench(broker);
        let mut modem = asynch::Modem::<_, _, 1>::new(bench.port(), bench.clock(), config());
        let run = async {
            modem.start().await.unwrap();
            let refused = modem.mqtt_connect(&SESSION).await.unwrap_err();
            bench.with(|model, _| {
                (model.network().refuses, model.network().is_deaf) = (None, false);
            });
            modem.mqtt_connect(&SESSION).await.unwrap();
            bench.with(|model, _| model.network().is_deaf = true);
            let lost = modem.mqtt_publish("m", b"x", Qos::AtLeastOnce, false).await;
            (refused.fault(), lost.unwrap_err().fault())
        };
        let (refused, lost) = bench.run(run).unwrap();
        assert_eq!(refused, Some(expected));
        assert_eq!(lost, Some(Fault::TimedOut));
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Connect,
    Subscribe,
    Publish,
    Receive,
    Disconnect,
}

/// Drops `what` after `polls` polls, and goes on; true once it had ended before.
fn drop_and_go_on(what: Call, polls: usize) -> bool {
    let bench = bench(Broker::default());
    let mut modem = asynch::Modem::<_, _, 1>::new(bench.port(), bench.clock(), config());
    let run = async {
        modem.start().await.unwrap();
        if what != Call::Connect {
            modem.mqtt_connect(&SESSION).await.unwrap();
            modem.mqtt_subscribe("m", Qos::AtLeastOnce).await.unwrap();
        }
        let data = b"hello";
        if what == Call::Receive {
            let publish = modem.mqtt_publish("m", data, Qos::AtLeastOnce, false);
            publish.await.unwrap();
            let soon = bench.clock().now() + Duration::from_secs(10);
            assert_eq!(modem.wait(soon).await.unwrap(), Event::MqttMessage);
        }
        let call = async {
            match what {
                Call::Connect => modem.mqtt_connect(&SESSION).await.unwrap(),
                Call::Subscribe => modem.mqtt_subscribe("m", Qos::AtLeastOnce).await.unwrap(),
                Call::Publish => {
                    let publish = modem.mqtt_publish("m", data, Qos::AtLeastOnce, false);
                    publish.await.unwrap();
                }
                Call::Receive => drop(modem.mqtt_receive().await.unwrap()),
                Call::Disconnect => modem.mqtt_disconnect().await.unwrap(),
            }
        };
        let has_ended = dropped_after(call, polls).await.is_some();
        if matches!(what, Call::Connect | Call::Disconnect) {
            modem.mqtt_connect(&SESSION).await.unwrap();
            modem.mqtt_subscribe("m", Qos::AtLeastOnce).await.unwrap();
        }
        let last = b"the last";
        let publish = modem.mqtt_publish("m", last, Qos::AtLeastOnce, false);
        publish.await.unwrap();
        for _ in 0..20 {
            while let Some(message) = modem.mqtt_receive().await.unwrap() {
                if message.payload == last {
                    return has_ended;
                }
                assert_eq!(message.payload, data);
            }
            let soon = bench.clock().now() + Duration::from_secs(1);
            modem.wait(soon).await.unwrap();
        }
        panic!("{what:?} {polls}: the last did not come");
    };
    bench
        .run(run)
        .unwrap_or_else(|_| panic!("{what:?} {polls}: stalled"))
}

#[test]
fn a19_any_call_may_be_dropped_at_any_await() {
    for what in [
        Call::Connect,
        Call::Subscribe,
        Call::Publish,
        Call::Receive,
        Call::Disconnect,
    ] {
        let awaits = (0..).find(|&polls| drop_and_go_on(what, polls)).unwrap();
        assert!(awaits > 1, "{what:?}");
    }
}
