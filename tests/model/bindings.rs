//! The patterns that the test binds, and which keys they match.
//!
//! The matches are written by hand: there are two keys only, and a matcher would need a test of its
//! own. The most specific pattern comes first, and the first one that is bound counts.

use std::collections::BTreeMap;

use crate::command::KEYS;
use crate::rules::Rules;

/// A pattern, and whether each of the keys matches it.
pub const PATTERNS: [(&str, [bool; KEYS.len()]); 13] = [
    // Twenty literal bytes, the most.
    ("channel:+26377123456[0-9]", [true, false]),
    ("user:{*}:state", [false, true]),
    ("channel:+263?????????", [true, false]),
    (r"channel:\+*", [true, false]),
    // Eight literal bytes each: those without a star first.
    ("channel:?????????????", [true, false]),
    ("session:?", [false, false]),
    ("channel:*", [true, false]),
    (BOUND_BY_STRICT, [false, true]),
    // One literal byte each: the one with a single star first, though its bytes come last.
    ("[cu]*7", [true, false]),
    ("*:*", [true, true]),
    // No literal byte and one star each: those without a question mark first, by their bytes.
    ("*", [true, true]),
    ("[cu]*", [true, true]),
    ("?*", [true, true]),
];

/// The pattern in `x-bind` of [`Rules::Strict`].
pub const BOUND_BY_STRICT: &str = "user:*";

/// The bindings: the index of a pattern in [`PATTERNS`], and the name of its schema.
pub type Bindings = BTreeMap<usize, &'static str>;

/// The schema of the binding that matches a key.
pub fn bound_to(bindings: &Bindings, key: usize) -> Option<&'static str> {
    let first = bindings.iter().find(|(pattern, _)| PATTERNS[**pattern].1[key]);
    first.map(|(_, name)| *name)
}

/// Adds the bindings of a schema's own `x-bind`.
pub fn bind_own(bindings: &mut Bindings, name: &'static str, rules: Rules) {
    if rules == Rules::Strict {
        let own = PATTERNS.iter().position(|(pattern, _)| *pattern == BOUND_BY_STRICT);
        bindings.insert(own.expect("it is in the list"), name);
    }
}
