//! STATE.DELETE: deletes a state if its version is the expected one, with an audit entry.

use redis_state_core::decide::{self, Delete};

use crate::arguments::expected;
use crate::arguments::options::{ACTOR, AUDIT, EVENT, NOTE, Options};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, REMOVE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.delete",
    summary: c"Deletes a state; with PURGE its audit stream too.",
    complexity: c"O(N) where N is the number of kept versions.",
    flags: c"write",
    categories: "write slow",
    arity: -2,
    keys: &[KeySpec::First(REMOVE), KeySpec::Audit],
    args: &[
        Arg::key(0),
        Arg::text(c"expected"),
        Arg::flag(c"purge", c"PURGE").optional(),
        EVENT,
        ACTOR,
        NOTE,
        AUDIT,
    ],
    example: "person:7 3",
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    delete: Delete,
    audit: Option<RedisStr<'a>>,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, expected, rest @ ..] = args else { return Err(expected::missing(&COMMAND, args)) };
    let expected = expected::expected(&COMMAND, expected)?;
    let options = Options::parse(&COMMAND, rest)?;
    let delete = Delete { expected, purge: options.purge.is_some(), metadata: options.metadata() };
    Ok(Request { key: *key, delete, audit: options.audit })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args)?;
    // To delete the record of what was done is for an administrator; asked first, so that nothing
    // has changed.
    if request.delete.purge && !ctx.may_destroy() {
        return Err(Error::MayNotPurge);
    }
    let stream = AuditStream::of(&request.key, request.audit)?;
    let mut transaction = Transaction::open(ctx, request.key, stream, &[])?;
    let outcome = transaction.decide(|state, context| decide::delete(state, &request.delete, context));
    transaction.apply(outcome)?;
    ctx.reply_int(1);
    Ok(())
}
