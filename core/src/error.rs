//! Why a command fails, with the data for its reply.
//!
//! `Display` is the whole reply line, with the prefix that clients match on. Texts say what to do
//! next; they never quote a value of a document, and show a caller's text up to a fixed length
//! ([`Shown`]).

use redis_state_types::{Etag, Expected, ExpiryOutOfRange, prefix};
use thiserror::Error as ThisError;

pub use redis_state_types::{Violation, prefix::REJECTIONS};

use crate::shown::{Shown, error_line};
use crate::state::idempotency::Made;
use crate::time::{TIME_MAX_MS, iso8601};
use crate::wire::DecodeError;

/// How many violations an `INVALID` reply lists.
const VIOLATIONS_SHOWN: usize = 10;

/// The most violations in an error.
pub const VIOLATIONS_MAX: usize = 100;

const REPLAYED_ADVICE: &str =
    "that owner handles the message; if it is lost, a change that expects its etag takes over";

/// Why a command fails. It has changed nothing (invariant I3).
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The etag or version differs from the expected one.
    #[error("CONFLICT expected {expected}, current is {current}")]
    Conflict {
        /// The expected version.
        expected: Expected,
        /// The present etag.
        current: Etag,
    },
    /// A version was expected, and there is no state.
    #[error("NOSTATE there is no state at this key; STATE.UPDATE with 0 or * creates one")]
    NoState,
    /// The result violates its schema.
    #[error("INVALID {}", listed(.violations))]
    Invalid {
        /// Every violation, in the order the schema finds them.
        violations: Vec<Violation>,
    },
    /// A transition that the schema does not allow.
    #[error("TRANSITION {}: {} -> {}; allowed: {allowed}", Shown(.pointer), Shown(.from), Shown(.to))]
    Transition {
        /// The member with `x-transitions`.
        pointer: String,
        /// The source, `(none)` or `(unlisted)`.
        from: String,
        /// The target.
        to: String,
        /// The allowed targets.
        allowed: String,
    },
    /// A command without the right changes a protected member.
    #[error("PROTECTED {}: only STATE.SETPROTECTED writes it; leave it out of the change", Shown(.pointer))]
    Protected {
        /// The member.
        pointer: String,
    },
    /// A command changes an immutable member that is set.
    #[error("IMMUTABLE {}: it is set and stays as long as the state; leave it out of the change", Shown(.pointer))]
    Immutable {
        /// The member.
        pointer: String,
    },
    /// Another command has used the token.
    #[error(
        "IDMISMATCH token made {made} for another command: send that one again, or this one with a new token"
    )]
    IdMismatch {
        /// The reply of that command.
        made: Made,
    },
    /// Another owner has used the token.
    #[error("REPLAYED {made} by {}: {REPLAYED_ADVICE}", owner.as_deref().map_or("a command without OWNER".into(), |owner| Shown(owner).to_string()))]
    Replayed {
        /// The reply of its command.
        made: Made,
        /// That owner.
        owner: Option<String>,
    },
    /// The text is not JSON.
    #[error("BADJSON at byte {at_byte}: {reason}")]
    BadJson {
        /// The offending byte, counted from 0.
        at_byte: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// An operation of a JSON patch can't be applied.
    #[error("BADPATCH operation {operation}: {reason}")]
    BadPatch {
        /// Which operation, counted from 0.
        operation: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A JSON Patch that is not an array.
    #[error(
        "BADPATCH a patch is an array of operations such as {{\"op\":\"add\",\"path\":\"/current/data\",\"value\":{{}}}}"
    )]
    BadPatchShape,
    /// A value exceeds a limit.
    #[error("TOOBIG {what} is {bytes} bytes, {limit_name} is {limit}")]
    TooBig {
        /// The value.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The name of the limit.
        limit_name: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The changed document exceeds the longest document. The text leaves out its length, which
    /// includes that of secrets.
    #[error(
        "TOOBIG the document would be longer than state.max-bytes, here {limit}: store less, or raise state.max-bytes"
    )]
    DocumentTooBig {
        /// `state.max-bytes`
        limit: usize,
    },
    /// A reply exceeds the longest document.
    #[error("TOOBIG {what} {bytes} bytes, state.max-bytes is {limit}: {advice}")]
    ReplyTooBig {
        /// The reply, with a verb.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// `state.max-bytes`
        limit: usize,
        /// What to do.
        advice: &'static str,
    },
    /// The JSON of a command nests too deep.
    #[error("TOODEEP at byte {at_byte}: containers nest deeper than state.max-depth, here {limit}")]
    TooDeep {
        /// The start of the first container beyond the limit.
        at_byte: usize,
        /// The limit.
        limit: usize,
    },
    /// The result of a patch nests too deep.
    #[error("TOODEEP the result nests {depth} deep, state.max-depth is {limit}")]
    ResultTooDeep {
        /// The depth of the result.
        depth: usize,
        /// The limit.
        limit: usize,
    },
    /// The command needs more work than its budget allows.
    #[error(
        "TOOCOSTLY the command needs more work than state.max-cost allows, here {limit}: send a smaller change, use a \
         smaller document or a simpler schema, or raise state.max-cost"
    )]
    TooCostly {
        /// `state.max-cost`
        limit: u64,
    },
    /// Subschemas nest too deep for one document.
    #[error(
        "TOOCOSTLY the schema asks subschemas within subschemas, more than {limit} deep: use fewer $ref and allOf on the way down"
    )]
    TooNested {
        /// The limit.
        limit: usize,
    },
    /// Too many operations with counted attempts.
    #[error(
        "TOOBIG a state counts the attempts of {limit} operations: STATE.ATTEMPT <key> <operation> CLEAR frees one"
    )]
    TooManyOperations {
        /// The limit.
        limit: usize,
    },
    /// Too many members with a deadline.
    #[error("TOOBIG a document has {limit} members with x-ttl at most")]
    TooManyDeadlines {
        /// The limit.
        limit: usize,
    },
    /// No rung of a recovery gives a valid state.
    #[error("INVALID no rung left: {tried}")]
    NoRung {
        /// Each rung with its reason.
        tried: String,
    },
    /// The registry has no such schema.
    #[error("NOSCHEMA no schema is named {}; STATE.SCHEMA SET {} <json> makes it", Shown(.name), Shown(.name))]
    NoSchema {
        /// The name.
        name: String,
    },
    /// A schema that can't be stored, or can't be used here.
    #[error("BADSCHEMA {reason}")]
    BadSchema {
        /// What is wrong.
        reason: String,
    },
    /// A version that is not kept.
    #[error("NOVERSION kept: {kept}")]
    NoVersion {
        /// The kept versions, as ranges.
        kept: String,
    },
    /// A way back from the first version.
    #[error("NOVERSION there is no earlier version; kept: {kept}")]
    NoEarlierVersion {
        /// The kept versions, as ranges.
        kept: String,
    },
    /// A label without a version.
    #[error("NOVERSION label {} names no version; kept: {kept}", Shown(.label))]
    NoLabel {
        /// The label.
        label: String,
        /// The kept versions, as ranges.
        kept: String,
    },
    /// An expiry in the past, or after the last valid time.
    #[error(
        "ERR invalid expire time: name one in the future and up to {}, Unix time {TIME_MAX_MS} ms",
        iso8601(TIME_MAX_MS)
    )]
    BadExpire,
    /// A member that a rollback of single members can't set.
    #[error("ERR ONLY {}: the present document has no place for it; roll back its parent", Shown(.pointer))]
    BadMember {
        /// The member.
        pointer: String,
    },
    /// The version number can't grow any more.
    #[error("ERR the state has reached the last version; delete it and create it anew")]
    LastVersion,
    /// A corrupt payload from a file or a primary.
    #[error("ERR {0}")]
    Corrupt(#[from] DecodeError),
    /// An effect from a file or a primary that the state rejects.
    #[error("ERR the effect does not fit the state it is for: {0}")]
    EffectMismatch(&'static str),
    /// A broken invariant: a bug in this crate.
    #[error("ERR internal: {0}")]
    Internal(&'static str),
}

impl Error {
    /// The first word of the reply.
    pub fn prefix(&self) -> &'static str {
        match self {
            Error::Conflict { .. } => prefix::CONFLICT,
            Error::NoState => prefix::NOSTATE,
            Error::Invalid { .. } | Error::NoRung { .. } => prefix::INVALID,
            Error::Transition { .. } => prefix::TRANSITION,
            Error::Protected { .. } => prefix::PROTECTED,
            Error::Immutable { .. } => prefix::IMMUTABLE,
            Error::IdMismatch { .. } => prefix::IDMISMATCH,
            Error::Replayed { .. } => prefix::REPLAYED,
            Error::BadJson { .. } => prefix::BADJSON,
            Error::BadPatch { .. } | Error::BadPatchShape => prefix::BADPATCH,
            Error::TooBig { .. }
            | Error::DocumentTooBig { .. }
            | Error::ReplyTooBig { .. }
            | Error::TooManyOperations { .. }
            | Error::TooManyDeadlines { .. } => prefix::TOOBIG,
            Error::TooDeep { .. } | Error::ResultTooDeep { .. } => prefix::TOODEEP,
            Error::TooCostly { .. } | Error::TooNested { .. } => prefix::TOOCOSTLY,
            Error::NoSchema { .. } => prefix::NOSCHEMA,
            Error::BadSchema { .. } => prefix::BADSCHEMA,
            Error::NoVersion { .. } | Error::NoEarlierVersion { .. } | Error::NoLabel { .. } => {
                prefix::NOVERSION
            }
            Error::BadExpire
            | Error::BadMember { .. }
            | Error::LastVersion
            | Error::Corrupt(_)
            | Error::EffectMismatch(_)
            | Error::Internal(_) => prefix::ERR,
        }
    }

    /// The reply, cut at the longest error line.
    pub fn line(&self) -> String {
        error_line(self.to_string())
    }

    /// The line of violations without its prefix, where the context says that they are some: of a
    /// rung, or of a lapse.
    pub(crate) fn reason(&self) -> String {
        let line = self.line();
        line.strip_prefix("INVALID ").map(str::to_owned).unwrap_or(line)
    }

    /// Whether this is a rejection, which the audit stream records.
    pub fn is_rejection(&self) -> bool {
        REJECTIONS.contains(&self.prefix())
    }

    pub(crate) fn not_an_object() -> Error {
        Error::at_root("must be an object")
    }

    /// An array where a document was wanted: most often a JSON patch.
    pub(crate) fn array_without_patch() -> Error {
        Error::at_root("must be an object, not an array: did you mean PATCH?")
    }

    fn at_root(message: &str) -> Error {
        let violation = Violation { pointer: String::new(), message: message.to_owned() };
        Error::Invalid { violations: vec![violation] }
    }
}

impl From<ExpiryOutOfRange> for Error {
    fn from(_: ExpiryOutOfRange) -> Error {
        Error::BadExpire
    }
}

fn listed(violations: &[Violation]) -> String {
    let plural = if violations.len() == 1 { "" } else { "s" };
    let shown: Vec<String> = violations
        .iter()
        .take(VIOLATIONS_SHOWN)
        .map(|violation| {
            format!("{}: {}", Shown(shown_pointer(&violation.pointer)), Shown(&violation.message))
        })
        .collect();
    let more = violations.len().saturating_sub(VIOLATIONS_SHOWN);
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    // The validator stops here, so there may be more.
    let least = if violations.len() < VIOLATIONS_MAX { "" } else { "at least " };
    format!("{least}{} violation{plural}: {}{rest}", violations.len(), shown.join("; "))
}

/// A JSON pointer for error texts: the empty one is the whole document, and `/` is its member with
/// an empty name (RFC 6901, section 5).
pub(crate) fn shown_pointer(pointer: &str) -> &str {
    if pointer.is_empty() { "(root)" } else { pointer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_begins_with_the_prefix() {
        for error in [
            Error::NoState,
            Error::BadPatchShape,
            Error::BadExpire,
            Error::NoSchema { name: "vimbiso.channel".into() },
            Error::NoLabel { label: "offer".into(), kept: "1..3".into() },
            Error::TooDeep { at_byte: 7, limit: 64 },
            Error::not_an_object(),
        ] {
            assert!(error.to_string().starts_with(&format!("{} ", error.prefix())), "{error}");
        }
    }

    #[test]
    fn long_texts_of_a_caller_are_cut_in_every_error() {
        let long = || "n".repeat(1_000_000);
        let violation = || Violation { pointer: long(), message: long() };
        for error in [
            Error::Invalid { violations: vec![violation(), violation(), violation()] },
            Error::Transition { pointer: long(), from: long(), to: long(), allowed: String::new() },
            Error::Protected { pointer: long() },
            Error::Immutable { pointer: long() },
            Error::NoSchema { name: long() },
            Error::NoLabel { label: long(), kept: "1..3".into() },
            Error::BadMember { pointer: long() },
        ] {
            let shown = error.to_string();
            assert!(shown.contains('…') && shown.len() < 2048, "{} {}", error.prefix(), shown.len());
        }
        for error in [
            Error::BadPatch { operation: 0, reason: long() },
            Error::BadSchema { reason: long() },
            Error::NoRung { tried: long() },
            Error::NoVersion { kept: long() },
        ] {
            assert_eq!(error.line().len(), crate::shown::ERROR_LINE_BYTES_MAX, "{}", error.prefix());
        }
    }

    #[test]
    fn ten_violations_are_spelled_out() {
        let violation = |n: usize| Violation { pointer: format!("/m{n}"), message: "bad".to_owned() };
        let of = |count| Error::Invalid { violations: (0..count).map(violation).collect() }.to_string();
        assert_eq!(of(1), "INVALID 1 violation: /m0: bad");
        assert_eq!(of(2), "INVALID 2 violations: /m0: bad; /m1: bad");
        assert!(of(12).ends_with("/m9: bad; and 2 more"));
    }
}
