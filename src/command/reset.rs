//! STATE.RESET: the schema's defaults everywhere but in protected, immutable and secret members;
//! with ALL everywhere but in immutable ones.

use redis_state_core::decide::{self, Reset};

use super::update::reply_etag;
use crate::arguments::expected;
use crate::arguments::options::{ACTOR, ALIGN, AUDIT, EVENT, ID, NOTE, Options, RETURN, TTL, TURN};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.reset",
    summary: c"Resets a state to its schema's defaults; protected, immutable and secret members stay.",
    complexity: c"O(N) where N is the length of the document.",
    flags: c"write deny-oom",
    categories: "write slow",
    arity: -2,
    keys: &[KeySpec::First(WRITE), KeySpec::Audit, KeySpec::Align],
    args: &[
        Arg::key(0),
        Arg::text(c"expected"),
        Arg::flag(c"all", c"ALL").optional(),
        TTL,
        EVENT,
        ACTOR,
        NOTE,
        ID,
        TURN,
        RETURN,
        AUDIT,
        ALIGN,
    ],
    example: "person:7 3",
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    reset: Reset,
    audit: Option<RedisStr<'a>>,
    align: Vec<RedisStr<'a>>,
    returns: bool,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, expected, rest @ ..] = args else { return Err(expected::missing(&COMMAND, args)) };
    let expected = expected::expected(&COMMAND, expected)?;
    let mut options = Options::parse(&COMMAND, rest)?;
    let reset = Reset {
        expected,
        all: options.all.is_some(),
        ttl: options.ttl.unwrap_or_default(),
        metadata: options.metadata_and_id(&COMMAND, [if options.all.is_some() { b"ALL" } else { b"" }, b""]),
    };
    let align = options.align.take().unwrap_or_default();
    Ok(Request { key: *key, reset, audit: options.audit, align, returns: options.returns.is_some() })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args)?;
    if request.reset.all && !ctx.may_set_protected(request.key) {
        return Err(Error::NoPermission("ALL"));
    }
    let stream = AuditStream::of_state(&request.key, request.audit)?;
    let mut transaction = Transaction::open(ctx, request.key, stream, &request.align)?;
    let outcome = transaction.decide(|state, context| decide::reset(state, &request.reset, context));
    let etag = transaction.apply(outcome)?;
    reply_etag(ctx, &transaction, etag, request.returns)
}
