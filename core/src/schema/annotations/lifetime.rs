//! The lifetime of an annotated member: `x-ttl` and `x-sliding`.

use serde_json::Value;

use crate::error::Error;
use crate::schema::refs::Spot;
use crate::schema::source::{bad_schema, ttl_ms};

pub const TTL: &str = "x-ttl";

pub const SLIDING: &str = "x-sliding";

/// The lifetime of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    pub ttl_ms: i64,
    /// Renewed by every activity of the user, not only by a write to the member.
    pub sliding: bool,
}

impl Lifetime {
    /// Reads the annotations of a subschema.
    pub fn read(spot: &Spot) -> Result<Option<Lifetime>, Error> {
        let sliding = flag(spot, SLIDING)?;
        match spot.get(TTL) {
            Some(ttl) => Ok(Some(Lifetime { ttl_ms: ttl_ms(ttl, &spot.at(TTL))?, sliding })),
            None if sliding => {
                Err(bad_schema(&spot.at(SLIDING), "stands beside x-ttl only: name that too".into()))
            }
            None => Ok(None),
        }
    }
}

/// The value of a boolean annotation.
pub fn flag(spot: &Spot, annotation: &str) -> Result<bool, Error> {
    match spot.get(annotation) {
        None => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(_) => Err(bad_schema(&spot.at(annotation), "must be true or false".into())),
    }
}
