//! Errors, and the questions that a program asks about them.
//!
//! The server's errors begin with one word for their kind. That word becomes an [`ErrorKind`], and
//! the rest (the current etag, the violations) becomes data, so that no program parses texts. Not
//! public enum variants with fields, which can't grow without breaking programs that match on them.

use redis::{RedisError, RetryMethod};
use redis_state_types::{Etag, Violation, prefix};

use crate::resend::Resend;

/// The result of every call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kinds of errors: one for each first word of a server error, and those of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `CONFLICT`: the state has changed since it was read. Read again, decide again.
    Conflict,
    /// `NOSTATE`: there is no state at the key.
    NoState,
    /// `INVALID`: the result violates the schema; see [`Error::violations`].
    Invalid,
    /// `TRANSITION`: a step that is not a target of the present one.
    Transition,
    /// `PROTECTED`: only STATE.SETPROTECTED writes this member.
    Protected,
    /// `IMMUTABLE`: the value of this member is final.
    Immutable,
    /// `IDMISMATCH`: another command has used the ID before; see [`Error::made`].
    IdMismatch,
    /// `REPLAYED`: another owner has claimed the ID; see [`Error::claimed`].
    Replayed,
    /// `BADJSON`: the text is not JSON.
    BadJson,
    /// `BADPATCH`: an operation of a JSON Patch can't be applied.
    BadPatch,
    /// `TOOBIG`: above a limit, which the text names.
    TooBig,
    /// `TOODEEP`: nested above a limit, which the text names.
    TooDeep,
    /// `TOOCOSTLY`: more work than `state.max-cost` allows one command.
    TooCostly,
    /// `NOSCHEMA`: the server has no schema of this name.
    NoSchema,
    /// `BADSCHEMA`: a schema that can't be stored, or not be used here.
    BadSchema,
    /// `NOVERSION`: this version or label is not kept.
    NoVersion,
    /// `BADKEY`: the key can't have an audit stream in its own slot.
    BadKey,
    /// `WRONGTYPE`: the key has a value of another type.
    WrongType,
    /// `NOPERM`: the ACL denies it.
    NoPermission,
    /// `OOM`: the server is at its `maxmemory`.
    OutOfMemory,
    /// `ERR`: the server does not accept the command: a bug in the caller, or a server without the
    /// module.
    Command,
    /// The server can't serve this now: `LOADING`, `TRYAGAIN`, `CLUSTERDOWN`, `READONLY` after a
    /// failover, `MOVED` in a changing cluster, and the like.
    Unavailable,
    /// The connection failed, and the request was not executed or may be repeated.
    Connection,
    /// The connection failed or timed out, and it is unknown whether the command was executed; see
    /// [`Error::outcome_unknown`].
    OutcomeUnknown,
    /// A reply, or a document in one, has an unexpected shape: see the source.
    Unexpected,
    /// A URL, a file or an argument that can't be used.
    Usage,
}

impl ErrorKind {
    /// The kind of a first word.
    fn of_word(word: &str) -> ErrorKind {
        match word {
            prefix::CONFLICT => ErrorKind::Conflict,
            prefix::NOSTATE => ErrorKind::NoState,
            prefix::INVALID => ErrorKind::Invalid,
            prefix::TRANSITION => ErrorKind::Transition,
            prefix::PROTECTED => ErrorKind::Protected,
            prefix::IMMUTABLE => ErrorKind::Immutable,
            prefix::IDMISMATCH => ErrorKind::IdMismatch,
            prefix::REPLAYED => ErrorKind::Replayed,
            prefix::BADJSON => ErrorKind::BadJson,
            prefix::BADPATCH => ErrorKind::BadPatch,
            prefix::TOOBIG => ErrorKind::TooBig,
            prefix::TOODEEP => ErrorKind::TooDeep,
            prefix::TOOCOSTLY => ErrorKind::TooCostly,
            prefix::NOSCHEMA => ErrorKind::NoSchema,
            prefix::BADSCHEMA => ErrorKind::BadSchema,
            prefix::NOVERSION => ErrorKind::NoVersion,
            prefix::BADKEY => ErrorKind::BadKey,
            "WRONGTYPE" => ErrorKind::WrongType,
            "NOPERM" => ErrorKind::NoPermission,
            "OOM" => ErrorKind::OutOfMemory,
            "LOADING" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" | "READONLY" | "BUSY" | "MOVED" | "ASK" => {
                ErrorKind::Unavailable
            }
            _ => ErrorKind::Command,
        }
    }
}

/// Why a call failed.
///
/// `Display` is the server's line for an error of a command, as listed in [docs/commands.md];
/// programs should use the methods below. An error contains no document and no secret.
///
/// [docs/commands.md]: https://github.com/vimbisopay/redis-state/blob/main/docs/commands.md#errors
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, ErrorKind, Update, connect};
/// use serde_json::json;
///
/// let mut states = connect(url).await?;
/// let channel = json!({"channel": {"type": "whatsapp", "identifier": "+263771234567"}});
/// let create =
///     Update::create("channel:+263771234567", Change::merge(&channel)?).schema("vimbiso.channel");
/// let created = states.send(&create).await?;
///
/// // Another client, which has read nothing, creates it again.
/// let error = states.send(&create).await.unwrap_err();
/// assert!(error.is_conflict());
/// assert_eq!(error.current_etag(), Some(created.etag));
///
/// // A third one does not know the schema.
/// let typo = Change::merge(&json!({"current": {"awaiting_input": "yes"}, "dashbord": {}}))?;
/// let error =
///     states.send(&Update::new("channel:+263771234567", created.etag, typo)).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Invalid);
/// assert!(
///     error.violations().iter().any(|violation| violation.pointer == "/current/awaiting_input")
/// );
/// # Ok(()) });
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", inner.text)]
pub struct Error {
    inner: Box<Inner>,
    source: Option<RedisError>,
}

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    /// The displayed line.
    text: String,
    current: Option<Etag>,
    violations: Vec<Violation>,
}

impl Error {
    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether the state was not the expected one: read it again and decide again.
    pub fn is_conflict(&self) -> bool {
        self.kind() == ErrorKind::Conflict
    }

    /// Whether the same request may be resent on a working connection without being applied twice.
    ///
    /// A conflict is not retryable: the same request would conflict again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unavailable | ErrorKind::Connection)
    }

    /// Whether it is unknown if the server executed the command: it timed out or its connection
    /// broke, and it had neither an ID nor an etag to find out. Read the state before anything
    /// else, and give the next request an ID.
    pub fn outcome_unknown(&self) -> bool {
        self.kind() == ErrorKind::OutcomeUnknown
    }

    /// The present etag, if a conflict or an unknown outcome names it.
    pub fn current_etag(&self) -> Option<Etag> {
        self.inner.current
    }

    /// The violations of the schema, each with its JSON pointer: at most the ten that the server
    /// lists. Empty for every other kind of error.
    pub fn violations(&self) -> &[Violation] {
        &self.inner.violations
    }

    /// For an [`ErrorKind::IdMismatch`], the result of the command that has used this ID: an etag,
    /// or the number of attempts. For a webhook handler it means "this message was processed".
    pub fn made(&self) -> Option<&str> {
        let rest = self.inner.text.strip_prefix("IDMISMATCH token made ")?;
        rest.split(' ').next()
    }

    /// For an [`ErrorKind::Replayed`], what the claim made, an etag or a number of attempts, and
    /// its owner: another delivery handles the message. The etag is the one to take the claim over
    /// with.
    pub fn claimed(&self) -> Option<(&str, &str)> {
        let (made, rest) = self.inner.text.strip_prefix("REPLAYED ")?.split_once(" by ")?;
        rest.split_once(": ").map(|(owner, _)| (made, owner))
    }

    /// The redis-rs error behind this one, if any.
    pub fn redis_error(&self) -> Option<&RedisError> {
        self.source.as_ref()
    }

    /// An error of a crate on top of this one. The text must contain no secret.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        let inner = Inner { kind, text: text.into(), current: None, violations: Vec::new() };
        Error { inner: Box::new(inner), source: None }
    }

    pub(crate) fn unexpected(text: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unexpected, text)
    }

    /// A document or a change that serde can't decode or encode. serde_json's texts quote scalars,
    /// which may be secrets: the error has the position only, and the original is not its source.
    ///
    /// ```
    /// use redis_state_client::Error;
    ///
    /// let error = serde_json::from_str::<u8>(r#""7391""#).unwrap_err();
    /// assert!(!Error::json("the PIN", error).to_string().contains("7391"));
    /// ```
    pub fn json(what: &str, error: serde_json::Error) -> Error {
        let place = format!("line {} column {}", error.line(), error.column());
        Error::unexpected(format!("{what}: {:?} error at {place}", error.classify()))
    }

    /// An error of redis-rs, for a request that may be resent or not.
    pub(crate) fn redis(error: RedisError, resend: Resend) -> Error {
        let mut shown = match error.code() {
            Some(word) => Error::rejection(word, error.detail().unwrap_or_default()),
            None => Error::transport(&error, resend),
        };
        shown.source = Some(error);
        shown
    }

    fn rejection(word: &str, rest: &str) -> Error {
        let mut rejection =
            Error::new(ErrorKind::of_word(word), format!("{word} {rest}").trim_end().to_owned());
        match rejection.kind() {
            ErrorKind::Conflict => {
                let current = rest.split_once(", current is ").and_then(|(_, etag)| Etag::parse(etag));
                rejection.inner.current = current;
            }
            ErrorKind::Invalid => rejection.inner.violations = violations(rest),
            _ => {}
        }
        rejection
    }

    fn transport(error: &RedisError, resend: Resend) -> Error {
        use redis::ErrorKind as Redis;
        let kind = match (error.kind(), error.retry_method()) {
            (Redis::Io | Redis::Parse, _) if resend != Resend::Safe && !error.is_connection_refusal() => {
                ErrorKind::OutcomeUnknown
            }
            (Redis::Io | Redis::Parse | Redis::ClusterConnectionNotFound, _) => ErrorKind::Connection,
            (Redis::MasterNameNotFoundBySentinel | Redis::NoValidReplicasFoundBySentinel, _) => {
                ErrorKind::Unavailable
            }
            (Redis::InvalidClientConfig | Redis::AuthenticationFailed | Redis::EmptySentinelList, _) => {
                ErrorKind::Usage
            }
            (_, RetryMethod::NoRetry) => ErrorKind::Unexpected,
            _ => ErrorKind::Connection,
        };
        Error::new(kind, error.to_string())
    }

    /// This error with the present etag.
    pub(crate) fn with_current(mut self, etag: Option<Etag>) -> Error {
        self.inner.current = etag;
        self
    }
}

/// Parses `2 violations: /a/b: …; (root): …; and 3 more`. If the text is ambiguous (a member's name
/// may contain a semicolon), it becomes one violation of the whole document, so that no wrong
/// member is named.
fn violations(rest: &str) -> Vec<Violation> {
    const ROOT: &str = "(root)";
    let whole = || vec![Violation { pointer: String::new(), message: rest.to_owned() }];
    let Some((count, listed)) = rest
        .trim_start_matches("at least ")
        .split_once(" violation")
        .and_then(|(count, listed)| Some((count.parse::<usize>().ok()?, listed.split_once(": ")?.1)))
    else {
        return whole();
    };
    let listed = listed
        .rsplit_once("; and ")
        .filter(|(_, more)| more.ends_with(" more"))
        .map_or(listed, |(list, _)| list);
    let begins_one = |(at, _): &(usize, &str)| {
        let next = &listed[at + "; ".len()..];
        next.starts_with('/') || next.starts_with(ROOT)
    };
    let ends = listed.match_indices("; ").filter(begins_one).map(|(at, _)| at).chain([listed.len()]);
    let found: Vec<Violation> = ends
        .scan(0, |start, end| {
            let one = listed.get(*start..end)?;
            *start = end + "; ".len();
            let (pointer, message) = one.split_once(": ")?;
            let pointer = if pointer == ROOT { "" } else { pointer };
            Some(Violation { pointer: pointer.to_owned(), message: message.to_owned() })
        })
        .collect();
    if found.len() == count.min(10) { found } else { whole() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Error {
        let (word, rest) = line.split_once(' ').expect("a word and a text");
        Error::rejection(word, rest)
    }

    #[test]
    fn violations_are_separated_by_their_pointers() {
        let error =
            of("INVALID 2 violations: /amount: must be above 0; (root): member \"amonut\" is not allowed \
             (additionalProperties)");
        let pointers: Vec<&str> =
            error.violations().iter().map(|violation| violation.pointer.as_str()).collect();
        assert_eq!(pointers, ["/amount", ""]);
        assert_eq!(error.violations()[0].message, "must be above 0");
        let ten: Vec<String> = (0..10).map(|n| format!("/m{n}: bad")).collect();
        let error = of(&format!("INVALID 12 violations: {}; and 2 more", ten.join("; ")));
        assert_eq!((error.violations().len(), error.violations()[9].message.as_str()), (10, "bad"));
    }

    #[test]
    fn name_that_looks_like_a_violation_is_not_one() {
        let error = of(
            "INVALID 1 violation: (root): member \"a; /auth/token: b\" is not allowed (additionalProperties)",
        );
        let [only] = error.violations() else { panic!("one violation: {error:?}") };
        assert_eq!(only.pointer, "");
        assert!(only.message.contains("auth/token"));
    }

    #[test]
    fn conflict_has_the_current_etag() {
        let error = of("CONFLICT expected 7, current is 9-000000000000001f");
        assert!(error.is_conflict() && !error.is_retryable());
        assert_eq!(error.current_etag(), Some(Etag { version: 9, digest: 0x1f }));
    }

    #[test]
    fn unknown_outcomes_differ_from_retryable_errors() {
        let broken = || RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert!(Error::redis(broken(), Resend::Never).outcome_unknown());
        assert!(Error::redis(broken(), Resend::Safe).is_retryable());
        let refused = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        assert!(Error::redis(refused, Resend::Never).is_retryable(), "no server received it");
    }

    #[test]
    fn replay_has_the_claim_and_its_owner() {
        let error = of("REPLAYED 1-0a1f63ab52e0dc07 by web-1/7: that owner handles the message");
        assert_eq!(
            (error.kind(), error.claimed()),
            (ErrorKind::Replayed, Some(("1-0a1f63ab52e0dc07", "web-1/7")))
        );
    }

    #[test]
    fn id_mismatch_has_the_result_of_the_first_command() {
        let error = of("IDMISMATCH token made 1-0a1f63ab52e0dc07 for another command: send that one again");
        assert_eq!((error.kind(), error.made()), (ErrorKind::IdMismatch, Some("1-0a1f63ab52e0dc07")));
    }
}
