//! The server's address, and connections with explicit timeouts.
//!
//! By default redis-rs waits half a second for a reply, which a saving server or a slow network
//! exceeds, and a blocking connection waits forever. These connections have limits for both, and
//! reconnect, so that safe requests can be resent.

use std::time::Duration;

#[cfg(any(feature = "tokio", feature = "sync"))]
use crate::{
    error::{Error, ErrorKind, Result},
    request::Resend,
};

/// The environment variable with the URL of the Redis server of the states, which should not be the
/// cache's.
///
/// For an example see [`url`](crate::url).
pub const URL_VARIABLE: &str = "REDIS_STATE_URL";

/// The default address of `make run`.
///
/// For an example see [`url`](crate::url).
pub const URL_DEFAULT: &str = "redis://127.0.0.1:6379/0";

/// The timeout of connecting.
///
/// For an example see [`connect`](crate::connect).
pub const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);

/// The timeout of a reply.
///
/// For an example see [`connect`](crate::connect).
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The URL of the state server: [`URL_VARIABLE`] if it is set and not empty, else [`URL_DEFAULT`].
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

/// Connects to a server, by a connection that can be cloned for each task and that reconnects by
/// itself.
///
/// Errors: [`Usage`](crate::ErrorKind::Usage) for an invalid URL,
/// [`Connection`](crate::ErrorKind::Connection) if no server answers.
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
    let manager = redis::aio::ConnectionManager::new_with_config(client(url)?, config).await;
    Ok(crate::States::new(manager.map_err(nothing_sent)?))
}

/// Connects to a server, by a blocking connection that reconnects after a failure.
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
    crate::Reconnecting::open(client(url)?).map(crate::States::blocking).map_err(nothing_sent)
}

/// Connects to a Redis Cluster by any of its nodes.
///
/// Redirections are followed, also during slot migration. A request without a reply is resent only
/// if that is safe, as on any other connection: see [`States::send`](crate::States::send). A
/// cluster connection of redis-rs alone works too, but resends every command by itself: then give
/// each write an ID, or build it with `retries(0)`.
///
/// A user needs permission to run CLUSTER SLOTS; for [`sync_schemas`](crate::States::sync_schemas)
/// CLUSTER NODES as well.
///
/// Errors as [`connect`].
///
/// ```
/// # support::example_cluster(async |nodes| {
/// use redis_state_client::{Change, connect_cluster};
/// use serde_json::{Value, json};
///
/// let mut states = connect_cluster(nodes.to_vec()).await?;
/// // Each on its own node, as their names fall.
/// for key in ["offer:7d1f", "offer:91c2", "offer:a0b3"] {
///     states.create(key, Change::merge(&json!({"amount": 5}))?).await?;
///     let raised =
///         states.update_with(key, |_: &Value| Change::merge(&json!({"amount": 6}))).await?;
///     assert_eq!(raised.etag.version, 2);
/// }
/// # Ok(()) });
/// ```
#[cfg(feature = "cluster")]
pub async fn connect_cluster<U: redis::IntoConnectionInfo>(
    nodes: impl IntoIterator<Item = U>,
) -> Result<crate::States<crate::Async<crate::Redirecting>>> {
    choose_cryptography();
    let connection = crate::Redirecting::open(nodes).await;
    connection.map(crate::States::new).map_err(nothing_sent)
}

/// Connects to the primary that sentinels name, by a connection that asks them again after a
/// failure: after a failover it leads to the new primary.
///
/// `sentinels` are the URLs of one or more of them; `name` is their name of the primary. The first
/// URL also decides TLS, user, password and database for the servers. If servers and sentinels have
/// different passwords, use [`connect_sentinel_as`].
///
/// Errors as [`connect`]; [`Unavailable`](crate::ErrorKind::Unavailable) if no sentinel knows a
/// primary of that name.
///
/// ```no_run
/// # async fn example() -> redis_state_client::Result<()> {
/// let sentinels = ["redis://10.0.0.1:26379", "redis://10.0.0.2:26379", "redis://10.0.0.3:26379"];
/// let mut states = redis_state_client::connect_sentinel(sentinels, "states").await?;
/// assert!(states.meta("channel:+263771234567").await?.is_none());
/// # Ok(()) }
/// ```
#[cfg(feature = "sentinel")]
pub async fn connect_sentinel<U: redis::IntoConnectionInfo>(
    sentinels: impl IntoIterator<Item = U>,
    name: &str,
) -> Result<crate::States<crate::Async<crate::Watched>>> {
    connect_by_sentinels(sentinels, name, None).await
}

/// Connects as [`connect_sentinel`], with other credentials for the servers: those in the URLs are
/// for the sentinels only.
///
/// ```no_run
/// # async fn example(password: &str) -> redis_state_client::Result<()> {
/// use redis_state_client::{connect_sentinel_as, redis::RedisConnectionInfo};
///
/// let bot = RedisConnectionInfo::default().set_username("bot").set_password(password);
/// let sentinels = ["redis://10.0.0.1:26379", "redis://10.0.0.2:26379", "redis://10.0.0.3:26379"];
/// let mut states = connect_sentinel_as(sentinels, "states", bot).await?;
/// assert!(states.meta("channel:+263771234567").await?.is_none());
/// # Ok(()) }
/// ```
#[cfg(feature = "sentinel")]
pub async fn connect_sentinel_as<U: redis::IntoConnectionInfo>(
    sentinels: impl IntoIterator<Item = U>,
    name: &str,
    servers: redis::RedisConnectionInfo,
) -> Result<crate::States<crate::Async<crate::Watched>>> {
    connect_by_sentinels(sentinels, name, Some(servers)).await
}

#[cfg(feature = "sentinel")]
async fn connect_by_sentinels<U: redis::IntoConnectionInfo>(
    sentinels: impl IntoIterator<Item = U>,
    name: &str,
    servers: Option<redis::RedisConnectionInfo>,
) -> Result<crate::States<crate::Async<crate::Watched>>> {
    choose_cryptography();
    let sentinels = sentinels.into_iter().map(redis::IntoConnectionInfo::into_connection_info);
    let sentinels: Vec<redis::ConnectionInfo> = sentinels.collect::<Result<_, _>>().map_err(nothing_sent)?;
    let connection = crate::Watched::connect(sentinels, name, servers).await;
    connection.map(crate::States::new).map_err(nothing_sent)
}

/// A client for a URL, not connected yet.
#[cfg(any(feature = "tokio", feature = "sync"))]
pub(crate) fn client(url: &str) -> Result<redis::Client> {
    choose_cryptography();
    redis::Client::open(url).map_err(|error| {
        let text = if cfg!(not(feature = "tls")) && url.trim_start().starts_with("rediss") {
            "rediss:// is TLS: enable the feature `tls` of redis-state-client".to_owned()
        } else {
            format!("not the URL of a server: {error}")
        };
        Error::new(ErrorKind::Usage, text)
    })
}

/// rustls uses the cryptography that the program has installed, and panics if two kinds are
/// compiled in and none is installed. So ring is installed, unless the program has chosen before.
#[cfg(any(feature = "tokio", feature = "sync"))]
fn choose_cryptography() {
    #[cfg(feature = "tls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _chosen_meanwhile = rustls::crypto::ring::default_provider().install_default();
    }
}

/// The configuration of an async connection with this response timeout.
#[cfg(feature = "tokio")]
pub(crate) fn config_for(response_timeout: Duration) -> redis::AsyncConnectionConfig {
    redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_response_timeout(Some(response_timeout))
}

/// An error while connecting: nothing was executed.
#[cfg(any(feature = "tokio", feature = "sync"))]
fn nothing_sent(error: redis::RedisError) -> Error {
    Error::redis(error, Resend::Safe)
}
