//! What is to be done to a document: the four kinds of change of STATE.UPDATE, as the JSON text
//! that is sent.

use redis_state_types::ChangeKind;
use serde::Serialize;

use crate::error::{Error, Result};

/// A change of a document: [RFC 7396] merge patch, shallow merge, [RFC 6902] patch, or the whole
/// document.
///
/// [RFC 7396]: https://www.rfc-editor.org/rfc/rfc7396
/// [RFC 6902]: https://www.rfc-editor.org/rfc/rfc6902
///
/// Anything that serde serializes will do: a struct with the members that change, or `json!`.
///
/// ```
/// use redis_state_client::Change;
/// use serde_json::json;
///
/// let step = Change::merge(&json!({"current": {"path": "offer", "component": "AmountInput"}}))?;
/// assert_eq!(step.json(), r#"{"current":{"path":"offer","component":"AmountInput"}}"#);
/// let amount = Change::patch(&json!([{"op": "add", "path": "/current/data/amount", "value": 12.5}]))?;
/// let whole = Change::replace(&json!({"channel": {"type": "whatsapp", "identifier": "+263771234567"}}))?;
/// # Ok::<(), redis_state_client::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    kind: ChangeKind,
    json: String,
}

impl Change {
    /// A JSON merge patch: members are set or merged into, null removes. It can't store null.
    ///
    /// Errors: [`Unexpected`](crate::ErrorKind::Unexpected) when serde can't make JSON of it, as of
    /// a map with keys that are no strings.
    ///
    /// ```
    /// # use redis_state_client::Change;
    /// let confirmed = Change::merge(&serde_json::json!({"current": {"component_result": "confirmed"}}))?;
    /// # Ok::<(), redis_state_client::Error>(())
    /// ```
    pub fn merge(members: &impl Serialize) -> Result<Change> {
        Change::new(ChangeKind::Merge, members)
    }

    /// Each top-level member replaces its namesake whole; null is a value. Errors as
    /// [`Change::merge`].
    ///
    /// ```
    /// # use redis_state_client::Change;
    /// let none = Change::shallow(&serde_json::json!({"active_account_id": null}))?;
    /// # Ok::<(), redis_state_client::Error>(())
    /// ```
    pub fn shallow(members: &impl Serialize) -> Result<Change> {
        Change::new(ChangeKind::Shallow, members)
    }

    /// A JSON patch: an array of operations. Errors as [`Change::merge`].
    ///
    /// ```
    /// # use redis_state_client::Change;
    /// let sure = serde_json::json!([
    ///     {"op": "test", "path": "/current/data/amount", "value": 12.5},
    ///     {"op": "add", "path": "/current/data/handle", "value": "tariro"},
    /// ]);
    /// let handle = Change::patch(&sure)?;
    /// # Ok::<(), redis_state_client::Error>(())
    /// ```
    pub fn patch(operations: &impl Serialize) -> Result<Change> {
        Change::new(ChangeKind::Patch, operations)
    }

    /// The whole document; protected and immutable members that it does not mention stay. Errors as
    /// [`Change::merge`].
    ///
    /// ```
    /// # use redis_state_client::Change;
    /// #[derive(serde::Serialize)]
    /// struct Offer { amount: u32, handle: String }
    ///
    /// let offer = Change::replace(&Offer { amount: 5, handle: "tariro".into() })?;
    /// assert_eq!(offer.json(), r#"{"amount":5,"handle":"tariro"}"#);
    /// # Ok::<(), redis_state_client::Error>(())
    /// ```
    pub fn replace(document: &impl Serialize) -> Result<Change> {
        Change::new(ChangeKind::Replace, document)
    }

    /// A change that changes nothing: it moves the expiry, and with an event or a note it is on
    /// record.
    ///
    /// ```
    /// # use redis_state_client::Change;
    /// assert_eq!(Change::none().json(), "{}");
    /// ```
    pub fn none() -> Change {
        Change::of_text(ChangeKind::Merge, "{}")
    }

    /// A change whose JSON text is there already; the server says what is wrong with it.
    ///
    /// ```
    /// # use redis_state_client::{Change, ChangeKind};
    /// let amount = Change::of_text(ChangeKind::Merge, r#"{"current":{"data":{"amount":12.50}}}"#);
    /// assert_eq!(amount.kind(), ChangeKind::Merge);
    /// ```
    pub fn of_text(kind: ChangeKind, json: impl Into<String>) -> Change {
        Change { kind, json: json.into() }
    }

    /// How the text is read.
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// The text that is sent.
    pub fn json(&self) -> &str {
        &self.json
    }

    fn new(kind: ChangeKind, value: &impl Serialize) -> Result<Change> {
        let json =
            serde_json::to_string(value).map_err(|error| Error::json("a change that is no JSON", error))?;
        Ok(Change { kind, json })
    }
}

/// Shows the kind and the length: the text may hold a secret.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Change({} of {} bytes)", self.kind.as_str(), self.json.len())
    }
}
