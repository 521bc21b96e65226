//! Jobs of the module's MQTT client.

mod call;
mod open;

use core::time::Duration;

use crate::command::HOST;
use crate::command::socket::Transport;
use crate::engine::job::{Job, Task};
use crate::engine::state::State;
use crate::error::Fault;
use crate::known::{CHUNK, MqttPhase, MqttTarget};
use crate::mqtt::{Qos, Session};
use crate::text::is_parameter;
use crate::time::Instant;

pub(crate) use call::{MqttCall, What};
pub(crate) use open::MqttOpen;

/// Time to a line that an answer of the broker makes: five seconds for a packet, sent at most four
/// times, and some; ms.
const ACKNOWLEDGED: u32 = 25_000;

/// The most seconds between signs of life, AT reference section 12.1.
const KEEP_ALIVE: u16 = 3_600;

/// Its requests.
impl<const N: usize> State<N> {
    pub(crate) fn mqtt_connect(
        &mut self,
        session: &Session<'_>,
        now: Instant,
    ) -> Result<Task<N>, Fault> {
        /// Of client identifier, user name and password: they fit a line.
        const LONGEST: usize = 150;
        let parts = [session.client, session.user, session.password];
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let is_valid = parts.iter().all(|part| is_parameter(part))
            && length <= LONGEST
            && !session.client.is_empty()
            && (session.password.is_empty() || !session.user.is_empty())
            && session.keep_alive.as_secs() <= KEEP_ALIVE.into();
        if !is_valid {
            return Err(Fault::InvalidParameter);
        }
        self.known.aim(session.host, HOST)?;
        let is_tls = match session.transport {
            Transport::Tcp => false,
            Transport::Tls if self.known.config.tls.is_some() => true,
            _ => return Err(Fault::InvalidParameter),
        };
        self.ready()?;
        self.known.target.port = session.port;
        self.known.target.mqtt = MqttTarget {
            is_tls,
            is_clean: session.is_clean,
            keep_alive: self.keep_alive(session.keep_alive),
        };
        self.known.load(&[])?;
        let buffer = &mut self.known.payload;
        for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
            buffer.push(byte).map_err(|_| Fault::LogicBug)?;
        }
        let is_open = self.known.mqtt.phase != MqttPhase::Closed;
        let open = MqttOpen::new(&self.known.config, is_tls, is_open, now);
        Ok(Task::new(open, Job::MqttOpen))
    }

    /// In seconds; a weak signal stretches it.
    fn keep_alive(&self, time: Duration) -> u16 {
        let seconds = u16::try_from(time.as_secs()).unwrap_or(KEEP_ALIVE);
        let factor = 1 + u16::from(self.known.is_weak);
        seconds.saturating_mul(factor).min(KEEP_ALIVE)
    }

    pub(crate) fn mqtt_publish(
        &mut self,
        topic: &str,
        data: &[u8],
        qos: Qos,
        retain: bool,
    ) -> Result<Task<N>, Fault> {
        if data.is_empty() || data.len() > CHUNK {
            return Err(Fault::InvalidParameter);
        }
        let flags = qos.number() | u32::from(retain) << 2;
        let task = self.mqtt_topic(topic, What::Publish(flags))?;
        self.known.load(data)?;
        Ok(task)
    }

    pub(crate) fn mqtt_topic(&mut self, topic: &str, what: What) -> Result<Task<N>, Fault> {
        if topic.is_empty() {
            return Err(Fault::InvalidParameter);
        }
        self.known.aim(topic, HOST)?;
        self.mqtt_is_open()?;
        if matches!(what, What::Subscribe(_)) && !self.known.mqtt.can_receive {
            return Err(Fault::NotSupported);
        }
        Ok(Self::mqtt_call(what))
    }

    pub(crate) fn mqtt_receive(&mut self) -> Result<Task<N>, Fault> {
        self.mqtt_is_open()?;
        Ok(Self::mqtt_call(What::Receive))
    }

    pub(crate) fn mqtt_call(what: What) -> Task<N> {
        Task::new(MqttCall::new(what), Job::MqttCall)
    }

    fn mqtt_is_open(&self) -> Result<(), Fault> {
        self.ready()?;
        let is_open = self.known.mqtt.phase == MqttPhase::Open;
        is_open.then_some(()).ok_or(Fault::Closed)
    }
}
