//! The work of a consumer between two entries: reads, claims, recreates its group, reconnects.
//!
//! One rule covers a restart, a cut connection and a cancelled read: over a new connection it first
//! reads its pending entries after the last one that it has seen, since a reply may have been lost.
//! Then it reads new ones. From time to time it claims entries that were left untouched too long,
//! its own included: those that its caller dropped.
//!
//! The blocking connection does nothing else. Acknowledgements use another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::ConnectionManager;

use super::commands::{Acknowledge, Claim, CreateGroup, ExpireIfNever, LastId, Names, Read, What};
use super::delivered::Held;
use super::{AuditEntry, EntryId, Raw};
use crate::backoff::{Backoff, word};
use crate::dedicated::{Dedicated, WAIT_MAX};
use crate::driver::Async;
use crate::error::{Error, ErrorKind, Result};
use crate::pump::Source;
use crate::states::States;

/// The expiry of an audit stream without an entry. The server sets its own with the first entry.
const EMPTY_STREAM_TTL: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct Reader {
    pub(super) names: Arc<Names>,
    pub(super) waiting: States<Async<Dedicated>>,
    pub(super) states: States<Async<ConnectionManager>>,
    pub(super) held: Arc<Held>,
    /// The number of entries that were trimmed before they were acknowledged.
    pub(super) trimmed: Arc<AtomicU64>,
    pub(super) count: usize,
    pub(super) claim_after: Duration,
    /// An audit stream expires, the feed does not.
    pub(super) is_trail: bool,
    pub(super) seen: EntryId,
    pub(super) is_new_next: bool,
    pub(super) is_group_there: bool,
    pub(super) claim_from: EntryId,
    pub(super) claim_at: Instant,
    pub(super) backoff: Backoff,
}

/// At least one entry.
pub(super) struct Batch {
    pub(super) entries: Vec<AuditEntry>,
    /// They were delivered before.
    pub(super) is_repeated: bool,
    /// They are not after those that were seen.
    pub(super) is_claimed: bool,
    pub(super) at: Instant,
}

impl Source for Reader {
    type Item = Result<Batch>;

    async fn step(&mut self) -> Result<Batch> {
        self.backoff.wait_due().await;
        loop {
            match self.round().await {
                Ok(batch) => {
                    self.backoff.reset();
                    if !batch.entries.is_empty() {
                        return Ok(batch);
                    }
                }
                // When a stream is deleted during a block, Redis 7.0 replies UNBLOCKED, later
                // servers NOGROUP.
                Err(error) if matches!(word(&error), Some("NOGROUP" | "UNBLOCKED")) => {
                    self.is_group_there = false;
                    self.backoff.wait_after(&error).await;
                }
                Err(error) => self.backoff.wait_or_return(error).await?,
            }
        }
    }
}

impl Reader {
    async fn round(&mut self) -> Result<Batch> {
        if !self.is_group_there {
            self.make_group_again().await?;
        }
        if !self.waiting.driver.0.is_open() {
            self.is_new_next = false;
        }
        let until_claim = self.claim_at.saturating_duration_since(Instant::now());
        if !self.is_new_next {
            let batch = self.read(What::Given(self.seen), true).await?;
            self.is_new_next = batch.is_none();
            return Ok(batch.unwrap_or_else(|| self.batch(Vec::new(), true, false)));
        }
        if until_claim.is_zero() {
            return self.claim().await;
        }
        let batch = self.read(What::New(until_claim.min(WAIT_MAX)), false).await?;
        Ok(batch.unwrap_or_else(|| self.batch(Vec::new(), false, false)))
    }

    /// `None` without an entry; an empty batch if all were trimmed.
    async fn read(&mut self, what: What, is_repeated: bool) -> Result<Option<Batch>> {
        let read = Read { names: &self.names, what, count: self.count };
        let found = self.waiting.exchange(&read).await?;
        let Some((last, _)) = found.last() else { return Ok(None) };
        let last = *last;
        let trimmed: Vec<EntryId> =
            found.iter().filter(|(_, entry)| entry.is_none()).map(|(id, _)| *id).collect();
        if !trimmed.is_empty() {
            self.states.exchange(&Acknowledge { names: &self.names, ids: &trimmed }).await?;
            self.count_trimmed(trimmed.len());
        }
        self.seen = last;
        Ok(Some(self.batch(found, is_repeated, false)))
    }

    async fn claim(&mut self) -> Result<Batch> {
        let claim =
            Claim { names: &self.names, idle: self.claim_after, from: self.claim_from, count: self.count };
        let claimed = self.states.exchange(&claim).await?;
        self.claim_from = claimed.next;
        if claimed.next == EntryId::START {
            self.claim_at = Instant::now() + self.claim_after / 2;
        }
        if claimed.trimmed > 0 {
            self.count_trimmed(claimed.trimmed);
        }
        // This process has just claimed entries that it still handles from itself, so that other
        // consumers do not.
        let others = claimed.entries.into_iter().filter(|(id, _)| !self.held.holds(*id)).collect();
        Ok(self.batch(others, true, true))
    }

    fn batch(&self, entries: Vec<Raw>, is_repeated: bool, is_claimed: bool) -> Batch {
        let entries = entries.into_iter().filter_map(|(_, entry)| entry).collect();
        Batch { entries, is_repeated, is_claimed, at: Instant::now() }
    }

    fn count_trimmed(&self, entries: usize) {
        tracing::warn!(entries, "trimmed from the stream before they were acknowledged");
        self.trimmed.fetch_add(entries as u64, Ordering::Relaxed);
    }

    /// Entries that were read are not delivered: those from `first` on are read again, as pending.
    pub(super) fn read_again(&mut self, first: EntryId) {
        self.seen = first.before();
        self.is_new_next = false;
    }

    /// Creates a missing group, which begins after an entry.
    pub(super) async fn make_group(&mut self, after: EntryId) -> Result<()> {
        match self.states.exchange(&CreateGroup { names: &self.names, after }).await {
            Err(error) if word(&error) == Some("BUSYGROUP") => {}
            result => result?,
        }
        if self.is_trail {
            let expire = ExpireIfNever(&self.names, EMPTY_STREAM_TTL);
            match self.states.exchange(&expire).await {
                // Without permission to set an expiry an empty stream may stay.
                Err(error) if error.kind() == ErrorKind::NoPermission => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// The last ID of the stream; without a stream the one before all.
    pub(super) async fn last_id(&mut self) -> Result<EntryId> {
        match self.states.exchange(&LastId(&self.names)).await {
            Err(error) if is_no_such_key(&error) => Ok(EntryId::START),
            result => result,
        }
    }

    /// The group is missing: the audit stream expired, the server was flushed or evicted it, or a
    /// failover lost it. The new one begins after the entries that were seen, or at the start of a
    /// new stream with lower IDs.
    async fn make_group_again(&mut self) -> Result<()> {
        if self.last_id().await? < self.seen {
            self.seen = EntryId::START;
        }
        self.make_group(self.seen).await?;
        self.is_group_there = true;
        Ok(())
    }
}

fn is_no_such_key(error: &Error) -> bool {
    error.kind() == ErrorKind::Command && error.to_string().contains("no such key")
}
