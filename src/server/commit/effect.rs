//! STATE.EFFECT as a primary sends it: what a key came to, and what was appended to a stream beside it.
//!
//! The entry's strings are those that the stream was given, so nothing is copied for replicas that may not even be there.

use crate::server::commit::audit_stream::Appended;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::{OwnedString, RedisStr};

/// What becomes of the key's expiry.
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
    let (effects, expiry) = (OwnedString::new(effects), expiry.word());
    let head = [key.as_ptr(), effects.as_ptr(), expiry.as_ptr()];
    let Some((stream, entry)) = appended else { return ctx.replicate_all(c"STATE.EFFECT", head.to_vec()) };
    let (id, expires_at) = (OwnedString::of_stream_id(entry.id), never_or(entry.expires_at_ms));
    let len = OwnedString::of_number(i64::try_from(entry.len).unwrap_or(i64::MAX));
    let stream = [stream.as_ptr(), id.as_ptr(), len.as_ptr(), expires_at.as_ptr()];
    ctx.replicate_all(c"STATE.EFFECT", [&head[..], &stream, entry.words.as_ptrs()].concat());
}

fn never_or(at_ms: Option<i64>) -> OwnedString {
    OwnedString::of_number(at_ms.unwrap_or(-1))
}
