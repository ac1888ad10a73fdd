//! Decodes redis-rs values to the replies of this crate: RESP2, where a map is a flat array, and
//! RESP3.

use redis::{FromRedisValue, Value};
use redis_state_types::Etag;

use crate::error::{Error, Result};

/// Any value that redis-rs can decode.
pub(crate) fn value<T: FromRedisValue>(value: Value) -> Result<T> {
    redis::from_redis_value(value).map_err(|error| Error::unexpected(format!("unexpected reply: {error}")))
}

/// An etag.
pub(crate) fn etag(reply: Value) -> Result<Etag> {
    let text: String = value(reply)?;
    Etag::parse(&text).ok_or_else(|| Error::unexpected(format!("the reply is not an etag: {text:?}")))
}

/// A non-negative integer.
pub(crate) fn number(reply: Value) -> Result<u64> {
    value(reply)
}

/// The items of an array; `None` for nil.
pub(crate) fn array(reply: Value) -> Result<Option<Vec<Value>>> {
    match reply {
        Value::Nil => Ok(None),
        Value::Array(items) => Ok(Some(items)),
        other => Err(Error::unexpected(format!("expected an array, the reply is {}", kind(&other)))),
    }
}

/// The fields of a map.
pub(crate) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// `None` for nil.
    pub(crate) fn of(reply: Value) -> Result<Option<Fields>> {
        if reply == Value::Nil {
            return Ok(None);
        }
        let shown = kind(&reply);
        let pairs = reply
            .into_map_iter()
            .map_err(|_| Error::unexpected(format!("expected a map, the reply is {shown}")))?;
        pairs
            .map(|(name, field)| Ok((value(name)?, field)))
            .collect::<Result<_>>()
            .map(|fields| Some(Fields(fields)))
    }

    /// A required map.
    pub(crate) fn required(reply: Value) -> Result<Fields> {
        Fields::of(reply)?.ok_or_else(|| Error::unexpected("expected a map, the reply is nil"))
    }

    /// Takes the value of a field; nil if it is missing.
    pub(crate) fn take(&mut self, name: &str) -> Value {
        let found = self.0.iter_mut().find(|(field, _)| field == name);
        found.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }

    /// As [`Fields::take`], decoded.
    pub(crate) fn read<T: FromRedisValue>(&mut self, name: &str) -> Result<T> {
        value(self.take(name)).map_err(|error| Error::unexpected(format!("{name}: {error}")))
    }

    pub(crate) fn into_pairs(self) -> Vec<(String, Value)> {
        self.0
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Int(_) => "an integer",
        Value::BulkString(_) | Value::SimpleString(_) | Value::Okay | Value::VerbatimString { .. } => "text",
        Value::Array(_) | Value::Set(_) => "an array",
        Value::Map(_) => "a map",
        _ => "something else",
    }
}
