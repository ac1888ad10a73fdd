//! Propagates a write: to replicas and the AOF, and as a keyspace event; a lapse or a rejection
//! also to the feed.

use std::ffi::CStr;

use redis_state_core::Event;
use redis_state_core::audit::Entry;

use crate::server::commit::audit_stream::Appended;
use crate::server::commit::effect::{self, Expiry};
use crate::server::commit::feed;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::counters;

impl Transaction<'_> {
    /// Propagates a write: its effects and its audit entry to replicas and the AOF; the entry of a
    /// lapse or a rejection also to the feed. `encoded_effects`: `None` without a consumer.
    pub(super) fn propagate(
        &self,
        encoded_effects: Option<&[u8]>,
        expiry: Expiry,
        audit: Option<(&Entry, &Appended)>,
    ) {
        let appended = audit.and_then(|(_, appended)| Some((self.stream.name()?, appended)));
        match encoded_effects {
            Some(effects) => effect::send(self.ctx, self.key.name(), effects, expiry, appended),
            // Without consumers nothing is sent; the call only counts as a change, by which the
            // server knows when an RDB save is due.
            None => self.ctx.replicate_verbatim(),
        }
        if let Some((entry, _)) = audit {
            feed::copy(self.ctx, self.key.name(), entry);
        }
    }

    /// Propagates an audit entry alone.
    pub(super) fn propagate_entry(&self, audit: (&Entry, &Appended)) {
        let no_effects: Option<&[u8]> = self.has_consumers().then_some(&[]);
        self.propagate(no_effects, Expiry::Leave, Some(audit));
    }

    /// Replicates an expiry as the command that sets or removes it.
    pub(super) fn replicate_expiry(&self, key: RedisStr, expires_at_ms: Option<i64>) {
        match expires_at_ms {
            Some(at) => {
                let at = OwnedString::of_number(at);
                self.ctx.replicate(c"PEXPIREAT", &[key.raw(), at.raw()]);
            }
            None => self.ctx.replicate(c"PERSIST", &[key.raw()]),
        }
    }

    /// Counts and notifies a new version, or a recovery.
    pub(super) fn notify(&self, event: Event) {
        counters::count_event(event);
        let name: &CStr = match event {
            Event::Create => c"state.create",
            Event::Update => c"state.update",
            Event::Rollback => c"state.rollback",
            Event::Reset => c"state.reset",
            Event::Lapse => c"state.lapse",
            Event::Recover => c"state.recover",
        };
        self.ctx.notify(name, self.key.name());
    }
}
