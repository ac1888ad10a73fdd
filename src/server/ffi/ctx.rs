//! The context of a command: clock, randomness, replies, replication, events.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_longlong};

use redis_module::raw;
use redis_state_core::error_line;
use smallvec::SmallVec;

use crate::server::ffi::api;
use crate::server::ffi::string::{OwnedString, RedisStr};

/// What Redis passes to a callback; it lives as long as the callback.
#[derive(Clone, Copy)]
pub struct Ctx(*mut raw::RedisModuleCtx);

impl Ctx {
    pub fn new(ctx: *mut raw::RedisModuleCtx) -> Ctx {
        Ctx(ctx)
    }

    pub fn as_ptr(self) -> *mut raw::RedisModuleCtx {
        self.0
    }

    fn flags(self) -> u32 {
        // SAFETY: R1.
        unsafe { api!(RedisModule_GetContextFlags(self.0)) as u32 }
    }

    /// Whether the server sets one more flag, which not every server knows.
    pub fn has_flag(self, flag: u32) -> bool {
        self.flags() & flag != 0
    }

    /// Whether the command comes from our primary or from a file being loaded: the only senders of effects.
    pub fn is_replication(self) -> bool {
        let flags = self.flags();
        // While another dataset is loaded beside the one that is served, clients' commands are carried out.
        let is_loading = flags & raw::REDISMODULE_CTX_FLAGS_LOADING != 0
            && flags & raw::REDISMODULE_CTX_FLAGS_ASYNC_LOADING == 0;
        is_loading || flags & raw::REDISMODULE_CTX_FLAGS_REPLICATED != 0
    }

    pub fn is_primary(self) -> bool {
        self.flags() & raw::REDISMODULE_CTX_FLAGS_MASTER != 0
    }

    /// Whether a timer may write now: on a primary that is done loading, while no one has paused writes.
    pub fn may_write_unasked(self) -> bool {
        // SAFETY: R1.
        let is_paused = unsafe { api!(RedisModule_AvoidReplicaTraffic()) } != 0;
        !is_paused && self.is_primary() && self.flags() & raw::REDISMODULE_CTX_FLAGS_LOADING == 0
    }

    /// Whether what is done here is sent on in any case: to an AOF, by a replica to its own, and in a cluster with a slot that moves.
    pub fn always_propagates(self) -> bool {
        const SENT_ON: u32 = raw::REDISMODULE_CTX_FLAGS_AOF
            | raw::REDISMODULE_CTX_FLAGS_SLAVE
            | raw::REDISMODULE_CTX_FLAGS_CLUSTER;
        self.flags() & SENT_ON != 0
    }

    /// Whether the caller can be made to wait; not in a transaction or a script.
    pub fn may_block(self) -> bool {
        self.flags() & raw::REDISMODULE_CTX_FLAGS_DENY_BLOCKING == 0
    }

    pub fn is_in_cluster(self) -> bool {
        self.flags() & raw::REDISMODULE_CTX_FLAGS_CLUSTER != 0
    }

    /// The selected database.
    pub fn database(self) -> c_int {
        // SAFETY: R1.
        unsafe { api!(RedisModule_GetSelectedDb(self.0)) }
    }

    /// Selects a database; false where there is none of that number.
    pub fn select(self, database: c_int) -> bool {
        // SAFETY: R1.
        unsafe { api!(RedisModule_SelectDb(self.0, database)) == OK }
    }

    /// The clock. Commands read it once (invariant I2).
    pub fn now_ms(self) -> i64 {
        // SAFETY: R1.
        let now_ms = unsafe { api!(RedisModule_Milliseconds()) };
        #[cfg(feature = "faults")]
        let now_ms = now_ms + crate::server::ffi::faults::clock_off_ms();
        now_ms
    }

    /// The clock of a command, by which a member lapses that is due at `due_ms`. A script or a transaction has one clock from
    /// its beginning to its end, as for keys that expire: else a state could change between two commands of a script.
    pub fn command_ms(self, due_ms: Option<i64>) -> i64 {
        let now_ms = self.now_ms();
        let is_due = due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        // What this makes of a due time alone is asked for, since Redis 7.0 takes its time to answer.
        if is_due && self.is_in_script_or_transaction() {
            return self.frozen_ms().map_or(now_ms, |frozen_ms| frozen_ms.min(now_ms));
        }
        now_ms
    }

    fn is_in_script_or_transaction(self) -> bool {
        self.flags() & (raw::REDISMODULE_CTX_FLAGS_LUA | raw::REDISMODULE_CTX_FLAGS_MULTI) != 0
    }

    /// When the outermost command began. Redis 7.0 says so in INFO alone: its TIME goes on within scripts.
    fn frozen_ms(self) -> Option<i64> {
        const US_PER_MS: i64 = 1000;
        // SAFETY: R1; what is not there is not called.
        if let Some(cached_us) = unsafe { raw::RedisModule_CachedMicroseconds } {
            // SAFETY: R1.
            return Some(unsafe { cached_us() } / US_PER_MS);
        }
        let mut failed = ERR;
        // SAFETY: R1, R3: section and field are C strings; the answer is read before it is freed, once.
        let now_us = unsafe {
            let info = api!(RedisModule_GetServerInfo(self.0, c"server".as_ptr()));
            if info.is_null() {
                return None;
            }
            let field = c"server_time_usec".as_ptr();
            let now_us = api!(RedisModule_ServerInfoGetFieldSigned(info, field, &mut failed));
            api!(RedisModule_FreeServerInfo(self.0, info));
            now_us
        };
        (failed == OK).then_some(now_us / US_PER_MS)
    }

    /// Random bits from the server's generator, a keyed SHA-256 that the operating system seeds. One call of it makes up to 32
    /// bytes.
    pub fn random(self) -> [u64; 3] {
        let mut bytes = [[0; 8]; 3];
        // SAFETY: R1; the buffer has the length that is passed.
        unsafe { api!(RedisModule_GetRandomBytes(bytes.as_mut_ptr().cast(), size_of_val(&bytes))) };
        bytes.map(u64::from_le_bytes)
    }

    /// The ACL user who sent the command; empty where there is none (a timer, another module).
    pub fn user(self) -> String {
        self.user_name().map_or_else(String::new, |name| String::from_utf8_lossy(&name.borrow()).into_owned())
    }

    fn user_name(self) -> Option<OwnedString> {
        // SAFETY: R1. GetCurrentUserName reads through a null pointer when another module makes the call, so it is
        // asked only inside scripts, whose client always has a user and is not found by its id.
        let name = unsafe {
            if self.flags() & raw::REDISMODULE_CTX_FLAGS_LUA != 0 {
                api!(RedisModule_GetCurrentUserName(self.0))
            } else {
                api!(RedisModule_GetClientUserNameById(self.0, api!(RedisModule_GetClientId(self.0))))
            }
        };
        // In a context without automatic memory the string is ours.
        OwnedString::from_raw(name)
    }

    /// Whether the caller may run STATE.SETPROTECTED on this key, and so may read its secrets.
    pub fn may_set_protected(self, key: RedisStr) -> bool {
        self.may_run(c"STATE.SETPROTECTED", key)
    }

    /// Whether the caller may run STATE.SETPROTECTED on every key: the key `*` is matched by patterns for all keys alone.
    pub fn may_set_protected_everywhere(self) -> bool {
        let any = OwnedString::new(b"*");
        self.may_set_protected(any.borrow())
    }

    /// Whether the caller may run STATE.SCHEMA DEL: the right to destroy what the rules rest on.
    pub fn may_destroy(self) -> bool {
        let (subcommand, name) = (OwnedString::new(b"DEL"), OwnedString::new(b"*"));
        self.may_call(c"STATE.SCHEMA", &[subcommand.borrow(), name.borrow()])
    }

    /// Whether the caller may run a command on this key.
    pub fn may_run(self, command: &CStr, key: RedisStr) -> bool {
        // The check is of command and key; what stands behind them is no part of it.
        self.may_call(command, &[key, key, key])
    }

    /// Asked of the ACL each time: the server does not tell when rights change.
    fn may_call(self, command: &CStr, args: &[RedisStr]) -> bool {
        let Some(name) = self.user_name() else { return false };
        let command = OwnedString::new(command.to_bytes());
        let words = std::iter::once(command.borrow()).chain(args.iter().copied());
        let mut argv: SmallVec<[_; 4]> = words.map(RedisStr::as_ptr).collect();
        // SAFETY: R1, R3: the strings live until the calls are over; the user is freed once, and not at all where there is
        // none of that name.
        unsafe {
            let user = api!(RedisModule_GetModuleUserFromUserName(name.as_ptr()));
            if user.is_null() {
                return false;
            }
            let allowed =
                api!(RedisModule_ACLCheckCommandPermissions(user, argv.as_mut_ptr(), argv.len() as c_int));
            api!(RedisModule_FreeModuleUser(user));
            allowed == OK
        }
    }

    /// Keeps all arguments out, for a command whose words can't be read: what is a secret may stand anywhere.
    pub fn redact_all(self, args: &[RedisStr]) {
        (1..args.len()).for_each(|argument| self.redact(argument));
    }

    /// Keeps an argument of the command out of SLOWLOG, MONITOR and crash reports.
    pub fn redact(self, argument: usize) {
        // SAFETY: R1; an argument that is not there is refused.
        unsafe { api!(RedisModule_RedactClientCommandArgument(self.0, argument as c_int)) };
    }

    /// Writes a line to the server's log; never a document, never a format string of somebody else.
    pub fn log(self, level: &CStr, message: &str) {
        let message = one_line(message);
        // SAFETY: R1, R3; the format is ours and takes one C string.
        unsafe { api!(RedisModule_Log(self.0, level.as_ptr(), c"%s".as_ptr(), message.as_ptr())) }
    }

    /// Sends a command to replicas and the AOF, in place of the one being executed.
    pub fn replicate(self, command: &CStr, args: &[RedisStr]) {
        self.replicate_all(command, args.iter().map(|arg| arg.as_ptr()).collect());
    }

    /// The same with strings as the API functions take them.
    pub fn replicate_all(self, command: &CStr, mut args: Vec<*mut raw::RedisModuleString>) {
        // SAFETY: R1, R3; `v` takes a vector of strings, which are alive, and its length.
        unsafe {
            api!(RedisModule_Replicate(
                self.0,
                command.as_ptr(),
                c"v".as_ptr(),
                args.as_mut_ptr(),
                args.len()
            ))
        };
    }

    /// Passes the command being executed on as it is.
    pub fn replicate_verbatim(self) {
        // SAFETY: R1.
        unsafe { api!(RedisModule_ReplicateVerbatim(self.0)) };
    }

    /// Lets a WAIT behind this command count from here, though nothing is written: servers after 7.0 count from the last
    /// write of the connection, and one that is new has none. A ping to replicas is what says nothing to them, and the AOF
    /// has no use for it.
    pub fn replicate_nothing(self) {
        // SAFETY: R1, R3; the format names no argument.
        unsafe { api!(RedisModule_Replicate(self.0, c"PING".as_ptr(), c"A".as_ptr())) };
    }

    /// Tells WATCH and client-side caches that a key has changed.
    pub fn signal_modified(self, key: RedisStr) {
        // SAFETY: R1.
        unsafe { api!(RedisModule_SignalModifiedKey(self.0, key.as_ptr())) };
    }

    /// Wakes those who wait for a state under this key; they look for themselves.
    pub fn signal_ready(self, key: RedisStr) {
        // SAFETY: R1.
        unsafe { api!(RedisModule_SignalKeyAsReady(self.0, key.as_ptr())) };
    }

    /// Sends a keyspace event of class `d`.
    pub fn notify(self, event: &CStr, key: RedisStr) {
        self.notify_as(raw::REDISMODULE_NOTIFY_MODULE, event, key);
    }

    /// Sends a keyspace event of class `g`, as Redis's own commands on any key do.
    pub fn notify_generic(self, event: &CStr, key: RedisStr) {
        self.notify_as(raw::REDISMODULE_NOTIFY_GENERIC, event, key);
    }

    fn notify_as(self, class: c_int, event: &CStr, key: RedisStr) {
        // SAFETY: R1, R3.
        unsafe { api!(RedisModule_NotifyKeyspaceEvent(self.0, class, event.as_ptr(), key.as_ptr())) };
    }

    pub fn reply_ok(self) {
        // SAFETY: R1, R3.
        unsafe { api!(RedisModule_ReplyWithSimpleString(self.0, c"OK".as_ptr())) };
    }

    pub fn reply_nil(self) {
        // SAFETY: R1.
        unsafe { api!(RedisModule_ReplyWithNull(self.0)) };
    }

    pub fn reply_int(self, number: i64) {
        // SAFETY: R1.
        unsafe { api!(RedisModule_ReplyWithLongLong(self.0, number as c_longlong)) };
    }

    pub fn reply_text(self, text: &str) {
        self.reply_bytes(text.as_bytes());
    }

    pub fn reply_bytes(self, bytes: &[u8]) {
        // SAFETY: R1, R3.
        unsafe {
            api!(RedisModule_ReplyWithStringBuffer(self.0, bytes.as_ptr().cast::<c_char>(), bytes.len()))
        };
    }

    pub fn reply_optional(self, text: Option<&str>) {
        match text {
            Some(text) => self.reply_text(text),
            None => self.reply_nil(),
        }
    }

    pub fn reply_array(self, len: usize) {
        // SAFETY: R1; the caller writes that many elements.
        unsafe { api!(RedisModule_ReplyWithArray(self.0, len as c_long)) };
    }

    /// Begins a map of `len` pairs; with RESP2 Redis makes it an array of twice the length.
    pub fn reply_map(self, len: usize) {
        // SAFETY: R1; the caller writes that many pairs.
        unsafe { api!(RedisModule_ReplyWithMap(self.0, len as c_long)) };
    }

    /// Replies an error line, cut where it is longer than one may be.
    pub fn reply_error(self, line: String) {
        let line = one_line(&error_line(line));
        // SAFETY: R1, R3; the line has no NUL, CR or LF.
        unsafe { api!(RedisModule_ReplyWithError(self.0, line.as_ptr())) };
    }

    pub fn reply_wrong_arity(self) {
        // SAFETY: R1.
        unsafe { api!(RedisModule_WrongArity(self.0)) };
    }
}

/// The text without control characters: they would end a line early, or colour somebody's terminal.
fn one_line(text: &str) -> CString {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    CString::new(line).unwrap_or_default()
}

/// What a callback returns to Redis.
pub const OK: c_int = raw::REDISMODULE_OK as c_int;
pub const ERR: c_int = raw::REDISMODULE_ERR as c_int;
