//! What the audit stream says: one entry for each commit, refusal by the rules, note, attempt, recovery rung and deletion.
//!
//! An entry is a list of fields for XADD; fields without a value are left out. The server only appends it. Documents come
//! here with their secrets hidden.

use crate::context::{Context, Remarks, Rung};
use crate::error::Error;
use crate::etag::Etag;
use crate::json::diff::{PatchText, creation_text, diff_text};
use crate::json::node::Node;
use crate::shown::{ERROR_LINE_BYTES_MAX, start_of};
use crate::state::State;
use crate::state::attempts::Attempted;
use crate::state::version::Event;
use crate::time::iso8601;

/// About as many fields as an entry has, and as many bytes in them.
const FIELDS: usize = 12;
const BYTES: usize = 512;

/// Every commit whose version divides by this carries the document, so that a trail that was trimmed still has one.
const DOCUMENT_EVERY: u64 = 64;

/// Whether the entry of a commit carries the document, whatever there was before.
pub(crate) fn carries_document(version: u64) -> bool {
    version.checked_rem(DOCUMENT_EVERY) == Some(0)
}

/// One entry of the audit stream: field names and values in order. Every commit makes one, so the values stand in one text: a string
/// for each was as many blocks of memory to take and to give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    text: String,
    /// Names, and where in the text the value of each ends.
    ends: Vec<(&'static str, usize)>,
}

impl Entry {
    pub(super) fn new(event: &str, remarks: &Remarks) -> Entry {
        let mut entry = Entry::of(event);
        entry.push_some("name", remarks.name.as_deref());
        entry
    }

    fn of(event: &str) -> Entry {
        let mut entry = Entry { text: String::with_capacity(BYTES), ends: Vec::with_capacity(FIELDS) };
        entry.push("event", event);
        entry
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

    fn push_circumstances(&mut self, remarks: &Remarks, context: &Context) {
        self.push("at", &iso8601(context.now_ms));
        self.push("user", context.user);
        self.push_some("actor", remarks.actor.as_deref());
        self.push_some("note", remarks.note.as_deref());
        self.push_some("operation", remarks.operation.as_deref());
        self.push_some("component", remarks.component.as_deref());
        self.push_some("id", remarks.id.as_ref().map(|id| id.token.as_str()));
    }

    /// The change was made for this version, and applied to a newer one.
    pub(crate) fn push_rebased(&mut self, version: u64) {
        self.push("rebased", itoa::Buffer::new().format(version));
    }

    /// A commit: `after` says what the state will be, `before` is the document it had, if any.
    pub(crate) fn commit(
        after: CommitFacts,
        before: Option<Node>,
        document: Node,
        remarks: &Remarks,
        context: &Context,
    ) -> Entry {
        let mut entry = Entry::new(after.event.as_str(), remarks);
        entry.push_some("rung", after.rung.map(Rung::as_str));
        entry.push_etag(after.etag);
        entry.push("parent", itoa::Buffer::new().format(after.parent));
        entry.push_circumstances(remarks, context);
        entry.push_some("schema", after.schema);
        entry.push_documents(before, document, after.etag.version, context);
        entry
    }

    /// What changed, and now and then all of it.
    fn push_documents(&mut self, before: Option<Node>, document: Node, version: u64, context: &Context) {
        let bytes_max = context.limits.audit_patch_bytes;
        self.push_patch(&match before {
            Some(before) => diff_text(before, document, bytes_max),
            None => creation_text(document, bytes_max),
        });
        if before.is_none() || carries_document(version) {
            let is_shown = document.is_object();
            let document = document.text();
            if is_shown && document.len() <= context.limits.audit_document_bytes {
                self.push("document", document);
            }
        }
    }

    /// Where a patch was cut, `patch_bytes` says how long the whole of it is.
    fn push_patch(&mut self, patch: &PatchText) {
        self.push("patch", &patch.text);
        if patch.is_cut() {
            self.push("patch_bytes", itoa::Buffer::new().format(patch.bytes));
        }
    }

    /// A lapse at `at_ms`: the server's own doing, so there is no user. The documents before and after have their secrets hidden; where
    /// that can't be done there is only a patch.
    pub(crate) fn lapse(
        state: &State,
        etag: Etag,
        at_ms: i64,
        documents: Result<(Node, Node), String>,
        context: &Context,
    ) -> Entry {
        let mut entry = Entry::of(Event::Lapse.as_str());
        entry.push_etag(etag);
        entry.push("parent", itoa::Buffer::new().format(state.head().number));
        entry.push("at", &iso8601(at_ms));
        entry.push_some("schema", state.schema().map(|schema| &*schema.name));
        match documents {
            Ok((before, after)) => entry.push_documents(Some(before), after, etag.version, context),
            Err(patch) => entry.push_patch(&PatchText::of(&patch, context.limits.audit_patch_bytes)),
        }
        entry
    }

    /// An event that changed nothing, or a label set on the present version.
    pub(crate) fn note(state: &State, remarks: &Remarks, context: &Context) -> Entry {
        Entry::about("note", state, remarks, context)
    }

    /// An attempt, or a clearing, that came by itself.
    pub(crate) fn attempt(
        state: &State,
        attempted: &Attempted,
        remarks: &Remarks,
        context: &Context,
    ) -> Entry {
        let mut entry = Entry::about("attempt", state, remarks, context);
        entry.push("outcome", attempted.tally.as_str());
        entry.push_some("error", attempted.attempt.error.as_deref());
        entry
    }

    /// A rung of a recovery that left the document as it is: it was valid, or the rung failed.
    pub fn rung(
        rung: Rung,
        failure: Option<&str>,
        state: Option<&State>,
        remarks: &Remarks,
        context: &Context,
    ) -> Entry {
        let mut entry = Entry::about_any("recover", state, remarks, context);
        entry.push("rung", rung.as_str());
        entry.push_some("error", failure.map(|reason| start_of(reason, ERROR_LINE_BYTES_MAX)));
        entry
    }

    /// The end of a state by STATE.DELETE.
    pub(crate) fn delete(state: &State, remarks: &Remarks, context: &Context) -> Entry {
        Entry::about("delete", state, remarks, context)
    }

    fn about(event: &str, state: &State, remarks: &Remarks, context: &Context) -> Entry {
        let mut entry = Entry::new(event, remarks);
        entry.push_etag(state.etag());
        entry.push_circumstances(remarks, context);
        entry.push_some("schema", state.schema().map(|schema| &*schema.name));
        entry
    }

    /// A refusal; the state, if there is one, is as it was.
    pub fn reject(error: &Error, state: Option<&State>, remarks: &Remarks, context: &Context) -> Entry {
        Entry::rejection(&error.line(), state, remarks, context)
    }

    /// What stands for all further refusals until the next commit.
    pub fn suppressed(state: Option<&State>, context: &Context) -> Entry {
        let text = "suppressed: further refusals are counted in INFO only, until the next commit";
        Entry::rejection(text, state, &Remarks::default(), context)
    }

    fn rejection(error: &str, state: Option<&State>, remarks: &Remarks, context: &Context) -> Entry {
        let mut entry = Entry::about_any("reject", state, remarks, context);
        entry.push("error", error);
        entry
    }

    /// About a state that may not be there: version 0 then.
    fn about_any(event: &str, state: Option<&State>, remarks: &Remarks, context: &Context) -> Entry {
        if let Some(state) = state {
            return Entry::about(event, state, remarks, context);
        }
        let mut entry = Entry::new(event, remarks);
        entry.push("version", "0");
        entry.push_circumstances(remarks, context);
        entry
    }
}

/// What the entry of a commit says of the new version.
pub(crate) struct CommitFacts<'a> {
    pub event: Event,
    /// Which rung of a recovery made it.
    pub rung: Option<Rung>,
    pub etag: Etag,
    pub parent: u64,
    pub schema: Option<&'a str>,
}
