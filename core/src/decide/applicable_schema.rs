//! Which schema a command obeys, and the rules that come with it.

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
use crate::json::written::Written;
use crate::schema::annotations::lapses::Clock;
use crate::schema::annotations::preserve::Keep;
use crate::schema::annotations::protect::Before;
use crate::schema::annotations::rules::Rules;
use crate::schema::annotations::secrets::hidden;
use crate::schema::compiled::Schema;
use crate::state::State;
use crate::state::deadlines::Deadlines;
use crate::state::history::Dropped;
use crate::state::version::{SchemaRef, Version};

/// The schema of a command, and the one that the state obeyed before when that is another: what was immutable stays so, and
/// what was kept is kept.
pub(super) struct Obeyed {
    pub schema: Option<Arc<Schema>>,
    former: Option<Arc<Schema>>,
    /// The one before is not here any more, so any value that the state had may be a secret.
    former_is_gone: bool,
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
            (Some(bound), _, named) if named.is_none_or(|named| named == bound) => Some(bound),
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
        let former = own.flatten().filter(|own| Some(*own) != name).map(get);
        let former_is_gone = former.as_ref().is_some_and(Result::is_err);
        Ok(Obeyed { schema: name.map(get).transpose()?, former: former.and_then(Result::ok), former_is_gone })
    }

    /// The schema as a state remembers it.
    pub fn reference(&self) -> Option<SchemaRef> {
        self.schema.as_ref().map(|schema| schema.reference().clone())
    }

    /// Whether the state obeyed another schema, or none, until now.
    pub fn changes(&self, state: &State) -> bool {
        let own = self.schema.as_ref().map(|schema| &*schema.reference().name);
        own != state.schema().map(|schema| &*schema.name)
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
        let tree = version.document.tree();
        let mut hidden = Draft::Same(tree.root());
        self.schema.iter().for_each(|schema| schema.rules().mask(&mut hidden));
        let before = hidden.to_text();
        former.rules().mask(&mut hidden);
        hidden.to_text() == before
    }

    fn rules(&self) -> impl Iterator<Item = &Rules> {
        self.schema.iter().chain(&self.former).map(|schema| schema.rules())
    }

    /// What a new state starts with.
    pub fn initial(&self) -> Tree<'static> {
        let initial = self.schema.as_ref().map(|schema| Draft::Same(schema.initial()));
        initial.unwrap_or_else(Draft::object).into_tree()
    }

    /// What `change` makes of `base`, the state's document, or the defaults where no state `is_set`, under all rules but
    /// steps.
    ///
    /// Errors: `BADPATCH`, `TOOBIG`, `TOODEEP`, `INVALID` for what is no object, `IMMUTABLE`, `PROTECTED`.
    pub fn changed(
        &self,
        base: Node,
        is_set: bool,
        change: &Change,
        rights: Rights,
        context: &Context,
    ) -> Result<Tree<'static>, Error> {
        let kind = change.kind();
        let reads_secret = |pointer: &_| self.rules().any(|rules| rules.reads_secret(pointer));
        let hiding = self.hiding_from(change, rights);
        let shown = hiding.filter(|_| kind != ChangeKind::Replace).map(|rules| {
            let mut shown = Draft::Same(base);
            rules.mask_guarded(&mut shown, is_set);
            shown.into_tree()
        });
        let shown = shown.as_ref().map_or(base, Tree::root);
        let changed = change.apply(shown, context.limits, context.budget, &reads_secret)?;
        if !changed.is_object() {
            let is_array = kind != ChangeKind::Patch && change.json().is_array();
            return Err(if is_array { Error::array_without_patch() } else { Error::not_an_object() });
        }
        let mut after = changed.into_tree_of(shown.text().len().saturating_add(change.json().text().len()));
        // REPLACE makes a new document from itself alone.
        let protected = (is_set || kind != ChangeKind::Replace).then_some(base);
        let before = Before { document: is_set.then_some(base), protected };
        if let Some(rules) = hiding {
            rules.refuse_guesses(before, after.root())?;
        }
        // From a document that is stored, and shown as it is, nothing comes that stands for a secret, but by a patch that copies.
        let source = match kind {
            ChangeKind::Merge | ChangeKind::Shallow if hiding.is_none() => change.json().text(),
            _ => after.text(),
        };
        if let Some(completed) = self.with_unmentioned(after.root(), source, kind, before) {
            after = completed;
        }
        if let Some(schema) = &self.schema {
            after = guarded(schema.rules(), before, after, rights.protect)?;
        }
        if let Some(former) = &self.former {
            after = guarded(former.rules(), before, after, true)?;
        }
        // Behind the guards: a default is no change of a protected member.
        if let Some(schema) = &self.schema
            && !is_set
            && kind != ChangeKind::Replace
            && let Some(filled) = schema.fill_added(after.root(), context.budget)?
        {
            after = filled;
        }
        Ok(after)
    }

    /// The rules that hide secrets from a change: those that this caller can neither write nor read. A change that names
    /// nothing with such a secret in it makes the same of a document that has them and of one that has not.
    fn hiding_from(&self, change: &Change, rights: Rights) -> Option<&Rules> {
        let rules = self.schema.as_ref().map(|schema| schema.rules());
        let rules = rules.filter(|rules| rules.has_secrets())?;
        let mentions = match change.kind() {
            ChangeKind::Patch | ChangeKind::Replace => true,
            ChangeKind::Merge | ChangeKind::Shallow => rules.names_secrets(change.json()),
        };
        (mentions && !(rights.read_secrets)()).then_some(rules)
    }

    /// Brings back what the change did not mention, or mentioned by what stands for it; `source` is the text in which that would
    /// be found. `None` where there is nothing to bring back.
    fn with_unmentioned(
        &self,
        after: Node,
        source: &str,
        kind: ChangeKind,
        before: Before,
    ) -> Option<Tree<'static>> {
        let kept = before.document.filter(|_| matches!(kind, ChangeKind::Replace | ChangeKind::Shallow));
        let mut draft = Draft::Same(after);
        for rules in self.rules() {
            if rules.may_stand_for_secrets(source) {
                rules.unmask(&mut draft, before.protected);
            }
            if let Some(document) = kept {
                rules.keep_unmentioned(&mut draft, document);
            }
        }
        if draft.as_same().is_some() { None } else { Some(draft.into_tree()) }
    }

    /// Gives `target` the members of the present document that are kept. When all that was different were these, it is the
    /// present document to the letter: the order of members is no change that anybody asked for.
    pub fn keep_present<'v>(&self, mut target: Draft<'v>, present: Node<'v>, keep: Keep) -> Tree<'static> {
        let unkept = target.clone().into_tree();
        self.rules().for_each(|rules| rules.keep_present(&mut target, present, keep));
        let target = if !target.equals(unkept.root()) && target.equals(present) {
            Draft::Same(present)
        } else {
            target
        };
        target.into_tree()
    }

    /// Refuses a step that may not follow.
    pub fn check_steps(&self, before: Option<Node>, after: Node) -> Result<(), Error> {
        self.schema.as_ref().map_or(Ok(()), |schema| schema.rules().check_steps(before, after))
    }

    /// What a change writes, as far as deadlines go by it.
    pub fn written<'c>(&self, change: &'c Change) -> Written<'c> {
        if !self.schema.as_ref().is_some_and(|schema| schema.rules().has_lifetimes()) {
            return Written::Differing;
        }
        let json = match change.kind() {
            ChangeKind::Patch => Cow::Borrowed(change.tree()),
            _ => self.mentions(change),
        };
        Written::by(change.kind(), json, &|pointer, value| self.is_no_mention(pointer, value))
    }

    /// When the members of a document lapse once it is there; `written` says what is written now.
    pub fn deadlines(
        &self,
        before: Option<(&State, Node)>,
        after: Node,
        written: &Written,
        now_ms: i64,
    ) -> Result<Deadlines, Error> {
        let Some(schema) = &self.schema else { return Ok(Deadlines::default()) };
        let before = before.map(|(state, document)| (document, &state.head().deadlines));
        schema.rules().deadlines(after, &Clock { now_ms, before, written: Some(written) })
    }

    /// The document of a past version, without what has lapsed since.
    pub fn past(&self, version: &Version, now_ms: i64) -> Tree<'static> {
        super::lapse::past(self.schema.as_deref(), version, now_ms).into_owned().into_tree()
    }

    /// Lets lapse what a document that was rebuilt would have lost since `at_ms`, had all of it been written then. What
    /// stands for a secret in it is known to nobody.
    pub fn lapse_rebuilt(&self, rebuilt: &Tree, at_ms: i64, now_ms: i64) -> Result<Tree<'static>, Error> {
        let mut value = Draft::Same(rebuilt.root());
        self.rules().for_each(|rules| rules.forget(&mut value));
        let known = value.into_tree();
        let Some(schema) = &self.schema else { return Ok(known) };
        let clock = Clock { now_ms: at_ms, before: None, written: Some(&Written::Differing) };
        let deadlines = schema.rules().deadlines(known.root(), &clock)?;
        let mut value = Draft::Same(known.root());
        schema.rules().lapse(&mut value, &deadlines.until(now_ms));
        Ok(value.into_tree())
    }

    /// Whether a patch that puts `value` at `pointer` mentions nothing by that.
    pub fn is_no_mention(&self, pointer: &Pointer, value: Node) -> bool {
        self.rules().any(|rules| rules.is_no_mention(pointer, value))
    }

    /// The json of a change without what is no mention of a member.
    pub fn mentions<'c>(&self, change: &'c Change) -> Cow<'c, Tree<'static>> {
        let tree = change.tree();
        let mut json = Draft::Same(tree.root());
        for rules in self.rules().filter(|rules| rules.may_stand_for_secrets(tree.text())) {
            rules.unmask(&mut json, None);
        }
        if json.as_same().is_some() { Cow::Borrowed(tree) } else { Cow::Owned(json.into_tree()) }
    }

    /// Whether there is a secret in a document, by the schema.
    pub fn has_secret(&self, value: Node) -> bool {
        self.schema.as_ref().is_some_and(|schema| schema.rules().has_secret(value))
    }

    /// Two documents with their secrets hidden, to be compared; the first of them may be missing. `None` when they may be told
    /// as they are: `after` is told in so far as it differs only, and that passes over its secrets.
    pub fn masked(
        &self,
        before: Option<Node>,
        after: Node,
        tells_all: bool,
    ) -> Option<(Option<Tree<'static>>, Tree<'static>)> {
        if self.former_is_gone {
            let everything = Draft::Same(hidden().root()).into_tree();
            return Some((before.map(|before| Draft::Same(before).into_tree()), everything));
        }
        let told = |rules: &Rules| before.is_none_or(|before| !rules.are_passed_over(before, after));
        if !self.rules().any(|rules| rules.has_secrets() && (tells_all || told(rules))) {
            return None;
        }
        let (mut before, mut after) = (before.map(Draft::Same), Draft::Same(after));
        self.rules().for_each(|rules| match &mut before {
            Some(before) => rules.mask_pair(before, &mut after),
            None => rules.mask(&mut after),
        });
        Some((before.map(Draft::into_tree), after.into_tree()))
    }

    /// Refuses what does not pass the schema. `state` is what it was made of, and `present` the document of that.
    pub fn check_change(
        &self,
        value: Node,
        state: Option<&State>,
        present: Option<Node>,
        budget: &Budget,
    ) -> Result<(), Error> {
        let schema = self.schema.as_ref().map(|schema| schema.reference());
        let has_passed = state.zip(schema).is_some_and(|(state, schema)| state.has_passed(schema));
        self.check_parts(value, present.filter(|_| has_passed), budget)
    }

    /// Refuses what does not pass the schema.
    ///
    /// Errors: `INVALID`, `TOOCOSTLY`.
    pub fn check(&self, value: Node, budget: &Budget) -> Result<(), Error> {
        self.check_parts(value, None, budget)
    }

    /// Whether a value passes the schema.
    ///
    /// Errors: `TOOCOSTLY`.
    pub fn admits(&self, value: Node, budget: &Budget) -> Result<bool, Error> {
        let Some(schema) = &self.schema else { return Ok(value.is_object()) };
        Ok(value.is_object() && schema.admits(value, budget)?)
    }

    fn check_parts(&self, value: Node, passed: Option<Node>, budget: &Budget) -> Result<(), Error> {
        if !value.is_object() {
            return Err(Error::not_an_object());
        }
        self.schema.as_ref().map_or(Ok(()), |schema| schema.check(value, passed, budget))
    }
}

/// Lets the rules guard what a change has made.
fn guarded(
    rules: &Rules,
    before: Before,
    after: Tree<'static>,
    may_protect: bool,
) -> Result<Tree<'static>, Error> {
    let reworded = rules.guard(before, after.root(), may_protect)?;
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

fn refused(reason: String) -> Error {
    Error::BadSchema { reason }
}
