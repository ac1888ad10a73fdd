//! What rollback, reset and recovery ask of the applicable schema: which members keep their present
//! value, what has lapsed from a former document, and whether it is valid.

use super::applicable_schema::ApplicableSchema;
use super::lapse::snapshot_document;
use crate::budget::Budget;
use crate::error::Error;
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::tree::Tree;
use crate::json::written::WrittenMembers;
use crate::schema::annotations::lapses::Clock;
use crate::schema::annotations::preserve::Preserve;
use crate::state::version::Version;

impl ApplicableSchema {
    /// Gives `target` the preserved members of the present document. If nothing else differs, the
    /// result is the present document byte for byte: no caller asked for another order of members.
    pub fn preserve<'v>(&self, mut target: Draft<'v>, present: Node<'v>, keep: Preserve) -> Tree<'static> {
        let unkept = target.clone().into_tree();
        self.rules().for_each(|rules| rules.preserve(&mut target, present, keep));
        let target = if !target.equals(unkept.root()) && target.equals(present) {
            Draft::Same(present)
        } else {
            target
        };
        target.into_tree()
    }

    /// The document of a snapshot without the members that have lapsed since.
    pub fn snapshot(&self, version: &Version, now_ms: i64) -> Tree<'static> {
        snapshot_document(self.schema.as_deref(), version, now_ms).into_owned().into_tree()
    }

    /// Removes from a rebuilt document what has lapsed since `at_ms`, if all of it was written
    /// then, and every masked secret, whose value is lost.
    pub fn lapse_rebuilt(&self, rebuilt: &Tree, at_ms: i64, now_ms: i64) -> Result<Tree<'static>, Error> {
        let mut value = Draft::Same(rebuilt.root());
        self.rules().for_each(|rules| rules.forget(&mut value));
        let known = value.into_tree();
        let Some(schema) = &self.schema else { return Ok(known) };
        let clock = Clock { now_ms: at_ms, before: None, written: Some(&WrittenMembers::Differing) };
        let deadlines = schema.rules().deadlines(known.root(), &clock)?;
        let mut value = Draft::Same(known.root());
        schema.rules().lapse(&mut value, &deadlines.until(now_ms));
        Ok(value.into_tree())
    }

    /// Rejects a value that violates the schema.
    ///
    /// Errors: `INVALID`, `TOOCOSTLY`.
    pub fn check(&self, value: Node, budget: &Budget) -> Result<(), Error> {
        self.validate(value, None, budget)
    }

    /// Whether a value satisfies the schema.
    ///
    /// Errors: `TOOCOSTLY`.
    pub fn admits(&self, value: Node, budget: &Budget) -> Result<bool, Error> {
        let Some(schema) = &self.schema else { return Ok(value.is_object()) };
        Ok(value.is_object() && schema.admits(value, budget)?)
    }
}
