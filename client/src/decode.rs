//! Decodes replies: redis-rs does, by `FromRedisValue`, for which a map is a map in RESP3 and a
//! flat array in RESP2.

use std::collections::HashMap;

use redis::{FromRedisValue, ParsingError, Value};
use redis_state_types::Etag;

use crate::error::{Error, Result};

/// Decodes a struct from a map with fields of the same names.
macro_rules! from_map {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl redis::FromRedisValue for $name {
            fn from_redis_value(reply: redis::Value) -> std::result::Result<$name, redis::ParsingError> {
                let mut fields = $crate::decode::Fields::of(reply)?;
                Ok($name { $($field: fields.read(stringify!($field))?),* })
            }
        }
    };
}

/// Any value that redis-rs can decode.
pub(crate) fn value<T: FromRedisValue>(reply: Value) -> Result<T> {
    redis::from_redis_value(reply).map_err(|error| Error::unexpected(format!("unexpected reply: {error}")))
}

/// An etag. Not by an implementation of `FromRedisValue`, since both belong to other crates.
pub(crate) fn etag(text: Option<String>) -> Result<Etag, ParsingError> {
    let text = text.unwrap_or_default();
    Etag::parse(&text).ok_or_else(|| format!("the reply is not an etag: {text:?}").into())
}

/// The fields of a map.
pub(crate) struct Fields(HashMap<String, Value>);

impl Fields {
    pub(crate) fn of(reply: Value) -> Result<Fields, ParsingError> {
        redis::from_redis_value(reply).map(Fields)
    }

    /// Takes the value of a field; nil if it is missing.
    pub(crate) fn read<T: FromRedisValue>(&mut self, name: &str) -> Result<T, ParsingError> {
        let value = self.0.remove(name).unwrap_or_default();
        redis::from_redis_value(value).map_err(|error| format!("{name}: {error}").into())
    }
}
