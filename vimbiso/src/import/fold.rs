//! The texts of the old bot's five keys as one document of `vimbiso.cached-user`.
//!
//! The first bot was written in Python, and several versions have written its keys: JSON or bare
//! text, `None` for no choice. All of these are read. A pickle is JSON already: see `value.rs`.

use redis_state_client::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// The texts of the five keys; `None` for a missing key.
#[derive(Default)]
pub(super) struct Five<'a> {
    pub(super) state: Option<&'a str>,
    pub(super) stage: Option<&'a str>,
    pub(super) option: Option<&'a str>,
    pub(super) direction: Option<&'a str>,
    pub(super) jwt_token: Option<&'a str>,
}

impl Five<'_> {
    /// The document; missing members are left to the schema's defaults.
    pub(super) fn fold(&self, mobile_number: &str) -> Result<Map<String, Value>> {
        let texts = [
            ("stage", self.stage),
            ("option", self.option),
            ("direction", self.direction),
            ("jwt_token", self.jwt_token),
        ];
        let mut document = Map::new();
        for (name, found) in texts {
            if let Some(text) = found.and_then(bare) {
                document.insert(name.to_owned(), text.into());
            }
        }
        if let Some(state) = self.state.map(object).transpose()?.flatten() {
            document.insert("state".to_owned(), state.into());
        }
        document.insert("mobile_number".to_owned(), mobile_number.into());
        Ok(document)
    }
}

/// A text without its JSON quotes, if any; `None` for Python's and JSON's empty values.
fn bare(text: &str) -> Option<String> {
    let text = text.trim();
    match serde_json::from_str(text) {
        Ok(Value::Null) => None,
        Ok(Value::String(inner)) => Some(inner),
        _ if is_nothing(text) => None,
        _ => Some(text.to_owned()),
    }
    .filter(|text| !text.is_empty())
}

/// The JSON object of a text, which may have been encoded twice.
fn object(text: &str) -> Result<Option<Map<String, Value>>> {
    if is_nothing(text.trim()) {
        return Ok(None);
    }
    match parse(text)? {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        Value::String(inner) if inner.trim_start().starts_with('{') => match parse(&inner)? {
            Value::Object(members) => Ok(Some(members)),
            _ => Err(no_object()),
        },
        _ => Err(no_object()),
    }
}

/// The document of a text, and its own text. `json.dumps` in a pickled or JSON str is JSON in JSON.
pub(super) fn document(text: String) -> Result<(Value, String)> {
    match parse(&text)? {
        Value::String(inner) => Ok((parse(&inner)?, inner)),
        document => Ok((document, text)),
    }
}

/// Parses JSON. The error names the position only: the text may contain a secret.
pub(super) fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        Error::new(ErrorKind::BadJson, format!("BADJSON the stored text is not JSON: {place}"))
    })
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "None" | "nil" | "null")
}

pub(super) fn no_object() -> Error {
    Error::new(ErrorKind::BadJson, "BADJSON the stored text is not a JSON object")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn folded(five: Five) -> Value {
        Value::Object(five.fold("1").expect("a document"))
    }

    #[test]
    fn bare_text_and_json_mean_the_same() {
        let plain =
            Five { stage: Some("handle_action_menu"), jwt_token: Some("eyJhbGciOi"), ..Five::default() };
        let quoted = Five {
            stage: Some("\"handle_action_menu\""),
            jwt_token: Some("\"eyJhbGciOi\""),
            ..Five::default()
        };
        let expected =
            json!({"stage": "handle_action_menu", "jwt_token": "eyJhbGciOi", "mobile_number": "1"});
        assert_eq!(folded(plain), expected);
        assert_eq!(folded(quoted), expected);
    }

    #[test]
    fn empty_values_have_many_forms() {
        for nothing in ["", " ", "None", "null", "nil", "\"\""] {
            assert_eq!(
                folded(Five { option: Some(nothing), ..Five::default() }),
                json!({"mobile_number": "1"})
            );
        }
        for nothing in ["", "None", "null"] {
            assert_eq!(
                folded(Five { state: Some(nothing), ..Five::default() }),
                json!({"mobile_number": "1"})
            );
        }
    }

    #[test]
    fn state_is_a_json_object() {
        let once = r#"{"page_number":2}"#;
        let twice = serde_json::to_string(once).expect("a string");
        for state in [once, twice.as_str()] {
            let found = folded(Five { state: Some(state), ..Five::default() });
            assert_eq!(found["state"], json!({"page_number": 2}));
        }
        for broken in ["{'page_number': 2}", "[1]", "7", "\"{broken\"", "\u{80}\u{4}pickle"] {
            let rejected = Five { state: Some(broken), ..Five::default() }.fold("1").unwrap_err();
            assert_eq!(rejected.kind(), ErrorKind::BadJson, "{broken}");
            assert!(!rejected.to_string().contains("broken"));
        }
    }
}
