//! STATE.DELETE: deletes a state if its version is the expected one, with an audit entry; with
//! PURGE all that the server has about the key.

use redis_state_core::decide::{self, Delete};

use crate::arguments::expected;
use crate::arguments::options::{ACTOR, AUDIT, EVENT, NOTE, Options, TURN};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, REMOVE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::feed::{self, Erased};
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::stream::StreamId;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.delete",
    summary: c"Deletes a state; with PURGE its audit stream and its entries in the feed too.",
    complexity:
        c"O(N+M) where N is the number of kept versions and M the number of examined entries of the feed.",
    flags: c"write",
    categories: "write slow",
    arity: -2,
    keys: &[KeySpec::First(REMOVE), KeySpec::Audit],
    args: &[
        Arg::key(0),
        Arg::text(c"expected"),
        Arg::block(
            c"purge",
            &[Arg::flag(c"purge", c"PURGE"), Arg::text(c"id").token(c"FEEDFROM").optional()],
        )
        .optional(),
        EVENT,
        ACTOR,
        NOTE,
        TURN,
        AUDIT,
    ],
    example: "person:7 3",
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    delete: Delete,
    feed_from: Option<StreamId>,
    audit: Option<RedisStr<'a>>,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, expected, rest @ ..] = args else { return Err(expected::missing(&COMMAND, args)) };
    let expected = expected::expected(&COMMAND, expected)?;
    let options = Options::parse(&COMMAND, rest)?;
    let delete = Delete { expected, purge: options.purge.is_some(), metadata: options.metadata() };
    Ok(Request { key: *key, delete, feed_from: options.feed_from, audit: options.audit })
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
    let (has_state, entries) = (transaction.state().is_some(), transaction.audit_len());
    transaction.apply(outcome)?;
    if request.delete.purge {
        reply_purged(ctx, has_state, entries, &feed::erase(ctx, request.key, request.feed_from));
    } else {
        ctx.reply_int(1);
    }
    Ok(())
}

/// What was removed.
fn reply_purged(ctx: Ctx, has_state: bool, audit_entries: usize, erased: &Erased) {
    ctx.reply_map(4);
    ctx.reply_text("state");
    ctx.reply_int(i64::from(has_state));
    ctx.reply_text("audit");
    ctx.reply_int(audit_entries as i64);
    ctx.reply_text("feed");
    ctx.reply_int(erased.entries as i64);
    ctx.reply_text("feed_from");
    match erased.next {
        Some(id) => ctx.reply_bytes(&id.to_string().borrow()),
        None => ctx.reply_nil(),
    }
}
