//! The inbox: a stream of messages that were accepted and not yet answered, read by a consumer group of all processes.
//!
//! * A message is accepted by one script, which notes its ID, looks whether there is room, and adds it: so no second delivery
//!   slips in between, and an answer that was lost on the way is no reason not to send it again. The notes expire by
//!   themselves, later than the message is too old to be accepted.
//! * An entry leaves the stream with its acknowledgement. So the stream is as long as what waits, and its bound refuses new
//!   messages, which WhatsApp delivers again. Trimming (MAXLEN) was rejected: it drops what was accepted.
//! * The commands go through the client crate's `States`, which knows what is safe to send again: a `Request` of our own for
//!   each. Its `AuditConsumer` was rejected for this, since it reads audit entries and nothing else.
//!
//! All keys are in the slot of the stream's.

use std::sync::Arc;
use std::time::Duration;

use redis_state_client::redis::aio::ConnectionManager;
use redis_state_client::redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis_state_client::redis::{self, Cmd, FromRedisValue, Value};
use redis_state_client::{Async, Dedicated, Request, Resend, States};

use crate::service::ServiceError;
use crate::service::payload::Accepted;

/// How much longer a message's ID is known than the message may be accepted: clocks differ.
const KNOWN_BEYOND_AGE: Duration = Duration::from_secs(60 * 60);

/// How many messages that could not be answered are kept for somebody to look at.
const FAILED_MAX: usize = 1000;

const FIELD: &str = "message";

/// `KEYS`: the stream, the note of the ID. `ARGV`: how many may wait, milliseconds of the note, the field, the message.
const ACCEPT: &str = "
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return -1 end
redis.call('SET', KEYS[2], '', 'PX', ARGV[2])
redis.call('XADD', KEYS[1], '*', ARGV[3], ARGV[4])
return 1";

/// `KEYS`: the stream, that of what failed. `ARGV`: the group, the entry, the field, how many are kept, the message if it failed.
const FINISH: &str = "
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if redis.call('XDEL', KEYS[1], ARGV[2]) == 1 and ARGV[5] then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', ARGV[3], ARGV[5])
end
return 1";

/// What became of a message that was to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    /// It was accepted before.
    Known,
    /// So many wait already.
    Full,
}

/// An entry of the stream; what it says, if that can be read.
pub(super) type Entry = (String, Option<Accepted>);

pub(super) struct Names {
    pub stream: String,
    pub group: String,
    pub consumer: String,
}

/// Over a connection that is shared. A clone is for another task.
#[derive(Clone)]
pub(super) struct Inbox {
    states: States<Async<ConnectionManager>>,
    names: Arc<Names>,
    waiting_max: u64,
    known_for: Duration,
}

impl Inbox {
    pub(super) fn new(
        states: States<Async<ConnectionManager>>,
        names: Names,
        waiting_max: u64,
        age_max: Duration,
    ) -> Inbox {
        let known_for = age_max + KNOWN_BEYOND_AGE;
        Inbox { states, names: Arc::new(names), waiting_max, known_for }
    }

    /// Makes the group if it is not there; it begins with the oldest message.
    pub(super) async fn make_group(&self) -> Result<(), ServiceError> {
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(&self.names.stream).arg(&self.names.group).arg(0).arg("MKSTREAM");
        match self.states.clone().send(&Plain::new("XGROUP CREATE", create)).await {
            Err(error) if word(&error) == Some("BUSYGROUP") => Ok(()),
            result => result.map(drop).map_err(ServiceError::State),
        }
    }

    pub(super) async fn accept(&self, message: &Accepted) -> Result<Taken, ServiceError> {
        let note = beside(&self.names.stream, &format!("known:{}", message.message.message_id));
        let mut accept = redis::cmd("EVAL");
        accept.arg(ACCEPT).arg(2).arg(&self.names.stream).arg(note);
        accept.arg(self.waiting_max).arg(milliseconds(self.known_for)).arg(FIELD).arg(json(message)?);
        match read(self.states.clone().send(&Plain::new("EVAL", accept)).await?)? {
            1 => Ok(Taken::New),
            0 => Ok(Taken::Known),
            _ => Ok(Taken::Full),
        }
    }

    /// It is answered, or has `failed` for good and is put aside.
    pub(super) async fn finish(&self, id: &str, failed: Option<&Accepted>) -> Result<(), ServiceError> {
        let mut finish = redis::cmd("EVAL");
        finish.arg(FINISH).arg(2).arg(&self.names.stream).arg(beside(&self.names.stream, "failed"));
        finish.arg(&self.names.group).arg(id).arg(FIELD).arg(FAILED_MAX);
        if let Some(message) = failed {
            finish.arg(json(message)?);
        }
        self.states.clone().send(&Plain::new("EVAL", finish)).await?;
        Ok(())
    }

    /// What is new, after a wait of at most so long; over a connection of its own, since it waits.
    pub(super) async fn read_new(
        &self,
        waiting: &mut States<Async<Dedicated>>,
        count: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>, ServiceError> {
        let mut command = self.group_read(count);
        // Zero would wait for ever.
        command.arg("BLOCK").arg(milliseconds(wait).max(1)).arg("STREAMS").arg(&self.names.stream).arg(">");
        entries_read(waiting.send(&Plain::new("XREADGROUP", command)).await?)
    }

    /// What this consumer was given behind an entry and has not finished.
    pub(super) async fn read_given(&self, count: usize, after: &str) -> Result<Vec<Entry>, ServiceError> {
        let mut command = self.group_read(count);
        command.arg("STREAMS").arg(&self.names.stream).arg(after);
        entries_read(self.states.clone().send(&Plain::new("XREADGROUP", command)).await?)
    }

    /// Takes over what nobody has touched for so long, and says where to go on: at `0-0` all has been looked at.
    pub(super) async fn claim(
        &self,
        idle: Duration,
        from: &str,
        count: usize,
    ) -> Result<(String, Vec<Entry>), ServiceError> {
        let mut command = redis::cmd("XAUTOCLAIM");
        command.arg(&self.names.stream).arg(&self.names.group).arg(&self.names.consumer);
        command.arg(milliseconds(idle)).arg(from).arg("COUNT").arg(count);
        let reply = self.states.clone().send(&Plain::new("XAUTOCLAIM", command)).await?;
        let claimed: StreamAutoClaimReply = read(reply)?;
        Ok((claimed.next_stream_id, claimed.claimed.into_iter().map(entry).collect()))
    }

    /// Says that these are still being worked on, so that nobody takes them over.
    pub(super) async fn keep(&self, ids: &[String]) -> Result<(), ServiceError> {
        let Names { stream, group, consumer } = &*self.names;
        let mut command = redis::cmd("XCLAIM");
        command.arg(stream).arg(group).arg(consumer).arg(0).arg(ids).arg("JUSTID");
        self.states.clone().send(&Plain::new("XCLAIM", command)).await?;
        Ok(())
    }

    fn group_read(&self, count: usize) -> Cmd {
        let Names { group, consumer, .. } = &*self.names;
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(group).arg(consumer).arg("COUNT").arg(count);
        command
    }
}

/// A command whose reply its caller reads. Each of this file may be sent a second time: it then does nothing, or what comes of
/// it is read again as given.
struct Plain {
    name: &'static str,
    command: Cmd,
}

impl Plain {
    fn new(name: &'static str, command: Cmd) -> Plain {
        Plain { name, command }
    }
}

impl Request for Plain {
    type Reply = Value;

    fn name(&self) -> &'static str {
        self.name
    }

    fn key(&self) -> Option<&str> {
        None
    }

    fn command(&self) -> Cmd {
        self.command.clone()
    }

    fn reply(&self, value: Value) -> redis_state_client::Result<Value> {
        Ok(value)
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

/// The first word of a refusal.
pub(super) fn word(error: &redis_state_client::Error) -> Option<&str> {
    error.redis_error()?.code()
}

/// A key in the same slot.
fn beside(stream: &str, name: &str) -> String {
    if stream.contains('{') { format!("{stream}:{name}") } else { format!("{{{stream}}}:{name}") }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn json(message: &Accepted) -> Result<String, ServiceError> {
    serde_json::to_string(message).map_err(|_| ServiceError::Reply("a message that is no JSON"))
}

fn read<T: FromRedisValue>(reply: Value) -> Result<T, ServiceError> {
    redis::from_redis_value(reply).map_err(|_| ServiceError::Reply("a reply of another shape"))
}

fn entries_read(reply: Value) -> Result<Vec<Entry>, ServiceError> {
    let reply: Option<StreamReadReply> = read(reply)?;
    let streams = reply.into_iter().flat_map(|reply| reply.keys);
    Ok(streams.flat_map(|stream| stream.ids).map(entry).collect())
}

fn entry(entry: StreamId) -> Entry {
    let text = entry.get::<String>(FIELD);
    let message = text.and_then(|text| serde_json::from_str(&text).ok());
    (entry.id, message)
}
