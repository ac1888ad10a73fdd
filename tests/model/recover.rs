//! STATE.RECOVER: a valid state again, by the mildest rung that works; what it says and puts on record of the rungs before.
//!
//! Where no state is, the test has deleted it or never made it, so nothing can be rebuilt from the trail: a new state is
//! made, or none.

use serde_json::Value;

use crate::changes::foreign_audit;
use crate::command::{AUDITS, Common, Etag, KEYS, Recover, SCHEMAS};
use crate::keep::Obeyed;
use crate::line::Line;
use crate::settle::Proposal;
use crate::state::{State, tree};
use crate::want::{Field, Want};
use crate::world::{Step, World};

/// A rung, the parent of the version that it would make, and the document; or why there is none.
type Rung = (&'static str, u64, Result<Value, Want>);

impl World {
    pub fn recover(&mut self, recover: &Recover) -> Step {
        let (key, common) = (recover.key, &recover.common);
        let mut line = Line::new("STATE.RECOVER", &[KEYS[key]]);
        self.mark_binding(&mut line, key);
        line.option_if("SCHEMA", recover.schema);
        line.common(&Common { returns: false, ..common.clone() }, AUDITS[key]);
        let done = match foreign_audit(common) {
            Some(refusal) => Err(refusal),
            None => self.climb(recover),
        };
        let (want, rung) = done.unwrap_or_else(|refusal| (refusal, ""));
        let words = line.words(Some(common));
        self.step(line, words, want, Some(key), rung)
    }

    /// Tries one rung after the other. Returns the reply and the rung that did it.
    fn climb(&mut self, recover: &Recover) -> Result<(Want, &'static str), Want> {
        let (key, remarks) = (recover.key, &recover.common.remarks);
        let state = self.slots[key].state.clone();
        let recorded = || self.recorded_schema(key).filter(|_| state.is_none());
        let may_move = recover.schema.is_some();
        let schema = self.schema_for(key, state.as_ref(), recover.schema.or_else(recorded), may_move)?;
        let obeyed = self.obeyed(state.as_ref(), schema);
        let mut tried: Vec<(&'static str, Want)> = Vec::new();
        for (rung, parent, value) in self.rungs(state.as_ref(), obeyed) {
            let ttl = recover.common.ttl;
            let proposal = value.and_then(|value| {
                let (event, rung, limit, label) = ("recover", Some(rung), None, None);
                let proposal = Proposal { event, rung, parent, value, limit, obeyed, schema, label, ttl };
                self.checked(&proposal, None).map(|_| proposal)
            });
            let proposal = match proposal {
                Ok(proposal) => proposal,
                Err(Want::Unsaid) => return Err(Want::Unsaid),
                Err(reason) => {
                    tried.push((rung, reason));
                    continue;
                }
            };
            self.record_tried(key, &tried, recover);
            let is_as_it_was = state.as_ref().is_some_and(|state| state.schema_name() == schema);
            let etag = if rung == "valid" && is_as_it_was {
                self.found_valid(key, recover, schema)?
            } else {
                self.settle(key, proposal, remarks, false)?.0
            };
            let tried = tried.into_iter().map(|(rung, reason)| {
                Want::Map(vec![("rung", Want::text(rung)), ("reason", Want::Reason(rung, Box::new(reason)))])
            });
            let tried = Want::List(tried.collect());
            let reply = vec![("rung", Want::text(rung)), ("etag", Want::Etag(etag)), ("tried", tried)];
            return Ok((Want::Map(reply), rung));
        }
        let slot = &self.slots[key];
        if slot.state.is_some() || !slot.trail.entries.is_empty() {
            self.record_tried(key, &tried, recover);
        }
        Err(Want::NoRung(tried))
    }

    /// What each rung would make of a state, or of none.
    fn rungs(&self, state: Option<&State>, obeyed: Obeyed) -> Vec<Rung> {
        let Some(state) = state else {
            return vec![("audit", 0, Err(Want::Words)), ("created", 0, Ok(obeyed.begins_with()))];
        };
        let (present, parent) = (tree(&state.head().text), state.head().number);
        let mut defaults = present.clone();
        obeyed.rules.into_iter().for_each(|rules| rules.fill(&mut defaults));
        let mut revision = defaults.clone();
        obeyed.rules.into_iter().for_each(|rules| rules.drop_unknown(&mut revision));
        obeyed.keep_what_is_there(&mut defaults, &present);
        obeyed.keep_what_is_there(&mut revision, &present);
        let reset = obeyed.reset(&present);
        vec![
            ("valid", parent, Ok(present)),
            ("defaults", parent, Ok(defaults)),
            ("revision", parent, Ok(revision)),
            kept_version("snapshot", state, obeyed),
            kept_version("label", state, obeyed),
            ("reset", parent, Ok(reset)),
        ]
    }

    /// No version is made, but somebody is there. It is no commit: refusals before and after it are counted together.
    fn found_valid(
        &mut self,
        key: usize,
        recover: &Recover,
        schema: Option<&'static str>,
    ) -> Result<Etag, Want> {
        let present = self.slots[key].state.as_ref().map(|state| state.expiry);
        let expiry = self.expiry(recover.common.ttl, present, schema);
        let state = self.slots[key].state.as_mut().expect("it is valid");
        state.expiry = expiry;
        let etag = state.etag();
        let fields = vec![("rung", Field::Text("valid".into()))];
        self.record(key, "recover", &recover.common.remarks, fields, None);
        Ok(etag)
    }

    fn record_tried(&mut self, key: usize, tried: &[(&'static str, Want)], recover: &Recover) {
        for (rung, _) in tried {
            let fields =
                vec![("rung", Field::Text((*rung).into())), ("error", Field::Reason(self.tick, rung))];
            self.record_refusal(key, "recover", &recover.common.remarks, fields);
        }
    }

    /// The schema of the state that was deleted last, as its trail has it.
    fn recorded_schema(&self, key: usize) -> Option<&'static str> {
        let is_end =
            |field: &(&str, Field)| matches!(field, ("event", Field::Text(event)) if event == "delete");
        let ended = self.slots[key].trail.entries.iter().rfind(|entry| entry.fields.iter().any(is_end))?;
        let recorded = ended.fields.iter().find_map(|field| match field {
            ("schema", Field::Text(name)) => Some(name),
            _ => None,
        })?;
        SCHEMAS.into_iter().find(|name| name == recorded)
    }
}

/// The newest version before the present one that is valid once what is kept has its present value: a labelled one, or one
/// of the others.
fn kept_version(rung: &'static str, state: &State, obeyed: Obeyed) -> Rung {
    let present = tree(&state.head().text);
    let past = state.versions[..state.versions.len() - 1].iter().rev();
    let of_rung = past.filter(|version| state.label_of(version.number).is_some() == (rung == "label"));
    let mut candidates = of_rung.map(|version| {
        let mut value = tree(&version.text);
        obeyed.keep_present(&mut value, &present, false);
        (version.parent, value)
    });
    let passes = |value: &Value| obeyed.rules.is_none_or(|rules| rules.violations(value).is_empty());
    match candidates.find(|(_, value)| passes(value)) {
        Some((parent, value)) => (rung, parent, Ok(value)),
        None => (rung, 0, Err(Want::Words)),
    }
}
