//! STATE.HISTORY: the kept versions, the present one first.

use redis_state_core::{Event, State, Version, iso8601};

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

/// Bytes of a snapshot that are unpacked for one unit of work.
const PACKED_BYTES: usize = 6;

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, key, rest @ ..] = args else { return Err(Error::WrongArity) };
    let options = Options::parse(&COMMAND, rest)?;
    let count = options.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    read::state(ctx, *key, |reading| {
        let state = reading.state();
        let mut described = Vec::new();
        for version in state.versions().take(count) {
            reading.budget().charge(version.document.text().len() / PACKED_BYTES)?;
            let bytes = reading.bytes(&version)?;
            described.push(Described::of(&version, bytes));
        }
        ctx.reply_array(described.len());
        described.iter().for_each(|version| reply(ctx, state, version));
        Ok(())
    })
}

/// A version without its document: nothing is replied before all of them are known.
struct Described {
    number: u64,
    parent: u64,
    at_ms: i64,
    event: Event,
    actor: Option<Box<str>>,
    turn: Option<Box<str>>,
    bytes: usize,
}

impl Described {
    fn of(version: &Version, bytes: usize) -> Described {
        let Version { number, parent, at_ms, event, .. } = *version;
        let (actor, turn) = (version.actor.clone(), version.turn.clone());
        Described { number, parent, at_ms, event, actor, turn, bytes }
    }
}

fn reply(ctx: Ctx, state: &State, version: &Described) {
    ctx.reply_map(8);
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
    ctx.reply_text("turn");
    ctx.reply_optional(version.turn.as_deref());
    ctx.reply_text("label");
    ctx.reply_optional(state.history().label_of(version.number));
    ctx.reply_text("bytes");
    ctx.reply_int(version.bytes as i64);
}
