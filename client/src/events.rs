//! Keyspace events: that something has happened to a state, told to whoever listens at that moment.
//!
//! It is the cheapest way to hear of many keys at once, and the least sure: pub/sub keeps nothing. A client that switched the
//! events on at the server was rejected: that costs all writes of all clients, so it is the operator's decision. The
//! connection speaks RESP2, in which every server does pub/sub.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use redis::aio::{ConnectionManager, PubSubSink, PubSubStream};
use redis::{Cmd, Msg, RedisResult, Value};

use crate::connect::{CONNECTION_TIMEOUT, RESPONSE_TIMEOUT};
use crate::decode::Fields;
use crate::dedicated::client;
use crate::driver::Async;
use crate::error::{Error, ErrorKind, Result};
use crate::patience::Patience;
use crate::pump::{self, Pump, Source};
use crate::request::{Request, Resend};
use crate::states::States;

/// How long nothing may be heard before the server is asked whether it is there.
const QUIET_MAX: Duration = Duration::from_secs(5);

/// What happened to a key.
///
/// For an example see [`Events`](crate::Events).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StateEvent {
    /// `state.create`
    Create,
    /// `state.update`
    Update,
    /// `state.rollback`
    Rollback,
    /// `state.reset`
    Reset,
    /// `state.recover`
    Recover,
    /// `state.lapse`: members lapsed, because their time was up.
    Lapse,
    /// `state.delete`: deleted by STATE.DELETE.
    Delete,
    /// `state.reject`: a command was refused.
    Reject,
    /// `expired`: the key's time was up. The server tells of it with `x` among its flags.
    Expired,
    /// `evicted`: memory was needed. With `e`.
    Evicted,
    /// `del`: deleted by DEL and its like. With `g`.
    Del,
    /// Any other event, as the server names it.
    Other(String),
}

impl StateEvent {
    const ALL: [StateEvent; 11] = [
        StateEvent::Create,
        StateEvent::Update,
        StateEvent::Rollback,
        StateEvent::Reset,
        StateEvent::Recover,
        StateEvent::Lapse,
        StateEvent::Delete,
        StateEvent::Reject,
        StateEvent::Expired,
        StateEvent::Evicted,
        StateEvent::Del,
    ];

    /// As the server names it.
    pub fn as_str(&self) -> &str {
        match self {
            StateEvent::Create => "state.create",
            StateEvent::Update => "state.update",
            StateEvent::Rollback => "state.rollback",
            StateEvent::Reset => "state.reset",
            StateEvent::Recover => "state.recover",
            StateEvent::Lapse => "state.lapse",
            StateEvent::Delete => "state.delete",
            StateEvent::Reject => "state.reject",
            StateEvent::Expired => "expired",
            StateEvent::Evicted => "evicted",
            StateEvent::Del => "del",
            StateEvent::Other(name) => name,
        }
    }

    fn of(name: &str) -> StateEvent {
        let known = StateEvent::ALL.into_iter().find(|event| event.as_str() == name);
        known.unwrap_or_else(|| StateEvent::Other(name.to_owned()))
    }
}

/// Something happened to a key.
///
/// For an example see [`Events`](crate::Events).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// To which one.
    pub key: String,
    /// What.
    pub event: StateEvent,
}

/// Says what to listen to; [`open`](Listen::open) begins. What two of them catch is heard twice.
///
/// For an example see [`Events`](crate::Events).
#[derive(Clone, Debug, Default)]
pub struct Listen {
    keys: Vec<String>,
    patterns: Vec<String>,
    events: Vec<StateEvent>,
}

impl Listen {
    /// To nothing yet.
    pub fn new() -> Listen {
        Listen::default()
    }

    /// To whatever happens to a key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// To whatever happens to the keys that match a pattern, as in KEYS.
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// To an event, of all keys.
    pub fn event(mut self, event: StateEvent) -> Self {
        self.events.push(event);
        self
    }

    /// Connects and subscribes, in the database that the address names. In a cluster each node tells of its own keys only: listen
    /// to every primary.
    ///
    /// Errors as [`connect`](crate::connect), and [`Usage`](ErrorKind::Usage) when the server's `notify-keyspace-events` does not let
    /// these events out: the text says what to set. Who may not read that setting hears nothing of it.
    pub async fn open(self, url: &str) -> Result<Events> {
        let client = client(url)?;
        let mut listener = Listener {
            database: client.get_connection_info().redis_settings().db(),
            client,
            states: crate::connect(url).await?,
            listen: self,
            subscribed: None,
            has_missed: false,
            patience: Patience::new(),
        };
        listener.subscribed = Some(listener.subscribe().await?);
        Ok(Events { pump: Pump::Resting(listener) })
    }
}

/// Events as they happen.
///
/// **What happens while nobody listens is lost**, also while the connection is away. After that there is one error of the kind
/// [`Connection`](ErrorKind::Connection), when the connection is there again: read what you rely on, then go on. For what must not be
/// lost use [`AuditConsumer`](crate::AuditConsumer), for one state [`Watch`](crate::Watch).
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
    /// The connection was away, and nobody was told yet.
    has_missed: bool,
    patience: Patience,
}

impl Source for Listener {
    type Item = Result<Changed>;

    async fn step(&mut self) -> Self::Item {
        self.patience.rest().await;
        loop {
            let Some(subscribed) = &mut self.subscribed else {
                match self.subscribe().await {
                    Ok(subscribed) => self.subscribed = Some(subscribed),
                    Err(error) => self.patience.bear(error).await?,
                }
                continue;
            };
            if std::mem::take(&mut self.has_missed) {
                let text = "the connection was away and is back: what happened meanwhile was not heard";
                return Err(Error::new(ErrorKind::Connection, text));
            }
            self.patience.reset();
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

impl Listen {
    /// Whether the server tells what is listened to.
    fn check(&self, flags: &str) -> Result<()> {
        let by_key = !(self.keys.is_empty() && self.patterns.is_empty());
        let mut missing = String::new();
        let mut need = |flag: char, is_there: bool| {
            if !is_there && !flags.contains(flag) {
                missing.push(flag);
            }
        };
        need('K', !by_key);
        need('E', self.events.is_empty());
        let is_all = flags.contains('A');
        let wants = |wanted: &dyn Fn(&StateEvent) -> bool| self.events.iter().any(wanted);
        need('d', is_all || !(by_key || wants(&|event| event.as_str().starts_with("state."))));
        need('x', is_all || !wants(&|event| *event == StateEvent::Expired));
        need('e', is_all || !wants(&|event| *event == StateEvent::Evicted));
        need('g', is_all || !wants(&|event| *event == StateEvent::Del));
        if missing.is_empty() {
            return Ok(());
        }
        let advice =
            format!("have its operator set notify-keyspace-events {flags}{missing}, in redis.conf too");
        let text =
            format!("the server does not tell of these events (notify-keyspace-events {flags:?}): {advice}");
        Err(Error::new(ErrorKind::Usage, text))
    }
}

/// CONFIG GET notify-keyspace-events.
struct Flags;

impl Request for Flags {
    type Reply = String;

    fn name(&self) -> &'static str {
        "CONFIG GET"
    }

    fn key(&self) -> Option<&str> {
        None
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("CONFIG");
        command.arg("GET").arg("notify-keyspace-events");
        command
    }

    fn reply(&self, value: Value) -> Result<String> {
        Fields::required(value)?.read("notify-keyspace-events")
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}
