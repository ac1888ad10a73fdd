//! STATE.EFFECT as a primary replicates it: the effects on a key, and the entry that was appended
//! to its audit stream.
//!
//! The entry's strings are those that the stream was given, so nothing is copied for replication.

use crate::server::commit::audit_stream::Appended;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::{OwnedString, RedisStr};

/// What happens to the key's expiry.
#[derive(Clone, Copy)]
pub enum Expiry {
    Leave,
    /// In Unix milliseconds; `None` for never.
    Set(Option<i64>),
}

impl Expiry {
    /// The third word: `-1` for never; empty leaves the expiry alone.
    fn word(self) -> OwnedString {
        match self {
            Expiry::Leave => OwnedString::recurring(b""),
            Expiry::Set(expires_at_ms) => never_or(expires_at_ms),
        }
    }
}

/// Sends effects on `key`, and the entry that was appended to the stream of that name.
pub fn send(
    ctx: Ctx,
    key: RedisStr,
    effects: &[u8],
    expiry: Expiry,
    appended: Option<(RedisStr, &Appended)>,
) {
    let (effects, expiry) = (OwnedString::of(effects), expiry.word());
    let head = [key.raw(), effects.raw(), expiry.raw()];
    let Some((stream, entry)) = appended else { return ctx.replicate(c"STATE.EFFECT", &head) };
    let (id, expires_at) = (entry.id.to_string(), never_or(entry.expires_at_ms));
    let len = OwnedString::of_number(i64::try_from(entry.len).unwrap_or(i64::MAX));
    let stream = [stream.raw(), id.raw(), len.raw(), expires_at.raw()];
    ctx.replicate(c"STATE.EFFECT", &[&head[..], &stream, entry.strings.as_slice()].concat());
}

fn never_or(at_ms: Option<i64>) -> OwnedString {
    OwnedString::of_number(at_ms.unwrap_or(-1))
}
