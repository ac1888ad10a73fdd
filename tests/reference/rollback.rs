//! Rollback: the version that it returns to, and the document that it makes.

use serde_json::Value;

use crate::json::tree;
use crate::pointer;
use crate::versions::{Version, Versions};

#[derive(Clone, Copy, Debug)]
pub enum Target<'t> {
    /// So many versions back that would change the document.
    Steps(u64),
    Version(u64),
    Label(&'t str),
    LastValid,
}

/// A rollback under the rules of a schema.
pub struct Rollback<'r> {
    pub target: Target<'r>,
    /// The pointers of ONLY.
    pub only: Option<&'r [String]>,
    /// Gives members of the target, the first argument, their value in the present document.
    pub keep: &'r dyn Fn(&mut Value, &Value),
    pub is_valid: &'r dyn Fn(&Value) -> bool,
}

/// Why there is no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTarget {
    NotKept,
    /// The present version was created from no other.
    NoEarlierVersion,
    NoSuchLabel(String),
    /// A pointer of ONLY leads through an array or a scalar of the present document.
    NoPlace(String),
}

impl<C> Versions<C> {
    /// The parent of the version that a rollback makes, and its document.
    pub fn roll_back(&self, rollback: &Rollback) -> Result<(u64, Value), NoTarget> {
        let version = match rollback.target {
            Target::Steps(steps) => return self.step_back(steps, rollback),
            Target::Version(number) => self.find(number).ok_or(NoTarget::NotKept)?,
            Target::Label(name) => {
                self.labelled(name).ok_or_else(|| NoTarget::NoSuchLabel(name.to_owned()))?
            }
            Target::LastValid => {
                let is_valid = |version: &&Version<C>| (rollback.is_valid)(&tree(&version.text));
                self.snapshots().iter().rfind(is_valid).ok_or(NoTarget::NotKept)?
            }
        };
        Ok((version.parent, self.outcome(version, rollback)?))
    }

    /// Walks from parent to parent and counts the versions that would change the document.
    fn step_back(&self, steps: u64, rollback: &Rollback) -> Result<(u64, Value), NoTarget> {
        let (mut left, mut version) = (steps, self.head());
        loop {
            let is_first = self.head().parent == 0;
            let no_target = if is_first { NoTarget::NoEarlierVersion } else { NoTarget::NotKept };
            version = self.find(version.parent).ok_or(no_target)?;
            let outcome = self.outcome(version, rollback)?;
            let text = outcome.to_string();
            if text != *self.head().text {
                left -= 1;
            }
            if left == 0 {
                return Ok((version.parent, outcome));
            }
        }
    }

    /// The present document with the members of ONLY, or all members, as they were in `version`.
    fn outcome(&self, version: &Version<C>, rollback: &Rollback) -> Result<Value, NoTarget> {
        let (then, present) = (tree(&version.text), tree(&self.head().text));
        let mut document = if rollback.only.is_some() { present.clone() } else { then.clone() };
        for member in rollback.only.into_iter().flatten() {
            let tokens = pointer::tokens(member).expect("ONLY has valid pointers");
            match pointer::get(&then, &tokens) {
                Some(value) => pointer::set(&mut document, &tokens, value.clone())
                    .ok_or_else(|| NoTarget::NoPlace(member.clone()))?,
                None => pointer::remove(&mut document, &tokens),
            }
        }
        (rollback.keep)(&mut document, &present);
        Ok(document)
    }
}
