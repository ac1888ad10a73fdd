//! The state that a writing command works on: opened, decided on, and changed in one step or not at
//! all.
//!
//! The order in [`Target::carry_out`] matters: the audit entry is the only step that can still
//! fail, so it comes first. Then value and expiry, one replicated effect for all of it, and last
//! the events.

use std::borrow::Cow;

use redis_state_core::audit::Entry;
use redis_state_core::decide::{self, Context, Course, Outcome, Recorded};
use redis_state_core::{Budget, Effect, Keys, Limits, Registry, State, codec};

use crate::error::Error;
use crate::server::commit::audit_stream::{Appended, AuditStream};
use crate::server::commit::effect::Expiry;
use crate::server::commit::propagation;
use crate::server::commit::slot_migration;

use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::prefetch::prefetch;
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::global::schema_dir;
use crate::server::value::held::Held;
use crate::server::value::state_key::Kind;

/// A key, its audit stream, and the circumstances of the command.
pub struct Target<'a> {
    pub(super) ctx: Ctx,
    pub(super) key: Key<'a>,
    pub(super) stream: AuditStream,
    now_ms: i64,
    /// The key's expiry as it is now.
    expires_at_ms: Option<i64>,
    /// For a state that is made, or has no key yet.
    keys: Keys,
    user: String,
    limits: Limits,
    budget: Budget,
    /// Whether a caller's command does this, and not a timer.
    is_asked: bool,
}

impl<'a> Target<'a> {
    /// Opens the key for writing, and commits the lapses that are due. `WRONGTYPE` when it, or the
    /// audit stream's, holds something else.
    pub fn open(ctx: Ctx, name: RedisStr<'a>, stream: AuditStream) -> Result<Target<'a>, Error> {
        let mut target = Target::open_as_is(ctx, name, stream)?;
        target.lapse()?;
        Ok(target)
    }

    /// As [`Target::open`], for a command that may not even do that.
    pub fn open_as_is(ctx: Ctx, name: RedisStr<'a>, stream: AuditStream) -> Result<Target<'a>, Error> {
        Target::with(ctx, Key::open_write(ctx, name), stream)
    }

    fn with(ctx: Ctx, key: Key<'a>, mut stream: AuditStream) -> Result<Target<'a>, Error> {
        schema_dir::load_before_write(ctx);
        if !matches!(key.kind(), Kind::Nothing | Kind::State) {
            return Err(Error::WrongType);
        }
        // Fetched while the audit stream is looked up.
        if let Some(held) = key.held() {
            prefetch(held);
            prefetch(held.state().head().document.text());
        }
        let due_ms = key.held().and_then(|held| held.state().head().deadlines.first_ms());
        let (limits, now_ms) = (config::limits(), ctx.command_ms(due_ms));
        if config::AUDIT.is_on() {
            stream.check(ctx)?;
            let last_entry = key.held().and_then(|held| held.state().last_entry());
            if slot_migration::stream_is_elsewhere(ctx, last_entry, &stream, now_ms) {
                return Err(Error::StreamElsewhere(stream.shown()));
            }
        }
        let expires_at_ms = key.expires_at_ms();
        // Few states need new ones, and the server's generator takes as long as a tenth of an
        // update.
        let own = key.held().map(|held| held.state().keys()).unwrap_or_default();
        let keys = if own.lack_a_key() { Keys::from_random(ctx.random()) } else { own };
        let budget = Budget::new(&limits);
        let user = ctx.user();
        Ok(Target { ctx, key, stream, now_ms, expires_at_ms, keys, user, limits, budget, is_asked: true })
    }

    /// Commits the lapses that are due, from a timer.
    pub fn lapse_unasked(ctx: Ctx, name: RedisStr<'a>, stream: AuditStream) -> Result<(), Error> {
        let mut target = Target::with(ctx, Key::open_unasked(ctx, name), stream)?;
        target.is_asked = false;
        target.lapse()
    }

    pub fn name(&self) -> RedisStr<'a> {
        self.key.name()
    }

    /// The state as it is; `None` when there is none.
    pub fn state(&self) -> Option<&State> {
        self.key.held().map(Held::state)
    }

    /// The state without lapsed members, whether their lapse is committed or not.
    pub fn shown(&self) -> Option<Cow<'_, State>> {
        self.state()
            .map(|state| decide::lapsed_state(state, &self.context(&crate::server::global::registry::read())))
    }

    /// Commits every lapse that is due, each at its instant.
    fn lapse(&mut self) -> Result<(), Error> {
        loop {
            let registry = crate::server::global::registry::read();
            let due = self.state().and_then(|state| decide::lapse(state, &self.context(&registry)));
            drop(registry);
            match due {
                Some(outcome) => self.carry_out(outcome)?,
                None => return Ok(()),
            }
        }
    }

    /// What the core needs to know.
    pub fn context<'c>(&'c self, registry: &'c Registry) -> Context<'c> {
        Context {
            key: self.key.name().bytes(),
            now_ms: self.now_ms,
            keys: self.keys,
            user: &self.user,
            limits: &self.limits,
            budget: &self.budget,
            registry,
            expires_at_ms: self.expires_at_ms,
        }
    }

    /// What the audit stream records of a state that no longer exists, newest entry first.
    pub fn recorded(&self) -> Vec<Recorded> {
        if self.state().is_some() { Vec::new() } else { self.stream.recorded(self.ctx) }
    }

    /// Applies an outcome, here and on replicas.
    pub fn carry_out(&mut self, mut outcome: Outcome) -> Result<(), Error> {
        let appended = self.append(outcome.entry.as_ref())?;
        let expiry_moves = outcome.expires_at_ms != self.expires_at_ms;
        let changes = !outcome.effects.is_empty();
        // Applying takes them apart.
        let blob = self.has_consumers().then(|| codec::encode_effects(&outcome.effects));
        self.apply_all(std::mem::take(&mut outcome.effects));
        if changes || expiry_moves {
            self.key.set_expiry(outcome.expires_at_ms);
            self.expires_at_ms = outcome.expires_at_ms;
            self.ctx.signal_modified(self.key.name());
        }
        if changes {
            self.ctx.signal_ready(self.key.name());
        }
        match (&outcome.entry, appended) {
            (Some(entry), Some(appended)) => {
                let expiry = Expiry::Set(outcome.expires_at_ms);
                self.replicate_effect(blob.as_deref(), expiry, Some((entry, &appended)));
            }
            _ if changes => {
                self.replicate_effect(blob.as_deref(), Expiry::Set(outcome.expires_at_ms), None);
            }
            _ if expiry_moves => self.replicate_expiry(self.key.name(), outcome.expires_at_ms),
            // A caller that retries on a new connection may follow with WAIT.
            _ if matches!(outcome.course, Course::Replayed(_)) => self.ctx.replicate_nothing(),
            _ => {}
        }
        if let Some(event) = outcome.event {
            self.announce(event);
        }
        counters::count_course(outcome.course);
        Ok(())
    }

    /// Gives sibling keys the expiry of the state; those that do not exist are left alone.
    pub fn align(&mut self, siblings: &[RedisStr]) {
        let expires_at_ms = self.expires_at_ms;
        for sibling in siblings.iter().filter(|sibling| ***sibling != *self.key.name()) {
            // The state's stream is open already, and an expiry that is set may move what another
            // handle points to.
            let has_moved = match self.stream.key_named(self.ctx, *sibling) {
                Some(key) => move_expiry(key, expires_at_ms),
                None => move_expiry(&mut Key::open_write(self.ctx, *sibling), expires_at_ms),
            };
            if has_moved {
                self.ctx.signal_modified(*sibling);
                self.replicate_expiry(*sibling, expires_at_ms);
                // The events of EXPIRE and PERSIST, which did not run.
                let event = if expires_at_ms.is_some() { c"expire" } else { c"persist" };
                self.ctx.notify_generic(event, *sibling);
            }
        }
    }

    /// Ends the state; with `purge` its audit stream too, and then nothing is written to it.
    pub fn delete(&mut self, entry: &Entry, purge: bool) -> Result<(), Error> {
        let appended = if purge { None } else { self.append(Some(entry))? };
        self.key.delete();
        self.ctx.signal_modified(self.key.name());
        if let Some(appended) = appended {
            self.replicate_effect(
                self.has_consumers().then_some(&[]),
                Expiry::Leave,
                Some((entry, &appended)),
            );
        }
        self.ctx.replicate(c"DEL", &[self.key.name().raw()]);
        if purge && self.stream.exists(self.ctx) {
            self.stream.delete(self.ctx);
            self.stream.name().iter().for_each(|name| self.ctx.replicate(c"DEL", &[name.raw()]));
        }
        counters::DELETES.add();
        self.ctx.notify(c"state.delete", self.key.name());
        Ok(())
    }

    fn apply_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match &effect {
                Effect::Attempt(_) => counters::ATTEMPTS.add(),
                Effect::Put(state) if !state.attempts().counters().is_empty() => counters::ATTEMPTS.add(),
                _ => {}
            }
            apply(self.ctx, &mut self.key, effect);
        }
    }

    fn append(&mut self, entry: Option<&Entry>) -> Result<Option<Appended>, Error> {
        let Some(entry) = entry.filter(|_| config::AUDIT.is_on()) else { return Ok(None) };
        let rejects = self.stream.known_rejects(self.ctx, entry);
        self.append_to(entry, rejects)
    }

    /// Appends an entry behind so many rejections, if the number is known.
    pub(super) fn append_to(
        &mut self,
        entry: &Entry,
        rejects: Option<usize>,
    ) -> Result<Option<Appended>, Error> {
        let appended = self.stream.append(self.ctx, entry, self.now_ms)?;
        self.stream.count_rejects(self.ctx, rejects, entry, &appended);
        Ok(Some(appended))
    }

    /// Whether an effect has to be made: a timer has no command to pass on in its place.
    pub(super) fn has_consumers(&self) -> bool {
        !self.is_asked || propagation::has_consumers(self.ctx, self.now_ms)
    }
}

/// Gives a key this expiry; whether it is there and had another one.
fn move_expiry(key: &mut Key, expires_at_ms: Option<i64>) -> bool {
    if key.kind() == Kind::Nothing || key.expires_at_ms() == expires_at_ms {
        return false;
    }
    key.set_expiry(expires_at_ms);
    true
}

/// Applies an effect to a key, one that was decided here or that a replica has checked.
pub fn apply(ctx: Ctx, key: &mut Key, effect: Effect) {
    match (effect, key.held_mut()) {
        // A new life of the key: the server frees the value before.
        (Effect::Put(state), _) => key.put(Held::new(*state)),
        (effect, Some(held)) => held.apply(effect),
        (_, None) => {}
    }
    let name = key.name();
    if let Some(held) = key.held_mut() {
        held.note_deadlines(ctx.database(), &name);
    }
}
