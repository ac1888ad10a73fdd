//! The inbox: what was accepted and is not yet answered. Each user has a mailbox, a list of their
//! messages in the order of their acceptance; a stream has one ticket for each mailbox that is not
//! empty, and a consumer group of all processes hands them out.
//!
//! * A ticket has one holder, so a user's messages are answered one after the other, in their
//!   order, by however many processes; others' at the same time. Messages in the stream themselves
//!   were rejected: two of one user would be held by two processes, and a process that finds an API
//!   step could not know whether its caller is alive. So was a lock for each user: the group's list
//!   of what was given out and not acknowledged is that lock already, and it knows how long nothing
//!   was heard.
//! * A message is accepted by one script, which notes its ID, looks whether there is room, and adds
//!   it: so no second delivery slips in between, and an answer that was lost on the way is no
//!   reason not to send it again. The notes expire by themselves, later than the message is too old
//!   to be accepted.
//! * A mailbox begins with the ID of its ticket, and a ticket leaves the stream in the step that
//!   empties its mailbox. So neither is ever without the other; if the stream is lost (an
//!   eviction), the user's next message makes a new ticket.
//! * What does not fit is rejected, and WhatsApp delivers it again. Trimming (MAXLEN) was rejected:
//!   it drops what was accepted.
//! * The commands go through the client crate's `States`, which knows what is safe to send again: a
//!   `Request` of our own for each. Its `AuditConsumer` was rejected for this, since it reads audit
//!   entries and nothing else.
//!
//! All keys are in the slot of the stream's.

use std::sync::Arc;
use std::time::Duration;

use redis_state_client::redis::aio::ConnectionManager;
use redis_state_client::redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis_state_client::redis::{self, Cmd, FromRedisValue, Value};
use redis_state_client::{Async, Dedicated, Request, Resend, States};

use crate::message::Inbound;
use crate::service::ServiceError;
use crate::service::payload::Accepted;

/// How much longer a message's ID is known than the message may be accepted: clocks differ.
const KNOWN_BEYOND_AGE: Duration = Duration::from_secs(60 * 60);

/// How many messages of one user may wait.
const WAITING_EACH_MAX: usize = 100;

/// How many messages that could not be answered are kept for the operator.
const FAILED_MAX: usize = 1000;

/// The field of a ticket: whose mailbox it is for.
const PERSON: &str = "person";

/// `KEYS`: the stream, the mailbox, the note of the ID. `ARGV`: how many mailboxes and how many
/// messages in one may wait, milliseconds of the note, the user, the message, the field of the
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

/// `KEYS`: the stream, the mailbox, the stream of what failed. `ARGV`: the group, the ticket, the
/// message that is done (empty: none), how many that failed are kept, whether this one has. Answers
/// the next message; without one the ticket is gone.
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

/// What became of a message that was to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    /// It was accepted before.
    Known,
    /// So many wait already.
    Full,
}

/// The right to one user's mailbox, from the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub id: String,
    pub person: String,
}

/// What is done with a message, when the next one is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Done<'a> {
    /// None was there before.
    Nothing,
    /// It is answered.
    Answered(&'a str),
    /// It can't be, and is put aside.
    Failed(&'a str),
}

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
        let Inbound { channel_id, message_id, .. } = &message.message;
        let text =
            serde_json::to_string(message).map_err(|_| ServiceError::Reply("a message that is no JSON"))?;
        let mut accept = redis::cmd("EVAL");
        accept.arg(ACCEPT).arg(3).arg(&self.names.stream).arg(self.mailbox(channel_id));
        accept.arg(self.beside(&format!("known:{message_id}")));
        accept.arg(self.waiting_max).arg(WAITING_EACH_MAX).arg(milliseconds(self.known_for));
        accept.arg(channel_id).arg(text).arg(PERSON);
        match read(self.states.clone().send(&Plain::new("EVAL", accept)).await?)? {
            1 => Ok(Taken::New),
            0 => Ok(Taken::Known),
            _ => Ok(Taken::Full),
        }
    }

    /// Lets go of what is done, and answers the next message as it was put in; `None` when the
    /// mailbox is empty, and the ticket is gone with that.
    pub(super) async fn next(&self, ticket: &Ticket, done: Done<'_>) -> Result<Option<String>, ServiceError> {
        let (text, failed) = match done {
            Done::Nothing => ("", 0),
            Done::Answered(text) => (text, 0),
            Done::Failed(text) => (text, 1),
        };
        let mut next = redis::cmd("EVAL");
        next.arg(NEXT).arg(3).arg(&self.names.stream);
        next.arg(self.mailbox(&ticket.person)).arg(self.beside("failed"));
        next.arg(&self.names.group).arg(&ticket.id).arg(text).arg(FAILED_MAX).arg(failed);
        read(self.states.clone().send(&Plain::new("EVAL", next)).await?)
    }

    /// What is new, after a wait of at most so long; over a connection of its own, since it waits.
    pub(super) async fn read_new(
        &self,
        waiting: &mut States<Async<Dedicated>>,
        count: usize,
        wait: Duration,
    ) -> Result<Vec<Ticket>, ServiceError> {
        let mut command = self.group_read(count);
        // Zero would wait without limit.
        command.arg("BLOCK").arg(milliseconds(wait).max(1)).arg("STREAMS").arg(&self.names.stream).arg(">");
        tickets(waiting.send(&Plain::new("XREADGROUP", command)).await?)
    }

    /// What this consumer was given behind an entry and has not finished.
    pub(super) async fn read_given(&self, count: usize, after: &str) -> Result<Vec<Ticket>, ServiceError> {
        let mut command = self.group_read(count);
        command.arg("STREAMS").arg(&self.names.stream).arg(after);
        tickets(self.states.clone().send(&Plain::new("XREADGROUP", command)).await?)
    }

    /// Claims what has been idle for so long, and returns where to go on: at `0-0` all has been
    /// looked at.
    pub(super) async fn claim(
        &self,
        idle: Duration,
        from: &str,
        count: usize,
    ) -> Result<(String, Vec<Ticket>), ServiceError> {
        let mut command = redis::cmd("XAUTOCLAIM");
        command.arg(&self.names.stream).arg(&self.names.group).arg(&self.names.consumer);
        command.arg(milliseconds(idle)).arg(from).arg("COUNT").arg(count);
        let reply = self.states.clone().send(&Plain::new("XAUTOCLAIM", command)).await?;
        let claimed: StreamAutoClaimReply = read(reply)?;
        Ok((claimed.next_stream_id, claimed.claimed.iter().map(ticket).collect()))
    }

    /// Keeps these from being claimed: they are still being worked on.
    pub(super) async fn keep(&self, ids: &[String]) -> Result<(), ServiceError> {
        let Names { stream, group, consumer } = &*self.names;
        let mut command = redis::cmd("XCLAIM");
        command.arg(stream).arg(group).arg(consumer).arg(0).arg(ids).arg("JUSTID");
        self.states.clone().send(&Plain::new("XCLAIM", command)).await?;
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

    fn group_read(&self, count: usize) -> Cmd {
        let Names { group, consumer, .. } = &*self.names;
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(group).arg(consumer).arg("COUNT").arg(count);
        command
    }
}

/// A command whose reply its caller reads. Each of this file may be sent a second time: it then
/// does nothing, or what comes of it is read again as given.
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

/// The first word of an error of the server.
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

/// An entry without a user, which no process of the bot adds, is for an empty mailbox.
fn ticket(entry: &StreamId) -> Ticket {
    Ticket { id: entry.id.clone(), person: entry.get(PERSON).unwrap_or_default() }
}
