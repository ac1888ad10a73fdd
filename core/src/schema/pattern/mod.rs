//! Regular expressions of schemas: ECMA-262 with the flag `u`, with a charge for each step.
//!
//! * `parse`: parses a pattern into an expression
//! * `groups`: the kinds of groups after a `(`, and their names
//! * `class`: sets of characters
//! * `properties`: how ECMA-262 spells the properties of Unicode
//! * `program`: compiles an expression into states, and runs a text through them
//! * `size`: the largest pattern
//!
//! Not the regex crate: `[ab]*a[ab]{300}c` takes it 9 s on 1 MB, since its cost can be neither
//! predicted nor stopped, and its classes are bytes of UTF-8, so that `^\p{L}{1,50}$` alone is a
//! megabyte. Here a state reads a character: a step costs the live states, and is charged before
//! the next. The crate's syntax provides the tables of Unicode.

mod class;
mod groups;
mod parse;
mod program;
mod properties;
pub(super) mod size;
#[cfg(test)]
mod syntax;

use crate::budget::Budget;
use crate::error::Error;
use crate::schema::pattern::program::Program;
use crate::schema::source::Strictness;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: Box<str>,
    program: Program,
    states: usize,
}

impl Pattern {
    /// Compiles a pattern. The error says what is wrong, then what to do.
    pub(crate) fn compile(source: &str, strictness: Strictness) -> Result<Pattern, String> {
        let parsed = parse::parse(source, strictness)?;
        let program = Program::compile(&parsed.expression, parsed.classes)?;
        let states = program.states().saturating_add(parsed.size);
        Ok(Pattern { source: source.into(), program, states })
    }

    /// The pattern as written in the schema.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The number of its states, its sets of characters included.
    pub(crate) fn states(&self) -> usize {
        self.states
    }

    /// Whether the pattern matches anywhere in a text.
    ///
    /// Errors: `TOOCOSTLY`.
    pub(crate) fn matches(&self, text: &str, budget: &Budget) -> Result<bool, Error> {
        self.program.matches(text, budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn compile(pattern: &str) -> Result<Pattern, String> {
        Pattern::compile(pattern, Strictness::Set)
    }

    fn matches(pattern: &str, text: &str) -> bool {
        let pattern = compile(pattern).unwrap_or_else(|reason| panic!("{pattern}: {reason}"));
        pattern.matches(text, &Budget::new(&Limits::default())).expect("cheap")
    }

    #[test]
    fn a_pattern_matches_anywhere_unless_it_is_anchored() {
        for (pattern, text, is_match) in [
            ("b", "abc", true),
            ("^b", "abc", false),
            ("^abc$", "abc", true),
            ("^abc$", "abc\n", false),
            ("^(a|bc)+$", "abca", true),
            ("^(a|bc)+$", "abcb", false),
            ("", "anything", true),
            ("^$", "", true),
            ("a*", "", true),
            ("(^a|b)c", "xbc", true),
            ("(^a|b)c", "xac", false),
            (r"^\+[0-9]{6,15}$", "+263771234567", true),
            (r"^\+[0-9]{6,15}$", "+26377", false),
            ("^(?:(a*)*)*$", "aaaa", true),
            ("^a{2}$", "aa", true),
            ("^a{2,}$", "aaaaa", true),
            ("^a{2,3}?$", "aaaa", false),
            ("^a{0}$", "", true),
            (r"^[^\W]+@[\w.-]+\.[a-z]{2,}$", "zoe@example.co.zw", true),
        ] {
            assert_eq!(matches(pattern, text), is_match, "{pattern} on {text:?}");
        }
    }

    /// ECMA-262, 22.2.1: where other engines differ.
    #[test]
    fn patterns_are_read_as_ecma_262_with_u() {
        for (pattern, text, is_match) in [
            ("^.$", "\n", false),
            ("^.$", "\r", false),
            ("^.$", "\u{2028}", false),
            ("^.$", "\u{2029}", false),
            ("^.$", "\u{85}", true),
            ("^.{1,20}$", "line\r", false),
            (r"^\d$", "\u{664}", false),
            (r"^\w$", "é", false),
            (r"\bé", "aé", true),
            (r"^\s$", "\u{feff}", true),
            (r"^\s$", "\u{a0}", true),
            (r"^\s$", "\u{85}", false),
            (r"^\0$", "\0", true),
            (r"^[\b]$", "\u{8}", true),
            ("^[^]$", "\n", true),
            ("[]", "a", false),
            (r"^\ud83d\ude00$", "😀", true),
            (r"^[\ud83d\ude00-\ud83d\ude02]$", "😁", true),
            (r"^\u{1F600}$", "😀", true),
            (r"^\u00e9$", "é", true),
            (r"^\x41\cJ$", "A\n", true),
            (r"^\p{Letter}cole$", "École", true),
            (r"^\p{L}cole$", "4cole", false),
            (r"^\p{Script=Greek}+$", "λόγος", true),
            (r"^\P{Lu}$", "A", false),
            (r"^[\p{L}\p{M}' -]{1,50}$", "Zoë O'Neil-Ncube", true),
            ("^🐲*$", "🐲🐲", true),
            ("^🐲*$", "🐉", false),
            (r"^\/[\-]@$", "/-@", true),
            (r"^\k$", "k", false),
        ] {
            match compile(pattern) {
                Ok(compiled) => {
                    let found = compiled.matches(text, &Budget::new(&Limits::default()));
                    assert_eq!(found, Ok(is_match), "{pattern} on {text:?}");
                }
                Err(reason) => assert!(!is_match, "{pattern}: {reason}"),
            }
        }
    }

    #[test]
    fn ordinary_patterns_fit() {
        for pattern in [
            "^.{1,256}$",
            r"^\p{L}{1,50}$",
            r"^[\p{L}\p{M}\p{N} .,'-]{1,200}$",
            r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$",
        ] {
            let compiled = compile(pattern);
            assert!(compiled.is_ok(), "{pattern}: {:?}", compiled.err());
        }
    }

    #[test]
    fn what_is_no_pattern_is_rejected_with_its_reason() {
        for (pattern, reason) in [
            ("(", "is not closed"),
            (")", "closes no group"),
            ("[a", "is not closed"),
            ("[b-a]", "out of order"),
            ("*", "nothing to repeat"),
            ("a**", "nothing to repeat"),
            ("a{3,2}", "out of order"),
            ("a{", "write \\{"),
            (r"\", "ends in a backslash"),
            (r"\q", "is no escape"),
            (r"\1", "back-references are not supported"),
            ("(?=x)", "look-around is not supported"),
            ("(?<!x)", "look-around is not supported"),
            ("(?i)x", "flags are not supported"),
            (r"\p{Nonsense}", "is no property of ECMA-262"),
            (r"\u{110000}", "is no character"),
            ("(?:a{1000}){1000}", "10000 states"),
            (r"(?:\p{L}{100}){101}", "10000 states"),
        ] {
            let found = compile(pattern).err().unwrap_or_else(|| panic!("{pattern} is accepted"));
            assert!(found.contains(reason), "{pattern}: {found}");
        }
        assert!(compile(&"(".repeat(60_000)).is_err());
        assert!(compile(&r"\p{L}".repeat(10_000)).is_err());
        assert!(compile(&format!("[{}]", r"\p{L}".repeat(200))).is_err());
    }

    #[test]
    fn a_costly_match_is_stopped_by_the_budget() {
        let pattern = compile("[ab]*a[ab]{300}c").expect("a pattern");
        let text = "ab".repeat(500_000);
        let budget = Budget::new(&Limits::default());
        assert!(matches!(pattern.matches(&text, &budget), Err(Error::TooCostly { .. })));
        let budget = Budget::new(&Limits::default());
        assert_eq!(pattern.matches(&text[..1000], &budget), Ok(false));
    }
}
