//! The whole model: settings, schemas, two keys with their trails, and what each command makes of them.
//!
//! The order of checks is the contract's, written down once for UPDATE and once for ROLLBACK: they share only the end,
//! where the result is checked and a version is made or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::attempts::{Tried, Wrong};
use crate::command::{Arg, Command, Etag, KEYS, Remarks, SCHEMAS, Tally, Tick, Ttl};
use crate::keep::Obeyed;
use crate::line::Line;
use crate::patch::Size;
use crate::rules::Rules;
use crate::state::{SchemaUsed, State, Version, tree};
use crate::want::{Expiry, Field, Trail, Want};

/// The settings of a run, as CONFIG SET gets them.
#[derive(Clone, Debug)]
pub struct Settings {
    pub snapshots: usize,
    pub labels: usize,
    pub default_ttl_s: i64,
    pub audit_ttl_s: i64,
    pub size: Size,
    pub patch_bytes_max: usize,
    pub rejects_max: usize,
    pub conflicts: bool,
    pub attempts_history: usize,
    /// What each schema's name stands for when the run begins.
    pub schemas: [Option<Rules>; SCHEMAS.len()],
    /// The protocol that the client speaks: 2 or 3.
    pub protocol: u8,
}

/// A key: its state, if there is one, its trail, and every etag it ever had.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    pub state: Option<State>,
    pub trail: Trail,
    pub seen: Vec<Etag>,
}

/// What the last command was, word for word, and what must come of it.
#[derive(Clone, Debug)]
pub struct Step {
    pub args: Vec<Arg>,
    pub want: Want,
    /// The key to look at afterwards.
    pub key: Option<usize>,
    /// What occurred, to be counted.
    pub marks: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct World {
    pub settings: Settings,
    pub schemas: BTreeMap<&'static str, (Rules, u64)>,
    pub slots: [Slot; KEYS.len()],
    pub tick: Tick,
    /// How many states have been begun, dry runs included: each would have its own seed.
    lives: u32,
    pub step: Option<Step>,
}

/// What a change comes to before the result is checked.
pub struct Proposal {
    pub event: &'static str,
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
    pub fn new(settings: Settings) -> World {
        let named = SCHEMAS.into_iter().zip(settings.schemas);
        let schemas = named.filter_map(|(name, rules)| Some((name, (rules?, 1)))).collect();
        let slots = Default::default();
        World { settings, schemas, slots, tick: 0, lives: 0, step: None }
    }

    /// Plays one command.
    pub fn play(mut self, command: &Command) -> World {
        self.tick += 1;
        let step = match command {
            Command::Update(update) => self.update(update),
            Command::Rollback(rollback) => self.rollback(rollback),
            Command::Delete { key, expected, purge, common } => self.delete(*key, *expected, *purge, common),
            Command::Touch { key, common } => self.touch(*key, common),
            Command::Attempt(attempt) => self.attempt(attempt),
            Command::Refused { row, key } => crate::refused::step(*row, *key),
            other => self.ask(other),
        };
        self.step = Some(step);
        self
    }

    /// The step of a line and what comes of it; `outcome` names what was done when nothing was refused.
    pub fn step(
        &self,
        mut line: Line,
        words: Vec<Arg>,
        want: Want,
        key: Option<usize>,
        outcome: &str,
    ) -> Step {
        let command = line.marks[0].clone();
        if want.prefix().is_none() {
            let done: Vec<String> = line.marks[1..].iter().map(|mark| format!("{mark}, done")).collect();
            line.marks.extend(done);
        }
        line.marks.push(format!("{command}: {}", want.prefix().unwrap_or(outcome)));
        Step { args: words, want, key, marks: line.marks }
    }

    pub fn rules(&self, schema: Option<&'static str>) -> Option<Rules> {
        self.schemas.get(schema?).map(|(rules, _)| *rules)
    }

    /// The rules of a command: those of the schema that counts, and of the state's own until now when that is another.
    pub fn obeyed(&self, state: Option<&State>, schema: Option<&'static str>) -> Obeyed {
        let own = state.and_then(State::schema_name);
        Obeyed { rules: self.rules(schema), former: self.rules(own).filter(|_| own != schema) }
    }

    /// The schema that a state of this name obeys now.
    pub fn needs(&self, name: &'static str) -> Result<(), Want> {
        if self.schemas.contains_key(name) {
            return Ok(());
        }
        Err(Want::Error(format!(
            "NOSCHEMA no schema is named {name}; STATE.SCHEMA SET {name} <json> makes it"
        )))
    }

    pub fn expiry(&self, ttl: Option<Ttl>, present: Option<Expiry>, schema: Option<&'static str>) -> Expiry {
        let after = |ms: i64| Expiry::After { tick: self.tick, ms };
        match (ttl, present) {
            (Some(Ttl::Seconds(s)), _) => after(s * 1000),
            (Some(Ttl::Milliseconds(ms)), _) => after(ms),
            (Some(Ttl::AtSeconds(s)), _) => Expiry::At(s * 1000),
            (Some(Ttl::AtMilliseconds(ms)), _) => Expiry::At(ms),
            (Some(Ttl::Persist), _) => Expiry::Never,
            (Some(Ttl::Keep), Some(present)) => present,
            (Some(Ttl::Keep) | None, _) => {
                let own_ms = self.rules(schema).and_then(Rules::ttl_ms);
                after(own_ms.map_or(self.settings.default_ttl_s * 1000, |ms| ms as i64))
            }
        }
    }

    /// The result must be an object, pass the schema, be a step that may follow, and be neither too big nor too deep.
    fn checked(&self, proposal: &Proposal, before: Option<&Value>) -> Result<Arc<str>, Want> {
        let text = proposal.value.to_string();
        let rules = proposal.obeyed.rules;
        let violations = rules.map(|rules| rules.violations(&proposal.value));
        let valid = match violations.filter(|violations| !violations.is_empty()) {
            _ if !proposal.value.is_object() => {
                Err(Want::Error("INVALID 1 violation: /: must be an object".into()))
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
        state.versions.push(Version { number, parent, tick, event, actor, text: text.clone() });
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
        self.count(&mut state, remarks, Tally::Success);
        let slot = &mut self.slots[key];
        slot.state = Some(state);
        slot.seen.push(etag.clone());
        slot.trail.rejects = 0;
        let mut fields = vec![("parent", Field::Text(parent.to_string()))];
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

    /// How many states obey each schema, all keys together.
    pub fn users(&self, name: &str) -> u64 {
        let states = self.slots.iter().filter_map(|slot| slot.state.as_ref());
        states.filter(|state| state.schema_name() == Some(name)).count() as u64
    }

    /// How many schemas are not set: the fewer there are, the more often one should be.
    pub fn schemas_missing(&self) -> u32 {
        SCHEMAS.iter().map(|name| u32::from(!self.schemas.contains_key(name))).sum()
    }
}
