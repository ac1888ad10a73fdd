//! JSON Pointer (RFC 6901): the members of a document by their names.

use serde_json::{Map, Value};

/// The tokens of a pointer.
pub type Tokens = Vec<String>;

/// The tokens of a text; `None` when it is no pointer.
pub fn tokens(pointer: &str) -> Option<Tokens> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    pointer.strip_prefix('/')?.split('/').map(token).collect()
}

fn token(escaped: &str) -> Option<String> {
    let is_invalid = escaped.replace("~0", "").replace("~1", "").contains('~');
    (!is_invalid).then(|| escaped.replace("~1", "/").replace("~0", "~"))
}

/// A token as it is written in a pointer.
pub fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The index of an array that a token names: without sign and without leading zero.
pub fn index(token: &str) -> Option<usize> {
    let index: usize = token.parse().ok()?;
    (index.to_string() == token).then_some(index)
}

/// The value at a pointer.
pub fn get<'v>(value: &'v Value, tokens: &[String]) -> Option<&'v Value> {
    tokens.iter().try_fold(value, |value, token| match value {
        Value::Object(members) => members.get(token),
        Value::Array(elements) => elements.get(index(token)?),
        _ => None,
    })
}

/// As [`get`], to change the value.
pub fn get_mut<'v>(value: &'v mut Value, tokens: &[String]) -> Option<&'v mut Value> {
    tokens.iter().try_fold(value, |value, token| match value {
        Value::Object(members) => members.get_mut(token),
        Value::Array(elements) => elements.get_mut(index(token)?),
        _ => None,
    })
}

/// Sets a member, and makes the objects that lead to it. `None` where an array or a scalar is in
/// the way.
pub fn set(document: &mut Value, tokens: &[String], value: Value) -> Option<()> {
    let Some((token, rest)) = tokens.split_first() else {
        *document = value;
        return Some(());
    };
    match document {
        Value::Object(members) => {
            set(members.entry(token).or_insert_with(|| Value::Object(Map::new())), rest, value)
        }
        Value::Array(elements) => {
            let index = index(token)?;
            if index == elements.len() && rest.is_empty() {
                elements.push(value);
                return Some(());
            }
            set(elements.get_mut(index)?, rest, value)
        }
        _ => None,
    }
}

/// Removes a member if it is there.
pub fn remove(document: &mut Value, tokens: &[String]) {
    let Some((last, parent)) = tokens.split_last() else { return };
    match get_mut(document, parent) {
        Some(Value::Object(members)) => drop(members.shift_remove(last)),
        Some(Value::Array(elements)) => {
            if let Some(index) = index(last).filter(|index| *index < elements.len()) {
                elements.remove(index);
            }
        }
        _ => {}
    }
}

/// Every pointer into a document, with the text of its value.
pub fn all(value: &Value) -> Vec<(String, String)> {
    let below = |token: String, value: &Value| {
        all(value).into_iter().map(move |(rest, text)| (format!("/{token}{rest}"), text))
    };
    let mut found = vec![(String::new(), value.to_string())];
    match value {
        Value::Object(members) => {
            found.extend(members.iter().flat_map(|(name, value)| below(escaped(name), value)));
        }
        Value::Array(elements) => {
            let elements = elements.iter().enumerate();
            found.extend(elements.flat_map(|(index, value)| below(index.to_string(), value)));
        }
        _ => {}
    }
    found
}
