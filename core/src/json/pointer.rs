//! JSON pointers (RFC 6901): parsing and resolution.

use std::fmt;

use super::node::Node;

/// The longest pointer of a client, in bytes.
pub const POINTER_BYTES_MAX: usize = 1024;

/// A pointer into a document, such as `/auth/token`; the empty pointer is the whole document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    /// Parses a pointer; `None` when it does not begin with `/`, or has a `~` that is not `~0` or
    /// `~1`.
    pub fn parse(text: &str) -> Option<Pointer> {
        if text.is_empty() {
            return Some(Pointer { tokens: Vec::new() });
        }
        let tokens = text.strip_prefix('/')?.split('/').map(unescaped).collect::<Option<_>>()?;
        Some(Pointer { tokens })
    }

    /// The reference tokens, unescaped.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether this pointer is `other` or one of its parents.
    pub(crate) fn is_prefix_of(&self, other: &Pointer) -> bool {
        other.tokens.starts_with(&self.tokens)
    }

    /// The value at this pointer in `whole`.
    pub(crate) fn find<'v>(&self, whole: Node<'v>) -> Option<Node<'v>> {
        self.tokens.iter().try_fold(whole, |value, token| {
            if value.is_object() { value.get(token) } else { value.element(array_index(token)?) }
        })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens.iter().try_for_each(|token| write!(f, "/{}", escaped(token)))
    }
}

/// A member name with `~` and `/` escaped for a pointer.
pub fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

fn unescaped(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (escape, rest) = part.split_at_checked(1)?;
        plain.push(match escape {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        plain.push_str(rest);
    }
    Some(plain)
}

/// The array index of a token: digits without leading zeros (RFC 6901, section 4).
pub fn array_index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with('0');
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    if canonical && digits { token.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse::parse;

    #[test]
    fn finds_what_rfc_6901_says() {
        let document =
            parse(br#"{"auth":{"token":"t"},"a/b":1,"m~n":2,"":3,"items":[10,20]}"#, 64).expect("json");
        for (pointer, found) in [
            ("/auth/token", Some("\"t\"")),
            ("/a~1b", Some("1")),
            ("/m~0n", Some("2")),
            ("/", Some("3")),
            ("/items/1", Some("20")),
            ("/items/01", None),
            ("/items/2", None),
            ("/items/-", None),
            ("/auth/x", None),
        ] {
            let pointer = Pointer::parse(pointer).expect(pointer);
            assert_eq!(pointer.find(document.root()).map(Node::text), found, "{pointer}");
        }
        let whole = Pointer::parse("").and_then(|whole| whole.find(document.root()));
        assert_eq!(whole.map(Node::text), Some(document.text()));
    }

    #[test]
    fn invalid_pointer_is_rejected() {
        for text in ["auth", "auth/token", "/~", "/~2", "/a~"] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
    }

    #[test]
    fn prints_as_it_was_parsed() {
        for text in ["", "/", "/auth/token", "/a~1b/m~0n"] {
            assert_eq!(Pointer::parse(text).expect(text).to_string(), text);
        }
    }
}
