//! STATE.TOUCH: moves a state's expiry and nothing else.

use redis_state_core::decide;

use crate::arguments::options::{ALIGN, AUDIT, Options, TTL};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::transaction::Target;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::registry;

pub static COMMAND: Command = Command {
    name: c"state.touch",
    summary: c"Moves the expiry of a state, without a version or an audit entry.",
    complexity: c"O(1), or O(N) where N is the length of a document with deadlines.",
    flags: c"write fast",
    categories: "write slow",
    arity: -2,
    keys: &[KeySpec::First(WRITE), KeySpec::Audit, KeySpec::Align],
    args: &[Arg::key(0), TTL, AUDIT, ALIGN],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, key, rest @ ..] = args else { return Err(Error::WrongArity) };
    let options = Options::parse(&COMMAND, rest)?;
    let stream = AuditStream::of_state(key, options.audit)?;
    let mut target = Target::open(ctx, *key, stream)?;
    let ttl = options.ttl.unwrap_or_default();
    let touched = decide::touch(target.state(), ttl, &target.context(&registry::read()))?;
    let is_there = touched.is_some();
    if let Some(touched) = touched {
        target.carry_out(touched)?;
        target.align(&options.align.unwrap_or_default());
    }
    ctx.reply_int(i64::from(is_there));
    Ok(())
}
