//! STATE.WAIT: returns a state once it differs from the one that the caller knows, without polling.
//!
//! The server blocks the client and calls back when the key may have changed; then the same check
//! decides whether to answer. A callback gets the arguments of the command, so the request is
//! parsed again instead of kept.
//!
//! Not a stream or a channel of changes: the audit stream is one already, but it costs a permission
//! for another key, and it does not carry the document.

use std::borrow::Cow;

use redis_state_core::Expected;
use redis_state_core::decide::{self, Awaited};

use super::read::{self, Reading};
use crate::arguments::words;
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, READ};
use crate::server::commit::audit_stream::check_key;
use crate::server::events::blocked_clients;
use crate::server::ffi::blocked_client::Block;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::key::Key;
use crate::server::ffi::string::RedisStr;
use crate::server::value::state_key::Kind;

/// A year. The server adds it to its clock in 64 bits; an overflow would be a time in the past.
const TIMEOUT_MS_MAX: i64 = 365 * 24 * 60 * 60 * 1000;

pub static COMMAND: Command = Command {
    name: c"state.wait",
    summary: c"Blocks until a state differs from the one that the client knows, and returns it.",
    complexity: c"O(1), and O(N) for each change where N is the number of clients that wait for this key.",
    flags: c"readonly blocking",
    categories: "read slow blocking",
    arity: 4,
    keys: &[KeySpec::First(READ)],
    args: &[Arg::key(0), Arg::text(c"expected"), Arg::integer(c"timeout-ms")],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    known: Expected,
    timeout_ms: i64,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, known, timeout_ms] = args else { return Err(Error::WrongArity) };
    let known = Expected::parse(known).filter(|known| *known != Expected::Any).ok_or_else(|| {
        Error::syntax(
            "expected is what you know: an etag (waits for any other state), a version (waits for a newer one) or 0 (waits for a creation)",
        )
    })?;
    let timeout_ms = match words::integer(timeout_ms)? {
        timeout_ms @ 0..=TIMEOUT_MS_MAX => timeout_ms,
        _ => {
            return Err(Error::syntax(format!(
                "timeout-ms is 0 (waits forever) or up to {TIMEOUT_MS_MAX} (a year)"
            )));
        }
    };
    check_key(key)?;
    Ok(Request { key: *key, known, timeout_ms })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args)?;
    if answer(ctx, &request, Asker::Caller)? {
        return Ok(());
    }
    if ctx.may_block() {
        let block = Block {
            key: request.key,
            timeout_ms: request.timeout_ms,
            wakes_on_delete: request.known != Expected::Absent,
            on_change: entry!(look_again, wake),
            on_timeout: entry!(time_out),
        };
        blocked_clients::block(ctx, block);
    } else {
        ctx.reply_nil();
    }
    Ok(())
}

/// Masking a document takes as long as sending it this many times.
const MASKED_WEIGHT: usize = 4;

/// The client that is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asker {
    /// The caller of the command, whose rights the server has just checked.
    Caller,
    /// A client that was blocked: its permission may have been revoked meanwhile.
    Blocked,
}

/// Replies if the awaited state exists, or can no longer come. Returns whether it replied.
fn answer(ctx: Ctx, request: &Request, asker: Asker) -> Result<bool, Error> {
    let key = Key::open_read(ctx, request.key);
    let reading = key.held().map(|held| Reading::new(ctx, &key, held));
    let is_other_type = reading.is_none() && key.kind() != Kind::Nothing;
    let etag = reading.as_ref().map(|reading| reading.state().etag());
    let awaited = decide::wait(request.known, etag);
    // Most blocked clients stay blocked, and the ACL check takes longer than all else here.
    if awaited == Awaited::NotYet && !is_other_type {
        return Ok(false);
    }
    if asker == Asker::Blocked && !ctx.may_run(COMMAND.name, request.key) {
        return Err(Error::NoPermissionLeft);
    }
    match &reading {
        _ if is_other_type => return Err(Error::WrongType),
        Some(reading) if awaited == Awaited::Reached => {
            let document = reading.visible_document()?;
            read::reply_document(ctx, reading.state().etag(), document.text());
            if asker == Asker::Blocked {
                let is_masked = matches!(document, Cow::Owned(_));
                let weight = if is_masked { MASKED_WEIGHT } else { 1 };
                blocked_clients::answered(ctx, document.text().len().saturating_mul(weight));
            }
        }
        _ => ctx.reply_nil(),
    }
    Ok(true)
}

/// Called when the key may have changed.
fn look_again(ctx: Ctx, args: &[RedisStr]) -> Result<bool, Error> {
    let request = parse(args)?;
    if !blocked_clients::has_room(ctx, request.key) {
        return Ok(false);
    }
    answer(ctx, &request, Asker::Blocked)
}

/// Called at the timeout, by CLIENT UNBLOCK, and when the state was deleted or has expired.
fn time_out(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args)?;
    match Key::open_read(ctx, request.key).kind() {
        Kind::Nothing | Kind::State => ctx.reply_nil(),
        Kind::Stream | Kind::Other => return Err(Error::WrongType),
    }
    Ok(())
}
