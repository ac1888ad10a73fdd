//! STATE.HISTORY: the kept versions, the present one first.

use redis_state_core::{State, Version, iso8601};

use super::read;
use crate::arguments::options::Options;
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, READ};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.history",
    summary: c"Lists the kept versions of a state, the present one first.",
    complexity: c"O(N*M) where N is the number of kept versions and M the length of the document.",
    flags: c"readonly",
    categories: "read slow",
    arity: -2,
    keys: &[KeySpec::First(READ)],
    args: &[Arg::key(0), Arg::integer(c"n").token(c"COUNT").optional()],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, key, rest @ ..] = args else { return Err(Error::WrongArity) };
    let options = Options::parse(&COMMAND, rest)?;
    let count = options.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    read::state(ctx, *key, |state| {
        ctx.reply_array(count.min(state.history().len() + 1));
        state.versions().take(count).for_each(|version| reply(ctx, *key, state, &version));
        Ok(())
    })
}

fn reply(ctx: Ctx, key: RedisStr, state: &State, version: &Version) {
    ctx.reply_map(7);
    ctx.reply_text("version");
    ctx.reply_int(version.number as i64);
    ctx.reply_text("parent");
    ctx.reply_int(version.parent as i64);
    ctx.reply_text("at");
    ctx.reply_text(&iso8601(version.at_ms));
    ctx.reply_text("event");
    ctx.reply_text(version.event.as_str());
    ctx.reply_text("actor");
    ctx.reply_optional(version.actor.as_deref());
    ctx.reply_text("label");
    ctx.reply_optional(state.history().label_of(version.number));
    ctx.reply_text("bytes");
    ctx.reply_int(read::bytes(ctx, key, state, version) as i64);
}
