//! The applicable schema of a command, and its rules: the annotations. `masking.rs` and
//! `restore.rs` add methods.

use std::borrow::Cow;
use std::sync::Arc;

use crate::budget::Budget;
use crate::context::{Context, Rights};
use crate::error::Error;
use crate::json::change::{Change, ChangeKind};
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::pointer::Pointer;
use crate::json::tree::Tree;
use crate::json::written::WrittenMembers;
use crate::schema::annotations::lapses::Clock;
use crate::schema::annotations::protect::Before;
use crate::schema::annotations::rules::Rules;
use crate::schema::compiled::Schema;
use crate::schema::uncovered::Uncovered;
use crate::state::State;
use crate::state::deadlines::Deadlines;
use crate::state::version::SchemaRef;

/// The charge of a member of a document in which members are preserved.
const MEMBER_PRESERVED: usize = 200;
/// The charge of a member of the present document then.
const MEMBER_LOOKED_UP: usize = 150;

/// The schema of a command, and the former one of a state that changes its schema; the former one
/// still keeps its immutable and secret members.
pub(super) struct ApplicableSchema {
    pub schema: Option<Arc<Schema>>,
    pub former: Option<Arc<Schema>>,
    /// The former schema was removed, so every value of the state may be a secret.
    pub former_is_removed: bool,
}

impl ApplicableSchema {
    /// The applicable schema: the one that the key is bound to, else the state's own, else the
    /// named one. Another one than the state's may be named only with `may_change_schema`.
    ///
    /// Errors: `NOSCHEMA`, `BADSCHEMA`.
    pub fn find(
        context: &Context,
        state: Option<&State>,
        named: Option<&str>,
        may_change_schema: bool,
    ) -> Result<ApplicableSchema, Error> {
        let own = state.map(|state| state.schema().map(|schema| &*schema.name));
        let name = match (context.registry.bound(context.key), own, named) {
            (Some(bound), _, named) if named.is_none_or(|named| named == bound) => Some(bound),
            (Some(bound), ..) => {
                return Err(bad_schema(format!("key is bound to {bound}: name that schema or none")));
            }
            (None, None, named) => named,
            (None, Some(own), named) if named.is_none() || own == named => own,
            (None, Some(_), named) if may_change_schema => named,
            (None, Some(Some(own)), _) => {
                return Err(bad_schema(format!(
                    "the schema of the state is {own}: name that schema or none"
                )));
            }
            (None, Some(None), _) => {
                let reason = "the state was created without a schema: STATE.SETPROTECTED gives it one";
                return Err(bad_schema(reason.to_owned()));
            }
        };
        let get = |name: &str| context.registry.get(name).cloned();
        let former = own.flatten().filter(|own| Some(*own) != name).map(get);
        let former_is_removed = former.as_ref().is_some_and(Result::is_err);
        let (schema, former) = (name.map(get).transpose()?, former.and_then(Result::ok));
        let applicable = ApplicableSchema { schema, former, former_is_removed };
        if let Some(state) = state.filter(|_| !may_change_schema) {
            applicable.check_covers(state)?;
        }
        Ok(applicable)
    }

    /// Rejects another schema under which a member of the state would no longer be secret: a schema
    /// administrator sets bindings, and may lack the right to read secrets.
    fn check_covers(&self, state: &State) -> Result<(), Error> {
        let (Some(schema), Some(own)) = (&self.schema, state.schema()) else { return Ok(()) };
        let uncovered = match &self.former {
            Some(former) => Uncovered::find_secret(former, schema.rules()),
            None if self.former_is_removed && own.has_secrets => {
                Some(Uncovered::Unknown { schema: own.name.to_string() })
            }
            None => None,
        };
        let Some(uncovered) = uncovered else { return Ok(()) };
        Err(bad_schema(format!(
            "{uncovered} under {}, which the key is bound to: STATE.SETPROTECTED gives the state that schema",
            schema.reference().name
        )))
    }

    /// The reference that a state stores.
    pub fn reference(&self) -> Option<SchemaRef> {
        self.schema.as_ref().map(|schema| schema.reference().clone())
    }

    /// The name of the schema.
    pub fn name(&self) -> Option<&str> {
        self.schema.as_ref().map(|schema| &*schema.reference().name)
    }

    /// Whether the state had another schema, or none, until now.
    pub fn replaces_schema_of(&self, state: &State) -> bool {
        self.name() != state.schema().map(|schema| &*schema.name)
    }

    /// The rules of both schemas.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Rules> {
        self.schema.iter().chain(&self.former).map(|schema| schema.rules())
    }

    /// The document that a new state starts with.
    pub fn initial(&self) -> Tree<'static> {
        let initial = self.schema.as_ref().map(|schema| Draft::Same(schema.initial()));
        initial.unwrap_or_else(Draft::object).into_tree()
    }

    /// Applies `change` to `base` under all rules except transitions. The base is the state's
    /// document if the `state_exists`, else the defaults. The order:
    ///
    /// 1. mask the secrets that the caller can't write;
    /// 2. apply the change;
    /// 3. reject any value for a masked secret that is set: the reply would tell whether a guess is
    ///    right;
    /// 4. restore masked secrets, and the protected and immutable members that a REPLACE or SHALLOW
    ///    omits;
    /// 5. check protected and immutable members;
    /// 6. fill the defaults of objects that the change added to a new state.
    ///
    /// Errors: `BADPATCH`, `TOOBIG`, `TOODEEP`, `INVALID` for a result that is not an object,
    /// `IMMUTABLE`, `PROTECTED`, `TOOCOSTLY`.
    pub fn apply_change(
        &self,
        base: Node,
        state_exists: bool,
        change: &Change,
        context: &Context,
    ) -> Result<Tree<'static>, Error> {
        let kind = change.kind();
        // 1. A replacement reads nothing of the base.
        let masking = self.masking_for(change, context.rights);
        let masked = masking.filter(|_| kind != ChangeKind::Replace).map(|rules| {
            // A draft is a document that is edited; `Same` is a part without an edit.
            let mut masked = Draft::Same(base);
            rules.mask_unwritable(&mut masked, state_exists);
            masked.into_tree()
        });
        let masked_base = masked.as_ref().map_or(base, Tree::root);

        // 2.
        let reads_secret = |pointer: &_| self.rules().any(|rules| rules.reads_secret(pointer));
        let changed = change.apply(masked_base, context.limits, context.budget, &reads_secret)?;
        if !changed.is_object() {
            let is_array = kind != ChangeKind::Patch && change.json().is_array();
            return Err(if is_array { Error::array_without_patch() } else { Error::not_an_object() });
        }
        let texts_len = masked_base.text().len().saturating_add(change.json().text().len());
        let mut after = changed.into_tree_of(texts_len);

        // 3. Immutable members are compared with the state's document; protected ones too, at
        // creation with the defaults. A REPLACE that creates has neither.
        let protected = (state_exists || kind != ChangeKind::Replace).then_some(base);
        let before = Before { document: state_exists.then_some(base), protected };
        if let Some(rules) = masking {
            rules.reject_guesses(before, after.root())?;
        }

        // 4. Where can `"***"` stand for a secret? Without masking, a merge brings it only in the
        // change; otherwise search the whole result.
        let source = match kind {
            ChangeKind::Merge | ChangeKind::Shallow if masking.is_none() => change.json().text(),
            _ => after.text(),
        };
        if state_exists && matches!(kind, ChangeKind::Replace | ChangeKind::Shallow) {
            self.charge_preserving(after.root(), base, context.budget)?;
        }
        let replaces_protected = kind == ChangeKind::Replace && context.rights.writes_protected;
        let kept = before.document.filter(|_| matches!(kind, ChangeKind::Replace | ChangeKind::Shallow));
        if let Some(completed) =
            self.with_restored(after.root(), source, kept, before.protected, replaces_protected)
        {
            after = completed;
        }

        // 5. The former schema's protected members are free now; its immutable ones stay.
        if let Some(schema) = &self.schema {
            after = check_protected(schema.rules(), before, after, context.rights.writes_protected)?;
        }
        if let Some(former) = &self.former {
            after = check_protected(former.rules(), before, after, true)?;
        }

        // 6. After the checks: a default is not a change of a protected member.
        if let Some(schema) = &self.schema
            && !state_exists
            && kind != ChangeKind::Replace
            && let Some(filled) = schema.fill_added(after.root(), context.budget)?
        {
            after = filled;
        }
        Ok(after)
    }

    /// Charges for preserving members of `present` in a document: all members of the document are
    /// opened, and names are looked up in both.
    ///
    /// Errors: `TOOCOSTLY`.
    pub fn charge_preserving(&self, document: Node, present: Node, budget: &Budget) -> Result<(), Error> {
        if !self.rules().any(Rules::preserves) {
            return Ok(());
        }
        budget.charge(document.children().len().saturating_mul(MEMBER_PRESERVED))?;
        budget.charge(present.children().len().saturating_mul(MEMBER_LOOKED_UP))
    }

    /// The rules that mask secrets from a change: those whose secrets this caller can neither write
    /// nor read. A change that names no such secret has the same result on a masked document.
    fn masking_for(&self, change: &Change, rights: Rights) -> Option<&Rules> {
        let rules = self.schema.as_ref().map(|schema| schema.rules());
        let rules = rules.filter(|rules| rules.has_secrets())?;
        let mentions = match change.kind() {
            ChangeKind::Patch | ChangeKind::Replace => true,
            ChangeKind::Merge | ChangeKind::Shallow => rules.names_secrets(change.json()),
        };
        (mentions && !(rights.may_set_protected)()).then_some(rules)
    }

    /// Restores secrets that stand as `"***"` in the change, which `source` would contain, and the
    /// members of `kept` that the change omits: immutable ones, and protected ones unless it
    /// `replaces_protected`. `None` where nothing is restored.
    fn with_restored(
        &self,
        after: Node,
        source: &str,
        kept: Option<Node>,
        protected: Option<Node>,
        replaces_protected: bool,
    ) -> Option<Tree<'static>> {
        let mut draft = Draft::Same(after);
        for rules in self.rules() {
            if rules.may_stand_for_secrets(source) {
                rules.unmask(&mut draft, protected);
            }
            if let Some(document) = kept {
                rules.preserve_unmentioned(&mut draft, document, replaces_protected);
            }
        }
        if draft.as_same().is_some() { None } else { Some(draft.into_tree()) }
    }

    /// Rejects a transition that the schema does not allow.
    pub fn check_transitions(&self, before: Option<Node>, after: Node) -> Result<(), Error> {
        self.schema.as_ref().map_or(Ok(()), |schema| schema.rules().check_transitions(before, after))
    }

    /// The members that a change writes, for deadlines.
    pub fn written_members<'c>(&self, change: &'c Change) -> WrittenMembers<'c> {
        if !self.schema.as_ref().is_some_and(|schema| schema.rules().has_lifetimes()) {
            // Without lifetimes nothing reads it.
            return WrittenMembers::Differing;
        }
        let json = match change.kind() {
            ChangeKind::Patch => Cow::Borrowed(change.tree()),
            _ => self.without_masked_secrets(change),
        };
        WrittenMembers::by(change.kind(), json, &|pointer, value| self.is_masked_secret(pointer, value))
    }

    /// The deadlines of a new document; `written` says what the command writes.
    pub fn deadlines(
        &self,
        before: Option<(&State, Node)>,
        after: Node,
        written: &WrittenMembers,
        now_ms: i64,
    ) -> Result<Deadlines, Error> {
        let Some(schema) = &self.schema else { return Ok(Deadlines::default()) };
        let before = before.map(|(state, document)| (document, &state.head().deadlines));
        schema.rules().deadlines(after, &Clock { now_ms, before, written: Some(written) })
    }

    /// Whether `value` is the `"***"` of the secret at `pointer`: writing it changes nothing.
    pub fn is_masked_secret(&self, pointer: &Pointer, value: Node) -> bool {
        self.rules().any(|rules| rules.is_masked_secret(pointer, value))
    }

    /// The JSON of a change without the secrets that it has as `"***"`.
    pub fn without_masked_secrets<'c>(&self, change: &'c Change) -> Cow<'c, Tree<'static>> {
        let tree = change.tree();
        let mut json = Draft::Same(tree.root());
        for rules in self.rules().filter(|rules| rules.may_stand_for_secrets(tree.text())) {
            rules.unmask(&mut json, None);
        }
        if json.as_same().is_some() { Cow::Borrowed(tree) } else { Cow::Owned(json.into_tree()) }
    }

    /// Rejects a document that violates the schema. Validates only what differs from `present`, the
    /// document of `state`, if that one has passed this schema.
    pub fn validate_result(
        &self,
        value: Node,
        state: Option<&State>,
        present: Option<Node>,
        budget: &Budget,
    ) -> Result<(), Error> {
        let schema = self.schema.as_ref().map(|schema| schema.reference());
        let has_passed = state.zip(schema).is_some_and(|(state, schema)| state.has_passed(schema));
        self.validate(value, present.filter(|_| has_passed), budget)
    }

    pub(super) fn validate(&self, value: Node, passed: Option<Node>, budget: &Budget) -> Result<(), Error> {
        if !value.is_object() {
            return Err(Error::not_an_object());
        }
        self.schema.as_ref().map_or(Ok(()), |schema| schema.check(value, passed, budget))
    }
}

/// Checks the protected and immutable members, and restores the text of equal ones.
fn check_protected(
    rules: &Rules,
    before: Before,
    after: Tree<'static>,
    may_write_protected: bool,
) -> Result<Tree<'static>, Error> {
    let reworded = rules.protect(before, after.root(), may_write_protected)?;
    if reworded.is_empty() {
        return Ok(after);
    }
    let mut draft = Draft::Same(after.root());
    for (pointer, words) in reworded {
        if let Some(member) = Pointer::parse(&pointer).and_then(|pointer| draft.find_mut(&pointer)) {
            *member = Draft::Same(words);
        }
    }
    Ok(draft.into_tree())
}

fn bad_schema(reason: String) -> Error {
    Error::BadSchema { reason }
}
