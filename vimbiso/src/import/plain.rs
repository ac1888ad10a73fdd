//! Commands of Redis itself, for which the client has no requests. Each may be resent.

use redis_state_client::redis::{self, Value};
use redis_state_client::{CommandLine, Driver, Error, ErrorKind, Resend, Result, States};

/// Sends a command on keys, which have one slot.
pub(super) async fn on_keys<D: Driver>(
    states: &mut States<D>,
    name: &'static str,
    keys: &[&str],
) -> Result<Value> {
    D::resolve(states.send(&CommandLine::new(name, Resend::Safe).arg(keys))).await
}

/// Sends a command about the server, and converts its reply.
pub(super) async fn on_server<D: Driver, T: redis::FromRedisValue>(
    states: &mut States<D>,
    name: &'static str,
    words: &[&str],
) -> Result<T> {
    reply(on_keys(states, name, words).await?)
}

/// Converts a reply by redis-rs.
pub(super) fn reply<T: redis::FromRedisValue>(value: Value) -> Result<T> {
    redis::from_redis_value(value).map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))
}
