//! Rebuilds a document from an audit stream: the newest `document` and the patches after it.
//!
//! A stream is an ordinary key, so nothing in it is trusted: every text is parsed under the limits
//! of the server, and a gap in the versions ends the attempt.

use crate::budget::Budget;
use crate::json::change::{Change, ChangeKind};
use crate::json::tree::Tree;
use crate::limits::Limits;
use crate::time::unix_ms;

/// The fields of an audit entry that a rebuild uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RebuildEntry {
    /// The event.
    pub event: String,
    /// The version after the event.
    pub version: u64,
    /// The time of the event.
    at_ms: i64,
    /// The schema of the state.
    pub schema: Option<String>,
    /// The patch; only commits have one.
    patch: Option<String>,
    /// Whether the patch was too long for the stream.
    is_cut: bool,
    document: Option<String>,
}

impl RebuildEntry {
    /// Reads the fields of an entry, without those that a rebuild does not use.
    pub fn read<'f>(fields: impl IntoIterator<Item = (&'f [u8], &'f [u8])>) -> RebuildEntry {
        let mut entry = RebuildEntry::default();
        for (name, value) in fields {
            let Ok(value) = std::str::from_utf8(value) else { continue };
            match name {
                b"event" => value.clone_into(&mut entry.event),
                b"version" => entry.version = value.parse().unwrap_or(0),
                b"at" => entry.at_ms = unix_ms(value).unwrap_or(0),
                b"schema" => entry.schema = Some(value.to_owned()),
                b"patch" => entry.patch = Some(value.to_owned()),
                b"patch_bytes" => entry.is_cut = true,
                b"document" => entry.document = Some(value.to_owned()),
                _ => {}
            }
        }
        entry
    }

    /// Whether the entry rebuilds the document without older entries.
    pub fn is_start(&self) -> bool {
        self.document.is_some() || self.event == "delete"
    }

    /// Whether the entry is the commit of a version.
    fn is_commit(&self) -> bool {
        self.patch.is_some()
    }
}

/// A rebuilt document, with its secrets masked.
pub(crate) struct Rebuilt {
    pub tree: Tree<'static>,
    /// Its version.
    pub version: u64,
    /// When that version was committed.
    pub at_ms: i64,
}

/// The last document in `stream` (newest entry first), or why the stream does not have one.
pub(crate) fn rebuild(stream: &[RebuildEntry], limits: &Limits, budget: &Budget) -> Result<Rebuilt, String> {
    let mut later: Vec<&RebuildEntry> = Vec::new();
    let entries = stream.iter().filter(|entry| entry.is_commit() || entry.event == "delete");
    for entry in entries {
        if entry.event == "delete" {
            return Err("the state was deleted on purpose".to_owned());
        }
        if later.last().is_some_and(|next| entry.version.checked_add(1) != Some(next.version)) {
            return Err(format!("the stream says nothing of the version after {}", entry.version));
        }
        if let Some(document) = &entry.document {
            let mut tree = change(ChangeKind::Replace, document, &Tree::default(), limits, budget)?;
            for entry in later.iter().rev() {
                tree = patched(entry, &tree, limits, budget)?;
            }
            let newest = later.first().unwrap_or(&entry);
            return Ok(Rebuilt { tree, version: newest.version, at_ms: newest.at_ms });
        }
        later.push(entry);
    }
    Err(match later.is_empty() {
        true => "the audit stream has no version".to_owned(),
        false => "no entry of the audit stream carries a document".to_owned(),
    })
}

fn patched(
    entry: &RebuildEntry,
    base: &Tree,
    limits: &Limits,
    budget: &Budget,
) -> Result<Tree<'static>, String> {
    if entry.is_cut {
        return Err(format!("the patch of version {} was cut (state.audit-patch-bytes)", entry.version));
    }
    let patch = entry.patch.as_deref().unwrap_or_default();
    change(ChangeKind::Patch, patch, base, limits, budget)
        .map_err(|reason| format!("the patch of version {} does not apply: {reason}", entry.version))
}

fn change(
    kind: ChangeKind,
    json: &str,
    base: &Tree,
    limits: &Limits,
    budget: &Budget,
) -> Result<Tree<'static>, String> {
    // A patch can be longer than its document, and the server wrote it, possibly under other
    // limits.
    let limits = Limits { bytes_max: limits.bytes_max.max(json.len()), ..*limits };
    let change = Change::parse(kind, json.as_bytes(), &limits).map_err(|error| error.to_string())?;
    let changed =
        change.apply(base.root(), &limits, budget, &|_| false).map_err(|error| error.to_string())?;
    Ok(changed.into_tree())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: &str, version: &str, fields: &[(&str, &str)]) -> RebuildEntry {
        let all = [("event", event), ("version", version)].into_iter().chain(fields.iter().copied());
        RebuildEntry::read(all.map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    fn rebuilt(stream: &[RebuildEntry]) -> String {
        let limits = Limits::default();
        match rebuild(stream, &limits, &Budget::new(&limits)) {
            Ok(rebuilt) => format!("{} {}", rebuilt.version, rebuilt.tree.text()),
            Err(reason) => reason,
        }
    }

    fn stream() -> Vec<RebuildEntry> {
        let amount = |amount: &str| format!(r#"[{{"op":"add","path":"/amount","value":{amount}}}]"#);
        vec![
            entry("reject", "3", &[("error", "INVALID …")]),
            entry("update", "3", &[("patch", &amount("7.50"))]),
            entry("note", "2", &[]),
            entry("update", "2", &[("patch", &amount("5")), ("schema", "vimbiso.offer")]),
            entry("create", "1", &[("patch", "[]"), ("document", r#"{"handle":"zoe"}"#)]),
        ]
    }

    #[test]
    fn patches_are_applied_to_the_newest_document() {
        assert_eq!(rebuilt(&stream()), r#"3 {"handle":"zoe","amount":7.50}"#);
        assert_eq!(rebuilt(&stream()[3..]), r#"2 {"handle":"zoe","amount":5}"#);
    }

    #[test]
    fn what_can_not_be_rebuilt_says_why() {
        assert_eq!(rebuilt(&[]), "the audit stream has no version");
        assert_eq!(rebuilt(&stream()[..4]), "no entry of the audit stream carries a document");
        let deleted: Vec<RebuildEntry> = [entry("delete", "3", &[])].into_iter().chain(stream()).collect();
        assert_eq!(rebuilt(&deleted), "the state was deleted on purpose");
        let mut gap = stream();
        gap.remove(3);
        assert_eq!(rebuilt(&gap), "the stream says nothing of the version after 1");
        let mut cut = stream();
        cut[1].is_cut = true;
        assert_eq!(rebuilt(&cut), "the patch of version 3 was cut (state.audit-patch-bytes)");
        let mut broken = stream();
        broken[1].patch = Some(r#"[{"op":"remove","path":"/none"}]"#.to_owned());
        assert!(rebuilt(&broken).starts_with("the patch of version 3 does not apply: BADPATCH"));
    }
}
