//! STATE.META: version, schema, times and sizes of a state.

use redis_state_core::iso8601;

use super::attempts;
use super::read::{self, Reading};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, READ};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::registry;

pub static COMMAND: Command = Command {
    name: c"state.meta",
    summary: c"Returns the version, schema, times, sizes and audit stream of a state.",
    complexity: c"O(N) where N is the length of the document, which is validated.",
    flags: c"readonly",
    categories: "read slow",
    arity: 2,
    keys: &[KeySpec::First(READ)],
    args: &[Arg::key(0)],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, name] = args else { return Err(Error::WrongArity) };
    read::state(ctx, *name, |reading| reply(ctx, *name, reading))
}

fn reply(ctx: Ctx, name: RedisStr, reading: &Reading) -> Result<(), Error> {
    let state = reading.state();
    let schema = state.schema();
    let bytes = reading.bytes(state.head())?;
    ctx.reply_map(14);
    ctx.reply_text("etag");
    ctx.reply_text(&state.etag().to_string());
    ctx.reply_text("version");
    ctx.reply_int(state.head().number as i64);
    ctx.reply_text("turn");
    ctx.reply_optional(state.head().turn.as_deref());
    ctx.reply_text("schema");
    ctx.reply_optional(schema.map(|schema| &*schema.name));
    ctx.reply_text("revision");
    ctx.reply_int(schema.map_or(0, |schema| schema.revision as i64));
    ctx.reply_text("initialized_at");
    ctx.reply_text(&iso8601(state.initialized_at_ms()));
    ctx.reply_text("updated_at");
    ctx.reply_text(&iso8601(state.head().at_ms));
    ctx.reply_text("ttl");
    // A key at the very end of its life still has a time to live.
    ctx.reply_int(reading.expires_at_ms().map_or(-1, |at| (at - reading.now_ms()).max(0)));
    ctx.reply_text("bytes");
    ctx.reply_int(bytes as i64);
    ctx.reply_text("snapshots");
    ctx.reply_int(state.history().len() as i64);
    ctx.reply_text("deadlines");
    let deadlines = state.head().deadlines.iter();
    ctx.reply_map(deadlines.len());
    for deadline in deadlines {
        ctx.reply_text(&deadline.place);
        ctx.reply_text(&iso8601(deadline.at_ms));
    }
    ctx.reply_text("attempts");
    attempts::reply_counts(ctx, state.attempts(), usize::MAX);
    ctx.reply_text("audit");
    // A state that came by RENAME, or while none was written, may have a name that no audit stream
    // goes with.
    match AuditStream::of(&name, None).ok().as_ref().and_then(AuditStream::name) {
        Some(stream) => ctx.reply_bytes(&stream),
        None => ctx.reply_nil(),
    }
    ctx.reply_text("valid");
    // A document that costs more to check than a command may is not known to pass.
    ctx.reply_int(i64::from(registry::read().admits(state, reading.budget()).unwrap_or(false)));
    Ok(())
}
