//! The keys of the old bot: plain strings, read one by one, since in a cluster they lie in
//! different slots.

use redis_state_client::redis::{self, Cmd, Value};
use redis_state_client::{Driver, Error, ErrorKind, Request, Resend, Result, States};

/// A command of Redis itself on one key, and on a second one in the same slot. Each is harmless a
/// second time.
struct Plain<'a> {
    name: &'static str,
    keys: Vec<&'a str>,
}

impl Request for Plain<'_> {
    type Reply = Value;

    fn name(&self) -> &'static str {
        self.name
    }

    fn key(&self) -> Option<&str> {
        self.keys.first().copied()
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd(self.name);
        command.arg(&self.keys);
        command
    }

    fn reply(&self, value: Value) -> Result<Value> {
        Ok(value)
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// A string as it was found.
pub(super) struct Source {
    pub(super) key: String,
    pub(super) text: String,
    /// Unix milliseconds; `None` for never.
    pub(super) expires_at_ms: Option<i64>,
}

/// The string at a key; `None` where nothing is.
pub(super) async fn read<D: Driver>(states: &mut States<D>, key: &str) -> Result<Option<Source>> {
    let found = plain(states, "GET", &[key]).await.map_err(|error| at(key, error))?;
    if found == Value::Nil {
        return Ok(None);
    }
    let bytes: Vec<u8> = reply(found)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::new(ErrorKind::BadJson, format!("BADJSON {key}: what is there is no UTF-8")))?;
    // It may have gone since: then it has no expiry of its own any more, and what was read still
    // counts.
    let expires_at: i64 = reply(plain(states, "PEXPIRETIME", &[key]).await?)?;
    Ok(Some(Source { key: key.to_owned(), text, expires_at_ms: (expires_at > 0).then_some(expires_at) }))
}

/// Renames a key, unless the new name is taken. The caller looks at both afterwards: another run
/// may have done it.
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

async fn plain<D: Driver>(states: &mut States<D>, name: &'static str, keys: &[&str]) -> Result<Value> {
    D::resolve(states.send(&Plain { name, keys: keys.to_vec() })).await
}

/// What redis-rs makes of a reply.
fn reply<T: redis::FromRedisValue>(value: Value) -> Result<T> {
    redis::from_redis_value(value).map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))
}

/// Of five keys, which one.
fn at(key: &str, error: Error) -> Error {
    match error.kind() {
        ErrorKind::WrongType => Error::new(ErrorKind::WrongType, format!("WRONGTYPE {key} holds no string")),
        _ => error,
    }
}
