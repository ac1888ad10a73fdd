//! The audit entries of rejections, and of failed rungs of recoveries.

use redis_state_core::audit::Entry;

use crate::server::commit::transaction::Transaction;
use crate::server::global::config;

impl Transaction<'_> {
    /// Records a rejection. Skips a key that has no state and no audit stream, and gets no state: a
    /// caller must not fill the server with streams of keys that do not exist.
    ///
    /// At most `state.audit-rejects` of them stand between two commits, then one entry for the
    /// rest. Never more than half of the stream, or rejections would push the commits out.
    pub(super) fn reject(&mut self, entry: &Entry, suppressed: &Entry, makes_a_state: bool) {
        if !makes_a_state && self.state().is_none() && !self.stream.exists(self.ctx) {
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

    /// Appends an entry that follows so many rejections. A stream that takes no more entries must
    /// not hide why the command was rejected.
    fn record(&mut self, entry: &Entry, rejects: usize) {
        if let Ok(appended) = self.append_after(entry, Some(rejects)) {
            self.replicate_entry((entry, &appended));
        }
    }
}
