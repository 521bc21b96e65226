//! The MQTT client inside the module, AT reference section 12: what can be asked about it.
//!
//! [`mqtt_connect`](crate::blocking::Modem::mqtt_connect) and what follows it drives it.

use super::{LOCAL, asking, switch, within};

/// How far a client is, `AT+QMTCONN?`; `None`: it is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MqttState {
    /// Number of the client, 0 to 5; that of this crate is 0.
    pub client: u8,
}

/// How far a client is, `<state>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MqttPhase {
    /// 1: open, and not connected.
    Initial,
    /// 2: connects.
    Connecting,
    /// 3: connected.
    Connected,
    /// 4: disconnects.
    Disconnecting,
}

/// The keep-alive of a client in seconds, `AT+QMTCFG="keepalive",`; 0: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Number of the client, 0 to 5.
    pub client: u8,
}

/// The protocol of a client, `AT+QMTCFG="version",`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MqttVersion {
    /// Number of the client, 0 to 5.
    pub client: u8,
}

/// Whether a client begins a clean session, `AT+QMTCFG="session",`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanSession {
    /// Number of the client, 0 to 5.
    pub client: u8,
}

asking! {
    MqttState, LOCAL, |_, line| {
        line.text("AT+QMTCONN?");
    } => Option<MqttPhase>, "[+QMTCONN: <client>,<state>]", |this, lines| {
        let mut found = None;
        for mut fields in lines.all("+QMTCONN") {
            let client = within(fields.next(), 0..=5u8)?;
            let state = fields.next();
            if !fields.next().text.is_empty() {
                // The result of a connect, which says what the broker answered.
                continue;
            }
            let phase = match state.number()? {
                1 => MqttPhase::Initial,
                2 => MqttPhase::Connecting,
                3 => MqttPhase::Connected,
                4 => MqttPhase::Disconnecting,
                _ => return None,
            };
            if client == this.client {
                found = Some(phase);
            }
        }
        (lines.all("+QMTCONN").count() == lines.iter().count()).then_some(found)
    };
    KeepAlive, LOCAL, |this, line| {
        line.text("AT+QMTCFG=\"keepalive\",").number(this.client.into());
    } => u16, "+QMTCFG: \"keepalive\",<seconds>",
        |_, lines| within(setting(lines, "keepalive")?.next(), 0..=3600);
    MqttVersion, LOCAL, |this, line| {
        line.text("AT+QMTCFG=\"version\",").number(this.client.into());
    } => u8, "+QMTCFG: \"version\",3|4",
        |_, lines| within(setting(lines, "version")?.next(), 3..=4);
    CleanSession, LOCAL, |this, line| {
        line.text("AT+QMTCFG=\"session\",").number(this.client.into());
    } => bool, "+QMTCFG: \"session\",<clean>",
        |_, lines| switch(setting(lines, "session")?.next());
}

/// The fields behind the name of a setting.
fn setting<'a>(lines: super::Lines<'a>, name: &str) -> Option<super::Fields<'a>> {
    let mut fields = lines.fields("+QMTCFG")?;
    (fields.next().text == name.as_bytes()).then_some(fields)
}
