//! STATE.DIFF: what changed between two kept versions, as a JSON patch (RFC 6902).

use redis_state_core::Version;

use super::read::{self, Reading};
use crate::arguments::options::Options;
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
    arity: -4,
    keys: &[KeySpec::First(READ)],
    args: &[
        Arg::key(0),
        Arg::integer(c"from"),
        Arg::integer(c"to"),
        Arg::flag(c"withturns", c"WITHTURNS").optional(),
    ],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    from: u64,
    to: u64,
    with_turns: bool,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, from, to, rest @ ..] = args else { return Err(Error::WrongArity) };
    let (from, to) = (words::positive("from", from)?, words::positive("to", to)?);
    let options = Options::parse(&COMMAND, rest)?;
    Ok(Request { key: *key, from, to, with_turns: options.with_turns.is_some() })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let Request { key, from, to, with_turns } = parse(args)?;
    read::state(ctx, key, |reading| {
        let (from, to) = (reading.version(from)?, reading.version(to)?);
        let patch = patch(reading, &from, &to)?;
        if with_turns {
            ctx.reply_array(3);
        }
        ctx.reply_text(&patch);
        for version in [from, to].iter().filter(|_| with_turns) {
            ctx.reply_optional(version.turn.as_deref());
        }
        Ok(())
    })
}

fn patch(reading: &Reading, from: &Version, to: &Version) -> Result<String, Error> {
    let schema = reading.state().schema();
    let masking = registry::read().masking_snapshot(schema, from)?.cloned();
    registry::read().masking_snapshot(schema, to)?;
    let (from, to) = (reading.unlapsed(from), reading.unlapsed(to));
    Ok(match masking {
        None => from.diff(&to, reading.limits()),
        Some(masking) => masking.masked_diff(&from, &to, reading.limits()),
    })
}
