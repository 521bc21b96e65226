//! The client and the model of the modem, with whatever happens to the modem in between: noise on
//! the line, restarts in mid-sentence, a network that goes. No call may hang or panic.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::{arbitrary, fuzz_target};
use nbiot_at::asynch::Modem;
use nbiot_at::sim::{Bench, Loopback, Loss, Modem as Model, Port, VirtualClock};
use nbiot_at::{Apn, Clock, Config, Instant, SocketId, Transport};

#[derive(arbitrary::Arbitrary, Debug)]
enum Act {
    Start,
    Connect,
    Send(Vec<u8>),
    Receive,
    Close,
    Signal,
    Wait { seconds: u16 },
    Noise(Vec<u8>),
    ToModem(Vec<u8>),
    Restart { kept: u8 },
    LoseNetwork { seconds: u16, loss: u8 },
}

type Client<'a> = Modem<Port<'a, Loopback>, &'a VirtualClock, 2>;

fuzz_target!(|input: (u64, Vec<Act>)| {
    let (seed, acts) = input;
    let mut model = Model::new(Loopback::new(), seed);
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let config = Config::new(Apn::parameter("iot").expect("an APN"));
    let mut client: Client<'_> = Modem::with_sockets(bench.port(), bench.clock(), config);
    let mut socket = None;
    // Every call costs minutes of virtual time at worst: a few of them say enough.
    for act in acts.into_iter().take(24) {
        let on_model = bench.with(|model, now| to_model(model, &act, now));
        if !on_model {
            let now = bench.clock().now();
            let call = by_client(&mut client, &act, &mut socket, now);
            bench.run(call).expect("a call must end");
        }
    }
});

/// What happens to the modem; `false` for what the client does.
fn to_model(model: &mut Model<Loopback>, act: &Act, now: Instant) -> bool {
    match act {
        Act::Noise(bytes) => model.inject(bytes, now),
        Act::ToModem(bytes) => model.receive(bytes, now),
        Act::Restart { kept } => model.restart(now, usize::from(*kept)),
        Act::LoseNetwork { seconds, loss } => {
            let span = Duration::from_secs(u64::from(*seconds));
            let loss = [Loss::Silent, Loss::Sockets, Loss::Context][usize::from(loss % 3)];
            model.lose_network(now, span, loss);
        }
        _ => return false,
    }
    true
}

/// One call; its errors are expected here.
async fn by_client(
    client: &mut Client<'_>,
    act: &Act,
    socket: &mut Option<SocketId>,
    now: Instant,
) {
    let mut buffer = [0; 64];
    match (act, *socket) {
        (Act::Start, _) => _ = client.start().await,
        (Act::Connect, None) => {
            *socket = client
                .connect("meter.example", 1883, Transport::Tcp)
                .await
                .ok()
        }
        (Act::Send(bytes), Some(open)) => _ = client.send(open, bytes).await,
        (Act::Receive, Some(open)) => _ = client.receive(open, &mut buffer).await,
        (Act::Close, Some(open)) => {
            _ = client.close(open).await;
            *socket = None;
        }
        (Act::Signal, _) => _ = client.signal().await,
        (Act::Wait { seconds }, _) => {
            let until = now + Duration::from_secs(u64::from(*seconds));
            _ = client.wait(until).await;
        }
        _ => {}
    }
}
