//! Annotated members: what a change may not write, what it leaves as it was, and how secrets are
//! masked.
//!
//! A state may change its schema. Then two schemas apply: immutable members of the former one stay,
//! and its secrets stay masked.

use reference::json::same;
use reference::pointer::{self, Tokens};
use serde_json::{Map, Value};

use crate::annotated_schema::Annotation;
use crate::predicted::Predicted;
use crate::rules::Rules;

/// The mask of a secret. A change that contains it does not name the member.
const MASK: &str = "***";
/// The mask of the earlier one of two secrets that differ.
const MASK_BEFORE: &str = "**";

/// The applicable schema, and the schema of the state until now when that is another one.
#[derive(Clone, Copy, Debug)]
pub struct Applicable {
    pub rules: Option<Rules>,
    pub former: Option<Rules>,
    /// The former schema is not set any more, so any value may have been a secret.
    pub former_is_missing: bool,
}

impl Applicable {
    fn annotations(self) -> impl Iterator<Item = &'static Annotation> {
        self.rules.into_iter().chain(self.former).flat_map(Rules::annotations)
    }

    pub fn secrets(self) -> Vec<Tokens> {
        self.annotations().filter(|annotation| annotation.secret).map(Annotation::tokens).collect()
    }

    pub fn pass(self, document: &Value) -> bool {
        self.rules.is_none_or(|rules| rules.violations(document).is_empty())
    }

    /// The document that a new state begins with.
    pub fn defaults(self) -> Value {
        let mut document = Value::Object(Map::new());
        self.rules.into_iter().for_each(|rules| rules.fill(&mut document));
        document
    }

    /// The defaults with the annotated members of the present document; with `all` only the
    /// immutable ones.
    pub fn reset(self, present: &Value, all: bool) -> Value {
        let mut value = self.defaults();
        self.keep_existing(&mut value, present, all);
        value
    }

    /// Whether the applicable schema masks every secret that the former schema found in a document.
    /// If the former schema is missing, the document must have had none.
    pub fn masks_all(self, document: &Value, had_secret: bool) -> bool {
        let masked = self.rules.map(Rules::secrets).unwrap_or_default();
        match self.former.map(Rules::secrets).filter(|secrets| !secrets.is_empty()) {
            Some(secrets) => secrets
                .iter()
                .all(|secret| masked.contains(secret) || pointer::get(document, secret).is_none()),
            None => !had_secret,
        }
    }

    /// Replaces each mask that a change contains by the secret that it stands for, or removes it.
    pub fn unmask(self, after: &mut Value, before: Option<&Value>) {
        for secret in self.secrets() {
            if pointer::get(after, &secret).is_none_or(|value| value != MASK) {
                continue;
            }
            match before.and_then(|before| pointer::get(before, &secret)) {
                Some(before) => put(after, &secret, before.clone()),
                None => pointer::remove(after, &secret),
            }
        }
    }

    /// Puts back the members that a REPLACE or SHALLOW does not name: immutable ones, and protected
    /// ones unless the change replaces them too. A scalar in place of the object around a member
    /// names the member.
    pub fn keep_unnamed(self, after: &mut Value, before: &Value, replaces_protected: bool) {
        let is_kept =
            |annotation: &&Annotation| annotation.immutable || (annotation.protected && !replaces_protected);
        for annotation in self.annotations().filter(is_kept) {
            let member = annotation.tokens();
            if let (Some(before), None) = (pointer::get(before, &member), pointer::get(after, &member)) {
                pointer::set(after, &member, before.clone());
            }
        }
    }

    /// Rejects a change of members that the command may not write. A member that is written with
    /// its present value keeps its text.
    ///
    /// `document` is that of the state. `protected` has the allowed values of protected members: at
    /// creation the defaults.
    pub fn check_writes(
        self,
        document: Option<&Value>,
        protected: Option<&Value>,
        after: &mut Value,
        may_write_protected: bool,
    ) -> Result<(), Predicted> {
        let mut rejections = Vec::new();
        let applicable = self.rules.into_iter().flat_map(Rules::annotations);
        let applicable = applicable.map(|annotation| (annotation, may_write_protected));
        // Of the former schema only immutable members count.
        let former =
            self.former.into_iter().flat_map(Rules::annotations).map(|annotation| (annotation, true));
        for (annotation, may_write_protected) in applicable.chain(former) {
            let member = annotation.tokens();
            let mut is_as_in = |before: Option<&Value>| {
                let before = before.and_then(|before| pointer::get(before, &member));
                match (before, pointer::get_mut(after, &member)) {
                    (Some(before), Some(after)) if same(before, after) => {
                        before.clone_into(after);
                        true
                    }
                    (before, after) => before.is_none() && after.is_none(),
                }
            };
            let is_set = document.is_some_and(|document| pointer::get(document, &member).is_some());
            if annotation.immutable && is_set && !is_as_in(document) {
                rejections.push(Predicted::ErrorBegins(format!("IMMUTABLE {}: ", annotation.pointer())));
            }
            if annotation.protected && !is_as_in(protected) && !may_write_protected {
                rejections.push(Predicted::ErrorBegins(format!("PROTECTED {}: ", annotation.pointer())));
            }
        }
        // Which of several is reported is unspecified.
        if rejections.is_empty() { Ok(()) } else { Err(Predicted::OneOf(rejections)) }
    }

    /// Gives the document of a snapshot the members that keep their present value. `all` takes
    /// protected members from the snapshot.
    pub fn keep_present(self, target: &mut Value, present: &Value, all: bool) {
        let is_kept = |annotation: &&Annotation| {
            annotation.immutable || annotation.secret || (annotation.protected && !all)
        };
        keep(target, present, self.annotations().filter(is_kept), pointer::remove);
    }

    /// Gives the defaults the annotated members that the present document has; `all` takes only the
    /// immutable ones.
    pub fn keep_existing(self, target: &mut Value, present: &Value, all: bool) {
        let is_kept = |annotation: &&Annotation| annotation.immutable || !all;
        keep(target, present, self.annotations().filter(is_kept), |_, _| {});
    }

    /// The document as snapshots and audit entries show it.
    pub fn masked(self, document: &Value) -> Value {
        let mut document = document.clone();
        for secret in self.secrets() {
            if let Some(secret) = pointer::get_mut(&mut document, &secret) {
                *secret = MASK.into();
            }
        }
        document
    }

    /// Two documents whose difference is shown: it contains that a secret has changed, and no
    /// value.
    pub fn masked_pair(self, before: &Value, after: &Value) -> (Value, Value) {
        if self.former_is_missing {
            return (before.clone(), MASK.into());
        }
        let (mut masked_before, masked_after) = (self.masked(before), self.masked(after));
        for secret in self.secrets() {
            let (before, after) = (pointer::get(before, &secret), pointer::get(after, &secret));
            if let (Some(before), Some(after)) = (before, after)
                && before != after
                && let Some(secret) = pointer::get_mut(&mut masked_before, &secret)
            {
                *secret = MASK_BEFORE.into();
            }
        }
        (masked_before, masked_after)
    }
}

/// A document that differs from the present one in the kept members alone becomes the present text:
/// the order of members is no change.
fn keep(
    target: &mut Value,
    present: &Value,
    kept: impl Iterator<Item = &'static Annotation>,
    absent: impl Fn(&mut Value, &[String]),
) {
    let unkept = target.clone();
    for member in kept.map(Annotation::tokens) {
        match pointer::get(present, &member) {
            Some(value) => put(target, &member, value.clone()),
            None => absent(target, &member),
        }
    }
    if !same(target, &unkept) && same(target, present) {
        present.clone_into(target);
    }
}

/// Sets a member. A scalar or array on the way becomes an object.
fn put(document: &mut Value, member: &[String], value: Value) {
    let Some((name, rest)) = member.split_first() else {
        *document = value;
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    let Value::Object(members) = document else { unreachable!("an object since the line above") };
    put(members.entry(name).or_insert(Value::Null), rest, value);
}
