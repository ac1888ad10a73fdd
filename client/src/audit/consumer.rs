//! Following an audit stream, or the feed, by a group of consumers: one of them handles each entry,
//! and none is lost.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::stream::Stream;

use super::consume::Consume;
use super::delivered::Delivered;
use super::reader::Reader;
use crate::error::Result;
use crate::stream::Items;

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
/// # use redis_state_client::{CommandLine, Resend};
/// # let set = CommandLine::new("CONFIG SET", Resend::Safe);
/// # connect(url).await?.send(&set.arg(("state.feed", "sessions"))).await?;
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
    entries: Items<Delivered>,
    trimmed: Arc<AtomicU64>,
}

impl Consume {
    /// Connects, and creates the group if it is missing. In a cluster, name the primary of the
    /// stream's slot: the consumer does not follow a slot migration.
    ///
    /// Errors as [`connect`](crate::connect), and [`WrongType`](crate::ErrorKind::WrongType) for a
    /// key of another type, [`NoPermission`](crate::ErrorKind::NoPermission).
    pub async fn open(self, url: &str) -> Result<AuditConsumer> {
        let reader = Reader::open(self, url).await?;
        let trimmed = Arc::clone(&reader.trimmed);
        Ok(AuditConsumer { entries: Items::of(reader), trimmed })
    }
}

impl AuditConsumer {
    /// The next entry: see [`AuditConsumer`].
    pub async fn next(&mut self) -> Result<Delivered> {
        self.entries.next().await
    }

    /// The number of entries that were trimmed before they were acknowledged, as far as known.
    pub fn trimmed(&self) -> u64 {
        self.trimmed.load(Ordering::Relaxed)
    }
}

impl Stream for AuditConsumer {
    type Item = Result<Delivered>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.entries.poll(cx)
    }
}

impl std::fmt::Debug for AuditConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditConsumer").finish_non_exhaustive()
    }
}
