//! An async connection of one owner, for blocking requests.
//!
//! On a multiplexed connection a blocking request delays all others, and redis-rs takes the block
//! for an unresponsive server. So a blocking request has its own connection, whose response timeout
//! is above the longest block. Not redis-rs's managed connection: a cancelled request would stay in
//! it and block the next one. Here a cancelled request closes its connection.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Client, Cmd, Pipeline, RedisFuture, RedisResult, Value};

use super::address::{RESPONSE_TIMEOUT, client, config_for};
use crate::error::{Error, Result};
use crate::resend::Resend;

/// How long a single request blocks at the server. Longer waits are several requests, so that a
/// dead server is noticed after this time plus [`RESPONSE_TIMEOUT`].
pub const WAIT_MAX: Duration = Duration::from_secs(5);

/// An unshared async connection, for requests that block up to [`WAIT_MAX`]. After a failure or a
/// cancelled request, the next request opens a new one. It never resends.
pub struct Dedicated {
    client: Client,
    connection: Option<MultiplexedConnection>,
}

impl Dedicated {
    /// Connects. Errors as [`connect`](crate::connect).
    pub async fn open(url: &str) -> Result<Dedicated> {
        let mut opened = Dedicated { client: client(url)?, connection: None };
        let connection = opened.take().await.map_err(|error| Error::redis(error, Resend::Safe))?;
        opened.connection = Some(connection);
        Ok(opened)
    }

    /// Whether the connection of the last request is still open; if not, the next one opens a new
    /// one.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    async fn take(&mut self) -> RedisResult<MultiplexedConnection> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let config = config_for(WAIT_MAX + RESPONSE_TIMEOUT);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// After an error of the connection a late reply may still come.
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
