//! The arguments of a command, as a slice.

use std::ffi::c_int;

use redis_module::raw;

use super::data;
use super::string::RedisStr;

/// Most commands have at most this many arguments.
const FEW: usize = 8;

/// The C function of a command.
pub type Entry =
    unsafe extern "C" fn(*mut raw::RedisModuleCtx, *mut *mut raw::RedisModuleString, c_int) -> c_int;

/// Calls `use_them` with the arguments of a command, usually without an allocation. Not a SmallVec:
/// to fill it and move it to the caller takes a fiftieth of a read.
pub(in crate::server) fn with_arguments<T>(
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
    use_them: impl FnOnce(&[RedisStr]) -> T,
) -> T {
    // Handlers keep nothing beyond their call.
    let strings = data::slice(argv, usize::try_from(argc).unwrap_or(0));
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
