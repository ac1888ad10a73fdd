//! A member's name that is looked for again and again: plain, and as canonical text writes it.

use std::ops::Deref;

use super::strings::raw;

/// A name; it reads as the plain one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    plain: Box<str>,
    /// Where it is written in another way.
    escaped: Option<Box<str>>,
}

impl Name {
    /// As it is written between its quotes.
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
