//! Applies the outcome of a command, write by write.
//!
//! Each write is all or nothing. The audit entry of a commit is the only step that can still fail,
//! so it comes first; then value and expiry, one replicated effect for all of it, and last the
//! events.

use redis_state_core::audit::Entry;
use redis_state_core::codec;
use redis_state_core::decide::{Course, Outcome, StateChange, Write};

use crate::error::Error;
use crate::server::commit::apply_effects::apply_effects;
use crate::server::commit::audit_stream::Appended;
use crate::server::commit::consumers;
use crate::server::commit::effect::Expiry;
use crate::server::commit::slot_migration;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::key::Key;
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::value::state_key::Kind;

impl Transaction<'_> {
    /// Applies an outcome, here and on replicas, and returns its reply.
    ///
    /// If the audit stream does not take the entry of a commit, applying ends there: the error is
    /// that of the stream, unless the command has one. A rejection is returned even if its entry
    /// can't be appended.
    pub fn apply<T>(&mut self, outcome: Outcome<T>) -> Result<T, Error> {
        let Outcome { writes, course, reply } = outcome;
        let has_change = writes.iter().any(|write| matches!(write, Write::Change(_)));
        let applied = writes.into_iter().try_for_each(|write| match write {
            Write::Change(change) => self.write_change(change),
            Write::Delete { entry } => self.delete(entry.as_ref()),
            Write::Reject { entry, suppressed } => {
                self.reject(&entry, &suppressed, has_change);
                Ok(())
            }
        });
        // A commit that the stream did not take is not counted.
        if applied.is_ok() || reply.is_err() {
            counters::count(course, reply.as_ref().err());
        }
        let reply = reply?;
        applied?;
        match course {
            // A replay writes at most due lapses. Without this PING, a WAIT on a new connection
            // would not cover the first execution.
            Course::Replayed => self.ctx.replicate_ping(),
            _ => self.align(),
        }
        Ok(reply)
    }

    fn write_change(&mut self, change: StateChange) -> Result<(), Error> {
        let StateChange { effects, expires_at_ms, entry, event } = change;
        let entry = entry.as_ref().filter(|_| config::AUDIT.is_on());
        let appended = entry.map(|entry| self.append(entry)).transpose()?;
        let expiry_moves = expires_at_ms != self.expires_at_ms;
        let has_effects = !effects.is_empty();
        // Encoded before applying consumes them.
        let encoded_effects = self.has_consumers().then(|| codec::encode_effects(&effects));
        counters::count_attempts(&effects);
        let expiry = if has_effects || expiry_moves { Expiry::Set(expires_at_ms) } else { Expiry::Leave };
        apply_effects(self.ctx, &mut self.key, effects, expiry);
        self.expires_at_ms = expires_at_ms;
        if let Some(appended) = &appended {
            // In a cluster, so that `open` knows a stream that is still on another node.
            slot_migration::remember(&mut self.key, appended.id, appended.expires_at_ms);
        }
        if has_effects || appended.is_some() {
            // A replica gets the expiry with every effect, moved or not.
            let audit = entry.zip(appended.as_ref());
            self.propagate(encoded_effects.as_deref(), Expiry::Set(expires_at_ms), audit);
        } else if expiry_moves {
            // An expiry alone replicates as the ordinary command.
            self.replicate_expiry(self.key.name(), expires_at_ms);
        }
        if let Some(event) = event {
            self.notify(event);
        }
        Ok(())
    }

    /// Deletes the state, if there is one; without an entry the audit stream too.
    fn delete(&mut self, entry: Option<&Entry>) -> Result<(), Error> {
        let purge = entry.is_none();
        let entry = entry.filter(|_| config::AUDIT.is_on());
        let appended = entry.map(|entry| self.append(entry)).transpose()?;
        if self.state().is_some() {
            self.key.delete();
            self.ctx.signal_modified(self.key.name());
            if let Some(audit) = entry.zip(appended.as_ref()) {
                self.propagate_entry(audit);
            }
            self.ctx.replicate(c"DEL", &[self.key.name().raw()]);
            counters::DELETES.add();
            self.ctx.notify(c"state.delete", self.key.name());
        }
        if purge && self.stream.exists(self.ctx) {
            self.stream.delete(self.ctx);
            self.stream.name().iter().for_each(|name| self.ctx.replicate(c"DEL", &[name.raw()]));
        }
        Ok(())
    }

    /// Gives the sibling keys the expiry of the state; those that do not exist are left alone.
    fn align(&mut self) {
        if self.state().is_none() {
            return;
        }
        let expires_at_ms = self.expires_at_ms;
        for sibling in self.siblings.iter().filter(|sibling| ***sibling != *self.key.name()) {
            // Use the open handle of the stream: setting an expiry may invalidate a second handle.
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

    /// Appends an entry to the audit stream.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<Appended, Error> {
        // Read before the append: the cached count is valid for the newest entry.
        let rejects = self.stream.known_rejects(self.ctx, entry);
        self.append_after(entry, rejects)
    }

    /// Appends an entry that follows so many rejections, if the number is known.
    pub(super) fn append_after(&mut self, entry: &Entry, rejects: Option<usize>) -> Result<Appended, Error> {
        let appended = self.stream.append(self.ctx, entry, self.now_ms)?;
        self.stream.count_rejects(self.ctx, rejects, entry, &appended);
        Ok(appended)
    }

    /// Whether an effect has to be made: a timer has no command to replicate in its place.
    pub(super) fn has_consumers(&self) -> bool {
        !self.from_command || consumers::has_consumers(self.ctx, self.now_ms)
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
