//! One type for each command: a builder of its command line, and the type of its reply.
//!
//! A request does no I/O. So one definition serves blocking connections, async ones, pipelines, and
//! programs that send commands by other means; [`States`](crate::States) adds retries and typed
//! documents.

#[macro_use]
mod builder;

pub mod attempt;
pub mod delete;
pub mod get;
pub mod history;
pub mod line;
pub mod meta;
pub mod recover;
pub mod reset;
pub mod rollback;
pub mod schema;
pub mod touch;
pub mod wait;
pub mod write;

#[cfg(any(feature = "tokio", feature = "sync"))]
use redis::RedisResult;
use redis::{Cmd, FromRedisValue, Value};

#[cfg(any(feature = "tokio", feature = "sync"))]
use crate::{
    decode,
    error::{Error, Result},
};
use line::CommandLine;

/// A command with its arguments, and the type of its reply.
///
/// [`States::send`](crate::States::send) is the usual way to send one. A connection of redis-rs
/// alone works too, and a pipeline of redis-rs takes [`command`](Request::command) and returns the
/// reply:
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Meta, Request, redis};
///
/// let client = redis::Client::open(url)?;
/// let mut connection = client.get_multiplexed_async_connection().await?;
/// assert!(Meta::new("channel:+263771234567").query_async(&mut connection).await?.is_none());
/// # Ok(()) });
/// ```
pub trait Request: Send + Sync {
    /// The reply of the command.
    type Reply: FromRedisValue + Send;

    /// The command with its arguments.
    fn line(&self) -> &CommandLine;

    /// The command's name, such as `STATE.GET`.
    fn name(&self) -> &'static str {
        self.line().name()
    }

    /// The command, for redis-rs.
    fn command(&self) -> Cmd {
        self.line().command()
    }

    /// Sends the command over a blocking connection, once.
    #[cfg(feature = "sync")]
    fn query(&self, connection: &mut dyn redis::ConnectionLike) -> Result<Self::Reply> {
        decoded(self, connection.req_command(&self.command()))
    }

    /// Sends the command over an async connection, once.
    #[cfg(feature = "tokio")]
    fn query_async<C: redis::aio::ConnectionLike + Send>(
        &self,
        connection: &mut C,
    ) -> impl Future<Output = Result<Self::Reply>> + Send {
        async move { decoded(self, connection.req_packed_command(&self.command()).await) }
    }
}

#[cfg(any(feature = "tokio", feature = "sync"))]
fn decoded<R: Request + ?Sized>(request: &R, reply: RedisResult<Value>) -> Result<R::Reply> {
    let reply = reply.and_then(Value::extract_error);
    decode::value(reply.map_err(|error| Error::redis(error, request.line().resend()))?)
}

/// The reply is not decoded.
impl Request for CommandLine {
    type Reply = Value;

    fn line(&self) -> &CommandLine {
        self
    }
}
