//! The C structures of RedisModule_SetCommandInfo, built from a row of the command table.
//!
//! Redis copies all of it during the call, so the structures live on our stack and in a few vectors.

use std::ffi::{CStr, c_char, c_int};
use std::ptr::{null, null_mut};

use redis_module::raw;

use crate::server::commands::table::{Arg, Command, KeySpec, Kind};
use crate::server::ffi::api;
use crate::server::ffi::ctx::OK;

/// The layout of the structures below, which a server with other ones converts from.
static VERSION: raw::RedisModuleCommandInfoVersion = raw::RedisModuleCommandInfoVersion {
    version: 1,
    sizeof_historyentry: size_of::<raw::RedisModuleCommandHistoryEntry>(),
    sizeof_keyspec: size_of::<raw::RedisModuleCommandKeySpec>(),
    sizeof_arg: size_of::<raw::RedisModuleCommandArg>(),
};

/// Describes a command that has been created; false when the server finds fault with the description.
pub fn set(registered: *mut raw::RedisModuleCommand, command: &'static Command) -> bool {
    let mut keys: Vec<_> = command.keys.iter().map(key_spec).collect();
    keys.push(no_key_spec());
    let mut kept = Vec::new();
    let args = args(command.args, &mut kept);
    let info = raw::RedisModuleCommandInfo {
        version: &VERSION,
        summary: command.summary.as_ptr(),
        complexity: command.complexity.as_ptr(),
        since: command.since.as_ptr(),
        history: null_mut(),
        tips: command.tips.map_or(null(), CStr::as_ptr),
        arity: command.arity,
        key_specs: if command.keys.is_empty() { null_mut() } else { keys.as_mut_ptr() },
        args,
    };
    // SAFETY: R1, R3: `registered` was returned by GetCommand; lists end with a zeroed element, as the API wants.
    !registered.is_null() && unsafe { api!(RedisModule_SetCommandInfo(registered, &info)) } == OK
}

fn no_key_spec() -> raw::RedisModuleCommandKeySpec {
    // SAFETY: a C structure of pointers and numbers: all zero is its end marker.
    unsafe { std::mem::zeroed() }
}

fn key_spec(spec: &KeySpec) -> raw::RedisModuleCommandKeySpec {
    let mut key = no_key_spec();
    key.find_keys_type = raw::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_RANGE;
    key.fk.range =
        raw::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_1 { lastkey: 0, keystep: 1, limit: 0 };
    let index = raw::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_INDEX;
    let keyword = raw::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_KEYWORD;
    match spec {
        KeySpec::First(flags) | KeySpec::Fourth(flags) => {
            let pos = if matches!(spec, KeySpec::First(_)) { 1 } else { 4 };
            key.flags = u64::from(*flags);
            key.begin_search_type = index;
            key.bs.index = raw::RedisModuleCommandKeySpec__bindgen_ty_1__bindgen_ty_1 { pos };
        }
        KeySpec::Audit => {
            key.notes = c"The audit stream derived from the key, and no other: BADKEY. No name or text argument may equal AUDIT or ALIGN, since the server takes the first such word for this one."
                .as_ptr();
            key.flags = u64::from(raw::REDISMODULE_CMD_KEY_RW | raw::REDISMODULE_CMD_KEY_NOT_KEY);
            key.begin_search_type = keyword;
            key.bs.keyword = raw::RedisModuleCommandKeySpec__bindgen_ty_1__bindgen_ty_2 {
                keyword: c"AUDIT".as_ptr(),
                startfrom: 2,
            };
        }
        KeySpec::Align => {
            key.notes = c"Each key that exists gets the state's own expiry.".as_ptr();
            key.flags = u64::from(raw::REDISMODULE_CMD_KEY_RW | raw::REDISMODULE_CMD_KEY_UPDATE);
            key.begin_search_type = keyword;
            key.bs.keyword = raw::RedisModuleCommandKeySpec__bindgen_ty_1__bindgen_ty_2 {
                keyword: c"ALIGN".as_ptr(),
                startfrom: 2,
            };
            key.find_keys_type = raw::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_KEYNUM;
            key.fk.keynum = raw::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_2 {
                keynumidx: 0,
                firstkey: 1,
                keystep: 1,
            };
        }
    }
    key
}

/// Builds a list of arguments; every list is added to `kept`, whose owner lets it live until the call is over.
fn args(
    args: &'static [Arg],
    kept: &mut Vec<Vec<raw::RedisModuleCommandArg>>,
) -> *mut raw::RedisModuleCommandArg {
    if args.is_empty() {
        return null_mut();
    }
    let mut list: Vec<_> = args.iter().map(|arg| arg_info(arg, kept)).collect();
    // SAFETY: a C structure of pointers and numbers: all zero is its end marker.
    list.push(unsafe { std::mem::zeroed() });
    // The vector's buffer stays where it is when the vector is moved.
    let start = list.as_mut_ptr();
    kept.push(list);
    start
}

fn arg_info(
    arg: &'static Arg,
    kept: &mut Vec<Vec<raw::RedisModuleCommandArg>>,
) -> raw::RedisModuleCommandArg {
    let flag = |condition, flag: u32| if condition { flag as c_int } else { 0 };
    raw::RedisModuleCommandArg {
        name: arg.name.as_ptr(),
        type_: match arg.kind {
            Kind::Text => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_STRING,
            Kind::Integer => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_INTEGER,
            Kind::UnixTime => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_UNIX_TIME,
            Kind::Key(_) => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_KEY,
            Kind::Flag => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_PURE_TOKEN,
            Kind::OneOf => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_ONEOF,
            Kind::Block => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_BLOCK,
        },
        key_spec_index: if let Kind::Key(spec) = arg.kind { spec } else { -1 },
        token: arg.token.map_or(null::<c_char>(), CStr::as_ptr),
        summary: null(),
        since: null(),
        flags: flag(arg.optional, raw::REDISMODULE_CMD_ARG_OPTIONAL)
            | flag(arg.multiple, raw::REDISMODULE_CMD_ARG_MULTIPLE),
        deprecated_since: null(),
        subargs: args(arg.args, kept),
        display_text: null(),
    }
}
