//! One type for each command: a builder of its arguments, and the parser of its reply.
//!
//! A request does no I/O. So one definition serves blocking connections, async ones, pipelines, and
//! programs that send commands by other means; [`States`](crate::States) adds retries and typed
//! documents.

#[macro_use]
mod options;

mod attempt;
mod delete;
mod get;
mod history;
mod meta;
mod recover;
mod reset;
mod rollback;
mod schema;
mod touch;
mod wait;
mod write;

use redis::{Cmd, Value};

use crate::error::Result;

pub use crate::resend::Resend;

pub use attempt::{Attempt, AttemptCounts, Attempted, Attempts, Tally, Try};
pub use delete::Delete;
pub use get::{Found, Get};
pub use history::{Diff, History, Version};
pub use meta::{Meta, Metadata};
pub(crate) use options::{Options, milliseconds};
pub use recover::{Recover, Recovered, Tried};
pub use reset::Reset;
pub use rollback::Rollback;
pub use schema::{
    SchemaBind, SchemaDel, SchemaGet, SchemaInfo, SchemaList, SchemaSet, SchemaUnbind, Validate,
};
pub use touch::Touch;
pub use wait::Wait;
pub(crate) use write::verb;
pub use write::{Committed, SetProtected, Update, Verb, Write};

/// A command with its arguments, and the decoder of its reply.
///
/// [`States::send`](crate::States::send) is the usual way to send one. A connection of redis-rs
/// alone works too:
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
    type Reply: Send;

    /// The command's name, such as `STATE.GET`.
    fn name(&self) -> &'static str;

    /// The command's key; `None` for a command about schemas.
    fn key(&self) -> Option<&str>;

    /// The command line.
    fn command(&self) -> Cmd;

    /// Decodes the reply, for example of a pipeline.
    ///
    /// Errors: [`Unexpected`](crate::ErrorKind::Unexpected) for a reply of another shape.
    fn reply(&self, value: Value) -> Result<Self::Reply>;

    /// Whether it may be resent without a reply.
    fn resend(&self) -> Resend;

    /// Sends the command over a blocking connection, once.
    #[cfg(feature = "sync")]
    fn query(&self, connection: &mut dyn redis::ConnectionLike) -> Result<Self::Reply> {
        let value = connection.req_command(&self.command()).and_then(Value::extract_error);
        self.reply(value.map_err(|error| crate::Error::redis(error, self.resend()))?)
    }

    /// Sends the command over an async connection, once.
    #[cfg(feature = "tokio")]
    fn query_async<C: redis::aio::ConnectionLike + Send>(
        &self,
        connection: &mut C,
    ) -> impl Future<Output = Result<Self::Reply>> + Send {
        async move {
            let command = self.command();
            let value = connection.req_packed_command(&command).await.and_then(Value::extract_error);
            self.reply(value.map_err(|error| crate::Error::redis(error, self.resend()))?)
        }
    }
}
