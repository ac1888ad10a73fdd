//! `state.feed`: one stream in database 0 that hears of every session end and every refusal, of all states.
//!
//! A consumer group on it needs to know no key. The entry is the one that the state's own stream got in the same step, with
//! `key`, and with `db` where that is not 0. It is replicated as it came out, with its ID and the stream's length: a
//! replica needs no setting for it. The stream is the server's: no right of the caller counts.
//!
//! In a cluster it is refused: one stream lies in one slot, and no node may write into the slot of another.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use redis_module::raw;
use redis_state_core::audit::Entry;

use crate::server::commands::entry::guard;
use crate::server::commit::audit_stream::Appended;
use crate::server::commit::effect::{self, Expiry};
use crate::server::commit::slot_migration;
use crate::server::commit::stream_entry::Words;
use crate::server::events::info;
use crate::server::ffi::api;
use crate::server::ffi::ctx::{Ctx, ERR, OK};
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::global::config;
use crate::server::value::key::{Key, Kind};
use crate::server::value::stream::Trim;

/// The setting's name.
pub const SETTING: &CStr = c"feed";
/// The stream's key is at most this long, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// The events that it hears of.
const TOLD: [&str; 4] = ["lapse", "expire", "evict", "reject"];

static FEED: Mutex<Option<Name>> = Mutex::new(None);
/// The key holds something else than a stream, and the log says so.
static WARNED: AtomicBool = AtomicBool::new(false);

/// CONFIG GET wants a string of the server's that stays valid after the call.
struct Name(OwnedString);

// SAFETY: the string is made and read on the main thread only; the lock is there because a static needs one.
unsafe impl Send for Name {}

/// The stream's key; `None` when there is to be none.
fn name() -> Option<OwnedString> {
    let feed = FEED.lock().unwrap_or_else(PoisonError::into_inner);
    let name = feed.as_ref()?.0.borrow();
    (!name.is_empty()).then(|| OwnedString::new(&name))
}

/// Takes the value of the setting.
pub fn set(name: &[u8]) -> Result<(), &'static str> {
    if !name.is_empty() && slot_migration::is_on() {
        return Err("state.feed can't be used in a cluster: read the audit stream of each state instead");
    }
    if name.len() > NAME_BYTES_MAX {
        return Err("state.feed must be a key of at most 128 bytes");
    }
    WARNED.store(false, Ordering::Relaxed);
    *FEED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Name(OwnedString::new(name)));
    Ok(())
}

/// Registers the setting; its present value is the default.
pub fn register(ctx: Ctx) -> bool {
    let default = name().and_then(|name| CString::new(name.borrow().bytes()).ok()).unwrap_or_default();
    // SAFETY: R1, R3.
    unsafe {
        api!(RedisModule_RegisterStringConfig(
            ctx.as_ptr(),
            SETTING.as_ptr(),
            default.as_ptr(),
            raw::REDISMODULE_CONFIG_DEFAULT,
            Some(on_get),
            Some(on_set),
            None,
            std::ptr::null_mut()
        )) == OK
    }
}

extern "C" fn on_get(_name: *const c_char, _: *mut c_void) -> *mut raw::RedisModuleString {
    let feed = FEED.lock().unwrap_or_else(PoisonError::into_inner);
    feed.as_ref().map_or(std::ptr::null_mut(), |name| name.0.as_ptr())
}

extern "C" fn on_set(
    _name: *const c_char,
    value: *mut raw::RedisModuleString,
    _: *mut c_void,
    error: *mut *mut raw::RedisModuleString,
) -> c_int {
    match guard(|| set(RedisStr::new(value).bytes())) {
        Some(Ok(())) => OK,
        Some(Err(problem)) => {
            // SAFETY: R1; the server frees the string that it is given here.
            unsafe {
                *error = api!(RedisModule_CreateString(
                    std::ptr::null_mut(),
                    problem.as_ptr().cast::<c_char>(),
                    problem.len()
                ));
            }
            ERR
        }
        None => ERR,
    }
}

/// Passes on an entry that was written about `key`, in the database that is selected; whoever writes one calls this, and
/// what the feed does not hear of is passed over here.
pub fn tell(ctx: Ctx, key: RedisStr, entry: &Entry) {
    let event = entry.fields().next().map_or("", |(_, event)| event);
    if !TOLD.contains(&event) {
        return;
    }
    let Some(name) = name() else { return };
    let database = Selected::zero(ctx);
    let mut words = Words::of(entry);
    words.push("key", key.bytes());
    if database.before != 0 {
        words.push("db", database.before.to_string().as_bytes());
    }
    append(ctx, name.borrow(), words);
}

/// Appends to the feed, here and on replicas. It never expires, so an expiry that somebody gave it goes.
fn append(ctx: Ctx, name: RedisStr, words: Words) {
    let mut key = Key::open_write(ctx, name);
    if !matches!(key.kind(), Kind::Nothing | Kind::Stream) {
        if !WARNED.swap(true, Ordering::Relaxed) {
            let shown = String::from_utf8_lossy(&name);
            let advice = "delete or rename that key, or name another one";
            ctx.log(c"warning", &format!("redis-state: state.feed {shown} is no stream: {advice}"));
        }
        return;
    }
    // Only a stream that has used its last ID takes no more.
    let Some(id) = key.add(None, words.as_ptrs()) else { return };
    let len = key.trim(usize::try_from(config::FEED_MAXLEN.get()).unwrap_or(1), Trim::About);
    key.set_expiry(None);
    ctx.signal_modified(name);
    info::FEED_ENTRIES.add();
    let appended = Appended { id, len, expires_at_ms: None, words };
    effect::send(ctx, name, &[], Expiry::Leave, Some((name, &appended)));
}

/// Database 0, until this goes out of scope.
struct Selected {
    ctx: Ctx,
    before: c_int,
}

impl Selected {
    fn zero(ctx: Ctx) -> Selected {
        // SAFETY: R1; there is always a database 0.
        let before = unsafe { api!(RedisModule_GetSelectedDb(ctx.as_ptr())) };
        Selected::select(ctx, 0);
        Selected { ctx, before }
    }

    fn select(ctx: Ctx, database: c_int) {
        // SAFETY: R1; a number out of range is refused.
        unsafe { api!(RedisModule_SelectDb(ctx.as_ptr(), database)) };
    }
}

impl Drop for Selected {
    fn drop(&mut self) {
        Selected::select(self.ctx, self.before);
    }
}
