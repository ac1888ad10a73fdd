//! Which keys must obey which schema: the patterns that the test binds, and by hand which keys they match.
//!
//! By hand, because a matcher here would need a test of its own; there are two keys only. The most specific pattern that
//! is bound counts, and the list is in that order.

use std::collections::BTreeMap;

use crate::command::KEYS;
use crate::rules::Rules;

/// A pattern, and whether each of the keys matches it.
pub const PATTERNS: [(&str, [bool; KEYS.len()]); 13] = [
    // The most bytes that must be there literally: twenty.
    ("channel:+26377123456[0-9]", [true, false]),
    ("user:{*}:state", [false, true]),
    ("channel:+263?????????", [true, false]),
    (r"channel:\+*", [true, false]),
    // Eight each, those without a star first.
    ("channel:?????????????", [true, false]),
    ("session:?", [false, false]),
    ("channel:*", [true, false]),
    (BOUND_BY_STRICT, [false, true]),
    // One each, the one with a single star first, though its bytes come last.
    ("[cu]*7", [true, false]),
    ("*:*", [true, true]),
    // None each, and one star: those without a question mark first, in the order of their bytes.
    ("*", [true, true]),
    ("[cu]*", [true, true]),
    ("?*", [true, true]),
];

/// What the schema [`Rules::Strict`] binds by itself, with `x-bind`.
pub const BOUND_BY_STRICT: &str = "user:*";

/// What is bound: the place of a pattern in [`PATTERNS`], and the schema's name.
pub type Bindings = BTreeMap<usize, &'static str>;

/// The schema that a key must obey.
pub fn bound_to(bindings: &Bindings, key: usize) -> Option<&'static str> {
    let first = bindings.iter().find(|(pattern, _)| PATTERNS[**pattern].1[key]);
    first.map(|(_, name)| *name)
}

/// Setting a schema binds what it asks for.
pub fn bind_own(bindings: &mut Bindings, name: &'static str, rules: Rules) {
    if rules == Rules::Strict {
        let own = PATTERNS.iter().position(|(pattern, _)| *pattern == BOUND_BY_STRICT);
        bindings.insert(own.expect("it is in the list"), name);
    }
}
