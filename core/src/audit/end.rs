//! The end of a state that no command asked for: its key expired, or was evicted.
//!
//! By the time the server tells, the value is gone. So whoever lets go of a value remembers an [`Ended`], which is cheap: a
//! copy of the document where its schema has steps, else not even that. What it says is worked out once it is wanted.

use super::Entry;
use crate::decide::Remarks;
use crate::document::Document;
use crate::etag::Etag;
use crate::json::to_text;
use crate::schema::Registry;
use crate::state::State;
use crate::time::iso8601;

/// How a state ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its time was up.
    Expire,
    /// Memory was needed.
    Evict,
}

impl End {
    fn as_str(self) -> &'static str {
        match self {
            End::Expire => "expire",
            End::Evict => "evict",
        }
    }
}

/// What is remembered of a state that may have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    etag: Etag,
    schema: Option<Box<str>>,
    /// The last document, where its steps may be asked for.
    document: Option<Document>,
}

impl Ended {
    /// Remembers a state; nothing is parsed.
    pub fn of(state: &State, registry: &Registry) -> Ended {
        let schema = state.schema().map(|schema| schema.name.clone());
        let found = schema.as_ref().and_then(|name| registry.get(name).ok());
        let has_steps = found.is_some_and(|schema| schema.rules().has_steps());
        let document = has_steps.then(|| state.head().document.clone());
        Ended { etag: state.etag(), schema, document }
    }

    /// What the audit stream says: the last version and, where the schema has them, the last steps.
    pub fn entry(&self, end: End, registry: &Registry, now_ms: i64) -> Entry {
        let mut entry = Entry::new(end.as_str(), &Remarks::default());
        entry.push_etag(self.etag);
        entry.push("at", iso8601(now_ms));
        entry.push_some("schema", self.schema.as_deref());
        let schema = self.schema.as_ref().and_then(|name| registry.get(name).ok());
        if let (Some(schema), Some(document)) = (schema, &self.document) {
            entry.push("step", to_text(&schema.rules().steps(&document.value()).into()));
        }
        entry
    }
}
