//! A delivered entry: to be handled, then acknowledged.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use redis::aio::ConnectionManager;

use super::consume::Consume;
use super::entry::AuditEntry;
use super::id::EntryId;
use crate::driver::Async;
use crate::error::Result;
use crate::states::States;

/// Delivered entries that the program still holds: the consumer does not claim them from itself.
#[derive(Default)]
pub(super) struct Held(Mutex<BTreeSet<EntryId>>);

impl Held {
    pub(super) fn holds(&self, id: EntryId) -> bool {
        self.ids().contains(&id)
    }

    fn ids(&self) -> std::sync::MutexGuard<'_, BTreeSet<EntryId>> {
        // The set is consistent after a panic too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry of the stream (it derefs to [`AuditEntry`]) that is this consumer's until it is
/// acknowledged.
///
/// Handle it, then [`ack`](Delivered::ack). One that is dropped without that is redelivered: to
/// this consumer after a restart, to any consumer of the group after
/// [`claim_after`](crate::Consume::claim_after). So handling it twice must be harmless: in the
/// feed, equal `key` and `etag` mean the same event.
pub struct Delivered {
    entry: AuditEntry,
    is_repeated: bool,
    consume: Arc<Consume>,
    states: States<Async<ConnectionManager>>,
    held: Arc<Held>,
}

impl Delivered {
    pub(super) fn new(
        entry: AuditEntry,
        is_repeated: bool,
        consume: &Arc<Consume>,
        states: &States<Async<ConnectionManager>>,
        held: &Arc<Held>,
    ) -> Delivered {
        held.ids().insert(entry.id);
        let (consume, states, held) = (Arc::clone(consume), states.clone(), Arc::clone(held));
        Delivered { entry, is_repeated, consume, states, held }
    }

    /// Whether it was delivered before, and may have been handled.
    pub fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// Acknowledges it, so that it is not redelivered. It is resent without a reply. False if
    /// another consumer has claimed and acknowledged it, or the group is deleted.
    ///
    /// Errors: [`Connection`](crate::ErrorKind::Connection) while the server is down: retry, or the
    /// entry is redelivered.
    pub async fn ack(&self) -> Result<bool> {
        let acknowledge = self.consume.acknowledge(&[self.entry.id]);
        Ok(self.states.clone().ask::<u64>(&acknowledge).await? > 0)
    }
}

impl Deref for Delivered {
    type Target = AuditEntry;

    fn deref(&self) -> &AuditEntry {
        &self.entry
    }
}

impl Drop for Delivered {
    fn drop(&mut self) {
        self.held.ids().remove(&self.entry.id);
    }
}

impl fmt::Debug for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Delivered").field(&self.entry).finish()
    }
}
