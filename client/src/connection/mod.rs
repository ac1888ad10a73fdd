//! Connections with timeouts, which reconnect, so that safe requests can be resent.

pub mod address;
#[cfg(feature = "tokio")]
pub mod dedicated;
#[cfg(feature = "sync")]
pub mod reconnecting;
#[cfg(feature = "cluster")]
pub mod redirecting;
#[cfg(feature = "sentinel")]
pub mod watched;

#[cfg(any(feature = "tokio", feature = "sync"))]
use crate::{
    error::{Error, Result},
    resend::Resend,
    states::States,
};

/// Connects to a server, by a connection that can be cloned for each task and that reconnects by
/// itself.
///
/// Errors: [`Usage`](crate::ErrorKind::Usage) for an invalid URL,
/// [`Connection`](crate::ErrorKind::Connection) if no server answers.
#[cfg(feature = "tokio")]
pub async fn connect(url: &str) -> Result<States<crate::Async<redis::aio::ConnectionManager>>> {
    let config = redis::aio::ConnectionManagerConfig::new()
        .set_connection_timeout(Some(address::CONNECTION_TIMEOUT))
        .set_response_timeout(Some(address::RESPONSE_TIMEOUT));
    let manager = redis::aio::ConnectionManager::new_with_config(address::client(url)?, config).await;
    Ok(States::new(manager.map_err(nothing_sent)?))
}

/// Connects to a server, by a blocking connection that reconnects after a failure.
///
/// Errors as [`connect`].
#[cfg(feature = "sync")]
pub fn connect_blocking(url: &str) -> Result<States<crate::Blocking<reconnecting::Reconnecting>>> {
    let connection = reconnecting::Reconnecting::open(address::client(url)?);
    connection.map(States::blocking).map_err(nothing_sent)
}

/// Connects to a Redis Cluster by any of its nodes.
///
/// Redirections are followed, also during slot migration. A request without a reply is resent only
/// if that is safe, as on any other connection: see [`States::send`]. A cluster connection of
/// redis-rs alone works too, but resends every command by itself: then give each write an ID, or
/// build it with `retries(0)`.
///
/// A user needs permission to run CLUSTER SLOTS; for [`sync_schemas`](States::sync_schemas) CLUSTER
/// NODES as well.
///
/// Errors as [`connect`].
///
/// ```
/// # support::example_cluster(async |nodes| {
/// use redis_state_client::{Change, connect_cluster};
/// use serde_json::json;
///
/// let mut states = connect_cluster(nodes.to_vec()).await?;
/// // Each on its own node, as their names fall.
/// for key in ["offer:7d1f", "offer:91c2", "offer:a0b3"] {
///     states.create(key, Change::merge(&json!({"amount": 5}))?).await?;
/// }
/// # Ok(()) });
/// ```
#[cfg(feature = "cluster")]
pub async fn connect_cluster<U: redis::IntoConnectionInfo>(
    nodes: impl IntoIterator<Item = U>,
) -> Result<States<crate::Async<redirecting::Redirecting>>> {
    address::choose_cryptography();
    let connection = redirecting::Redirecting::open(nodes).await;
    connection.map(States::new).map_err(nothing_sent)
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
) -> Result<States<crate::Async<watched::Watched>>> {
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
/// let mut states = connect_sentinel_as(["redis://10.0.0.1:26379"], "states", bot).await?;
/// # Ok(()) }
/// ```
#[cfg(feature = "sentinel")]
pub async fn connect_sentinel_as<U: redis::IntoConnectionInfo>(
    sentinels: impl IntoIterator<Item = U>,
    name: &str,
    servers: redis::RedisConnectionInfo,
) -> Result<States<crate::Async<watched::Watched>>> {
    connect_by_sentinels(sentinels, name, Some(servers)).await
}

#[cfg(feature = "sentinel")]
async fn connect_by_sentinels<U: redis::IntoConnectionInfo>(
    sentinels: impl IntoIterator<Item = U>,
    name: &str,
    servers: Option<redis::RedisConnectionInfo>,
) -> Result<States<crate::Async<watched::Watched>>> {
    address::choose_cryptography();
    let sentinels = sentinels.into_iter().map(redis::IntoConnectionInfo::into_connection_info);
    let sentinels: Vec<redis::ConnectionInfo> = sentinels.collect::<Result<_, _>>().map_err(nothing_sent)?;
    let connection = watched::Watched::connect(sentinels, name, servers).await;
    connection.map(States::new).map_err(nothing_sent)
}

/// An error while connecting: nothing was executed.
#[cfg(any(feature = "tokio", feature = "sync"))]
fn nothing_sent(error: redis::RedisError) -> Error {
    Error::redis(error, Resend::Safe)
}
