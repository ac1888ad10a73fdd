//! The lines of `INFO state`.

use std::ffi::CStr;

use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::guard::panics;
use crate::server::ffi::info_section::{self, Section};
use crate::server::global::counters;
use crate::server::global::registry;
use crate::server::value::deadline_index;

struct State;

/// Registers the section `state`.
pub fn register(ctx: Ctx) {
    info_section::register::<State>(ctx);
}

impl Section for State {
    fn write(field: &dyn Fn(&CStr, i64)) {
        field(c"created", counters::CREATED.get());
        field(c"updates", counters::UPDATES.get());
        field(c"rollbacks", counters::ROLLBACKS.get());
        field(c"resets", counters::RESETS.get());
        field(c"lapses", counters::LAPSES.get());
        for (name, counter) in &counters::RECOVERIES {
            field(name, counter.get());
        }
        field(c"recoveries_failed", counters::RECOVERIES_FAILED.get());
        field(c"attempts", counters::ATTEMPTS.get());
        field(c"deletes", counters::DELETES.get());
        field(c"expired", counters::EXPIRED.get());
        field(c"evicted", counters::EVICTED.get());
        field(c"conflicts", counters::CONFLICTS.get());
        field(c"rebases", counters::REBASES.get());
        field(c"replays", counters::REPLAYS.get());
        for (_, name, counter) in &counters::REJECTIONS {
            field(name, counter.get());
        }
        field(c"panics", panics());
        field(c"audit_entries", counters::AUDIT_ENTRIES.get());
        field(c"feed_entries", counters::FEED_ENTRIES.get());
        field(c"schemas", registry::read().len() as i64);
        field(c"bindings", registry::read().bindings().len() as i64);
        field(c"states", counters::STATES.get());
        field(c"states_with_deadlines", deadline_index::len() as i64);
        field(c"bytes", counters::BYTES.get());
    }
}
