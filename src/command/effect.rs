//! STATE.EFFECT and STATE.SCHEMAEFFECT: what a primary replicates, and writes to the AOF (invariant
//! I4).
//!
//! They carry results, never requests: no schema validates them, and they read no clock and no
//! setting. But no byte is trusted either: an effect that does not fit the present state is rejected
//! before anything changes.

use redis_state_core::{Effect, Error as CoreError, State, codec};

use crate::arguments::words;
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::apply::apply_effects;
use crate::server::commit::audit_stream;
use crate::server::commit::effect::Expiry;
use crate::server::commit::slot_migration;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::stream::StreamId;
use crate::server::ffi::string::RedisStr;
use crate::server::global::registry;
use crate::server::value::held::Held;
use crate::server::value::state_key::Kind;

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

struct Request<'a> {
    effects: Vec<Effect>,
    expiry: Expiry,
    entry: Option<AuditEntry<'a>>,
}

struct AuditEntry<'a> {
    stream: RedisStr<'a>,
    id: StreamId,
    len: usize,
    expires_at_ms: i64,
    fields: Vec<RedisStr<'a>>,
}

/// A change is encoded as a delta to the present document, so `state` is the present one.
fn parse<'a>(args: &[RedisStr<'a>], state: Option<&State>) -> Result<Request<'a>, Error> {
    let [_, _, effect, expiry, entry @ ..] = args else { return Err(Error::WrongArity) };
    let effects = codec::decode_effects(effect.bytes(), state).map_err(CoreError::from)?;
    let expiry = match expiry.bytes() {
        b"" => Expiry::Leave,
        b"-1" => Expiry::Set(None),
        at => Expiry::Set(Some(words::integer(at)?)),
    };
    Ok(Request { effects, expiry, entry: parse_entry(entry)? })
}

fn parse_entry<'a>(args: &[RedisStr<'a>]) -> Result<Option<AuditEntry<'a>>, Error> {
    match args {
        [] => Ok(None),
        [stream, id, len, expires_at, fields @ ..] if !fields.is_empty() && fields.len() % 2 == 0 => {
            Ok(Some(AuditEntry {
                stream: *stream,
                id: parse_id(id).ok_or(Error::BadEffect)?,
                len: usize::try_from(words::integer(len)?).map_err(|_| Error::BadEffect)?,
                expires_at_ms: words::integer(expires_at)?,
                fields: fields.to_vec(),
            }))
        }
        _ => Err(Error::BadEffect),
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

/// An effect that is not applied leaves this server different from its primary or its file: the log says why.
fn log(ctx: Ctx, error: &Error) {
    ctx.log(c"warning", &format!("redis-state: an effect can't be applied: {error}"));
}

fn apply(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, key, ..] = args else { return Err(Error::WrongArity) };
    let open = if is_unasked(args) { Key::open_unasked } else { Key::open_write };
    let mut key = open(ctx, *key);
    let request = parse(args, key.held().map(Held::state))?;
    let stream = request.entry.as_ref().map(|entry| open(ctx, entry.stream));
    admit(&request, &key, stream.as_ref())?;
    if let (Some(entry), Some(stream)) = (&request.entry, stream)
        && !audit_stream::apply(ctx, stream, entry.id, entry.len, entry.expires_at_ms, &entry.fields)
    {
        return Err(Error::BadEffect);
    }
    apply_effects(ctx, &mut key, request.effects, request.expiry);
    if let Some(entry) = &request.entry {
        slot_migration::remember(&mut key, entry.id, Some(entry.expires_at_ms));
    }
    ctx.replicate_verbatim();
    ctx.reply_ok();
    Ok(())
}

/// All or nothing, here too: nothing is applied before every part of the request is known to fit.
fn admit(request: &Request, key: &Key, stream: Option<&Key>) -> Result<(), Error> {
    Effect::admit(&request.effects, key.held().map(Held::state))?;
    let stream_fits = |stream: &Key| matches!(stream.kind(), Kind::Nothing | Kind::Stream);
    // An effect that only appends an entry has any key: that of the feed is the stream itself.
    let key_fits = request.effects.is_empty() || matches!(key.kind(), Kind::Nothing | Kind::State);
    if key_fits && stream.is_none_or(stream_fits) { Ok(()) } else { Err(Error::BadEffect) }
}

/// Whether a timer or an event of the primary made it: a lapse, or a session expiry.
fn is_unasked(args: &[RedisStr]) -> bool {
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
