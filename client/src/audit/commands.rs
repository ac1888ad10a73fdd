//! The commands of a consumer group, as far as a consumer needs them.

use std::time::Duration;

use redis::{Cmd, Value};

use super::{EntryId, Raw, entries, text};
use crate::decode::{self, Fields};
use crate::error::{Error, Result};
use crate::request::{Request, Resend};

/// Whose entries these are, and how they are read.
#[derive(Debug)]
pub(super) struct Names {
    pub stream: String,
    pub group: String,
    pub consumer: String,
}

/// A time above zero, as one.
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
    /// What this consumer was given behind this entry and has not acknowledged.
    Given(EntryId),
    /// What no consumer was given yet; waits so long for it.
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
            // Zero would wait without limit.
            command.arg("BLOCK").arg(milliseconds(wait));
        }
        command.arg("STREAMS").arg(&self.names.stream);
        match self.what {
            What::Given(after) => command.arg(after.to_string()),
            What::New(_) => command.arg(">"),
        };
        command
    }

    /// The stream that was asked for: the only pair of an array, or of a map in RESP3.
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

    /// What comes of a first try that was not heard of is read again as given.
    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// XAUTOCLAIM: takes over what a consumer was given and has not touched for a while.
pub(super) struct Claim<'a> {
    pub names: &'a Names,
    pub idle: Duration,
    pub from: EntryId,
    pub count: usize,
}

pub(super) struct Claimed {
    /// Where to go on; at the start of the stream when all have been looked at.
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
        let next = EntryId::parse(&text(part())).ok_or_else(|| Error::unexpected("a cursor that is none"))?;
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
    /// How many of them were still waiting for it.
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

/// XGROUP CREATE, with the stream if it is not there.
pub(super) struct CreateGroup<'a> {
    pub names: &'a Names,
    /// The group hears of what comes behind this entry.
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

/// XINFO STREAM: the last ID that the stream has given out.
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
        EntryId::parse(&last).ok_or_else(|| Error::unexpected("a last ID that is none"))
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
