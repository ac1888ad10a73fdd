//! The work of a consumer between two entries: reads, claims, recreates its group, reconnects.
//!
//! One rule covers a restart, a cut connection and a cancelled read: over a new connection it first
//! reads its pending entries after the last one that it has seen, since a reply may have been lost.
//! Then it reads new ones. From time to time it claims entries that were left untouched too long,
//! its own included: those that its caller dropped.
//!
//! The blocking connection does nothing else. Acknowledgements use another one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::Value;
use redis::aio::ConnectionManager;

use super::consume::{Consume, Start, What};
use super::delivered::{Delivered, Held};
use super::entry::{AuditEntry, Raw};
use super::id::EntryId;
use crate::backoff::{Backoff, word};
use crate::connection::connect;
use crate::connection::dedicated::{Dedicated, WAIT_MAX};
use crate::decode::Fields;
use crate::driver::Async;
use crate::error::{Error, ErrorKind, Result};
use crate::states::States;
use crate::stream::Source;

/// The expiry of an audit stream without an entry. The server sets its own with the first entry.
const EMPTY_STREAM_TTL: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct Reader {
    consume: Arc<Consume>,
    waiting: States<Async<Dedicated>>,
    states: States<Async<ConnectionManager>>,
    held: Arc<Held>,
    /// The number of entries that were trimmed before they were acknowledged.
    pub(super) trimmed: Arc<AtomicU64>,
    /// The last entry that was read.
    seen: EntryId,
    /// Whether all pending entries were read.
    is_new_next: bool,
    is_group_there: bool,
    claim_from: EntryId,
    claim_at: Instant,
    batch: Batch,
    backoff: Backoff,
}

/// Entries that were read and not delivered yet.
struct Batch {
    entries: VecDeque<AuditEntry>,
    /// They were delivered before.
    is_repeated: bool,
    /// They are not after those that were seen.
    is_claimed: bool,
    at: Instant,
}

impl Batch {
    fn new(entries: Vec<Raw>, is_repeated: bool, is_claimed: bool) -> Batch {
        let entries = entries.into_iter().filter_map(|raw| raw.entry).collect();
        Batch { entries, is_repeated, is_claimed, at: Instant::now() }
    }
}

impl Source for Reader {
    type Item = Delivered;

    async fn step(&mut self) -> Result<Delivered> {
        loop {
            if let Some(entry) = self.take_ready() {
                return Ok(entry);
            }
            self.backoff.wait_due().await;
            match self.round().await {
                Ok(batch) => {
                    self.backoff.reset();
                    self.batch = batch;
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
    /// Connects, and creates the group if it is missing.
    pub(super) async fn open(consume: Consume, url: &str) -> Result<Reader> {
        let mut reader = Reader {
            consume: Arc::new(consume),
            // The consumer's backoff decides about retries.
            waiting: States::new(Dedicated::open(url).await?).resends(0),
            states: connect(url).await?,
            held: Arc::default(),
            trimmed: Arc::default(),
            seen: EntryId::START,
            is_new_next: false,
            is_group_there: true,
            claim_from: EntryId::START,
            claim_at: Instant::now(),
            batch: Batch::new(Vec::new(), false, false),
            backoff: Backoff::new(),
        };
        let after = match reader.consume.start {
            Start::Oldest => EntryId::START,
            Start::Now => reader.last_id().await?,
        };
        reader.make_group(after).await?;
        Ok(reader)
    }

    /// The next entry of the batch. If they have waited long enough for others to claim them, they
    /// are read again instead, as far as they are still this consumer's.
    fn take_ready(&mut self) -> Option<Delivered> {
        let first = self.batch.entries.front()?.id;
        if self.batch.at.elapsed() >= self.consume.claim_after {
            self.batch.entries.clear();
            if !self.batch.is_claimed {
                self.seen = first.before();
                self.is_new_next = false;
            }
            return None;
        }
        let entry = self.batch.entries.pop_front()?;
        Some(Delivered::new(entry, self.batch.is_repeated, &self.consume, &self.states, &self.held))
    }

    async fn round(&mut self) -> Result<Batch> {
        if !self.is_group_there {
            self.make_group_again().await?;
        }
        if !self.waiting.driver.0.is_open() {
            self.is_new_next = false;
        }
        let until_claim = self.claim_at.saturating_duration_since(Instant::now());
        if !self.is_new_next {
            let pending = self.read(What::Pending(self.seen)).await?;
            self.is_new_next = pending.is_empty();
            return Ok(Batch::new(pending, true, false));
        }
        if until_claim.is_zero() {
            return self.claim().await;
        }
        let new = self.read(What::New(until_claim.min(WAIT_MAX))).await?;
        Ok(Batch::new(new, false, false))
    }

    async fn read(&mut self, what: What) -> Result<Vec<Raw>> {
        let streams: Vec<(String, Vec<Raw>)> = self.waiting.ask(&self.consume.read(what)).await?;
        let found: Vec<Raw> = streams.into_iter().flat_map(|(_, entries)| entries).collect();
        let trimmed: Vec<EntryId> =
            found.iter().filter(|raw| raw.entry.is_none()).map(|raw| raw.id).collect();
        if !trimmed.is_empty() {
            self.states.exchange(&self.consume.acknowledge(&trimmed)).await?;
            self.count_trimmed(trimmed.len());
        }
        self.seen = found.last().map_or(self.seen, |last| last.id);
        Ok(found)
    }

    async fn claim(&mut self) -> Result<Batch> {
        // The server has removed the trimmed entries from the pending list.
        let (next, entries, trimmed): (String, Vec<Raw>, Vec<Value>) =
            self.states.ask(&self.consume.claim(self.claim_from)).await?;
        self.claim_from = entry_id(&next)?;
        if self.claim_from == EntryId::START {
            self.claim_at = Instant::now() + self.consume.claim_after / 2;
        }
        if !trimmed.is_empty() {
            self.count_trimmed(trimmed.len());
        }
        // This process has just claimed entries that it still handles from itself, so that other
        // consumers do not.
        let others = entries.into_iter().filter(|raw| !self.held.holds(raw.id)).collect();
        Ok(Batch::new(others, true, true))
    }

    fn count_trimmed(&self, entries: usize) {
        tracing::warn!(entries, "trimmed from the stream before they were acknowledged");
        self.trimmed.fetch_add(entries as u64, Ordering::Relaxed);
    }

    /// Creates a missing group, which begins after an entry.
    async fn make_group(&mut self, after: EntryId) -> Result<()> {
        match self.states.ask(&self.consume.create_group(after)).await {
            Err(error) if word(&error) == Some("BUSYGROUP") => {}
            result => result?,
        }
        if self.consume.is_trail {
            match self.states.ask(&self.consume.expire_if_never(EMPTY_STREAM_TTL)).await {
                // Without permission to set an expiry an empty stream may stay.
                Err(error) if error.kind() == ErrorKind::NoPermission => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// The last ID of the stream; without a stream the one before all.
    async fn last_id(&mut self) -> Result<EntryId> {
        match self.states.exchange(&self.consume.info()).await {
            Err(error) if is_no_such_key(&error) => Ok(EntryId::START),
            Err(error) => Err(error),
            Ok(info) => {
                let last = Fields::of(info).and_then(|mut info| info.read::<String>("last-generated-id"));
                entry_id(&last.map_err(|error| Error::unexpected(error.to_string()))?)
            }
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

fn entry_id(text: &str) -> Result<EntryId> {
    EntryId::parse(text).ok_or_else(|| Error::unexpected("not the ID of an entry"))
}

fn is_no_such_key(error: &Error) -> bool {
    error.kind() == ErrorKind::Command && error.to_string().contains("no such key")
}
