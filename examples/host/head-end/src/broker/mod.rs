//! Two ways in for the meters' messages: a broker inside this process, or one outside it.
//!
//! Both put what they receive into the same queue, acknowledge it after the commit, and publish
//! receipts; nothing else knows which one runs.

pub(crate) mod embedded;
pub(crate) mod external;

use std::fmt;

use async_trait::async_trait;

use crate::ingest::Receipt;

/// A source of messages, which can publish receipts.
#[async_trait]
pub(crate) trait Broker: Send + Sync {
    /// Publishes a receipt at QoS 0, not retained: a lost one comes again after the next birth.
    async fn publish(&self, receipt: Receipt);

    /// `Err` with the reason while no message can come in.
    fn ready(&self) -> Result<(), String>;

    /// Stops taking messages. Those in the queue are still stored.
    async fn stop(&self);
}

/// The address of an external broker: `mqtt://[user[:password]@]host[:port]`.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    /// Host name or address.
    pub host: String,
    /// Port, 1883 when none is given.
    pub port: u16,
    /// User name and password.
    pub credentials: Option<(String, String)>,
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mqtt://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for BrokerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = "the broker's URL must be mqtt://[user[:password]@]host[:port]";
        if text.starts_with("mqtts://") {
            return Err("TLS to the broker is not built in; put a TLS proxy in front of it".into());
        }
        let rest = text
            .strip_prefix("mqtt://")
            .ok_or(shape)?
            .trim_end_matches('/');
        let (credentials, address) = match rest.rsplit_once('@') {
            Some((who, address)) => (Some(who.split_once(':').unwrap_or((who, ""))), address),
            None => (None, rest),
        };
        let credentials = credentials.map(|(user, word)| (user.to_owned(), word.to_owned()));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (
                host,
                port.parse()
                    .map_err(|_| format!("{shape}: {port:?} is not a port"))?,
            ),
            _ => (address, 1883),
        };
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        if host.is_empty() || port == 0 {
            return Err(shape.into());
        }
        Ok(Self {
            host,
            port,
            credentials,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::BrokerUrl;

    #[test]
    fn urls_of_brokers() {
        let url = |text: &str| text.parse::<BrokerUrl>();
        let plain = url("mqtt://broker.example").map(|u| (u.host, u.port, u.credentials));
        assert_eq!(plain, Ok(("broker.example".into(), 1883, None)));
        let full = url("mqtt://he:a:b@[::1]:2883/").map(|u| (u.host, u.port, u.credentials));
        assert_eq!(
            full,
            Ok(("::1".into(), 2883, Some(("he".into(), "a:b".into()))))
        );
        for bad in [
            "",
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://h:x",
            "mqtts://h",
            "mqtt://h:0",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url: BrokerUrl = "mqtt://he:secret@host".parse().expect("a good URL");
        assert!(!format!("{url} {url:?}").contains("secret"));
    }
}
