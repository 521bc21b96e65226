//! A serial port and a clock that cost next to nothing, for images that are built for their size.

use core::convert::Infallible;
use core::hint::black_box;
use core::panic::PanicInfo;

use embedded_hal::delay::DelayNs;
use embedded_io::{ErrorType, Read, ReadReady, Write};
use nbiot_at::blocking::Modem;
use nbiot_at::mqtt::{Qos, Session};
use nbiot_at::{Apn, Clock, Config, Instant};

/// A port of which nothing is known when the image is built.
pub struct Port;

impl ErrorType for Port {
    type Error = Infallible;
}

impl Read for Port {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        Ok(black_box(buf).len())
    }
}

impl ReadReady for Port {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(black_box(true))
    }
}

impl Write for Port {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        Ok(black_box(buf).len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A clock of the same kind.
pub struct Ticks;

impl Clock for Ticks {
    fn now(&self) -> Instant {
        Instant::from_millis(black_box(0))
    }
}

impl DelayNs for Ticks {
    fn delay_ns(&mut self, ns: u32) {
        black_box(ns);
    }
}

/// A client on them.
#[inline(always)]
pub fn modem() -> Modem<Port, Ticks> {
    let apn = Apn::parameter(black_box("iot.example")).unwrap_or_default();
    Modem::new(Port, Ticks, Config::new(apn))
}

/// A connection with TLS of the module's MQTT client, and messages both ways.
#[inline(always)]
#[allow(dead_code, reason = "not every image connects")]
pub fn publish(modem: &mut Modem<Port, Ticks>) {
    let mut session = Session::new(black_box("meter.example"), 8883, black_box("meter-17"));
    session.transport = nbiot_at::Transport::Tls;
    if modem.mqtt_connect(&session).is_ok() {
        let (topic, qos) = (black_box("m/17"), Qos::AtLeastOnce);
        let _ = black_box(modem.mqtt_subscribe(topic, qos));
        let _ = black_box(modem.mqtt_publish(topic, black_box(b"data"), qos, false));
        let _ = black_box(modem.mqtt_receive().is_ok());
        let _ = black_box(modem.mqtt_disconnect());
    }
}

/// A connection with TLS, and data both ways.
#[inline(always)]
#[allow(dead_code, reason = "not every image connects")]
pub fn exchange(modem: &mut Modem<Port, Ticks>) {
    let server = black_box("meter.example");
    if let Ok(socket) = modem.connect(server, 8883, nbiot_at::Transport::Tls) {
        let mut buffer = [0; 64];
        let _ = black_box(modem.send(socket, black_box(b"data")));
        let _ = black_box(modem.receive(socket, &mut buffer));
        let _ = black_box(modem.close(socket));
    }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
