//! The keys of the old bot: plain strings, read one by one, because they have different slots in a
//! cluster.

use redis_state_client::redis::{self, Value};
use redis_state_client::{CommandLine, Driver, Error, ErrorKind, Resend, Result, States};

/// A string of the old bot.
pub(super) struct Source {
    pub(super) key: String,
    pub(super) text: String,
    /// Unix milliseconds; `None` for none.
    pub(super) expires_at_ms: Option<i64>,
}

/// The string at a key; `None` if there is none.
pub(super) async fn read<D: Driver>(states: &mut States<D>, key: &str) -> Result<Option<Source>> {
    let found = plain(states, "GET", &[key]).await.map_err(|error| at(key, error))?;
    if found == Value::Nil {
        return Ok(None);
    }
    let bytes: Vec<u8> = reply(found)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::new(ErrorKind::BadJson, format!("BADJSON {key}: the value is not UTF-8")))?;
    // It may have expired since: then it has no expiry, and the text that was read is still used.
    let expires_at: i64 = reply(plain(states, "PEXPIRETIME", &[key]).await?)?;
    Ok(Some(Source { key: key.to_owned(), text, expires_at_ms: (expires_at > 0).then_some(expires_at) }))
}

/// Renames a key, unless the new name is taken. The caller checks both afterwards: another run may
/// have renamed it.
pub(super) async fn rename<D: Driver>(states: &mut States<D>, from: &str, to: &str) -> Result<()> {
    match plain(states, "RENAMENX", &[from, to]).await {
        Ok(_) => Ok(()),
        Err(error) if error.to_string().contains("no such key") => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) async fn remove<D: Driver>(states: &mut States<D>, key: &str) -> Result<()> {
    plain(states, "DEL", &[key]).await.map(drop)
}

/// A command of Redis itself on one key, or on two in the same slot. Each may be resent.
async fn plain<D: Driver>(states: &mut States<D>, name: &'static str, keys: &[&str]) -> Result<Value> {
    D::resolve(states.send(&CommandLine::new(name, Resend::Safe).arg(keys))).await
}

/// Converts a reply by redis-rs.
fn reply<T: redis::FromRedisValue>(value: Value) -> Result<T> {
    redis::from_redis_value(value).map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))
}

/// Names the key of an error.
fn at(key: &str, error: Error) -> Error {
    match error.kind() {
        ErrorKind::WrongType => Error::new(ErrorKind::WrongType, format!("WRONGTYPE {key} holds no string")),
        _ => error,
    }
}
