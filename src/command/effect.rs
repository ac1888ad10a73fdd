//! STATE.EFFECT and STATE.SCHEMAEFFECT: what a primary replicates, and writes to the AOF (invariant
//! I4).
//!
//! They carry results, never requests. An effect that does not fit the present state is rejected
//! before anything changes.

use redis_state_core::{Error as CoreError, State, codec};

use crate::arguments::words;
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::effect::Expiry;
use crate::server::commit::replicated::{self, Replicated, ReplicatedEntry, mismatch};
use crate::server::commit::slot_migration;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::stream::StreamId;
use crate::server::ffi::string::RedisStr;
use crate::server::global::registry;

pub static COMMAND: Command = Command {
    name: c"state.effect",
    summary: c"Internal: applies the effect of a command on a replica, or from the AOF.",
    complexity: c"O(N) where N is the length of the effect.",
    flags: c"write",
    categories: "write slow admin dangerous",
    arity: -4,
    keys: &[KeySpec::First(WRITE), KeySpec::Fourth(WRITE)],
    args: &[
        Arg::key(0),
        Arg::text(c"effect"),
        Arg::text(c"expires-at"),
        Arg::block(
            c"audit",
            &[
                Arg::key(1),
                Arg::text(c"id"),
                Arg::integer(c"length"),
                Arg::unix_time(c"audit-expires-at"),
                Arg::text(c"field-or-value").multiple(),
            ],
        )
        .optional(),
    ],
    run: Some(entry!(run)),
    public: false,
    internal: true,
    ..Command::DEFAULT
};

pub static SCHEMA_COMMAND: Command = Command {
    name: c"state.schemaeffect",
    summary: c"Internal: applies a change of the schemas on a replica, or from the AOF.",
    complexity: c"O(N) where N is the length of the effect.",
    flags: c"write",
    categories: "write slow admin dangerous",
    arity: 2,
    args: &[Arg::text(c"effect")],
    run: Some(entry!(run_schema)),
    public: false,
    internal: true,
    ..Command::DEFAULT
};

/// The position of the effect among the words.
const EFFECT: usize = 2;
/// The position of the audit entry's event.
const EVENT: usize = 9;

/// A change is encoded as a delta to the present document, so `state` is the present one.
fn parse<'a>(args: &[RedisStr<'a>], state: Option<&State>) -> Result<Replicated<'a>, Error> {
    let [_, _, effect, expiry, entry @ ..] = args else { return Err(Error::WrongArity) };
    let effects = codec::decode_effects(effect.bytes(), state).map_err(CoreError::from)?;
    let expiry = match expiry.bytes() {
        b"" => Expiry::Leave,
        b"-1" => Expiry::Set(None),
        at => Expiry::Set(Some(words::integer(at)?)),
    };
    Ok(Replicated { effects, expiry, entry: parse_entry(entry)? })
}

fn parse_entry<'a>(args: &[RedisStr<'a>]) -> Result<Option<ReplicatedEntry<'a>>, Error> {
    match args {
        [] => Ok(None),
        [stream, id, len, expires_at, fields @ ..] if !fields.is_empty() && fields.len() % 2 == 0 => {
            Ok(Some(ReplicatedEntry {
                stream: *stream,
                id: parse_id(id).ok_or(mismatch("the ID of the audit entry is none"))?,
                len: usize::try_from(words::integer(len)?)
                    .map_err(|_| mismatch("the length of the audit stream is none"))?,
                expires_at_ms: words::integer(expires_at)?,
                fields: fields.to_vec(),
            }))
        }
        _ => Err(mismatch("the audit entry is no list of names and values")),
    }
}

fn parse_id(word: &[u8]) -> Option<StreamId> {
    let (ms, seq) = std::str::from_utf8(word).ok()?.split_once('-')?;
    Some(StreamId { ms: ms.parse().ok()?, seq: seq.parse().ok()? })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    // It may hold a whole document, which MONITOR and SLOWLOG of a replica must not show.
    ctx.redact(EFFECT);
    if !ctx.is_replication() {
        return Err(Error::Internal);
    }
    apply(ctx, args).inspect_err(|error| log(ctx, error))
}

/// A rejected effect makes this server diverge from its source: the log says why.
fn log(ctx: Ctx, error: &Error) {
    ctx.log(c"warning", &format!("redis-state: an effect can't be applied: {error}"));
}

fn apply(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, key, ..] = args else { return Err(Error::WrongArity) };
    replicated::apply(ctx, *key, is_by_server(args), |state| parse(args, state))?;
    ctx.replicate_verbatim();
    ctx.reply_ok();
    Ok(())
}

/// Whether a timer or an event of the primary made it: a lapse, or a session expiry.
fn is_by_server(args: &[RedisStr]) -> bool {
    let ends = |event: &RedisStr| matches!(event.bytes(), b"expire" | b"evict");
    args.get(EFFECT).is_some_and(|effect| codec::is_lapse(effect)) || args.get(EVENT).is_some_and(ends)
}

fn run_schema(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    if !ctx.is_replication() {
        return Err(Error::Internal);
    }
    let [_, effect] = args else { return Err(Error::WrongArity) };
    if slot_migration::comes_with_a_slot(ctx) {
        // A slot is sent as an AOF is rewritten, schemas first. This node keeps its own.
        ctx.reply_ok();
        return Ok(());
    }
    registry::apply(effect).map_err(Error::from).inspect_err(|error| log(ctx, error))?;
    ctx.replicate_verbatim();
    ctx.reply_ok();
    Ok(())
}
