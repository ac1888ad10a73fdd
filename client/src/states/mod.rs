//! A connection, and what a program wants around it: answers of its own types, requests that are
//! sent again when that is safe, and changes that are made again on a conflict. No document is kept
//! between calls.

mod edit;
mod send;
pub(crate) mod token;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use redis_state_types::Expected;
use serde::de::DeserializeOwned;

use crate::change::Change;
use crate::driver::Driver;
use crate::request::{Delete, Get, Metadata, Request};
use crate::request::{Meta, verb};
use crate::state::State;

pub use edit::Edit;
pub use send::Acknowledged;

/// How often a conflict leads to another try unless something else was said.
///
/// For an example see [`States::conflict_retries`](crate::States::conflict_retries).
pub const CONFLICT_RETRIES: usize = 3;

/// How often a request that never got an answer is sent again, when that is safe, unless something
/// else was said.
///
/// For an example see [`States::conflict_retries`](crate::States::conflict_retries).
pub const RESENDS: usize = 4;

/// The states of one server, over one connection.
///
/// The same methods serve async and blocking connections: over [`Async`](crate::Async) they answer
/// futures, over [`Blocking`](crate::Blocking) results. Connections that redis-rs can clone
/// (multiplexed, managed, cluster) make a `States` that can be cloned: one for each task.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, connect};
/// use serde_json::{Value, json};
///
/// let mut states = connect(url).await?;
/// let key = "offer:7d1f";
/// states.create(key, Change::merge(&json!({"amount": 5}))?).await?;
///
/// // Read, decide, write; again on a conflict.
/// let doubled = states
///     .update_with(key, |offer: &Value| Change::merge(&json!({"amount": offer["amount"].as_u64().unwrap_or(0) * 2})))
///     .await?;
/// assert_eq!(doubled.document, json!({"amount": 10}));
/// # Ok(()) });
/// ```
///
/// The same, blocking:
///
/// ```
/// # support::example_blocking(|url| {
/// use redis_state_client::{Change, connect_blocking};
/// use serde_json::{Value, json};
///
/// let mut states = connect_blocking(url)?;
/// states.create("offer:7d1f", Change::merge(&json!({"amount": 5}))?)?;
/// let raised = states.update_with("offer:7d1f", |_: &Value| Change::merge(&json!({"amount": 6})))?;
/// assert_eq!(raised.etag.version, 2);
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct States<D> {
    pub(crate) driver: D,
    conflict_retries: usize,
    resends: usize,
}

#[cfg(feature = "tokio")]
impl<C: redis::aio::ConnectionLike + Send> States<crate::Async<C>> {
    /// Over any async connection of redis-rs. Its response timeout is its owner's to set:
    /// [`connect`](crate::connect) does.
    ///
    /// ```
    /// # support::example(async |url| {
    /// use redis_state_client::{States, redis};
    ///
    /// let connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    /// let mut states = States::new(connection);
    /// assert!(states.get::<serde_json::Value>("offer:7d1f").await?.is_none());
    /// # Ok(()) });
    /// ```
    pub fn new(connection: C) -> Self {
        States::over(crate::Async(connection))
    }
}

#[cfg(feature = "sync")]
impl<C: redis::ConnectionLike + Send> States<crate::Blocking<C>> {
    /// Over any blocking connection of redis-rs. Its timeouts are its owner's to set:
    /// [`connect_blocking`](crate::connect_blocking) does.
    ///
    /// ```
    /// # support::example_blocking(|url| {
    /// use redis_state_client::{States, redis};
    ///
    /// let mut states = States::blocking(redis::Client::open(url)?.get_connection()?);
    /// assert!(states.get::<serde_json::Value>("offer:7d1f")?.is_none());
    /// # Ok(()) });
    /// ```
    pub fn blocking(connection: C) -> Self {
        States::over(crate::Blocking(connection))
    }
}

impl<D: Driver> States<D> {
    #[cfg(any(feature = "tokio", feature = "sync"))]
    fn over(driver: D) -> Self {
        States { driver, conflict_retries: CONFLICT_RETRIES, resends: RESENDS }
    }

    /// How often a conflict leads to another try of [`update_with`](States::update_with):
    /// [`CONFLICT_RETRIES`] unless said.
    ///
    /// ```
    /// # support::example(async |url| {
    /// let mut states = redis_state_client::connect(url).await?.conflict_retries(20).resends(10);
    /// # Ok(()) });
    /// ```
    pub fn conflict_retries(mut self, times: usize) -> Self {
        self.conflict_retries = times;
        self
    }

    /// How often a request that got no answer is sent again: [`RESENDS`] unless said. For an
    /// example see [`conflict_retries`](States::conflict_retries).
    pub fn resends(mut self, times: usize) -> Self {
        self.resends = times;
        self
    }

    /// Sends a request and reads its reply.
    ///
    /// When the connection breaks or the time is up, the request is sent again if a second time
    /// does no harm: it reads, or it carries an ID, by which the server knows it again, or it names
    /// the etag it expects. In the last case the first copy of the request may have caused the
    /// conflict: then the error is an [unknown outcome](crate::Error::outcome_unknown) with the
    /// etag of what is there. Anything else is never sent twice.
    pub fn send<'a, R: Request>(&'a mut self, request: &'a R) -> D::Answer<'a, R::Reply> {
        D::answer(self.exchange(request))
    }

    /// Sends a request and waits until so many replicas have received what it led to, or the time
    /// is up (the command WAIT, right behind it on the same connection). The time must be shorter
    /// than the connection's response timeout. The answer says how many there are: what only the
    /// primary has may be gone after a failover.
    ///
    /// Not for a cluster connection, which sends WAIT to any node.
    ///
    /// ```
    /// # support::example(async |url| {
    /// use redis_state_client::{Change, Update, connect};
    /// use std::time::Duration;
    ///
    /// let mut states = connect(url).await?;
    /// let pay = Update::any("offer:7d1f", Change::merge(&serde_json::json!({"amount": 5}))?).id("wamid.HBgL1");
    /// let paid = states.send_acknowledged(&pay, 1, Duration::from_millis(50)).await?;
    /// assert_eq!(paid.reply.etag.version, 1);
    /// assert_eq!(paid.replicas, 0, "this server has none");
    /// # Ok(()) });
    /// ```
    pub fn send_acknowledged<'a, R: Request>(
        &'a mut self,
        request: &'a R,
        replicas: u64,
        timeout: Duration,
    ) -> D::Answer<'a, Acknowledged<R::Reply>> {
        D::answer(self.exchange_acknowledged(request, replicas, timeout))
    }

    /// The state at a key; `None` where none is.
    pub fn get<'a, T: DeserializeOwned + Send + 'a>(
        &'a mut self,
        key: &'a str,
    ) -> D::Answer<'a, Option<State<T>>> {
        D::answer(async move { self.read(key).await })
    }

    /// What the server knows of the state at a key; `None` where none is.
    pub fn meta<'a>(&'a mut self, key: &'a str) -> D::Answer<'a, Option<Metadata>> {
        D::answer(async move { self.exchange(&Meta::new(key)).await })
    }

    /// Creates a state where none is, with this change on top of its schema's defaults, and answers
    /// its etag. The schema is the one that the key is bound to;
    /// [`Update::create`](crate::Write::create) names one.
    pub fn create<'a>(&'a mut self, key: &'a str, change: Change) -> D::Answer<'a, redis_state_types::Etag> {
        D::answer(async move {
            let create = crate::Update::create(key, change).id(token::fresh());
            Ok(self.exchange(&create).await?.etag)
        })
    }

    /// Reads a state, lets `change` say what is to be done to it, and does that to the very version
    /// that was read; from the start again, with jitter, on a conflict: at most
    /// [`CONFLICT_RETRIES`] times, then the [conflict](crate::Error::is_conflict). Answers the
    /// state as it is then.
    ///
    /// `change` may run several times, each time with a newer document. Each try carries an ID, so
    /// that an answer that is lost on the way does not make it count twice. [`edit`](States::edit)
    /// adds an actor, a note or an ID of your own.
    ///
    /// Errors: [`NoState`](crate::ErrorKind::NoState) where no state is; the rejections of
    /// STATE.UPDATE; the first error that `change` returns.
    pub fn update_with<'a, T, F>(&'a mut self, key: &'a str, change: F) -> D::Answer<'a, State<T>>
    where
        T: DeserializeOwned + Send + Sync + 'a,
        F: FnMut(&T) -> crate::Result<Change> + Send + 'a,
    {
        self.edit(key).with(change)
    }

    /// As [`update_with`](States::update_with), with more to say: see [`Edit`].
    pub fn edit<'a>(&'a mut self, key: &'a str) -> Edit<'a, D, verb::Update> {
        Edit::new(self, key)
    }

    /// As [`edit`](States::edit), by STATE.SETPROTECTED: `change` may write protected members.
    pub fn edit_protected<'a>(&'a mut self, key: &'a str) -> Edit<'a, D, verb::SetProtected> {
        Edit::new(self, key)
    }

    /// Ends the state that was read, or with [`Expected::Any`] whichever is there. [`Delete`] has
    /// more to say.
    pub fn delete<'a>(&'a mut self, key: &'a str, expected: impl Into<Expected>) -> D::Answer<'a, ()> {
        let delete = Delete::new(key, expected);
        D::answer(async move { self.exchange(&delete).await })
    }

    pub(crate) async fn read<T: DeserializeOwned>(&mut self, key: &str) -> crate::Result<Option<State<T>>> {
        let found = self.exchange(&Get::new(key)).await?;
        found.map(|found| found.state()).transpose()
    }

    /// The same states through another driver.
    pub(crate) fn through<'a, E>(&'a mut self, driver: impl FnOnce(&'a mut D) -> E) -> States<E> {
        let States { driver: own, conflict_retries, resends } = self;
        States { driver: driver(own), conflict_retries: *conflict_retries, resends: *resends }
    }

    fn resend_delays(&self) -> impl Iterator<Item = Duration> + Send + use<D> {
        delays(Duration::from_millis(20), Duration::from_secs(1), self.resends)
    }
}

fn conflict_delays(times: usize) -> impl Iterator<Item = Duration> + Send {
    delays(Duration::from_millis(2), Duration::from_millis(50), times)
}

/// Growing times with jitter, so that clients in conflict don't meet again.
fn delays(first: Duration, longest: Duration, times: usize) -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .with_max_times(times)
        .with_jitter()
        .build()
}
