//! The uplink task: modem, connection, and the records that go over it.
//!
//! ```text
//!  start modem ─► connect ─► CONNECT ─► subscribe ─► birth ─► records ─► wait ──┐
//!       ▲                                                        ▲              │
//!       │  back-off by the class of what failed                  └── event ◄────┘
//!       └──────────── link lost, refused, modem restarted ◄─────────────────────┘
//! ```

mod batch;
mod exchange;
mod modem;
mod offer;
mod progress;

use core::convert::Infallible;
use core::time::Duration;

use embassy_futures::select::{Either3, select3};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embedded_io_async::{Read, Write};
use embedded_storage_async::nor_flash::NorFlash;
use meter_core::units::UtcSeconds;
use meter_proto::mqtt::{Buffers, ConnectOptions, QoS, Session, Slot, Timing, Will};
use meter_proto::payload::{Death, Stream, code};
use meter_proto::topic::{Channel, Topic};
use nbiot_at::asynch::Modem;
use nbiot_at::{Class, ErrorKind, Fault, Instant, SocketId, next_delay};

use crate::board::{PowerKey, Time};
use crate::config::Config;
use crate::log::note;
use crate::monitor::{Link, Monitor};
use crate::store::Store;

use modem::start_modem;
use progress::Progress;

/// The longest message that goes up; a read of the modem gives at most 1,460 bytes at once.
const MESSAGE: usize = 1_024;
/// A connection that has stood this long makes the back-off start over (modem-scenarios.md P, 6).
const STABLE: Duration = Duration::from_secs(600);

/// What the uplink works with, and what it remembers over connections.
pub(crate) struct Uplink<'m, T, F> {
    time: T,
    store: &'m Mutex<NoopRawMutex, Store<F>>,
    config: &'m Config<'m>,
    monitor: &'m Monitor,
    boots: u32,
    identity: Option<nbiot_at::Identity>,
    modem_ready: bool,
    /// When the last connection ended.
    lost_at: Option<Instant>,
    /// The records that the session's message in flight carries.
    in_flight: Option<InFlight>,
}

/// Records of one message: those after a sequence, up to and with another.
#[derive(Clone, Copy)]
struct InFlight {
    stream: Stream,
    after: u64,
    last: u64,
}

/// Why a connection ended, or did not come about.
struct Ended {
    class: Class,
}

impl<E> From<nbiot_at::Error<E>> for Ended {
    fn from(error: nbiot_at::Error<E>) -> Self {
        let fault = error.fault();
        note!(warn, "modem: {fault:?}");
        let class = fault.map_or(Class::Restart, Fault::class);
        Self { class }
    }
}

impl<'m, T: Time, F: NorFlash> Uplink<'m, T, F> {
    pub(crate) fn new(
        time: T,
        store: &'m Mutex<NoopRawMutex, Store<F>>,
        config: &'m Config<'m>,
        monitor: &'m Monitor,
        boots: u32,
    ) -> Self {
        Self {
            time,
            store,
            config,
            monitor,
            boots,
            identity: None,
            modem_ready: false,
            lost_at: None,
            in_flight: None,
        }
    }

    /// Connects again and again, for ever.
    pub(crate) async fn run<S: Read + Write>(
        mut self,
        serial: S,
        config: nbiot_at::Config,
        mut key: impl PowerKey,
    ) -> ! {
        let mut receive = [0; 256];
        let mut control = [0; 256];
        let mut publish = [0; MESSAGE];
        // One at a time: records stay in order.
        let mut slots = [Slot::FREE; 1];
        let buffers = Buffers {
            receive: &mut receive,
            control: &mut control,
            publish: &mut publish,
            slots: &mut slots,
            unreleased: &mut [],
        };
        let mut session = Session::new(buffers, Timing::default());
        let mut modem = Modem::<_, _, 1>::new(serial, self.time.clone(), config);
        let mut failures = 0;
        loop {
            let began = self.time.now();
            let Err(ended) = self.connection(&mut modem, &mut session, &mut key).await;
            self.end_of_connection();
            if self.time.now().since(began) > STABLE {
                failures = 0;
            }
            let seed = u64::from_be_bytes(self.config.meter.0);
            let delay = next_delay(ended.class, failures, seed);
            note!(info, "{:?}: next try in {} s", ended.class, delay.as_secs());
            failures = failures.saturating_add(1);
            self.pause(delay).await;
        }
    }

    fn end_of_connection(&mut self) {
        if self.monitor.link.get() == Link::Connected {
            self.lost_at = Some(self.time.now());
        }
        self.monitor.link.set(Link::Offline);
        self.monitor.awaits_answer.set(false);
        self.monitor.unsettled.set(0);
    }

    async fn pause(&mut self, delay: Duration) {
        let mut left = delay.as_millis();
        while left > 0 {
            let part = u32::try_from(left).unwrap_or(u32::MAX).min(3_600_000);
            self.time.delay_ms(part).await;
            left -= u128::from(part);
        }
    }

    /// One connection, from the modem's start to its end.
    async fn connection<S: Read + Write>(
        &mut self,
        modem: &mut Modem<S, T, 1>,
        session: &mut Session<'_>,
        key: &mut impl PowerKey,
    ) -> Result<Infallible, Ended> {
        self.monitor.link.set(Link::Connecting);
        if !self.modem_ready {
            start_modem(modem, key).await?;
            self.modem_ready = true;
            self.identity = Some(modem.identity().await?);
        }
        if self.time.utc().is_none() {
            self.take_network_time(modem).await?;
        }
        let opened = modem
            .connect(
                self.config.broker.host,
                self.config.broker.port,
                self.config.broker.transport,
            )
            .await;
        let socket = opened.inspect_err(|error| self.forget_modem(error.kind()))?;
        let ended = self.talk(modem, session, socket).await;
        session.link_lost();
        let Err(ended) = ended;
        if self.modem_ready {
            // A socket that does not close stays taken until the modem is started again.
            self.modem_ready = modem.close(socket).await.is_ok();
        }
        Err(ended)
    }

    /// Has the modem started again where it lost what it was told, or where it keeps a socket that
    /// could not be closed: a start frees every one.
    fn forget_modem(&mut self, kind: ErrorKind) {
        use ErrorKind::{Caller, Power, Serial, Start};
        self.modem_ready &= !matches!(kind, Caller | Power | Serial | Start);
    }

    async fn take_network_time<S: Read + Write>(
        &mut self,
        modem: &mut Modem<S, T, 1>,
    ) -> Result<(), Ended> {
        let time = modem.network_time().await?;
        let utc = UtcSeconds::new(time.unix);
        self.time.set_utc(utc);
        self.store
            .lock()
            .await
            .record_event(utc, code::CLOCK_SET_NEW, None)
            .await;
        Ok(())
    }

    /// Speaks MQTT over an open socket until something ends it.
    async fn talk<S: Read + Write>(
        &mut self,
        modem: &mut Modem<S, T, 1>,
        session: &mut Session<'_>,
        socket: SocketId,
    ) -> Result<Infallible, Ended> {
        let mut progress = self.begin(session).await?;
        loop {
            self.exchange(modem, session, socket, &mut progress).await?;
            if self.upload_is_due(&mut progress) {
                self.begin_upload(session, &mut progress).await;
            }
            self.offer(session, &mut progress).await;
            self.show(session, &progress).await;
            if !session.transmit().is_empty() {
                continue;
            }
            self.wait(modem, session, &mut progress).await?;
        }
    }

    /// Numbers the connection and makes CONNECT.
    async fn begin(&mut self, session: &mut Session<'_>) -> Result<Progress, Ended> {
        let mut store = self.store.lock().await;
        let connection = store.count_connection().await.unwrap_or(0);
        let epoch = store.outbox.epoch();
        let sent = Stream::ALL.map(|stream| store.outbox.acknowledged(stream));
        drop(store);
        let mut will = [0; 32];
        let length = Death { epoch, connection }.encode(&mut will).unwrap_or(0);
        let topic = self.topic(Channel::State);
        let meter = Topic::new(self.config.meter, Channel::State);
        let options = ConnectOptions {
            client_id: client_id(&meter),
            clean_session: false,
            keep_alive: self.config.broker.keep_alive,
            will: Some(Will {
                topic: topic.as_str(),
                payload: will.get(..length).unwrap_or(&[]),
                qos: QoS::AtLeastOnce,
                retain: true,
            }),
            credentials: self.config.broker.credentials,
        };
        let refused = Ended {
            class: Class::MqttRefused,
        };
        session
            .connect(&options, self.elapsed())
            .map_err(|_| refused)?;
        let mut progress = Progress {
            connection,
            subscribe: false,
            birth: false,
            uploading: true,
            epoch,
            sent,
            arranged: None,
            upload_at: None,
        };
        // The session sends its message again first. Where it is the next in order it counts.
        if let Some(InFlight {
            stream,
            after,
            last,
        }) = self.in_flight
            && progress.sent(stream) == after
        {
            *progress.sent_mut(stream) = last;
        }
        Ok(progress)
    }

    /// Lets the monitor see what the link owes.
    async fn show(&self, session: &Session<'_>, progress: &Progress) {
        let store = self.store.lock().await;
        let unsettled = Stream::ALL.iter().map(|&stream| {
            progress
                .sent(stream)
                .saturating_sub(store.outbox.acknowledged(stream))
        });
        self.monitor.unsettled.set(unsettled.sum());
        self.monitor.see(&store.outbox);
        self.monitor.awaits_answer.set(session.awaits_answer());
    }

    /// Waits for the modem, a record, a request or a deadline.
    async fn wait<S: Read + Write>(
        &mut self,
        modem: &mut Modem<S, T, 1>,
        session: &mut Session<'_>,
        progress: &mut Progress,
    ) -> Result<(), Ended> {
        let deadline = session.deadline().map(instant);
        let until = [deadline, progress.upload_at].into_iter().flatten().min();
        let until = until.unwrap_or(self.time.now() + Duration::from_secs(3_600));
        let monitor = self.monitor;
        let waited = select3(
            modem.wait(until),
            monitor.recorded.wait(),
            monitor.upload.wait(),
        )
        .await;
        session.handle_timeout(self.elapsed());
        while self.handle(session, progress).await? {}
        let event = match waited {
            Either3::First(event) => event.map_err(|_| Ended {
                class: Class::Restart,
            })?,
            Either3::Second(()) => return Ok(()),
            Either3::Third(()) => {
                self.begin_upload(session, progress).await;
                return Ok(());
            }
        };
        use nbiot_at::Event as Modem;
        match event {
            Modem::Restarted
            | Modem::PoweredDown
            | Modem::Asleep
            | Modem::Awake
            | Modem::SimRemoved
            | Modem::ContextLost => {
                self.modem_ready = false;
                Err(Ended {
                    class: Class::LinkLost,
                })
            }
            _ => Ok(()),
        }
    }

    fn topic(&self, channel: Channel) -> Topic {
        Topic::new(self.config.meter, channel)
    }

    /// The session's time.
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.time.now().as_millis())
    }
}

fn instant(elapsed: Duration) -> Instant {
    Instant::from_millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// The meter's identity as it stands in its topics is its client identifier too.
fn client_id(topic: &Topic) -> &str {
    topic.as_str().split('/').nth(2).unwrap_or("")
}
