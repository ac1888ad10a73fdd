//! A blocking connection that reconnects after a failure, which redis-rs has for async ones only.
//!
//! Not only by a pool (r2d2): a bot with one thread does not need one.

use redis::{Cmd, Connection, ConnectionLike, RedisResult, Value};

use super::address::{CONNECTION_TIMEOUT, RESPONSE_TIMEOUT};

/// A blocking connection that the next command replaces after a failure or a timeout. It never
/// resends: [`States`](crate::States) decides about that.
pub struct Reconnecting {
    client: redis::Client,
    connection: Option<Connection>,
}

impl Reconnecting {
    /// Connects, with [`CONNECTION_TIMEOUT`] and [`RESPONSE_TIMEOUT`].
    pub fn open(client: redis::Client) -> RedisResult<Reconnecting> {
        let mut opened = Reconnecting { client, connection: None };
        opened.connection()?;
        Ok(opened)
    }

    fn connection(&mut self) -> RedisResult<&mut Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connection = self.client.get_connection_with_timeout(CONNECTION_TIMEOUT)?;
                connection.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
                connection.set_write_timeout(Some(RESPONSE_TIMEOUT))?;
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// After an error of the connection a late reply may still come, and would be taken for the
    /// next command's.
    fn used<T>(&mut self, result: RedisResult<T>) -> RedisResult<T> {
        if result.as_ref().is_err_and(|error| error.is_io_error() || error.is_unrecoverable_error()) {
            self.connection = None;
        }
        result
    }
}

impl ConnectionLike for Reconnecting {
    fn req_command(&mut self, command: &Cmd) -> RedisResult<Value> {
        let result = self.connection()?.req_command(command);
        self.used(result)
    }

    fn req_packed_command(&mut self, command: &[u8]) -> RedisResult<Value> {
        let result = self.connection()?.req_packed_command(command);
        self.used(result)
    }

    fn req_packed_commands(
        &mut self,
        commands: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let result = self.connection()?.req_packed_commands(commands, offset, count);
        self.used(result)
    }

    fn get_db(&self) -> i64 {
        self.client.get_connection_info().redis_settings().db()
    }

    fn check_connection(&mut self) -> bool {
        self.connection().is_ok_and(ConnectionLike::check_connection)
    }

    fn is_open(&self) -> bool {
        self.connection.as_ref().is_some_and(ConnectionLike::is_open)
    }
}

impl std::fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconnecting").field("open", &self.is_open()).finish_non_exhaustive()
    }
}
