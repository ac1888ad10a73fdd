//! The commands that the test plays, as data.
//!
//! They are symbolic: a strategy chooses "the etag of the present version", and the words follow
//! when the model plays the command. So a failing run can be shortened by leaving commands out. Not
//! ready words: without an earlier command all later ones would be conflicts.

use std::sync::Arc;

use reference::attempts::Outcome;
use reference::change::Kind;

use crate::rules::Rules;

/// The keys of a run: one without a hash tag and one with.
pub const KEYS: [&str; 2] = ["channel:+263771234567", "user:{+263772345678}:state"];
pub const AUDITS: [&str; 2] = ["{channel:+263771234567}:audit", "user:{+263772345678}:state:audit"];

/// The names of schemas, and one that is never set.
pub const SCHEMAS: [&str; 2] = ["vimbiso.offer", "vimbiso.menu"];
pub const NO_SCHEMA: &str = "vimbiso.lost";

/// The number of a command in a run, which is the clock of the model.
pub type Tick = usize;

/// An etag. Only the server can compute its digest, which stands for a document in one life of a
/// key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag {
    pub life: u32,
    pub version: u64,
    /// The version whose digest it has: that of another version in a mixed etag.
    pub digest_of: u64,
    pub text: Arc<str>,
}

/// One word of a command.
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

/// The expected state of a command.
#[derive(Clone, Copy, Debug)]
pub enum ExpectedChoice {
    Any,
    Absent,
    Version,
    Etag,
    /// So many versions back; if there are none, so many ahead.
    OtherVersion(u64),
    /// One of all etags of the key, in this life or an earlier one.
    EarlierEtag(usize),
    /// The present version with the digest of one of these.
    MixedEtag(usize),
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

/// EVENT, ACTOR, NOTE and TURN; for updates OPERATION and COMPONENT too.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pub event: Option<&'static str>,
    pub actor: Option<&'static str>,
    pub note: Option<&'static str>,
    pub operation: Option<&'static str>,
    pub component: Option<&'static str>,
    pub turn: Option<&'static str>,
}

/// The common arguments of writing commands.
#[derive(Clone, Debug)]
pub struct Common {
    pub metadata: Metadata,
    pub ttl: Option<Ttl>,
    pub returns: bool,
    /// AUDIT with the stream of the key, or with another one.
    pub audit: Option<bool>,
    /// By how much the options are rotated, and whether their keywords are in lower case.
    pub rotate: usize,
    pub small: bool,
}

/// STATE.UPDATE, or STATE.SETPROTECTED.
#[derive(Clone, Debug)]
pub struct Update {
    pub key: usize,
    pub protect: bool,
    pub expected: ExpectedChoice,
    pub json: String,
    /// `None`: the default, which is MERGE.
    pub kind: Option<Kind>,
    pub schema: Option<&'static str>,
    pub label: Option<&'static str>,
    pub dry_run: bool,
    pub common: Common,
}

/// The target of a rollback.
#[derive(Clone, Copy, Debug)]
pub enum TargetChoice {
    /// `None`: the default, which is STEPS 1.
    Steps(Option<u64>),
    To(VersionsBack),
    Label(&'static str),
    LastValid,
}

/// A version, counted back from the present one. Beyond the first version it is the next one, which
/// does not exist yet.
#[derive(Clone, Copy, Debug)]
pub struct VersionsBack(pub u64);

#[derive(Clone, Debug)]
pub struct Rollback {
    pub key: usize,
    pub expected: ExpectedChoice,
    pub target: TargetChoice,
    pub only: Option<Vec<String>>,
    pub all: bool,
    pub common: Common,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub key: usize,
    pub operation: &'static str,
    pub outcome: Outcome,
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

/// The text of STATE.SCHEMA SET.
#[derive(Clone, Copy, Debug)]
pub enum SchemaText {
    Rules { rules: Rules, spaced: bool },
    NotASchema(usize),
}

#[derive(Clone, Debug)]
pub enum Command {
    Get {
        key: usize,
        version: Option<VersionsBack>,
        pointers: Vec<String>,
    },
    Update(Update),
    Rollback(Rollback),
    Reset {
        key: usize,
        expected: ExpectedChoice,
        all: bool,
        common: Common,
    },
    Recover(Recover),
    Delete {
        key: usize,
        expected: ExpectedChoice,
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
        from: VersionsBack,
        to: VersionsBack,
        with_turns: bool,
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
    /// A command that is an error in any state: a row of [`crate::invalid_commands::ROWS`].
    Invalid {
        row: usize,
        key: usize,
    },
}
