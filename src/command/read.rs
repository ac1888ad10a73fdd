//! What the reading commands share: open, skip lapsed members, mask secrets, reply; nil without a
//! state.
//!
//! Nothing is written: a due lapse is applied to the reply alone, and the next write commits it.

use std::borrow::Cow;
use std::cell::OnceCell;

use redis_state_core::decide::{self, Context, Rights};
use redis_state_core::{
    Budget, Document, Error as CoreError, Etag, EtagKeys, Limits, SchemaRef, State, Version,
};

use crate::error::Error;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::prefetch::prefetch;
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::registry;
use crate::server::value::held::Held;
use crate::server::value::state_key::Kind;

/// A state as a command reads it, by one clock and one budget.
pub struct Reading<'a> {
    ctx: Ctx,
    key: &'a Key<'a>,
    /// The state without its lapsed members.
    state: Cow<'a, State>,
    /// Read once, and not for a state without deadlines.
    now_ms: OnceCell<i64>,
    limits: Limits,
    budget: Budget,
}

/// Calls `reply` with the state under `key`; replies nil when there is none.
pub fn state(
    ctx: Ctx,
    key: RedisStr,
    reply: impl FnOnce(&Reading) -> Result<(), Error>,
) -> Result<(), Error> {
    let key = Key::open_read(ctx, key);
    match key.held() {
        Some(held) => reply(&Reading::new(ctx, &key, held)),
        None => nothing(ctx, &key),
    }
}

/// The reply where no state is.
fn nothing(ctx: Ctx, key: &Key) -> Result<(), Error> {
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
    let now_ms = OnceCell::new();
    if held.is_open(|until_ms| ctx.command_ms_at(*now_ms.get_or_init(|| ctx.now_ms()), Some(until_ms))) {
        let text = held.state().head().document.text();
        // Meanwhile the etag is written.
        prefetch(text);
        reply_document(ctx, held.state().etag(), text);
        return Ok(());
    }
    let reading = Reading::at(now_ms, ctx, &key, held);
    reply_document(ctx, reading.state().etag(), reading.visible_document()?.text());
    Ok(())
}

impl<'a> Reading<'a> {
    pub fn new(ctx: Ctx, key: &'a Key<'a>, held: &'a Held) -> Reading<'a> {
        Reading::at(OnceCell::new(), ctx, key, held)
    }

    /// As [`Reading::new`], where the clock may have been read already.
    fn at(now_ms: OnceCell<i64>, ctx: Ctx, key: &'a Key<'a>, held: &'a Held) -> Reading<'a> {
        let limits = config::limits();
        let budget = Budget::new(&limits);
        let state = Cow::Borrowed(held.state());
        let mut reading = Reading { ctx, key, state, now_ms, limits, budget };
        if held.state().head().deadlines.first_ms().is_some() {
            reading.state = reading.without_lapsed(held.state());
        }
        reading
    }

    fn without_lapsed(&self, state: &'a State) -> Cow<'a, State> {
        let context = Context {
            key: self.key.name().bytes(),
            now_ms: self.lapse_ms(state.head()),
            etag_keys: EtagKeys::default(),
            user: "",
            limits: &self.limits,
            budget: &self.budget,
            registry: &registry::read(),
            expires_at_ms: self.key.expires_at_ms(),
            rights: Rights::NONE,
        };
        decide::lapsed_state(state, &context)
    }

    /// The state without its lapsed members.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// When the key expires, in Unix milliseconds.
    pub fn expires_at_ms(&self) -> Option<i64> {
        self.key.expires_at_ms()
    }

    /// The clock.
    pub fn now_ms(&self) -> i64 {
        *self.now_ms.get_or_init(|| self.ctx.now_ms())
    }

    /// The clock by which the members of a version lapse; one without deadlines needs none.
    fn lapse_ms(&self, version: &Version) -> i64 {
        match version.deadlines.first_ms() {
            None => i64::MIN,
            due_ms => self.ctx.command_ms_at(self.now_ms(), due_ms),
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// A kept version, the present one included.
    pub fn version(&self, number: u64) -> Result<Cow<'_, Version>, Error> {
        let kept = || CoreError::NoVersion { kept: self.state.kept() };
        self.state.find(number).ok_or_else(|| Error::Core(kept()))
    }

    /// The present document as this caller may see it.
    pub fn visible_document(&self) -> Result<Cow<'_, Document>, Error> {
        visible_document(self.ctx, self.key.name(), self.state.schema(), self.state.head())
    }

    /// The document of a snapshot, with its secrets masked for every caller.
    pub fn past<'d>(&self, version: &'d Version) -> Result<Cow<'d, Document>, Error> {
        let document = self.unlapsed(version);
        Ok(match registry::read().masking_snapshot(self.state.schema(), version)? {
            None => document,
            Some(masking) => Cow::Owned(masking.masked(&document)),
        })
    }

    /// The length of a kept version's document, as STATE.GET shows it to this caller: the length of
    /// a secret is a hint. 0 where STATE.GET shows nothing, since the schema is gone.
    ///
    /// Errors: `TOOCOSTLY`.
    pub fn bytes(&self, version: &Version) -> Result<usize, Error> {
        let registry = registry::read();
        let document = &version.document;
        if version.number == self.state.head().number {
            let sees_secrets = || self.ctx.may_set_protected(self.key.name());
            return Ok(match registry.masking_present(self.state.schema(), version) {
                Ok(Some(masking)) if !sees_secrets() => masking.masked_len(document, &self.budget)?,
                Err(_) if !sees_secrets() => 0,
                _ => document.text().len(),
            });
        }
        decide::charge_snapshot(version, self.lapse_ms(version), &self.budget)?;
        let document = self.unlapsed(version);
        Ok(match registry.masking_snapshot(self.state.schema(), version) {
            Ok(None) => document.text().len(),
            Ok(Some(masking)) => masking.masked_len(&document, &self.budget)?,
            Err(_) => 0,
        })
    }

    /// The document of a kept version without what has lapsed since.
    pub fn unlapsed<'d>(&self, version: &'d Version) -> Cow<'d, Document> {
        let registry = registry::read();
        let schema = self.state.schema().and_then(|schema| registry.get(&schema.name).ok());
        decide::snapshot_document(schema.map(|schema| &**schema), version, self.lapse_ms(version))
    }
}

/// A present document as this caller may see it: callers with permission to run STATE.SETPROTECTED
/// on the key see secrets, others see a mask.
pub fn visible_document<'d>(
    ctx: Ctx,
    key: RedisStr,
    schema: Option<&SchemaRef>,
    head: &'d Version,
) -> Result<Cow<'d, Document>, Error> {
    match registry::read().masking_present(schema, head) {
        Ok(None) => Ok(Cow::Borrowed(&head.document)),
        _ if ctx.may_set_protected(key) => Ok(Cow::Borrowed(&head.document)),
        Ok(Some(masking)) => Ok(Cow::Owned(masking.masked(&head.document))),
        Err(error) => Err(error.into()),
    }
}

/// The reply of a whole document: its etag and its text.
pub fn reply_document(ctx: Ctx, etag: Etag, text: &str) {
    ctx.reply_array(2);
    ctx.reply_bytes(&etag.bytes());
    ctx.reply_text(text);
}
