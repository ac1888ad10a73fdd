//! Keyspace events: the server publishes that a state has changed to the clients that are
//! subscribed at that moment.
//!
//! It is the cheapest way to hear of many keys at once, and the least sure: pub/sub keeps nothing.
//! A client that switched the events on at the server was rejected: that costs all writes of all
//! clients, so it is the operator's decision. The connection speaks RESP2, in which every server
//! does pub/sub.

mod event;
mod listen;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use redis::aio::{ConnectionManager, PubSubSink, PubSubStream};
use redis::{Msg, RedisResult, Value};

use crate::backoff::Backoff;
use crate::connect::client;
use crate::connect::{CONNECTION_TIMEOUT, RESPONSE_TIMEOUT};
use crate::driver::Async;
use crate::error::{Error, ErrorKind, Result};
use crate::pump::{self, Pump, Source};
use crate::resend::Resend;
use crate::states::States;

pub use event::{Changed, StateEvent};
use listen::Flags;
pub use listen::Listen;

/// How long nothing may be heard before the server is asked whether it is there.
const QUIET_MAX: Duration = Duration::from_secs(5);

/// Events as they happen.
///
/// **Events without a subscriber are lost**, also while the connection is away. After that there is
/// one error of the kind [`Connection`](ErrorKind::Connection), when the connection is there again:
/// read what you rely on, then go on. For what must not be lost use
/// [`AuditConsumer`](crate::AuditConsumer), for one state [`Watch`](crate::Watch).
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Listen, StateEvent, connect};
/// # redis_state_client::redis::cmd("CONFIG").arg("SET").arg("notify-keyspace-events").arg("Kd")
/// #     .query_async::<()>(&mut redis_state_client::redis::Client::open(url)?.get_multiplexed_async_connection().await?).await?;
///
/// // The server says `notify-keyspace-events Kd`.
/// let mut events = Listen::new().pattern("offer:*").open(url).await?;
///
/// let mut states = connect(url).await?;
/// let etag = states.create("offer:7d1f", Change::none()).await?;
/// states.delete("offer:7d1f", etag).await?;
///
/// let first = events.next().await?;
/// assert_eq!((first.key.as_str(), first.event), ("offer:7d1f", StateEvent::Create));
/// assert_eq!(events.next().await?.event, StateEvent::Delete);
/// # Ok(()) });
/// ```
///
/// It is a [`Stream`] too, which never ends. `next` may be given up and asked again.
pub struct Events {
    pump: Pump<Listener>,
}

impl Events {
    async fn of(listen: Listen, url: &str) -> Result<Events> {
        let client = client(url)?;
        let mut listener = Listener {
            database: client.get_connection_info().redis_settings().db(),
            client,
            states: crate::connect(url).await?,
            listen,
            subscribed: None,
            has_missed: false,
            backoff: Backoff::new(),
        };
        listener.subscribed = Some(listener.subscribe().await?);
        Ok(Events { pump: Pump::Resting(listener) })
    }

    /// The next event: see [`Events`].
    pub async fn next(&mut self) -> Result<Changed> {
        let next = std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await;
        next.unwrap_or_else(|| Err(pump::broken()))
    }
}

impl Stream for Events {
    type Item = Result<Changed>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pump.poll(cx)
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

struct Listener {
    client: redis::Client,
    database: i64,
    states: States<Async<ConnectionManager>>,
    listen: Listen,
    subscribed: Option<(PubSubSink, PubSubStream)>,
    /// The connection was away, and the caller does not know yet.
    has_missed: bool,
    backoff: Backoff,
}

impl Source for Listener {
    type Item = Result<Changed>;

    async fn step(&mut self) -> Self::Item {
        self.backoff.wait_due().await;
        loop {
            let Some(subscribed) = &mut self.subscribed else {
                match self.subscribe().await {
                    Ok(subscribed) => self.subscribed = Some(subscribed),
                    Err(error) => self.backoff.wait_or_return(error).await?,
                }
                continue;
            };
            if std::mem::take(&mut self.has_missed) {
                let text = "the connection was away and is back: what happened meanwhile was not heard";
                return Err(Error::new(ErrorKind::Connection, text));
            }
            self.backoff.reset();
            match heard(subscribed).await {
                Some(message) => {
                    if let Some(changed) = changed(&message) {
                        return Ok(changed);
                    }
                }
                None => (self.subscribed, self.has_missed) = (None, true),
            }
        }
    }
}

/// The next message; `None` when the connection is gone.
async fn heard((sink, stream): &mut (PubSubSink, PubSubStream)) -> Option<Msg> {
    loop {
        let next = std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx));
        if let Ok(next) = tokio::time::timeout(QUIET_MAX, next).await {
            return next;
        }
        let pong = tokio::time::timeout(RESPONSE_TIMEOUT, sink.ping::<Value>()).await;
        pong.ok()?.ok()?;
    }
}

/// `__keyspace@0__:key` tells the event, `__keyevent@0__:event` the key.
fn changed(message: &Msg) -> Option<Changed> {
    let channel: Vec<u8> = message.get_channel().ok()?;
    let channel = String::from_utf8_lossy(&channel);
    let payload = String::from_utf8_lossy(message.get_payload_bytes());
    let (kind, name) = channel.split_once("__:")?;
    let (key, event) = if kind.starts_with("__keyspace@") { (name, &*payload) } else { (&*payload, name) };
    Some(Changed { key: key.to_owned(), event: StateEvent::of(event) })
}

impl Listener {
    /// Subscribes first and asks then: what is let out later than that is heard.
    async fn subscribe(&mut self) -> Result<(PubSubSink, PubSubStream)> {
        let at = self.database;
        let keys = self.listen.keys.iter().map(|key| format!("__keyspace@{at}__:{key}"));
        let events = self.listen.events.iter().map(|event| format!("__keyevent@{at}__:{}", event.as_str()));
        let channels: Vec<String> = keys.chain(events).collect();
        let patterns: Vec<String> =
            self.listen.patterns.iter().map(|pattern| format!("__keyspace@{at}__:{pattern}")).collect();
        let subscribed = tokio::time::timeout(CONNECTION_TIMEOUT + RESPONSE_TIMEOUT, async {
            let mut subscribed = self.client.get_async_pubsub().await?.split();
            if !channels.is_empty() {
                subscribed.0.subscribe(channels).await?;
            }
            if !patterns.is_empty() {
                subscribed.0.psubscribe(patterns).await?;
            }
            RedisResult::Ok(subscribed)
        });
        let subscribed = subscribed
            .await
            .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        let subscribed = subscribed.map_err(|error| Error::redis(error, Resend::Safe))?;
        match self.states.exchange(&Flags).await {
            Ok(flags) => self.listen.check(&flags)?,
            Err(error) if error.kind() == ErrorKind::NoPermission => {
                tracing::warn!("may not ask whether notify-keyspace-events lets events out (config|get)");
            }
            Err(error) => return Err(error),
        }
        Ok(subscribed)
    }
}
