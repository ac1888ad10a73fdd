//! STATE.ATTEMPT: the server counts attempts at an operation, so that clients do not race for the
//! counter.

use redis_state_core::decide::{self, Course, Try};
use redis_state_core::{Made, Tally, Ttl};

use crate::arguments::options::{ACTOR, AUDIT, COMPONENT, ID, Options};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::transaction::Target;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::names;
use crate::server::global::registry;

pub static COMMAND: Command = Command {
    name: c"state.attempt",
    summary: c"Counts an attempt at an operation, and returns the number of attempts.",
    complexity: c"O(N) where N is the number of counted operations.",
    flags: c"write deny-oom",
    categories: "write slow",
    arity: -4,
    keys: &[KeySpec::First(WRITE), KeySpec::Audit],
    args: &[
        Arg::key(0),
        Arg::text(c"operation"),
        Arg::one_of(
            c"outcome",
            &[
                Arg::flag(c"success", c"SUCCESS"),
                Arg::flag(c"failure", c"FAILURE"),
                Arg::flag(c"clear", c"CLEAR"),
            ],
        ),
        COMPONENT,
        Arg::text(c"text").token(c"ERROR").optional(),
        ACTOR,
        ID,
        AUDIT,
    ],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    operation: &'a str,
    attempt: Try,
    audit: Option<RedisStr<'a>>,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, operation, tally, rest @ ..] = args else { return Err(Error::WrongArity) };
    let options = Options::parse(&COMMAND, rest)?;
    let operation = names::name("the operation", operation.bytes())?;
    let tally = tally_word(tally)?;
    let metadata = options.remarks_and_id(&COMMAND, [operation.as_bytes(), tally.as_str().as_bytes()]);
    let metadata = decide::Metadata { operation: Some(operation.to_owned()), ..metadata };
    let attempt = Try { tally, error: options.error.map(str::to_owned), metadata };
    Ok(Request { key: *key, operation, attempt, audit: options.audit })
}

fn tally_word(word: &[u8]) -> Result<Tally, Error> {
    match word.to_ascii_uppercase().as_slice() {
        b"SUCCESS" => Ok(Tally::Success),
        b"FAILURE" => Ok(Tally::Failure),
        b"CLEAR" => Ok(Tally::Clear),
        _ => Err(Error::syntax("the outcome of an attempt is SUCCESS, FAILURE or CLEAR")),
    }
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args)?;
    let stream = AuditStream::of_state(&request.key, request.audit)?;
    let mut target = Target::open(ctx, request.key, stream)?;
    let outcome = decide::attempt(target.state(), &request.attempt, &target.context(&registry::read()));
    // The count is rejected, not the operation: this must not count as one more failure of it.
    let metadata = decide::Metadata { operation: None, ..request.attempt.metadata.clone() };
    let outcome = outcome.map_err(|error| target.reject(error, &metadata, Ttl::Keep))?;
    let course = outcome.course;
    target.carry_out(outcome)?;
    let counter = target.state().and_then(|state| state.attempts().counter(request.operation));
    let attempts = match course {
        Course::Replayed(Made::Attempts(attempts)) => attempts,
        _ => counter.map_or(0, |counter| counter.attempts),
    };
    ctx.reply_int(attempts as i64);
    Ok(())
}
