//! STATE.GET: the present document, a kept version, or some members of either.

use std::borrow::Cow;

use redis_state_core::{Document, Etag, Limits, Pointer};

use super::read;
use crate::arguments::words;
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, READ};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;

pub static COMMAND: Command = Command {
    name: c"state.get",
    summary: c"Returns the etag with the document of a state, or with the members that pointers name.",
    complexity: c"O(1) for the document, O(N) with pointers where N is its length.",
    flags: c"readonly fast",
    categories: "read slow",
    arity: -2,
    keys: &[KeySpec::First(READ)],
    args: &[
        Arg::key(0),
        Arg::integer(c"n").token(c"VERSION").optional(),
        Arg::text(c"pointer").optional().multiple(),
    ],
    run: Some(entry!(run, run_fixed)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    version: Option<u64>,
    pointers: Vec<Pointer>,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, rest @ ..] = args else { return Err(Error::WrongArity) };
    if rest.is_empty() {
        return Ok(Request { key: *key, version: None, pointers: Vec::new() });
    }
    let (version, pointers) = match rest {
        [word, rest @ ..] if word.eq_ignore_ascii_case(b"VERSION") => {
            let [number, pointers @ ..] = rest else {
                return Err(Error::syntax("VERSION takes the number of a version"));
            };
            (Some(words::positive("VERSION", number)?), pointers)
        }
        pointers => (None, pointers),
    };
    Ok(Request { key: *key, version, pointers: words::pointers(pointers)? })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let Request { key, version, pointers } = parse(args)?;
    if version.is_none() && pointers.is_empty() {
        return read::whole(ctx, key);
    }
    read::state(ctx, key, |reading| {
        let state = reading.state();
        let present = state.head();
        let version = version.map_or(Ok(Cow::Borrowed(present)), |number| reading.version(number))?;
        if version.number == present.number {
            let document = reading.visible_document()?;
            reply(ctx, state.etag(), &document, &pointers, reading.limits())
        } else {
            let document = reading.past(&version)?;
            reply(ctx, state.etag_of(&version), &document, &pointers, reading.limits())
        }
    })
}

fn reply(
    ctx: Ctx,
    etag: Etag,
    document: &Document,
    pointers: &[Pointer],
    limits: &Limits,
) -> Result<(), Error> {
    if pointers.is_empty() {
        read::reply_document(ctx, etag, document.text());
        return Ok(());
    }
    let members = document.members(pointers, limits)?;
    ctx.reply_array(1 + members.len());
    ctx.reply_bytes(&etag.bytes());
    for member in members {
        ctx.reply_optional(member);
    }
    Ok(())
}
