//! Which patterns are accepted. The cases come from a comparison of some 15,000 generated patterns
//! with `new RegExp(pattern, 'u')` of node 20.

use super::Pattern;
use crate::schema::source::Strictness;

/// Invalid in ECMA-262, but accepted by earlier releases.
const TAKEN_BEFORE: &[&str] = &[
    "^[[a]&&b]$",
    "]",
    "}",
    "x}",
    "^a]}$",
    "(?:a|])",
    r"\-",
    r"\_",
    r"\ ",
    r"\@",
    r#"\""#,
    r"\#",
    r"[\@]",
    r"[\_]",
    r"\p{IsGreek}",
    r"\p{Greek}",
    r"\p{letter}",
    r"\p{Uppercaseletter}",
    r"\p{script=Greek}",
    r"\p{Script=greek}",
    r"\p{gc=lu}",
    r"\p{Other_Alphabetic}",
    "(?<>a)",
    "(?<1a>a)",
    "(?<a-b>a)",
    "(?<a>x)(?<a>y)",
];

/// Invalid in ECMA-262, and never accepted.
const REJECTED: &[&str] = &[
    "{",
    "x{",
    "x{1",
    "x{1,",
    "{2}",
    "x{,3}",
    "x{2,1}",
    "x{2}{3}",
    "x**",
    "x+*",
    "^*",
    "$+",
    r"\b+",
    r"\B?",
    "a)",
    "(a",
    "(?a",
    "(?i:a)",
    "(?i)a",
    "(?<a",
    "[a",
    "[z-a]",
    r"[\w-a]",
    r"[a-\d]",
    r"[\p{L}-z]",
    r"[a-\p{L}]",
    r"[\B]",
    r"[\c]",
    r"[\c_]",
    r"[\00]",
    r"\c",
    r"\c1",
    r"\cé",
    r"\x4",
    r"\u004",
    r"\u{}",
    r"\u{110000}",
    r"\u{41",
    r"\00",
    r"\a",
    r"\é",
    r"\p",
    r"\p{}",
    r"\pL",
    r"\p{Age=6.0}",
];

const TAKEN: &[&str] = &[
    "",
    "|",
    "()",
    "(|)",
    "(^)*",
    r"(?:\b)*",
    "x{2}?",
    "x{2,}",
    "[]",
    "[^]",
    "[^^]",
    "[{}]",
    "[a-]",
    "[-a]",
    "[--a]",
    "[a-b-c]",
    "[[a]",
    "[a&&b]",
    r"[\w-]",
    r"[\-]",
    r"[\b-a]",
    r"[\]]",
    r"\^\$\\\.\*\+\?\(\)\[\]\{\}\|\/",
    r"\cA\0\t\n\v\f\r",
    r"\u{000041}",
    r"\ud83d",
    r"[\u{1F600}-\u{1F64F}]",
    r"\p{digit}\p{punct}\p{cntrl}\p{Combining_Mark}",
    r"\p{L}\p{Letter}\p{gc=Lu}\p{General_Category=Decimal_Number}",
    r"\p{LC}\p{Cased_Letter}\p{Sc}\p{sc=Zyyy}",
    r"\p{Script=Greek}\p{sc=Grek}\p{scx=Latn}\p{Script_Extensions=Latin}",
    r"\p{Script=Qaac}\p{Script=Nko}\p{Script=Phags_Pa}\p{Script=SignWriting}",
    r"\p{Any}\p{ASCII}\p{Assigned}",
    r"\p{Alpha}\p{AHex}\p{Emoji}\p{ExtPict}\p{XIDS}",
    r"\p{White_Space}\p{space}",
    r"\p{Lower}\p{Upper}\p{Cn}\p{Unassigned}",
    "(?<a>x)|(?<b>y)",
    "(?<$_é>x)",
    r"(?<\u0061>x)(?<\u{62}>y)",
    "(?<a\u{200d}>x)",
    // ECMA-262 of 2025: two alternatives never take part in one match.
    "(?<a>x)|(?<a>y)",
    "(?:(?<a>x)|(?<a>y))(?<b>z)",
    "((?<a>x)|y)|(?<a>z)",
];

fn compile(pattern: &str, strictness: Strictness) -> Result<Pattern, String> {
    Pattern::compile(pattern, strictness)
}

#[test]
fn patterns_that_ecma_262_does_not_have_are_rejected() {
    for pattern in TAKEN_BEFORE.iter().chain(REJECTED) {
        assert!(compile(pattern, Strictness::Set).is_err(), "{pattern}");
    }
    for pattern in ["(?<a>(?<a>x))", "(?:(?<a>x)|(?<a>y))(?<a>z)", "(?<a>z)(?:(?<a>x)|y)"] {
        let reason = compile(pattern, Strictness::Set).expect_err(pattern);
        assert!(reason.contains("the same name"), "{pattern}: {reason}");
    }
    for pattern in REJECTED {
        assert!(compile(pattern, Strictness::Stored).is_err(), "{pattern}");
    }
}

#[test]
fn patterns_that_ecma_262_has_are_taken() {
    for pattern in TAKEN {
        let found = compile(pattern, Strictness::Set);
        assert!(found.is_ok(), "{pattern}: {:?}", found.err());
    }
}

/// A schema that an earlier release accepted stays in use.
#[test]
fn stored_patterns_are_read_as_they_were() {
    for pattern in TAKEN_BEFORE {
        let found = compile(pattern, Strictness::Stored);
        assert!(found.is_ok(), "{pattern}: {:?}", found.err());
    }
}
