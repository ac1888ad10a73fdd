//! What becomes of a document that a command proposes: checks, then a version, or less when nothing changes.

use std::sync::Arc;

use serde_json::Value;

use crate::attempts::{Tried, Wrong};
use crate::command::{Etag, Remarks, Tally, Ttl};
use crate::json;
use crate::keep::Obeyed;
use crate::rules::Rules;
use crate::state::{SchemaUsed, State, Version, tree};
use crate::want::{Field, Want};
use crate::world::World;

/// What a change comes to before the result is checked.
pub struct Proposal {
    pub event: &'static str,
    /// Which rung of a recovery it is.
    pub rung: Option<&'static str>,
    pub parent: u64,
    pub value: Value,
    /// What a patch may be refused for, whatever else is wrong: it makes too much of a document.
    pub limit: Option<Want>,
    pub obeyed: Obeyed,
    pub schema: Option<&'static str>,
    pub label: Option<&'static str>,
    pub ttl: Option<Ttl>,
}

impl World {
    /// The result must be an object, pass the schema, be a step that may follow, and be neither too big nor too deep.
    pub fn checked(&self, proposal: &Proposal, before: Option<&Value>) -> Result<Arc<str>, Want> {
        let text = proposal.value.to_string();
        let rules = proposal.obeyed.rules;
        let violations = rules.map(|rules| rules.violations(&proposal.value));
        let valid = match violations.filter(|violations| !violations.is_empty()) {
            _ if !proposal.value.is_object() => {
                let plain = "INVALID 1 violation: (root): must be an object";
                let hint = format!("{plain}, not an array: did you mean PATCH?");
                // The suite shows that the hint comes for what was no patch.
                Err(match proposal.value.is_array() {
                    true => Want::OneOf(vec![Want::Error(plain.into()), Want::Error(hint)]),
                    false => Want::Error(plain.into()),
                })
            }
            Some(violations) => Err(Want::Invalid(violations)),
            // Steps bind updates only.
            None => match (rules, proposal.event) {
                (Some(rules), "create" | "update") => rules.step(before, &proposal.value),
                _ => Ok(()),
            },
        };
        valid.map_err(|refusal| Want::either(proposal.limit.clone(), refusal))?;
        self.settings.size.check(&text, 0).map(|()| text.into())
    }

    /// Makes a version of the result, or less when nothing changes. Returns the etag and what was done.
    pub fn settle(
        &mut self,
        key: usize,
        proposal: Proposal,
        remarks: &Remarks,
        dry_run: bool,
    ) -> Result<(Etag, &'static str), Want> {
        let present = self.slots[key].state.as_ref();
        let text = self.checked(&proposal, present.map(|state| tree(&state.head().text)).as_ref())?;
        let expiry = self.expiry(proposal.ttl, present.map(|state| state.expiry), proposal.schema);
        let Some(mut state) = present.cloned() else {
            self.lives += 1;
            let (life, born) = (self.lives, self.tick);
            let state =
                State { life, born, schema: None, versions: vec![], labels: vec![], expiry, tried: vec![] };
            return Ok(self.commit(key, state, None, proposal, text, remarks, dry_run));
        };
        state.expiry = expiry;
        if state.head().text != text || state.schema_name() != proposal.schema {
            let before = state.head().text.clone();
            return Ok(self.commit(key, state, Some(before), proposal, text, remarks, dry_run));
        }
        let etag = state.etag();
        if dry_run {
            return Ok((etag, "a dry run"));
        }
        let noted = remarks.event.is_some() || remarks.note.is_some() || proposal.label.is_some();
        if let Some(label) = proposal.label {
            state.set_label(label);
            state.forget(self.settings.snapshots, self.settings.labels);
        }
        self.count(&mut state, remarks, Tally::Success);
        self.slots[key].state = Some(state);
        if remarks.operation.is_some() {
            self.record_attempt(key, Tally::Success, remarks, None);
            return Ok((etag, "counted"));
        }
        if noted {
            self.record(key, "note", remarks, Vec::new(), None);
        }
        Ok((etag, if noted { "noted" } else { "unchanged" }))
    }

    /// An update that names an operation is an attempt at it.
    pub fn count(&self, state: &mut State, remarks: &Remarks, tally: Tally) {
        let error = (tally == Tally::Failure).then_some(Wrong::Answered(self.tick));
        let Some(operation) = remarks.operation else { return };
        let (component, tick) = (remarks.component, self.tick);
        state.tried.push(Tried { operation, component, tick, tally, error });
    }

    #[expect(clippy::too_many_arguments, reason = "a version is made of all this")]
    fn commit(
        &mut self,
        key: usize,
        mut state: State,
        before: Option<Arc<str>>,
        proposal: Proposal,
        text: Arc<str>,
        remarks: &Remarks,
        dry_run: bool,
    ) -> (Etag, &'static str) {
        let (event, parent, created) = (proposal.event, proposal.parent, before.is_none());
        let number = state.versions.last().map_or(1, |head| head.number + 1);
        let (tick, actor) = (self.tick, remarks.actor);
        let changes_schema = !created && state.schema_name() != proposal.schema;
        let secrets = proposal.obeyed.rules.into_iter().flat_map(Rules::secrets);
        let has_secret = secrets.into_iter().any(|place| json::get(&proposal.value, &place).is_some());
        state.versions.push(Version { number, parent, tick, event, actor, has_secret, text: text.clone() });
        state.schema = proposal.schema.map(|name| {
            let (rules, revision) = self.schemas[name];
            SchemaUsed { name, revision, has_secrets: rules.marks().iter().any(|mark| mark.secret) }
        });
        let etag = state.etag();
        if dry_run {
            return (etag, "a dry run");
        }
        if let Some(label) = proposal.label {
            state.set_label(label);
        }
        state.forget(self.settings.snapshots, self.settings.labels);
        if changes_schema {
            state.forget_unhidden(proposal.obeyed);
        }
        self.count(&mut state, remarks, Tally::Success);
        let slot = &mut self.slots[key];
        slot.state = Some(state);
        slot.seen.push(etag.clone());
        slot.trail.rejects = 0;
        let mut fields = vec![("parent", Field::Text(parent.to_string()))];
        fields.extend(proposal.rung.map(|rung| ("rung", Field::Text(rung.into()))));
        let (before, after) = match before {
            Some(before) => {
                let (before, after) = proposal.obeyed.hidden_pair(&tree(&before), &proposal.value);
                (Some(before.to_string().into()), after)
            }
            None => (None, proposal.obeyed.hidden(&proposal.value)),
        };
        let after: Arc<str> = after.to_string().into();
        if created {
            fields.push(("document", Field::Text(after.to_string())));
        }
        self.record(key, event, remarks, fields, Some((before, after)));
        (etag, event)
    }
}
