//! Etags, which the server shares with its clients.

pub use redis_state_types::{Etag, Expected, VERSION_MAX};
