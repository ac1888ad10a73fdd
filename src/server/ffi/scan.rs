//! A walk through the keys of a database.

use std::ffi::c_void;

use redis_module::raw;

use super::api::{Ctx, Raw, api, owned};
use super::calls;
use super::guard::guard;
use super::key::Key;
use super::string::RedisStr;

owned! {
    /// Where a walk stands.
    ScanCursor = raw::RedisModuleScanCursor, freed by |cursor| api!(RedisModule_ScanCursorDestroy(cursor));
}

impl ScanCursor {
    pub fn start() -> Option<ScanCursor> {
        ScanCursor::new(calls::scan_cursor())
    }

    /// Calls `look` with the next few keys of the selected database; whether there are more.
    pub fn scan<F: FnMut(&mut Key)>(&mut self, ctx: Ctx, mut look: F) -> bool {
        extern "C" fn visit<F: FnMut(&mut Key)>(
            _: *mut raw::RedisModuleCtx,
            name: *mut raw::RedisModuleString,
            key: *mut raw::RedisModuleKey,
            look: *mut c_void,
        ) {
            guard(|| {
                // SAFETY: `scan` passes its closure, which outlives the scan, and no other
                // reference to it is in use.
                let look = unsafe { &mut *look.cast::<F>() };
                look(&mut Key::lent(key, RedisStr::new(name)));
            });
        }
        let look = (&raw mut look).cast();
        // SAFETY: R1, R2; the callback has the type that is wanted, and gets the closure it
        // expects.
        unsafe { api!(RedisModule_Scan(ctx.raw(), self.as_ptr(), Some(visit::<F>), look)) != 0 }
    }
}
