//! The ACL categories of our commands, on servers where a module can name them: Redis 7.2 and newer, Valkey. A category of our
//! own, `@state`, is newer still (Redis 7.4, Valkey 8). What a server lacks is done without, as docs/operations.md says.

use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::atomic::{AtomicBool, Ordering};

use redis_module::raw;

use crate::server::commands::table::Command;
use crate::server::ffi::api;
use crate::server::ffi::ctx::{Ctx, OK};

const OWN: &str = "state";

/// Whether the server has our category.
static HAS_OWN: AtomicBool = AtomicBool::new(false);

type AddCategory = unsafe extern "C" fn(*mut raw::RedisModuleCtx, *const c_char) -> c_int;
type SetCategories = unsafe extern "C" fn(*mut raw::RedisModuleCommand, *const c_char) -> c_int;

/// Makes our category, before the commands that are in it.
pub fn add_own(ctx: Ctx) {
    let mut add: Option<AddCategory> = None;
    let name = CString::new(OWN).unwrap_or_default();
    // SAFETY: R1, R3; what is found under this name has that type, and nothing is written when nothing is found.
    let has_own = unsafe {
        api!(RedisModule_GetApi(c"RedisModule_AddACLCategory".as_ptr(), (&raw mut add).cast()));
        add.is_some_and(|add| add(ctx.as_ptr(), name.as_ptr()) == OK)
    };
    HAS_OWN.store(has_own, Ordering::Relaxed);
}

/// Puts a command into its categories; false when the server knows one of them not.
pub fn set(registered: *mut raw::RedisModuleCommand, command: &Command) -> bool {
    let Some(set) = lookup() else { return true };
    if command.categories.is_empty() {
        return true;
    }
    let own = if HAS_OWN.load(Ordering::Relaxed) { OWN } else { "" };
    let categories = CString::new(format!("{} {own}", command.categories).trim()).unwrap_or_default();
    // SAFETY: R1, R3: `registered` was returned by GetCommand.
    !registered.is_null() && unsafe { set(registered, categories.as_ptr()) } == OK
}

fn lookup() -> Option<SetCategories> {
    const NAME: &CStr = c"RedisModule_SetCommandACLCategories";
    let mut set: Option<SetCategories> = None;
    // SAFETY: R1; what is found under this name has that type, and nothing is written when nothing is found.
    unsafe { api!(RedisModule_GetApi(NAME.as_ptr(), (&raw mut set).cast())) };
    set
}
