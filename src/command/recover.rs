//! STATE.RECOVER: makes a state valid again by the mildest of several ways, and reports each one it
//! tried.

use redis_state_core::decide::{self, Recover, Recovered};

use crate::arguments::options::{ACTOR, ALIGN, AUDIT, EVENT, NOTE, Options, TTL, TURN};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.recover",
    summary: c"Makes an invalid state valid again, or rebuilds a missing one, by the mildest way that works.",
    complexity:
        c"O(N*M) where N is the length of the document and M the number of versions and entries looked at.",
    flags: c"write deny-oom",
    categories: "write slow",
    arity: -2,
    keys: &[KeySpec::First(WRITE), KeySpec::Audit, KeySpec::Align],
    args: &[
        Arg::key(0),
        Arg::text(c"name").token(c"SCHEMA").optional(),
        TTL,
        EVENT,
        ACTOR,
        NOTE,
        TURN,
        AUDIT,
        ALIGN,
    ],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    recover: Recover,
    audit: Option<RedisStr<'a>>,
    align: Vec<RedisStr<'a>>,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, rest @ ..] = args else { return Err(Error::WrongArity) };
    let mut options = Options::parse(&COMMAND, rest)?;
    Ok(Request {
        key: *key,
        recover: Recover {
            schema: options.schema.map(str::to_owned),
            ttl: options.ttl.unwrap_or_default(),
            metadata: options.metadata(),
        },
        audit: options.audit,
        align: options.align.take().unwrap_or_default(),
    })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args)?;
    let stream = AuditStream::of_state(&request.key, request.audit)?;
    let mut transaction = Transaction::open(ctx, request.key, stream, &request.align)?;
    let entries = transaction.rebuild_entries();
    let recover = &request.recover;
    let outcome = transaction.decide(|state, context| decide::recover(state, &entries, recover, context));
    let recovered = transaction.apply(outcome)?;
    reply(ctx, &recovered);
    Ok(())
}

fn reply(ctx: Ctx, recovered: &Recovered) {
    let Recovered { rung, etag, tried } = recovered;
    ctx.reply_map(3);
    ctx.reply_text("rung");
    ctx.reply_text(rung.as_str());
    ctx.reply_text("etag");
    ctx.reply_text(&etag.to_string());
    ctx.reply_text("tried");
    ctx.reply_array(tried.len());
    for (rung, reason) in tried {
        ctx.reply_map(2);
        ctx.reply_text("rung");
        ctx.reply_text(rung.as_str());
        ctx.reply_text("reason");
        ctx.reply_text(reason);
    }
}
