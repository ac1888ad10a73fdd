//! A state as it changes: a stream over STATE.WAIT.
//!
//! The server keeps nothing about watchers: each request names the known version, so nothing is
//! lost while disconnected, and a slow watcher gets the newest version. Not by keyspace events,
//! which are lost without a subscriber and carry no state.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::Stream;
use redis_state_types::Expected;
use serde::de::DeserializeOwned;

use crate::backoff::Backoff;
use crate::connection::dedicated::{Dedicated, WAIT_MAX};
use crate::driver::Async;
use crate::error::Result;
use crate::request::get::{Found, Get};
use crate::state::State;
use crate::states::States;
use crate::stream::{Items, Source};
use crate::waiter::{Waited, wait};

/// The state of one key: first the present one, then each time it has changed. `None` means that
/// there is no state: not yet, or no longer after its expiry or deletion; a state created after
/// that is returned again.
///
/// Not every version is returned: between two reads there may be several, and a deletion. It has
/// its own connection, retries while the server is down, and continues from the last returned
/// state. `next` is cancel-safe.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Watch, connect};
/// use serde_json::json;
///
/// #[derive(serde::Deserialize)]
/// struct Offer { amount: u64 }
///
/// let mut states = connect(url).await?;
/// let mut watch = Watch::<Offer>::open(url, "offer:7d1f").await?;
/// assert!(watch.next().await?.is_none());
///
/// let etag = states.create("offer:7d1f", Change::merge(&json!({"amount": 5}))?).await?;
/// let offer = watch.next().await?.expect("it was created");
/// assert_eq!((offer.etag, offer.document.amount), (etag, 5));
///
/// states.delete("offer:7d1f", etag).await?;
/// assert!(watch.next().await?.is_none());
/// # Ok(()) });
/// ```
///
/// It is a [`Stream`] too. The stream never ends.
///
/// Errors: [`WrongType`](crate::ErrorKind::WrongType) if the key has another type,
/// [`NoPermission`](crate::ErrorKind::NoPermission), [`Unexpected`](crate::ErrorKind::Unexpected)
/// for a document without the shape of `T`. After an error the next call continues.
pub struct Watch<T = serde_json::Value> {
    found: Items<Option<Found>>,
    shape: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Watch<T> {
    /// Watches a key, starting with the present state. In a cluster, name a node of the key's slot:
    /// the watch does not follow a slot migration.
    ///
    /// Errors as [`connect`](crate::connect).
    pub async fn open(url: &str, key: impl Into<String>) -> Result<Watch<T>> {
        Watch::watch(url, key.into(), None).await
    }

    /// Watches a key, starting from a known state: an etag, a version, or 0 for no state.
    ///
    /// Errors as [`connect`](crate::connect).
    pub async fn open_from(
        url: &str,
        key: impl Into<String>,
        known: impl Into<Expected>,
    ) -> Result<Watch<T>> {
        Watch::watch(url, key.into(), Some(known.into())).await
    }

    async fn watch(url: &str, key: String, known: Option<Expected>) -> Result<Watch<T>> {
        // The watch's backoff decides about retries.
        let states = States::new(Dedicated::open(url).await?).resends(0);
        let watcher = Watcher { states, key, known, backoff: Backoff::new() };
        Ok(Watch { found: Items::of(watcher), shape: PhantomData })
    }

    /// The next state: see [`Watch`].
    pub async fn next(&mut self) -> Result<Option<State<T>>> {
        typed(self.found.next().await)
    }
}

impl<T: DeserializeOwned> Stream for Watch<T> {
    type Item = Result<Option<State<T>>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.found.poll(cx).map(|item| item.map(typed))
    }
}

fn typed<T: DeserializeOwned>(found: Result<Option<Found>>) -> Result<Option<State<T>>> {
    found?.map(|found| found.state()).transpose()
}

impl<T> std::fmt::Debug for Watch<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

struct Watcher {
    states: States<Async<Dedicated>>,
    key: String,
    /// The last returned state; `None` before that.
    known: Option<Expected>,
    backoff: Backoff,
}

impl Watcher {
    async fn look(&mut self) -> Result<Waited> {
        match self.known {
            Some(known) => wait(&mut self.states, &self.key, known, WAIT_MAX).await,
            None => {
                let found = self.states.exchange(&Get::new(&*self.key)).await?;
                Ok(found.map_or(Waited::Gone, Waited::Changed))
            }
        }
    }
}

impl Source for Watcher {
    type Item = Option<Found>;

    async fn step(&mut self) -> Result<Option<Found>> {
        self.backoff.wait_due().await;
        loop {
            match self.look().await {
                Ok(waited) => {
                    self.backoff.reset();
                    match waited {
                        Waited::Changed(found) => {
                            self.known = Some(found.etag.into());
                            return Ok(Some(found));
                        }
                        Waited::Gone => {
                            self.known = Some(Expected::Absent);
                            return Ok(None);
                        }
                        Waited::TimeUp => {}
                    }
                }
                Err(error) => self.backoff.wait_or_return(error).await?,
            }
        }
    }
}
