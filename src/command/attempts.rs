//! STATE.ATTEMPTS: the number of attempts at operations, and their results.

use redis_state_core::{Attempt, Attempts, iso8601};

use super::read;
use crate::arguments::options::Options;
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, READ};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::names;

pub static COMMAND: Command = Command {
    name: c"state.attempts",
    summary: c"Returns the attempts at an operation, or the number of attempts at each operation.",
    complexity: c"O(N) where N is the number of remembered attempts.",
    flags: c"readonly",
    categories: "read slow",
    arity: -2,
    keys: &[KeySpec::First(READ)],
    args: &[Arg::key(0), Arg::text(c"operation").optional(), Arg::integer(c"n").token(c"COUNT").optional()],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    operation: Option<&'a str>,
    count: usize,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, rest @ ..] = args else { return Err(Error::WrongArity) };
    // COUNT and a number are the option, COUNT alone an operation that is called so.
    let (operation, rest) = match rest {
        [count, _] if count.eq_ignore_ascii_case(b"COUNT") => (None, rest),
        [operation, rest @ ..] => (Some(names::name("the operation", operation.bytes())?), rest),
        [] => (None, rest),
    };
    let options = Options::parse(&COMMAND, rest)?;
    let count = options.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    Ok(Request { key: *key, operation, count })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args)?;
    read::state(ctx, request.key, |reading| {
        let state = reading.state();
        match request.operation {
            Some(operation) => reply_operation(ctx, state.attempts(), operation, request.count),
            None => reply_counts(ctx, state.attempts(), request.count),
        }
        Ok(())
    })
}

/// How often each operation was tried, the first tried first.
pub fn reply_counts(ctx: Ctx, attempts: &Attempts, count: usize) {
    let counters = attempts.counters();
    ctx.reply_map(counters.len().min(count));
    for counter in counters.iter().take(count) {
        ctx.reply_text(&counter.operation);
        ctx.reply_int(counter.attempts as i64);
    }
}

fn reply_operation(ctx: Ctx, attempts: &Attempts, operation: &str, count: usize) {
    let counter = attempts.counter(operation);
    let history: Vec<&Attempt> = attempts.of(operation).collect();
    ctx.reply_map(4);
    ctx.reply_text("attempts");
    ctx.reply_int(counter.map_or(0, |counter| counter.attempts as i64));
    ctx.reply_text("failures");
    ctx.reply_int(counter.map_or(0, |counter| counter.failures as i64));
    ctx.reply_text("latest");
    match history.first() {
        Some(latest) => reply_attempt(ctx, latest),
        None => ctx.reply_nil(),
    }
    ctx.reply_text("history");
    ctx.reply_array(history.len().min(count));
    history.iter().take(count).for_each(|attempt| reply_attempt(ctx, attempt));
}

fn reply_attempt(ctx: Ctx, attempt: &Attempt) {
    ctx.reply_map(5);
    ctx.reply_text("operation");
    ctx.reply_text(&attempt.operation);
    ctx.reply_text("component");
    ctx.reply_optional(attempt.component.as_deref());
    ctx.reply_text("timestamp");
    ctx.reply_text(&iso8601(attempt.at_ms));
    ctx.reply_text("success");
    ctx.reply_int(i64::from(attempt.success));
    ctx.reply_text("error");
    ctx.reply_optional(attempt.error.as_deref());
}
