//! How long an annotated member lasts: `x-ttl` and `x-sliding` on a member.

use serde_json::Value;

use crate::error::Error;
use crate::schema::refs::Spot;
use crate::schema::source::{bad_schema, ttl_ms};

pub const TTL: &str = "x-ttl";

pub const SLIDING: &str = "x-sliding";

/// How long a member lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    pub ttl_ms: i64,
    /// It starts anew whenever somebody is there, not only when the member is written.
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

/// The value of an annotation that is on or off.
pub fn flag(spot: &Spot, annotation: &str) -> Result<bool, Error> {
    match spot.get(annotation) {
        None => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(_) => Err(bad_schema(&spot.at(annotation), "must be true or false".into())),
    }
}
