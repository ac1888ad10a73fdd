//! The document: the JSON object a client owns, kept as compact canonical text and nothing else.
//!
//! Keeping the parsed tree was measured and rejected: it takes seven times the memory. Canonical means one text
//! for one reading of the client's bytes: member order and number literals as written, strings as RFC 8785 writes
//! them, no insignificant space, of duplicate names the last. So equal text means nothing has changed.

use serde_json::Value;

use crate::error::Error;
use crate::json::parse::{DEPTH_CEILING, parse};
use crate::json::pointer::Pointer;
use crate::json::{diff, to_text};
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
    pub(crate) fn from_value(value: &Value, limits: &Limits) -> Result<Document, Error> {
        if !value.is_object() {
            return Err(Error::not_an_object());
        }
        let text = to_text(value);
        if text.len() > limits.bytes_max {
            return Err(Error::document_too_big(text.len(), limits));
        }
        Ok(Document { text: text.into() })
    }

    /// The document of a value that is known to be an object.
    pub(crate) fn of_object(value: &Value) -> Document {
        Document { text: to_text(value).into() }
    }

    /// Takes over stored bytes that must already be canonical (invariant I5: no byte is trusted).
    pub(crate) fn from_stored(bytes: &[u8]) -> Option<Document> {
        if bytes.len() > DOCUMENT_BYTES_CEILING {
            return None;
        }
        let value = parse(bytes, DEPTH_CEILING).ok().filter(Value::is_object)?;
        let text = to_text(&value);
        (text.as_bytes() == bytes).then(|| Document { text: text.into() })
    }

    /// The tree of a document.
    pub(crate) fn value(&self) -> Value {
        // The text was made by `to_text`, so it parses; a null here would be refused as no object by whoever asks.
        parse(self.text.as_bytes(), DEPTH_CEILING).unwrap_or_default()
    }

    /// The canonical text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values at `pointers`, as JSON text; `None` for what is not there.
    pub fn members(&self, pointers: &[Pointer]) -> Vec<Option<String>> {
        let value = self.value();
        pointers.iter().map(|pointer| pointer.find(&value).map(to_text)).collect()
    }

    /// The JSON patch (RFC 6902) that turns this document into `to`, byte for byte.
    pub fn diff(&self, to: &Document) -> String {
        diff::diff_text(&self.value(), &to.value())
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
