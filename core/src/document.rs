//! The document: the JSON object a client owns, kept as compact canonical text and nothing else.
//!
//! Keeping the parsed tree was measured and rejected: it takes seven times the memory. Canonical means one text
//! for one reading of the client's bytes: member order and number literals as written, strings as RFC 8785 writes
//! them, no insignificant space, of duplicate names the last. So equal text means nothing has changed.

use crate::delta::Edits;
use crate::error::Error;
use crate::json::diff;
use crate::json::draft::Draft;
use crate::json::parse::{DEPTH_CEILING, parse};
use crate::json::pointer::Pointer;
use crate::json::tree::Tree;
use crate::limits::Limits;

/// No document is longer, whatever the configuration says: the upper end of `state.max-bytes`.
pub(crate) const DOCUMENT_BYTES_CEILING: usize = 64 * 1024 * 1024;

/// A JSON object as canonical text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    text: Box<str>,
}

impl Document {
    /// Takes over a value as a document: it must be an object and obey the limits.
    pub(crate) fn from_tree(tree: &Tree, limits: &Limits) -> Result<Document, Error> {
        if !tree.root().is_object() {
            return Err(Error::not_an_object());
        }
        if tree.text().len() > limits.bytes_max {
            return Err(Error::document_too_big(tree.text().len(), limits));
        }
        Ok(Document { text: tree.text().into() })
    }

    /// The document of a value that is known to be an object.
    pub(crate) fn of_object(value: &Draft) -> Document {
        Document { text: value.to_text().into() }
    }

    /// `{}`.
    pub(crate) fn empty() -> Document {
        Document { text: "{}".into() }
    }

    /// Takes over text that is known to be a document, or is about to be looked at; `None` when it is too long for one.
    pub(crate) fn of_trusted(text: String) -> Option<Document> {
        (text.len() <= DOCUMENT_BYTES_CEILING).then(|| Document { text: text.into() })
    }

    /// Whether the text is what a document must be.
    pub(crate) fn is_canonical(&self) -> bool {
        Document::from_stored(self.text.as_bytes()).is_some()
    }

    /// Takes over stored bytes that must already be canonical (invariant I5: no byte is trusted).
    pub(crate) fn from_stored(bytes: &[u8]) -> Option<Document> {
        if bytes.len() > DOCUMENT_BYTES_CEILING {
            return None;
        }
        let tree = parse(bytes, DEPTH_CEILING).ok().filter(|tree| tree.root().is_object())?;
        (tree.text().as_bytes() == bytes).then(|| Document { text: tree.into_text().into() })
    }

    /// The text, to be looked at.
    pub(crate) fn tree(&self) -> Tree<'_> {
        Tree::of_trusted(&*self.text)
    }

    /// The same, taken over.
    pub(crate) fn into_tree(self) -> Tree<'static> {
        Tree::of_trusted(self.text.into_string())
    }

    /// The canonical text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values at `pointers`, as JSON text; `None` for what is not there.
    pub fn members(&self, pointers: &[Pointer]) -> Vec<Option<String>> {
        let tree = self.tree();
        let found = pointers.iter().map(|pointer| pointer.find(tree.root()));
        found.map(|found| found.map(|value| value.text().to_owned())).collect()
    }

    /// Where this document differs from the one before it.
    pub(crate) fn edits_since(&self, older: &Document) -> Edits {
        Edits::between(&self.text, &older.text)
    }

    /// The JSON patch (RFC 6902) that turns this document into `to`, byte for byte.
    pub fn diff(&self, to: &Document) -> String {
        diff::diff_text(self.tree().root(), to.tree().root())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_objects_are_taken_from_storage() {
        assert!(Document::from_stored(br#"{"amount":1.10}"#).is_some());
        for bytes in
            [&br#"{"amount": 1}"#[..], b"[]", b"{", b"", b"\xff", br#"{"a":1,"a":1}"#, br#"{"a":"\u0041"}"#]
        {
            assert_eq!(Document::from_stored(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn members_are_text() {
        let document = Document::from_stored(br#"{"auth":{"token":null},"amount":1.10}"#).expect("canonical");
        let pointers =
            ["/amount", "/auth", "/auth/token", "/x"].map(|text| Pointer::parse(text).expect(text));
        let members = document.members(&pointers);
        assert_eq!(
            members,
            [Some("1.10".into()), Some(r#"{"token":null}"#.into()), Some("null".into()), None]
        );
    }
}
