//! What a commit must not reveal: secrets in its audit entry, and those of snapshots that a new
//! schema would not mask.

use super::applicable_schema::ApplicableSchema;
use crate::json::draft::Draft;
use crate::json::node::Node;
use crate::json::tree::Tree;
use crate::schema::annotations::rules::Rules;
use crate::schema::annotations::secrets::mask;
use crate::state::State;
use crate::state::history::Dropped;
use crate::state::version::Version;

impl ApplicableSchema {
    /// Whether a document has a secret by the schema.
    pub fn has_secret(&self, value: Node) -> bool {
        self.schema.as_ref().is_some_and(|schema| schema.rules().has_secret(value))
    }

    /// Two documents with their secrets masked, for an audit entry; the first may be missing.
    /// `records_document`: the entry has the whole document. `None` if masking is not needed: the
    /// patch between them omits equal secrets.
    pub fn masked(
        &self,
        before: Option<Node>,
        after: Node,
        records_document: bool,
    ) -> Option<(Option<Tree<'static>>, Tree<'static>)> {
        if self.former_is_removed {
            let everything = Draft::Same(mask().root()).into_tree();
            return Some((before.map(|before| Draft::Same(before).into_tree()), everything));
        }
        let differs = |rules: &Rules| before.is_none_or(|before| !rules.are_passed_over(before, after));
        if !self.rules().any(|rules| rules.has_secrets() && (records_document || differs(rules))) {
            return None;
        }
        let mut masked: Option<(Option<Tree>, Tree)> = None;
        for rules in self.rules() {
            let (before, after) = match &masked {
                Some((before, after)) => (before.as_ref().map(Tree::root), after.root()),
                None => (before, after),
            };
            masked = Some(match before {
                Some(before) => {
                    let (before, after) = rules.masked_pair(before, after);
                    (Some(before), after)
                }
                None => (None, rules.masked(after)),
            });
        }
        masked
    }

    /// Drops the snapshots whose secrets the new schema of a state would not mask. A label that the
    /// same command sets does not count.
    pub fn drop_unmasked(&self, state: &State, new_label: Option<&str>, dropped: &mut Dropped) {
        if !self.replaces_schema_of(state) {
            return;
        }
        for version in state.versions().filter(|version| !self.masks(version)) {
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

    /// Whether the new schema masks every secret of a version.
    fn masks(&self, version: &Version) -> bool {
        let Some(former) = self.former.as_ref().filter(|former| former.rules().has_secrets()) else {
            return !version.has_secret;
        };
        let document = version.document.tree();
        let masked = self.schema.as_ref().map(|schema| schema.rules().masked(document.root()));
        let masked = masked.as_ref().unwrap_or(&document);
        former.rules().masked(masked.root()).text() == masked.text()
    }
}
