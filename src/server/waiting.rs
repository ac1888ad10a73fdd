//! Clients that wait for a key (STATE.WAIT): how they are blocked, and how they learn that a state has ended.
//!
//! The server keeps who waits for which key, and calls back when somebody signals the key. An end of the key is another
//! matter. From Redis 7.2 on a client may ask to be called then too. Redis 7.0 calls nobody for a key that is not there, so
//! there we keep the tickets of those who know a state, and the type's `unlink` tells us of every end: deleted, expired,
//! evicted, overwritten, renamed. It comes in the midst of somebody's command, which may yet create the state again, and
//! where a reply would cut that command's replication in two; so a timer looks right after it.
//!
//! Rejected: to unblock from STATE.DELETE alone. A session ends by its expiry, as a rule.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{c_int, c_longlong, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

use redis_module::raw;

use super::api;
use super::ctx::Ctx;
use super::entry::{Entry, guard};
use super::key::{Key, Kind};
use super::string::{OwnedString, RedisStr};

/// What the server calls for a client that waits.
pub struct Callbacks {
    /// Answers, or leaves the client blocked.
    pub on_change: Entry,
    /// Answers that nothing has come.
    pub on_timeout: Entry,
}

/// A key of a database.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    database: c_int,
    key: Box<[u8]>,
}

/// What the server hands back when a client waits no longer.
#[derive(Clone)]
struct Ticket {
    place: Place,
    number: u64,
}

/// A client that the server keeps for us; valid until its ticket comes back.
struct Blocked(*mut raw::RedisModuleBlockedClient);
// SAFETY: the pointer is looked at on the main thread only (R1); the mutex is there because it stands in a static.
unsafe impl Send for Blocked {}

/// Who waits, on a server that does not tell them of the end of a key; in the order in which they came.
#[derive(Default)]
struct Waiting {
    clients: HashMap<Place, BTreeMap<u64, Blocked>>,
    next_number: u64,
    /// States that have ended while somebody waited; the timer looks at them.
    ended: Vec<Place>,
}

static WAITING: Mutex<Option<Waiting>> = Mutex::new(None);
/// A context that lives as long as the module, to set the timer with.
static TIMER_CTX: AtomicPtr<raw::RedisModuleCtx> = AtomicPtr::new(null_mut());

fn with_waiting<T>(look: impl FnOnce(&mut Waiting) -> T) -> T {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    look(waiting.get_or_insert_default())
}

/// Blocks the caller until the key is signalled and `on_change` has an answer, or the time is up; 0 is for ever. Who knows a
/// state is told when it ends, too.
pub fn block(ctx: Ctx, key: RedisStr, timeout_ms: i64, knows_a_state: bool, callbacks: Callbacks) {
    let mut keys = [key.as_ptr()];
    let (on_change, on_timeout) = (Some(callbacks.on_change), Some(callbacks.on_timeout));
    // SAFETY: the table of the API is filled when the module is loaded, and not written again.
    if let Some(block_with_flags) = unsafe { raw::RedisModule_BlockClientOnKeysWithFlags } {
        let flags = if knows_a_state { raw::REDISMODULE_BLOCK_UNBLOCK_DELETED } else { 0 };
        let (context, timeout_ms) = (ctx.as_ptr(), timeout_ms as c_longlong);
        // SAFETY: R1, R3: the key's name is the server's own; there is no ticket to give back.
        unsafe {
            block_with_flags(
                context,
                on_change,
                on_timeout,
                None,
                timeout_ms,
                keys.as_mut_ptr(),
                1,
                null_mut(),
                flags as c_int,
            )
        };
        return;
    }
    let ticket = knows_a_state.then(|| Ticket::draw(ctx.database(), key.bytes()));
    let given = ticket.clone().map_or(null_mut(), |ticket| Box::into_raw(Box::new(ticket)));
    // SAFETY: R1; the server gives the ticket back once, to `take_back`.
    let blocked = unsafe {
        api!(RedisModule_BlockClientOnKeys(
            ctx.as_ptr(),
            on_change,
            on_timeout,
            Some(take_back),
            timeout_ms as c_longlong,
            keys.as_mut_ptr(),
            1,
            given.cast()
        ))
    };
    if let Some(Ticket { place, number }) = ticket {
        set_timer_ctx(ctx);
        with_waiting(|waiting| waiting.clients.entry(place).or_default().insert(number, Blocked(blocked)));
    }
}

impl Ticket {
    fn draw(database: c_int, key: &[u8]) -> Ticket {
        let number = with_waiting(|waiting| {
            waiting.next_number += 1;
            waiting.next_number
        });
        Ticket { place: Place { database, key: key.into() }, number }
    }
}

/// The client is gone from the server's books: answered, timed out or disconnected.
unsafe extern "C" fn take_back(_: *mut raw::RedisModuleCtx, ticket: *mut c_void) {
    guard(|| {
        // SAFETY: made in `block` by Box::into_raw, given back once; never null, for then the server does not call.
        let ticket = unsafe { Box::from_raw(ticket.cast::<Ticket>()) };
        with_waiting(|waiting| {
            if let Some(clients) = waiting.clients.get_mut(&ticket.place) {
                clients.remove(&ticket.number);
                if clients.is_empty() {
                    waiting.clients.remove(&ticket.place);
                }
            }
        });
    });
}

/// Told by the type for every state that leaves its key, whatever comes in its place.
pub fn state_left(database: c_int, key: &[u8]) {
    let first = with_waiting(|waiting| {
        if waiting.clients.is_empty() {
            return false;
        }
        let place = Place { database, key: key.into() };
        let is_awaited = waiting.clients.contains_key(&place);
        if is_awaited {
            waiting.ended.push(place);
        }
        is_awaited && waiting.ended.len() == 1
    });
    if first {
        let ctx = TIMER_CTX.load(Ordering::Relaxed);
        // SAFETY: R1; the context is ours and is never freed.
        unsafe { api!(RedisModule_CreateTimer(ctx, 0, Some(look), null_mut())) };
    }
}

fn set_timer_ctx(ctx: Ctx) {
    if TIMER_CTX.load(Ordering::Relaxed).is_null() {
        // SAFETY: R1.
        let detached = unsafe { api!(RedisModule_GetDetachedThreadSafeContext(ctx.as_ptr())) };
        TIMER_CTX.store(detached, Ordering::Relaxed);
    }
}

/// Answers those whose state has ended and is not there again.
unsafe extern "C" fn look(ctx: *mut raw::RedisModuleCtx, _: *mut c_void) {
    guard(|| {
        let ctx = Ctx::new(ctx);
        for place in with_waiting(|waiting| std::mem::take(&mut waiting.ended)) {
            ctx.select(place.database);
            let name = OwnedString::new(&place.key);
            if Key::open_read(ctx, name.borrow()).kind() == Kind::State {
                continue;
            }
            let handles = with_waiting(|waiting| {
                let clients = waiting.clients.get(&place);
                clients.map_or(Vec::new(), |clients| clients.values().map(|blocked| blocked.0).collect())
            });
            for handle in handles {
                // SAFETY: R1; its ticket has not come back, which happens in the event loop, not in here.
                unsafe { api!(RedisModule_UnblockClient(handle, null_mut())) };
            }
        }
    });
}
