//! The transaction of a command: a key and its audit stream are opened, and the command is decided
//! in its context. `apply.rs` applies the outcome.
//!
//! Nothing is written before the outcome is decided, but the schemas of `state.schema-dir`: the
//! first write after a start loads them.

use redis_state_core::decide::{Context, RebuildEntry, Rights};
use redis_state_core::{Budget, EtagKeys, Limits, State};

use crate::error::Error;
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::slot_migration;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::prefetch::prefetch;
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::registry;
use crate::server::global::schema_dir;
use crate::server::value::held::Held;
use crate::server::value::state_key::Kind;

/// A key with its audit stream, and the circumstances of the command.
pub struct Transaction<'a> {
    pub(super) ctx: Ctx,
    pub(super) key: Key<'a>,
    pub(super) stream: AuditStream,
    /// `ALIGN`: the keys that get the expiry of the state.
    pub(super) siblings: &'a [RedisStr<'a>],
    pub(super) now_ms: i64,
    /// The key's expiry as it is now.
    pub(super) expires_at_ms: Option<i64>,
    /// The hash keys of the state's etags; random ones for a new state, or for one written by a
    /// release without them.
    etag_keys: EtagKeys,
    user: String,
    limits: Limits,
    budget: Budget,
    /// Whether a command opens it. A timer or an event must not make the key look used.
    pub(super) from_command: bool,
}

impl<'a> Transaction<'a> {
    /// Opens the key for writing.
    ///
    /// Errors: `WRONGTYPE` when the key or the audit stream's key holds another type; `TRYAGAIN`
    /// while the stream is on another node.
    pub fn open(
        ctx: Ctx,
        name: RedisStr<'a>,
        stream: AuditStream,
        siblings: &'a [RedisStr<'a>],
    ) -> Result<Transaction<'a>, Error> {
        Transaction::open_key(ctx, Key::open_write(ctx, name), stream, siblings, true)
    }

    /// As [`Transaction::open`], for the server itself: a timer.
    pub fn open_for_server(
        ctx: Ctx,
        name: RedisStr<'a>,
        stream: AuditStream,
    ) -> Result<Transaction<'a>, Error> {
        Transaction::open_key(ctx, Key::open_for_server(ctx, name), stream, &[], false)
    }

    fn open_key(
        ctx: Ctx,
        key: Key<'a>,
        mut stream: AuditStream,
        siblings: &'a [RedisStr<'a>],
        from_command: bool,
    ) -> Result<Transaction<'a>, Error> {
        schema_dir::load_before_write(ctx);
        if !matches!(key.kind(), Kind::Nothing | Kind::State) {
            return Err(Error::WrongType);
        }
        // Fetched while the audit stream is looked up.
        if let Some(held) = key.held() {
            prefetch(held);
            prefetch(held.state().head().document.text());
        }
        // In a script or MULTI, a due member lapses by the clock at the beginning of it.
        let first_due_ms = key.held().and_then(|held| held.state().head().deadlines.first_ms());
        let (limits, now_ms) = (config::limits(), ctx.command_ms(first_due_ms));
        if config::AUDIT.is_on() {
            stream.check(ctx)?;
            let last_entry = key.held().and_then(|held| held.state().last_entry());
            if slot_migration::stream_is_elsewhere(ctx, last_entry, &stream, now_ms) {
                return Err(Error::StreamElsewhere(stream.shown()));
            }
        }
        let expires_at_ms = key.expires_at_ms();
        // Generated only when needed: it costs a tenth of an update.
        let of_state = key.held().map(|held| held.state().etag_keys()).unwrap_or_default();
        let etag_keys =
            if of_state.have_no_hash_key() { EtagKeys::from_random(ctx.random()) } else { of_state };
        let (budget, user) = (Budget::new(&limits), ctx.user());
        Ok(Transaction {
            ctx,
            key,
            stream,
            siblings,
            now_ms,
            expires_at_ms,
            etag_keys,
            user,
            limits,
            budget,
            from_command,
        })
    }

    pub fn name(&self) -> RedisStr<'a> {
        self.key.name()
    }

    /// The state as it is; `None` when there is none.
    pub fn state(&self) -> Option<&State> {
        self.key.held().map(Held::state)
    }

    /// The number of entries in the audit stream.
    pub fn audit_len(&self) -> usize {
        self.stream.len(self.ctx)
    }

    /// What the audit stream records of a state that no longer exists, newest entry first.
    pub fn rebuild_entries(&self) -> Vec<RebuildEntry> {
        if self.state().is_some() { Vec::new() } else { self.stream.rebuild_entries(self.ctx) }
    }

    /// Asks the core for an outcome: `command` gets the state and the context.
    pub fn decide<T>(&self, command: impl FnOnce(Option<&State>, &Context) -> T) -> T {
        self.decide_as(false, command)
    }

    /// As [`Transaction::decide`]; `writes_protected`: the command is STATE.SETPROTECTED.
    pub fn decide_as<T>(
        &self,
        writes_protected: bool,
        command: impl FnOnce(Option<&State>, &Context) -> T,
    ) -> T {
        let may_set_protected = || writes_protected || self.ctx.may_set_protected(self.key.name());
        let context = Context {
            key: self.key.name().bytes(),
            now_ms: self.now_ms,
            etag_keys: self.etag_keys,
            user: &self.user,
            limits: &self.limits,
            budget: &self.budget,
            registry: &registry::read(),
            expires_at_ms: self.expires_at_ms,
            rights: Rights { writes_protected, may_set_protected: &may_set_protected },
        };
        command(self.state(), &context)
    }
}
