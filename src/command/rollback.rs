//! STATE.ROLLBACK: a new version with the content of an old one.

use redis_state_core::decide::{self, Rollback};

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
    name: c"state.rollback",
    summary: c"Makes a new version with the content of an earlier one.",
    complexity: c"O(N*M) where N is the length of the document and M the number of versions looked at.",
    flags: c"write deny-oom",
    categories: "write slow",
    arity: -2,
    keys: &[KeySpec::First(WRITE), KeySpec::Audit, KeySpec::Align],
    args: &[
        Arg::key(0),
        Arg::text(c"expected"),
        Arg::one_of(
            c"target",
            &[
                Arg::integer(c"n").token(c"STEPS"),
                Arg::integer(c"version").token(c"TO"),
                Arg::text(c"name").token(c"LABEL"),
                Arg::flag(c"lastvalid", c"LASTVALID"),
            ],
        )
        .optional(),
        Arg::block(c"only", &[Arg::integer(c"n"), Arg::text(c"pointer").multiple()])
            .token(c"ONLY")
            .optional(),
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
    rollback: Rollback,
    audit: Option<RedisStr<'a>>,
    align: Vec<RedisStr<'a>>,
    returns: bool,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, expected, rest @ ..] = args else { return Err(expected::missing(&COMMAND, args)) };
    let expected = expected::expected(&COMMAND, expected)?;
    let mut options = Options::parse(&COMMAND, rest)?;
    let target = match (options.target.take(), options.label) {
        (None, None) => decide::Target::Steps(1),
        (Some(target), None) => target,
        (None, Some(label)) => decide::Target::Label(label.to_owned()),
        (Some(_), Some(_)) => return Err(Error::syntax("LABEL excludes STEPS, TO and LASTVALID")),
    };
    let rollback = Rollback {
        expected,
        target,
        only: options.only.take(),
        all: options.all.is_some(),
        ttl: options.ttl.unwrap_or_default(),
        metadata: options.metadata_and_id(&COMMAND, [b"", b""]),
    };
    let align = options.align.take().unwrap_or_default();
    Ok(Request { key: *key, rollback, audit: options.audit, align, returns: options.returns.is_some() })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args)?;
    if request.rollback.all && !ctx.may_set_protected(request.key) {
        return Err(Error::NoPermission("ALL"));
    }
    let stream = AuditStream::of_state(&request.key, request.audit)?;
    let mut transaction = Transaction::open(ctx, request.key, stream, &request.align)?;
    let outcome = transaction.decide(|state, context| decide::rollback(state, &request.rollback, context));
    let etag = transaction.apply(outcome)?;
    reply_etag(ctx, &transaction, etag, request.returns)
}
