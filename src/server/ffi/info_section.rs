//! A section of INFO.

use std::ffi::{CStr, c_int};

use redis_module::raw;

use super::api::{Ctx, InfoCtx, Raw, api};
use super::calls;
use super::guard::guard;

/// A section with the name of the module.
pub trait Section {
    /// Writes the fields, by what it is given.
    fn write(field: &dyn Fn(&CStr, i64));
}

/// Registers the section. The handler of the crate redis-module is not used: it builds a backtrace
/// in a crash report.
pub fn register<S: Section>(ctx: Ctx) {
    extern "C" fn write<S: Section>(ctx: *mut raw::RedisModuleInfoCtx, for_crash_report: c_int) {
        // A crash may have happened anywhere, also inside the registry: then nothing of ours is
        // asked.
        if for_crash_report != 0 {
            return;
        }
        guard(|| {
            let info = InfoCtx::new(ctx);
            // An empty name makes the section that is called like the module.
            calls::info_add_section(info, c"");
            S::write(&|name, value| {
                calls::info_add_field(info, name, value);
            });
        });
    }
    // SAFETY: R1; the callback has the type that Redis expects.
    unsafe { api!(RedisModule_RegisterInfoFunc(ctx.raw(), Some(write::<S>))) };
}
