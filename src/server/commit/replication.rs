//! What replicas, the AOF, the feed and keyspace events get of a commit.

use std::ffi::CStr;

use redis_state_core::Event;
use redis_state_core::audit::Entry;

use crate::server::commit::audit_stream::Appended;
use crate::server::commit::effect::{self, Expiry};
use crate::server::commit::feed;
use crate::server::commit::slot_migration;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::counters;

impl Transaction<'_> {
    /// Replicates an effect, `None` where it has no consumer, and what goes with its audit entry.
    pub(super) fn propagate(
        &mut self,
        blob: Option<&[u8]>,
        expiry: Expiry,
        audit: Option<(&Entry, &Appended)>,
    ) {
        if let Some((_, appended)) = audit {
            slot_migration::remember(&mut self.key, appended.id, appended.expires_at_ms);
        }
        let appended = audit.and_then(|(_, appended)| Some((self.stream.name()?, appended)));
        match blob {
            Some(blob) => effect::send(self.ctx, self.key.name(), blob, expiry, appended),
            // The server counts it as a change, by which it knows when a snapshot is due.
            None => self.ctx.replicate_verbatim(),
        }
        if let Some((entry, _)) = audit {
            feed::copy(self.ctx, self.key.name(), entry);
        }
    }

    /// Replicates an audit entry alone.
    pub(super) fn replicate_entry(&mut self, audit: (&Entry, &Appended)) {
        let blob: Option<&[u8]> = self.has_consumers().then_some(&[]);
        self.propagate(blob, Expiry::Leave, Some(audit));
    }

    pub(super) fn replicate_expiry(&self, key: RedisStr, expires_at_ms: Option<i64>) {
        match expires_at_ms {
            Some(at) => {
                let at = OwnedString::of_number(at);
                self.ctx.replicate(c"PEXPIREAT", &[key.raw(), at.raw()]);
            }
            None => self.ctx.replicate(c"PERSIST", &[key.raw()]),
        }
    }

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
