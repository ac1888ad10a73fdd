//! What the reading commands share: open, skip lapsed members, mask secrets, reply; nil without a
//! state.
//!
//! Nothing is written: a due lapse is applied to the reply alone, and the next write commits it.

use std::borrow::Cow;

use redis_state_core::decide::{self, Context};
use redis_state_core::{Budget, Document, Error as CoreError, Etag, Keys, SchemaRef, State, Version};

use crate::error::Error;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::prefetch::prefetch;
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::registry;
use crate::server::value::state_key::Kind;

/// Calls `reply` with the state under `key`; replies nil when there is none.
pub fn state(ctx: Ctx, key: RedisStr, reply: impl FnOnce(&State) -> Result<(), Error>) -> Result<(), Error> {
    let key = Key::open_read(ctx, key);
    match key.held() {
        Some(held) => reply(&shown(ctx, &key, held.state())),
        None => nothing(ctx, &key),
    }
}

/// The reply where no state is.
pub fn nothing(ctx: Ctx, key: &Key) -> Result<(), Error> {
    if key.kind() != Kind::Nothing {
        return Err(Error::WrongType);
    }
    ctx.reply_nil();
    Ok(())
}

/// Replies the whole present document. One that every caller may read as it is, the common case,
/// takes the shortest way.
pub fn whole(ctx: Ctx, name: RedisStr) -> Result<(), Error> {
    let key = Key::open_read(ctx, name);
    let Some(held) = key.held() else { return nothing(ctx, &key) };
    if held.is_open(|until_ms| ctx.command_ms(Some(until_ms))) {
        let text = held.state().head().document.text();
        // Meanwhile the etag is written.
        prefetch(text);
        reply_document(ctx, held.state().etag(), text);
        return Ok(());
    }
    let state = shown(ctx, &key, held.state());
    let document = present(ctx, name, state.schema(), state.head())?;
    reply_document(ctx, state.etag(), document.text());
    Ok(())
}

/// The state without what has lapsed.
pub fn shown<'s>(ctx: Ctx, key: &Key, state: &'s State) -> Cow<'s, State> {
    // The common case asks no clock.
    let Some(due_ms) = state.head().deadlines.first_ms() else { return Cow::Borrowed(state) };
    let limits = config::limits();
    let circumstances = Context {
        key: key.name().bytes(),
        now_ms: ctx.command_ms(Some(due_ms)),
        keys: Keys::default(),
        user: "",
        limits: &limits,
        budget: &Budget::new(&limits),
        registry: &registry::read(),
        expires_at_ms: key.expires_at_ms(),
    };
    decide::lapsed_state(state, &circumstances)
}

/// A kept version, the present one included.
pub fn version(state: &State, number: u64) -> Result<Cow<'_, Version>, Error> {
    state.find(number).ok_or_else(|| Error::Core(CoreError::NoVersion { kept: state.kept() }))
}

/// The present document as this caller may see it: callers with permission to run
/// STATE.SETPROTECTED on the key see secrets, others see a mask.
pub fn present<'d>(
    ctx: Ctx,
    key: RedisStr,
    schema: Option<&SchemaRef>,
    head: &'d Version,
) -> Result<Cow<'d, Document>, Error> {
    match registry::read().hiding_present(schema, head) {
        Ok(None) => Ok(Cow::Borrowed(&head.document)),
        _ if ctx.may_set_protected(key) => Ok(Cow::Borrowed(&head.document)),
        Ok(Some(hiding)) => Ok(Cow::Owned(hiding.masked(&head.document))),
        Err(error) => Err(error.into()),
    }
}

/// The document of a snapshot, with its secrets masked for every caller.
pub fn past<'d>(ctx: Ctx, state: &State, version: &'d Version) -> Result<Cow<'d, Document>, Error> {
    let document = unlapsed(ctx, state, version);
    Ok(match registry::read().hiding_snapshot(state.schema(), version)? {
        None => document,
        Some(hiding) => Cow::Owned(hiding.masked(&document)),
    })
}

/// The length of a kept version's document, as STATE.GET shows it to this caller: the length of a
/// secret is a hint. 0 where STATE.GET shows nothing, since the schema is gone.
///
/// Errors: `TOOCOSTLY`.
pub fn bytes(
    ctx: Ctx,
    key: RedisStr,
    state: &State,
    version: &Version,
    budget: &Budget,
) -> Result<usize, Error> {
    let registry = registry::read();
    let document = &version.document;
    if version.number == state.head().number {
        return Ok(match registry.hiding_present(state.schema(), version) {
            Ok(Some(hiding)) if !ctx.may_set_protected(key) => hiding.masked_len(document, budget)?,
            Err(_) if !ctx.may_set_protected(key) => 0,
            _ => document.text().len(),
        });
    }
    decide::charge_snapshot(version, ctx.command_ms(version.deadlines.first_ms()), budget)?;
    let document = unlapsed(ctx, state, version);
    Ok(match registry.hiding_snapshot(state.schema(), version) {
        Ok(None) => document.text().len(),
        Ok(Some(hiding)) => hiding.masked_len(&document, budget)?,
        Err(_) => 0,
    })
}

/// The document of a kept version without what has lapsed since.
pub fn unlapsed<'d>(ctx: Ctx, state: &State, version: &'d Version) -> Cow<'d, Document> {
    let registry = registry::read();
    let schema = state.schema().and_then(|schema| registry.get(&schema.name).ok());
    decide::snapshot_document(
        schema.map(|schema| &**schema),
        version,
        ctx.command_ms(version.deadlines.first_ms()),
    )
}

/// The reply of a whole document: its etag and its text.
pub fn reply_document(ctx: Ctx, etag: Etag, text: &str) {
    ctx.reply_array(2);
    ctx.reply_bytes(&etag.bytes());
    ctx.reply_text(text);
}
