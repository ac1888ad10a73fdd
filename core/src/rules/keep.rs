//! Members that a command leaves as they are: what REPLACE and SHALLOW do not mention, and what neither rollback, reset nor
//! recovery may bring back.

use serde_json::{Map, Value};

use super::Rules;
use super::places::{Marks, Place};

/// Which members keep their present value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Protected, immutable and secret ones.
    Guarded,
    /// The same where they are there; an absent one may get its default: reset, and defaults filled by a recovery.
    GuardedIfThere,
    /// Immutable and secret ones only: ROLLBACK with ALL.
    NotProtected,
    /// Protected and immutable ones: a secret in a form goes with the form.
    Lapsing,
}

impl Keep {
    fn holds(self, marks: Marks) -> bool {
        match self {
            Keep::Guarded | Keep::GuardedIfThere => marks.immutable || marks.secret || marks.protected,
            Keep::NotProtected => marks.immutable || marks.secret,
            Keep::Lapsing => marks.immutable || marks.protected,
        }
    }
}

impl Rules {
    /// Puts back the protected and immutable members that `change` (the whole document, or the members of a shallow
    /// change applied) does not mention.
    pub fn keep_unmentioned(&self, after: &mut Value, before: &Value) {
        if let Some(root) = self.root() {
            self.keep_unmentioned_at(root, after, before);
        }
    }

    fn keep_unmentioned_at(&self, place: &Place, after: &mut Value, before: &Value) {
        // What is no object any more was mentioned, and the guard has its say.
        let (Value::Object(after), Value::Object(before)) = (after, before) else { return };
        for (name, below) in self.members(place, |marks| marks.protected || marks.immutable) {
            let Some(before) = before.get(name) else { continue };
            match after.get_mut(name) {
                Some(after) => self.keep_unmentioned_at(below, after, before),
                None if below.marks.protected || below.marks.immutable => {
                    after.insert(name.to_owned(), before.clone());
                }
                None => {
                    let mut holder = Value::Object(Map::new());
                    self.keep_unmentioned_at(below, &mut holder, before);
                    if holder.as_object().is_some_and(|members| !members.is_empty()) {
                        after.insert(name.to_owned(), holder);
                    }
                }
            }
        }
    }

    /// Gives the members that are kept their present value in `target`; those that are absent now are absent there.
    pub fn keep_present(&self, target: &mut Value, present: &Value, keep: Keep) {
        if let Some(root) = self.root() {
            self.keep_present_at(root, target, Some(present), keep);
        }
    }

    pub(super) fn keep_present_at(
        &self,
        place: &Place,
        target: &mut Value,
        present: Option<&Value>,
        keep: Keep,
    ) {
        for (name, below) in self.members(place, |marks| keep.holds(marks)) {
            let present = super::member(present, name);
            if keep.holds(below.marks) {
                if present.is_some() || keep != Keep::GuardedIfThere {
                    set_member(target, name, present.cloned());
                }
                continue;
            }
            let had_it = target.get(name).is_some();
            if !had_it && present.is_none() {
                continue;
            }
            let mut holder = match target.get_mut(name) {
                Some(member) => member.take(),
                None => Value::Object(Map::new()),
            };
            self.keep_present_at(below, &mut holder, present, keep);
            // A holder is made for what it has to hold only.
            let holds_something = holder.as_object().is_none_or(|members| !members.is_empty());
            if had_it || holds_something {
                set_member(target, name, Some(holder));
            }
        }
    }
}

/// Sets or removes a member; what is no object becomes one to hold it.
fn set_member(target: &mut Value, name: &str, value: Option<Value>) {
    match (target, value) {
        (Value::Object(members), Some(value)) => {
            members.insert(name.to_owned(), value);
        }
        (Value::Object(members), None) => {
            members.shift_remove(name);
        }
        (_, None) => {}
        (target, Some(value)) => {
            *target = Value::Object([(name.to_owned(), value)].into_iter().collect());
        }
    }
}
