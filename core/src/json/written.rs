//! Which members a change writes, whatever their values were before: a deadline starts anew even when the same value is
//! written again.

use serde_json::Value;

use super::change::{Change, ChangeKind};
use super::equal::equal;
use super::patch;
use super::pointer::Pointer;

/// The members that a change writes.
#[derive(Clone, Debug)]
pub(crate) enum Written {
    /// What differs between the document before and after: REPLACE, rollback, reset, recovery.
    Differing,
    /// Members named by an object: MERGE and SHALLOW.
    Named(Value),
    /// Places named by a patch.
    Places(Vec<Pointer>),
}

impl Written {
    /// What `change` writes; `"***"` at a place that `is_secret` is no mention.
    pub(crate) fn by(change: &Change, is_secret: &dyn Fn(&Pointer) -> bool) -> Written {
        match change.kind() {
            ChangeKind::Replace => Written::Differing,
            ChangeKind::Merge | ChangeKind::Shallow => Written::Named(change.json().clone()),
            ChangeKind::Patch => {
                let writes = patch::writes(change.json());
                let hidden = |pointer: &Pointer, value: Option<&Value>| {
                    value.is_some_and(|value| value == "***") && is_secret(pointer)
                };
                let writes = writes.into_iter().filter(|(pointer, value)| !hidden(pointer, *value));
                Written::Places(writes.map(|(pointer, _)| pointer).collect())
            }
        }
    }

    /// Whether the member at `place` is written, or something in it. `before` and `after` are its values.
    pub(crate) fn touches(
        &self,
        place: &Pointer,
        is_secret: bool,
        before: Option<&Value>,
        after: &Value,
    ) -> bool {
        match self {
            Written::Differing => !before.is_some_and(|before| equal(before, after)),
            Written::Named(change) => names(change, place.tokens(), is_secret),
            Written::Places(places) => {
                places.iter().any(|written| written.is_prefix_of(place) || place.is_prefix_of(written))
            }
        }
    }
}

/// Whether an object names the member that the tokens lead to. What stands in the way replaces it.
fn names(change: &Value, tokens: &[String], is_secret: bool) -> bool {
    match (change, tokens.split_first()) {
        (_, None) => !(is_secret && change == "***"),
        (Value::Object(members), Some((token, rest))) => {
            members.get(token).is_some_and(|below| names(below, rest, is_secret))
        }
        (_, Some(_)) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;
    use crate::limits::Limits;

    fn touches(kind: ChangeKind, json: &str, place: &str) -> bool {
        let change = Change::parse(kind, json.as_bytes(), &Limits::default()).expect(json);
        let place = Pointer::parse(place).expect(place);
        let is_secret = |pointer: &Pointer| pointer.to_string() == "/auth/token";
        let before = parse(br#"{"amount":1.0}"#, 8).expect("json");
        Written::by(&change, &is_secret).touches(&place, is_secret(&place), Some(&before), &before)
    }

    #[test]
    fn merges_write_what_they_name() {
        for kind in [ChangeKind::Merge, ChangeKind::Shallow] {
            for (json, place, written) in [
                (r#"{"auth":{"token":"x"}}"#, "/auth/token", true),
                (r#"{"auth":{"token":"x"}}"#, "/auth", true),
                (r#"{"auth":{"kind":"x"}}"#, "/auth/token", false),
                (r#"{"auth":"none"}"#, "/auth/token", true),
                (r#"{"auth":{"token":"***"}}"#, "/auth/token", false),
                (r#"{"current":{"data":"***"}}"#, "/current/data", true),
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
        let hidden = r#"[{"op":"replace","path":"/auth/token","value":"***"}]"#;
        assert!(!touches(ChangeKind::Patch, hidden, "/auth/token"));
    }

    #[test]
    fn a_replacement_writes_what_differs() {
        assert!(!touches(ChangeKind::Replace, "{}", "/current"));
    }
}
