//! The rows of the command table, registered: functions, COMMAND INFO and DOCS, ACL categories.

use std::ffi::{CStr, c_int};
use std::sync::OnceLock;

use redis_module::raw;

use crate::error::Error;
use crate::server::commands::table::{Arg, Command, KeySpec, Kind, text};
use crate::server::ffi::command::{Args, Description, KeySpecs, Registered, add_category, create};
use crate::server::ffi::ctx::Ctx;

static COMMANDS: OnceLock<&'static [&'static Command]> = OnceLock::new();

/// Every command, in the order of STATE.HELP and of docs/commands.md.
pub fn commands() -> &'static [&'static Command] {
    COMMANDS.get().copied().unwrap_or_default()
}

/// The module's own category, on servers that allow one (Redis 7.4, Valkey 8); see
/// docs/operations.md.
const CATEGORY: &str = "state";

/// Registers commands and their subcommands. The error names one that the server rejects.
pub fn register(ctx: Ctx, commands: &'static [&'static Command]) -> Result<(), Error> {
    let own = if add_category(ctx, CATEGORY) { CATEGORY } else { "" };
    let rejected = commands.iter().find(|command| !register_one(ctx, command, own));
    if let Some(rejected) = rejected {
        return Err(Error::Unsupported(format!("the command {} can't be registered", text(rejected.name))));
    }
    COMMANDS.get_or_init(|| commands);
    Ok(())
}

fn register_one(ctx: Ctx, command: &'static Command, own_category: &str) -> bool {
    // A cluster asks the module for keys that follow a keyword.
    let follows_keyword = |spec: &KeySpec| matches!(spec, KeySpec::Audit | KeySpec::Align);
    let asked = if command.keys.iter().any(follows_keyword) { " getkeys-api" } else { "" };
    let flags = format!("{}{asked}", text(command.flags));
    let create = |more: &str| create(ctx, command.name, command.run, &format!("{flags}{more}"));
    // Only Redis 8 knows the flag `internal`; on other servers the handler itself rejects callers.
    let created = (command.internal && create(" internal")) || create("");
    let registered = Registered::find(ctx, command.name);
    created
        && describe(registered, command, own_category)
        && command.subcommands.iter().all(|sub| {
            let name = text(sub.name).rsplit('|').next().unwrap_or_default();
            let created = registered.create_subcommand(name, sub.run, sub.flags);
            created && describe(Registered::find(ctx, sub.name), sub, own_category)
        })
}

fn describe(registered: Registered, command: &'static Command, own_category: &str) -> bool {
    let mut keys = KeySpecs::default();
    command.keys.iter().for_each(|spec| add_key_spec(&mut keys, spec));
    let described = registered.describe(Description {
        summary: command.summary,
        complexity: command.complexity,
        since: command.since,
        tips: command.tips,
        arity: command.arity,
        keys,
        args: args(command.args),
    });
    let categories = format!("{} {own_category}", command.categories);
    described && (command.categories.is_empty() || registered.set_categories(categories.trim()))
}

const AUDIT_NOTES: &CStr = c"The audit stream derived from the key, and no other: BADKEY. No name or text argument may equal AUDIT or ALIGN, since the server takes the first such word for this one.";
const ALIGN_NOTES: &CStr = c"Each key that exists gets the state's own expiry.";

fn add_key_spec(keys: &mut KeySpecs, spec: &KeySpec) {
    match spec {
        KeySpec::First(flags) => keys.at(1, *flags),
        KeySpec::Fourth(flags) => keys.at(4, *flags),
        KeySpec::Audit => {
            let flags = raw::REDISMODULE_CMD_KEY_RW | raw::REDISMODULE_CMD_KEY_NOT_KEY;
            keys.after_keyword(c"AUDIT", flags, AUDIT_NOTES);
        }
        KeySpec::Align => {
            let flags = raw::REDISMODULE_CMD_KEY_RW | raw::REDISMODULE_CMD_KEY_UPDATE;
            keys.counted_after_keyword(c"ALIGN", flags, ALIGN_NOTES);
        }
    }
}

fn args(described: &'static [Arg]) -> Args {
    let mut list = Args::default();
    for arg in described {
        let (kind, key_spec) = kind(arg.kind);
        let flag = |condition, flag: u32| if condition { flag } else { 0 };
        let flags = flag(arg.optional, raw::REDISMODULE_CMD_ARG_OPTIONAL)
            | flag(arg.multiple, raw::REDISMODULE_CMD_ARG_MULTIPLE);
        list.push(arg.name, kind, key_spec, arg.token, flags, args(arg.args));
    }
    list
}

/// The type of an argument, and the key spec that finds it.
fn kind(kind: Kind) -> (raw::RedisModuleCommandArgType, Option<c_int>) {
    let key_spec = if let Kind::Key(spec) = kind { Some(spec) } else { None };
    let kind = match kind {
        Kind::Text => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_STRING,
        Kind::Integer => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_INTEGER,
        Kind::UnixTime => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_UNIX_TIME,
        Kind::Key(_) => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_KEY,
        Kind::Flag => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_PURE_TOKEN,
        Kind::OneOf => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_ONEOF,
        Kind::Block => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_BLOCK,
    };
    (kind, key_spec)
}
