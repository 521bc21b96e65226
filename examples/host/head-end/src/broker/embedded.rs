//! The broker inside this process: `rmqtt` as a library.
//!
//! The check whether a client may publish is where a message is stored: the broker awaits it before
//! it acknowledges, so a PUBACK means "on disk". Its runtime is its own, so that stopping it closes
//! every connection.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::codec::types::{Publish as PublishPacket, QoS};
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::net::Builder;
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::server::MqttServer;
use rmqtt::session::SessionState;
use rmqtt::types::{From, FromType, Id, Publish, PublishAclResult, Retain, TopicFilter, TopicName};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use super::Broker;
use crate::ingest::{Message, Queue, Receipt, Verdict};

/// How long a meter's connection waits for the commit; then it is closed without PUBACK and the
/// meter sends again.
const COMMIT_TIME: Duration = Duration::from_secs(5);
/// Longest packet: a firmware block or a day profile of eight columns fits many times.
const PACKET: u32 = 64 * 1024;

/// The running broker.
pub(crate) struct Embedded {
    context: ServerContext,
    runtime: Mutex<Option<Runtime>>,
    sender: Id,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// Starts the broker; port 0 takes any free one.
///
/// # Errors
/// The address cannot be bound.
pub(crate) async fn start(listen: SocketAddr, queue: Queue) -> std::io::Result<Embedded> {
    let (reserved, address) = reserve(listen)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("head-end-broker")
        .enable_all()
        .build()?;
    let serve = async move {
        // Never refuse a meter because the machine is busy: it would only try again.
        let context = ServerContext::new().busy_check_enable(false).build().await;
        *context.extends.retain_mut().await = Box::new(Retained(DefaultRetainStorage::new()));
        hook(&context, queue).await;
        let listener = listener(address, reserved.is_some())?;
        tokio::spawn(
            MqttServer::new(context.clone())
                .listener(listener)
                .build()
                .run(),
        );
        drop(reserved);
        Ok::<_, std::io::Error>(context)
    };
    let started = runtime
        .spawn(serve)
        .await
        .map_err(std::io::Error::other)
        .flatten();
    match started {
        Ok(context) => {
            let sender = Id::new(1, address.port(), None, None, "head-end".into(), None);
            Ok(Embedded {
                context,
                runtime: Mutex::new(Some(runtime)),
                sender,
                address,
            })
        }
        Err(error) => {
            runtime.shutdown_background();
            Err(error)
        }
    }
}

/// Finds a free port where 0 is asked for, and holds it until the listener has it.
///
/// The listener does not tell its port, so the port is bound first and then shared with it.
fn reserve(listen: SocketAddr) -> std::io::Result<(Option<TcpSocket>, SocketAddr)> {
    if listen.port() != 0 {
        return Ok((None, listen));
    }
    let socket = if listen.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(listen)?;
    let address = socket.local_addr()?;
    Ok((Some(socket), address))
}

fn listener(address: SocketAddr, shared: bool) -> std::io::Result<rmqtt::net::Listener> {
    let io = |error: rmqtt::Error| match error.downcast::<std::io::Error>() {
        Ok(error) => error,
        Err(error) => std::io::Error::other(error.to_string()),
    };
    Builder::new()
        .name("meters")
        .laddr(address)
        // A port whose last connections still linger can be taken again at once.
        .reuseaddr(Some(true))
        .reuseport(shared.then_some(true))
        .nodelay(true)
        .max_packet_size(PACKET)
        .allow_anonymous(true)
        .bind()
        .and_then(rmqtt::net::Listener::tcp)
        .map_err(io)
}

async fn hook(context: &ServerContext, queue: Queue) {
    let register = context.extends.hook_mgr().register();
    register
        .add(Type::MessagePublishCheckAcl, Box::new(Store(queue.clone())))
        .await;
    register
        .add(Type::MessagePublish, Box::new(Wills(queue)))
        .await;
    register.start().await;
}

fn message(client: &str, publish: &Publish) -> Message {
    Message {
        topic: publish.topic.to_string(),
        payload: publish.payload.to_vec(),
        client: Some(client.to_owned()),
    }
}

/// Stores what a client publishes, before the broker acknowledges it.
struct Store(Queue);

#[async_trait]
impl Handler for Store {
    async fn hook(&self, parameter: &Parameter, _: Option<HookResult>) -> ReturnType {
        let Parameter::MessagePublishCheckAcl(session, publish) = parameter else {
            return (true, None);
        };
        let message = message(&session.id.client_id, publish);
        let answer = match publish.qos {
            // Nothing is acknowledged at QoS 0, so nothing has to wait.
            QoS::AtMostOnce => match self.0.submit(message).await {
                Ok(_) => PublishAclResult::allow(),
                Err(_) => PublishAclResult::rejected(true, None),
            },
            _ => match tokio::time::timeout(COMMIT_TIME, self.0.store(message)).await {
                Ok(Ok(Verdict::Stored)) => PublishAclResult::allow(),
                // Acknowledged, so that it is not sent for ever, and forwarded to nobody.
                Ok(Ok(Verdict::Refused)) => PublishAclResult::rejected(false, None),
                Ok(Err(_)) | Err(_) => PublishAclResult::rejected(true, None),
            },
        };
        (false, Some(HookResult::PublishAclResult(answer)))
    }
}

/// Stores wills, which are published by the broker itself.
struct Wills(Queue);

#[async_trait]
impl Handler for Wills {
    async fn hook(&self, parameter: &Parameter, _: Option<HookResult>) -> ReturnType {
        if let Parameter::MessagePublish(_, from, publish) = parameter
            && matches!(from.typ(), FromType::LastWill)
        {
            // Not stored only when the head-end stops: then every meter is off line anyway.
            let _ = self.0.submit(message(&from.id.client_id, publish)).await;
        }
        (true, None)
    }
}

#[async_trait]
impl Broker for Embedded {
    async fn publish(&self, receipt: Receipt) {
        let packet = PublishPacket {
            dup: false,
            retain: false,
            qos: QoS::AtMostOnce,
            topic: receipt.topic.into(),
            packet_id: None,
            payload: receipt.payload.into(),
            properties: None,
        };
        let from = From::from_system(self.sender.clone());
        let forward = SessionState::forwards(&self.context, from, packet.into(), false, None);
        if let Err(error) = forward.await {
            tracing::debug!(%error, "receipt not delivered");
        }
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    async fn stop(&self) {
        if let Some(runtime) = self.runtime.lock().await.take() {
            let stop = move || runtime.shutdown_timeout(Duration::from_secs(2));
            if tokio::task::spawn_blocking(stop).await.is_err() {
                tracing::warn!("the broker did not stop in order");
            }
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.get_mut().take() {
            runtime.shutdown_background();
        }
    }
}

/// Retained messages in memory: births and deaths, for other programs that subscribe.
struct Retained(DefaultRetainStorage);

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    async fn set(
        &self,
        topic: &TopicName,
        retain: Retain,
        expiry: Option<Duration>,
    ) -> rmqtt::Result<()> {
        let _ = expiry;
        self.0.set_with_timeout(topic, retain, None).await
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        self.0.get_message(filter).await
    }

    async fn count(&self) -> isize {
        self.0.count().await
    }

    async fn max(&self) -> isize {
        self.0.max().await
    }
}
