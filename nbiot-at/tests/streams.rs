//! Streams to a model that sends them back: what is read is what was sent, whatever is dropped and
//! whatever the modem does, or the connection is over.

#[path = "common/slow.rs"]
mod slow;

use std::time::Duration;

use nbiot_at::sim::{Bench, Faults, Loopback, Modem as Model, VirtualClock};
use nbiot_at::{Clock, Event, Fault, Instant, SocketId, Stage, Transport, asynch};
use slow::{Slow, config, dropped_after, slow};

type Modem<'a> = asynch::Modem<Slow<'a>, &'a VirtualClock, 2>;

/// The byte number `n` of each stream, never the same pattern twice within it.
fn pattern(n: usize) -> u8 {
    let mixed = (n as u64 ^ 0x5bd1_e995).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ mixed >> 31).wrapping_mul(0x94d0_49bb_1331_11eb) >> 56) as u8
}

/// xorshift64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

/// A connection, the bytes sent, and those that came back.
struct Stream {
    socket: SocketId,
    sent: usize,
    got: usize,
}

impl Stream {
    /// Counts what came.
    fn take(&mut self, bytes: &[u8]) {
        let expected: Vec<u8> = (self.got..self.got + bytes.len()).map(pattern).collect();
        assert!(bytes == expected, "differs behind byte {}", self.got);
        self.got += bytes.len();
        assert!(self.got <= self.sent, "more than was sent");
    }
}

fn bench(faults: Faults, seed: u64) -> Bench<Loopback> {
    let mut model = Model::new(Loopback::new(), seed);
    model.faults = faults;
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

async fn pause(modem: &mut Modem<'_>, clock: &VirtualClock, seconds: u64) {
    let until = clock.now() + Duration::from_secs(seconds);
    while !matches!(modem.wait(until).await, Ok(Event::Deadline) | Err(_)) {}
}

/// Does something to a stream; false once it is over.
async fn act(modem: &mut Modem<'_>, stream: &mut Stream, dice: &mut Dice) -> bool {
    match dice.below(4) {
        // The model holds no more than 2 KiB of what nobody reads.
        0 | 1 if stream.sent - stream.got < 500 => {
            let count = 1 + dice.below(600);
            let data: Vec<u8> = (stream.sent..stream.sent + count).map(pattern).collect();
            match modem.send(stream.socket, &data).await {
                Ok(count) => stream.sent += count,
                Err(error) => return error.fault() == Some(Fault::QueueFull),
            }
        }
        2 => drop(dropped_after(modem.identity(), dice.below(60)).await),
        _ => {
            let mut buffer = vec![0; 1 + dice.below(700)];
            let polls = [usize::MAX, dice.below(60)][dice.below(2)];
            match dropped_after(modem.receive(stream.socket, &mut buffer), polls).await {
                None => {}
                Some(Ok(count)) => stream.take(&buffer[..count]),
                Some(Err(_)) => return false,
            }
        }
    }
    true
}

/// Reads until all has come back or the connection is over.
async fn drain(modem: &mut Modem<'_>, clock: &VirtualClock, stream: &mut Stream) {
    let mut buffer = [0; 256];
    let mut idle = 0;
    while stream.got < stream.sent {
        match modem.receive(stream.socket, &mut buffer).await {
            Ok(0) => {
                idle += 1;
                assert!(idle < 40, "{} of {}, and open", stream.got, stream.sent);
                pause(modem, clock, 5).await;
            }
            Ok(count) => stream.take(&buffer[..count]),
            Err(_) => return,
        }
    }
}

/// A life of two connections at random; bytes that came back whole.
fn live(faults: Faults, seed: u64) -> usize {
    let bench = bench(faults, seed);
    let clock = bench.clock();
    let (port, _) = slow(&bench, 11);
    let mut modem = asynch::Modem::with_sockets(port, clock, config());
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let whole = bench.run(async {
        let mut streams: Vec<Stream> = Vec::new();
        let mut whole = 0;
        for _ in 0..150 {
            if modem.stage() != Stage::Ready {
                streams.clear();
                let _ = modem.start().await;
                continue;
            }
            let choice = dice.below(8);
            if choice < 2 && streams.len() < 2 {
                let polls = [usize::MAX, dice.below(30)][choice];
                let connect = modem.connect("meter.example", 1883, Transport::Tcp);
                if let Some(Ok(socket)) = dropped_after(connect, polls).await {
                    let (sent, got) = (0, 0);
                    streams.push(Stream { socket, sent, got });
                }
            } else if choice < 7 && !streams.is_empty() {
                let index = dice.below(streams.len());
                if !act(&mut modem, &mut streams[index], &mut dice).await {
                    let over = streams.remove(index);
                    let _ = modem.close(over.socket).await;
                }
            } else {
                pause(&mut modem, clock, dice.below(20) as u64).await;
            }
        }
        for stream in &mut streams {
            drain(&mut modem, clock, stream).await;
            whole += stream.got;
        }
        whole
    });
    whole.unwrap_or_else(|_| panic!("seed {seed}: stalled"))
}

/// Lives with each seed; bytes that came back.
fn lives(faults: &Faults, seeds: u64) -> usize {
    (1..=seeds).map(|seed| live(*faults, seed)).sum()
}

fn urcs() -> Faults {
    let mut faults = Faults::NONE;
    faults.urc = 100_000;
    faults.send_fail = 100_000;
    faults
}

#[test]
fn a19_streams_are_whole_whatever_is_dropped() {
    assert!(lives(&urcs(), 60) > 10_000);
}

#[test]
fn a19_streams_are_whole_or_over_with_a_modem_that_answers_late_and_twice() {
    let mut faults = urcs();
    faults.double_urc = 300_000;
    faults.slow = 3_000;
    assert!(lives(&faults, 60) > 10_000);
}

#[test]
fn a19_streams_are_whole_or_over_with_lines_and_bytes_lost() {
    let mut faults = urcs();
    faults.drop_line = 5_000;
    faults.wrong_length = 10_000;
    faults.cut_block = 10_000;
    faults.drop_byte = 30;
    assert!(lives(&faults, 60) > 1_000);
}

#[test]
fn f8_data_that_nobody_reads_are_whole_later() {
    for piece in [100, 333, 700, 1000, 1024] {
        for reads in 0..4 {
            let bench = bench(Faults::NONE, 1);
            let clock = bench.clock();
            let (port, _) = slow(&bench, 0);
            let mut modem = asynch::Modem::with_sockets(port, clock, config());
            let run = bench.run(async {
                modem.start().await.unwrap();
                let connect = modem.connect("meter.example", 1883, Transport::Tcp);
                let socket = connect.await.unwrap();
                let (sent, got) = (0, 0);
                let mut stream = Stream { socket, sent, got };
                let mut buffer = [0; 256];
                for _ in 0..40 {
                    let data: Vec<u8> = (stream.sent..stream.sent + piece).map(pattern).collect();
                    // Full once nothing is read for long.
                    stream.sent += modem.send(socket, &data).await.unwrap_or(0);
                    pause(&mut modem, clock, 3).await;
                    for _ in 0..reads {
                        let count = modem.receive(socket, &mut buffer).await.unwrap();
                        stream.take(&buffer[..count]);
                    }
                }
                drain(&mut modem, clock, &mut stream).await;
                assert_eq!(stream.got, stream.sent, "{piece} {reads}");
            });
            run.unwrap();
        }
    }
}
