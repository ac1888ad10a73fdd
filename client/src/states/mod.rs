//! A connection with typed replies, resends of safe requests, and retries of changes on a conflict.
//! No document is kept between calls.

pub mod edit;
pub mod send;
pub mod token;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use redis_state_types::{Etag, Expected};
use serde::de::DeserializeOwned;

use crate::change::Change;
use crate::driver::Driver;
use crate::error::Result;
use crate::request::delete::Delete;
use crate::request::get::Get;
use crate::request::meta::{Meta, Metadata};
use crate::request::write::Update;
use crate::state::State;

/// The default number of retries after a conflict.
pub const CONFLICT_RETRIES: usize = 3;

/// The default number of resends of a safe request without a reply.
pub const RESENDS: usize = 4;

/// The states of one server, over one connection.
///
/// The same methods serve async and blocking connections: over [`Async`](crate::Async) they return
/// futures, over [`Blocking`](crate::Blocking) results. For connections that redis-rs can clone
/// (multiplexed, managed, cluster), a `States` can be cloned: one for each task.
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
///     .update_with(key, |offer: &Value| {
///         Change::merge(&json!({"amount": offer["amount"].as_u64().unwrap_or(0) * 2}))
///     })
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
/// let raised =
///     states.update_with("offer:7d1f", |_: &Value| Change::merge(&json!({"amount": 6})))?;
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
    /// Over any async connection of redis-rs. Its owner sets the response timeout, as
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
    /// Over any blocking connection of redis-rs. Its owner sets the timeouts, as
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

    /// The number of retries of [`update_with`](States::update_with) after a conflict:
    /// [`CONFLICT_RETRIES`] by default.
    pub fn conflict_retries(mut self, times: usize) -> Self {
        self.conflict_retries = times;
        self
    }

    /// The number of resends of a request without a reply: [`RESENDS`] by default.
    pub fn resends(mut self, times: usize) -> Self {
        self.resends = times;
        self
    }

    /// The state at a key; `None` if there is none.
    pub fn get<'a, T: DeserializeOwned + Send + 'a>(
        &'a mut self,
        key: &'a str,
    ) -> D::Answer<'a, Option<State<T>>> {
        D::answer(async move { self.read(key).await })
    }

    /// The metadata of the state at a key; `None` if there is none.
    pub fn meta<'a>(&'a mut self, key: &'a str) -> D::Answer<'a, Option<Metadata>> {
        D::answer(async move { self.exchange(&Meta::new(key)).await })
    }

    /// Creates a missing state, with this change on top of its schema's defaults, and returns its
    /// etag. The schema is the one bound to the key; [`Update::create`](crate::Write::create) can
    /// name one.
    pub fn create<'a>(&'a mut self, key: &'a str, change: Change) -> D::Answer<'a, Etag> {
        D::answer(async move {
            let create = Update::create(key, change).id(token::fresh());
            Ok(self.exchange(&create).await?.etag)
        })
    }

    /// Deletes the state that was read, or with [`Expected::Any`] any state. [`Delete`] has
    /// options.
    pub fn delete<'a>(&'a mut self, key: &'a str, expected: impl Into<Expected>) -> D::Answer<'a, ()> {
        let delete = Delete::new(key, expected);
        D::answer(async move { self.exchange(&delete).await.map(drop) })
    }

    pub(crate) async fn read<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<State<T>>> {
        let found = self.exchange(&Get::new(key)).await?;
        found.map(|found| found.state()).transpose()
    }

    /// The same states through another driver.
    pub(crate) fn through<'a, E>(&'a mut self, driver: impl FnOnce(&'a mut D) -> E) -> States<E> {
        let States { driver: own, conflict_retries, resends } = self;
        States { driver: driver(own), conflict_retries: *conflict_retries, resends: *resends }
    }
}

/// Growing delays with jitter, so that conflicting clients get out of step.
fn delays(first: Duration, longest: Duration, times: usize) -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .with_max_times(times)
        .with_jitter()
        .build()
}
