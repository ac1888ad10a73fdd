//! The entries of an audit stream that a recovery reads, where no state exists.

use redis_state_core::decide::RebuildEntry;

use crate::server::commit::audit_stream::AuditStream;
use crate::server::ffi::ctx::Ctx;

/// Maximum number of entries that a recovery reads. One commit in 64 carries a document, so further
/// entries would not help.
const ENTRIES_MAX: usize = 10_000;

impl AuditStream {
    /// The entries from the newest back to one from which a document can be rebuilt, newest first.
    pub fn rebuild_entries(&self, ctx: Ctx) -> Vec<RebuildEntry> {
        self.look(ctx, |key| {
            let mut read = Vec::new();
            let Some(mut entries) = key.entries_from_end() else { return read };
            while let Some(entry) = entries.next_entry().filter(|_| read.len() < ENTRIES_MAX) {
                let fields = entry.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
                read.push(RebuildEntry::read(fields));
                if read.last().is_some_and(RebuildEntry::is_start) {
                    break;
                }
            }
            read
        })
    }
}
