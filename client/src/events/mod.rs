//! Keyspace events: the server publishes changes of states to the subscribed clients.
//!
//! It is the cheapest way to follow many keys, and the least reliable: pub/sub stores nothing. The
//! client does not enable the events on the server, because that costs all writes of all clients
//! and is the operator's decision. The connection uses RESP2, in which every server supports
//! pub/sub.

pub mod event;
pub mod listen;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{Stream, StreamExt};
use redis::aio::{ConnectionManager, PubSubSink, PubSubStream};
use redis::{Msg, RedisResult, Value};

use crate::backoff::Backoff;
use crate::connection::address::{CONNECTION_TIMEOUT, RESPONSE_TIMEOUT, client};
use crate::connection::connect;
use crate::driver::Async;
use crate::error::{Error, ErrorKind, Result};
use crate::request::line::CommandLine;
use crate::resend::Resend;
use crate::states::States;
use crate::stream::{Items, Source};
use event::{Changed, StateEvent};
use listen::Listen;

/// The longest silence before the client checks whether the server is alive.
const QUIET_MAX: Duration = Duration::from_secs(5);

/// Events as they happen.
///
/// **Events without a subscriber are lost**, also while disconnected. After a reconnect there is
/// one error of the kind [`Connection`](ErrorKind::Connection): read the states that matter, then
/// continue. For events that must not be lost use [`AuditConsumer`](crate::AuditConsumer), for one
/// state [`Watch`](crate::Watch).
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Listen, StateEvent, connect};
/// # use redis_state_client::{CommandLine, Resend};
/// # let set = CommandLine::new("CONFIG SET", Resend::Safe);
/// # connect(url).await?.send(&set.arg(("notify-keyspace-events", "Kd"))).await?;
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
/// It is a [`Stream`] too, which never ends. `next` is cancel-safe.
pub struct Events {
    changes: Items<Changed>,
}

impl Listen {
    /// Connects and subscribes, in the database of the URL. In a cluster each node sends the events
    /// of its own keys only: listen to every primary.
    ///
    /// Errors as [`connect`](crate::connect), and [`Usage`](ErrorKind::Usage) if the server's
    /// `notify-keyspace-events` does not send these events: the text says what to set. A user
    /// without permission to read that setting gets no such error.
    pub async fn open(self, url: &str) -> Result<Events> {
        let client = client(url)?;
        let mut listener = Listener {
            database: client.get_connection_info().redis_settings().db(),
            client,
            states: connect(url).await?,
            listen: self,
            subscribed: None,
            has_missed: false,
            backoff: Backoff::new(),
        };
        listener.subscribed = Some(listener.subscribe().await?);
        Ok(Events { changes: Items::of(listener) })
    }
}

impl Events {
    /// The next event: see [`Events`].
    pub async fn next(&mut self) -> Result<Changed> {
        self.changes.next().await
    }
}

impl Stream for Events {
    type Item = Result<Changed>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.changes.poll(cx)
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
    /// A disconnection that the caller does not know of yet.
    has_missed: bool,
    backoff: Backoff,
}

impl Source for Listener {
    type Item = Changed;

    async fn step(&mut self) -> Result<Changed> {
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
                let text = "the connection was lost and is back: events in between were missed";
                return Err(Error::new(ErrorKind::Connection, text));
            }
            self.backoff.reset();
            match received(subscribed).await {
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

/// The next message; `None` after a disconnection.
async fn received((sink, stream): &mut (PubSubSink, PubSubStream)) -> Option<Msg> {
    loop {
        if let Ok(next) = tokio::time::timeout(QUIET_MAX, stream.next()).await {
            return next;
        }
        let pong = tokio::time::timeout(RESPONSE_TIMEOUT, sink.ping::<Value>()).await;
        pong.ok()?.ok()?;
    }
}

/// `__keyspace@0__:key` carries the event, `__keyevent@0__:event` the key.
fn changed(message: &Msg) -> Option<Changed> {
    let channel: Vec<u8> = message.get_channel().ok()?;
    let channel = String::from_utf8_lossy(&channel);
    let payload = String::from_utf8_lossy(message.get_payload_bytes());
    let (kind, name) = channel.split_once("__:")?;
    let (key, event) = if kind.starts_with("__keyspace@") { (name, &*payload) } else { (&*payload, name) };
    Some(Changed { key: key.to_owned(), event: StateEvent::of(event) })
}

impl Listener {
    /// Subscribes before the check: events enabled later are received.
    async fn subscribe(&mut self) -> Result<(PubSubSink, PubSubStream)> {
        let at = self.database;
        let keys = self.listen.keys.iter().map(|key| format!("__keyspace@{at}__:{key}"));
        let events = self.listen.events.iter().map(|event| format!("__keyevent@{at}__:{}", event.as_str()));
        let channels: Vec<String> = keys.chain(events).collect();
        let patterns: Vec<String> =
            self.listen.patterns.iter().map(|pattern| format!("__keyspace@{at}__:{pattern}")).collect();
        let subscribing = async {
            let mut subscribed = self.client.get_async_pubsub().await?.split();
            if !channels.is_empty() {
                subscribed.0.subscribe(channels).await?;
            }
            if !patterns.is_empty() {
                subscribed.0.psubscribe(patterns).await?;
            }
            RedisResult::Ok(subscribed)
        };
        let subscribed = tokio::time::timeout(CONNECTION_TIMEOUT + RESPONSE_TIMEOUT, subscribing).await;
        let subscribed =
            subscribed.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        let subscribed = subscribed.map_err(|error| Error::redis(error, Resend::Safe))?;
        let setting = CommandLine::new("CONFIG GET", Resend::Safe).arg("notify-keyspace-events");
        match self.states.ask::<BTreeMap<String, String>>(&setting).await {
            Ok(flags) => self.listen.check(flags.values().next().map_or("", String::as_str))?,
            Err(error) if error.kind() == ErrorKind::NoPermission => {
                tracing::warn!("no permission to check notify-keyspace-events (config|get)");
            }
            Err(error) => return Err(error),
        }
        Ok(subscribed)
    }
}
