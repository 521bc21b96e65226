//! All of the MQTT client, over its blocking shell: what it adds to `empty` is its size.

#![no_std]
#![no_main]

#[allow(dead_code, reason = "shared with the images of the modem")]
#[path = "../silent.rs"]
mod silent;

use core::hint::black_box;
use core::time::Duration;

use embedded_io::{ErrorType, Read, ReadReady, Write};
use meter_proto::mqtt::blocking::Connection;
use meter_proto::mqtt::{
    Buffers, ConnectOptions, Event, QoS, Reconnect, Session, Slot, Timing, Will,
};
use silent::Port;
// The vector table.
use stm32f4xx_hal as _;

/// RAM of the client with four messages under way, beside the bytes of its packets: `cargo xtask
/// bench` reads its size.
#[used]
static BYTES_OF_A_SESSION: [u8; size_of::<Session<'_>>() + 4 * size_of::<Slot>()] =
    [0; size_of::<Session<'_>>() + 4 * size_of::<Slot>()];

/// The highest level that the client is built for.
const HIGHEST: QoS = if cfg!(feature = "qos2") {
    QoS::ExactlyOnce
} else {
    QoS::AtLeastOnce
};

/// The port, borrowed by one connection after the other.
struct Socket<'p>(&'p mut Port);

impl ErrorType for Socket<'_> {
    type Error = <Port as ErrorType>::Error;
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        self.0.read(buffer)
    }
}

impl ReadReady for Socket<'_> {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        self.0.read_ready()
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush()
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let [mut receive, mut control, mut publish, mut input] = [[0; 256]; 4];
    let (mut slots, mut unreleased) = ([Slot::FREE; 4], [0; 20]);
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut slots,
        unreleased: &mut unreleased,
    };
    let mut session = Session::new(buffers, Timing::default()).numbered_from(black_box(1_000));
    let mut port = Port;
    let options = ConnectOptions {
        client_id: black_box("4d5452000000002a"),
        clean_session: black_box(false),
        keep_alive: black_box(1_200),
        will: Some(Will {
            topic: black_box("em/1/4d5452000000002a/s"),
            payload: black_box(b"gone"),
            qos: black_box(QoS::AtLeastOnce),
            retain: black_box(true),
        }),
        credentials: black_box(Some(("meter", b"password"))),
    };
    let clock = || Duration::from_millis(u64::from(black_box(1u32)));
    loop {
        let opened = Connection::open(&mut session, Socket(&mut port), &mut input, clock, &options);
        let Ok(mut connection) = opened else { continue };
        let mut reason = None;
        while reason.is_none() {
            match connection.poll() {
                Ok(Event::Closed(closed)) => reason = Some(closed),
                event => {
                    let _ = black_box(event.is_ok());
                }
            }
            let topic = black_box("em/1/4d5452000000002a/d/r");
            let level = black_box(HIGHEST);
            let _ = black_box(connection.publish(topic, black_box(b"reading"), level, false));
            let _ = black_box(connection.subscribe(topic, level));
            let _ = black_box(connection.unsubscribe(topic));
            if black_box(false) {
                connection.finish(black_box(Duration::from_secs(10)));
            }
            if black_box(false) {
                connection.disconnect();
            }
        }
        if let Some(reason) = reason {
            let delay = Reconnect::default().delay(reason, black_box(3), black_box(7));
            let _ = black_box(delay);
        }
    }
}
