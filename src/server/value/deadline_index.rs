//! An index, by time, of the states with members that lapse, so that the lapse timer reads due
//! states only.
//!
//! The index is a hint. A line may be out of date: the timer asks the state before it acts. But a
//! state with a deadline must never lack a line. Redis reports every way a value comes to a key but
//! two: RENAME and MOVE unlink a value that lives on under a name they do not pass. The timer
//! therefore searches the keyspace, a slice at a time, for values that were unlinked and not freed.
//! Not by subscribing to the events of these commands: on some servers that leaves clients in
//! another database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

static INDEX: Mutex<Index> = Mutex::new(Index::new());

/// Deadlines and their keys, earliest first.
type Due = BTreeSet<(i64, Box<[u8]>)>;

struct Index {
    /// By database.
    due: BTreeMap<i32, Due>,
    /// The lines of a dataset that is being loaded while the server serves another one.
    staged: Option<BTreeMap<i32, Due>>,
    /// Values that were unlinked and may live on.
    unlinked: Vec<Weak<()>>,
    /// Unlinked values that the timer is searching for.
    wanted: Vec<Weak<()>>,
}

impl Index {
    const fn new() -> Index {
        Index { due: BTreeMap::new(), staged: None, unlinked: Vec::new(), wanted: Vec::new() }
    }

    /// Removes a line. Returns the key, which usually goes into the next line.
    fn remove(&mut self, db: i32, at_ms: i64, key: &[u8]) -> Box<[u8]> {
        let line = (at_ms, key.into());
        if let Some(due) = self.due.get_mut(&db) {
            due.remove(&line);
            if due.is_empty() {
                self.due.remove(&db);
            }
        }
        line.1
    }
}

/// The line of a value in the index.
#[derive(Default)]
pub struct Line {
    at_ms: Option<i64>,
    /// Dropped with the value: its weak references tell whether the value was freed.
    life: Option<Arc<()>>,
}

/// Updates the line of a state.
pub fn note(db: i32, key: &[u8], line: &mut Line, at_ms: Option<i64>) {
    if line.at_ms == at_ms {
        return;
    }
    let before = std::mem::replace(&mut line.at_ms, at_ms);
    with(|index| {
        let key = before.map(|before| index.remove(db, before, key)).unwrap_or_else(|| key.into());
        if let Some(at_ms) = at_ms {
            index.due.entry(db).or_default().insert((at_ms, key));
        }
    });
}

/// Inserts the line of a state that was loaded from a file.
pub fn note_loaded(db: i32, key: &[u8], line: &mut Line, at_ms: Option<i64>) {
    line.at_ms = at_ms;
    if let Some(at_ms) = at_ms {
        with(|index| {
            let due = index.staged.as_mut().unwrap_or(&mut index.due);
            due.entry(db).or_default().insert((at_ms, key.into()));
        });
    }
}

/// From now on, lines of loaded values belong to another dataset than the one that the server
/// serves.
pub fn begin_staging() {
    with(|index| index.staged = Some(BTreeMap::new()));
}

/// The loaded dataset replaces the other one, or is discarded.
pub fn end_staging(is_complete: bool) {
    with(|index| {
        if let Some(staged) = index.staged.take().filter(|_| is_complete) {
            index.due = staged;
        }
    });
}

/// A value leaves its key: it is freed, or reappears under another key.
pub fn unlinked(db: i32, key: &[u8], line: &mut Line) {
    let Some(at_ms) = line.at_ms.take() else { return };
    let life = line.life.get_or_insert_with(Arc::default);
    let life = Arc::downgrade(life);
    with(|index| {
        index.remove(db, at_ms, key);
        index.unlinked.push(life);
    });
}

/// Removes the first line that is due, and returns its database and key. The caller calls [`renew`]
/// after that.
pub fn take_due(now_ms: i64) -> Option<(i32, Box<[u8]>)> {
    with(|index| {
        let is_due = |due: &Due| due.first().is_some_and(|(at_ms, _)| *at_ms <= now_ms);
        let (db, due) = index.due.iter_mut().find(|(_, due)| is_due(due))?;
        let (db, (_, key)) = (*db, due.pop_first()?);
        if due.is_empty() {
            index.due.remove(&db);
        }
        Some((db, key))
    })
}

/// Inserts the line of a state again after it was removed. A deadline that is still due could not
/// be committed: the stream is on another node, or the key holds another type. The timer retries at
/// `later_ms`.
pub fn renew(db: i32, key: &[u8], line: &mut Line, first_ms: Option<i64>, now_ms: i64, later_ms: i64) {
    let at_ms = first_ms.map(|first_ms| if first_ms > now_ms { first_ms } else { later_ms });
    line.at_ms = at_ms;
    if let Some(at_ms) = at_ms {
        with(|index| index.due.entry(db).or_default().insert((at_ms, key.into())));
    }
}

/// Starts a search. Returns whether it has a target: a value that was unlinked and not freed.
pub fn begin_search() -> bool {
    with(|index| {
        index.wanted = std::mem::take(&mut index.unlinked);
        is_alive(&mut index.wanted)
    })
}

/// Whether a value of the search is still alive.
pub fn is_search_on() -> bool {
    with(|index| is_alive(&mut index.wanted))
}

/// Ends the search: the timer has read every key.
pub fn end_search() {
    with(|index| index.wanted.clear());
}

fn is_alive(values: &mut Vec<Weak<()>>) -> bool {
    values.retain(|life| life.strong_count() > 0);
    !values.is_empty()
}

/// A database was flushed; all of them if `db` is `None`.
pub fn flushed(db: Option<i32>) {
    with(|index| match db {
        Some(db) => drop(index.due.remove(&db)),
        None => index.due.clear(),
    });
}

/// Two databases were swapped.
pub fn swapped(one: i32, other: i32) {
    with(|index| {
        let (first, second) = (index.due.remove(&one), index.due.remove(&other));
        index.due.extend(first.map(|due| (other, due)));
        index.due.extend(second.map(|due| (one, due)));
    });
}

/// Number of states in the index.
pub fn len() -> usize {
    with(|index| index.due.values().map(BTreeSet::len).sum())
}

/// The lazy-free thread never uses the index, so the lock is never waited for.
fn with<T>(work: impl FnOnce(&mut Index) -> T) -> T {
    work(&mut INDEX.lock().unwrap_or_else(PoisonError::into_inner))
}
