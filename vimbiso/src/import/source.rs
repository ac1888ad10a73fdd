//! The strings of the old bots: read, renamed, deleted.

use redis_state_client::redis::Value;
use redis_state_client::{Driver, Error, ErrorKind, Result, States};

use super::plain::{on_keys, reply};
use super::value;

/// A string of the old bot.
pub(super) struct Source {
    pub(super) key: String,
    pub(super) text: String,
    /// Unix milliseconds; `None` for none.
    pub(super) expires_at_ms: Option<i64>,
}

/// The string at a key; `None` if there is none.
pub(super) async fn read<D: Driver>(states: &mut States<D>, key: &str) -> Result<Option<Source>> {
    let found = on_keys(states, "GET", &[key]).await.map_err(|error| at(key, error))?;
    if found == Value::Nil {
        return Ok(None);
    }
    let text = value::text(key, reply(found)?)?;
    // It may have expired since: then it has no expiry, and the text that was read is still used.
    let expires_at: i64 = reply(on_keys(states, "PEXPIRETIME", &[key]).await?)?;
    Ok(Some(Source { key: key.to_owned(), text, expires_at_ms: (expires_at > 0).then_some(expires_at) }))
}

/// Renames a key, unless the new name is taken. The caller checks both afterwards: another run may
/// have renamed it.
pub(super) async fn rename<D: Driver>(states: &mut States<D>, from: &str, to: &str) -> Result<()> {
    match on_keys(states, "RENAMENX", &[from, to]).await {
        Ok(_) => Ok(()),
        Err(error) if error.to_string().contains("no such key") => Ok(()),
        Err(error) => Err(error),
    }
}

/// Deletes keys together, so that a killed run leaves no part of a user; in a cluster, where they
/// have different slots, one by one.
pub(super) async fn remove<D: Driver>(states: &mut States<D>, keys: &[&str]) -> Result<()> {
    match on_keys(states, "DEL", keys).await {
        Err(error) if error.to_string().contains("CROSSSLOT") => {
            for key in keys {
                on_keys(states, "DEL", &[key]).await?;
            }
            Ok(())
        }
        answer => answer.map(drop),
    }
}

/// Names the key of an error.
fn at(key: &str, error: Error) -> Error {
    match error.kind() {
        ErrorKind::WrongType => Error::new(ErrorKind::WrongType, format!("WRONGTYPE {key} holds no string")),
        _ => error,
    }
}
