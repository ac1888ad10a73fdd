//! STATE.SCHEMA: the schemas that the server keeps by name.

use redis_state_core::Error;

use super::options::Options;
use super::{Refused, help, words};
use crate::server::ctx::Ctx;
use crate::server::entry::entry;
use crate::server::registry;
use crate::server::string::RedisStr;
use crate::server::table::{Arg, Command};

/// In a cluster each primary keeps its own copy, like functions.
const EVERYWHERE: Option<&std::ffi::CStr> = Some(c"request_policy:all_shards response_policy:all_succeeded");

const SET: Command = Command {
    name: c"state.schema|set",
    summary: c"Keeps a schema under a name; another text than before is a new revision.",
    complexity: c"O(N) where N is the length of the schema.",
    flags: c"write deny-oom",
    arity: 4,
    args: &[Arg::text(c"name"), Arg::text(c"json")],
    tips: EVERYWHERE,
    run: Some(entry!(set)),
    ..Command::DEFAULT
};
const GET: Command = Command {
    name: c"state.schema|get",
    summary: c"Returns the text of a schema.",
    flags: c"readonly",
    arity: 3,
    args: &[Arg::text(c"name")],
    run: Some(entry!(get)),
    ..Command::DEFAULT
};
const LIST: Command = Command {
    name: c"state.schema|list",
    summary: c"Lists the schemas with their revision, length, and number of states.",
    complexity: c"O(N) where N is the number of schemas.",
    flags: c"readonly",
    arity: 2,
    run: Some(entry!(list)),
    ..Command::DEFAULT
};
const DEL: Command = Command {
    name: c"state.schema|del",
    summary: c"Forgets a schema; one that states use only with FORCE.",
    flags: c"write",
    arity: -3,
    args: &[Arg::text(c"name"), Arg::flag(c"force", c"FORCE").optional()],
    tips: EVERYWHERE,
    run: Some(entry!(del)),
    ..Command::DEFAULT
};
const HELP: Command = Command {
    name: c"state.schema|help",
    summary: c"Shows the subcommands.",
    flags: c"readonly",
    arity: 2,
    run: Some(entry!(show_help)),
    ..Command::DEFAULT
};

pub static COMMAND: Command = Command {
    name: c"state.schema",
    summary: c"Manages the schemas that states obey.",
    complexity: c"Depends on the subcommand.",
    arity: -2,
    subcommands: &[SET, GET, LIST, DEL, HELP],
    ..Command::DEFAULT
};

fn set(ctx: Ctx, args: &[RedisStr]) -> Result<(), Refused> {
    let [_, _, name, json] = args else { return Err(Refused::WrongArity) };
    let schema = registry::read().prepare(words::name("the schema's name", name)?, json)?;
    let revision = schema.reference().revision;
    registry::put(ctx, schema);
    ctx.reply_int(revision as i64);
    Ok(())
}

fn get(ctx: Ctx, args: &[RedisStr]) -> Result<(), Refused> {
    let [_, _, name] = args else { return Err(Refused::WrongArity) };
    let name = words::name("the schema's name", name)?;
    ctx.reply_optional(registry::read().get(name).ok().map(|schema| schema.text()));
    Ok(())
}

fn list(ctx: Ctx, _args: &[RedisStr]) -> Result<(), Refused> {
    let registry = registry::read();
    ctx.reply_array(registry.len());
    for schema in registry.iter() {
        let reference = schema.reference();
        ctx.reply_map(4);
        ctx.reply_text("name");
        ctx.reply_text(&reference.name);
        ctx.reply_text("revision");
        ctx.reply_int(reference.revision as i64);
        ctx.reply_text("bytes");
        ctx.reply_int(schema.text().len() as i64);
        ctx.reply_text("states");
        ctx.reply_int(registry::users(&reference.name) as i64);
    }
    Ok(())
}

fn del(ctx: Ctx, args: &[RedisStr]) -> Result<(), Refused> {
    let [_, _, name, rest @ ..] = args else { return Err(Refused::WrongArity) };
    let name = words::name("the schema's name", name)?;
    let options = Options::parse(&DEL, rest)?;
    registry::read().get(name)?;
    let users = registry::users(name);
    if users > 0 && options.force.is_none() {
        let states = if users == 1 { "state uses" } else { "states use" };
        let reason = format!("{users} {states} {name}; with FORCE their next write answers NOSCHEMA");
        return Err(Error::BadSchema { reason }.into());
    }
    registry::remove(ctx, name);
    ctx.reply_int(1);
    Ok(())
}

fn show_help(ctx: Ctx, _args: &[RedisStr]) -> Result<(), Refused> {
    help::reply(ctx, COMMAND.subcommands.iter());
    Ok(())
}
