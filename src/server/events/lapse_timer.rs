//! The lapse timer: commits due lapses, and searches for states that were renamed or moved.
//!
//! It runs every 50 ms, and at once again while a slice is not enough: a hundred thousand deadlines
//! at one instant must not block other clients. Not a timer for the very next deadline: every
//! update would move it. While writes are paused it does nothing: to replicate then would stop the
//! server.

use std::time::{Duration, Instant};

use redis_state_core::decide;

use crate::error::Error;
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::slot_migration;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::guard::guard;
use crate::server::ffi::key::Key;
use crate::server::ffi::scan::ScanCursor;
use crate::server::ffi::string::{OwnedString, RedisStr};
use crate::server::ffi::timer;
use crate::server::value::deadline_index;

/// How often it runs.
const TICK_MS: i64 = 50;
/// When there is more to do: other clients get their turn in between.
const SOON_MS: i64 = 1;
/// When a lapse that could not be committed is tried again.
const AGAIN_MS: i64 = 1000;
/// How long it works at a time.
const SLICE: Duration = Duration::from_millis(4);

/// Starts the timer; it never stops.
pub fn start(ctx: Ctx) {
    again(ctx, TICK_MS, Box::default());
}

fn again(ctx: Ctx, after_ms: i64, mut search: Box<Search>) {
    timer::start(ctx, after_ms, move |ctx| {
        // A guard of its own: after a panic the timer goes on.
        let is_more = guard(|| ctx.server_may_write() && work(ctx, &mut search)).unwrap_or(false);
        again(ctx, if is_more { SOON_MS } else { TICK_MS }, search);
    });
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

/// Commits the lapses that are due under a key, if any: the line may have been out of date.
fn lapse(ctx: Ctx, db: i32, key: &[u8], now_ms: i64) {
    ctx.select(db);
    let name = OwnedString::of(key);
    // A key that can have no audit stream, while streams are written, waits for that to change. A
    // state whose slot still migrates here lapses where it comes from.
    if let Ok(stream) = AuditStream::of(key, None)
        && slot_migration::answers_for(ctx, name.borrow())
    {
        // Where the key or its stream holds another type, the next command reports it.
        drop(commit_lapses(ctx, name.borrow(), stream.for_server()));
    }
    if let Some(held) = Key::open_for_server(ctx, name.borrow()).held_mut() {
        held.renew_deadlines(db, key, now_ms, now_ms.saturating_add(AGAIN_MS));
    }
}

/// Commits the due lapses of a state, each at its instant.
fn commit_lapses(ctx: Ctx, name: RedisStr, stream: AuditStream) -> Result<(), Error> {
    let mut transaction = Transaction::open_for_server(ctx, name, stream)?;
    let due = |transaction: &Transaction| {
        transaction.decide(|state, context| state.and_then(|state| decide::lapse(state, context)))
    };
    while let Some(lapse) = due(&transaction) {
        transaction.apply(lapse)?;
    }
    Ok(())
}

/// A walk through all keys, in slices, to find states that have no line in the index.
#[derive(Default)]
struct Search {
    cursor: Option<Cursor>,
}

struct Cursor {
    db: i32,
    scan: ScanCursor,
}

impl Search {
    /// Goes on until the slice is over; whether there is more to do.
    fn go_on(&mut self, ctx: Ctx, begun: Instant) -> bool {
        if self.cursor.is_none() && deadline_index::begin_search() {
            self.cursor = Cursor::new(0);
        }
        while let Some(cursor) = self.cursor.as_mut().filter(|_| deadline_index::is_search_on()) {
            if begun.elapsed() >= SLICE {
                return true;
            }
            if !cursor.scan(ctx) {
                let next = cursor.db.saturating_add(1);
                self.cursor = Cursor::new(next).filter(|_| ctx.select(next));
            }
        }
        self.cursor = None;
        deadline_index::end_search();
        false
    }
}

impl Cursor {
    fn new(db: i32) -> Option<Cursor> {
        Some(Cursor { db, scan: ScanCursor::start()? })
    }

    /// Looks at the next few keys, and gives each state a line that has none; whether there are
    /// more.
    fn scan(&mut self, ctx: Ctx) -> bool {
        let db = self.db;
        let look = |key: &mut Key| {
            let name = key.name();
            if let Some(held) = key.held_mut() {
                held.note_deadlines(db, &name);
            }
        };
        ctx.select(db) && self.scan.scan(ctx, look)
    }
}
