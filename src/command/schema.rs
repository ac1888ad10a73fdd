//! STATE.SCHEMA: the schemas of the server, and the keys that are bound to them.

use std::collections::BTreeMap;

use redis_state_core::{Error as CoreError, Registry, Uncovered};

use super::help;
use crate::arguments::options::Options;
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command};
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::names;
use crate::server::global::registry;

/// In a cluster each primary keeps its own copy, like functions.
const EVERYWHERE: Option<&std::ffi::CStr> = Some(c"request_policy:all_shards response_policy:all_succeeded");

const SET: Command = Command {
    name: c"state.schema|set",
    summary: c"Sets a schema under a name; another text is a new revision.",
    complexity: c"O(N) where N is the length of the schema.",
    flags: c"write deny-oom",
    categories: "write slow admin dangerous",
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
    categories: "read slow",
    arity: 3,
    args: &[Arg::text(c"name")],
    run: Some(entry!(get)),
    ..Command::DEFAULT
};
const LIST: Command = Command {
    name: c"state.schema|list",
    summary: c"Lists the schemas with revision, length, number of states and bindings.",
    complexity: c"O(N) where N is the number of schemas.",
    flags: c"readonly",
    categories: "read slow",
    arity: 2,
    run: Some(entry!(list)),
    ..Command::DEFAULT
};
const DEL: Command = Command {
    name: c"state.schema|del",
    summary: c"Deletes a schema; with FORCE even one that is in use.",
    flags: c"write",
    categories: "write slow admin dangerous",
    arity: -3,
    args: &[Arg::text(c"name"), Arg::flag(c"force", c"FORCE").optional()],
    tips: EVERYWHERE,
    run: Some(entry!(del)),
    ..Command::DEFAULT
};
const BIND: Command = Command {
    name: c"state.schema|bind",
    summary: c"Binds all keys that match a pattern to a schema.",
    complexity: c"O(N) where N is the number of bindings.",
    flags: c"write deny-oom",
    categories: "write slow admin dangerous",
    arity: 4,
    args: &[Arg::text(c"pattern"), Arg::text(c"name")],
    tips: EVERYWHERE,
    run: Some(entry!(bind)),
    ..Command::DEFAULT
};
const UNBIND: Command = Command {
    name: c"state.schema|unbind",
    summary: c"Removes a binding.",
    complexity: c"O(N) where N is the number of bindings.",
    flags: c"write",
    categories: "write slow admin dangerous",
    arity: 3,
    args: &[Arg::text(c"pattern")],
    tips: EVERYWHERE,
    run: Some(entry!(unbind)),
    ..Command::DEFAULT
};
const HELP: Command = Command {
    name: c"state.schema|help",
    summary: c"Shows the subcommands.",
    flags: c"readonly",
    categories: "read slow",
    arity: 2,
    run: Some(entry!(show_help)),
    ..Command::DEFAULT
};

pub static COMMAND: Command = Command {
    name: c"state.schema",
    summary: c"Manages schemas and their bindings.",
    complexity: c"Depends on the subcommand.",
    arity: -2,
    subcommands: &[SET, GET, LIST, DEL, BIND, UNBIND, HELP],
    ..Command::DEFAULT
};

fn set(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, _, name, json] = args else { return Err(Error::WrongArity) };
    let schema = registry::read().prepare(names::name("the schema's name", name)?, json)?;
    reject_uncovering(ctx, |registry| registry.uncovered_by_set(&schema, is_used))?;
    let revision = schema.reference().revision;
    registry::put(ctx, schema);
    ctx.reply_int(revision as i64);
    Ok(())
}

fn get(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, _, name] = args else { return Err(Error::WrongArity) };
    let name = names::name("the schema's name", name)?;
    ctx.reply_optional(registry::read().get(name).ok().map(|schema| schema.text()));
    Ok(())
}

fn list(ctx: Ctx, _args: &[RedisStr]) -> Result<(), Error> {
    let registry = registry::read();
    let known = registry.iter().map(|schema| {
        let reference = schema.reference();
        (&*reference.name, (reference.revision, schema.text().len()))
    });
    let mut schemas: BTreeMap<&str, (u64, usize)> = known.collect();
    let mut patterns: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // A deleted schema still applies to the keys bound to it: no command can write them.
    for binding in registry.bindings() {
        schemas.entry(&binding.schema).or_default();
        patterns.entry(&binding.schema).or_default().push(&binding.pattern);
    }
    ctx.reply_array(schemas.len());
    for (name, (revision, bytes)) in schemas {
        let patterns = patterns.get(name).map_or(&[][..], Vec::as_slice);
        ctx.reply_map(5);
        ctx.reply_text("name");
        ctx.reply_text(name);
        ctx.reply_text("revision");
        ctx.reply_int(revision as i64);
        ctx.reply_text("bytes");
        ctx.reply_int(bytes as i64);
        ctx.reply_text("states");
        ctx.reply_int(registry::users(name) as i64);
        ctx.reply_text("bindings");
        ctx.reply_array(patterns.len());
        patterns.iter().for_each(|pattern| ctx.reply_text(pattern));
    }
    Ok(())
}

fn del(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, _, name, rest @ ..] = args else { return Err(Error::WrongArity) };
    let name = names::name("the schema's name", name)?;
    let options = Options::parse(&DEL, rest)?;
    registry::read().get(name)?;
    if options.force.is_none() {
        reject_in_use(name)?;
    }
    // Another schema may be set under the name afterwards.
    reject_uncovering(ctx, |registry| registry.uncovered_by_removal(name, is_used))?;
    registry::remove(ctx, name);
    ctx.reply_int(1);
    Ok(())
}

fn reject_in_use(name: &str) -> Result<(), Error> {
    let users = registry::users(name);
    let bindings = registry::read().bindings().filter(|binding| &*binding.schema == name).count();
    let count = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what} uses")),
        _ => Some(format!("{count} {what}s use")),
    };
    let in_use: Vec<String> =
        [count(users, "state"), count(bindings, "binding")].into_iter().flatten().collect();
    if in_use.is_empty() {
        return Ok(());
    }
    let reason =
        format!("{} {name}; with FORCE their next write then returns NOSCHEMA", in_use.join(" and "));
    Err(CoreError::BadSchema { reason }.into())
}

/// Whether a state uses the schema of this name.
fn is_used(name: &str) -> bool {
    registry::users(name) > 0
}

/// Rejects a change that would uncover secret or protected members of existing states, unless the
/// caller may read and write all of them.
fn reject_uncovering(ctx: Ctx, look: impl FnOnce(&Registry) -> Option<Uncovered>) -> Result<(), Error> {
    let uncovered = look(&registry::read());
    match uncovered {
        Some(uncovered) if !ctx.may_set_protected_everywhere() => Err(Error::Uncovers(uncovered)),
        _ => Ok(()),
    }
}

fn bind(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, _, pattern, name] = args else { return Err(Error::WrongArity) };
    let (pattern, name) = (names::name("the pattern", pattern)?, names::name("the schema's name", name)?);
    let binding = registry::read().prepare_binding(pattern, name)?;
    reject_uncovering(ctx, |registry| registry.uncovered_by_binding(&binding, is_used))?;
    registry::bind(ctx, vec![binding]);
    ctx.reply_ok();
    Ok(())
}

fn unbind(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let [_, _, pattern] = args else { return Err(Error::WrongArity) };
    // UNBIND accepts patterns that BIND rejects: a schema's x-bind may have bound them.
    let existed = std::str::from_utf8(pattern).is_ok_and(|pattern| registry::unbind(ctx, pattern));
    ctx.reply_int(i64::from(existed));
    Ok(())
}

fn show_help(ctx: Ctx, _args: &[RedisStr]) -> Result<(), Error> {
    help::reply(ctx, COMMAND.subcommands.iter());
    Ok(())
}
