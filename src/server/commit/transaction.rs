//! The state that a writing command works on: opened, looked at, and changed in one step or not at all.
//!
//! The order in [`Target::carry_out`] matters: the audit entry is the only thing that can still fail, so it comes first.
//! Then value and expiry, one replicated effect for all of it, and last what others are told.

use std::borrow::Cow;
use std::ffi::CStr;

use redis_state_core::audit::Entry;
use redis_state_core::decide::{self, Context, Course, Outcome, Recorded, Recovery, Remarks, Rung};
use redis_state_core::{
    Budget, Effect, Error as CoreError, Etag, Event, Keys, Limits, Registry, State, Ttl, codec,
};

use crate::error::Error;
use crate::server::commit::audit_stream::{Appended, Trail};
use crate::server::commit::effect::{self, Expiry};
use crate::server::commit::feed;
use crate::server::commit::propagation;
use crate::server::commit::slot_migration;

use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::prefetch::prefetch;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::global::schema_dir;
use crate::server::value::held::Held;
use crate::server::value::state_key::Kind;

/// A key, its audit stream, and the circumstances of the command.
pub struct Target<'a> {
    ctx: Ctx,
    key: Key<'a>,
    trail: Trail,
    now_ms: i64,
    /// The key's expiry as it is now.
    expires_at_ms: Option<i64>,
    /// For a state that is made, or has no key yet.
    keys: Keys,
    user: String,
    limits: Limits,
    budget: Budget,
    /// Whether somebody's command does this, and not a timer.
    is_asked: bool,
}

impl<'a> Target<'a> {
    /// Opens the key for writing, and commits the lapses that are due. `WRONGTYPE` when it, or the audit stream's, holds
    /// something else.
    pub fn open(ctx: Ctx, name: RedisStr<'a>, trail: Trail) -> Result<Target<'a>, Error> {
        let mut target = Target::open_as_is(ctx, name, trail)?;
        target.lapse()?;
        Ok(target)
    }

    /// As [`Target::open`], for a command that may not even do that.
    pub fn open_as_is(ctx: Ctx, name: RedisStr<'a>, trail: Trail) -> Result<Target<'a>, Error> {
        Target::with(ctx, Key::open_write(ctx, name), trail)
    }

    fn with(ctx: Ctx, key: Key<'a>, mut trail: Trail) -> Result<Target<'a>, Error> {
        schema_dir::load_before_write(ctx);
        if !matches!(key.kind(), Kind::Nothing | Kind::State) {
            return Err(Error::WrongType);
        }
        // The trail is looked for meanwhile.
        if let Some(held) = key.held() {
            prefetch(held);
            prefetch(held.state().head().document.text());
        }
        let due_ms = key.held().and_then(|held| held.state().head().deadlines.first_ms());
        let (limits, now_ms) = (config::limits(), ctx.command_ms(due_ms));
        if config::AUDIT.is_on() {
            trail.check(ctx)?;
            let last_entry = key.held().and_then(|held| held.state().last_entry());
            if slot_migration::trail_is_elsewhere(ctx, last_entry, &trail, now_ms) {
                return Err(Error::TrailElsewhere(trail.shown()));
            }
        }
        let expires_at_ms = key.expires_at_ms();
        // Few states need new ones, and the server's generator takes as long as a tenth of an update.
        let own = key.held().map(|held| held.state().keys()).unwrap_or_default();
        let keys = if own.lack_a_key() { Keys::from_random(ctx.random()) } else { own };
        let budget = Budget::new(&limits);
        let user = ctx.user();
        Ok(Target { ctx, key, trail, now_ms, expires_at_ms, keys, user, limits, budget, is_asked: true })
    }

    /// Commits the lapses that are due, from a timer.
    pub fn lapse_unasked(ctx: Ctx, name: RedisStr<'a>, trail: Trail) -> Result<(), Error> {
        let mut target = Target::with(ctx, Key::open_unasked(ctx, name), trail)?;
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

    /// The state as everybody sees it: without what has lapsed, committed or not.
    pub fn shown(&self) -> Option<Cow<'_, State>> {
        self.state()
            .map(|state| decide::shown(state, &self.context(&crate::server::global::registry::read())))
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

    /// What the audit stream tells of a state that is gone, newest entry first.
    pub fn recorded(&self) -> Vec<Recorded> {
        if self.state().is_some() { Vec::new() } else { self.trail.recorded(self.ctx) }
    }

    /// Does what was decided, here and on replicas.
    pub fn carry_out(&mut self, mut outcome: Outcome) -> Result<(), Error> {
        let appended = self.append(outcome.entry.as_ref())?;
        let expiry_moves = outcome.expires_at_ms != self.expires_at_ms;
        let changes = !outcome.effects.is_empty();
        // Applying takes them apart.
        let blob = self.is_heard().then(|| codec::encode_effects(&outcome.effects));
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
            // Who sends it again on a new connection may ask who has it.
            _ if matches!(outcome.course, Course::Replayed(_)) => self.ctx.replicate_nothing(),
            _ => {}
        }
        if let Some(event) = outcome.event {
            self.announce(event);
        }
        counters::count_course(outcome.course);
        Ok(())
    }

    /// Gives siblings of the state the very same expiry; those that do not exist are left alone.
    pub fn align(&mut self, siblings: &[RedisStr]) {
        let expires_at_ms = self.expires_at_ms;
        for sibling in siblings.iter().filter(|sibling| ***sibling != *self.key.name()) {
            // The state's stream is open already, and an expiry that is set may move what another handle points to.
            let has_moved = match self.trail.key_named(self.ctx, *sibling) {
                Some(key) => move_expiry(key, expires_at_ms),
                None => move_expiry(&mut Key::open_write(self.ctx, *sibling), expires_at_ms),
            };
            if has_moved {
                self.ctx.signal_modified(*sibling);
                self.replicate_expiry(*sibling, expires_at_ms);
                // What EXPIRE and PERSIST tell, who are not there to tell it.
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
            self.replicate_effect(self.is_heard().then_some(&[]), Expiry::Leave, Some((entry, &appended)));
        }
        self.ctx.replicate(c"DEL", &[self.key.name().raw()]);
        if purge && self.trail.exists(self.ctx) {
            self.trail.delete(self.ctx);
            self.trail.name().iter().for_each(|name| self.ctx.replicate(c"DEL", &[name.raw()]));
        }
        counters::DELETES.add();
        self.ctx.notify(c"state.delete", self.key.name());
        Ok(())
    }

    /// Does what a recovery has found, tells of every rung it tried, and returns the one that did it.
    pub fn recover(&mut self, recovery: Recovery, remarks: &Remarks) -> Result<(Rung, Etag), Error> {
        // As with refusals: nothing is on record of a key that has neither a state nor a trail.
        let on_record = recovery.done.is_ok() || self.state().is_some() || self.trail.exists(self.ctx);
        for (rung, reason) in recovery.tried.iter().filter(|_| on_record) {
            self.record(|state, context| Entry::rung(*rung, Some(reason), state, remarks, context));
        }
        match recovery.done {
            Ok((rung, outcome)) => {
                let etag = outcome.etag;
                self.carry_out(outcome)?;
                counters::count_recovery(rung);
                self.ctx.notify(c"state.recover", self.key.name());
                Ok((rung, etag))
            }
            Err(error) => {
                counters::RECOVERIES_FAILED.add();
                counters::count_rejection(error.prefix());
                Err(Error::Core(error))
            }
        }
    }

    /// Counts a refusal and, when it is one by the rules, puts it on record and counts it as a failed attempt at the
    /// operation that the command named. Returns it as the reply.
    pub fn refuse(&mut self, error: CoreError, remarks: &Remarks, ttl: Ttl) -> Error {
        let is_conflict = matches!(error, CoreError::Conflict { .. });
        if is_conflict {
            counters::CONFLICTS.add();
        }
        if error.is_rejection() {
            counters::count_rejection(error.prefix());
            self.count_failure(&error, remarks, ttl);
        }
        let on_record = error.is_rejection() || (is_conflict && config::AUDIT_CONFLICTS.is_on());
        if on_record && (self.state().is_some() || self.trail.exists(self.ctx)) {
            self.record(|state, context| Entry::reject(&error, state, remarks, context));
            self.ctx.notify(c"state.reject", self.key.name());
        }
        Error::Core(error)
    }

    fn count_failure(&mut self, error: &CoreError, remarks: &Remarks, ttl: Ttl) {
        let registry = crate::server::global::registry::read();
        let failed = self
            .state()
            .and_then(|state| decide::failed_attempt(state, ttl, error, remarks, &self.context(&registry)));
        drop(registry);
        // It has no entry of its own, and nothing else can fail.
        failed.into_iter().for_each(|outcome| drop(self.carry_out(outcome)));
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

    /// Puts a refusal, or a failed rung, on record. At most `state.audit-rejects` of them stand between two commits, then one
    /// line for the rest. Never more than half of the stream, or a crowd of them would push the commits out.
    fn record(&mut self, entry: impl FnOnce(Option<&State>, &Context) -> Entry) {
        if !config::AUDIT.is_on() {
            return;
        }
        let max = config::AUDIT_REJECTS.get().min(config::AUDIT_MAXLEN.get() / 2);
        let max = usize::try_from(max).unwrap_or(0);
        let already = self.trail.rejects_since_commit(self.ctx, max);
        let registry = crate::server::global::registry::read();
        let entry = match already {
            _ if already < max => entry(self.state(), &self.context(&registry)),
            _ if already == max => Entry::suppressed(self.state(), &self.context(&registry)),
            _ => return,
        };
        // A stream that takes no more entries must not hide why the command was refused.
        if let Ok(Some(appended)) = self.append_to(&entry, Some(already)) {
            self.replicate_effect(self.is_heard().then_some(&[]), Expiry::Leave, Some((&entry, &appended)));
        }
    }

    fn append(&mut self, entry: Option<&Entry>) -> Result<Option<Appended>, Error> {
        let Some(entry) = entry.filter(|_| config::AUDIT.is_on()) else { return Ok(None) };
        let rejects = self.trail.known_rejects(self.ctx, entry);
        self.append_to(entry, rejects)
    }

    /// Appends an entry behind so many rejections, if their number is known.
    fn append_to(&mut self, entry: &Entry, rejects: Option<usize>) -> Result<Option<Appended>, Error> {
        let appended = self.trail.append(self.ctx, entry, self.now_ms)?;
        self.trail.count_rejects(self.ctx, rejects, entry, &appended);
        Ok(Some(appended))
    }

    /// Whether an effect has to be made: a timer has no command to hand over in its place.
    fn is_heard(&self) -> bool {
        !self.is_asked || propagation::has_listeners(self.ctx, self.now_ms)
    }

    /// Sends an effect to replicas, `None` where nobody hears it, and what goes with its audit entry.
    fn replicate_effect(&mut self, blob: Option<&[u8]>, expiry: Expiry, audit: Option<(&Entry, &Appended)>) {
        if let Some((_, appended)) = audit {
            slot_migration::remember(&mut self.key, appended.id, appended.expires_at_ms);
        }
        let appended = audit.and_then(|(_, appended)| Some((self.trail.name()?, appended)));
        match blob {
            Some(blob) => effect::send(self.ctx, self.key.name(), blob, expiry, appended),
            // The server counts it as a change, by which it knows when a snapshot is due.
            None => self.ctx.replicate_verbatim(),
        }
        if let Some((entry, _)) = audit {
            feed::tell(self.ctx, self.key.name(), entry);
        }
    }

    fn replicate_expiry(&self, key: RedisStr, expires_at_ms: Option<i64>) {
        match expires_at_ms {
            Some(at) => {
                let at = OwnedString::of_number(at);
                self.ctx.replicate(c"PEXPIREAT", &[key.raw(), at.raw()]);
            }
            None => self.ctx.replicate(c"PERSIST", &[key.raw()]),
        }
    }

    fn announce(&self, event: Event) {
        let (counter, name): (_, &CStr) = match event {
            Event::Create => (&counters::CREATED, c"state.create"),
            Event::Update => (&counters::UPDATES, c"state.update"),
            Event::Rollback => (&counters::ROLLBACKS, c"state.rollback"),
            Event::Reset => (&counters::RESETS, c"state.reset"),
            Event::Lapse => (&counters::LAPSES, c"state.lapse"),
            // Counted by its rung, and told of even when the state was valid.
            Event::Recover => return,
        };
        counter.add();
        self.ctx.notify(name, self.key.name());
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

/// Changes a key by an effect that was decided here, or that a replica has checked.
pub fn apply(ctx: Ctx, key: &mut Key, effect: Effect) {
    match (effect, key.held_mut()) {
        // Another life of the key: the value of the one before is let go as the server lets go of it.
        (Effect::Put(state), _) => key.put(Held::new(*state)),
        (effect, Some(held)) => held.apply(effect),
        (_, None) => {}
    }
    let name = key.name();
    if let Some(held) = key.held_mut() {
        held.note_deadlines(ctx.database(), &name);
    }
}
