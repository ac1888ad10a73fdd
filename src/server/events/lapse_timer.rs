//! The timer: lapses what is due, and searches for states whose name has changed.
//!
//! It looks every 50 ms, and at once again while there is more to do than fits into a slice: a hundred thousand deadlines at
//! one instant must not keep another client waiting. A timer for the very next deadline was rejected: every update would
//! move it. While writes are paused nothing is done at all: to replicate then would stop the server.

use std::ffi::{c_int, c_longlong, c_void};
use std::time::{Duration, Instant};

use redis_module::raw;

use crate::server::commands::entry::guard;
use crate::server::commit::audit_stream::Trail;
use crate::server::commit::slot_migration;
use crate::server::commit::transaction::Target;
use crate::server::ffi::api;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::value::deadline_index;
use crate::server::value::key::Key;

/// How often it looks.
const TICK_MS: c_longlong = 50;
/// When there is more to do: others get their turn in between.
const SOON_MS: c_longlong = 1;
/// When what could not be committed is tried again.
const AGAIN_MS: i64 = 1000;
/// How long it works at a time.
const SLICE: Duration = Duration::from_millis(4);

/// Starts the timer; it never stops.
pub fn start(ctx: Ctx) {
    again(ctx, TICK_MS, Box::default());
}

fn again(ctx: Ctx, period_ms: c_longlong, search: Box<Search>) {
    // SAFETY: R1; the callback takes the box back.
    unsafe {
        api!(RedisModule_CreateTimer(ctx.as_ptr(), period_ms, Some(tick), Box::into_raw(search).cast()))
    };
}

extern "C" fn tick(ctx: *mut raw::RedisModuleCtx, search: *mut c_void) {
    let ctx = Ctx::new(ctx);
    // SAFETY: made by `again`, and passed to this one call.
    let mut search = unsafe { Box::from_raw(search.cast::<Search>()) };
    let is_more = guard(|| ctx.may_write_unasked() && work(ctx, &mut search)).unwrap_or(false);
    again(ctx, if is_more { SOON_MS } else { TICK_MS }, search);
}

/// Works for a slice of time; whether there is more to do.
fn work(ctx: Ctx, search: &mut Search) -> bool {
    let begun = Instant::now();
    let now_ms = ctx.now_ms();
    while begun.elapsed() < SLICE {
        match deadline_index::take_due(now_ms) {
            Some((db, key)) => lapse(ctx, db, &key, now_ms),
            None => return search.go_on(ctx, begun),
        }
    }
    true
}

/// Lets lapse what is due under a key, if anything is: the line may have been out of date.
fn lapse(ctx: Ctx, db: i32, key: &[u8], now_ms: i64) {
    ctx.select(db);
    let name = OwnedString::new(key);
    // A key that can have no audit stream, though streams are written by now, waits for that to change. A state whose slot is
    // still on the way lapses where it comes from.
    if let Ok(trail) = Trail::of(key, None)
        && slot_migration::answers_for(ctx, name.borrow())
    {
        // What holds something else, or whose stream does, is for the next command to refuse.
        drop(Target::lapse_unasked(ctx, name.borrow(), trail.unasked()));
    }
    if let Some(held) = Key::open_unasked(ctx, name.borrow()).held_mut() {
        deadline_index::renew(db, key, held, now_ms, now_ms.saturating_add(AGAIN_MS));
    }
}

/// A walk through all keys, in slices, to find states that have no line in the index.
#[derive(Default)]
struct Search {
    cursor: Option<Cursor>,
}

struct Cursor {
    db: i32,
    scan: *mut raw::RedisModuleScanCursor,
}

impl Search {
    /// Goes on until the slice is over; whether there is more to do.
    fn go_on(&mut self, ctx: Ctx, begun: Instant) -> bool {
        if self.cursor.is_none() && deadline_index::begin_search() {
            self.cursor = Some(Cursor::new(0));
        }
        while let Some(cursor) = self.cursor.as_mut().filter(|_| deadline_index::is_search_on()) {
            if begun.elapsed() >= SLICE {
                return true;
            }
            if !cursor.scan(ctx) {
                let next = cursor.db.saturating_add(1);
                self.cursor = ctx.select(next).then(|| Cursor::new(next));
            }
        }
        self.cursor = None;
        deadline_index::end_search();
        false
    }
}

impl Cursor {
    fn new(db: i32) -> Cursor {
        // SAFETY: R1; freed in Drop.
        Cursor { db, scan: unsafe { api!(RedisModule_ScanCursorCreate()) } }
    }

    /// Looks at the next few keys; whether there are more.
    fn scan(&mut self, ctx: Ctx) -> bool {
        let mut db = self.db;
        // SAFETY: R1; the callback has the type that is wanted, `db` outlives the call.
        ctx.select(db)
            && unsafe {
                api!(RedisModule_Scan(ctx.as_ptr(), self.scan, Some(look), (&raw mut db).cast())) != 0
            }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // SAFETY: made in `new`, freed once.
        unsafe { api!(RedisModule_ScanCursorDestroy(self.scan)) };
    }
}

/// Gives a state that has no line one.
extern "C" fn look(
    _: *mut raw::RedisModuleCtx,
    name: *mut raw::RedisModuleString,
    key: *mut raw::RedisModuleKey,
    db: *mut c_void,
) {
    guard(|| {
        let name = RedisStr::new(name);
        // SAFETY: `scan` passed a number that outlives the scan.
        let db = unsafe { *db.cast::<c_int>() };
        if let Some(held) = Key::lent(key, name).held_mut() {
            deadline_index::note(db, name.bytes(), held);
        }
    });
}
