//! What becomes of the document that a command proposes: checks, then a version, or less when
//! nothing changes.

use std::sync::Arc;

use reference::attempts::Outcome;
use reference::json::tree;
use reference::pointer;
use reference::versions::Versions;
use serde_json::Value;

use crate::annotations::Applicable;
use crate::attempts::{AttemptError, Details};
use crate::audit_stream::Field;
use crate::command::{Etag, Metadata, Ttl};
use crate::predicted::Predicted;
use crate::rules::Rules;
use crate::state::{Commit, SchemaUsed, State};
use crate::world::World;

/// A change before its result is checked.
pub struct Proposal {
    pub event: &'static str,
    /// The rung of a recovery.
    pub rung: Option<&'static str>,
    pub parent: u64,
    pub value: Value,
    /// The error of a patch that exceeds a limit, which may be reported before any other.
    pub limit: Option<Predicted>,
    pub applicable: Applicable,
    pub schema: Option<&'static str>,
    pub label: Option<&'static str>,
    pub ttl: Option<Ttl>,
}

impl World {
    /// The result must be an object, pass the schema, follow a transition and keep the limits.
    pub fn checked(&self, proposal: &Proposal, before: Option<&Value>) -> Result<Arc<str>, Predicted> {
        let text = proposal.value.to_string();
        let rules = proposal.applicable.rules;
        let violations = rules.map(|rules| rules.violations(&proposal.value));
        let valid = match violations.filter(|violations| !violations.is_empty()) {
            _ if !proposal.value.is_object() => {
                let plain = "INVALID 1 violation: (root): must be an object";
                let hint = format!("{plain}, not an array: did you mean PATCH?");
                // The suite tests when the hint is given.
                Err(match proposal.value.is_array() {
                    true => Predicted::OneOf(vec![Predicted::Error(plain.into()), Predicted::Error(hint)]),
                    false => Predicted::Error(plain.into()),
                })
            }
            Some(violations) => Err(Predicted::Invalid(violations)),
            // Only updates follow transitions.
            None => match (rules, proposal.event) {
                (Some(rules), "create" | "update") => rules.transition(before, &proposal.value),
                _ => Ok(()),
            },
        };
        valid.map_err(|rejection| Predicted::either(proposal.limit.clone(), rejection))?;
        self.check_size(&text, 0).map(|()| text.into())
    }

    /// Commits a proposal. Returns the etag and what was done, for the coverage.
    pub fn commit(
        &mut self,
        key: usize,
        proposal: Proposal,
        metadata: &Metadata,
        dry_run: bool,
    ) -> Result<(Etag, &'static str), Predicted> {
        let present = self.slots[key].state.as_ref();
        let text = self.checked(&proposal, present.map(|state| tree(&state.head().text)).as_ref())?;
        let expiry = self.expiry(proposal.ttl, present.map(|state| state.expiry), proposal.schema);
        let Some(mut state) = present.cloned() else {
            self.lives += 1;
            let state = State {
                life: self.lives,
                created: self.tick,
                schema: None,
                versions: Versions::default(),
                attempts: Default::default(),
                expiry,
            };
            return Ok(self.add_version(key, state, None, proposal, text, metadata, dry_run));
        };
        state.expiry = expiry;
        if state.head().text != text || state.schema_name() != proposal.schema {
            let before = state.head().text.clone();
            return Ok(self.add_version(key, state, Some(before), proposal, text, metadata, dry_run));
        }
        let etag = state.etag();
        if dry_run {
            return Ok((etag, "a dry run"));
        }
        let is_noted = metadata.event.is_some() || metadata.note.is_some() || proposal.label.is_some();
        if let Some(label) = proposal.label {
            state.versions.set_label(label, state.head().number);
            state.versions.trim(self.settings.snapshots, self.settings.labels);
        }
        self.count(&mut state, metadata, Outcome::Success);
        self.slots[key].state = Some(state);
        if metadata.operation.is_some() {
            self.record_attempt(key, Outcome::Success, metadata, None);
            return Ok((etag, "counted"));
        }
        if is_noted {
            self.record(key, "note", metadata, Vec::new(), None);
        }
        Ok((etag, if is_noted { "noted" } else { "unchanged" }))
    }

    /// An update that names an operation is an attempt at it.
    pub fn count(&self, state: &mut State, metadata: &Metadata, outcome: Outcome) {
        let Some(operation) = metadata.operation else { return };
        let error = (outcome == Outcome::Failure).then_some(AttemptError::Reply(self.tick));
        let details = Details { component: metadata.component, tick: self.tick, error };
        state.attempts.record(operation, outcome, details);
    }

    #[expect(clippy::too_many_arguments, reason = "a version is made of all this")]
    fn add_version(
        &mut self,
        key: usize,
        mut state: State,
        before: Option<Arc<str>>,
        proposal: Proposal,
        text: Arc<str>,
        metadata: &Metadata,
        dry_run: bool,
    ) -> (Etag, &'static str) {
        let (event, parent, is_created) = (proposal.event, proposal.parent, before.is_none());
        let changes_schema = !is_created && state.schema_name() != proposal.schema;
        let mut secrets = proposal.applicable.rules.into_iter().flat_map(Rules::secrets);
        let has_secret = secrets.any(|secret| pointer::get(&proposal.value, &secret).is_some());
        let Metadata { actor, turn, .. } = *metadata;
        let turn_goes_on = !is_created && turn.is_some() && state.head().commit.turn == turn;
        state.versions.commit(parent, text, Commit { tick: self.tick, event, actor, turn, has_secret });
        state.schema = proposal.schema.map(|name| {
            let (rules, revision) = self.schemas[name];
            SchemaUsed { name, revision, has_secrets: !rules.secrets().is_empty() }
        });
        let etag = state.etag();
        if dry_run {
            return (etag, "a dry run");
        }
        if let Some(label) = proposal.label {
            state.versions.set_label(label, state.head().number);
        }
        state.versions.trim_labels(self.settings.labels);
        if turn_goes_on {
            state.versions.replace_former();
        }
        state.versions.trim(self.settings.snapshots, self.settings.labels);
        if changes_schema {
            state.drop_unmasked_snapshots(proposal.applicable);
        }
        self.count(&mut state, metadata, Outcome::Success);
        let parent = state.head().parent;
        let slot = &mut self.slots[key];
        slot.state = Some(state);
        slot.seen.push(etag.clone());
        slot.audit.rejects = 0;
        let mut fields = vec![("parent", Field::Text(parent.to_string()))];
        fields.extend(proposal.rung.map(|rung| ("rung", Field::Text(rung.into()))));
        let (before, after) = match before {
            Some(before) => {
                let (before, after) = proposal.applicable.masked_pair(&tree(&before), &proposal.value);
                (Some(before.to_string().into()), after)
            }
            None => (None, proposal.applicable.masked(&proposal.value)),
        };
        let after: Arc<str> = after.to_string().into();
        if is_created {
            fields.push(("document", Field::Text(after.to_string())));
        }
        self.record(key, event, metadata, fields, Some((before, after)));
        (etag, event)
    }
}
