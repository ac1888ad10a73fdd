//! STATE.ATTEMPT: the server counts attempts at an operation, so that clients do not race for the
//! counter.

use redis_state_core::Tally;
use redis_state_core::decide::{self, Try};

use crate::arguments::options::{ACTOR, AUDIT, COMPONENT, ID, Options, TURN};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::names;

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
        TURN,
        AUDIT,
    ],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    attempt: Try,
    audit: Option<RedisStr<'a>>,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Error> {
    let [_, key, operation, tally, rest @ ..] = args else { return Err(Error::WrongArity) };
    let options = Options::parse(&COMMAND, rest)?;
    let operation = names::name("the operation", operation.bytes())?;
    let tally = tally_word(tally)?;
    let metadata = options.metadata_and_id(&COMMAND, [operation.as_bytes(), tally.as_str().as_bytes()]);
    let metadata = decide::Metadata { operation: Some(operation.to_owned()), ..metadata };
    let attempt = Try { tally, error: options.error.map(str::to_owned), metadata };
    Ok(Request { key: *key, attempt, audit: options.audit })
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
    let mut transaction = Transaction::open(ctx, request.key, stream, &[])?;
    let outcome = transaction.decide(|state, context| decide::attempt(state, &request.attempt, context));
    let attempts = transaction.apply(outcome)?;
    ctx.reply_int(attempts as i64);
    Ok(())
}
