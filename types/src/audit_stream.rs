//! The name of the audit stream beside a state.

/// The key of the audit stream of the state at `key`: `key:audit` when the key has a hash tag, else
/// `{key}:audit`, so that both keys are in one slot of a cluster. `None` for a key that can't be
/// made a hash tag, such as `a}b` or `{}x`.
pub fn audit_stream_key(key: &[u8]) -> Option<Vec<u8>> {
    if has_hash_tag(key) {
        return Some([key, b":audit"].concat());
    }
    // Between the braces the whole key must be the tag: not empty, and not ended early by a brace
    // of its own.
    (!key.is_empty() && !key.contains(&b'}')).then(|| [b"{", key, b"}:audit"].concat())
}

/// Whether a cluster hashes only a part of the key: the bytes between the first `{` and the next
/// `}`, if there are any.
fn has_hash_tag(key: &[u8]) -> bool {
    let mut parts = key.splitn(2, |byte| *byte == b'{').skip(1);
    let tag_bytes = parts.next().and_then(|rest| rest.iter().position(|byte| *byte == b'}'));
    tag_bytes.is_some_and(|bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::audit_stream_key;

    #[test]
    fn stream_is_in_the_slot_of_its_key() {
        let name =
            |key: &str| audit_stream_key(key.as_bytes()).map(|name| String::from_utf8(name).expect("text"));
        assert_eq!(name("channel:+263771234567").as_deref(), Some("{channel:+263771234567}:audit"));
        assert_eq!(name("user:{+263771234567}:state").as_deref(), Some("user:{+263771234567}:state:audit"));
        assert_eq!(name("{a}b}c").as_deref(), Some("{a}b}c:audit"));
        assert_eq!(name("a{b").as_deref(), Some("{a{b}:audit"));
        for key in ["", "a}b", "{}x", "x{}", "}", "a}b{", "{}{a}"] {
            assert_eq!(name(key), None, "{key}");
        }
    }
}
