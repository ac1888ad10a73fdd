//! STATE.DIFF: what changed between two kept versions, as a JSON patch (RFC 6902).

use super::read;
use crate::arguments::words;
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, READ};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::registry;

pub static COMMAND: Command = Command {
    name: c"state.diff",
    summary: c"Returns the JSON Patch that turns one kept version into another.",
    complexity: c"O(N) where N is the length of both documents.",
    flags: c"readonly",
    categories: "read slow",
    arity: 4,
    keys: &[KeySpec::First(READ)],
    args: &[Arg::key(0), Arg::integer(c"from"), Arg::integer(c"to")],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, key, from, to] = args else { return Err(Error::WrongArity) };
    let (from, to) = (words::positive("from", from)?, words::positive("to", to)?);
    read::state(ctx, *key, |reading| {
        let state = reading.state();
        let (from, to) = (reading.version(from)?, reading.version(to)?);
        let masking = registry::read().masking_snapshot(state.schema(), &from)?.cloned();
        registry::read().masking_snapshot(state.schema(), &to)?;
        let (from, to) = (reading.unlapsed(&from), reading.unlapsed(&to));
        let patch = match masking {
            None => from.diff(&to, reading.limits()),
            Some(masking) => masking.masked_diff(&from, &to, reading.limits()),
        };
        ctx.reply_text(&patch);
        Ok(())
    })
}
