//! The four kinds of change of STATE.UPDATE, as JSON text.

use redis_state_types::ChangeKind;
use serde::Serialize;

use crate::error::{Error, Result};

/// A change of a document: [RFC 7396] merge patch, shallow merge, [RFC 6902] patch, or the whole
/// document.
///
/// [RFC 7396]: https://www.rfc-editor.org/rfc/rfc7396
/// [RFC 6902]: https://www.rfc-editor.org/rfc/rfc6902
///
/// It is made of anything that serde serializes: a struct with the changed members, or `json!`.
/// Errors of all: [`Unexpected`](crate::ErrorKind::Unexpected) if serde can't serialize it, such as
/// a map whose keys are not strings.
///
/// ```
/// use redis_state_client::Change;
/// use serde_json::json;
///
/// #[derive(serde::Serialize)]
/// struct Offer { amount: u32, handle: String }
///
/// let step = Change::merge(&json!({"current": {"path": "offer", "component": "AmountInput"}}))?;
/// let account = Change::shallow(&json!({"active_account_id": null}))?;
/// let checked = Change::patch(&json!([
///     {"op": "test", "path": "/amount", "value": 12.5},
///     {"op": "add", "path": "/handle", "value": "tariro"},
/// ]))?;
/// let whole = Change::replace(&Offer { amount: 5, handle: "tariro".into() })?;
/// assert_eq!(whole.json(), r#"{"amount":5,"handle":"tariro"}"#);
/// # Ok::<(), redis_state_client::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    kind: ChangeKind,
    json: String,
}

impl Change {
    /// A JSON Merge Patch: members are set or merged, null removes. It can't store null.
    pub fn merge(members: &impl Serialize) -> Result<Change> {
        Change::new(ChangeKind::Merge, members)
    }

    /// Each top-level member replaces the member of the same name as a whole; null is a value.
    pub fn shallow(members: &impl Serialize) -> Result<Change> {
        Change::new(ChangeKind::Shallow, members)
    }

    /// A JSON Patch: an array of operations.
    pub fn patch(operations: &impl Serialize) -> Result<Change> {
        Change::new(ChangeKind::Patch, operations)
    }

    /// The whole document; protected and immutable members that it does not mention stay.
    pub fn replace(document: &impl Serialize) -> Result<Change> {
        Change::new(ChangeKind::Replace, document)
    }

    /// An empty change: it moves the expiry, and with an event or a note it is audited.
    pub fn none() -> Change {
        Change::of_text(ChangeKind::Merge, "{}")
    }

    /// A change from JSON text; the server reports errors in it.
    pub fn of_text(kind: ChangeKind, json: impl Into<String>) -> Change {
        Change { kind, json: json.into() }
    }

    /// The kind of change.
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// The JSON text.
    pub fn json(&self) -> &str {
        &self.json
    }

    fn new(kind: ChangeKind, value: &impl Serialize) -> Result<Change> {
        let json =
            serde_json::to_string(value).map_err(|error| Error::json("a change that is not JSON", error))?;
        Ok(Change { kind, json })
    }
}

/// Shows the kind and the length: the text may contain a secret.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Change({} of {} bytes)", self.kind.as_str(), self.json.len())
    }
}
