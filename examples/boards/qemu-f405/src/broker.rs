//! What an image with the module's MQTT client does with it.

use core::hint::black_box;

use nbiot_at::Transport;
use nbiot_at::blocking::Modem;
use nbiot_at::mqtt::{Qos, Session};

use crate::silent::{Port, Ticks};

/// A connection with TLS of the module's MQTT client, and messages both ways.
#[inline(always)]
pub fn publish(modem: &mut Modem<Port, Ticks>) {
    let mut session = Session::new(black_box("meter.example"), 8883, black_box("meter-17"));
    session.transport = Transport::Tls;
    if modem.mqtt_connect(&session).is_ok() {
        let (topic, qos) = (black_box("m/17"), Qos::AtLeastOnce);
        let _ = black_box(modem.mqtt_subscribe(topic, qos));
        let _ = black_box(modem.mqtt_publish(topic, black_box(b"data"), qos, false));
        let _ = black_box(modem.mqtt_receive().is_ok());
        let _ = black_box(modem.mqtt_disconnect());
    }
}
