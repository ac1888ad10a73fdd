//! What must have occurred in enough runs: every command, option and outcome.
//!
//! Written out: a list made from the generator would not notice what the generator has lost.

use crate::invalid_commands::ROWS;
use crate::run::Counts;

type Words = &'static [&'static str];

const EXPIRY: Words = &["EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST"];
const METADATA: Words = &["EVENT", "ACTOR", "NOTE", "TURN"];
const EXPECTED: Words = &[
    "expected *",
    "expected 0",
    "expected version",
    "expected etag",
    "expected stale version",
    "expected stale etag",
    "expected stale digest",
];
const UPDATE: Words = &[
    "MERGE",
    "SHALLOW",
    "PATCH",
    "REPLACE",
    "SCHEMA",
    "LABEL",
    "OPERATION",
    "COMPONENT",
    "DRYRUN",
    "bound",
    "bound anew",
    "RETURN",
    "AUDIT",
];
const UPDATED: Words = &[
    "create",
    "update",
    "noted",
    "counted",
    "unchanged",
    "a dry run",
    "CONFLICT",
    "NOSTATE",
    "IMMUTABLE",
    "INVALID",
    "TRANSITION",
    "BADJSON",
    "BADPATCH",
    "TOOBIG",
    "TOODEEP",
    "NOSCHEMA",
    "BADKEY",
];

/// A command, its options with the expected versions, and its outcomes.
const REQUIRED: &[(&str, &[Words], &[Words])] = &[
    ("STATE.GET", &[&["VERSION", "pointer"]], &[&["answered", "nil", "NOVERSION", "NOSCHEMA"]]),
    ("STATE.UPDATE", &[UPDATE, EXPIRY, METADATA, EXPECTED], &[UPDATED, &["BADSCHEMA", "PROTECTED"]]),
    ("STATE.SETPROTECTED", &[UPDATE, EXPIRY, METADATA, EXPECTED], &[UPDATED]),
    (
        "STATE.ROLLBACK",
        &[
            &["STEPS", "TO", "LABEL", "LASTVALID", "ONLY", "ALL", "RETURN", "AUDIT", "bound", "bound anew"],
            EXPIRY,
            METADATA,
            EXPECTED,
        ],
        &[&[
            "rollback",
            "noted",
            "unchanged",
            "CONFLICT",
            "NOSTATE",
            "NOVERSION",
            "INVALID",
            "NOSCHEMA",
            "BADKEY",
            "ERR",
        ]],
    ),
    (
        "STATE.RESET",
        &[&["ALL", "RETURN", "AUDIT", "bound", "bound anew"], EXPIRY, METADATA, EXPECTED],
        &[&["reset", "noted", "unchanged", "CONFLICT", "NOSTATE", "INVALID", "NOSCHEMA", "BADKEY"]],
    ),
    (
        "STATE.RECOVER",
        &[&["SCHEMA", "AUDIT", "bound", "bound anew"], EXPIRY, METADATA],
        &[&[
            "valid",
            "defaults",
            "revision",
            "snapshot",
            "label",
            "reset",
            "created",
            "INVALID",
            "NOSCHEMA",
            "BADSCHEMA",
            "BADKEY",
        ]],
    ),
    (
        "STATE.DELETE",
        &[&["PURGE", "AUDIT"], METADATA, EXPECTED],
        &[&["deleted", "CONFLICT", "NOSTATE", "BADKEY"]],
    ),
    ("STATE.TOUCH", &[EXPIRY, &["TURN", "AUDIT"]], &[&["touched", "no state", "BADKEY"]]),
    (
        "STATE.ATTEMPT",
        &[&["SUCCESS", "FAILURE", "CLEAR", "COMPONENT", "ERROR", "ACTOR", "TURN", "AUDIT"]],
        &[&["counted", "NOSTATE", "BADKEY"]],
    ),
    ("STATE.ATTEMPTS", &[&["operation", "COUNT"]], &[&["answered", "nil"]]),
    ("STATE.HISTORY", &[&["COUNT"]], &[&["answered", "nil"]]),
    ("STATE.DIFF", &[&["WITHTURNS"]], &[&["answered", "nil", "NOVERSION", "NOSCHEMA"]]),
    ("STATE.META", &[], &[&["answered", "nil"]]),
    ("STATE.VALIDATE", &[], &[&["answered", "INVALID", "NOSCHEMA", "BADJSON", "TOOBIG", "TOODEEP"]]),
    ("STATE.SCHEMA SET", &[], &[&["answered", "BADSCHEMA", "BADJSON"]]),
    ("STATE.SCHEMA GET", &[], &[&["answered", "nil"]]),
    ("STATE.SCHEMA LIST", &[], &[&["answered"]]),
    ("STATE.SCHEMA BIND", &[], &[&["answered", "NOSCHEMA"]]),
    ("STATE.SCHEMA UNBIND", &[], &[&["answered"]]),
    ("STATE.SCHEMA DEL", &[&["FORCE"]], &[&["answered", "NOSCHEMA", "BADSCHEMA"]]),
    ("STATE.SCHEMA HELP", &[], &[&["answered"]]),
    ("STATE.HELP", &[], &[&["answered"]]),
];

/// The events of the audit stream.
const EVENTS: &[&str] = &[
    "create",
    "update",
    "rollback",
    "reset",
    "recover",
    "note",
    "attempt",
    "delete",
    "reject",
    "suppressed",
];

/// Everything that must have occurred.
fn required() -> Vec<String> {
    let mut marks = vec!["RESP2".to_owned(), "RESP3".to_owned()];
    for (command, options, outcomes) in REQUIRED {
        marks.push((*command).to_owned());
        let (options, outcomes) = (options.concat(), outcomes.concat());
        marks.extend(options.iter().map(|option| format!("{command} {option}")));
        // An option must have succeeded once; a stale expected version can't.
        let words = options.iter().filter(|option| !option.starts_with("expected"));
        marks.extend(words.map(|option| format!("{command} {option}, done")));
        marks.extend(outcomes.iter().map(|outcome| format!("{command}: {outcome}")));
    }
    marks.extend(EVENTS.iter().map(|event| format!("audit: {event}")));
    marks.extend((0..ROWS.len()).map(|row| format!("invalid row {row}")));
    marks
}

/// What has never occurred.
pub fn missing(counts: &Counts) -> Vec<String> {
    required().into_iter().filter(|mark| !counts.contains_key(mark)).collect()
}

/// What occurred, rarest first.
pub fn shown(counts: &Counts) -> String {
    let mut lines: Vec<(u64, &str)> = counts.iter().map(|(mark, count)| (*count, mark.as_str())).collect();
    lines.sort_unstable();
    lines.iter().map(|(count, mark)| format!("{count:>8} {mark}\n")).collect()
}
