//! Signals of a command to other components: replicas, the AOF, WATCH, blocked clients and keyspace
//! events.

use std::ffi::{CStr, c_int};

use redis_module::raw;

use super::api::{Ctx, Raw, api};
use super::calls;
use super::string::{RawString, RedisStr};

impl Ctx {
    /// Keeps all arguments out of SLOWLOG, MONITOR and crash reports, for a command that can't be
    /// parsed: any argument may have a secret.
    pub fn redact_all(self, args: &[RedisStr]) {
        (1..args.len()).for_each(|argument| self.redact(argument));
    }

    /// Keeps an argument of the command out of SLOWLOG, MONITOR and crash reports.
    pub fn redact(self, argument: usize) {
        calls::redact(self, argument as c_int);
    }

    /// Sends a command to replicas and the AOF, in place of the one being executed.
    pub fn replicate(self, command: &CStr, args: &[RawString]) {
        self.replicate_as(command, c"v", args);
    }

    /// Replicates the command being executed verbatim.
    pub fn replicate_verbatim(self) {
        calls::replicate_verbatim(self);
    }

    /// Lets a WAIT after this command count from here, though nothing is written: servers newer
    /// than 7.0 count from the last write of the connection, and a new connection has none.
    /// Replicas ignore a PING; the AOF does not get it.
    pub fn replicate_ping(self) {
        self.replicate_as(c"PING", c"vA", &[]);
    }

    fn replicate_as(self, command: &CStr, format: &CStr, args: &[RawString]) {
        let list = RawString::list(args);
        // SAFETY: R1, R3: `v` takes a list of strings, which are alive, and its length; the server
        // only reads the list.
        unsafe {
            api!(RedisModule_Replicate(self.raw(), command.as_ptr(), format.as_ptr(), list, args.len()))
        };
    }

    /// Signals WATCH and client-side caches that a key has changed.
    pub fn signal_modified(self, key: RedisStr) {
        calls::signal_modified_key(self, key.raw());
    }

    /// Signals clients that are blocked on this key; their callbacks check it.
    pub fn signal_ready(self, key: RedisStr) {
        calls::signal_key_as_ready(self, key.raw());
    }

    /// Sends a keyspace event of class `d`.
    pub fn notify(self, event: &CStr, key: RedisStr) {
        calls::notify_keyspace_event(self, raw::REDISMODULE_NOTIFY_MODULE, event, key.raw());
    }

    /// Sends a keyspace event of class `g`, as Redis's own commands on any key do.
    pub fn notify_generic(self, event: &CStr, key: RedisStr) {
        calls::notify_keyspace_event(self, raw::REDISMODULE_NOTIFY_GENERIC, event, key.raw());
    }

    /// Whether the server asks where the keys of a command are, instead of running it.
    pub fn is_asked_for_keys(self) -> bool {
        calls::is_keys_position_request(self) != 0
    }

    /// Answers that the argument at this position is a key.
    pub fn key_at(self, position: usize) {
        calls::key_at_pos(self, position as c_int);
    }
}
