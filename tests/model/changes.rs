//! The commands that change a document: UPDATE and SETPROTECTED.

use serde_json::Value;

use crate::claim::Claim;
use crate::command::{AUDITS, Common, KEYS, Kind, Update};
use crate::json;
use crate::keep::Obeyed;
use crate::line::Line;
use crate::patch::{self, Failure};
use crate::settle::Proposal;
use crate::state::tree;
use crate::want::Want;
use crate::world::{Step, World};

/// How many levels the array and the operations of a patch may add to the depth of what they write.
const PATCH_LEVELS: usize = 2;

impl World {
    pub fn update(&mut self, update: &Update) -> Step {
        let (key, common) = (update.key, &update.common);
        let claim = self.slots[key].claim(update.expected);
        let name = if update.protect { "STATE.SETPROTECTED" } else { "STATE.UPDATE" };
        let mut line = self.line(name, key, &claim);
        line = line.arg(update.json.as_str().into());
        self.mark_binding(&mut line, key);
        match update.kind {
            None => {}
            Some(Kind::Merge) => line.option("MERGE", &[]),
            Some(Kind::Shallow) => line.option("SHALLOW", &[]),
            Some(Kind::Patch) => line.option("PATCH", &[]),
            Some(Kind::Replace) => line.option("REPLACE", &[]),
        }
        line.option_if("SCHEMA", update.schema);
        line.option_if("LABEL", update.label);
        line.common(common, AUDITS[key]);
        if update.dry_run {
            line.option("DRYRUN", &[]);
        }
        let done = match foreign_audit(common) {
            Some(refusal) => Err(refusal),
            None => self
                .proposed(update, &claim)
                .and_then(|proposal| self.settle(key, proposal, &common.remarks, update.dry_run)),
        };
        let (want, outcome) = match done {
            Ok((etag, outcome)) => (Want::state(etag, common.returns), outcome),
            Err(want) if update.dry_run => (want, ""),
            Err(want) => (self.refuse(key, want, common), ""),
        };
        let words = line.words(Some(common));
        self.step(line, words, want, Some(key), outcome)
    }

    /// What an update wants to make of the state: the json first, then the state, then its schema, then the change.
    fn proposed(&self, update: &Update, claim: &Claim) -> Result<Proposal, Want> {
        let json =
            self.readable(&update.json, if update.kind == Some(Kind::Patch) { PATCH_LEVELS } else { 0 })?;
        let state = self.slots[update.key].state.as_ref();
        claim.check(state, true)?;
        let schema = self.schema_for(update.key, state, update.schema, update.protect)?;
        let obeyed = self.obeyed(state, schema);
        let base = state.map_or_else(|| obeyed.begins_with(), |state| tree(&state.head().text));
        let mut value = self.changed(&base, update.kind, json, obeyed)?;
        // A patch may be stopped as soon as it makes too much of a document.
        let patched = update.kind == Some(Kind::Patch);
        let limit = self.settings.size.check(&value.to_string(), 0).err().filter(|_| patched);
        if value.is_object()
            && let Err(refusal) = guard(update, state.map(|_| &base), &base, &mut value, obeyed)
        {
            return Err(Want::either(limit, refusal));
        }
        if let (None, Some(rules)) = (state, obeyed.rules)
            && update.kind != Some(Kind::Replace)
            && value.is_object()
        {
            rules.fill_added(&mut value, &base);
        }
        Ok(Proposal {
            event: if state.is_some() { "update" } else { "create" },
            parent: state.map_or(0, |state| state.head().number),
            rung: None,
            value,
            limit,
            obeyed,
            schema,
            label: update.label,
            ttl: update.common.ttl,
        })
    }

    /// The tree of a json argument: not too long, not too deep, and JSON.
    pub fn readable(&self, text: &str, levels: usize) -> Result<Value, Want> {
        self.settings.size.check(text, levels)?;
        json::parse(text).ok_or(Want::ErrorBegins("BADJSON at byte ".into()))
    }

    fn changed(&self, base: &Value, kind: Option<Kind>, json: Value, obeyed: Obeyed) -> Result<Value, Want> {
        let mut base = base.clone();
        match kind {
            None | Some(Kind::Merge) => json::merge(&mut base, &json),
            Some(Kind::Shallow) => json::shallow(&mut base, &json),
            Some(Kind::Replace) => base = json,
            Some(Kind::Patch) => {
                base =
                    patch::apply(&base, &json, self.settings.size, &obeyed.secrets()).map_err(|failure| {
                        match failure {
                            Failure::NotAList => {
                                Want::ErrorBegins("BADPATCH a patch is an array of operations".into())
                            }
                            Failure::Operation { numbers, too_deep } => {
                                let begins =
                                    |number| Want::ErrorBegins(format!("BADPATCH operation {number}: "));
                                let deep = too_deep.then(|| self.settings.size.too_deep());
                                Want::OneOf(numbers.into_iter().map(begins).chain(deep).collect())
                            }
                            Failure::OnTheWay => Want::Unsaid,
                        }
                    })?;
            }
        }
        Ok(base)
    }

    pub fn line(&self, name: &'static str, key: usize, claim: &Claim) -> Line {
        let mut line = Line::new(name, &[KEYS[key]]).arg(claim.arg());
        line.marks.push(format!("{name} {}", claim.mark(self.slots[key].state.as_ref())));
        line
    }
}

/// What a change, whose outcome is an object, may not touch. `document` is the state's, `base` that or the defaults.
fn guard(
    update: &Update,
    document: Option<&Value>,
    base: &Value,
    after: &mut Value,
    obeyed: Obeyed,
) -> Result<(), Want> {
    let replaces = update.kind == Some(Kind::Replace);
    // A new state that is written whole has no defaults to begin with.
    let before = (document.is_some() || !replaces).then_some(base);
    obeyed.unhide(after, before);
    if let Some(document) = document.filter(|_| replaces || update.kind == Some(Kind::Shallow)) {
        obeyed.keep_unmentioned(after, document);
    }
    obeyed.guard(document, before, after, update.protect)
}

/// AUDIT with a stream that isn't the key's own.
pub fn foreign_audit(common: &Common) -> Option<Want> {
    (common.audit == Some(false)).then(|| Want::ErrorBegins("BADKEY ".into()))
}
