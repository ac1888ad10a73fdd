//! Counters, and the lines of `INFO state`.

use std::ffi::{CStr, c_int, c_longlong};
use std::sync::atomic::{AtomicI64, Ordering};

use redis_module::raw;
use redis_state_core::decide::{Course, Rung};

use crate::server::commands::entry::guard;
use crate::server::ffi::api;
use crate::server::ffi::ctx::Ctx;
use crate::server::global::registry;
use crate::server::value::deadline_index;

/// A number that INFO shows.
pub struct Counter(AtomicI64);

impl Counter {
    const fn new() -> Counter {
        Counter(AtomicI64::new(0))
    }

    pub fn add(&self) {
        self.change(1);
    }

    /// Values may be freed on another thread; nothing is ordered by these numbers.
    pub fn change(&self, by: i64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Recoveries, by the rung that did it; in the order of [`Rung::ALL`].
static RECOVERIES: [(&CStr, Counter); 8] = [
    (c"recoveries_valid", Counter::new()),
    (c"recoveries_defaults", Counter::new()),
    (c"recoveries_revision", Counter::new()),
    (c"recoveries_snapshot", Counter::new()),
    (c"recoveries_label", Counter::new()),
    (c"recoveries_reset", Counter::new()),
    (c"recoveries_audit", Counter::new()),
    (c"recoveries_created", Counter::new()),
];
/// Recoveries that no rung was left for.
pub static RECOVERIES_FAILED: Counter = Counter::new();
pub static CREATED: Counter = Counter::new();
pub static UPDATES: Counter = Counter::new();
pub static ROLLBACKS: Counter = Counter::new();
pub static RESETS: Counter = Counter::new();
/// Members that reached their deadline, those of one instant as one.
pub static LAPSES: Counter = Counter::new();
/// Attempts counted: by STATE.ATTEMPT, and by updates that name an operation.
pub static ATTEMPTS: Counter = Counter::new();
/// States whose key has expired, and those that were evicted.
pub static EXPIRED: Counter = Counter::new();
pub static EVICTED: Counter = Counter::new();
pub static DELETES: Counter = Counter::new();
pub static CONFLICTS: Counter = Counter::new();
/// Changes that were made for an earlier version than the one they were applied to.
static REBASES: Counter = Counter::new();
/// Commands that came again with a known ID, and got the first reply.
static REPLAYS: Counter = Counter::new();
pub static PANICS: Counter = Counter::new();
pub static AUDIT_ENTRIES: Counter = Counter::new();
/// Entries of `state.feed`.
pub static FEED_ENTRIES: Counter = Counter::new();
/// States in memory, all databases together.
pub static STATES: Counter = Counter::new();
/// What they take, as MEMORY USAGE counts it.
pub static BYTES: Counter = Counter::new();

/// Refusals by the rules, by prefix.
static REJECTIONS: [(&str, &CStr, Counter); 9] = [
    ("INVALID", c"rejections_invalid", Counter::new()),
    ("TRANSITION", c"rejections_transition", Counter::new()),
    ("PROTECTED", c"rejections_protected", Counter::new()),
    ("IMMUTABLE", c"rejections_immutable", Counter::new()),
    ("IDMISMATCH", c"rejections_idmismatch", Counter::new()),
    ("BADPATCH", c"rejections_badpatch", Counter::new()),
    ("TOOBIG", c"rejections_toobig", Counter::new()),
    ("TOODEEP", c"rejections_toodeep", Counter::new()),
    ("TOOCOSTLY", c"rejections_toocostly", Counter::new()),
];

/// Counts a refusal under its prefix.
pub fn count_rejection(prefix: &str) {
    if let Some((_, _, counter)) = REJECTIONS.iter().find(|(known, _, _)| *known == prefix) {
        counter.add();
    }
}

/// Counts what came about otherwise than from the state that was expected.
pub fn count_course(course: Course) {
    match course {
        Course::Plain => {}
        Course::Replayed(_) => REPLAYS.add(),
        Course::Rebased => REBASES.add(),
    }
}

/// Counts a recovery under the rung that did it.
pub fn count_recovery(rung: Rung) {
    let known = Rung::ALL.iter().zip(&RECOVERIES).find(|(known, _)| **known == rung);
    if let Some((_, (_, counter))) = known {
        counter.add();
    }
}

/// Registers the section `state`. The crate's own handler is not used: it builds a backtrace in a crash report.
pub fn register(ctx: Ctx) {
    // SAFETY: R1; the callback has the type that Redis expects.
    unsafe { api!(RedisModule_RegisterInfoFunc(ctx.as_ptr(), Some(show))) };
}

extern "C" fn show(ctx: *mut raw::RedisModuleInfoCtx, for_crash_report: c_int) {
    // A crash may have happened anywhere, also inside the registry: then nothing of ours is asked.
    if for_crash_report != 0 {
        return;
    }
    guard(|| {
        // SAFETY: R1; an empty name makes the section that is called like the module.
        unsafe { api!(RedisModule_InfoAddSection(ctx, c"".as_ptr())) };
        let field = |name: &CStr, value: i64| {
            // SAFETY: R1, R3.
            unsafe { api!(RedisModule_InfoAddFieldLongLong(ctx, name.as_ptr(), value as c_longlong)) };
        };
        field(c"created", CREATED.get());
        field(c"updates", UPDATES.get());
        field(c"rollbacks", ROLLBACKS.get());
        field(c"resets", RESETS.get());
        field(c"lapses", LAPSES.get());
        for (name, counter) in &RECOVERIES {
            field(name, counter.get());
        }
        field(c"recoveries_failed", RECOVERIES_FAILED.get());
        field(c"attempts", ATTEMPTS.get());
        field(c"deletes", DELETES.get());
        field(c"expired", EXPIRED.get());
        field(c"evicted", EVICTED.get());
        field(c"conflicts", CONFLICTS.get());
        field(c"rebases", REBASES.get());
        field(c"replays", REPLAYS.get());
        for (_, name, counter) in &REJECTIONS {
            field(name, counter.get());
        }
        field(c"panics", PANICS.get());
        field(c"audit_entries", AUDIT_ENTRIES.get());
        field(c"feed_entries", FEED_ENTRIES.get());
        field(c"schemas", registry::read().len() as i64);
        field(c"bindings", registry::read().bindings().len() as i64);
        field(c"states", STATES.get());
        field(c"states_with_deadlines", deadline_index::len() as i64);
        field(c"bytes", BYTES.get());
    });
}
