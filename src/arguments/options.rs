//! The keywords that follow the fixed arguments: one parser for all commands, and one description
//! of them for the server.
//!
//! A command accepts the keywords of its row in the table, so COMMAND DOCS shows the grammar that
//! is parsed. A keyword given twice, or two keywords of one group, is a syntax error, never "the
//! last one wins".

use redis_state_core::decide::{Metadata, Target};
use redis_state_core::{ChangeKind, Error as CoreError, Id, Pointer, Ttl};

use crate::arguments::words;
use crate::error::Error;
use crate::server::commands::table::{Arg, Command, text};
use crate::server::ffi::stream::StreamId;
use crate::server::ffi::string::RedisStr;
use crate::server::global::names;

/// When the key expires.
pub const TTL: Arg = Arg::one_of(
    c"ttl",
    &[
        Arg::integer(c"seconds").token(c"EX"),
        Arg::integer(c"milliseconds").token(c"PX"),
        Arg::unix_time(c"unix-time-seconds").token(c"EXAT"),
        Arg::unix_time(c"unix-time-milliseconds").token(c"PXAT"),
        Arg::flag(c"keepttl", c"KEEPTTL"),
        Arg::flag(c"persist", c"PERSIST"),
    ],
)
.optional();
pub const EVENT: Arg = Arg::text(c"name").token(c"EVENT").optional();
pub const ACTOR: Arg = Arg::text(c"name").token(c"ACTOR").optional();
pub const NOTE: Arg = Arg::text(c"text").token(c"NOTE").optional();
/// The operation that is attempted: the server counts its attempts.
pub const OPERATION: Arg = Arg::block(
    c"attempt",
    &[Arg::text(c"name").token(c"OPERATION"), Arg::text(c"name").token(c"COMPONENT").optional()],
)
.optional();
/// A token that makes a repeated request idempotent, and the owner that alone may repeat it.
pub const ID: Arg =
    Arg::block(c"claim", &[Arg::text(c"token").token(c"ID"), Arg::text(c"name").token(c"OWNER").optional()])
        .optional();
/// The turn of the conversation that the command is part of.
pub const TURN: Arg = Arg::text(c"name").token(c"TURN").optional();
pub const COMPONENT: Arg = Arg::text(c"name").token(c"COMPONENT").optional();
pub const RETURN: Arg = Arg::flag(c"return", c"RETURN").optional();
/// The audit stream, for the routing of a cluster.
pub const AUDIT: Arg = Arg::key(1).token(c"AUDIT").optional();

/// Keys that are to expire when the state does.
pub const ALIGN: Arg =
    Arg::block(c"align", &[Arg::integer(c"numkeys"), Arg::key(2).multiple()]).token(c"ALIGN").optional();

/// A command aligns at most this many keys.
const SIBLINGS_MAX: usize = 64;

/// The keywords of a command line with their values.
#[derive(Default)]
pub struct Options<'a> {
    pub kind: Option<ChangeKind>,
    pub schema: Option<&'a str>,
    pub ttl: Option<Ttl>,
    pub label: Option<&'a str>,
    pub event: Option<&'a str>,
    pub actor: Option<&'a str>,
    pub note: Option<&'a str>,
    pub operation: Option<&'a str>,
    pub component: Option<&'a str>,
    pub error: Option<&'a str>,
    pub id: Option<&'a str>,
    pub owner: Option<&'a str>,
    pub turn: Option<&'a str>,
    pub rebase: Option<()>,
    pub all: Option<()>,
    pub dry_run: Option<()>,
    pub returns: Option<()>,
    pub with_turns: Option<()>,
    pub purge: Option<()>,
    pub feed_from: Option<StreamId>,
    pub force: Option<()>,
    pub count: Option<u64>,
    pub target: Option<Target>,
    pub only: Option<Vec<Pointer>>,
    pub audit: Option<RedisStr<'a>>,
    pub align: Option<Vec<RedisStr<'a>>>,
}

impl<'a> Options<'a> {
    /// Reads the arguments that follow the fixed ones of `command`.
    pub fn parse(command: &Command, args: &[RedisStr<'a>]) -> Result<Options<'a>, Error> {
        let mut options = Options::default();
        let mut rest = Rest { words: args };
        while let Some(word) = rest.next() {
            let keyword = word.to_ascii_uppercase();
            if !command.has_keyword(&keyword) {
                return Err(Error::syntax(format!(
                    "{} has no option {}: STATE.HELP shows what it takes",
                    command.shown_name(),
                    shown(&word)
                )));
            }
            options.take(&keyword, &mut rest)?;
        }
        if options.owner.is_some() && options.id.is_none() {
            return Err(Error::syntax("OWNER needs ID: the token that it owns"));
        }
        if options.feed_from.is_some() && options.purge.is_none() {
            return Err(Error::syntax("FEEDFROM needs PURGE, whose reply has the ID"));
        }
        Ok(options)
    }

    fn take(&mut self, keyword: &[u8], rest: &mut Rest<'_, 'a>) -> Result<(), Error> {
        match keyword {
            b"MERGE" => once(&mut self.kind, keyword, ChangeKind::Merge),
            b"SHALLOW" => once(&mut self.kind, keyword, ChangeKind::Shallow),
            b"PATCH" => once(&mut self.kind, keyword, ChangeKind::Patch),
            b"REPLACE" => once(&mut self.kind, keyword, ChangeKind::Replace),
            b"KEEPTTL" => once(&mut self.ttl, keyword, Ttl::Keep),
            b"PERSIST" => once(&mut self.ttl, keyword, Ttl::Persist),
            b"EX" => once(&mut self.ttl, keyword, Ttl::In(rest.time_ms(keyword, 1000)?)),
            b"PX" => once(&mut self.ttl, keyword, Ttl::In(rest.time_ms(keyword, 1)?)),
            b"EXAT" => once(&mut self.ttl, keyword, Ttl::At(rest.time_ms(keyword, 1000)?)),
            b"PXAT" => once(&mut self.ttl, keyword, Ttl::At(rest.time_ms(keyword, 1)?)),
            b"SCHEMA" => once(&mut self.schema, keyword, names::name("SCHEMA", rest.value(keyword)?)?),
            b"LABEL" => once(&mut self.label, keyword, names::name("LABEL", rest.value(keyword)?)?),
            b"EVENT" => once(&mut self.event, keyword, names::name("EVENT", rest.value(keyword)?)?),
            b"ACTOR" => once(&mut self.actor, keyword, names::name("ACTOR", rest.value(keyword)?)?),
            b"NOTE" => once(&mut self.note, keyword, names::note("NOTE", rest.value(keyword)?)?),
            b"OPERATION" => {
                once(&mut self.operation, keyword, names::name("OPERATION", rest.value(keyword)?)?)
            }
            b"COMPONENT" => {
                once(&mut self.component, keyword, names::name("COMPONENT", rest.value(keyword)?)?)
            }
            b"ERROR" => once(&mut self.error, keyword, names::note("ERROR", rest.value(keyword)?)?),
            b"ID" => once(&mut self.id, keyword, names::name("ID", rest.value(keyword)?)?),
            b"OWNER" => once(&mut self.owner, keyword, names::name("OWNER", rest.value(keyword)?)?),
            b"TURN" => once(&mut self.turn, keyword, names::name("TURN", rest.value(keyword)?)?),
            b"REBASE" => once(&mut self.rebase, keyword, ()),
            b"ALL" => once(&mut self.all, keyword, ()),
            b"DRYRUN" => once(&mut self.dry_run, keyword, ()),
            b"RETURN" => once(&mut self.returns, keyword, ()),
            b"WITHTURNS" => once(&mut self.with_turns, keyword, ()),
            b"PURGE" => once(&mut self.purge, keyword, ()),
            b"FEEDFROM" => once(&mut self.feed_from, keyword, words::stream_id(rest.value(keyword)?)?),
            b"FORCE" => once(&mut self.force, keyword, ()),
            b"COUNT" => once(&mut self.count, keyword, words::positive("COUNT", rest.value(keyword)?)?),
            b"STEPS" => once(
                &mut self.target,
                keyword,
                Target::Steps(words::positive("STEPS", rest.value(keyword)?)?),
            ),
            b"TO" => {
                once(&mut self.target, keyword, Target::To(words::positive("TO", rest.value(keyword)?)?))
            }
            b"LASTVALID" => once(&mut self.target, keyword, Target::LastValid),
            b"ONLY" => once(&mut self.only, keyword, rest.pointers(keyword)?),
            b"AUDIT" => once(&mut self.audit, keyword, rest.word(keyword)?),
            b"ALIGN" => once(&mut self.align, keyword, rest.siblings()?),
            // A keyword of the table that this match lacks.
            _ => Err(Error::syntax(format!("option {} is not supported", shown(keyword)))),
        }
    }

    /// As [`Options::metadata`], with the ID of `command`. `details`: what a repeated request must
    /// repeat, else it is `IDMISMATCH`.
    pub fn metadata_and_id(&self, command: &Command, details: [&[u8]; 2]) -> Metadata {
        let owner = || self.owner.map(str::to_owned);
        let id = self.id.map(|token| Id::new(token.to_owned(), owner(), text(command.name), details));
        Metadata { id, ..self.metadata() }
    }

    /// The metadata that the caller gives.
    pub fn metadata(&self) -> Metadata {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Metadata {
            event_name: owned(self.event),
            actor: owned(self.actor),
            note: owned(self.note),
            operation: owned(self.operation),
            component: owned(self.component),
            id: None,
            turn: owned(self.turn),
        }
    }
}

/// Sets an option that may be given once.
fn once<T>(option: &mut Option<T>, keyword: &[u8], value: T) -> Result<(), Error> {
    if option.replace(value).is_some() {
        let keyword = String::from_utf8_lossy(keyword);
        return Err(Error::syntax(format!("{keyword} is given twice, or beside an option that excludes it")));
    }
    Ok(())
}

/// An argument as an error shows it.
fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).chars().take(40).collect()
}

/// The arguments that are not parsed yet.
struct Rest<'w, 'a> {
    words: &'w [RedisStr<'a>],
}

impl<'w, 'a> Rest<'w, 'a> {
    fn next(&mut self) -> Option<RedisStr<'a>> {
        let (word, words) = self.words.split_first()?;
        self.words = words;
        Some(*word)
    }

    fn word(&mut self, keyword: &[u8]) -> Result<RedisStr<'a>, Error> {
        self.next().ok_or_else(|| {
            Error::syntax(format!("{} takes a value, and none follows", String::from_utf8_lossy(keyword)))
        })
    }

    fn value(&mut self, keyword: &[u8]) -> Result<&'a [u8], Error> {
        self.word(keyword).map(RedisStr::bytes)
    }

    /// A time in units of `unit_ms`, above zero.
    fn time_ms(&mut self, keyword: &[u8], unit_ms: i64) -> Result<i64, Error> {
        let word = self.value(keyword)?;
        let time = words::integer(word).map_err(|_| Error::NotTime {
            keyword: String::from_utf8_lossy(keyword).into_owned(),
            word: shown(word),
        })?;
        let time_ms = time.checked_mul(unit_ms).filter(|ms| *ms > 0);
        time_ms.ok_or(Error::Core(CoreError::BadExpire))
    }

    fn pointers(&mut self, keyword: &[u8]) -> Result<Vec<Pointer>, Error> {
        let count = words::positive("ONLY", self.value(keyword)?)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let given = self.words.len();
        let few = || Error::syntax(format!("ONLY: expected {count} pointers, got {given}"));
        let (pointers, words): (&'w [RedisStr<'a>], _) =
            self.words.split_at_checked(count).ok_or_else(few)?;
        self.words = words;
        words::pointers(pointers)
    }

    /// The keys that follow ALIGN. Counts that the server's key spec can't read are rejected here:
    /// the server then sees no key of the command at all, and ACL checks none.
    fn siblings(&mut self) -> Result<Vec<RedisStr<'a>>, Error> {
        let wrong = || Error::syntax("ALIGN takes the number of keys, at least 1, and as many keys");
        let count = words::positive("ALIGN", self.value(b"ALIGN")?).map_err(|_| wrong())?;
        let count = usize::try_from(count).map_err(|_| wrong())?;
        let (siblings, words) = self.words.split_at_checked(count).ok_or_else(wrong)?;
        self.words = words;
        if count > SIBLINGS_MAX {
            return Err(Error::TooManySiblings { named: count, limit: SIBLINGS_MAX });
        }
        siblings.iter().try_for_each(|key| names::not_reserved("a key after ALIGN", key))?;
        Ok(siblings.to_vec())
    }
}
