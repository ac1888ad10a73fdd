//! STATE.UPDATE and STATE.SETPROTECTED.

use reference::change::{self, Kind};
use reference::json;
use reference::patch::Failure;
use serde_json::Value;

use crate::annotations::Applicable;
use crate::command::{AUDITS, Common, KEYS, Update};
use crate::command_line::Line;
use crate::commit::Proposal;
use crate::expected::{self, Expected};
use crate::predicted::Predicted;
use crate::world::{Step, World};

/// The levels that the array and the operations of a patch add to the depth of what they write.
const PATCH_LEVELS: usize = 2;

impl World {
    pub fn update(&mut self, update: &Update) -> Step {
        let (key, common) = (update.key, &update.common);
        let expected = self.slots[key].expected(update.expected);
        let name = if update.protect { "STATE.SETPROTECTED" } else { "STATE.UPDATE" };
        let mut line = self.line(name, key, &expected);
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
        let result = match foreign_audit(common) {
            Some(rejection) => Err(rejection),
            None => self
                .proposed(update, &expected)
                .and_then(|proposal| self.commit(key, proposal, &common.metadata, update.dry_run)),
        };
        let (predicted, outcome) = match result {
            Ok((etag, outcome)) => (Predicted::state(etag, common.returns), outcome),
            Err(error) if update.dry_run => (error, ""),
            Err(error) => (self.reject(key, error, common), ""),
        };
        self.step(line, Some(common), predicted, Some(key), outcome)
    }

    /// The proposal of an update. The JSON is checked first, then the expected version, then the
    /// schema, then the change.
    fn proposed(&self, update: &Update, expected: &Expected) -> Result<Proposal, Predicted> {
        let kind = update.kind.unwrap_or(Kind::Merge);
        let json = self.readable(&update.json, if kind == Kind::Patch { PATCH_LEVELS } else { 0 })?;
        let state = self.slots[update.key].state.as_ref();
        expected::check(expected, state, true)?;
        let schema = self.schema_for(update.key, state, update.schema, update.protect)?;
        let applicable = self.applicable(state, schema);
        let base = state.map_or_else(|| applicable.defaults(), |state| json::tree(&state.head().text));
        let mut value = self.changed(&base, kind, json, applicable)?;
        // The server may stop a patch as soon as the document is too large.
        let limit = self.check_size(&value.to_string(), 0).err().filter(|_| kind == Kind::Patch);
        if value.is_object()
            && let Err(rejection) = check_writes(update, state.map(|_| &base), &base, &mut value, applicable)
        {
            return Err(Predicted::either(limit, rejection));
        }
        if let (None, Some(rules)) = (state, applicable.rules)
            && kind != Kind::Replace
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
            applicable,
            schema,
            label: update.label,
            ttl: update.common.ttl,
        })
    }

    /// The value of a JSON argument.
    pub fn readable(&self, text: &str, levels: usize) -> Result<Value, Predicted> {
        self.check_size(text, levels)?;
        json::parse(text).ok_or(Predicted::ErrorBegins("BADJSON at byte ".into()))
    }

    fn changed(
        &self,
        base: &Value,
        kind: Kind,
        json: Value,
        applicable: Applicable,
    ) -> Result<Value, Predicted> {
        let result = change::apply(kind, base, json, self.settings.size, &applicable.secrets());
        result.map_err(|failure| match failure {
            Failure::NoArray => Predicted::ErrorBegins("BADPATCH a patch is an array of operations".into()),
            Failure::Operation { numbers, too_deep } => {
                let begins = |number| Predicted::ErrorBegins(format!("BADPATCH operation {number}: "));
                let too_deep = too_deep.then(|| self.too_deep());
                Predicted::OneOf(numbers.into_iter().map(begins).chain(too_deep).collect())
            }
            Failure::Intermediate => Predicted::Unspecified,
        })
    }

    /// `TOOBIG` and `TOODEEP` of a text that may be so many levels deeper than a document.
    pub fn check_size(&self, text: &str, levels: usize) -> Result<(), Predicted> {
        let size = self.settings.size;
        if text.len() > size.bytes_max {
            return Err(Predicted::Limit {
                prefix: "TOOBIG",
                name: "state.max-bytes",
                value: size.bytes_max,
            });
        }
        if json::depth(text) > size.depth_max + levels { Err(self.too_deep()) } else { Ok(()) }
    }

    fn too_deep(&self) -> Predicted {
        Predicted::Limit { prefix: "TOODEEP", name: "state.max-depth", value: self.settings.size.depth_max }
    }

    /// The beginning of a command line with an expected version.
    pub fn line(&self, name: &'static str, key: usize, expected: &Expected) -> Line {
        let mut line = Line::new(name, &[KEYS[key]]).arg(expected::word(expected));
        let mark = expected::mark(expected, self.slots[key].state.as_ref());
        line.marks.push(format!("{name} {mark}"));
        line
    }
}

/// Checks the writes of a change whose result is an object. `document` is that of the state, `base`
/// the same or the defaults.
fn check_writes(
    update: &Update,
    document: Option<&Value>,
    base: &Value,
    after: &mut Value,
    applicable: Applicable,
) -> Result<(), Predicted> {
    let replaces = update.kind == Some(Kind::Replace);
    // A new state that is written whole has no defaults to begin with.
    let before = (document.is_some() || !replaces).then_some(base);
    applicable.unmask(after, before);
    if let Some(document) = document.filter(|_| replaces || update.kind == Some(Kind::Shallow)) {
        applicable.keep_unnamed(after, document, replaces && update.protect);
    }
    applicable.check_writes(document, before, after, update.protect)
}

/// The error of AUDIT with the stream of another key.
pub fn foreign_audit(common: &Common) -> Option<Predicted> {
    (common.audit == Some(false)).then(|| Predicted::ErrorBegins("BADKEY ".into()))
}
