//! The names and settings of a consumer, and the commands of its group.
//!
//! The server keeps the position, in a consumer group. Not the client (XREAD after the last ID): it
//! would have to store it, would serve one process only, and would not know which entries were read
//! but not handled.

use std::time::Duration;

use super::id::EntryId;
use super::stream_of;
use crate::error::Result;
use crate::request::line::{CommandLine, milliseconds};
use crate::resend::Resend;

/// A year, so that sums with it stay in the range of a clock.
const CLAIM_AFTER_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Where a new group begins; an existing one continues.
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
#[derive(Clone, Debug)]
pub struct Consume {
    stream: String,
    group: String,
    consumer: String,
    pub(super) start: Start,
    /// An audit stream expires, the feed does not.
    pub(super) is_trail: bool,
    pub(super) claim_after: Duration,
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
}

pub(super) enum What {
    /// Pending entries of this consumer after this entry.
    Pending(EntryId),
    /// New entries, with a wait of at most this long.
    New(Duration),
}

/// The commands of a group. Each may be resent: it then does nothing, or its entries are read again
/// as pending.
impl Consume {
    pub(super) fn read(&self, what: What) -> CommandLine {
        let read = command("XREADGROUP").arg(("GROUP", &self.group, &self.consumer, "COUNT", self.count));
        match what {
            What::Pending(after) => read.arg(("STREAMS", &self.stream, after.to_string())),
            // Zero would block without limit.
            What::New(wait) => read.arg(("BLOCK", milliseconds(wait).max(1), "STREAMS", &self.stream, ">")),
        }
    }

    /// Claims pending entries that their consumer has not touched for a while.
    pub(super) fn claim(&self, from: EntryId) -> CommandLine {
        let claim = command("XAUTOCLAIM").arg((&self.stream, &self.group, &self.consumer));
        claim.arg((milliseconds(self.claim_after), from.to_string(), "COUNT", self.count))
    }

    pub(super) fn acknowledge(&self, ids: &[EntryId]) -> CommandLine {
        let ids: Vec<String> = ids.iter().map(EntryId::to_string).collect();
        command("XACK").arg((&self.stream, &self.group, ids))
    }

    /// Creates the group, which begins after an entry, and the stream if it is missing.
    pub(super) fn create_group(&self, after: EntryId) -> CommandLine {
        command("XGROUP CREATE").arg((&self.stream, &self.group, after.to_string(), "MKSTREAM"))
    }

    /// Describes the stream.
    pub(super) fn info(&self) -> CommandLine {
        command("XINFO STREAM").arg(&self.stream)
    }

    /// Sets an expiry unless the stream has one.
    pub(super) fn expire_if_never(&self, after: Duration) -> CommandLine {
        command("PEXPIRE").arg((&self.stream, milliseconds(after), "NX"))
    }
}

fn command(name: &'static str) -> CommandLine {
    CommandLine::new(name, Resend::Safe)
}
