//! Waiting for a state once: STATE.WAIT on its own connection, in slices below the response
//! timeout.
//!
//! Not a method of [`States`](crate::States): over a shared connection it would block every other
//! request, and no type could prevent that.

use std::time::{Duration, Instant};

use redis_state_types::Expected;
use serde::de::DeserializeOwned;

use crate::driver::Driver;
use crate::error::Result;
use crate::request::get::{Found, Get};
use crate::request::wait::Wait;
use crate::state::State;
use crate::states::States;

/// A connection for waiting, one key at a time. To follow a state use [`Watch`](crate::Watch).
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
///     states
///         .update_with("offer:7d1f", |_: &Value| Change::merge(&json!({"accepted": true})))
///         .await
/// });
/// let offer: Option<State> =
///     waiter.wait_for_newer("offer:7d1f", asked, Duration::from_secs(10)).await?;
/// assert_eq!(offer.expect("it was answered").document["accepted"], true);
/// # answer.await??;
/// # Ok(()) });
/// ```
#[derive(Debug)]
pub struct Waiter<D> {
    states: States<D>,
    /// The longest block of one request.
    slice: Duration,
}

/// Connects for waiting. A cancelled wait closes the connection, and the next one reconnects.
///
/// Errors as [`connect`](crate::connect).
#[cfg(feature = "tokio")]
pub async fn connect_waiter(url: &str) -> Result<Waiter<crate::Async<crate::Dedicated>>> {
    let states = States::new(crate::Dedicated::open(url).await?);
    Ok(Waiter { states, slice: crate::WAIT_MAX })
}

/// Connects for waiting by blocking the thread.
///
/// Errors as [`connect`](crate::connect).
#[cfg(feature = "sync")]
pub fn connect_waiter_blocking(url: &str) -> Result<Waiter<crate::Blocking<crate::Reconnecting>>> {
    // Half of that connection's response timeout.
    Ok(Waiter { states: crate::connect_blocking(url)?, slice: crate::RESPONSE_TIMEOUT / 2 })
}

impl<D: Driver> Waiter<D> {
    /// Waits until the state is not the one with this etag, or newer than this version, or with 0
    /// exists. `None` after the timeout, or if the state is deleted or expires. Returns at once if
    /// that is so already.
    ///
    /// Errors: [`WrongType`](crate::ErrorKind::WrongType),
    /// [`NoPermission`](crate::ErrorKind::NoPermission), and
    /// [`Connection`](crate::ErrorKind::Connection) if the server is down for longer than some
    /// retries.
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
                // Zero would block without limit.
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

/// The result of a wait.
pub(crate) enum Waited {
    Changed(Found),
    Gone,
    TimeUp,
}

/// Waits once. The server replies nil both after the timeout and without a state: a read
/// distinguishes them.
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
