//! Finding the server, and connections whose times are set on purpose.
//!
//! redis-rs waits half a second for an answer unless told otherwise, which a server that saves or a network that hiccups
//! exceeds; and a blocking connection waits for ever. Here both have their figures, and both connect again by themselves: so
//! what is safe to send again is sent again.

use std::time::Duration;

#[cfg(any(feature = "tokio", feature = "sync"))]
use crate::{
    error::{Error, ErrorKind, Result},
    request::Resend,
};

/// The environment variable that names the Redis instance of the states, apart from the cache.
pub const URL_VARIABLE: &str = "REDIS_STATE_URL";

/// Where `make run` puts the server when nothing else is said.
pub const URL_DEFAULT: &str = "redis://127.0.0.1:6379/0";

/// How long connecting may take.
pub const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);

/// How long an answer may take.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The address of the state server: [`URL_VARIABLE`] if it is set to something, else [`URL_DEFAULT`].
///
/// ```
/// let url = redis_state_client::url();
/// assert!(url.contains("://"));
/// ```
pub fn url() -> String {
    match std::env::var(URL_VARIABLE) {
        Ok(url) if !url.trim().is_empty() => url,
        _ => URL_DEFAULT.to_owned(),
    }
}

/// Connects to a server, by a connection that can be cloned for each task and that connects again by itself.
///
/// Errors: [`Usage`](crate::ErrorKind::Usage) for an address that is none, [`Connection`](crate::ErrorKind::Connection) when nobody is
/// there.
///
/// ```
/// # support::example(async |url| {
/// let mut states = redis_state_client::connect(url).await?;
/// assert!(states.meta("channel:+263771234567").await?.is_none());
/// # Ok(()) });
/// ```
#[cfg(feature = "tokio")]
pub async fn connect(url: &str) -> Result<crate::States<crate::Async<redis::aio::ConnectionManager>>> {
    let config = redis::aio::ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    let manager = redis::aio::ConnectionManager::new_with_config(open(url)?, config).await;
    Ok(crate::States::new(manager.map_err(nothing_sent)?))
}

/// Connects to a server, by a blocking connection that connects again when it has broken.
///
/// Errors as [`connect`].
///
/// ```
/// # support::example_blocking(|url| {
/// let mut states = redis_state_client::connect_blocking(url)?;
/// assert!(states.meta("channel:+263771234567")?.is_none());
/// # Ok(()) });
/// ```
#[cfg(feature = "sync")]
pub fn connect_blocking(url: &str) -> Result<crate::States<crate::Blocking<crate::Reconnecting>>> {
    crate::Reconnecting::open(open(url)?).map(crate::States::blocking).map_err(nothing_sent)
}

/// Connects to a Redis Cluster by any of its nodes.
///
/// redis-rs may send a command again when its node does not answer. A write that has an ID or names an etag is safe all the
/// same; give every other one an ID.
///
/// Errors as [`connect`].
#[cfg(feature = "cluster")]
pub async fn connect_cluster<U: redis::IntoConnectionInfo>(
    nodes: impl IntoIterator<Item = U>,
) -> Result<crate::States<crate::Async<redis::cluster_async::ClusterConnection>>> {
    let client = redis::cluster::ClusterClientBuilder::new(nodes)
        .connection_timeout(CONNECTION_TIMEOUT)
        .response_timeout(RESPONSE_TIMEOUT)
        .build()
        .map_err(nothing_sent)?;
    Ok(crate::States::new(client.get_async_connection().await.map_err(nothing_sent)?))
}

#[cfg(any(feature = "tokio", feature = "sync"))]
fn open(url: &str) -> Result<redis::Client> {
    redis::Client::open(url)
        .map_err(|error| Error::new(ErrorKind::Usage, format!("not the address of a server: {error}")))
}

/// While connecting nothing is carried out.
#[cfg(any(feature = "tokio", feature = "sync"))]
fn nothing_sent(error: redis::RedisError) -> Error {
    Error::redis(error, Resend::Safe)
}
