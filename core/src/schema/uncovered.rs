//! Which changes of the registry would remove the protection of members of existing states.
//!
//! A binding is compared with the schemas in use whose keys its pattern may match. Some sequences
//! of bindings and schemas pass this check, so a state that moves to another schema is compared
//! again.

use std::fmt;

use super::bindings::Binding;
use super::compiled::Schema;
use super::registry::Registry;
use crate::schema::annotations::rules::Rules;

/// Members of existing states that would lose their protection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uncovered {
    /// A member.
    Member {
        /// The schema that protects it.
        schema: String,
        /// The member.
        pointer: String,
        /// `x-secret` or `x-protected`.
        annotation: &'static str,
    },
    /// Any member: the schema that protected it is missing or unusable.
    Unknown {
        /// The schema.
        schema: String,
    },
}

impl Uncovered {
    /// Finds the first member that `schema` protects and `by` does not.
    fn find(schema: &Schema, by: &Rules) -> Option<Uncovered> {
        Uncovered::of(schema, schema.rules().uncovered_by(by))
    }

    /// Finds the first secret of `schema` that is not one by `by`.
    pub(crate) fn find_secret(schema: &Schema, by: &Rules) -> Option<Uncovered> {
        Uncovered::of(schema, schema.rules().unmasked_by(by))
    }

    fn of(schema: &Schema, member: Option<(String, &'static str)>) -> Option<Uncovered> {
        let (pointer, annotation) = member?;
        Some(Uncovered::Member { schema: schema.reference().name.to_string(), pointer, annotation })
    }
}

impl fmt::Display for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uncovered::Member { schema, pointer, annotation } => {
                write!(f, "states use {schema}, and {pointer} would no longer be {annotation}")
            }
            Uncovered::Unknown { schema } => {
                write!(
                    f,
                    "states use {schema}, which is missing, so which members were x-secret is not known"
                )
            }
        }
    }
}

impl Registry {
    /// What setting `schema`, which also binds its patterns, would uncover under the schemas in
    /// use.
    pub fn uncovered_by_set(&self, schema: &Schema, is_used: impl Fn(&str) -> bool) -> Option<Uncovered> {
        let own = self.uncovered(&schema.reference().name, schema.rules(), &is_used);
        own.or_else(|| {
            let mut missing = self.missing_bindings(schema).into_iter();
            missing.find_map(|binding| self.uncovered_by_pattern(&binding, schema.rules(), &is_used))
        })
    }

    /// What removing a schema would uncover once another one has its name.
    pub fn uncovered_by_removal(&self, name: &str, is_used: impl Fn(&str) -> bool) -> Option<Uncovered> {
        self.uncovered(name, &Rules::default(), is_used)
    }

    /// What a binding would uncover: the bound schema of a key applies before the state's own.
    pub fn uncovered_by_binding(
        &self,
        binding: &Binding,
        is_used: impl Fn(&str) -> bool,
    ) -> Option<Uncovered> {
        let rules = self.get(&binding.schema).ok()?.rules();
        self.uncovered_by_pattern(binding, rules, &is_used)
    }

    fn uncovered_by_pattern(
        &self,
        binding: &Binding,
        rules: &Rules,
        is_used: &dyn Fn(&str) -> bool,
    ) -> Option<Uncovered> {
        let others = self.iter().filter(|schema| schema.reference().name != binding.schema);
        let mut touched = others.filter(|schema| {
            let name = &schema.reference().name;
            is_used(name) && self.may_match_keys_of(&binding.pattern, name)
        });
        touched.find_map(|schema| Uncovered::find(schema, rules))
    }

    /// Whether a pattern may match a key of a state under a schema: any key, unless the schema's
    /// bindings say which.
    fn may_match_keys_of(&self, pattern: &str, schema: &str) -> bool {
        let mut bound = self.bindings().filter(|binding| &*binding.schema == schema).peekable();
        bound.peek().is_none() || bound.any(|binding| may_overlap(&binding.pattern, pattern))
    }

    fn uncovered(&self, name: &str, by: &Rules, is_used: impl Fn(&str) -> bool) -> Option<Uncovered> {
        if !is_used(name) {
            return None;
        }
        match self.get(name) {
            Ok(present) => Uncovered::find(present, by),
            Err(_) => Some(Uncovered::Unknown { schema: name.to_owned() }),
        }
    }
}

/// Whether a key may match both patterns: it may, unless their literal prefixes differ.
fn may_overlap(one: &str, other: &str) -> bool {
    let mut pairs = literal_start(one).zip(literal_start(other));
    pairs.all(|(one, other)| one == other)
}

/// The bytes of a pattern before its first special character.
fn literal_start(pattern: &str) -> impl Iterator<Item = u8> {
    pattern.bytes().take_while(|byte| !matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = r#"{"properties":{"pin":{"x-secret":true}}}"#;

    fn registry() -> Registry {
        let mut registry = Registry::new();
        for (name, text) in [("vimbiso.channel", SECRET), ("vimbiso.flow", "{}")] {
            let schema = registry.prepare(name, text.as_bytes()).expect(text);
            registry.put(schema);
        }
        registry
    }

    fn bound(registry: &mut Registry, pattern: &str, name: &str) {
        let binding = registry.prepare_binding(pattern, name).expect("known");
        registry.bind(binding);
    }

    #[test]
    fn a_set_and_a_removal_uncover_what_is_used() {
        let mut registry = registry();
        let looser = registry.prepare("vimbiso.channel", b"{}").expect("a schema");
        let found = registry.uncovered_by_set(&looser, |_| true).expect("uncovered");
        assert_eq!(found.to_string(), "states use vimbiso.channel, and /pin would no longer be x-secret");
        assert_eq!(registry.uncovered_by_set(&looser, |_| false), None);
        assert!(registry.uncovered_by_removal("vimbiso.channel", |_| true).is_some());
        assert_eq!(registry.uncovered_by_removal("vimbiso.flow", |_| true), None);
        registry.remove("vimbiso.channel");
        let found = registry.uncovered_by_set(&looser, |_| true).expect("uncovered");
        assert!(matches!(found, Uncovered::Unknown { .. }), "{found}");
        assert_eq!(registry.uncovered_by_set(&looser, |_| false), None);
    }

    #[test]
    fn a_binding_uncovers_keys_that_it_may_match() {
        let mut registry = registry();
        let binding = |pattern: &str| Binding { pattern: pattern.into(), schema: "vimbiso.flow".into() };
        // The keys of the states are unknown.
        assert!(registry.uncovered_by_binding(&binding("user:*"), |_| true).is_some());
        bound(&mut registry, "channel:*", "vimbiso.channel");
        for (pattern, uncovers) in [
            ("channel:+263*", true),
            ("channel:*", true),
            ("*", true),
            ("ch[aeiou]*", true),
            ("user:*", false),
        ] {
            let found = registry.uncovered_by_binding(&binding(pattern), |_| true);
            assert_eq!(found.is_some(), uncovers, "{pattern}");
        }
        let binds = registry.prepare("vimbiso.flow", br#"{"x-bind":["channel:+27*"]}"#).expect("a schema");
        assert!(registry.uncovered_by_set(&binds, |_| true).is_some());
        assert_eq!(registry.uncovered_by_set(&binds, |_| false), None);
    }
}
