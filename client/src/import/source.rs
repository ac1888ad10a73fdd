//! The keys of the old bot: plain strings, read one by one, since in a cluster they lie in different slots.

use redis::{Cmd, Value};

use crate::decode;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind, Result};
use crate::request::{Request, Resend};
use crate::states::States;

/// A command of Redis itself on one key, and on a second one in the same slot. Each is harmless a second time.
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

impl<D: Driver> States<D> {
    /// The string at a key; `None` where nothing is.
    pub(super) async fn source(&mut self, key: &str) -> Result<Option<Source>> {
        let found = self.plain("GET", &[key]).await.map_err(|error| at(key, error))?;
        if found == Value::Nil {
            return Ok(None);
        }
        let bytes: Vec<u8> = decode::value(found)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Error::new(ErrorKind::BadJson, format!("BADJSON {key}: what is there is no UTF-8"))
        })?;
        // It may have gone since: then it has no expiry of its own any more, and what was read still counts.
        let expires_at: i64 = decode::value(self.plain("PEXPIRETIME", &[key]).await?)?;
        Ok(Some(Source { key: key.to_owned(), text, expires_at_ms: (expires_at > 0).then_some(expires_at) }))
    }

    /// Gives a key another name, unless that is taken. Whoever asks looks at both afterwards: somebody else may have done it.
    pub(super) async fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        match self.plain("RENAMENX", &[from, to]).await {
            Ok(_) => Ok(()),
            Err(error) if error.to_string().contains("no such key") => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn remove(&mut self, key: &str) -> Result<()> {
        self.plain("DEL", &[key]).await.map(drop)
    }

    async fn plain(&mut self, name: &'static str, keys: &[&str]) -> Result<Value> {
        self.exchange(&Plain { name, keys: keys.to_vec() }).await
    }
}

/// Of five keys, which one.
fn at(key: &str, error: Error) -> Error {
    match error.kind() {
        ErrorKind::WrongType => Error::new(ErrorKind::WrongType, format!("WRONGTYPE {key} holds no string")),
        _ => error,
    }
}
