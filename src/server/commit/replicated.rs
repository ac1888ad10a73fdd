//! What a replica, or a server that loads its AOF, applies: the results that a primary decided.
//!
//! No schema validates them, and they read no clock and no setting. But no byte is trusted either:
//! nothing is applied before every part is known to fit.

use redis_state_core::{Effect, Error as CoreError, State};

use crate::error::Error;
use crate::server::commit::apply_effects::apply_effects;
use crate::server::commit::effect::Expiry;
use crate::server::commit::slot_migration;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::stream::{StreamId, Trim};
use crate::server::ffi::string::RedisStr;
use crate::server::value::held::Held;
use crate::server::value::state_key::Kind;

/// The effects of one write on a key.
pub struct Replicated<'a> {
    pub effects: Vec<Effect>,
    pub expiry: Expiry,
    pub entry: Option<ReplicatedEntry<'a>>,
}

/// The audit entry of that write.
pub struct ReplicatedEntry<'a> {
    pub stream: RedisStr<'a>,
    pub id: StreamId,
    /// The length of the stream after trimming.
    pub len: usize,
    pub expires_at_ms: i64,
    pub fields: Vec<RedisStr<'a>>,
}

/// Applies a write to `key`; `parse` reads it for the present state, to which it is a delta.
/// `for_server`: a timer or an event of the primary made it.
pub fn apply<'a>(
    ctx: Ctx,
    key: RedisStr<'a>,
    for_server: bool,
    parse: impl FnOnce(Option<&State>) -> Result<Replicated<'a>, Error>,
) -> Result<(), Error> {
    let open = if for_server { Key::open_for_server } else { Key::open_write };
    let mut key = open(ctx, key);
    let Replicated { effects, expiry, entry } = parse(key.held().map(Held::state))?;
    let stream = entry.as_ref().map(|entry| open(ctx, entry.stream));
    admit(&effects, &key, stream.as_ref())?;
    if let Some((entry, stream)) = entry.as_ref().zip(stream) {
        let ReplicatedEntry { id, len, expires_at_ms, .. } = *entry;
        if !append(ctx, stream, id, len, expires_at_ms, &entry.fields) {
            return Err(mismatch("the ID of the audit entry is not above the last one"));
        }
    }
    apply_effects(ctx, &mut key, effects, expiry);
    if let Some(entry) = &entry {
        slot_migration::remember(&mut key, entry.id, Some(entry.expires_at_ms));
    }
    Ok(())
}

fn admit(effects: &[Effect], key: &Key, stream: Option<&Key>) -> Result<(), Error> {
    Effect::admit(effects, key.held().map(Held::state))?;
    // An effect that only appends an entry has any key: that of the feed is the stream itself.
    if !effects.is_empty() && !matches!(key.kind(), Kind::Nothing | Kind::State) {
        return Err(mismatch("the key holds another type"));
    }
    match stream.is_none_or(|stream| matches!(stream.kind(), Kind::Nothing | Kind::Stream)) {
        true => Ok(()),
        false => Err(mismatch("the key of the audit stream holds another type")),
    }
}

/// Appends an entry as the primary did; the caller has checked that the key holds a stream or
/// nothing.
fn append(ctx: Ctx, mut key: Key, id: StreamId, len: usize, expires_at_ms: i64, fields: &[RedisStr]) -> bool {
    let fields: Vec<_> = fields.iter().map(|field| field.raw()).collect();
    if key.add(Some(id), &fields).is_none() {
        return false;
    }
    key.trim(len, Trim::Exactly);
    key.set_expiry(Some(expires_at_ms));
    ctx.signal_modified(key.name());
    true
}

/// Why an effect does not fit.
pub fn mismatch(reason: &'static str) -> Error {
    Error::Core(CoreError::EffectMismatch(reason))
}
