//! The C function of a command: it runs the handler through the guard, and turns an error into a
//! reply.

use std::ffi::c_int;

use redis_module::raw;

use crate::error::Error;
use crate::server::commands::key_positions::answer_key_positions;
use crate::server::ffi::api::{ERR, OK};
use crate::server::ffi::arguments::with_arguments;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::guard::guard;
use crate::server::ffi::string::RedisStr;

/// A command's code: arguments in, replies written through the context.
pub type Handler = fn(Ctx, &[RedisStr]) -> Result<(), Error>;

/// Makes the C function that runs a handler, by [`run`] or another function of this file.
macro_rules! entry {
    ($handler:path) => {
        $crate::server::commands::entry::entry!($handler, run)
    };
    ($handler:path, $run:ident) => {{
        extern "C" fn entry(
            ctx: *mut redis_module::raw::RedisModuleCtx,
            argv: *mut *mut redis_module::raw::RedisModuleString,
            argc: std::ffi::c_int,
        ) -> std::ffi::c_int {
            $crate::server::commands::entry::$run(ctx, argv, argc, $handler)
        }
        entry as $crate::server::ffi::arguments::Entry
    }};
}
pub(crate) use entry;

/// Runs a command's handler.
pub fn run(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    handler: Handler,
) -> c_int {
    run_guarded(ctx, argv, argc, |ctx, args| {
        // In a cluster the server also calls a command to ask which arguments are keys.
        if answer_key_positions(ctx, args) { Ok(true) } else { handler(ctx, args).map(|()| true) }
    })
}

/// As [`run`], for a command whose keys all have fixed positions: the server never asks the module
/// for them.
pub fn run_fixed(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    handler: Handler,
) -> c_int {
    run_guarded(ctx, argv, argc, |ctx, args| handler(ctx, args).map(|()| true))
}

/// Runs the handler of a blocked client, which stays blocked when the handler returns false.
pub fn wake(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    handler: fn(Ctx, &[RedisStr]) -> Result<bool, Error>,
) -> c_int {
    run_guarded(ctx, argv, argc, handler)
}

/// Runs a handler through the guard and replies its error. If the handler returns false, returns
/// `ERR`, so that a blocked client stays blocked.
fn run_guarded(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    handler: impl FnOnce(Ctx, &[RedisStr]) -> Result<bool, Error>,
) -> c_int {
    let ctx = Ctx::new(ctx);
    let handle = |args: &[RedisStr]| {
        // A command that can't be parsed may carry a document in any argument: redact all.
        handler(ctx, args).inspect_err(|error| {
            if error.is_unparsed() {
                ctx.redact_all(args)
            }
        })
    };
    match guard(|| with_arguments(argv, argc, handle)) {
        Some(Ok(true)) => {}
        Some(Ok(false)) => return ERR,
        Some(Err(Error::WrongArity)) => ctx.reply_wrong_arity(),
        Some(Err(error)) => ctx.reply_error(error.to_string()),
        None => {
            ctx.reply_error(
                "ERR internal error: read the state before a retry; the server's log says where".to_owned(),
            );
        }
    }
    OK
}
