//! The audit stream of a key: which entries are recorded, and what can be seen of the key after a
//! command.

use std::sync::Arc;

use reference::attempts::Outcome;

use crate::command::{AUDITS, Common, Etag, KEYS, Metadata, Tick};
use crate::predicted::{Expiry, Predicted};
use crate::world::World;

/// The errors that are rejections, which are recorded.
const REJECTIONS: [&str; 7] =
    ["INVALID", "TRANSITION", "PROTECTED", "IMMUTABLE", "BADPATCH", "TOOBIG", "TOODEEP"];

/// An entry. It has exactly these fields, in any order.
#[derive(Clone, Debug)]
pub struct Entry {
    pub fields: Vec<(&'static str, Field)>,
    /// For `patch`: the document before the commit, if there was one, and after it.
    pub change: Option<(Option<Arc<str>>, Arc<str>)>,
}

#[derive(Clone, Debug)]
pub enum Field {
    Text(String),
    Etag(Etag),
    Time(Tick),
    /// The error reply of that command.
    ErrorOf(Tick),
    Begins(&'static str),
    /// The reason in the reply of that command why this rung failed.
    Reason(Tick, &'static str),
}

#[derive(Clone, Debug, Default)]
pub struct AuditStream {
    pub entries: Vec<Entry>,
    /// The time of the last entry.
    pub tick: Tick,
    /// The rejections since the last commit, with the one for all further ones.
    pub rejects: usize,
}

impl AuditStream {
    fn push(&mut self, tick: Tick, entry: Entry) {
        self.tick = tick;
        self.entries.push(entry);
    }

    /// The stream expires by itself, so long after its last entry.
    fn expiry(&self, ttl_ms: i64) -> Option<Expiry> {
        (!self.entries.is_empty()).then_some(Expiry::After { tick: self.tick, ms: ttl_ms })
    }
}

impl World {
    /// Adds an entry about the present state.
    pub fn record(
        &mut self,
        key: usize,
        event: &'static str,
        metadata: &Metadata,
        mut fields: Vec<(&'static str, Field)>,
        change: Option<(Option<Arc<str>>, Arc<str>)>,
    ) {
        fields.push(("event", Field::Text(event.into())));
        fields.push(("at", Field::Time(self.tick)));
        fields.push(("user", Field::Text("default".into())));
        let given = [
            ("name", metadata.event),
            ("actor", metadata.actor),
            ("note", metadata.note),
            ("operation", metadata.operation),
            ("component", metadata.component),
            ("turn", metadata.turn),
        ];
        for (name, text) in given {
            fields.extend(text.map(|text| (name, Field::Text(text.into()))));
        }
        let slot = &mut self.slots[key];
        let version = slot.state.as_ref().map_or(0, |state| state.head().number);
        fields.push(("version", Field::Text(version.to_string())));
        if let Some(state) = &slot.state {
            fields.push(("etag", Field::Etag(state.etag())));
            fields.extend(state.schema_name().map(|name| ("schema", Field::Text(name.into()))));
        }
        slot.audit.push(self.tick, Entry { fields, change });
    }

    /// A rejection counts as a failure of the named operation and is recorded, but for a key that
    /// has neither a state nor an audit stream.
    pub fn reject(&mut self, key: usize, error: Predicted, common: &Common) -> Predicted {
        let metadata = &common.metadata;
        let is_rejection = error.prefix().is_some_and(|prefix| REJECTIONS.contains(&prefix));
        let counts = is_rejection && metadata.operation.is_some();
        if let Some(mut state) = self.slots[key].state.clone().filter(|_| counts) {
            self.count(&mut state, metadata, Outcome::Failure);
            state.expiry = self.expiry(common.ttl, Some(state.expiry), state.schema_name());
            self.slots[key].state = Some(state);
        }
        let is_recorded = is_rejection || (error.prefix() == Some("CONFLICT") && self.settings.conflicts);
        let slot = &self.slots[key];
        if is_recorded && (slot.state.is_some() || !slot.audit.entries.is_empty()) {
            let fields = vec![("error", Field::ErrorOf(self.tick))];
            self.record_rejection(key, "reject", metadata, fields);
        }
        error
    }

    /// Records at most `state.audit-rejects` rejections and failed rungs between two commits, then
    /// one entry for the rest.
    pub fn record_rejection(
        &mut self,
        key: usize,
        event: &'static str,
        metadata: &Metadata,
        fields: Vec<(&'static str, Field)>,
    ) {
        let (audit, rejects_max) = (&mut self.slots[key].audit, self.settings.rejects_max);
        if audit.rejects > rejects_max {
            return;
        }
        audit.rejects += 1;
        if audit.rejects <= rejects_max {
            self.record(key, event, metadata, fields, None);
        } else {
            let error = Field::Begins("suppressed: ");
            self.record(key, "reject", &Metadata::default(), vec![("error", error)], None);
        }
    }

    /// Commands that show a key after each command of a run, with their predicted replies.
    pub fn probes(&self, key: usize) -> Vec<(Vec<&'static str>, Predicted)> {
        let (name, slot) = (KEYS[key], &self.slots[key]);
        let state = slot.state.as_ref();
        let audit_expiry = slot.audit.expiry(self.settings.audit_ttl_s * 1000);
        vec![
            (vec!["STATE.GET", name], self.of_state(key, |state| Predicted::state(state.etag(), true))),
            (
                vec!["STATE.HISTORY", name],
                self.of_state(key, |state| state.history(None, |version| self.bytes(state, version))),
            ),
            (vec!["STATE.ATTEMPTS", name], self.of_state(key, |state| state.attempts(None))),
            (vec!["PEXPIRETIME", name], Predicted::ExpireTime(state.map(|state| state.expiry))),
            (vec!["XLEN", AUDITS[key]], Predicted::Int(slot.audit.entries.len() as u64)),
            (vec!["PEXPIRETIME", AUDITS[key]], Predicted::ExpireTime(audit_expiry)),
        ]
    }

    /// The recorded events, for the coverage.
    pub fn events(&self) -> Vec<String> {
        let entries = self.slots.iter().flat_map(|slot| &slot.audit.entries);
        let event = |entry: &Entry| {
            entry.fields.iter().find_map(|(name, field)| match field {
                Field::Begins(_) => Some("audit: suppressed".to_owned()),
                Field::Text(event) if *name == "event" && event != "reject" => {
                    Some(format!("audit: {event}"))
                }
                Field::ErrorOf(_) => Some("audit: reject".to_owned()),
                _ => None,
            })
        };
        entries.filter_map(event).collect()
    }
}
