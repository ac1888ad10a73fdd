//! The end of a state that no command asked for: its key expired, or was evicted.
//!
//! By the time the server tells, the value is gone, so whoever lets go of one remembers an [`Ended`]. It holds the steps, not
//! a copy of the document to read them from later: what is copied while memory is being freed looks to the server as if
//! nothing had been freed, and it would evict one state after another.

use super::Entry;
use crate::decide::Remarks;
use crate::etag::Etag;
use crate::json::to_text;
use crate::schema::Registry;
use crate::state::State;
use crate::time::iso8601;

/// The steps of a longer document are not told: deleting it should not take long. The default of `state.max-bytes`.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

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
    /// A JSON object of pointers and steps.
    steps: Option<String>,
}

impl Ended {
    /// Remembers a state. Its document is parsed only where the schema has steps.
    pub fn of(state: &State, registry: &Registry) -> Ended {
        let schema = state.schema().map(|schema| schema.name.clone());
        let found = schema.as_ref().and_then(|name| registry.get(name).ok());
        let document = &state.head().document;
        let telling =
            found.filter(|schema| schema.rules().has_steps() && document.text().len() <= DOCUMENT_BYTES_MAX);
        let steps = telling.map(|schema| to_text(&schema.rules().steps(&document.value()).into()));
        Ended { etag: state.etag(), schema, steps }
    }

    /// What the audit stream says: the last version and, where the schema has them, the last steps.
    pub fn entry(&self, end: End, now_ms: i64) -> Entry {
        let mut entry = Entry::new(end.as_str(), &Remarks::default());
        entry.push_etag(self.etag);
        entry.push("at", iso8601(now_ms));
        entry.push_some("schema", self.schema.as_deref());
        entry.push_some("step", self.steps.as_deref());
        entry
    }
}
