//! The client and the model of the modem, with whatever happens to the modem in between: noise on
//! the line, restarts in mid-sentence, a network that goes. No call may hang or panic.

#![no_main]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use embedded_io_async::Read;

use libfuzzer_sys::{arbitrary, fuzz_target};
use nbiot_at::asynch::Modem;
use nbiot_at::esim::{Iccid, Subscription, Switch};
use nbiot_at::http::{Progress, Url};
use nbiot_at::mqtt::{Qos, Session};
use nbiot_at::sim::{Bench, Loopback, Loss, Modem as Model, Port, VirtualClock};
use nbiot_at::{Apn, Clock, Config, FileName, Instant, SocketId, Tls, Transport};

#[derive(arbitrary::Arbitrary, Debug)]
enum Act {
    Start,
    Connect {
        kind: u8,
    },
    Send(Vec<u8>),
    Flush,
    StoreFile(Vec<u8>),
    Resolve,
    Synchronise,
    PowerSaving,
    Profiles,
    SwitchProfile,
    Download,
    /// Its broker sends everything back.
    Mqtt {
        what: u8,
    },
    /// A call that nobody waits for any more, after so many polls.
    Drop {
        what: u8,
        polls: u8,
    },
    Receive,
    Close,
    Signal,
    Wait {
        seconds: u16,
    },
    Noise(Vec<u8>),
    ToModem(Vec<u8>),
    Restart {
        kept: u8,
    },
    LoseNetwork {
        seconds: u16,
        loss: u8,
    },
}

type Client<'a> = Modem<Port<'a, Loopback>, &'a VirtualClock, 2>;

fuzz_target!(|input: (u64, Vec<Act>)| {
    let (seed, acts) = input;
    let mut model = Model::new(Loopback::new(), seed);
    model.settings.is_euicc = true;
    model.settings.has_cgla = seed % 3 != 0;
    model.settings.checks_names = true;
    model.settings.time_server = Some(1_790_000_000);
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let mut config = Config::new(Apn::parameter("iot").expect("an APN"));
    config.search_time = Duration::from_secs(60);
    config.tls = FileName::parameter("ca.pem").map(Tls::new);
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
        (Act::Connect { kind }, None) => {
            let transports = [Transport::Tcp, Transport::Udp, Transport::Tls];
            let transport = transports[usize::from(kind % 3)];
            *socket = client.connect("meter.example", 1883, transport).await.ok();
        }
        (Act::Flush, Some(open)) => _ = client.flush(open).await,
        (Act::StoreFile(bytes), _) => {
            let bytes = &bytes[..bytes.len().min(2_000)];
            if client.store_file("ca.pem", bytes).await.is_ok() {
                assert_eq!(
                    client.file_size("ca.pem").await.ok().flatten(),
                    u32::try_from(bytes.len()).ok()
                );
            }
        }
        (Act::Resolve, _) => _ = client.resolve("meter.example").await,
        (Act::Synchronise, _) => _ = client.synchronise("time.example").await,
        (Act::PowerSaving, _) => _ = client.power_saving().await,
        (Act::Profiles, _) => {
            let mut buffer = [0; 1024];
            if let Ok(profiles) = client.profiles(&mut buffer).await {
                assert_eq!(profiles.count(), 2);
            }
        }
        (Act::SwitchProfile, _) => _ = client.switch_profile(&switch()).await,
        (Act::Download, _) => {
            let url = Url::parse("http://meter.example/a").expect("a URL");
            // The peer sends the request back: no response.
            let mut download = client.download(&url, Progress::new());
            assert!(download.read(&mut buffer).await.is_err());
        }
        (Act::Mqtt { what }, _) => mqtt(client, *what).await,
        (Act::Drop { what, polls }, _) => drop_call(client, *what, *polls, *socket).await,
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

/// The module's MQTT client.
async fn mqtt(client: &mut Client<'_>, what: u8) {
    match what % 5 {
        0 => {
            let session = Session::new("broker.example", 1883, "meter-17");
            _ = client.mqtt_connect(&session).await;
        }
        1 => _ = client.mqtt_subscribe("m", Qos::AtLeastOnce).await,
        2 => {
            let qos = Qos::ExactlyOnce;
            _ = client.mqtt_publish("m", b"reading", qos, true).await;
        }
        3 => _ = client.mqtt_receive().await,
        _ => _ = client.mqtt_disconnect().await,
    }
}

fn switch() -> Switch {
    let subscription = |digits| {
        let iccid = Iccid::from_digits(digits).expect("an ICCID");
        Subscription::new(iccid, Apn::new())
    };
    Switch {
        from: subscription("8988211000000000001"),
        to: subscription("8988211000000000002"),
    }
}

/// Begins a call and drops it.
async fn drop_call(client: &mut Client<'_>, what: u8, polls: u8, socket: Option<SocketId>) {
    let mut buffer = [0; 64];
    match (what % 6, socket) {
        (0, _) => dropped(client.start(), polls).await,
        (1, Some(open)) => dropped(client.send(open, &[7; 1500]), polls).await,
        (2, Some(open)) => dropped(client.receive(open, &mut buffer), polls).await,
        (3, _) => dropped(client.store_file("ca.pem", &[9; 1500]), polls).await,
        (4, _) => dropped(client.connect("meter.example", 8883, Transport::Tls), polls).await,
        _ => dropped(client.eid(), polls).await,
    }
}

async fn dropped<F: Future>(future: F, mut polls: u8) {
    let mut future = pin!(future);
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        future.as_mut().poll(context).map(drop)
    })
    .await;
}
