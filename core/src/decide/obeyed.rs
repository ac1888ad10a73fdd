//! Which schema a command obeys, and the rules that come with it.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::{Context, Rights};
use crate::deadlines::Deadlines;
use crate::error::Error;
use crate::history::{Dropped, Version};
use crate::json::change::{Change, ChangeKind};
use crate::json::equal::equal;
use crate::json::pointer::Pointer;
use crate::json::written::Written;
use crate::rules::{Before, Clock, Keep, Rules};
use crate::schema::{Schema, SchemaRef};
use crate::state::State;

/// The schema of a command, and the one that the state obeyed before when that is another: what was immutable stays so, and
/// what was kept is kept.
pub(super) struct Obeyed {
    pub schema: Option<Arc<Schema>>,
    former: Option<Arc<Schema>>,
}

impl Obeyed {
    /// The schema that counts: the one the key is bound to, else the state's own, else the one that is named. Only who
    /// `may_change` it may name another for a state that is there.
    ///
    /// Errors: `NOSCHEMA`, `BADSCHEMA`.
    pub fn find(
        context: &Context,
        state: Option<&State>,
        named: Option<&str>,
        may_change: bool,
    ) -> Result<Obeyed, Error> {
        let own = state.map(|state| state.schema().map(|schema| &*schema.name));
        let name = match (context.registry.bound(context.key), own, named) {
            (Some(bound), None, _) => Some(bound),
            (Some(bound), Some(_), named) if named.is_none_or(|named| named == bound) => Some(bound),
            (Some(bound), ..) => {
                return Err(refused(format!("key is bound to {bound}: name that schema or none")));
            }
            (None, None, named) => named,
            (None, Some(own), named) if named.is_none() || own == named => own,
            (None, Some(_), named) if may_change => named,
            (None, Some(Some(own)), _) => {
                return Err(refused(format!("the state obeys {own}: name that schema or none")));
            }
            (None, Some(None), _) => {
                let reason = "the state was created without a schema: STATE.SETPROTECTED gives it one";
                return Err(refused(reason.to_owned()));
            }
        };
        let get = |name: &str| context.registry.get(name).cloned();
        // One that is gone has no rules that anybody could read.
        let former = own.flatten().filter(|own| Some(*own) != name).and_then(|own| get(own).ok());
        Ok(Obeyed { schema: name.map(get).transpose()?, former })
    }

    /// The schema as a state remembers it.
    pub fn reference(&self) -> Option<SchemaRef> {
        self.schema.as_ref().map(|schema| schema.reference().clone())
    }

    /// Whether the state obeyed another schema, or none, until now.
    pub fn changes(&self, state: &State) -> bool {
        let name = |schema: &SchemaRef| schema.name.clone();
        self.reference().as_ref().map(name) != state.schema().map(name)
    }

    /// A state that gets another schema leaves behind the versions whose secrets that schema would not hide. A label that is set
    /// at the same time has left them already.
    pub fn drop_unhidden(&self, state: &State, new_label: Option<&str>, dropped: &mut Dropped) {
        if !self.changes(state) {
            return;
        }
        for version in state.versions().filter(|version| !self.hides(version)) {
            for label in state.history().labels.iter().filter(|label| label.version == version.number) {
                if new_label != Some(&*label.name) && !dropped.labels.contains(&label.name) {
                    dropped.labels.push(label.name.clone());
                }
            }
            if !dropped.versions.contains(&version.number) {
                dropped.versions.push(version.number);
            }
        }
        dropped.versions.sort_unstable();
    }

    /// Whether what was a secret in a version is one by the new schema too.
    fn hides(&self, version: &Version) -> bool {
        let Some(former) = self.former.as_ref().filter(|former| former.rules().has_secrets()) else {
            return !version.has_secret;
        };
        let mut hidden = version.document.value();
        self.schema.iter().for_each(|schema| schema.rules().mask(&mut hidden));
        let before = hidden.clone();
        former.rules().mask(&mut hidden);
        hidden == before
    }

    fn rules(&self) -> impl Iterator<Item = &Rules> {
        self.schema.iter().chain(&self.former).map(|schema| schema.rules())
    }

    /// What a new state starts with.
    pub fn initial(&self) -> Value {
        self.schema
            .as_ref()
            .map_or_else(|| Value::Object(serde_json::Map::new()), |schema| schema.initial().clone())
    }

    /// What `change` makes of the state's document, or of the defaults where no state is, under all rules but steps.
    ///
    /// Errors: `BADPATCH`, `TOOBIG`, `TOODEEP`, `INVALID` for what is no object, `IMMUTABLE`, `PROTECTED`.
    pub fn changed(
        &self,
        state: Option<&State>,
        change: Change,
        rights: Rights,
        context: &Context,
    ) -> Result<Value, Error> {
        let base = state.map_or_else(|| self.initial(), |state| state.head().document.value());
        let kind = change.kind();
        let reads_secret = |pointer: &_| self.rules().any(|rules| rules.reads_secret(pointer));
        let shown = self.shown_to_change(&base, state.is_some(), rights);
        let mut value = change.apply(&shown, context.limits, &reads_secret)?;
        if !value.is_object() {
            return Err(Error::not_an_object());
        }
        // REPLACE makes a new document from itself alone.
        let before = (state.is_some() || kind != ChangeKind::Replace).then_some(&base);
        let before = Before { document: state.map(|_| &base), protected: before };
        if let (Some(schema), false) = (&self.schema, rights.read_secrets) {
            schema.rules().refuse_guesses(before, &value)?;
        }
        for rules in self.rules() {
            rules.unmask(&mut value, before.protected);
            if let (ChangeKind::Replace | ChangeKind::Shallow, Some(document)) = (kind, before.document) {
                rules.keep_unmentioned(&mut value, document);
            }
        }
        if let Some(schema) = &self.schema {
            schema.rules().guard(before, &mut value, rights.protect)?;
        }
        if let Some(former) = &self.former {
            former.rules().guard(before, &mut value, true)?;
        }
        Ok(value)
    }

    /// The document as a change gets it: without the secrets that this caller can neither write nor read.
    fn shown_to_change<'v>(&self, base: &'v Value, is_set: bool, rights: Rights) -> Cow<'v, Value> {
        let schema = self.schema.as_ref();
        let schema = schema.filter(|schema| schema.rules().has_secrets() && !rights.read_secrets);
        let Some(schema) = schema else { return Cow::Borrowed(base) };
        let mut shown = base.clone();
        schema.rules().mask_guarded(&mut shown, is_set);
        Cow::Owned(shown)
    }

    /// Gives `target` the members of the present document that are kept. When all that was different were these, it is the
    /// present document to the letter: the order of members is no change that anybody asked for.
    pub fn keep_present(&self, target: &mut Value, present: &Value, keep: Keep) {
        let unkept = target.clone();
        self.rules().for_each(|rules| rules.keep_present(target, present, keep));
        if !equal(target, &unkept) && equal(target, present) {
            present.clone_into(target);
        }
    }

    /// Refuses a step that may not follow.
    pub fn check_steps(&self, before: Option<&Value>, after: &Value) -> Result<(), Error> {
        self.schema.as_ref().map_or(Ok(()), |schema| schema.rules().check_steps(before, after))
    }

    /// What a change writes, as far as deadlines go by it.
    pub fn written(&self, change: &Change) -> Written {
        if !self.schema.as_ref().is_some_and(|schema| schema.rules().has_lifetimes()) {
            return Written::Differing;
        }
        let mut json = change.json().clone();
        if change.kind() != ChangeKind::Patch {
            self.drop_no_mentions(&mut json);
        }
        Written::by(change.kind(), json, &|pointer, value| self.is_no_mention(pointer, value))
    }

    /// When the members of a document lapse once it is there; `written` says what is written now.
    pub fn deadlines(
        &self,
        before: Option<(&State, &Value)>,
        after: &Value,
        written: &Written,
        now_ms: i64,
    ) -> Result<Deadlines, Error> {
        let Some(schema) = &self.schema else { return Ok(Deadlines::default()) };
        let before = before.map(|(state, document)| (document, &state.head().deadlines));
        schema.rules().deadlines(after, &Clock { now_ms, before, written: Some(written) })
    }

    /// The document of a past version, without what has lapsed since.
    pub fn past(&self, version: &Version, now_ms: i64) -> Value {
        super::lapse::past(self.schema.as_deref(), version, now_ms).value()
    }

    /// Lets lapse what a document that was rebuilt would have lost since `at_ms`, had all of it been written then.
    pub fn lapse_rebuilt(&self, value: &mut Value, at_ms: i64, now_ms: i64) -> Result<(), Error> {
        let Some(schema) = &self.schema else { return Ok(()) };
        let clock = Clock { now_ms: at_ms, before: None, written: Some(&Written::Differing) };
        let deadlines = schema.rules().deadlines(value, &clock)?;
        schema.rules().lapse(value, &deadlines.until(now_ms));
        Ok(())
    }

    /// Whether a patch that puts `value` at `pointer` mentions nothing by that.
    pub fn is_no_mention(&self, pointer: &Pointer, value: &Value) -> bool {
        self.rules().any(|rules| rules.is_no_mention(pointer, value))
    }

    /// Takes away what is no mention of a member in the json of a change.
    pub fn drop_no_mentions(&self, json: &mut Value) {
        self.rules().for_each(|rules| rules.unmask(json, None));
    }

    /// Takes away what stands for secrets in a document that was rebuilt.
    pub fn forget_secrets(&self, value: &mut Value) {
        self.rules().for_each(|rules| rules.forget(value));
    }

    /// Whether there is a secret in a document, by the schema.
    pub fn has_secret(&self, value: &Value) -> bool {
        self.schema.as_ref().is_some_and(|schema| schema.rules().has_secret(value))
    }

    /// Hides the secrets of a document.
    pub fn mask(&self, value: &mut Value) {
        self.rules().for_each(|rules| rules.mask(value));
    }

    /// Hides the secrets of two documents that are about to be compared.
    pub fn mask_pair(&self, before: &mut Value, after: &mut Value) {
        self.rules().for_each(|rules| rules.mask_pair(before, after));
    }

    /// Refuses what does not pass the schema.
    pub fn check(&self, value: &Value) -> Result<(), Error> {
        if !value.is_object() {
            return Err(Error::not_an_object());
        }
        self.schema.as_ref().map_or(Ok(()), |schema| schema.check(value))
    }
}

fn refused(reason: String) -> Error {
    Error::BadSchema { reason }
}
