//! The ACL: the user of a command, and what it may run.

use std::ffi::{CStr, c_int};
use std::ptr::null_mut;

use redis_module::raw;
use smallvec::SmallVec;

use super::api::{Ctx, OK, Raw, api, owned};
use super::calls;
use super::string::{OwnedString, RawString, RedisStr};

owned! {
    /// A user of the ACL.
    User = raw::RedisModuleUser, freed by |user| api!(RedisModule_FreeModuleUser(user));
}

impl Ctx {
    /// The ACL user of the command; empty if it has none (a timer, another module).
    pub fn user(self) -> String {
        self.user_name().map_or_else(String::new, |name| String::from_utf8_lossy(&name.borrow()).into_owned())
    }

    fn user_name(self) -> Option<OwnedString> {
        let name = if self.is_in_script() {
            current_user_name(self)
        } else {
            calls::user_name_by_client_id(self, calls::client_id(self))
        };
        // In a context without automatic memory the string is ours.
        OwnedString::new(name)
    }

    /// Whether the caller may run STATE.SETPROTECTED on this key, and so may read its secrets.
    pub fn may_set_protected(self, key: RedisStr) -> bool {
        self.may_run(c"STATE.SETPROTECTED", key)
    }

    /// Whether the caller may run STATE.SETPROTECTED on every key: only patterns for all keys match
    /// the key `*`.
    pub fn may_set_protected_everywhere(self) -> bool {
        self.may_set_protected(OwnedString::of(b"*").borrow())
    }

    /// Whether the caller may run STATE.SCHEMA DEL: the right to destroy what the rules rest on.
    pub fn may_destroy(self) -> bool {
        let (subcommand, name) = (OwnedString::of(b"DEL"), OwnedString::of(b"*"));
        self.may_call(c"STATE.SCHEMA", &[subcommand.raw(), name.raw()])
    }

    /// Whether the caller may run a command on this key.
    pub fn may_run(self, command: &CStr, key: RedisStr) -> bool {
        // The check covers command and key, not the other arguments.
        self.may_call(command, &[key.raw(); 3])
    }

    /// Asked of the ACL each time: the server sends no event when rights change.
    fn may_call(self, command: &CStr, args: &[RawString]) -> bool {
        let Some(name) = self.user_name() else { return false };
        let Some(user) = User::new(calls::module_user(name.raw())) else { return false };
        let command = OwnedString::of(command.to_bytes());
        let words: SmallVec<[RawString; 4]> =
            std::iter::once(command.raw()).chain(args.iter().copied()).collect();
        let len = words.len() as c_int;
        // SAFETY: R1, R2: the user and the strings live until the call is over; the server only
        // reads the list.
        unsafe {
            api!(RedisModule_ACLCheckCommandPermissions(user.as_ptr(), RawString::list(&words), len)) == OK
        }
    }
}

/// The user of a script, whose client is not found by its ID. Only for scripts: the server reads
/// through a null pointer when another module makes the call.
fn current_user_name(ctx: Ctx) -> *mut raw::RedisModuleString {
    if !ctx.is_in_script() {
        return null_mut();
    }
    // SAFETY: R1; the client of a script always has a user.
    unsafe { api!(RedisModule_GetCurrentUserName(ctx.raw())) }
}
