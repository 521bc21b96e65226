//! The MQTT client inside the module.

use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{Read, Write};

use super::Modem;
use crate::engine::mqtt::What;
use crate::engine::state::State;
use crate::mqtt::{Message, Qos, Session};
use crate::{Answer, Clock, Error, Fault};

impl<S: Read + Write, C: Clock + DelayNs, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Connects to a broker; a connection that is open is closed first.
    ///
    /// # Errors
    ///
    /// [`Fault::MqttOpen`], [`Fault::MqttRefused`]; [`Fault::NotStarted`];
    /// [`Fault::InvalidParameter`]; with TLS those of [`connect`](Self::connect).
    pub async fn mqtt_connect(&mut self, session: &Session<'_>) -> Result<(), Error<S::Error>> {
        self.run(&mut |state, now| state.mqtt_connect(session, now))
            .await
            .map(drop)
    }

    /// Publishes 1 to 1024 bytes, and waits until the broker has acknowledged them.
    ///
    /// # Errors
    ///
    /// [`Fault::TimedOut`]: nobody knows whether it was published. [`Fault::Closed`] once the
    /// connection is over.
    pub async fn mqtt_publish(
        &mut self,
        topic: &str,
        data: &[u8],
        qos: Qos,
        retain: bool,
    ) -> Result<(), Error<S::Error>> {
        self.run(&mut |state, _| state.mqtt_publish(topic, data, qos, retain))
            .await
            .map(drop)
    }

    /// Subscribes to a topic.
    ///
    /// # Errors
    ///
    /// [`Fault::Refused`] by the broker; [`Fault::NotSupported`] by a firmware that cannot tell
    /// where a message ends; [`Fault::Closed`].
    pub async fn mqtt_subscribe(&mut self, topic: &str, qos: Qos) -> Result<(), Error<S::Error>> {
        let what = What::Subscribe(qos.number());
        self.run(&mut |state, _| state.mqtt_topic(topic, what))
            .await
            .map(drop)
    }

    /// Ends a subscription.
    ///
    /// # Errors
    ///
    /// [`Fault::Closed`]; those of the modem and the port.
    pub async fn mqtt_unsubscribe(&mut self, topic: &str) -> Result<(), Error<S::Error>> {
        self.run(&mut |state, _| state.mqtt_topic(topic, What::Unsubscribe))
            .await
            .map(drop)
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
    pub async fn mqtt_receive(&mut self) -> Result<Option<Message<'_>>, Error<S::Error>> {
        match self.run(&mut |state, _| state.mqtt_receive()).await? {
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
    pub async fn mqtt_disconnect(&mut self) -> Result<(), Error<S::Error>> {
        self.run(&mut |_, _| Ok(State::mqtt_call(What::Close)))
            .await
            .map(drop)
    }
}
