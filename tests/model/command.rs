//! The commands that the test plays, as data: symbolic, so that they mean something whatever came before them.
//!
//! "The etag of the present version" and "an etag from before" are what a strategy picks; which words that makes is known
//! when the model is played. So a failing run can be made shorter by leaving commands out. Ready words, picked together
//! with the command, were rejected: without the command before them they would all be conflicts.

use std::sync::Arc;

use crate::rules::Rules;

/// The keys of the game: one wants braces around it for its audit stream, one has a hash tag.
pub const KEYS: [&str; 2] = ["channel:+263771234567", "user:{+263772345678}:state"];
pub const AUDITS: [&str; 2] = ["{channel:+263771234567}:audit", "user:{+263772345678}:state:audit"];

/// Names that a schema is set under, and one that never is.
pub const SCHEMAS: [&str; 2] = ["vimbiso.offer", "vimbiso.menu"];
pub const NO_SCHEMA: &str = "vimbiso.lost";

/// The number of a command in a run: what the model has instead of a clock.
pub type Tick = usize;

/// An etag whose digest nobody can compute: it stands for a text in one life of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag {
    pub life: u32,
    pub version: u64,
    /// The version whose digest it has: an etag that was put together has another one's.
    pub digest_of: u64,
    pub text: Arc<str>,
}

/// One word of a command as it is sent.
#[derive(Clone, Debug)]
pub enum Arg {
    Word(String),
    Etag(Etag),
}

impl From<&str> for Arg {
    fn from(word: &str) -> Arg {
        Arg::Word(word.to_owned())
    }
}

/// Which state the caller claims to have read.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    Any,
    Nothing,
    Version,
    Etag,
    /// So many versions ago; where there were none, so many ahead.
    OldVersion(u64),
    /// One of all the etags that this key has ever had, in this life or an earlier one.
    OldEtag(usize),
    /// The present version with the digest of one of those.
    MixedEtag(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Merge,
    Shallow,
    Patch,
    Replace,
}

#[derive(Clone, Copy, Debug)]
pub enum Ttl {
    Seconds(i64),
    Milliseconds(i64),
    AtSeconds(i64),
    AtMilliseconds(i64),
    Keep,
    Persist,
}

/// EVENT, ACTOR, NOTE, and what only updates have: OPERATION with COMPONENT.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    pub event: Option<&'static str>,
    pub actor: Option<&'static str>,
    pub note: Option<&'static str>,
    pub operation: Option<&'static str>,
    pub component: Option<&'static str>,
}

/// How something that was tried went; or that it was not tried any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    Success,
    Failure,
    Clear,
}

impl Tally {
    /// The word in the audit stream; commands have it in capitals.
    pub fn word(self) -> &'static str {
        match self {
            Tally::Success => "success",
            Tally::Failure => "failure",
            Tally::Clear => "clear",
        }
    }
}

/// What most writing commands can say besides.
#[derive(Clone, Debug)]
pub struct Common {
    pub remarks: Remarks,
    pub ttl: Option<Ttl>,
    pub returns: bool,
    /// AUDIT with the right stream, or with a wrong one.
    pub audit: Option<bool>,
    /// By how much the keywords are rotated, and whether they are written small.
    pub rotate: usize,
    pub small: bool,
}

/// STATE.UPDATE, or STATE.SETPROTECTED.
#[derive(Clone, Debug)]
pub struct Update {
    pub key: usize,
    pub protect: bool,
    pub expected: Expected,
    pub json: String,
    /// None: nothing is said, which means MERGE.
    pub kind: Option<Kind>,
    pub schema: Option<&'static str>,
    pub label: Option<&'static str>,
    pub dry_run: bool,
    pub common: Common,
}

#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// None: nothing is said, which means STEPS 1.
    Steps(Option<u64>),
    To(Past),
    Label(&'static str),
    LastValid,
}

/// A version, counted back from the present one; beyond the first one it is the next one, which isn't there yet.
#[derive(Clone, Copy, Debug)]
pub struct Past(pub u64);

#[derive(Clone, Debug)]
pub struct Rollback {
    pub key: usize,
    pub expected: Expected,
    pub target: Target,
    pub only: Option<Vec<String>>,
    pub all: bool,
    pub common: Common,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub key: usize,
    pub operation: &'static str,
    pub tally: Tally,
    pub component: Option<&'static str>,
    pub error: Option<&'static str>,
    pub common: Common,
}

#[derive(Clone, Debug)]
pub struct Recover {
    pub key: usize,
    pub schema: Option<&'static str>,
    pub common: Common,
}

/// What STATE.SCHEMA SET is given.
#[derive(Clone, Copy, Debug)]
pub enum SchemaText {
    Rules { rules: Rules, spaced: bool },
    NotASchema(usize),
}

#[derive(Clone, Debug)]
pub enum Command {
    Get {
        key: usize,
        version: Option<Past>,
        pointers: Vec<String>,
    },
    Update(Update),
    Rollback(Rollback),
    Reset {
        key: usize,
        expected: Expected,
        common: Common,
    },
    Recover(Recover),
    Delete {
        key: usize,
        expected: Expected,
        purge: bool,
        common: Common,
    },
    Touch {
        key: usize,
        common: Common,
    },
    Attempt(Attempt),
    Attempts {
        key: usize,
        operation: Option<&'static str>,
        count: Option<usize>,
    },
    History {
        key: usize,
        count: Option<usize>,
    },
    Diff {
        key: usize,
        from: Past,
        to: Past,
    },
    Meta {
        key: usize,
    },
    Validate {
        name: &'static str,
        json: String,
    },
    SchemaSet {
        name: &'static str,
        text: SchemaText,
    },
    SchemaGet {
        name: &'static str,
    },
    SchemaList,
    SchemaBind {
        pattern: usize,
        name: &'static str,
    },
    SchemaUnbind {
        pattern: usize,
    },
    SchemaDel {
        name: &'static str,
        force: bool,
    },
    Help {
        of_schemas: bool,
    },
    /// Words that must be refused whatever is there; a row of [`crate::refused::ROWS`].
    Refused {
        row: usize,
        key: usize,
    },
}
