//! A session and a server that both keep what the standard says, over a link that breaks anywhere.
//!
//! The server is a model of its own: it takes packets apart byte by byte, and refuses what a server
//! would refuse.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use crate::*;

/// What a server keeps for a client, and what it has seen.
#[derive(Default)]
struct Server {
    is_connected: bool,
    /// Bytes of a packet that is not whole yet.
    partial: Vec<u8>,
    /// Bytes on their way to the client.
    outgoing: Vec<u8>,
    /// Messages of the client as they were handed on.
    delivered: Vec<(u8, u8)>,
    /// Identifiers of the client at QoS 2 that it has not released.
    unreleased: Vec<u16>,
    /// Messages to the client that wait, then those under way in order.
    waiting: Vec<(u8, u8)>,
    under_way: Vec<UnderWay>,
    last_identifier: u16,
    /// It says on a new connection what it had answered on the one before.
    repeats: bool,
}

struct UnderWay {
    identifier: u16,
    qos: u8,
    payload: u8,
    is_received: bool,
    is_sent: bool,
}

impl Server {
    /// Most that a server sends at QoS 2 before it waits: the client has room for no more.
    const WINDOW: usize = 2;

    fn cut(&mut self) {
        self.is_connected = false;
        self.partial.clear();
        self.outgoing.clear();
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.partial.extend(bytes);
        while self.partial.len() >= 2 {
            assert!(self.partial[1] < 0x80, "longer than any packet here");
            let length = 2 + usize::from(self.partial[1]);
            if self.partial.len() < length {
                return;
            }
            let packet: Vec<u8> = self.partial.drain(..length).collect();
            self.handle(packet[0], &packet[2..]);
        }
    }

    fn handle(&mut self, first: u8, body: &[u8]) {
        let identifier = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
        assert_eq!(first == 0x10, !self.is_connected, "CONNECT is the first");
        match first {
            0x10 => self.connected(),
            0x30 | 0x32 | 0x34 | 0x3A | 0x3C => {
                let qos = first >> 1 & 3;
                assert_eq!(body[..3], [0, 1, b't']);
                let (payload, named) = match qos {
                    0 => (body[3], None),
                    _ => (body[5], Some(identifier(&body[3..]))),
                };
                let is_known = qos == 2 && named.is_some_and(|it| self.unreleased.contains(&it));
                assert!(first & 8 != 0 || !is_known, "a copy is marked");
                if !is_known {
                    self.delivered.push((qos, payload));
                }
                if qos == 2 && !is_known {
                    self.unreleased.extend(named);
                }
                if let Some(named) = named {
                    self.answer(if qos == 1 { 0x40 } else { 0x50 }, named);
                }
            }
            0x40 => self
                .under_way
                .retain(|it| it.qos != 1 || it.identifier != identifier(body)),
            0x50 => {
                let it = identifier(body);
                let mut under_way = self.under_way.iter_mut();
                let message = under_way.find(|message| message.identifier == it);
                message.expect("it is under way").is_received = true;
                self.answer(0x62, it);
            }
            0x62 => {
                let it = identifier(body);
                self.unreleased.retain(|&known| known != it);
                self.answer(0x70, it);
            }
            0x70 => {
                let it = identifier(body);
                let is_it = |message: &UnderWay| message.identifier == it && message.is_received;
                assert!(self.under_way.iter().any(is_it), "it was not released");
                self.under_way.retain(|message| !is_it(message));
            }
            0xC0 => self.outgoing.extend([0xD0, 0]),
            _ => panic!("a packet that no client sends here: {first:02x} {body:02x?}"),
        }
        self.send();
    }

    fn answer(&mut self, first: u8, identifier: u16) {
        let [high, low] = identifier.to_be_bytes();
        self.outgoing.extend([first, 2, high, low]);
    }

    fn connected(&mut self) {
        self.is_connected = true;
        self.outgoing.extend([0x20, 2, 1, 0]);
        if self.repeats {
            for identifier in self.unreleased.clone() {
                self.answer(0x50, identifier);
            }
        }
        for message in &mut self.under_way {
            let [high, low] = message.identifier.to_be_bytes();
            if message.is_received {
                self.outgoing.extend([0x62, 2, high, low]);
            } else {
                let first = 0x30 | message.qos << 1 | if message.is_sent { 8 } else { 0 };
                let packet = [first, 6, 0, 1, b'k', high, low, message.payload];
                self.outgoing.extend(packet);
            }
        }
    }

    fn send(&mut self) {
        while self.is_connected && !self.waiting.is_empty() && self.under_way.len() < Self::WINDOW {
            let (qos, payload) = self.waiting.remove(0);
            if qos == 0 {
                self.outgoing.extend([0x30, 4, 0, 1, b'k', payload]);
                continue;
            }
            self.last_identifier += 1;
            let [high, low] = self.last_identifier.to_be_bytes();
            let packet = [0x30 | qos << 1, 6, 0, 1, b'k', high, low, payload];
            self.outgoing.extend(packet);
            self.under_way.push(UnderWay {
                identifier: self.last_identifier,
                qos,
                payload,
                is_received: false,
                is_sent: true,
            });
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    ClientPublishes(u8),
    ServerPublishes(u8),
    ToServer(usize),
    ToClient(usize),
    Cut,
    Ping,
}

fn step() -> impl Strategy<Value = Step> {
    let levels = &[0u8, 1, 2][..if HIGHEST == QoS::ExactlyOnce { 3 } else { 2 }];
    prop_oneof![
        3 => select(levels).prop_map(Step::ClientPublishes),
        3 => select(levels).prop_map(Step::ServerPublishes),
        6 => (1usize..12).prop_map(Step::ToServer),
        6 => (1usize..12).prop_map(Step::ToClient),
        2 => Just(Step::Cut),
        1 => Just(Step::Ping),
    ]
}

struct Life<'b> {
    session: Session<'b>,
    server: Server,
    now: Duration,
    published: Vec<(u8, u8)>,
    acknowledged: usize,
    offered: Vec<(u8, u8)>,
    told: Vec<u8>,
}

impl Life<'_> {
    fn take(&mut self, step: Step) {
        match step {
            Step::ClientPublishes(qos) => {
                let payload = self.published.len() as u8;
                let level = [QoS::AtMostOnce, QoS::AtLeastOnce, HIGHEST];
                let level = level[usize::from(qos)];
                let published = self
                    .session
                    .publish("t", &[payload], level, false, self.now);
                if published.is_ok() {
                    self.published.push((qos, payload));
                }
            }
            Step::ServerPublishes(qos) => {
                let message = (qos, self.offered.len() as u8);
                self.offered.push(message);
                self.server.waiting.push(message);
                self.server.send();
            }
            Step::ToServer(most) => {
                let waiting = self.session.transmit();
                let bytes = waiting[..waiting.len().min(most)].to_vec();
                self.session.sent(bytes.len(), self.now);
                self.server.hear(&bytes);
            }
            Step::ToClient(most) => {
                let most = most.min(self.server.outgoing.len());
                let bytes: Vec<u8> = self.server.outgoing.drain(..most).collect();
                self.hear(&bytes);
            }
            Step::Cut => {
                self.session.link_lost();
                self.server.cut();
                self.session.connect(&OPTIONS, self.now).unwrap();
            }
            Step::Ping => {
                self.now += Duration::from_secs(76);
                self.session.handle_timeout(self.now);
                // One that waited too long is a lost link.
                if !self.session.is_connected() && self.session.transmit().is_empty() {
                    self.take(Step::Cut);
                }
            }
        }
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        loop {
            let used = self.session.receive(bytes, self.now);
            bytes = &bytes[used..];
            match self.session.event() {
                Some(Event::Message { payload, .. }) => self.told.push(payload[0]),
                Some(Event::Published(_)) => self.acknowledged += 1,
                Some(Event::Closed(ClosedBy::LinkLost | ClosedBy::Timeout)) => {}
                Some(Event::Closed(reason)) => panic!("{reason}"),
                Some(_) => {}
                None if bytes.is_empty() => return,
                None => {}
            }
        }
    }

    /// A link that holds, until there is nothing more to say.
    fn settle(&mut self) {
        self.take(Step::Cut);
        for _ in 0..10_000 {
            if self.session.transmit().is_empty() && self.server.outgoing.is_empty() {
                return;
            }
            self.take(Step::ToServer(7));
            self.take(Step::ToClient(7));
        }
        panic!("they never come to an end");
    }
}

/// How often each message came.
fn times(messages: impl IntoIterator<Item = u8>) -> BTreeMap<u8, usize> {
    let mut times = BTreeMap::new();
    for message in messages {
        *times.entry(message).or_default() += 1;
    }
    times
}

fn check(sent: &[(u8, u8)], times: &BTreeMap<u8, usize>) -> Result<(), TestCaseError> {
    for (qos, message) in sent {
        let times = times.get(message).copied().unwrap_or_default();
        match qos {
            0 => prop_assert!(times <= 1, "{message} at most once, came {times} times"),
            1 => prop_assert!(times >= 1, "{message} at least once"),
            _ => prop_assert_eq!(times, 1, "{} exactly once", message),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// At most once, at least once [4.3.1-1, 4.3.2-1, 4.3.2-2] and exactly once [4.3.3-1, 4.3.3-2]
    /// hold both ways, whatever the link does and however many messages are under way.
    #[test]
    fn every_message_comes_as_often_as_its_qos_says(
        steps in prop::collection::vec(step(), 1..160),
        window in 1usize..=3,
        repeats: bool,
    ) {
        let mut memory = Memory::new();
        let mut session = memory.session(window);
        session.connect(&OPTIONS, at(0)).unwrap();
        let mut life = Life {
            session,
            server: Server {
                repeats,
                ..Server::default()
            },
            now: at(0),
            published: Vec::new(),
            acknowledged: 0,
            offered: Vec::new(),
            told: Vec::new(),
        };
        for step in steps {
            life.take(step);
        }
        life.settle();
        prop_assert!(!life.session.awaits_answer());
        let kept = life.published.iter().filter(|(qos, _)| *qos > 0).count();
        prop_assert_eq!(life.acknowledged, kept);
        let delivered = life.server.delivered.iter().map(|(_, payload)| *payload);
        check(&life.published, &times(delivered.clone()))?;
        check(&life.offered, &times(life.told.iter().copied()))?;
        if window == 1 {
            // One at a time keeps its order.
            let mut order: Vec<u8> = delivered.collect();
            order.dedup();
            prop_assert!(order.is_sorted(), "{:?}", order);
        }
    }
}
