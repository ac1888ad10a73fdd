//! An entry of an audit stream or of the feed, with its fields parsed.
//!
//! Parsing never fails: an entry that can't be parsed would be redelivered forever. Unknown and
//! malformed fields are kept as they are.

use std::collections::BTreeMap;
use std::fmt;

use redis::{FromRedisValue, ParsingError, Value};
use redis_state_types::{Etag, Tally};
use serde::de::DeserializeOwned;

use super::id::EntryId;
use crate::error::{Error, Result};

/// An event of a state, as recorded by the server. See [`States::audit`](crate::States::audit) for
/// an example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The ID of the entry in its stream.
    pub id: EntryId,
    /// The kind of event.
    pub event: AuditEvent,
    /// The EVENT option.
    pub name: Option<String>,
    /// The new version; the present one without a change; 0 without a state.
    pub version: u64,
    /// The etag of that version.
    pub etag: Option<Etag>,
    /// The version this one was derived from.
    pub parent: Option<u64>,
    /// The time: ISO 8601, UTC, with milliseconds.
    pub at: String,
    /// The ACL user that sent the command; none for an event without a command.
    pub user: Option<String>,
    /// The ACTOR option.
    pub actor: Option<String>,
    /// The NOTE option.
    pub note: Option<String>,
    /// The OPERATION option, or the operation of an attempt.
    pub operation: Option<String>,
    /// The COMPONENT option.
    pub component: Option<String>,
    /// The ID option.
    pub token: Option<String>,
    /// The OWNER option.
    pub owner: Option<String>,
    /// The TURN option.
    pub turn: Option<String>,
    /// The expected version of a change that REBASE applied to a newer one.
    pub rebased: Option<u64>,
    /// The outcome of an attempt.
    pub outcome: Option<Tally>,
    /// The rung of a recovery; with [`error`](AuditEntry::error) one that failed. Of a lapse that
    /// reset the document: `reset`, with the reason.
    pub rung: Option<String>,
    /// The state's schema.
    pub schema: Option<String>,
    /// The steps of a conversation at its session expiry, by JSON pointer.
    pub steps: BTreeMap<String, String>,
    /// The change as a JSON Patch, secrets as `"***"`. It may be cut.
    pub patch: Option<AuditJson>,
    /// The whole document, secrets as `"***"`: at creation and with every 64th version.
    pub document: Option<AuditJson>,
    /// The error line of a rejection, the reason of a failed rung or of a lapse that reset the
    /// document, or the ERROR option of an attempt.
    pub error: Option<String>,
    /// In the feed: the state's key.
    pub key: Option<String>,
    /// In the feed: the state's database.
    pub db: u64,
    /// Unknown and malformed fields.
    pub other: BTreeMap<String, String>,
}

impl AuditEntry {
    fn read(id: EntryId, fields: impl IntoIterator<Item = (String, String)>) -> AuditEntry {
        let mut entry = AuditEntry { id, ..AuditEntry::default() };
        let mut patch_bytes = None;
        for (name, value) in fields {
            if name == "patch_bytes" {
                patch_bytes = value.parse().ok();
            } else if !entry.set(&name, &value) {
                entry.other.insert(name, value);
            }
        }
        if let (Some(patch), Some(bytes)) = (&mut entry.patch, patch_bytes) {
            patch.bytes = bytes;
        }
        entry
    }

    /// Whether the field is known and well-formed.
    fn set(&mut self, name: &str, value: &str) -> bool {
        let text = || Some(value.to_owned());
        match name {
            "event" => self.event = AuditEvent::of(value),
            "name" => self.name = text(),
            "version" => return put(&mut self.version, value.parse().ok()),
            "etag" => return put(&mut self.etag, Etag::parse(value).map(Some)),
            "parent" => return put(&mut self.parent, value.parse().ok().map(Some)),
            "at" => value.clone_into(&mut self.at),
            "user" => self.user = text(),
            "actor" => self.actor = text(),
            "note" => self.note = text(),
            "operation" => self.operation = text(),
            "component" => self.component = text(),
            "id" => self.token = text(),
            "owner" => self.owner = text(),
            "turn" => self.turn = text(),
            "rebased" => return put(&mut self.rebased, value.parse().ok().map(Some)),
            "outcome" => return put(&mut self.outcome, tally(value).map(Some)),
            "rung" => self.rung = text(),
            "schema" => self.schema = text(),
            "step" => return put(&mut self.steps, serde_json::from_str(value).ok()),
            "patch" => self.patch = Some(AuditJson::whole(value)),
            "document" => self.document = Some(AuditJson::whole(value)),
            "error" => self.error = text(),
            "key" => self.key = text(),
            "db" => return put(&mut self.db, value.parse().ok()),
            _ => return false,
        }
        true
    }
}

fn put<T>(field: &mut T, read: Option<T>) -> bool {
    read.map(|read| *field = read).is_some()
}

fn tally(word: &str) -> Option<Tally> {
    [Tally::Success, Tally::Failure, Tally::Clear].into_iter().find(|tally| tally.as_str() == word)
}

words! {
    /// The kinds of events in an audit stream.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
    pub enum AuditEvent {
        /// A state was created.
        Create = "create",
        /// It was changed.
        Update = "update",
        /// It was rolled back to an earlier version.
        Rollback = "rollback",
        /// It was reset to its schema's defaults.
        Reset = "reset",
        /// It was recovered or rebuilt; or a rung of the recovery was tried.
        Recover = "recover",
        /// Members reached their deadline.
        Lapse = "lapse",
        /// An attempt was counted.
        Attempt = "attempt",
        /// A command with EVENT or NOTE changed nothing.
        Note = "note",
        /// It was deleted by STATE.DELETE.
        Delete = "delete",
        /// It expired.
        Expire = "expire",
        /// It was evicted.
        Evict = "evict",
        /// A command was rejected.
        Reject = "reject",
        /// The entry names no event: the server did not write it.
        #[default]
        None = "",
    }
}

impl AuditEvent {
    /// Whether this is the end of the state: deleted, expired or evicted.
    pub fn is_end(&self) -> bool {
        matches!(self, AuditEvent::Delete | AuditEvent::Expire | AuditEvent::Evict)
    }
}

/// An entry as the server keeps it: without fields if it was trimmed while pending.
pub(crate) struct Raw {
    pub(crate) id: EntryId,
    pub(crate) entry: Option<AuditEntry>,
}

impl FromRedisValue for Raw {
    fn from_redis_value(item: Value) -> Result<Raw, ParsingError> {
        let (id, fields): (String, Option<Vec<Value>>) = redis::from_redis_value(item)?;
        let id = EntryId::parse(&id).ok_or_else(|| format!("not the ID of an entry: {id:?}"))?;
        Ok(Raw { id, entry: fields.map(|fields| AuditEntry::read(id, pairs(fields))) })
    }
}

impl FromRedisValue for AuditEntry {
    fn from_redis_value(item: Value) -> Result<AuditEntry, ParsingError> {
        let raw: Raw = redis::from_redis_value(item)?;
        raw.entry.ok_or_else(|| format!("the entry {} has no fields", raw.id).into())
    }
}

fn pairs(fields: Vec<Value>) -> impl Iterator<Item = (String, String)> {
    let mut words = fields.into_iter().map(text);
    std::iter::from_fn(move || Some((words.next()?, words.next()?)))
}

/// A stream is an ordinary key and may contain anything: invalid UTF-8 is shown as far as possible.
fn text(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => redis::from_redis_value(other).unwrap_or_default(),
    }
}

/// JSON in an entry. The server cuts it at `state.audit-patch-bytes`.
#[derive(Clone, PartialEq, Eq)]
pub struct AuditJson {
    text: String,
    /// The length before it was cut.
    bytes: usize,
}

impl AuditJson {
    fn whole(text: &str) -> AuditJson {
        AuditJson { text: text.to_owned(), bytes: text.len() }
    }

    /// Whether the end is missing.
    pub fn is_cut(&self) -> bool {
        self.text.len() < self.bytes
    }

    /// The length before it was cut.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The text, as far as it is present.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As the caller's type, such as `serde_json::Value`.
    ///
    /// Errors: [`Unexpected`](crate::ErrorKind::Unexpected) if it was cut, or does not have the
    /// shape of `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        if self.is_cut() {
            let there = format!("{} of {} bytes are present", self.text.len(), self.bytes);
            return Err(Error::unexpected(format!("{there}: the server cuts at state.audit-patch-bytes")));
        }
        serde_json::from_str(&self.text).map_err(|error| Error::json("not the shape of the type", error))
    }
}

/// Shows the length only: the text is a conversation.
impl fmt::Debug for AuditJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditJson({} of {} bytes)", self.text.len(), self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> AuditEntry {
        let owned = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        AuditEntry::read(EntryId { ms: 7, seq: 0 }, owned)
    }

    #[test]
    fn unknown_and_malformed_fields_are_kept() {
        let entry = read(&[
            ("event", "merge"),
            ("version", "seven"),
            ("etag", "7"),
            ("outcome", "maybe"),
            ("step", "[1]"),
            ("region", "ZW"),
        ]);
        assert_eq!(entry.event, AuditEvent::Other("merge".to_owned()));
        assert_eq!((entry.version, entry.etag, entry.outcome), (0, None, None));
        let kept: Vec<&str> = entry.other.keys().map(String::as_str).collect();
        assert_eq!(kept, ["etag", "outcome", "region", "step", "version"]);
        assert_eq!(read(&[]).event, AuditEvent::None);
    }

    #[test]
    fn cut_patch_cannot_be_read() {
        let whole = read(&[("patch", "[]")]).patch.expect("a patch");
        assert_eq!(
            (whole.is_cut(), whole.read::<serde_json::Value>().ok()),
            (false, Some(serde_json::json!([])))
        );
        // A cut text may be valid JSON.
        let cut = read(&[("patch_bytes", "9"), ("patch", "[]")]).patch.expect("a patch");
        assert!(cut.is_cut() && cut.read::<serde_json::Value>().is_err());
        assert_eq!((cut.text(), cut.bytes()), ("[]", 9));
        assert_eq!(format!("{cut:?}"), "AuditJson(2 of 9 bytes)");
    }
}
