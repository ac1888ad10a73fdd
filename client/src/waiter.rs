//! Waiting for a state once: STATE.WAIT on a connection of its own, in slices that its response
//! timeout admits.
//!
//! A method of [`States`](crate::States) was rejected: over a shared connection it would block
//! every other request, and no type could show that.

use std::time::{Duration, Instant};

use redis_state_types::Expected;
use serde::de::DeserializeOwned;

use crate::driver::Driver;
use crate::error::Result;
use crate::request::{Found, Get, Wait};
use crate::state::State;
use crate::states::States;

/// A connection that is there to wait, one key at a time. [`Watch`](crate::Watch) is the one for a
/// state that is followed.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, State, connect, connect_waiter};
/// use serde_json::{Value, json};
/// use std::time::Duration;
///
/// let (mut states, mut waiter) = (connect(url).await?, connect_waiter(url).await?);
/// let asked = states.create("offer:7d1f", Change::merge(&json!({"amount": 5}))?).await?;
///
/// // Another task accepts the offer while this one waits.
/// let answer = tokio::spawn(async move {
///     states.update_with("offer:7d1f", |_: &Value| Change::merge(&json!({"accepted": true}))).await
/// });
/// let offer: Option<State> = waiter.wait_for_newer("offer:7d1f", asked, Duration::from_secs(10)).await?;
/// assert_eq!(offer.expect("it was answered").document["accepted"], true);
/// # answer.await??;
/// # Ok(()) });
/// ```
#[derive(Debug)]
pub struct Waiter<D> {
    states: States<D>,
    /// The longest wait of one request.
    slice: Duration,
}

/// Connects to wait. A wait that is given up (dropped) costs the connection, which is made again.
///
/// Errors as [`connect`](crate::connect).
#[cfg(feature = "tokio")]
pub async fn connect_waiter(url: &str) -> Result<Waiter<crate::Async<crate::Dedicated>>> {
    let states = States::new(crate::Dedicated::open(url).await?);
    Ok(Waiter { states, slice: crate::dedicated::WAIT_MAX })
}

/// Connects to wait, blocking the thread.
///
/// Errors as [`connect`](crate::connect).
///
/// ```
/// # support::example_blocking(|url| {
/// use redis_state_client::{Change, State, connect_blocking, connect_waiter_blocking};
/// use std::time::Duration;
///
/// let mut waiter = connect_waiter_blocking(url)?;
/// let asked = connect_blocking(url)?.create("offer:7d1f", Change::none())?;
/// let newer: Option<State> = waiter.wait_for_newer("offer:7d1f", asked, Duration::from_millis(20))?;
/// assert!(newer.is_none());
/// # Ok(()) });
/// ```
#[cfg(feature = "sync")]
pub fn connect_waiter_blocking(url: &str) -> Result<Waiter<crate::Blocking<crate::Reconnecting>>> {
    // Half of what that connection gives the server to answer.
    Ok(Waiter { states: crate::connect_blocking(url)?, slice: crate::RESPONSE_TIMEOUT / 2 })
}

impl<D: Driver> Waiter<D> {
    /// Waits until there is another state than the one with this etag, a newer one than this
    /// version, or with 0 any. `None` when the time is up, or the state is gone. If it is what you
    /// wait for already, the answer comes at once.
    ///
    /// Errors: [`WrongType`](crate::ErrorKind::WrongType),
    /// [`NoPermission`](crate::ErrorKind::NoPermission), and
    /// [`Connection`](crate::ErrorKind::Connection) when the server is away for longer than some
    /// tries.
    pub fn wait_for_newer<'a, T: DeserializeOwned + Send + 'a>(
        &'a mut self,
        key: &'a str,
        known: impl Into<Expected>,
        timeout: Duration,
    ) -> D::Answer<'a, Option<State<T>>> {
        let known = known.into();
        D::answer(async move {
            let began = Instant::now();
            loop {
                let left = timeout.saturating_sub(began.elapsed());
                // Zero would wait without limit.
                let slice = left.min(self.slice).max(Duration::from_millis(1));
                match wait(&mut self.states, key, known, slice).await? {
                    Waited::Changed(found) => return found.state().map(Some),
                    Waited::TimeUp if left > slice => {}
                    Waited::TimeUp | Waited::Gone => return Ok(None),
                }
            }
        })
    }
}

/// How a wait ended.
pub(crate) enum Waited {
    Changed(Found),
    Gone,
    TimeUp,
}

/// Waits once. The server answers nil both when the time is up and when the state is gone: a read
/// tells which.
pub(crate) async fn wait<D: Driver>(
    states: &mut States<D>,
    key: &str,
    known: Expected,
    timeout: Duration,
) -> Result<Waited> {
    if let Some(found) = states.exchange(&Wait::new(key, known, timeout)).await? {
        return Ok(Waited::Changed(found));
    }
    if known == Expected::Absent {
        return Ok(Waited::TimeUp);
    }
    Ok(match states.exchange(&Get::new(key)).await? {
        None => Waited::Gone,
        Some(found) if is_news(known, &found) => Waited::Changed(found),
        Some(_) => Waited::TimeUp,
    })
}

fn is_news(known: Expected, found: &Found) -> bool {
    match known {
        Expected::Etag(etag) => etag != found.etag,
        Expected::Version(version) => version < found.etag.version,
        Expected::Any | Expected::Absent => true,
    }
}
