//! Guarded members on plain trees: what a change may not touch, what it leaves as it was, and what is shown of secrets.
//!
//! A document may have to obey two schemas at once, the one that counts now and the one before it: what was immutable
//! stays so, and what was kept is kept.

use serde_json::{Map, Value};

use crate::guarded::Mark;
use crate::json;
use crate::rules::Rules;
use crate::state::{bring_back, take_away};
use crate::want::Want;

/// What stands for a secret. Written, it is no mention of the member.
const HIDDEN: &str = "***";
/// What stands for the former of two secrets that differ.
const HIDDEN_BEFORE: &str = "**";

/// The schema that counts, and the one that the state obeyed until now when that is another.
#[derive(Clone, Copy, Debug)]
pub struct Obeyed {
    pub rules: Option<Rules>,
    pub former: Option<Rules>,
    /// It is not there any more, so that any value may have been a secret.
    pub former_is_gone: bool,
}

impl Obeyed {
    fn marks(self) -> impl Iterator<Item = &'static Mark> {
        self.rules.into_iter().chain(self.former).flat_map(Rules::marks)
    }

    /// The places of secrets.
    pub fn secrets(self) -> Vec<Vec<String>> {
        self.marks().filter(|mark| mark.secret).map(Mark::tokens).collect()
    }

    /// What a new state begins with.
    pub fn begins_with(self) -> Value {
        let mut document = Value::Object(Map::new());
        self.rules.into_iter().for_each(|rules| rules.fill(&mut document));
        document
    }

    /// The defaults, with the members that are kept; one of these that is absent now gets its default too.
    pub fn reset(self, present: &Value) -> Value {
        let mut value = self.begins_with();
        self.keep_what_is_there(&mut value, present);
        value
    }

    /// Whether a version shows no secret of the schema before: the schema of now hides all of them. Where nobody knows any more
    /// which they were, it must have had none.
    pub fn hides(self, document: &Value, had_secret: bool) -> bool {
        let hidden = self.rules.map(Rules::secrets).unwrap_or_default();
        match self.former.map(Rules::secrets).filter(|secrets| !secrets.is_empty()) {
            Some(secrets) => {
                secrets.iter().all(|place| hidden.contains(place) || json::get(document, place).is_none())
            }
            None => !had_secret,
        }
    }

    /// Takes `"***"` for the secret it stands for, or for nothing where there is none.
    pub fn unhide(self, after: &mut Value, before: Option<&Value>) {
        for place in self.secrets() {
            if json::get(after, &place).is_none_or(|value| value != HIDDEN) {
                continue;
            }
            match before.and_then(|before| json::get(before, &place)) {
                Some(before) => put(after, &place, before.clone()),
                None => take_away(after, &place),
            }
        }
    }

    /// Puts back the members that a REPLACE or SHALLOW does not mention. What took the place of the object around one is a
    /// mention.
    pub fn keep_unmentioned(self, after: &mut Value, before: &Value) {
        for mark in self.marks().filter(|mark| mark.protected || mark.immutable) {
            let place = mark.tokens();
            if let (Some(before), None) = (json::get(before, &place), json::get(after, &place)) {
                bring_back(after, &place, before.clone());
            }
        }
    }

    /// Refuses a write of members that may not be written. One that has the value it had, in other words, keeps its text.
    ///
    /// `document` is the state's, `protected` what protected members may not differ from: at creation the defaults.
    pub fn guard(
        self,
        document: Option<&Value>,
        protected: Option<&Value>,
        after: &mut Value,
        may_protect: bool,
    ) -> Result<(), Want> {
        let mut refusals = Vec::new();
        let new = self.rules.into_iter().flat_map(Rules::marks).map(|mark| (mark, may_protect));
        // Of the former schema only what is immutable counts.
        let former = self.former.into_iter().flat_map(Rules::marks).map(|mark| (mark, true));
        for (mark, may_protect) in new.chain(former) {
            let place = mark.tokens();
            let mut is_as_in = |before: Option<&Value>| {
                let before = before.and_then(|before| json::get(before, &place));
                match (before, json::get_mut(after, &place)) {
                    (Some(before), Some(after)) if json::same(before, after) => {
                        before.clone_into(after);
                        true
                    }
                    (before, after) => before.is_none() && after.is_none(),
                }
            };
            let is_set = document.is_some_and(|document| json::get(document, &place).is_some());
            if mark.immutable && is_set && !is_as_in(document) {
                refusals.push(Want::ErrorBegins(format!("IMMUTABLE {}: ", mark.pointer())));
            }
            if mark.protected && !is_as_in(protected) && !may_protect {
                refusals.push(Want::ErrorBegins(format!("PROTECTED {}: ", mark.pointer())));
            }
        }
        // Of several the contract does not say which is named.
        if refusals.is_empty() { Ok(()) } else { Err(Want::OneOf(refusals)) }
    }

    /// Gives a document of old the members that keep their present value; `all` takes protected ones from the past.
    pub fn keep_present(self, target: &mut Value, present: &Value, all: bool) {
        let kept = self.marks().filter(|mark| mark.immutable || mark.secret || (mark.protected && !all));
        keep(target, present, kept, take_away);
    }

    /// The same, but members that are absent now may come.
    pub fn keep_what_is_there(self, target: &mut Value, present: &Value) {
        keep(target, present, self.marks(), |_, _| {});
    }

    /// The document as a past version shows it, and as it is on record.
    pub fn hidden(self, document: &Value) -> Value {
        let mut document = document.clone();
        for place in self.secrets() {
            if let Some(secret) = json::get_mut(&mut document, &place) {
                *secret = HIDDEN.into();
            }
        }
        document
    }

    /// Two documents whose difference is shown: it tells that a secret was written, and no more.
    pub fn hidden_pair(self, before: &Value, after: &Value) -> (Value, Value) {
        if self.former_is_gone {
            return (before.clone(), HIDDEN.into());
        }
        let (mut shown, hidden) = (self.hidden(before), self.hidden(after));
        for place in self.secrets() {
            let (before, after) = (json::get(before, &place), json::get(after, &place));
            if let (Some(before), Some(after)) = (before, after)
                && before != after
                && let Some(secret) = json::get_mut(&mut shown, &place)
            {
                *secret = HIDDEN_BEFORE.into();
            }
        }
        (shown, hidden)
    }
}

/// When nothing else was different it is the present document to the letter: the order of members is no change.
fn keep(
    target: &mut Value,
    present: &Value,
    kept: impl Iterator<Item = &'static Mark>,
    absent: impl Fn(&mut Value, &[String]),
) {
    let unkept = target.clone();
    for place in kept.map(Mark::tokens) {
        match json::get(present, &place) {
            Some(value) => put(target, &place, value.clone()),
            None => absent(target, &place),
        }
    }
    if !json::same(target, &unkept) && json::same(target, present) {
        present.clone_into(target);
    }
}

/// Sets a member; what is no object on the way becomes one.
fn put(document: &mut Value, place: &[String], value: Value) {
    let Some((name, rest)) = place.split_first() else {
        *document = value;
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    let Value::Object(members) = document else { unreachable!("made an object above") };
    put(members.entry(name).or_insert(Value::Null), rest, value);
}
