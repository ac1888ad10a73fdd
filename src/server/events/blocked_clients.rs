//! Clients that wait for a key (STATE.WAIT): how they are blocked, and how they learn what nobody signals.
//!
//! The server keeps who waits for which key, and calls back when somebody signals the key. Two things are left to us.
//!
//! The end of a key: from Redis 7.2 on a client may ask to be called then too. Redis 7.0 calls nobody for a key that is not
//! there; but the type's `unlink` tells us of every end: deleted, expired, evicted, overwritten, renamed. It comes in the midst
//! of somebody's command, which may yet create the state again, and where a reply would cut that command's replication in
//! two; so a timer looks right after it.
//!
//! Another dataset: a full resynchronisation, a reload or a FLUSHALL signals no key. Then all who wait are looked at.
//!
//! A crowd: three hundred clients that wait for a document of a megabyte would be sent 300 MB by one update, while all others
//! wait. So one turn of the event loop answers up to [`TURN_BYTES`]; a client that is left out stays blocked until a timer signals the
//! key again. What was sent is written out meanwhile. Replies can't be shared: the server copies each into the client's buffer.
//!
//! For the first two a ticket is kept for each client. Rejected: to unblock from STATE.DELETE alone; a session ends by its expiry, as
//! a rule.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{c_int, c_longlong, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

use redis_module::raw;

use crate::server::commands::entry::{Entry, guard};
use crate::server::ffi::api;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::value::key::{Key, Kind};

/// Clients that wait are sent up to so many bytes of documents in one turn, and one document in any case.
const TURN_BYTES: usize = 8 * 1024 * 1024;
/// So many of them are answered in one turn at most.
const TURN_CLIENTS: usize = 1024;
/// A turn begins so long after the one before.
const TURN_MS: c_longlong = 10;

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

/// A client that the server keeps for us.
struct Blocked {
    /// Valid until the ticket comes back.
    handle: *mut raw::RedisModuleBlockedClient,
    /// Else it waits for a creation.
    knows_a_state: bool,
}
// SAFETY: the pointer is looked at on the main thread only (R1); the mutex is there because it stands in a static.
unsafe impl Send for Blocked {}

/// Who waits, in the order in which they came.
#[derive(Default)]
struct Waiting {
    clients: HashMap<Place, BTreeMap<u64, Blocked>>,
    next_number: u64,
    /// Where the timer is to look.
    doubtful: Vec<Place>,
    /// What was answered in this turn.
    turn: Turn,
}

/// What clients that waited were sent since the timer has last begun a turn.
#[derive(Default)]
struct Turn {
    bytes: usize,
    clients: usize,
    /// Where clients were left out.
    postponed: HashSet<Place>,
}

impl Turn {
    fn has_room(&self) -> bool {
        self.bytes < TURN_BYTES && self.clients < TURN_CLIENTS
    }
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
    set_timer_ctx(ctx);
    let ticket = Ticket::draw(ctx.database(), key.bytes());
    let Ticket { place, number } = ticket.clone();
    let mut names = [key.as_ptr()];
    let (context, keys) = (ctx.as_ptr(), names.as_mut_ptr());
    let (on_change, on_timeout) = (Some(callbacks.on_change), Some(callbacks.on_timeout));
    let timeout_ms = timeout_ms as c_longlong;
    let given = Box::into_raw(Box::new(ticket)).cast();
    // SAFETY: R1, R3: the server keeps the key's name; it gives the ticket back once, to `take_back`. The table of the API
    // is filled when the module is loaded, and not written again.
    let handle = unsafe {
        match raw::RedisModule_BlockClientOnKeysWithFlags {
            Some(block) => {
                let flags = if knows_a_state { raw::REDISMODULE_BLOCK_UNBLOCK_DELETED } else { 0 };
                let flags = flags as c_int;
                block(context, on_change, on_timeout, Some(take_back), timeout_ms, keys, 1, given, flags)
            }
            None => api!(RedisModule_BlockClientOnKeys(
                context,
                on_change,
                on_timeout,
                Some(take_back),
                timeout_ms,
                keys,
                1,
                given
            )),
        }
    };
    let blocked = Blocked { handle, knows_a_state };
    with_waiting(|waiting| waiting.clients.entry(place).or_default().insert(number, blocked));
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
    doubt(|waiting| {
        let place = Place { database, key: key.into() };
        waiting.clients.contains_key(&place).then_some(place).into_iter().collect()
    });
}

/// Told when there is another dataset, or none, and no key was signalled.
pub fn dataset_changed() {
    doubt(|waiting| waiting.clients.keys().cloned().collect());
}

/// Has the timer look at these places, if anybody waits.
fn doubt(places: impl FnOnce(&Waiting) -> Vec<Place>) {
    let sets_timer = with_waiting(|waiting| {
        if waiting.clients.is_empty() {
            return false;
        }
        let places = places(waiting);
        let is_first = waiting.doubtful.is_empty() && !places.is_empty();
        waiting.doubtful.extend(places);
        is_first
    });
    if sets_timer {
        let ctx = TIMER_CTX.load(Ordering::Relaxed);
        // SAFETY: R1; the context is ours and is never freed.
        unsafe { api!(RedisModule_CreateTimer(ctx, 0, Some(look), null_mut())) };
    }
}

/// Whether a client that waits for this key may be answered in this turn; if not, it is called again in the next one.
pub fn has_room(ctx: Ctx, key: RedisStr) -> bool {
    with_waiting(|waiting| {
        if waiting.turn.has_room() {
            return true;
        }
        let place = Place { database: ctx.database(), key: key.bytes().into() };
        waiting.turn.postponed.insert(place);
        false
    })
}

/// A client that waited was sent a document of so many bytes.
pub fn answered(ctx: Ctx, bytes: usize) {
    set_timer_ctx(ctx);
    let begins = with_waiting(|waiting| {
        let turn = &mut waiting.turn;
        turn.bytes = turn.bytes.saturating_add(bytes);
        turn.clients += 1;
        turn.clients == 1
    });
    if begins {
        let ctx = TIMER_CTX.load(Ordering::Relaxed);
        // SAFETY: R1; the context is ours and is never freed.
        unsafe { api!(RedisModule_CreateTimer(ctx, TURN_MS, Some(begin_turn), null_mut())) };
    }
}

/// Calls those who were left out in the turn before.
unsafe extern "C" fn begin_turn(ctx: *mut raw::RedisModuleCtx, _: *mut c_void) {
    guard(|| {
        let turn = with_waiting(|waiting| std::mem::take(&mut waiting.turn));
        look_at(Ctx::new(ctx), turn.postponed);
    });
}

fn set_timer_ctx(ctx: Ctx) {
    if TIMER_CTX.load(Ordering::Relaxed).is_null() {
        // SAFETY: R1.
        let detached = unsafe { api!(RedisModule_GetDetachedThreadSafeContext(ctx.as_ptr())) };
        TIMER_CTX.store(detached, Ordering::Relaxed);
    }
}

/// Where a state is, who waits is called; where none is, who knew one is answered as by a timeout.
unsafe extern "C" fn look(ctx: *mut raw::RedisModuleCtx, _: *mut c_void) {
    guard(|| {
        let doubtful = with_waiting(|waiting| std::mem::take(&mut waiting.doubtful));
        look_at(Ctx::new(ctx), doubtful);
    });
}

fn look_at(ctx: Ctx, places: impl IntoIterator<Item = Place>) {
    for place in places {
        ctx.select(place.database);
        let name = OwnedString::new(&place.key);
        if Key::open_read(ctx, name.borrow()).kind() == Kind::State {
            ctx.signal_ready(name.borrow());
            continue;
        }
        for handle in with_waiting(|waiting| waiting.knowing(&place)) {
            // SAFETY: R1; its ticket has not come back, which happens in the event loop, not in here.
            unsafe { api!(RedisModule_UnblockClient(handle, null_mut())) };
        }
    }
}

impl Waiting {
    /// Those who know a state at this place.
    fn knowing(&self, place: &Place) -> Vec<*mut raw::RedisModuleBlockedClient> {
        let clients = self.clients.get(place).into_iter().flat_map(BTreeMap::values);
        clients.filter(|blocked| blocked.knows_a_state).map(|blocked| blocked.handle).collect()
    }
}
