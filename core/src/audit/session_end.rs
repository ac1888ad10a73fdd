//! The end of a state without a command: its key expired or was evicted.
//!
//! The value is gone before the server sends the event, so the module records an [`Ended`] when it
//! frees the value. It has the steps, not a copy of the document: to the server a copy made during
//! eviction looks like memory that was not freed, and it would evict one state after another.

use super::entry::Entry;
use crate::context::Metadata;
use crate::json::to_text;
use crate::schema::registry::Registry;
use crate::state::State;
use crate::time::iso8601;
use redis_state_types::Etag;

/// Longer documents are not searched for steps, so that freeing them stays fast. The default of
/// `state.max-bytes`.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// How a state ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The key expired.
    Expire,
    /// The server evicted the key.
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

/// What an entry needs of a state that may have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    etag: Etag,
    schema: Option<Box<str>>,
    /// A JSON object of pointers and steps.
    steps: Option<String>,
}

impl Ended {
    /// Records a state. Only a schema with transitions has the document searched.
    pub fn of(state: &State, registry: &Registry) -> Ended {
        let schema = state.schema().map(|schema| schema.name.clone());
        let found = schema.as_ref().and_then(|name| registry.get(name).ok());
        let document = &state.head().document;
        let telling =
            found.filter(|schema| schema.rules().has_steps() && document.text().len() <= DOCUMENT_BYTES_MAX);
        let steps = telling.map(|schema| to_text(&schema.rules().steps(document.tree().root()).into()));
        Ended { etag: state.etag(), schema, steps }
    }

    /// The audit entry: the last version and, for a schema with transitions, the last steps.
    pub fn entry(&self, end: End, now_ms: i64) -> Entry {
        let mut entry = Entry::new(end.as_str(), &Metadata::default());
        entry.push_etag(self.etag);
        entry.push("at", &iso8601(now_ms));
        entry.push_some("schema", self.schema.as_deref());
        entry.push_some("step", self.steps.as_deref());
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::compiled::Schema;
    use crate::state::deadlines::Deadlines;
    use crate::state::document::Document;
    use crate::state::etag_keys::EtagKeys;
    use crate::state::version::{Event, SchemaRef, Version};
    use std::sync::Arc;

    /// A state at the step `menu`, with a document of this many bytes.
    fn state(bytes: usize, schema: Option<SchemaRef>) -> State {
        let text = |note: &str| format!(r#"{{"stage":"menu","note":"{note}"}}"#);
        let text = text(&"x".repeat(bytes.saturating_sub(text("").len())));
        assert_eq!(text.len(), bytes);
        let document = Document::from_stored(text.as_bytes()).expect("a document");
        let (number, parent, at_ms, event) = (7, 6, 1_741_058_499_570, Event::Update);
        let head = Version {
            number,
            parent,
            at_ms,
            event,
            actor: None,
            turn: None,
            has_secret: false,
            deadlines: Deadlines::default(),
            document,
        };
        State::new(EtagKeys::from_random([0x5eed, 1, 2]), 1_741_058_499_000, schema, head)
    }

    fn fields(state: &State, registry: &Registry) -> Vec<(&'static str, String)> {
        let entry = Ended::of(state, registry).entry(End::Evict, 1_741_058_499_570);
        let fields = entry.fields().filter(|(name, _)| *name != "etag");
        fields.map(|(name, value)| (name, value.to_owned())).collect()
    }

    #[test]
    fn an_entry_tells_version_and_step() {
        let steps = r#"{"properties":{"stage":{"x-transitions":{"initial":["menu"],"allow":{}}}}}"#;
        let schema = Arc::new(Schema::compile("vimbiso.stages", 1, steps.as_bytes()).expect("a schema"));
        let reference = Some(schema.reference().clone());
        let mut registry = Registry::new();
        registry.put(schema);
        let always = [("event", "evict"), ("version", "7"), ("at", "2025-03-04T03:21:39.570Z")];
        let with_schema = [&always[..], &[("schema", "vimbiso.stages")]].concat();
        let with_step = [&with_schema[..], &[("step", r#"{"/stage":"menu"}"#)]].concat();
        let owned = |fields: &[(&'static str, &str)]| {
            fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>()
        };
        for bytes in [100, DOCUMENT_BYTES_MAX - 1, DOCUMENT_BYTES_MAX] {
            assert_eq!(
                fields(&state(bytes, reference.clone()), &registry),
                owned(&with_step),
                "{bytes} bytes"
            );
        }
        let longer = state(DOCUMENT_BYTES_MAX + 1, reference.clone());
        assert_eq!(fields(&longer, &registry), owned(&with_schema));
        // A removed schema has no steps.
        assert_eq!(fields(&state(100, reference), &Registry::new()), owned(&with_schema));
        assert_eq!(fields(&state(100, None), &registry), owned(&always));
    }
}
