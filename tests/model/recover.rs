//! STATE.RECOVER: the rungs in their order, the reply, and the entries of the failed rungs.
//!
//! A key without a state was deleted or never had one, so that no state is rebuilt from its audit
//! stream: a new one is created, or none.

use reference::json::tree;
use serde_json::Value;

use crate::annotations::Applicable;
use crate::audit_stream::Field;
use crate::command::{AUDITS, Common, Etag, KEYS, Recover, SCHEMAS};
use crate::command_line::Line;
use crate::commit::Proposal;
use crate::predicted::Predicted;
use crate::state::State;
use crate::update::foreign_audit;
use crate::world::{Step, World};

/// A rung, the parent of the version that it would make, and the document, or the error.
type Rung = (&'static str, u64, Result<Value, Predicted>);

impl World {
    pub fn recover(&mut self, recover: &Recover) -> Step {
        let (key, common) = (recover.key, &recover.common);
        let mut line = Line::new("STATE.RECOVER", &[KEYS[key]]);
        self.mark_binding(&mut line, key);
        line.option_if("SCHEMA", recover.schema);
        line.common(&Common { returns: false, ..common.clone() }, AUDITS[key]);
        let result = match foreign_audit(common) {
            Some(rejection) => Err(rejection),
            None => self.climb(recover),
        };
        let (predicted, rung) = result.unwrap_or_else(|error| (error, ""));
        self.step(line, Some(common), predicted, Some(key), rung)
    }

    /// Tries one rung after the other. Returns the reply and the rung that succeeded.
    fn climb(&mut self, recover: &Recover) -> Result<(Predicted, &'static str), Predicted> {
        let (key, metadata) = (recover.key, &recover.common.metadata);
        let state = self.slots[key].state.clone();
        let recorded = || self.recorded_schema(key).filter(|_| state.is_none());
        let may_move = recover.schema.is_some();
        let schema = self.schema_for(key, state.as_ref(), recover.schema.or_else(recorded), may_move)?;
        let applicable = self.applicable(state.as_ref(), schema);
        let mut failed: Vec<(&'static str, Predicted)> = Vec::new();
        for (rung, parent, value) in rungs(state.as_ref(), applicable) {
            let ttl = recover.common.ttl;
            let proposal = value.and_then(|value| {
                let (event, rung, limit, label) = ("recover", Some(rung), None, None);
                let proposal = Proposal { event, rung, parent, value, limit, applicable, schema, label, ttl };
                self.checked(&proposal, None).map(|_| proposal)
            });
            let proposal = match proposal {
                Ok(proposal) => proposal,
                Err(Predicted::Unspecified) => return Err(Predicted::Unspecified),
                Err(reason) => {
                    failed.push((rung, reason));
                    continue;
                }
            };
            self.record_failed(key, &failed, recover);
            let is_unchanged = state.as_ref().is_some_and(|state| state.schema_name() == schema);
            let etag = if rung == "valid" && is_unchanged {
                self.already_valid(key, recover, schema)
            } else {
                self.commit(key, proposal, metadata, false)?.0
            };
            let failed = failed.into_iter().map(|(rung, reason)| {
                Predicted::Map(vec![
                    ("rung", Predicted::text(rung)),
                    ("reason", Predicted::Reason(rung, Box::new(reason))),
                ])
            });
            let reply = vec![
                ("rung", Predicted::text(rung)),
                ("etag", Predicted::Etag(etag)),
                ("tried", Predicted::List(failed.collect())),
            ];
            return Ok((Predicted::Map(reply), rung));
        }
        let slot = &self.slots[key];
        if slot.state.is_some() || !slot.audit.entries.is_empty() {
            self.record_failed(key, &failed, recover);
        }
        Err(Predicted::NoRung(failed))
    }

    /// Moves the expiry without a version. It is no commit: rejections before and after it are
    /// counted together.
    fn already_valid(&mut self, key: usize, recover: &Recover, schema: Option<&'static str>) -> Etag {
        let present = self.slots[key].state.as_ref().map(|state| state.expiry);
        let expiry = self.expiry(recover.common.ttl, present, schema);
        let state = self.slots[key].state.as_mut().expect("a valid state");
        state.expiry = expiry;
        let etag = state.etag();
        let fields = vec![("rung", Field::Text("valid".into()))];
        self.record(key, "recover", &recover.common.metadata, fields, None);
        etag
    }

    fn record_failed(&mut self, key: usize, failed: &[(&'static str, Predicted)], recover: &Recover) {
        for (rung, _) in failed {
            let fields =
                vec![("rung", Field::Text((*rung).into())), ("error", Field::Reason(self.tick, rung))];
            self.record_rejection(key, "recover", &recover.common.metadata, fields);
        }
    }

    /// The schema of the state that was deleted last, from its audit stream.
    fn recorded_schema(&self, key: usize) -> Option<&'static str> {
        let is_delete =
            |field: &(&str, Field)| matches!(field, ("event", Field::Text(event)) if event == "delete");
        let deleted =
            self.slots[key].audit.entries.iter().rfind(|entry| entry.fields.iter().any(is_delete))?;
        let recorded = deleted.fields.iter().find_map(|field| match field {
            ("schema", Field::Text(name)) => Some(name),
            _ => None,
        })?;
        SCHEMAS.into_iter().find(|name| name == recorded)
    }
}

/// The documents that the rungs make of a state, or of none.
fn rungs(state: Option<&State>, applicable: Applicable) -> Vec<Rung> {
    let Some(state) = state else {
        return vec![("audit", 0, Err(Predicted::AnyText)), ("created", 0, Ok(applicable.defaults()))];
    };
    let (present, parent) = (tree(&state.head().text), state.head().number);
    let mut defaults = present.clone();
    applicable.rules.into_iter().for_each(|rules| rules.fill(&mut defaults));
    let mut revision = defaults.clone();
    applicable.rules.into_iter().for_each(|rules| rules.drop_unknown(&mut revision));
    applicable.keep_existing(&mut defaults, &present, false);
    applicable.keep_existing(&mut revision, &present, false);
    let reset = applicable.reset(&present, false);
    vec![
        ("valid", parent, Ok(present)),
        ("defaults", parent, Ok(defaults)),
        ("revision", parent, Ok(revision)),
        valid_snapshot("snapshot", state, applicable),
        valid_snapshot("label", state, applicable),
        ("reset", parent, Ok(reset)),
    ]
}

/// The newest snapshot, with a label or without, that is valid with the kept members of the present
/// document.
fn valid_snapshot(rung: &'static str, state: &State, applicable: Applicable) -> Rung {
    let present = tree(&state.head().text);
    let is_labelled = |number| state.versions.label_of(number).is_some();
    let snapshots = state.versions.snapshots().iter().rev();
    let of_rung = snapshots.filter(|version| is_labelled(version.number) == (rung == "label"));
    let mut candidates = of_rung.map(|version| {
        let mut value = tree(&version.text);
        applicable.keep_present(&mut value, &present, false);
        (version.parent, value)
    });
    match candidates.find(|(_, value)| applicable.pass(value)) {
        Some((parent, value)) => (rung, parent, Ok(value)),
        None => (rung, 0, Err(Predicted::AnyText)),
    }
}
