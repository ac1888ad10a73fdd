//! Finding the server, and connections whose times are set on purpose.
//!
//! redis-rs waits half a second for an answer unless told otherwise, which a server that saves or a
//! network that hiccups exceeds; and a blocking connection waits for ever. Here both have their
//! figures, and both connect again by themselves: so what is safe to send again is sent again.

use std::time::Duration;

#[cfg(any(feature = "tokio", feature = "sync"))]
use crate::{
    error::{Error, ErrorKind, Result},
    request::Resend,
};

/// The environment variable that names the Redis instance of the states, apart from the cache.
///
/// For an example see [`url`](crate::url).
pub const URL_VARIABLE: &str = "REDIS_STATE_URL";

/// Where `make run` puts the server when nothing else is said.
///
/// For an example see [`url`](crate::url).
pub const URL_DEFAULT: &str = "redis://127.0.0.1:6379/0";

/// How long connecting may take.
///
/// For an example see [`connect`](crate::connect).
pub const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);

/// How long an answer may take.
///
/// For an example see [`connect`](crate::connect).
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The address of the state server: [`URL_VARIABLE`] if it is set to something, else
/// [`URL_DEFAULT`].
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

/// Connects to a server, by a connection that can be cloned for each task and that connects again
/// by itself.
///
/// Errors: [`Usage`](crate::ErrorKind::Usage) for an address that is none,
/// [`Connection`](crate::ErrorKind::Connection) when no server answers.
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
    crate::Reconnecting::open(client(url)?).map(crate::States::blocking).map_err(nothing_sent)
}

/// Connects to a Redis Cluster by any of its nodes.
///
/// Redirections are followed, also while slots move. What got no answer is sent again only when
/// that is safe, as on any other connection: see [`States::send`](crate::States::send). A cluster
/// connection that is made by redis-rs alone works too, and sends again by itself whatever the
/// command is: give each write an ID then, or build it with `retries(0)`.
///
/// A user needs the right to CLUSTER SLOTS; for [`sync_schemas`](crate::States::sync_schemas) to
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
///     let raised = states.update_with(key, |_: &Value| Change::merge(&json!({"amount": 6}))).await?;
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

/// Connects to the primary that sentinels name, by a connection that asks them again when it has
/// broken: after a failover it leads to the new primary.
///
/// `sentinels` are their addresses, any number of them; `name` is their name for the primary. The
/// servers are reached as the first of these addresses says: by TLS or not, with its user, password
/// and database. Where servers and sentinels have different passwords, use [`connect_sentinel_as`].
///
/// Errors as [`connect`]; [`Unavailable`](crate::ErrorKind::Unavailable) when no sentinel knows a
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

/// Connects as [`connect_sentinel`], with credentials for the servers that are not those of the
/// sentinels: what the addresses of the sentinels say is for the sentinels.
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

/// A client for an address; nothing is connected yet.
#[cfg(any(feature = "tokio", feature = "sync"))]
pub(crate) fn client(url: &str) -> Result<redis::Client> {
    choose_cryptography();
    redis::Client::open(url).map_err(|error| {
        let text = if cfg!(not(feature = "tls")) && url.trim_start().starts_with("rediss") {
            "rediss:// is TLS: enable the feature `tls` of redis-state-client".to_owned()
        } else {
            format!("not the address of a server: {error}")
        };
        Error::new(ErrorKind::Usage, text)
    })
}

/// rustls uses the cryptography that the program has chosen, and panics where two kinds are
/// compiled in and none is chosen. So ring is, unless the program has made its choice before it
/// connects.
#[cfg(any(feature = "tokio", feature = "sync"))]
fn choose_cryptography() {
    #[cfg(feature = "tls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _chosen_meanwhile = rustls::crypto::ring::default_provider().install_default();
    }
}

/// The times of an async connection whose answers may take this long.
#[cfg(feature = "tokio")]
pub(crate) fn config_for(response_timeout: Duration) -> redis::AsyncConnectionConfig {
    redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_response_timeout(Some(response_timeout))
}

/// While connecting nothing is executed.
#[cfg(any(feature = "tokio", feature = "sync"))]
fn nothing_sent(error: redis::RedisError) -> Error {
    Error::redis(error, Resend::Safe)
}
