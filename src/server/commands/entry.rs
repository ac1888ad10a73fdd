//! The guard that every callback goes through: no panic crosses into Redis (invariant I6).

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redis_module::raw;

use crate::error::Error;
use crate::server::commands::key_positions;
use crate::server::events::info;
use crate::server::ffi::ctx::{Ctx, ERR, OK};
use crate::server::ffi::string::RedisStr;

/// So many words most commands have at most.
const FEW: usize = 8;

/// A command's code: arguments in, replies written through the context.
pub type Handler = fn(Ctx, &[RedisStr]) -> Result<(), Error>;

/// The C function of a command.
pub type Entry =
    unsafe extern "C" fn(*mut raw::RedisModuleCtx, *mut *mut raw::RedisModuleString, c_int) -> c_int;

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
        entry as $crate::server::commands::entry::Entry
    }};
}
pub(crate) use entry;

/// Runs a handler and turns what it returns, a panic included, into a reply.
pub fn run(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    handler: Handler,
) -> c_int {
    wake(ctx, argv, argc, |ctx, args| {
        if key_positions::answered(ctx, args) { Ok(true) } else { handler(ctx, args).map(|()| true) }
    })
}

/// As [`run`], for a command whose keys all have a fixed place: the server never asks it where they are.
pub fn run_fixed(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    handler: Handler,
) -> c_int {
    wake(ctx, argv, argc, |ctx, args| handler(ctx, args).map(|()| true))
}

/// As [`run`], for a client that waits, who stays blocked when the handler says that there is nothing to answer yet.
pub fn wake(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    handler: impl FnOnce(Ctx, &[RedisStr]) -> Result<bool, Error>,
) -> c_int {
    let ctx = Ctx::new(ctx);
    let handle = |args: &[RedisStr]| {
        // Who mistakes one command for another may have sent it a document.
        handler(ctx, args).inspect_err(|refused| {
            if refused.is_misread() {
                ctx.redact_all(args)
            }
        })
    };
    match guard(|| with_arguments(argv, argc, handle)) {
        Some(Ok(true)) => {}
        Some(Ok(false)) => return ERR,
        Some(Err(Error::WrongArity)) => ctx.reply_wrong_arity(),
        Some(Err(refused)) => ctx.reply_error(refused.to_string()),
        None => {
            ctx.reply_error(
                "ERR internal error: nothing was changed; the server's log says where".to_owned(),
            );
        }
    }
    OK
}

/// Runs `callback`; `None` when it panicked, which is counted and logged by the hook.
pub fn guard<T>(callback: impl FnOnce() -> T) -> Option<T> {
    // What a panic leaves behind is not looked at again: a command computes aside, then swaps (invariant I3).
    let result = catch_unwind(AssertUnwindSafe(callback)).ok();
    if result.is_none() {
        info::PANICS.add();
    }
    result
}

/// Replaces the panic hook by one that logs a line. The default one writes to a terminal nobody watches, and its
/// backtrace frees memory of another allocator, which kills a Valkey.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(String::new, |place| format!("{}:{}", place.file(), place.line()));
        Ctx::new(std::ptr::null_mut()).log(c"warning", &format!("redis-state: caught a panic at {place}"));
    }));
}

/// Calls `use_them` with the words of a command; few enough, as a rule, to need no memory from the heap. A SmallVec was rejected: filled
/// and moved out to the caller it takes a fiftieth of a read.
pub fn with_arguments<T>(
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    use_them: impl FnOnce(&[RedisStr]) -> T,
) -> T {
    // Without arguments the pointer is null, which no slice may be.
    let strings = if argv.is_null() {
        &[]
    } else {
        // SAFETY: R2: Redis passes argc strings that live as long as the call; handlers keep nothing beyond it.
        unsafe { std::slice::from_raw_parts(argv, usize::try_from(argc).unwrap_or(0)) }
    };
    let mut few = [RedisStr::EMPTY; FEW];
    let many: Vec<RedisStr>;
    let words = if let Some(few) = few.get_mut(..strings.len()) {
        few.iter_mut().zip(strings).for_each(|(word, string)| *word = RedisStr::new(*string));
        &*few
    } else {
        many = strings.iter().map(|string| RedisStr::new(*string)).collect();
        &many
    };
    use_them(words)
}
