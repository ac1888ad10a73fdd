//! Secrets: `"***"` for every reader but one, and `"***"` that is written back.
//!
//! Whole values are replaced, whatever they are: even a length or a type would be a hint. And where a change must not touch
//! a secret, it is applied to a document that does not have it: were the change compared with the secret itself, a right
//! guess would be no change and a wrong one a refusal.

use serde_json::Value;

use super::guard::Before;
use super::places::{Marks, Place};
use super::{Rules, member, within};
use crate::error::Error;
use crate::json::pointer::Pointer;

/// What stands for a secret. No secret has this value: writing it is no mention of the member.
const SECRET: &str = "***";
/// What stands for a secret in a document that is compared with another one, when the two secrets differ.
const OTHER_SECRET: &str = "**";

impl Rules {
    /// Hides every secret.
    pub fn mask(&self, value: &mut Value) {
        if let Some(root) = self.root() {
            self.mask_at(root, value);
        }
    }

    fn mask_at(&self, place: &Place, value: &mut Value) {
        if place.marks.secret {
            *value = Value::from(SECRET);
            return;
        }
        for (name, below) in self.members(place, |marks| marks.secret) {
            if let Some(member) = value.get_mut(name) {
                self.mask_at(below, member);
            }
        }
    }

    /// Whether there is a secret in a document.
    pub fn has_secret(&self, value: &Value) -> bool {
        self.root().is_some_and(|root| self.has_secret_at(root, value))
    }

    fn has_secret_at(&self, place: &Place, value: &Value) -> bool {
        let mut members = self.members(place, |marks| marks.secret);
        place.marks.secret
            || members
                .any(|(name, below)| value.get(name).is_some_and(|member| self.has_secret_at(below, member)))
    }

    /// Hides every secret in two documents whose difference is to be shown. It still says that a secret was written, and
    /// nothing else about it: values in it are those of `after`.
    pub fn mask_pair(&self, before: &mut Value, after: &mut Value) {
        if let Some(root) = self.root() {
            self.mask_pair_at(root, before, after);
        }
    }

    fn mask_pair_at(&self, place: &Place, before: &mut Value, after: &mut Value) {
        if place.marks.secret {
            *before = Value::from(if before == after { SECRET } else { OTHER_SECRET });
            *after = Value::from(SECRET);
            return;
        }
        for (name, below) in self.members(place, |marks| marks.secret) {
            match (before.get_mut(name), after.get_mut(name)) {
                (Some(before), Some(after)) => self.mask_pair_at(below, before, after),
                (Some(only), None) | (None, Some(only)) => self.mask_at(below, only),
                (None, None) => {}
            }
        }
    }

    /// Hides the secrets that a caller without the right can't write anyway; [`Rules::unmask`] brings them back. With
    /// `is_set`, that is immutable ones too.
    pub fn mask_guarded(&self, value: &mut Value, is_set: bool) {
        if let Some(root) = self.root() {
            self.mask_guarded_at(root, Marks::default(), value, is_set);
        }
    }

    fn mask_guarded_at(&self, place: &Place, above: Marks, value: &mut Value, is_set: bool) {
        let marks = above.with(place.marks);
        if is_guarded_secret(marks, is_set) {
            *value = Value::from(SECRET);
            return;
        }
        for (name, below) in self.members(place, move |below| marks.secret || below.secret) {
            if let Some(member) = value.get_mut(name) {
                self.mask_guarded_at(below, marks, member, is_set);
            }
        }
    }

    /// Refuses a value for such a secret where one is set, the one that it has too.
    ///
    /// Errors: `PROTECTED`, `IMMUTABLE`.
    pub fn refuse_guesses(&self, before: Before, after: &Value) -> Result<(), Error> {
        let Some(root) = self.root() else { return Ok(()) };
        self.refuse_guesses_at(root, Marks::default(), &mut String::new(), before, after)
    }

    fn refuse_guesses_at(
        &self,
        place: &Place,
        above: Marks,
        pointer: &mut String,
        before: Before,
        after: &Value,
    ) -> Result<(), Error> {
        let marks = above.with(place.marks);
        if is_guarded_secret(marks, before.document.is_some()) {
            let pointer = pointer.clone();
            return match (after == SECRET, before.document.or(before.protected)) {
                (true, _) | (_, None) => Ok(()),
                (false, _) if marks.immutable && before.document.is_some() => {
                    Err(Error::Immutable { pointer })
                }
                (false, _) => Err(Error::Protected { pointer }),
            };
        }
        for (name, below) in self.members(place, move |below| marks.secret || below.secret) {
            if let Some(after) = after.get(name) {
                let before = before.member(name);
                within(pointer, name, |pointer| {
                    self.refuse_guesses_at(below, marks, pointer, before, after)
                })?;
            }
        }
        Ok(())
    }

    /// Takes `"***"` at a secret's place, or below it, for what it stands for: the value in `before`, or nothing where there
    /// is none.
    pub fn unmask(&self, after: &mut Value, before: Option<&Value>) {
        if let Some(root) = self.root() {
            self.unmask_at(root, false, after, before);
        }
    }

    fn unmask_at(&self, place: &Place, in_secret: bool, after: &mut Value, before: Option<&Value>) {
        let Value::Object(members) = after else { return };
        for (name, below) in self.members(place, move |marks| in_secret || marks.secret) {
            let before = member(before, name);
            let Some(member) = members.get_mut(name) else { continue };
            let is_secret = in_secret || below.marks.secret;
            if !is_secret || member != SECRET {
                self.unmask_at(below, is_secret, member, before);
                continue;
            }
            match before {
                Some(before) => *member = before.clone(),
                None => drop(members.shift_remove(name)),
            }
        }
    }

    /// Whether `value` at `pointer` stands for a secret, so that writing it there is no mention.
    pub fn is_no_mention(&self, pointer: &Pointer, value: &Value) -> bool {
        value == SECRET && self.secret_at(pointer).is_some_and(|place| place == pointer.to_string())
    }

    /// Takes every `"***"` at a secret's place for a secret that nobody knows any more: it goes back to its default, or away.
    pub fn forget(&self, value: &mut Value) {
        if let Some(root) = self.root() {
            self.forget_at(root, value);
        }
    }

    fn forget_at(&self, place: &Place, value: &mut Value) {
        let Value::Object(members) = value else { return };
        for (name, below) in self.members(place, |marks| marks.secret) {
            let Some(member) = members.get_mut(name) else { continue };
            match &below.default {
                _ if !below.marks.secret => self.forget_at(below, member),
                Some(default) => *member = default.clone(),
                None => drop(members.shift_remove(name)),
            }
        }
    }

    /// Whether reading at this pointer would read a secret: at, above or below one.
    pub fn reads_secret(&self, pointer: &Pointer) -> bool {
        let Some(mut place) = self.root() else { return false };
        for token in pointer.tokens() {
            if place.marks.secret {
                return true;
            }
            match self.below(place, token) {
                Some(below) => place = below,
                None => return false,
            }
        }
        place.marks_within().secret
    }

    /// The secret that a pointer names or lies below, if any.
    pub fn secret_at(&self, pointer: &Pointer) -> Option<String> {
        let mut place = self.root()?;
        let mut path = String::new();
        for token in pointer.tokens() {
            place = self.below(place, token)?;
            path.push('/');
            path.push_str(&crate::json::pointer::escaped(token));
            if place.marks.secret {
                return Some(path);
            }
        }
        None
    }
}

/// Whether a secret can't be written without the right to.
fn is_guarded_secret(marks: Marks, is_set: bool) -> bool {
    marks.secret && (marks.protected || (marks.immutable && is_set))
}
