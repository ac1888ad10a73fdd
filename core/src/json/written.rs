//! The members that a change writes, whatever their former values: a deadline is renewed even when
//! the same value is written again.

use std::borrow::Cow;

use super::change::ChangeKind;
use super::equal::equal;
use super::node::Node;
use super::patch;
use super::pointer::Pointer;
use super::tree::Tree;

/// The members that a change writes.
#[derive(Clone, Debug)]
pub(crate) enum WrittenMembers<'c> {
    /// The differences between the documents before and after: REPLACE, rollback, reset, recovery.
    Differing,
    /// Members named by an object: MERGE and SHALLOW.
    Named(Cow<'c, Tree<'static>>),
    /// Pointers of a patch.
    Places(Vec<Pointer>),
}

impl<'c> WrittenMembers<'c> {
    /// The members that the JSON of a change writes. It has no masked secrets, except in operations
    /// of a patch whose value `is_masked_secret`.
    pub(crate) fn by(
        kind: ChangeKind,
        json: Cow<'c, Tree<'static>>,
        is_masked_secret: &dyn Fn(&Pointer, Node) -> bool,
    ) -> WrittenMembers<'c> {
        match kind {
            ChangeKind::Replace => WrittenMembers::Differing,
            ChangeKind::Merge | ChangeKind::Shallow => WrittenMembers::Named(json),
            ChangeKind::Patch => WrittenMembers::Places(patch::writes(json.root(), is_masked_secret)),
        }
    }

    /// Whether the member at `place`, or one in it, is written. `before` and `after` are its
    /// values.
    pub(crate) fn touches(&self, place: &Pointer, before: Option<Node>, after: Node) -> bool {
        match self {
            WrittenMembers::Differing => !before.is_some_and(|before| equal(before, after)),
            WrittenMembers::Named(change) => names(change.root(), place.tokens()),
            WrittenMembers::Places(places) => {
                places.iter().any(|written| written.is_prefix_of(place) || place.is_prefix_of(written))
            }
        }
    }
}

/// Whether an object names the member at these tokens. A scalar on the way replaces it.
fn names(change: Node, tokens: &[String]) -> bool {
    match tokens.split_first() {
        Some((token, rest)) if change.is_object() => {
            change.get(token).is_some_and(|below| names(below, rest))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;

    fn touches(kind: ChangeKind, json: &str, place: &str) -> bool {
        let json = parse(json.as_bytes(), 8).expect(json);
        let place = Pointer::parse(place).expect(place);
        let before = parse(br#"{"amount":1.0}"#, 8).expect("json");
        let is_masked_secret = |pointer: &Pointer, value: Node| {
            value.text() == "\"***\"" && pointer.to_string() == "/auth/token"
        };
        WrittenMembers::by(kind, Cow::Owned(json), &is_masked_secret).touches(
            &place,
            Some(before.root()),
            before.root(),
        )
    }

    #[test]
    fn merges_write_what_they_name() {
        for kind in [ChangeKind::Merge, ChangeKind::Shallow] {
            for (json, place, written) in [
                (r#"{"auth":{"token":"x"}}"#, "/auth/token", true),
                (r#"{"auth":{"token":"x"}}"#, "/auth", true),
                (r#"{"auth":{"kind":"x"}}"#, "/auth/token", false),
                (r#"{"auth":"none"}"#, "/auth/token", true),
            ] {
                assert_eq!(touches(kind, json, place), written, "{json} {place}");
            }
        }
    }

    #[test]
    fn patches_write_where_they_point() {
        for (operation, written) in [
            (r#"{"op":"add","path":"/current/data/rows/-","value":1}"#, true),
            (r#"{"op":"replace","path":"/current","value":{}}"#, true),
            (r#"{"op":"remove","path":"/current/data"}"#, true),
            (r#"{"op":"move","from":"/current/data/a","path":"/other"}"#, true),
            (r#"{"op":"copy","from":"/current/data","path":"/other"}"#, false),
            (r#"{"op":"test","path":"/current/data","value":1}"#, false),
            (r#"{"op":"add","path":"/current/database","value":1}"#, false),
        ] {
            assert_eq!(
                touches(ChangeKind::Patch, &format!("[{operation}]"), "/current/data"),
                written,
                "{operation}"
            );
        }
        let masked = r#"[{"op":"replace","path":"/auth/token","value":"***"}]"#;
        assert!(!touches(ChangeKind::Patch, masked, "/auth/token"));
    }

    #[test]
    fn a_replacement_writes_what_differs() {
        assert!(!touches(ChangeKind::Replace, "{}", "/current"));
    }
}
