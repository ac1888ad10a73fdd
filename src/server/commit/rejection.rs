//! The audit entries of rejections, and of failed rungs of recoveries.

use redis_state_core::audit::Entry;

use crate::server::commit::slot_migration;
use crate::server::commit::transaction::Transaction;
use crate::server::global::config;

impl Transaction<'_> {
    /// Records a rejection; `has_change`: the outcome also changes or creates the state. Skips a
    /// key that has no state and no audit stream, and gets no state: a caller must not fill the
    /// server with streams of keys that do not exist.
    ///
    /// At most `state.audit-rejects` of them stand between two commits, then one entry for the
    /// rest. Never more than half of the stream, or rejections would push the commits out.
    pub(super) fn reject(&mut self, entry: &Entry, suppressed: &Entry, has_change: bool) {
        if !has_change && self.state().is_none() && !self.stream.exists(self.ctx) {
            return;
        }
        if config::AUDIT.is_on() {
            let max = config::AUDIT_REJECTS.get().min(config::AUDIT_MAXLEN.get() / 2);
            let max = usize::try_from(max).unwrap_or(0);
            let already = self.stream.rejects_since_commit(self.ctx, max);
            if already <= max {
                self.record(if already < max { entry } else { suppressed }, already);
            }
        }
        if entry.event() == "reject" {
            self.ctx.notify(c"state.reject", self.name());
        }
    }

    /// Appends an entry that follows so many rejections. If the stream takes no more entries, the
    /// caller still gets the error of its command, not that of the stream.
    fn record(&mut self, entry: &Entry, rejects: usize) {
        if let Ok(appended) = self.append_after(entry, Some(rejects)) {
            slot_migration::remember(&mut self.key, appended.id, appended.expires_at_ms);
            self.propagate_entry((entry, &appended));
        }
    }
}
