//! The commands: one file each, and in each the same three steps.
//!
//! * parse: words to a request, without a context or a clock
//! * decide: the core says what the request comes to
//! * commit: the server carries it out, and the reply is written
//!
//! What several of them share is here: how a refusal reads, and how options are parsed ([`options`], [`words`]).

pub mod attempt;
pub mod attempts;
pub mod delete;
pub mod diff;
pub mod effect;
#[cfg(feature = "faults")]
pub mod fault;
pub mod get;
pub mod help;
pub mod history;
pub mod meta;
pub mod options;
#[cfg(feature = "faults")]
pub mod panic;
mod read;
pub mod recover;
pub mod reset;
pub mod rollback;
pub mod schema;
pub mod touch;
pub mod update;
pub mod validate;
pub mod wait;
pub mod words;

use redis_state_core::{Error, KEY_BYTES_MAX, Shown, Uncovered};

/// Why a command is not carried out; `Display` is the reply line.
#[derive(Debug)]
pub enum Refused {
    /// Too few or too many words: the server has a text for it.
    WrongArity,
    /// The core's verdict.
    Core(Error),
    /// The words do not follow the grammar.
    Syntax(String),
    /// A word is no number where one is wanted.
    NotInteger,
    /// The key holds another type.
    WrongType,
    /// The audit stream's key holds another type.
    AuditWrongType(String),
    /// The audit stream's last ID is the last possible one.
    AuditFull(String),
    /// The audit stream is on another node: its slot is being moved.
    TrailElsewhere(String),
    /// The key is longer than a state's may be.
    LongKey { bytes: usize },
    /// The key has no audit stream in its own slot.
    BadKey,
    /// AUDIT named another stream than this, the key's own.
    BadAuditKey(String),
    /// A word is for those who may run STATE.SETPROTECTED.
    NoPermission(&'static str),
    /// PURGE is for those who may run STATE.SCHEMA DEL.
    MayNotPurge,
    /// What a schema in use guards would be guarded no more: that is for those who may run STATE.SETPROTECTED on all keys.
    Uncovers(Uncovered),
    /// The right to run the command was taken away while it waited.
    NoPermissionLeft,
    /// ALIGN named more keys than one command may.
    TooManySiblings { named: usize, limit: usize },
    /// Only replication may do this.
    Internal,
    /// An effect from a primary or a file does not fit what is here.
    BadEffect,
}

impl Refused {
    /// Whether the words are not those of the command.
    pub fn is_misread(&self) -> bool {
        matches!(self, Refused::WrongArity | Refused::Syntax(_) | Refused::NotInteger)
    }

    pub fn syntax(reason: impl Into<String>) -> Refused {
        Refused::Syntax(reason.into())
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused::Core(error)
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::WrongArity => f.write_str("ERR wrong number of arguments"),
            Refused::Core(error) => write!(f, "{error}"),
            Refused::Syntax(reason) => write!(f, "ERR syntax error: {reason}"),
            Refused::NotInteger => f.write_str("ERR value is not an integer or out of range"),
            Refused::WrongType => f.write_str("WRONGTYPE Operation against a key holding the wrong kind of value"),
            Refused::AuditWrongType(name) => {
                write!(f, "WRONGTYPE audit stream {} holds another type: delete or rename that key", Shown(name))
            }
            Refused::AuditFull(name) => write!(f, "ERR audit stream {} has used its last ID: delete that key", Shown(name)),
            Refused::TrailElsewhere(name) => {
                write!(f, "TRYAGAIN audit stream {} is not here, its slot is being moved: try again", Shown(name))
            }
            Refused::BadKey => f.write_str(
                "BADKEY the audit stream of this key would be in another slot: use a key without } outside a hash tag",
            ),
            Refused::LongKey { bytes } => write!(
                f,
                "BADKEY the key has {bytes} bytes, a state's key at most {KEY_BYTES_MAX}: use a shorter one, and RENAME for a state that is there"
            ),
            Refused::BadAuditKey(name) => write!(f, "BADKEY the audit stream of this key is {}", Shown(name)),
            Refused::NoPermission(word) => {
                write!(f, "NOPERM {word} needs the permission to run STATE.SETPROTECTED on this key")
            }
            Refused::MayNotPurge => f.write_str("NOPERM PURGE needs the permission to run STATE.SCHEMA DEL"),
            Refused::Uncovers(Uncovered { schema, pointer, annotation }) => write!(
                f,
                "NOPERM states use {schema}, and {pointer} would no longer be {annotation}: this needs the permission to run STATE.SETPROTECTED on all keys (~*)"
            ),
            Refused::NoPermissionLeft => {
                f.write_str("NOPERM the permission to run this command on this key was taken away while it waited")
            }
            Refused::TooManySiblings { named, limit } => {
                write!(f, "TOOBIG ALIGN names {named} keys, the limit is {limit}: align the rest by STATE.TOUCH with KEEPTTL")
            }
            Refused::Internal => f.write_str("NOPERM this command is for replication only"),
            Refused::BadEffect => f.write_str("ERR the effect does not fit the state it is for"),
        }
    }
}
