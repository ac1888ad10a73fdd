//! An async connection of one owner, for requests that wait: what a shared one is no good for.
//!
//! On a multiplexed connection a request that waits keeps all others waiting, and redis-rs takes
//! the wait for a server that does not answer. So a request that waits has a connection of its own,
//! and its response timeout is above the longest wait. redis-rs's managed connection was rejected:
//! a wait that its caller has given up would go on in it, and the next request stand behind it.
//! Here a connection goes with the request that was given up.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, RedisFuture, RedisResult, Value};
use std::time::Duration;

use crate::connect::{RESPONSE_TIMEOUT, client, config_for};
use crate::error::{Error, Result};
use crate::resend::Resend;

/// How long a single request waits at the server. Longer waits are several requests, so that a
/// server that is gone is noticed in this time and [`RESPONSE_TIMEOUT`] together.
///
/// For an example see [`Watch`](crate::Watch).
pub const WAIT_MAX: Duration = Duration::from_secs(5);

/// An async connection that is not shared, for requests that wait up to [`WAIT_MAX`]. It is
/// replaced by a fresh one, at the next request, when it has broken or its last request was given
/// up. It sends nothing twice.
///
/// For an example see [`Watch`](crate::Watch).
pub struct Dedicated {
    client: Client,
    config: AsyncConnectionConfig,
    connection: Option<MultiplexedConnection>,
}

impl Dedicated {
    /// Connects. Errors as [`connect`](crate::connect).
    pub async fn open(url: &str) -> Result<Dedicated> {
        let client = client(url)?;
        let config = config_for(WAIT_MAX + RESPONSE_TIMEOUT);
        let mut opened = Dedicated { client, config, connection: None };
        let connection = opened.take().await.map_err(|error| Error::redis(error, Resend::Safe))?;
        opened.connection = Some(connection);
        Ok(opened)
    }

    /// Whether the connection of the last request is still there: if not, the next one goes over a
    /// new one.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    async fn take(&mut self) -> RedisResult<MultiplexedConnection> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.client.get_multiplexed_async_connection_with_config(&self.config).await,
        }
    }

    /// After an error of the connection a late answer may still come.
    fn put_back<T>(&mut self, connection: MultiplexedConnection, result: &RedisResult<T>) {
        let broken =
            result.as_ref().is_err_and(|error| error.is_io_error() || error.is_unrecoverable_error());
        self.connection = (!broken).then_some(connection);
    }
}

impl ConnectionLike for Dedicated {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let mut connection = self.take().await?;
            let result = connection.req_packed_command(command).await;
            self.put_back(connection, &result);
            result
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let mut connection = self.take().await?;
            let result = connection.req_packed_commands(pipeline, offset, count).await;
            self.put_back(connection, &result);
            result
        })
    }

    fn get_db(&self) -> i64 {
        self.client.get_connection_info().redis_settings().db()
    }
}

impl std::fmt::Debug for Dedicated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dedicated").field("open", &self.is_open()).finish_non_exhaustive()
    }
}
