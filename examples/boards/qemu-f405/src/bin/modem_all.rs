//! All that the client of the modem does: what it adds to `empty` is its size.

#![no_std]
#![no_main]

#[path = "../broker.rs"]
mod broker;
#[path = "../silent.rs"]
mod silent;

use core::hint::black_box;

use embedded_io::Read;
use nbiot_at::blocking::Modem;
use nbiot_at::esim::{Iccid, Subscription, Switch};
use nbiot_at::http::{Progress, Url};
use nbiot_at::{Apn, Engine, Instant, Transport};
// The vector table.
use stm32f4xx_hal as _;

/// RAM of the engine with one socket beside its buffers: `cargo xtask bench` reads its size.
#[used]
static BYTES_BESIDE_BUFFERS: [u8; size_of::<Engine<1>>() - Engine::<1>::BUFFERS] =
    [0; size_of::<Engine<1>>() - Engine::<1>::BUFFERS];

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut modem = silent::modem();
    loop {
        let _ = black_box(modem.start());
        exchange(&mut modem);
        broker::publish(&mut modem);
        let _ = black_box(modem.mqtt_unsubscribe(black_box("m/17")));
        let url = Url::parse(black_box("https://meter.example/image.bin"));
        if let Some(url) = url {
            let mut buffer = [0; 64];
            let mut download = modem.download(&url, Progress::new());
            let _ = black_box(download.read(&mut buffer));
        }
        let _ = black_box(modem.store_file("ca.pem", black_box(b"data")));
        let _ = black_box(modem.delete_file("ca.pem"));
        let _ = black_box(modem.resolve(black_box("meter.example")));
        let _ = black_box(modem.synchronise(black_box("time.example")));
        let _ = black_box(modem.set_clock(black_box(1_800_000_000)));
        let _ = black_box(modem.identity());
        let _ = black_box(modem.registration());
        let _ = black_box(modem.signal());
        let _ = black_box(modem.network_time());
        let _ = black_box(modem.power_saving());
        let time_out = core::time::Duration::from_secs(1);
        let _ = black_box(modem.command(black_box("AT+QNWINFO"), time_out).is_ok());
        let _ = black_box(modem.eid());
        let _ = black_box(modem.start_gnss());
        let _ = black_box(modem.position());
        let _ = black_box(modem.stop_gnss());
        let mut buffer = [0; 512];
        let _ = black_box(modem.profiles(&mut buffer).is_ok());
        if let Some(iccid) = Iccid::from_digits(black_box("8988211000000000001")) {
            let subscription = Subscription::new(iccid, Apn::new());
            let switch = Switch {
                from: subscription.clone(),
                to: subscription,
            };
            let _ = black_box(modem.switch_profile(&switch));
            let _ = black_box(modem.delete_profile(iccid));
        }
        let _ = black_box(modem.wait(Instant::from_millis(black_box(1_000))));
        let _ = black_box(modem.power_down());
    }
}

/// A connection with TLS, and data both ways.
#[inline(always)]
fn exchange(modem: &mut Modem<silent::Port, silent::Ticks>) {
    let server = black_box("meter.example");
    if let Ok(socket) = modem.connect(server, 8883, Transport::Tls) {
        let mut buffer = [0; 64];
        let _ = black_box(modem.send(socket, black_box(b"data")));
        let _ = black_box(modem.receive(socket, &mut buffer));
        let _ = black_box(modem.close(socket));
    }
}
