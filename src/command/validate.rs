//! STATE.VALIDATE: checks a document against a schema without storing it.

use redis_state_core::Budget;

use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::names;
use crate::server::global::registry;

pub static COMMAND: Command = Command {
    name: c"state.validate",
    summary: c"Validates a document against a schema, and lists every violation.",
    complexity: c"O(N) where N is the length of the document.",
    flags: c"readonly",
    categories: "read slow",
    arity: 3,
    args: &[Arg::text(c"name"), Arg::text(c"json")],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, name, json] = args else { return Err(Error::WrongArity) };
    let name = names::name("the schema's name", name).inspect_err(|_| ctx.redact_all(args))?;
    if registry::read().get(name).is_err() {
        // It may be the json, followed by the name.
        ctx.redact_all(args);
    } else if registry::read().may_carry_secrets(&[], None, Some(name)) {
        ctx.redact(2);
    }
    let limits = config::limits();
    registry::read().validate(name, json, &limits, &Budget::new(&limits))?;
    ctx.reply_ok();
    Ok(())
}
