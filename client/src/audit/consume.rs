//! Following an audit stream, or the feed, by a group of consumers: one of them handles each entry,
//! and none is lost.
//!
//! The server keeps the position, in a consumer group. Not the client (XREAD after the last ID): it
//! would have to store it, would serve one process only, and would not know which entries were read
//! but not handled.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;

use super::commands::Names;
use super::delivered::{Delivered, Held};
use super::reader::{Batch, Reader};
use super::{EntryId, stream_of};
use crate::backoff::Backoff;
use crate::dedicated::Dedicated;
use crate::error::Result;
use crate::pump::{self, Pump};
use crate::states::States;

/// A year, so that sums with it stay in the range of a clock.
const CLAIM_AFTER_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Where a new group begins; an existing one continues.
///
/// For an example see [`AuditConsumer`](crate::AuditConsumer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest entry of the stream.
    Oldest,
    /// At entries added from now on.
    Now,
}

/// Names the stream, the group and the consumer; [`open`](Consume::open) starts.
///
/// The user needs `+xreadgroup +xack +xautoclaim +xgroup|create +xinfo|stream` on the stream, and
/// for an audit stream `+pexpire`, so that a stream without an entry gets an expiry.
///
/// For an example see [`AuditConsumer`](crate::AuditConsumer).
#[derive(Clone, Debug)]
pub struct Consume {
    stream: String,
    group: String,
    consumer: String,
    start: Start,
    is_trail: bool,
    claim_after: Duration,
    count: usize,
}

impl Consume {
    /// The server's feed, with the name from `state.feed`: every session expiry and rejection.
    /// `consumer` names this process within the group, and must be the same after a restart.
    pub fn feed(
        stream: impl Into<String>,
        group: impl Into<String>,
        consumer: impl Into<String>,
        start: Start,
    ) -> Consume {
        let (stream, group, consumer) = (stream.into(), group.into(), consumer.into());
        let claim_after = Duration::from_secs(60);
        Consume { stream, group, consumer, start, is_trail: false, claim_after, count: 32 }
    }

    /// The audit stream of the state at a key.
    ///
    /// Errors: [`BadKey`](crate::ErrorKind::BadKey) for a key without an audit stream.
    pub fn audit(
        key: &str,
        group: impl Into<String>,
        consumer: impl Into<String>,
        start: Start,
    ) -> Result<Consume> {
        Ok(Consume { is_trail: true, ..Consume::feed(stream_of(key)?, group, consumer, start) })
    }

    /// How long an entry may stay unacknowledged before another consumer claims it: a minute by
    /// default. Must be longer than handling an entry takes.
    pub fn claim_after(mut self, idle: Duration) -> Self {
        self.claim_after = idle.clamp(Duration::from_millis(1), CLAIM_AFTER_MAX);
        self
    }

    /// The number of entries in one read: 32 by default.
    pub fn count(mut self, count: usize) -> Self {
        self.count = count.max(1);
        self
    }

    /// Connects, and creates the group if it is missing. In a cluster, name the primary of the
    /// stream's slot: the consumer does not follow a slot migration.
    ///
    /// Errors as [`connect`](crate::connect), and [`WrongType`](crate::ErrorKind::WrongType) for a
    /// key of another type, [`NoPermission`](crate::ErrorKind::NoPermission).
    pub async fn open(self, url: &str) -> Result<AuditConsumer> {
        let Consume { stream, group, consumer, start, is_trail, claim_after, count } = self;
        let mut reader = Reader {
            names: Arc::new(Names { stream, group, consumer }),
            // The consumer's backoff decides about retries.
            waiting: States::new(Dedicated::open(url).await?).resends(0),
            states: crate::connect(url).await?,
            held: Arc::new(Held::default()),
            trimmed: Arc::default(),
            count,
            claim_after,
            is_trail,
            seen: EntryId::START,
            is_new_next: false,
            is_group_there: true,
            claim_from: EntryId::START,
            claim_at: Instant::now(),
            backoff: Backoff::new(),
        };
        let after = match start {
            Start::Oldest => EntryId::START,
            Start::Now => reader.last_id().await?,
        };
        reader.make_group(after).await?;
        let trimmed = Arc::clone(&reader.trimmed);
        Ok(AuditConsumer {
            pump: Pump::Resting(reader),
            batch: None,
            ready: VecDeque::new(),
            claim_after,
            trimmed,
        })
    }
}

/// A consumer of a group: delivers entries in order, each until it is acknowledged.
///
/// * It first delivers its own pending entries, then new ones. So it must have the same name after
///   a restart.
/// * It claims entries that another consumer has left untouched for
///   [`claim_after`](Consume::claim_after).
/// * It retries while the server is down, and recreates a missing group: after the stream has
///   expired, or the server was flushed. The new group begins after the entries that this consumer
///   has seen.
/// * Entries that were trimmed before they were handled are lost: they are acknowledged, logged and
///   [counted](AuditConsumer::trimmed). Alert on the group's `lag` before that.
/// * It has its own connection. `next` is cancel-safe; dropping the consumer loses nothing.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{AuditEvent, Change, Consume, Start, Update, connect};
/// use std::time::Duration;
/// # redis_state_client::redis::cmd("CONFIG").arg("SET").arg("state.feed").arg("sessions")
/// #     .query_async::<()>(
/// #         &mut redis_state_client::redis::Client::open(url)?
/// #             .get_multiplexed_async_connection()
/// #             .await?,
/// #     )
/// #     .await?;
///
/// // The server says `state.feed sessions`.
/// let mut ends = Consume::feed("sessions", "bot", "worker-1", Start::Now).open(url).await?;
///
/// let mut states = connect(url).await?;
/// let session = Update::create("channel:+263771234567", Change::none())
///     .expires_in(Duration::from_millis(20));
/// let etag = states.send(&session).await?.etag;
///
/// let end = ends.next().await?;
/// assert_eq!((&end.event, end.etag), (&AuditEvent::Expire, Some(etag)));
/// assert_eq!(end.key.as_deref(), Some("channel:+263771234567"));
/// // … tell the user, then:
/// assert!(end.ack().await?);
/// # Ok(()) });
/// ```
///
/// It is a [`Stream`] too, which never ends. It returns permanent errors only, such as
/// [`NoPermission`](crate::ErrorKind::NoPermission); the next call continues.
pub struct AuditConsumer {
    pump: Pump<Reader>,
    /// The origin of the ready entries.
    batch: Option<Origin>,
    ready: VecDeque<super::AuditEntry>,
    claim_after: Duration,
    trimmed: Arc<AtomicU64>,
}

#[derive(Clone, Copy)]
struct Origin {
    is_repeated: bool,
    is_claimed: bool,
    at: Instant,
}

impl AuditConsumer {
    /// The next entry: see [`AuditConsumer`].
    pub async fn next(&mut self) -> Result<Delivered> {
        let next = std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await;
        next.unwrap_or_else(|| Err(pump::broken()))
    }

    /// The number of entries that were trimmed before they were acknowledged, as far as known.
    pub fn trimmed(&self) -> u64 {
        self.trimmed.load(Ordering::Relaxed)
    }

    /// A ready entry. If it has waited long enough for others to claim it, it is read again
    /// instead, if it is still this consumer's.
    fn take_ready(&mut self) -> Option<Delivered> {
        let origin = self.batch?;
        let reader = self.pump.resting()?;
        let first = self.ready.front()?.id;
        if origin.at.elapsed() >= self.claim_after {
            self.ready.clear();
            if !origin.is_claimed {
                reader.read_again(first);
            }
            return None;
        }
        let entry = self.ready.pop_front()?;
        Some(Delivered::new(entry, origin.is_repeated, &reader.names, &reader.states, &reader.held))
    }
}

impl Stream for AuditConsumer {
    type Item = Result<Delivered>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(entry) = self.take_ready() {
                return Poll::Ready(Some(Ok(entry)));
            }
            match ready!(self.pump.poll(cx)) {
                Some(Ok(Batch { entries, is_repeated, is_claimed, at })) => {
                    self.batch = Some(Origin { is_repeated, is_claimed, at });
                    self.ready = entries.into();
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl std::fmt::Debug for AuditConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditConsumer").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}
