//! The document: the JSON object of a state, stored as compact canonical text.
//!
//! Not a parsed tree: measured, it takes seven times the memory. An outline beside the text has the
//! position of each member, 12 bytes each: a message changes one member, and finding it without the
//! outline took a twentieth of an update. Canonical means one text for each parsed value: member
//! order and number literals as written, strings as in RFC 8785, no insignificant space, the last
//! of duplicate names. Equal text therefore means an unchanged document.

use super::splices::Edits;
use crate::error::Error;
use crate::json::diff;
use crate::json::node::Node;
use crate::json::parse::{DEPTH_CEILING, parse};
use crate::json::pointer::Pointer;
use crate::json::tree::{Outline, Tree};
use crate::limits::{DOCUMENT_BYTES_CEILING, Limits};

/// A JSON object as canonical text.
#[derive(Clone, Debug)]
pub struct Document {
    text: Box<str>,
    /// The positions of its members. A stored document has an outline, unless it has many members;
    /// a temporary one may have none.
    outline: Option<Outline>,
}

/// Documents are equal if their texts are; the outline follows from the text.
impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        self.text == other.text
    }
}

impl Eq for Document {}

impl Document {
    /// Makes a document of a value, which must be an object within the limits.
    pub(crate) fn from_tree(tree: &Tree, limits: &Limits) -> Result<Document, Error> {
        if !tree.root().is_object() {
            return Err(Error::not_an_object());
        }
        if tree.text().len() > limits.bytes_max {
            return Err(Error::DocumentTooBig { limit: limits.bytes_max });
        }
        Ok(Document::of_tree(tree))
    }

    /// Makes a document of a value that is known to be an object within the limits.
    pub(crate) fn of_tree(tree: &Tree) -> Document {
        Document { text: tree.text().into(), outline: tree.outline() }
    }

    /// Makes a document for a reply, not for storage.
    pub(crate) fn of_shown(tree: Tree) -> Document {
        Document { text: tree.into_text().into(), outline: None }
    }

    /// `{}`.
    pub(crate) fn empty() -> Document {
        Document { text: "{}".into(), outline: None }
    }

    /// Takes text that is known to be a document, or is checked next; `None` when it is too long.
    pub(crate) fn of_trusted(text: String) -> Option<Document> {
        (text.len() <= DOCUMENT_BYTES_CEILING).then(|| Document { text: text.into(), outline: None })
    }

    /// Whether the text is a JSON object in canonical form.
    pub(crate) fn is_canonical(&self) -> bool {
        Document::from_stored(self.text.as_bytes()).is_some()
    }

    /// Takes stored bytes, which must be canonical (invariant I5: no byte is trusted).
    pub(crate) fn from_stored(bytes: &[u8]) -> Option<Document> {
        if bytes.len() > DOCUMENT_BYTES_CEILING {
            return None;
        }
        let tree = parse(bytes, DEPTH_CEILING).ok().filter(|tree| tree.root().is_object())?;
        (tree.text().as_bytes() == bytes)
            .then(|| Document { outline: tree.outline(), text: tree.into_text().into() })
    }

    /// The text as a tree.
    pub(crate) fn tree(&self) -> Tree<'_> {
        Tree::of_outlined(&*self.text, self.outline.as_ref())
    }

    /// The text as a tree that owns it.
    pub(crate) fn into_tree(self) -> Tree<'static> {
        Tree::of_outlined(self.text.into_string(), self.outline.as_ref())
    }

    /// The sizes of its memory blocks.
    pub(crate) fn heap_blocks_bytes(&self) -> [usize; 2] {
        [self.text.len(), self.outline.as_ref().map_or(0, Outline::heap_bytes)]
    }

    /// The canonical text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values at `pointers`, as JSON text; `None` for a member that does not exist.
    ///
    /// Errors: `TOOBIG` when together they are longer than both `state.max-bytes` and the document:
    /// pointers may overlap.
    pub fn members(&self, pointers: &[Pointer], limits: &Limits) -> Result<Vec<Option<&str>>, Error> {
        let tree = self.tree();
        let found = pointers.iter().map(|pointer| pointer.find(tree.root()).map(Node::range));
        let found: Vec<Option<&str>> = found.map(|range| self.text.get(range?)).collect();
        let bytes = found.iter().flatten().map(|value| value.len()).fold(0, usize::saturating_add);
        let limit = limits.bytes_max.max(self.text.len());
        if bytes > limit {
            let (what, advice) = ("the members together take", "name fewer pointers");
            return Err(Error::ReplyTooBig { what, bytes, limit, advice });
        }
        Ok(found)
    }

    /// Where this document differs from an older one.
    pub(crate) fn edits_since(&self, older: &Document) -> Edits {
        Edits::between(&self.text, &older.text)
    }

    /// The JSON Patch (RFC 6902) from this document to `to`, byte for byte; a patch longer than
    /// `state.max-bytes` replaces the whole document.
    pub fn diff(&self, to: &Document, limits: &Limits) -> String {
        diff::bounded_diff(self.tree().root(), to.tree().root(), limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::oracle;

    #[test]
    fn only_canonical_objects_are_taken_from_storage() {
        assert!(Document::from_stored(br#"{"amount":1.10}"#).is_some());
        for bytes in
            [&br#"{"amount": 1}"#[..], b"[]", b"{", b"", b"\xff", br#"{"a":1,"a":1}"#, br#"{"a":"\u0041"}"#]
        {
            assert_eq!(Document::from_stored(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }

    proptest::proptest! {
        #![proptest_config(oracle::config())]

        #[test]
        fn what_is_known_of_a_kept_document_is_what_looking_at_it_finds(value in oracle::any_object()) {
            let stored = Document::from_stored(value.to_string().as_bytes()).expect("canonical");
            proptest::prop_assert!(stored.tree().is_as_found());
            proptest::prop_assert!(Document::of_tree(&stored.tree()).into_tree().is_as_found());
        }
    }

    #[test]
    fn of_many_members_nothing_is_kept() {
        for members in [0, 1, 16, 17, 100] {
            let named = (0..members).map(|number| format!(r#""account_{number}":{number}"#));
            let text = format!("{{{}}}", named.collect::<Vec<_>>().join(","));
            let stored = Document::from_stored(text.as_bytes()).expect("canonical");
            assert_eq!(
                stored.heap_blocks_bytes(),
                [text.len(), if members <= 16 { members * 12 } else { 0 }]
            );
        }
    }

    #[test]
    fn members_are_text() {
        let document = Document::from_stored(br#"{"auth":{"token":null},"amount":1.10}"#).expect("canonical");
        let pointers =
            ["/amount", "/auth", "/auth/token", "/x"].map(|text| Pointer::parse(text).expect(text));
        let members = document.members(&pointers, &Limits::default());
        assert_eq!(members, Ok(vec![Some("1.10"), Some(r#"{"token":null}"#), Some("null"), None]));
    }

    #[test]
    fn members_that_overlap_are_as_long_together_as_a_document_may_be() {
        let document = Document::from_stored(format!(r#"{{"note":"{}"}}"#, "x".repeat(500)).as_bytes());
        let document = document.expect("canonical");
        let limits = Limits { bytes_max: 1024, ..Limits::default() };
        let whole = Pointer::parse("").expect("the whole");
        assert!(document.members(&vec![whole.clone(); 2], &limits).is_ok());
        let rejected = document.members(&vec![whole; 3], &limits);
        assert!(matches!(rejected, Err(Error::ReplyTooBig { bytes: 1533, limit: 1024, .. })), "{rejected:?}");
    }
}
