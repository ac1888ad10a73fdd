//! Counters that INFO shows.

use std::ffi::CStr;
use std::sync::atomic::{AtomicI64, Ordering};

use redis_state_core::decide::{Course, Rung};
use redis_state_core::{Effect, Error, Event};

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

    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Recoveries, by the rung that did it; in the order of [`Rung::ALL`].
pub static RECOVERIES: [(&CStr, Counter); 8] = [
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
pub static REBASES: Counter = Counter::new();
/// Commands that came again with a known ID, and got the first reply.
pub static REPLAYS: Counter = Counter::new();
pub static AUDIT_ENTRIES: Counter = Counter::new();
/// Entries of `state.feed`.
pub static FEED_ENTRIES: Counter = Counter::new();
/// States in memory, all databases together.
pub static STATES: Counter = Counter::new();
/// What they take, as MEMORY USAGE counts it.
pub static BYTES: Counter = Counter::new();

/// Rejections by the rules, by prefix.
pub static REJECTIONS: [(&str, &CStr, Counter); 9] = [
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

/// Counts how a command was decided, and why it was rejected.
pub fn count(course: Course, error: Option<&Error>) {
    match course {
        Course::Plain => {}
        Course::Replayed => REPLAYS.add(),
        Course::Rebased => REBASES.add(),
        Course::Recovered(rung) => count_recovery(rung),
        Course::NotRecovered => {
            RECOVERIES_FAILED.add();
            count_error(error);
        }
        Course::Rejected => count_error(error),
    }
}

fn count_error(error: Option<&Error>) {
    match error {
        Some(Error::Conflict { .. }) => CONFLICTS.add(),
        Some(error) => {
            let known = REJECTIONS.iter().find(|(prefix, _, _)| *prefix == error.prefix());
            known.iter().for_each(|(_, _, counter)| counter.add());
        }
        None => {}
    }
}

/// Counts a new version. A recovery is counted by its rung.
pub fn count_event(event: Event) {
    match event {
        Event::Create => CREATED.add(),
        Event::Update => UPDATES.add(),
        Event::Rollback => ROLLBACKS.add(),
        Event::Reset => RESETS.add(),
        Event::Lapse => LAPSES.add(),
        Event::Recover => {}
    }
}

/// Counts the attempts among effects.
pub fn count_attempts(effects: &[Effect]) {
    for effect in effects {
        match effect {
            Effect::Attempt(_) => ATTEMPTS.add(),
            Effect::Put(state) if !state.attempts().counters().is_empty() => ATTEMPTS.add(),
            _ => {}
        }
    }
}

/// Counts a recovery under the rung that did it.
fn count_recovery(rung: Rung) {
    let known = Rung::ALL.iter().zip(&RECOVERIES).find(|(known, _)| **known == rung);
    if let Some((_, (_, counter))) = known {
        counter.add();
    }
}
