//! The four kinds of change of STATE.UPDATE.

use super::draft::Draft;
use super::node::Node;
use super::parse::parse;
use super::pointer::Pointer;
use super::tree::Tree;
use super::{merge, patch};
use crate::budget::Budget;
use crate::error::Error;
use crate::limits::Limits;

pub use redis_state_types::ChangeKind;

/// A parsed change: its size, depth and syntax are checked, its effect on a document is not.
#[derive(Clone, Debug)]
pub struct Change {
    kind: ChangeKind,
    json: Tree<'static>,
}

impl Change {
    /// Parses the JSON of an update.
    ///
    /// Errors: `TOOBIG` and `TOODEEP` by `limits` (a patch may be two containers deeper: its array
    /// and its operation), `BADJSON`.
    pub fn parse(kind: ChangeKind, json: &[u8], limits: &Limits) -> Result<Change, Error> {
        if json.len() > limits.bytes_max {
            return Err(Error::TooBig {
                what: "json",
                bytes: json.len(),
                limit_name: "state.max-bytes",
                limit: limits.bytes_max,
            });
        }
        let wrapping = if kind == ChangeKind::Patch { 2 } else { 0 };
        let json = parse(json, limits.depth_max.saturating_add(wrapping))?;
        Ok(Change { kind, json })
    }

    /// Its kind.
    pub(crate) fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// Its JSON.
    pub(crate) fn json(&self) -> Node<'_> {
        self.json.root()
    }

    /// Its JSON as a tree.
    pub(crate) fn tree(&self) -> &Tree<'static> {
        &self.json
    }

    /// Its JSON.
    pub(crate) fn into_json(self) -> Tree<'static> {
        self.json
    }

    /// Applies the change to `base`; the caller checks that the result is an object, valid and
    /// within the limits. A patch that reads where `reads_secret` is rejected.
    pub(crate) fn apply<'a>(
        &'a self,
        base: Node<'a>,
        limits: &Limits,
        budget: &Budget,
        reads_secret: &dyn Fn(&Pointer) -> bool,
    ) -> Result<Draft<'a>, Error> {
        let mut result = Draft::Same(base);
        match self.kind {
            ChangeKind::Merge => merge::merge(&mut result, self.json(), budget)?,
            ChangeKind::Shallow => merge::shallow(&mut result, self.json(), budget)?,
            ChangeKind::Patch => patch::patch(&mut result, self.json(), limits, budget, reads_secret)?,
            ChangeKind::Replace => result = Draft::Same(self.json()),
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::json::oracle;

    /// The result of the oracle.
    fn expected(kind: ChangeKind, base: &Value, json: &Value, limits: &Limits) -> Result<Value, Error> {
        let mut result = base.clone();
        match kind {
            ChangeKind::Merge => oracle::merge::merge(&mut result, json.clone()),
            ChangeKind::Shallow => oracle::merge::shallow(&mut result, json.clone()),
            ChangeKind::Patch => oracle::patch::patch(&mut result, json, limits, &|_| false)?,
            ChangeKind::Replace => result.clone_from(json),
        }
        Ok(result)
    }

    /// The result of the crate json-patch, which reorders members; `None` where it reads or applies
    /// the change differently: it rewrites numbers, and compares them by their text.
    fn by_json_patch(kind: ChangeKind, base: &Value, json: &Value) -> Option<Value> {
        let mut result = base.clone();
        match kind {
            ChangeKind::Merge => json_patch::merge(&mut result, json),
            ChangeKind::Patch => {
                let read = serde_json::from_value::<json_patch::Patch>(json.clone()).ok()?;
                (serde_json::to_value(&read).ok().as_ref() == Some(json)).then_some(())?;
                json_patch::patch(&mut result, &read).ok()?;
            }
            ChangeKind::Shallow | ChangeKind::Replace => return None,
        }
        Some(result)
    }

    fn agree(kind: ChangeKind, base: &Value, json: &Value) {
        // Deep enough for some rejections.
        let limits = Limits { depth_max: 52, bytes_max: 4096, ..Limits::default() };
        let (base_text, json_text) = (base.to_string(), json.to_string());
        let Ok(change) = Change::parse(kind, json_text.as_bytes(), &limits) else { return };
        let tree = Tree::of_trusted(base_text.as_str());
        let ours = change.apply(tree.root(), &limits, &Budget::new(&limits), &|_| false).map(|changed| {
            let (len, depth, tree) = (changed.text_len(), changed.depth(), changed.into_tree());
            assert_eq!((len, depth), (tree.text().len(), tree.root().depth()));
            assert!(tree.is_as_found(), "{}", tree.text());
            tree
        });
        if let Ok(ours) = &ours {
            let by_crate = by_json_patch(kind, base, json);
            assert!(
                by_crate.is_none_or(|theirs| ours.root().to_value() == theirs),
                "{kind:?} {base_text} {json_text}"
            );
        }
        let theirs = expected(kind, base, json, &limits);
        let shown = format!("{kind:?} {base_text} {json_text}");
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours.text(), theirs.to_string(), "{shown}");
                assert_eq!(ours.root().to_value(), theirs, "{shown}");
            }
            (ours, theirs) => assert_eq!(ours.map(drop), theirs.map(drop), "{shown}"),
        }
    }

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        #[test]
        fn merges_and_replacements_agree_with_the_oracle(pair in oracle::similar_pair()) {
            for kind in [ChangeKind::Merge, ChangeKind::Shallow, ChangeKind::Replace] {
                agree(kind, &pair.0, &pair.1);
            }
        }

        #[test]
        fn patches_agree_with_the_oracle(pair in oracle::document_and_patch()) {
            agree(ChangeKind::Patch, &pair.0, &pair.1);
        }
    }
}
