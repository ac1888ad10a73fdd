//! The commands of a consumer group, as needed by a consumer.

use std::time::Duration;

use redis::{Cmd, Value};

use super::{EntryId, Raw, entries, text};
use crate::decode::{self, Fields};
use crate::error::{Error, Result};
use crate::request::{Request, Resend};

/// The names of a stream, a group and a consumer.
#[derive(Debug)]
pub(super) struct Names {
    pub stream: String,
    pub group: String,
    pub consumer: String,
}

/// At least one millisecond for a time above zero.
fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1)
}

/// XREADGROUP.
pub(super) struct Read<'a> {
    pub names: &'a Names,
    pub what: What,
    pub count: usize,
}

pub(super) enum What {
    /// Pending entries of this consumer after this entry.
    Given(EntryId),
    /// New entries, with a wait of at most this long.
    New(Duration),
}

impl Request for Read<'_> {
    type Reply = Vec<Raw>;

    fn name(&self) -> &'static str {
        "XREADGROUP"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.names.stream)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.names.group).arg(&self.names.consumer).arg("COUNT").arg(self.count);
        if let What::New(wait) = self.what {
            // Zero would block without limit.
            command.arg("BLOCK").arg(milliseconds(wait));
        }
        command.arg("STREAMS").arg(&self.names.stream);
        match self.what {
            What::Given(after) => command.arg(after.to_string()),
            What::New(_) => command.arg(">"),
        };
        command
    }

    /// The requested stream: the only pair of an array, or of a map in RESP3.
    fn reply(&self, value: Value) -> Result<Vec<Raw>> {
        let stream = match value {
            Value::Map(streams) => streams.into_iter().next().map(|(_, entries)| entries),
            streams => match decode::array(streams)?.unwrap_or_default().into_iter().next() {
                Some(pair) => decode::array(pair)?.unwrap_or_default().into_iter().nth(1),
                None => None,
            },
        };
        entries(stream.unwrap_or_default())
    }

    /// Entries of a lost reply are read again as pending.
    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// XAUTOCLAIM: claims pending entries that their consumer has not touched for a while.
pub(super) struct Claim<'a> {
    pub names: &'a Names,
    pub idle: Duration,
    pub from: EntryId,
    pub count: usize,
}

pub(super) struct Claimed {
    /// Where to continue; the start of the stream when all were checked.
    pub next: EntryId,
    pub entries: Vec<Raw>,
    /// Entries that are no longer in the stream; the server has removed them from the pending list.
    pub trimmed: usize,
}

impl Request for Claim<'_> {
    type Reply = Claimed;

    fn name(&self) -> &'static str {
        "XAUTOCLAIM"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.names.stream)
    }

    fn command(&self) -> Cmd {
        let Names { stream, group, consumer } = self.names;
        let mut command = redis::cmd("XAUTOCLAIM");
        command.arg(stream).arg(group).arg(consumer).arg(milliseconds(self.idle)).arg(self.from.to_string());
        command.arg("COUNT").arg(self.count);
        command
    }

    fn reply(&self, value: Value) -> Result<Claimed> {
        let mut parts = decode::array(value)?.unwrap_or_default().into_iter();
        let mut part = || parts.next().unwrap_or_default();
        let next = EntryId::parse(&text(part())).ok_or_else(|| Error::unexpected("an invalid cursor"))?;
        let entries = entries(part())?;
        Ok(Claimed { next, entries, trimmed: decode::array(part())?.map_or(0, |ids| ids.len()) })
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// XACK.
pub(super) struct Acknowledge<'a> {
    pub names: &'a Names,
    pub ids: &'a [EntryId],
}

impl Request for Acknowledge<'_> {
    /// The number of entries that were pending.
    type Reply = usize;

    fn name(&self) -> &'static str {
        "XACK"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.names.stream)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("XACK");
        command.arg(&self.names.stream).arg(&self.names.group);
        for id in self.ids {
            command.arg(id.to_string());
        }
        command
    }

    fn reply(&self, value: Value) -> Result<usize> {
        decode::value(value)
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// XGROUP CREATE, with the stream if it is missing.
pub(super) struct CreateGroup<'a> {
    pub names: &'a Names,
    /// The group begins after this entry.
    pub after: EntryId,
}

impl Request for CreateGroup<'_> {
    type Reply = ();

    fn name(&self) -> &'static str {
        "XGROUP CREATE"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.names.stream)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("XGROUP");
        command.arg("CREATE").arg(&self.names.stream).arg(&self.names.group).arg(self.after.to_string());
        command.arg("MKSTREAM");
        command
    }

    fn reply(&self, _: Value) -> Result<()> {
        Ok(())
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// XINFO STREAM: the last ID of the stream.
pub(super) struct LastId<'a>(pub &'a Names);

impl Request for LastId<'_> {
    type Reply = EntryId;

    fn name(&self) -> &'static str {
        "XINFO STREAM"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.0.stream)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("XINFO");
        command.arg("STREAM").arg(&self.0.stream);
        command
    }

    fn reply(&self, value: Value) -> Result<EntryId> {
        let last: String = Fields::required(value)?.read("last-generated-id")?;
        EntryId::parse(&last).ok_or_else(|| Error::unexpected("an invalid last ID"))
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// PEXPIRE NX: an expiry for a stream that has none.
pub(super) struct ExpireIfNever<'a>(pub &'a Names, pub Duration);

impl Request for ExpireIfNever<'_> {
    type Reply = ();

    fn name(&self) -> &'static str {
        "PEXPIRE"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.0.stream)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("PEXPIRE");
        command.arg(&self.0.stream).arg(milliseconds(self.1)).arg("NX");
        command
    }

    fn reply(&self, _: Value) -> Result<()> {
        Ok(())
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}
