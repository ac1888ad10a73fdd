//! STATE.TOUCH: moves a state's expiry and nothing else.

use redis_state_core::Ttl;
use redis_state_core::decide;

use crate::arguments::options::{ALIGN, AUDIT, Options, TTL, TURN};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.touch",
    summary: c"Moves the expiry of a state, without a version or an audit entry.",
    complexity: c"O(1), or O(N) where N is the length of a document with deadlines.",
    flags: c"write fast",
    categories: "write slow",
    arity: -2,
    keys: &[KeySpec::First(WRITE), KeySpec::Audit, KeySpec::Align],
    args: &[Arg::key(0), TTL, TURN, AUDIT, ALIGN],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    ttl: Ttl,
    audit: Option<RedisStr<'a>>,
    align: Vec<RedisStr<'a>>,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, rest @ ..] = args else { return Err(Error::WrongArity) };
    let options = Options::parse(&COMMAND, rest)?;
    let (ttl, align) = (options.ttl.unwrap_or_default(), options.align.unwrap_or_default());
    Ok(Request { key: *key, ttl, audit: options.audit, align })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args)?;
    let stream = AuditStream::of_state(&request.key, request.audit)?;
    let mut transaction = Transaction::open(ctx, request.key, stream, &request.align)?;
    let outcome = transaction.decide(|state, context| decide::touch(state, request.ttl, context));
    let is_there = transaction.apply(outcome)?;
    ctx.reply_int(i64::from(is_there));
    Ok(())
}
