//! The inbox: accepted messages without an answer. Each user has a mailbox, a list of messages in
//! the order of acceptance. A stream has one ticket for each mailbox with messages, and a consumer
//! group of all processes distributes the tickets.
//!
//! * A ticket has one holder, so a user's messages are answered in order by any number of
//!   processes, and different users' concurrently. Not the messages themselves in the stream: two
//!   processes would hold two messages of one user, and a process that finds an API step could not
//!   know whether its caller is alive. Not a lock for each user either: the group's pending list is
//!   that lock, with the idle time of each holder.
//! * One script accepts a message: it records the ID, checks for room, and adds the message. So a
//!   concurrent redelivery can't slip in, and a lost reply can be resent. The recorded IDs expire
//!   after the message is too old to be accepted.
//! * A mailbox begins with the ID of its ticket, and the step that empties the mailbox removes its
//!   ticket. So each exists only with the other; if the stream is lost (an eviction), the user's
//!   next message makes a new ticket.
//! * A message without room is rejected, and WhatsApp delivers it again. Not trimming (MAXLEN),
//!   which drops accepted messages.
//! * The commands go through the client crate's `States`, which knows what is safe to resend, with
//!   a `CommandLine` for each. Not by its `AuditConsumer`, which reads only audit entries.
//!
//! All keys are in the stream's slot.

use std::sync::Arc;
use std::time::Duration;

use redis_state_client::redis::aio::ConnectionManager;
use redis_state_client::redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis_state_client::redis::{self, FromRedisValue, Value};
use redis_state_client::{Async, CommandLine, Dedicated, Resend, States};

use crate::message::Inbound;
use crate::service::ServiceError;
use crate::service::payload::Accepted;

/// How much longer a message's ID is known than the message may be accepted: clocks differ.
const KNOWN_BEYOND_AGE: Duration = Duration::from_secs(60 * 60);

/// The maximum number of waiting messages of a user.
const WAITING_EACH_MAX: usize = 100;

/// The number of unanswerable messages kept for the operator.
const FAILED_MAX: usize = 1000;

/// The field of a ticket with the user of its mailbox.
const PERSON: &str = "person";

/// `KEYS`: the stream, the mailbox, the record of the ID. `ARGV`: the maximum number of mailboxes
/// and of messages in one, milliseconds of the record, the user, the message, the field of the
/// user.
const ACCEPT: &str = "
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
local ticket = redis.call('LINDEX', KEYS[2], 0)
local has_ticket = ticket and #redis.call('XRANGE', KEYS[1], ticket, ticket) == 1
if redis.call('LLEN', KEYS[2]) > tonumber(ARGV[2]) then return -1 end
if not has_ticket then
  if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return -1 end
  redis.call('LPOP', KEYS[2])
  redis.call('LPUSH', KEYS[2], redis.call('XADD', KEYS[1], '*', ARGV[6], ARGV[4]))
end
redis.call('SET', KEYS[3], '', 'PX', ARGV[3])
redis.call('RPUSH', KEYS[2], ARGV[5])
return 1";

/// `KEYS`: the stream, the mailbox, the stream of failed messages. `ARGV`: the group, the ticket,
/// the finished message (empty: none), the maximum number of failed ones, whether this one failed.
/// Returns the next message; without one the ticket is removed.
const NEXT: &str = "
if redis.call('LINDEX', KEYS[2], 0) == ARGV[2] then
  if ARGV[3] ~= '' and redis.call('LINDEX', KEYS[2], 1) == ARGV[3] then
    redis.call('LPOP', KEYS[2], 2)
    redis.call('LPUSH', KEYS[2], ARGV[2])
    if ARGV[5] == '1' then
      redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'message', ARGV[3])
    end
  end
  local message = redis.call('LINDEX', KEYS[2], 1)
  if message then return message end
  redis.call('DEL', KEYS[2])
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return false";

/// The result of accepting a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    /// It was accepted before.
    Known,
    /// There is no room.
    Full,
}

/// The right to work on a user's mailbox, from the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub id: String,
    pub person: String,
}

/// The result of the last message, when the next one is requested.
#[derive(Clone, Copy, Debug)]
pub(super) enum Done<'a> {
    /// There was none.
    Nothing,
    /// It is answered.
    Answered(&'a str),
    /// It can't be answered, and is put aside.
    Failed(&'a str),
}

pub(super) struct Names {
    pub stream: String,
    pub group: String,
    pub consumer: String,
}

/// Over a shared connection. A clone is for another task.
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

    /// Creates a missing group; it begins with the oldest message.
    pub(super) async fn make_group(&self) -> Result<(), ServiceError> {
        let Names { stream, group, .. } = &*self.names;
        let create = command("XGROUP CREATE").arg((stream, group, 0, "MKSTREAM"));
        match self.states.clone().send(&create).await {
            Err(error) if word(&error) == Some("BUSYGROUP") => Ok(()),
            result => result.map(drop).map_err(ServiceError::State),
        }
    }

    pub(super) async fn accept(&self, message: &Accepted) -> Result<Taken, ServiceError> {
        let Inbound { channel_id, message_id, .. } = &message.message;
        let text =
            serde_json::to_string(message).map_err(|_| ServiceError::Reply("a message that is not JSON"))?;
        let keys =
            (&self.names.stream, self.mailbox(channel_id), self.beside(&format!("known:{message_id}")));
        let limits = (self.waiting_max, WAITING_EACH_MAX, milliseconds(self.known_for));
        let accept = command("EVAL").arg((ACCEPT, 3, keys, limits)).arg((channel_id, text, PERSON));
        match read(self.states.clone().send(&accept).await?)? {
            1 => Ok(Taken::New),
            0 => Ok(Taken::Known),
            _ => Ok(Taken::Full),
        }
    }

    /// Removes a finished message, and returns the next one as it was added; `None` when the
    /// mailbox is empty and its ticket removed.
    pub(super) async fn next(&self, ticket: &Ticket, done: Done<'_>) -> Result<Option<String>, ServiceError> {
        let (text, failed) = match done {
            Done::Nothing => ("", 0),
            Done::Answered(text) => (text, 0),
            Done::Failed(text) => (text, 1),
        };
        let keys = (&self.names.stream, self.mailbox(&ticket.person), self.beside("failed"));
        let next = command("EVAL").arg((NEXT, 3, keys));
        let next = next.arg((&self.names.group, &ticket.id, text, FAILED_MAX, failed));
        read(self.states.clone().send(&next).await?)
    }

    /// New tickets, after a wait of at most this long; over its own connection, since it blocks.
    pub(super) async fn read_new(
        &self,
        waiting: &mut States<Async<Dedicated>>,
        count: usize,
        wait: Duration,
    ) -> Result<Vec<Ticket>, ServiceError> {
        // Zero would block without limit.
        let block = ("BLOCK", milliseconds(wait).max(1));
        let read = self.group_read(count).arg((block, "STREAMS", &self.names.stream, ">"));
        tickets(waiting.send(&read).await?)
    }

    /// Tickets after this entry that this consumer holds.
    pub(super) async fn read_given(&self, count: usize, after: &str) -> Result<Vec<Ticket>, ServiceError> {
        let read = self.group_read(count).arg(("STREAMS", &self.names.stream, after));
        tickets(self.states.clone().send(&read).await?)
    }

    /// Claims tickets that were idle this long, and returns where to continue: `0-0` means that all
    /// were checked.
    pub(super) async fn claim(
        &self,
        idle: Duration,
        from: &str,
        count: usize,
    ) -> Result<(String, Vec<Ticket>), ServiceError> {
        let Names { stream, group, consumer } = &*self.names;
        let claim = command("XAUTOCLAIM").arg((stream, group, consumer));
        let claim = claim.arg((milliseconds(idle), from, "COUNT", count));
        let claimed: StreamAutoClaimReply = read(self.states.clone().send(&claim).await?)?;
        Ok((claimed.next_stream_id, claimed.claimed.iter().map(ticket).collect()))
    }

    /// Keeps these from being claimed, because they are in work.
    pub(super) async fn keep(&self, ids: &[String]) -> Result<(), ServiceError> {
        let Names { stream, group, consumer } = &*self.names;
        let keep = command("XCLAIM").arg((stream, group, consumer, 0, ids, "JUSTID"));
        self.states.clone().send(&keep).await?;
        Ok(())
    }

    fn mailbox(&self, person: &str) -> String {
        self.beside(&format!("from:{person}"))
    }

    /// A key in the slot of the stream.
    fn beside(&self, name: &str) -> String {
        let stream = &self.names.stream;
        if stream.contains('{') { format!("{stream}:{name}") } else { format!("{{{stream}}}:{name}") }
    }

    fn group_read(&self, count: usize) -> CommandLine {
        let Names { group, consumer, .. } = &*self.names;
        command("XREADGROUP").arg(("GROUP", group, consumer, "COUNT", count))
    }
}

/// A command of this file. Each may be resent: it then does nothing, or its result is read again as
/// pending.
fn command(name: &'static str) -> CommandLine {
    CommandLine::new(name, Resend::Safe)
}

/// The first word of a server error.
pub(super) fn word(error: &redis_state_client::Error) -> Option<&str> {
    error.redis_error()?.code()
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn read<T: FromRedisValue>(reply: Value) -> Result<T, ServiceError> {
    redis::from_redis_value(reply).map_err(|_| ServiceError::Reply("a reply of another shape"))
}

fn tickets(reply: Value) -> Result<Vec<Ticket>, ServiceError> {
    let reply: Option<StreamReadReply> = read(reply)?;
    let streams = reply.into_iter().flat_map(|reply| reply.keys);
    Ok(streams.flat_map(|stream| stream.ids).map(|entry| ticket(&entry)).collect())
}

/// An entry without a user, which the bot never adds, is for an empty mailbox.
fn ticket(entry: &StreamId) -> Ticket {
    Ticket { id: entry.id.clone(), person: entry.get(PERSON).unwrap_or_default() }
}
