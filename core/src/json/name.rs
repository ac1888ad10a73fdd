//! A member's name for repeated lookups: plain, and in canonical form.

use std::ops::Deref;

use super::strings::raw;

/// A name; it dereferences to the plain form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    plain: Box<str>,
    /// The canonical form, if it differs.
    escaped: Option<Box<str>>,
}

impl Name {
    /// The canonical form, without the quotes.
    pub(crate) fn raw(&self) -> &str {
        self.escaped.as_deref().unwrap_or(&self.plain)
    }
}

impl From<&str> for Name {
    fn from(plain: &str) -> Name {
        let raw = raw(plain);
        Name { plain: plain.into(), escaped: (raw != plain).then(|| raw.into()) }
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.plain
    }
}

#[cfg(test)]
mod tests {
    use crate::json::name::Name;

    #[test]
    fn a_name_is_kept_in_both_ways() {
        for (plain, raw) in [("token", "token"), ("a\"b", "a\\\"b"), ("", ""), ("é\n", "é\\n")] {
            let name = Name::from(plain);
            assert_eq!((&*name, name.raw()), (plain, raw));
        }
    }
}
