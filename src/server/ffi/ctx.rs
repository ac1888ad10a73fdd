//! The context of a command: clock, database, randomness, what it may do, the log.

use std::ffi::{CStr, c_int};
use std::ptr::null_mut;

use redis_module::raw;

pub use super::api::Ctx;
use super::api::{OK, Raw, api};
use super::calls;
#[cfg(feature = "faults")]
use super::faults;
use super::server_info::ServerInfo;
use super::text::one_line;

impl Ctx {
    fn flags(self) -> u32 {
        calls::context_flags(self) as u32
    }

    /// Whether the server sets one more flag, which only some servers know.
    pub fn has_flag(self, flag: u32) -> bool {
        self.flags() & flag != 0
    }

    /// Whether the command comes from our primary or from a file being loaded: the only senders of
    /// effects.
    pub fn is_replication(self) -> bool {
        let flags = self.flags();
        // While another dataset is loaded beside the one that is served, clients' commands are
        // executed.
        let is_loading = flags & raw::REDISMODULE_CTX_FLAGS_LOADING != 0
            && flags & raw::REDISMODULE_CTX_FLAGS_ASYNC_LOADING == 0;
        is_loading || flags & raw::REDISMODULE_CTX_FLAGS_REPLICATED != 0
    }

    pub fn is_primary(self) -> bool {
        self.has_flag(raw::REDISMODULE_CTX_FLAGS_MASTER)
    }

    /// Whether a timer may write now: on a primary that is done loading, while writes are not
    /// paused.
    pub fn server_may_write(self) -> bool {
        let is_paused = calls::avoid_replica_traffic() != 0;
        !is_paused && self.is_primary() && !self.has_flag(raw::REDISMODULE_CTX_FLAGS_LOADING)
    }

    /// Whether effects always have a consumer: an AOF, a replica's own replicas, a slot that
    /// migrates in a cluster.
    pub fn always_propagates(self) -> bool {
        const SENT_ON: u32 = raw::REDISMODULE_CTX_FLAGS_AOF
            | raw::REDISMODULE_CTX_FLAGS_SLAVE
            | raw::REDISMODULE_CTX_FLAGS_CLUSTER;
        self.has_flag(SENT_ON)
    }

    /// Whether the caller can be blocked; not in a transaction or a script.
    pub fn may_block(self) -> bool {
        !self.has_flag(raw::REDISMODULE_CTX_FLAGS_DENY_BLOCKING)
    }

    pub fn is_in_cluster(self) -> bool {
        self.has_flag(raw::REDISMODULE_CTX_FLAGS_CLUSTER)
    }

    pub(super) fn is_in_script(self) -> bool {
        self.has_flag(raw::REDISMODULE_CTX_FLAGS_LUA)
    }

    /// The selected database.
    pub fn database(self) -> c_int {
        calls::selected_db(self)
    }

    /// Selects a database; false where there is none of that number.
    pub fn select(self, database: c_int) -> bool {
        calls::select_db(self, database) == OK
    }

    /// The clock. Commands read it once (invariant I2).
    pub fn now_ms(self) -> i64 {
        let now_ms = calls::milliseconds();
        #[cfg(feature = "faults")]
        let now_ms = now_ms + faults::clock_off_ms();
        now_ms
    }

    /// The clock of a command on a state whose first member is due at `first_due_ms`. A script or a
    /// MULTI has one clock from its beginning to its end, as for keys that expire: else a state
    /// could change between two of its commands.
    pub fn command_ms(self, first_due_ms: Option<i64>) -> i64 {
        self.command_ms_at(self.now_ms(), first_due_ms)
    }

    /// As [`Ctx::command_ms`], where the clock was read already.
    pub fn command_ms_at(self, now_ms: i64, first_due_ms: Option<i64>) -> i64 {
        let is_due = first_due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        // Only a due time can come out otherwise, and Redis 7.0 takes its time to answer.
        if is_due && self.has_flag(raw::REDISMODULE_CTX_FLAGS_LUA | raw::REDISMODULE_CTX_FLAGS_MULTI) {
            return self.frozen_ms().map_or(now_ms, |frozen_ms| frozen_ms.min(now_ms));
        }
        now_ms
    }

    /// When the outermost command began. Redis 7.0 has it in INFO alone: its TIME goes on within
    /// scripts.
    fn frozen_ms(self) -> Option<i64> {
        const US_PER_MS: i64 = 1000;
        // SAFETY: R1; the table of the API is filled when the module is loaded, and not written
        // again.
        let cached_us = unsafe { raw::RedisModule_CachedMicroseconds.map(|cached_us| cached_us()) };
        let now_us = match cached_us {
            Some(now_us) => now_us,
            None => ServerInfo::of(self, c"server")?.number(c"server_time_usec")?,
        };
        Some(now_us / US_PER_MS)
    }

    /// Random bits from the server's generator, a keyed SHA-256 that the operating system seeds.
    /// One call of it makes up to 32 bytes.
    pub fn random(self) -> [u64; 3] {
        let mut bytes = [[0; 8]; 3];
        // SAFETY: R1; the buffer has the length that is passed.
        unsafe { api!(RedisModule_GetRandomBytes(bytes.as_mut_ptr().cast(), size_of_val(&bytes))) };
        bytes.map(u64::from_le_bytes)
    }

    /// Writes a line to the server's log; never a document.
    pub fn log(self, level: &CStr, message: &str) {
        let message = one_line(message);
        // SAFETY: R1, R3; the format takes one C string. A null context is allowed.
        unsafe { api!(RedisModule_Log(self.raw(), level.as_ptr(), c"%s".as_ptr(), message.as_ptr())) }
    }
}

/// Logs a warning where no context is at hand.
pub fn warn(message: &str) {
    Ctx::new(null_mut()).log(c"warning", message);
}

/// Whether this server is a primary, where no context is at hand: the flags of the server need
/// none.
pub fn is_primary() -> bool {
    Ctx::new(null_mut()).is_primary()
}
