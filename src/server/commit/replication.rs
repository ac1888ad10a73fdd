//! What replicas, the AOF, the feed and keyspace events get of a commit.

use std::ffi::CStr;

use redis_state_core::Event;
use redis_state_core::audit::Entry;

use crate::server::commit::audit_stream::Appended;
use crate::server::commit::effect::{self, Expiry};
use crate::server::commit::feed;
use crate::server::commit::slot_migration;
use crate::server::commit::transaction::Target;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::counters;

impl Target<'_> {
    /// Replicates an effect, `None` where it has no consumer, and what goes with its audit entry.
    pub(super) fn replicate_effect(
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

    pub(super) fn replicate_expiry(&self, key: RedisStr, expires_at_ms: Option<i64>) {
        match expires_at_ms {
            Some(at) => {
                let at = OwnedString::of_number(at);
                self.ctx.replicate(c"PEXPIREAT", &[key.raw(), at.raw()]);
            }
            None => self.ctx.replicate(c"PERSIST", &[key.raw()]),
        }
    }

    pub(super) fn announce(&self, event: Event) {
        let (counter, name): (_, &CStr) = match event {
            Event::Create => (&counters::CREATED, c"state.create"),
            Event::Update => (&counters::UPDATES, c"state.update"),
            Event::Rollback => (&counters::ROLLBACKS, c"state.rollback"),
            Event::Reset => (&counters::RESETS, c"state.reset"),
            Event::Lapse => (&counters::LAPSES, c"state.lapse"),
            // Counted by its rung; the event is sent even when the state was valid.
            Event::Recover => return,
        };
        counter.add();
        self.ctx.notify(name, self.key.name());
    }
}
