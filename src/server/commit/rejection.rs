//! The audit entries of rejections, and of failed rungs of recoveries.

use redis_state_core::audit::Entry;

use crate::error::Error;
use crate::server::commit::audit_stream::Appended;
use crate::server::commit::transaction::Transaction;
use crate::server::global::config;

impl Transaction<'_> {
    /// Records a rejection, unless the key has neither a state nor an audit stream, nor gets a
    /// state: a caller must not fill the server with streams of keys that do not exist.
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

    /// Appends an entry behind so many rejections. A stream that takes no more entries must not
    /// hide why the command was rejected.
    fn record(&mut self, entry: &Entry, rejects: usize) {
        if let Ok(appended) = self.append_behind(entry, Some(rejects)) {
            self.replicate_entry((entry, &appended));
        }
    }

    /// Appends an entry to the audit stream.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<Appended, Error> {
        let rejects = self.stream.known_rejects(self.ctx, entry);
        self.append_behind(entry, rejects)
    }

    /// Appends an entry behind so many rejections, if the number is known.
    fn append_behind(&mut self, entry: &Entry, rejects: Option<usize>) -> Result<Appended, Error> {
        let appended = self.stream.append(self.ctx, entry, self.now_ms)?;
        self.stream.count_rejects(self.ctx, rejects, entry, &appended);
        Ok(appended)
    }
}
