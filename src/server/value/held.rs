//! A state as the keyspace holds it: the value of the native type.
//!
//! The lazy-free thread may free a state, so its fields own only memory, atomics and reference
//! counts.

use std::cell::Cell;
use std::sync::Arc;

use redis_state_core::audit::LastEntry;
use redis_state_core::{Effect, State};

use crate::server::ffi::data_type::DataType;
use crate::server::global::counters;
use crate::server::global::registry;
use crate::server::value::deadline_index::{self, Line};
use crate::server::value::memory;

/// The native type.
pub static STATES: DataType<Held> = DataType::new();

/// A state with what INFO and STATE.SCHEMA LIST count. The fields that a read uses come first, in
/// one cache line.
#[repr(C)]
pub struct Held {
    /// The generation of schemas for which the present document is known to have no secret; 0 for
    /// none.
    open_since: Cell<u64>,
    /// If it is open: when the first of its members lapses, in Unix milliseconds; `i64::MAX` for
    /// never.
    open_until_ms: Cell<i64>,
    state: State,
    bytes: usize,
    /// The name of its schema. Each clone of it counts as a user of the schema.
    schema: Option<Arc<str>>,
    /// Its line in the index of deadlines.
    line: Line,
}

impl Held {
    pub fn new(state: State) -> Held {
        let bytes = memory::state_bytes(&state);
        counters::STATES.change(1);
        counters::BYTES.change(bytes as i64);
        let mut held = Held {
            open_since: Cell::new(0),
            open_until_ms: Cell::new(i64::MAX),
            state,
            bytes,
            schema: None,
            line: Line::default(),
        };
        held.use_schema();
        held
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether every caller may read the whole present document: it has no secret and no lapsed
    /// member. Every read asks, so the answer is cached until the schemas or the state change.
    pub fn is_open(&self, now_ms: impl FnOnce(i64) -> i64) -> bool {
        let generation = registry::generation();
        if self.open_since.get() != generation {
            let head = self.state.head();
            if !matches!(registry::read().masking_present(self.state.schema(), head), Ok(None)) {
                return false;
            }
            self.open_since.set(generation);
            self.open_until_ms.set(head.deadlines.first_ms().unwrap_or(i64::MAX));
        }
        let until_ms = self.open_until_ms.get();
        // Most states have no deadline, and need no clock.
        until_ms == i64::MAX || now_ms(until_ms) < until_ms
    }

    /// The result of MEMORY USAGE.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Applies an effect to the state.
    pub fn apply(&mut self, effect: Effect) {
        self.state.apply(effect);
        self.use_schema();
        self.recount();
    }

    /// Updates the index of deadlines. Called whenever the deadlines may have changed, or the value
    /// was put into a key.
    pub fn note_deadlines(&mut self, db: i32, key: &[u8]) {
        deadline_index::note(db, key, &mut self.line, self.state.head().deadlines.first_ms());
    }

    /// The same for a value loaded from a file.
    pub fn note_loaded_deadlines(&mut self, db: i32, key: &[u8]) {
        deadline_index::note_loaded(db, key, &mut self.line, self.state.head().deadlines.first_ms());
    }

    /// Inserts the index line again after the timer removed it: see [`deadline_index::renew`].
    pub fn renew_deadlines(&mut self, db: i32, key: &[u8], now_ms: i64, later_ms: i64) {
        let first_ms = self.state.head().deadlines.first_ms();
        deadline_index::renew(db, key, &mut self.line, first_ms, now_ms, later_ms);
    }

    /// The value leaves its key.
    pub fn leave_index(&mut self, db: i32, key: &[u8]) {
        deadline_index::unlinked(db, key, &mut self.line);
    }

    pub fn set_last_entry(&mut self, last: LastEntry) {
        self.state.set_last_entry(Some(last));
    }

    /// Counts this state as a user of its present schema.
    fn use_schema(&mut self) {
        let name = self.state.schema().map(|schema| &*schema.name);
        if name != self.schema.as_deref() {
            self.schema = name.map(registry::user_of);
        }
    }

    fn recount(&mut self) {
        self.open_since.set(0);
        let bytes = memory::state_bytes(&self.state);
        counters::BYTES.change(bytes as i64 - self.bytes as i64);
        self.bytes = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        counters::STATES.change(-1);
        counters::BYTES.change(-(self.bytes as i64));
    }
}
