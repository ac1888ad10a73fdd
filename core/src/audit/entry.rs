//! Audit entries: one for each commit, rejection, note, attempt, recovery rung and deletion.
//!
//! An entry is a list of fields for XADD, without the fields that have no value; the server only
//! appends it. Secrets in documents are masked before they come here.

use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::json::diff::{PatchText, creation_text, diff_text};
use crate::json::node::Node;
use crate::rung::Rung;
use crate::shown::{ERROR_LINE_BYTES_MAX, start_of};
use crate::state::State;
use crate::state::attempts::Attempted;
use crate::state::version::Event;
use crate::time::iso8601;
use redis_state_types::Etag;

/// The usual number of fields and of bytes in an entry: initial capacities.
const FIELDS: usize = 12;
const BYTES: usize = 512;

/// Commits of each n-th version carry the document, so that a trimmed stream still has one.
const DOCUMENT_EVERY: u64 = 64;

/// Whether the entry of a commit always carries the document.
pub(crate) fn carries_document(version: u64) -> bool {
    version.checked_rem(DOCUMENT_EVERY) == Some(0)
}

/// One audit entry: field names and values in order. All values share one text, since each commit
/// makes an entry, and a string for each value was an allocation for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    text: String,
    /// Names, and where the value of each ends in the text.
    ends: Vec<(&'static str, usize)>,
}

impl Entry {
    pub(super) fn new(event: &str, metadata: &Metadata) -> Entry {
        let mut entry = Entry::of(event);
        entry.push_some("name", metadata.event_name.as_deref());
        entry
    }

    fn of(event: &str) -> Entry {
        let mut entry = Entry { text: String::with_capacity(BYTES), ends: Vec::with_capacity(FIELDS) };
        entry.push("event", event);
        entry
    }

    /// The event, the value of the first field.
    pub fn event(&self) -> &str {
        self.fields().next().map_or("", |(_, event)| event)
    }

    /// Names and values.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&'static str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |(name, end)| {
            let value = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            (*name, value)
        })
    }

    pub(super) fn push(&mut self, name: &'static str, value: &str) {
        self.text.push_str(value);
        self.ends.push((name, self.text.len()));
    }

    pub(super) fn push_some(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    pub(super) fn push_etag(&mut self, etag: Etag) {
        self.push("version", itoa::Buffer::new().format(etag.version));
        self.push("etag", etag.bytes().as_str());
    }

    fn push_circumstances(&mut self, metadata: &Metadata, context: &Context) {
        self.push("at", &iso8601(context.now_ms));
        self.push("user", context.user);
        self.push_some("actor", metadata.actor.as_deref());
        self.push_some("note", metadata.note.as_deref());
        self.push_some("operation", metadata.operation.as_deref());
        self.push_some("component", metadata.component.as_deref());
        self.push_some("id", metadata.id.as_ref().map(|id| id.token.as_str()));
        self.push_some("owner", metadata.id.as_ref().and_then(|id| id.owner.as_deref()));
        self.push_some("turn", metadata.turn.as_deref());
    }

    /// The change was made for this version, and applied to a newer one.
    pub(crate) fn push_rebased(&mut self, version: u64) {
        self.push("rebased", itoa::Buffer::new().format(version));
    }

    /// A commit: `after` describes the new version; `before` is the former document, if there was
    /// one.
    pub(crate) fn commit(
        after: CommitFacts,
        before: Option<Node>,
        document: Node,
        metadata: &Metadata,
        context: &Context,
    ) -> Entry {
        let mut entry = Entry::new(after.event.as_str(), metadata);
        entry.push_some("rung", after.rung.map(Rung::as_str));
        entry.push_etag(after.etag);
        entry.push("parent", itoa::Buffer::new().format(after.parent));
        entry.push_circumstances(metadata, context);
        entry.push_some("schema", after.schema);
        entry.push_documents(before, document, after.records_document, context);
        entry
    }

    /// The patch, and the document if the entry records it.
    fn push_documents(
        &mut self,
        before: Option<Node>,
        document: Node,
        records_document: bool,
        context: &Context,
    ) {
        let bytes_max = context.limits.audit_patch_bytes;
        self.push_patch(&match before {
            Some(before) => diff_text(before, document, bytes_max),
            None => creation_text(document, bytes_max),
        });
        if records_document {
            let is_shown = document.is_object();
            let document = document.text();
            if is_shown && document.len() <= context.limits.audit_document_bytes {
                self.push("document", document);
            }
        }
    }

    /// For a patch that is cut, `patch_bytes` is the whole length.
    fn push_patch(&mut self, patch: &PatchText) {
        self.push("patch", &patch.text);
        if patch.is_cut() {
            self.push("patch_bytes", itoa::Buffer::new().format(patch.bytes));
        }
    }

    /// A lapse at `at_ms`: by the server, so without a user. `reset`: why the document was reset.
    pub(crate) fn lapse(
        state: &State,
        etag: Etag,
        at_ms: i64,
        reset: Option<&str>,
        patch: LapsePatch,
        context: &Context,
    ) -> Entry {
        let mut entry = Entry::of(Event::Lapse.as_str());
        entry.push_some("rung", reset.map(|_| Rung::Reset.as_str()));
        entry.push_etag(etag);
        entry.push("parent", itoa::Buffer::new().format(state.head().number));
        entry.push("at", &iso8601(at_ms));
        entry.push_some("schema", state.schema().map(|schema| &*schema.name));
        entry.push_some("error", reset);
        match patch {
            LapsePatch::Between(before, after) => {
                entry.push_documents(Some(before), after, carries_document(etag.version), context);
            }
            LapsePatch::Removals(patch) => {
                entry.push_patch(&PatchText::of(&patch, context.limits.audit_patch_bytes));
            }
        }
        entry
    }

    /// An event without a change, or a label of the present version.
    pub(crate) fn note(state: &State, metadata: &Metadata, context: &Context) -> Entry {
        Entry::about("note", state, metadata, context)
    }

    /// An attempt or a clearing by STATE.ATTEMPT.
    pub(crate) fn attempt(
        state: &State,
        attempted: &Attempted,
        metadata: &Metadata,
        context: &Context,
    ) -> Entry {
        let mut entry = Entry::about("attempt", state, metadata, context);
        entry.push("outcome", attempted.tally.as_str());
        entry.push_some("error", attempted.attempt.error.as_deref());
        entry
    }

    /// A recovery rung that did not change the document: the state was valid, or the rung failed.
    pub fn rung(
        rung: Rung,
        failure: Option<&str>,
        state: Option<&State>,
        metadata: &Metadata,
        context: &Context,
    ) -> Entry {
        let mut entry = Entry::about_any("recover", state, metadata, context);
        entry.push("rung", rung.as_str());
        entry.push_some("error", failure.map(|reason| start_of(reason, ERROR_LINE_BYTES_MAX)));
        entry
    }

    /// A deletion by STATE.DELETE.
    pub(crate) fn delete(state: &State, metadata: &Metadata, context: &Context) -> Entry {
        Entry::about("delete", state, metadata, context)
    }

    fn about(event: &str, state: &State, metadata: &Metadata, context: &Context) -> Entry {
        let mut entry = Entry::new(event, metadata);
        entry.push_etag(state.etag());
        entry.push_circumstances(metadata, context);
        entry.push_some("schema", state.schema().map(|schema| &*schema.name));
        entry
    }

    /// A rejection; a state is unchanged.
    pub fn reject(error: &Error, state: Option<&State>, metadata: &Metadata, context: &Context) -> Entry {
        Entry::rejection(&error.line(), state, metadata, context)
    }

    /// Stands for all further rejections until the next commit.
    pub fn suppressed(state: Option<&State>, context: &Context) -> Entry {
        let text = "suppressed: further rejections are counted in INFO only, until the next commit";
        Entry::rejection(text, state, &Metadata::default(), context)
    }

    fn rejection(error: &str, state: Option<&State>, metadata: &Metadata, context: &Context) -> Entry {
        let mut entry = Entry::about_any("reject", state, metadata, context);
        entry.push("error", error);
        entry
    }

    /// An entry for a key that may have no state: version 0 then.
    fn about_any(event: &str, state: Option<&State>, metadata: &Metadata, context: &Context) -> Entry {
        if let Some(state) = state {
            return Entry::about(event, state, metadata, context);
        }
        let mut entry = Entry::new(event, metadata);
        entry.push("version", "0");
        entry.push_circumstances(metadata, context);
        entry
    }
}

/// The facts of a new version in the entry of its commit.
pub(crate) struct CommitFacts<'a> {
    pub event: Event,
    /// The recovery rung that made it.
    pub rung: Option<Rung>,
    pub etag: Etag,
    pub parent: u64,
    pub schema: Option<&'a str>,
    /// Whether the entry has the whole document, not only the patch.
    pub records_document: bool,
}

/// The patch in the entry of a lapse.
pub(crate) enum LapsePatch<'a> {
    /// Between two documents, with their secrets masked.
    Between(Node<'a>, Node<'a>),
    /// Removals by pointer, without any value: the schema is missing, so any may be a secret.
    Removals(String),
}
