//! The model's side of the audit stream: what goes on record, what does not, and what can be seen of a key afterwards.

use std::sync::Arc;

use crate::command::{AUDITS, Common, KEYS, Remarks, Tally};
use crate::want::{Entry, Field, Want};
use crate::world::World;

/// What is refused by the rules, and on record.
const REJECTIONS: [&str; 7] =
    ["INVALID", "TRANSITION", "PROTECTED", "IMMUTABLE", "BADPATCH", "TOOBIG", "TOODEEP"];

impl World {
    /// Writes an entry about the state as it is.
    pub fn record(
        &mut self,
        key: usize,
        event: &'static str,
        remarks: &Remarks,
        mut fields: Vec<(&'static str, Field)>,
        change: Option<(Option<Arc<str>>, Arc<str>)>,
    ) {
        fields.push(("event", Field::Text(event.into())));
        fields.push(("at", Field::Time(self.tick)));
        fields.push(("user", Field::Text("default".into())));
        let said = [
            ("name", remarks.event),
            ("actor", remarks.actor),
            ("note", remarks.note),
            ("operation", remarks.operation),
            ("component", remarks.component),
        ];
        for (name, text) in said {
            fields.extend(text.map(|text| (name, Field::Text(text.into()))));
        }
        let slot = &mut self.slots[key];
        let version = slot.state.as_ref().map_or(0, |state| state.head().number);
        fields.push(("version", Field::Text(version.to_string())));
        if let Some(state) = &slot.state {
            fields.push(("etag", Field::Etag(state.etag())));
            fields.extend(state.schema_name().map(|name| ("schema", Field::Text(name.into()))));
        }
        slot.trail.push(self.tick, Entry { fields, change });
    }

    /// A refusal by the rules counts as a failure of the operation that was named, and goes on record, up to a limit; where
    /// neither a state nor a trail is, none does.
    pub fn refuse(&mut self, key: usize, want: Want, common: &Common) -> Want {
        let remarks = &common.remarks;
        let by_the_rules = want.prefix().is_some_and(|prefix| REJECTIONS.contains(&prefix));
        if let Some(mut state) =
            self.slots[key].state.clone().filter(|_| by_the_rules && remarks.operation.is_some())
        {
            self.count(&mut state, remarks, Tally::Failure);
            // Somebody is there.
            state.expiry = self.expiry(common.ttl, Some(state.expiry), state.schema_name());
            self.slots[key].state = Some(state);
        }
        let recorded = by_the_rules || (want.prefix() == Some("CONFLICT") && self.settings.conflicts);
        let slot = &self.slots[key];
        if recorded && (slot.state.is_some() || !slot.trail.entries.is_empty()) {
            let fields = vec![("error", Field::ErrorOf(self.tick))];
            self.record_refusal(key, "reject", remarks, fields);
        }
        want
    }

    /// At most so many refusals and failed rungs between two commits, then one entry for the rest.
    pub fn record_refusal(
        &mut self,
        key: usize,
        event: &'static str,
        remarks: &Remarks,
        fields: Vec<(&'static str, Field)>,
    ) {
        let (trail, rejects_max) = (&mut self.slots[key].trail, self.settings.rejects_max);
        if trail.rejects > rejects_max {
            return;
        }
        trail.rejects += 1;
        if trail.rejects <= rejects_max {
            self.record(key, event, remarks, fields, None);
        } else {
            let error = Field::Begins("suppressed: ");
            self.record(key, "reject", &Remarks::default(), vec![("error", error)], None);
        }
    }

    /// What is there, to be looked at after a command: the words to send and what they must answer.
    pub fn probes(&self, key: usize) -> Vec<(Vec<&'static str>, Want)> {
        let (name, slot) = (KEYS[key], &self.slots[key]);
        let state = slot.state.as_ref();
        let trail_expiry = slot.trail.expiry(self.settings.audit_ttl_s * 1000);
        vec![
            (vec!["STATE.GET", name], state.map_or(Want::Nil, |state| Want::state(state.etag(), true))),
            (
                vec!["STATE.HISTORY", name],
                state.map_or(Want::Nil, |state| state.history(None, |version| self.bytes(state, version))),
            ),
            (vec!["STATE.ATTEMPTS", name], state.map_or(Want::Nil, |state| state.attempts_of_all(None))),
            (vec!["PEXPIRETIME", name], Want::ExpireTime(state.map(|state| state.expiry))),
            (vec!["XLEN", AUDITS[key]], Want::Int(slot.trail.entries.len() as u64)),
            (vec!["PEXPIRETIME", AUDITS[key]], Want::ExpireTime(trail_expiry)),
        ]
    }

    /// The events that are on record, to be counted.
    pub fn events(&self) -> Vec<String> {
        let entries = self.slots.iter().flat_map(|slot| &slot.trail.entries);
        let event = |entry: &Entry| {
            entry.fields.iter().find_map(|(name, field)| match field {
                Field::Begins(_) => Some("trail: suppressed".to_owned()),
                Field::Text(event) if *name == "event" && event != "reject" => {
                    Some(format!("trail: {event}"))
                }
                Field::ErrorOf(_) => Some("trail: reject".to_owned()),
                _ => None,
            })
        };
        entries.filter_map(event).collect()
    }
}
