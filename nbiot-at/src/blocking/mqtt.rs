//! The MQTT client inside the module.

use embedded_hal::delay::DelayNs;
use embedded_io::{Read, ReadReady, Write};

use super::Modem;
use crate::engine::mqtt::What;
use crate::engine::state::State;
use crate::mqtt::{Message, Qos, Session};
use crate::{Answer, Clock, Error, Fault};

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Connects to a broker; a connection that is open is closed first.
    ///
    /// # Errors
    ///
    /// [`Fault::MqttOpen`], [`Fault::MqttRefused`]; [`Fault::NotStarted`];
    /// [`Fault::InvalidParameter`]; with TLS those of [`connect`](Self::connect).
    pub fn mqtt_connect(&mut self, session: &Session<'_>) -> Result<(), Error<S::Error>> {
        self.act(&mut |state, now| state.mqtt_connect(session, now))
    }

    /// Publishes 1 to 1024 bytes, and waits until the broker has acknowledged them.
    ///
    /// # Errors
    ///
    /// [`Fault::TimedOut`]: nobody knows whether it was published. [`Fault::Closed`] once the
    /// connection is over.
    pub fn mqtt_publish(
        &mut self,
        topic: &str,
        data: &[u8],
        qos: Qos,
        retain: bool,
    ) -> Result<(), Error<S::Error>> {
        self.act(&mut |state, _| state.mqtt_publish(topic, data, qos, retain))
    }

    /// Subscribes to a topic.
    ///
    /// # Errors
    ///
    /// [`Fault::Refused`] by the broker; [`Fault::NotSupported`] by a firmware that cannot tell
    /// where a message ends; [`Fault::Closed`].
    pub fn mqtt_subscribe(&mut self, topic: &str, qos: Qos) -> Result<(), Error<S::Error>> {
        let what = What::Subscribe(qos.number());
        self.act(&mut |state, _| state.mqtt_topic(topic, what))
    }

    /// Ends a subscription.
    ///
    /// # Errors
    ///
    /// [`Fault::Closed`]; those of the modem and the port.
    pub fn mqtt_unsubscribe(&mut self, topic: &str) -> Result<(), Error<S::Error>> {
        self.act(&mut |state, _| state.mqtt_topic(topic, What::Unsubscribe))
    }

    /// The next message that waits in the module, `None` if there is none:
    /// [`Event::MqttMessage`](crate::Event::MqttMessage) tells of the next.
    ///
    /// A call that is dropped may lose the message that it was reading.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`]: a message was longer than 1024 bytes with its topic, or damaged, and
    /// is lost. [`Fault::Closed`].
    pub fn mqtt_receive(&mut self) -> Result<Option<Message<'_>>, Error<S::Error>> {
        match self.run(&mut |state, _| state.mqtt_receive())? {
            Answer::Message(None) => Ok(None),
            Answer::Message(Some(length)) => {
                let (topic, payload) = self
                    .engine
                    .data()
                    .split_at_checked(length)
                    .ok_or(Fault::LogicBug)?;
                Ok(Some(Message { topic, payload }))
            }
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Closes the connection.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub fn mqtt_disconnect(&mut self) -> Result<(), Error<S::Error>> {
        self.act(&mut |_, _| Ok(State::mqtt_call(What::Close)))
    }
}
