//! Why a command, a setting or the load of the module fails. `Display` is the reply line.
//!
//! A failure of the state machine is an error of the core; it becomes one of the module's here and
//! nowhere else.

use redis_state_core::{Error as CoreError, KEY_BYTES_MAX, Shown, Uncovered};

/// Why a command fails; `Display` is the reply line.
#[derive(Debug)]
pub enum Error {
    /// Too few or too many arguments: the server has its own text for this.
    WrongArity,
    /// An error of the core.
    Core(CoreError),
    /// The arguments do not follow the grammar.
    Syntax(String),
    /// An argument that takes a number is not one.
    NotInteger,
    /// The value of EX, PX, EXAT or PXAT is not a number.
    NotTime { keyword: String, word: String },
    /// The key holds another type.
    WrongType,
    /// The audit stream's key holds another type.
    AuditWrongType(String),
    /// The audit stream's last ID is the last possible one.
    AuditFull(String),
    /// The audit stream is on another node: its slot migrates.
    StreamElsewhere(String),
    /// The key is longer than a state's may be.
    LongKey { bytes: usize },
    /// The key has no audit stream in its own slot.
    BadKey,
    /// AUDIT names another stream than this, the key's own.
    BadAuditKey(String),
    /// A keyword needs the permission to run STATE.SETPROTECTED.
    NoPermission(&'static str),
    /// PURGE needs the permission to run STATE.SCHEMA DEL.
    MayNotPurge,
    /// The change would uncover a member that a schema in use protects or masks. It needs the
    /// permission to run STATE.SETPROTECTED on all keys.
    Uncovers(Uncovered),
    /// The permission to run the command was revoked while the client was blocked.
    NoPermissionLeft,
    /// ALIGN named more keys than one command may.
    TooManySiblings { named: usize, limit: usize },
    /// Only replication may run this command.
    Internal,
    /// A setting, or a file that a setting names, is invalid.
    Setting(String),
    /// The server lacks a function that the module needs.
    Unsupported(String),
}

impl Error {
    /// Whether the arguments do not follow the grammar.
    pub fn is_unparsed(&self) -> bool {
        matches!(self, Error::WrongArity | Error::Syntax(_) | Error::NotInteger | Error::NotTime { .. })
    }

    pub fn syntax(reason: impl Into<String>) -> Error {
        Error::Syntax(reason.into())
    }
}

impl From<CoreError> for Error {
    fn from(error: CoreError) -> Error {
        Error::Core(error)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::WrongArity => f.write_str("ERR wrong number of arguments"),
            Error::Core(error) => write!(f, "{error}"),
            Error::Syntax(reason) => write!(f, "ERR syntax error: {reason}"),
            Error::NotInteger => f.write_str("ERR value is not an integer or out of range"),
            Error::NotTime { keyword, word } => {
                let (wanted, example) = match keyword.as_str() {
                    "EX" => ("a number of seconds", "300"),
                    "PX" => ("a number of milliseconds", "300000"),
                    "EXAT" => ("a Unix time in seconds", "1795236654"),
                    _ => ("a Unix time in milliseconds", "1795236654520"),
                };
                write!(
                    f,
                    "ERR value is not an integer or out of range: {keyword} takes {wanted} such as {example}, got \"{}\"",
                    Shown(word)
                )
            }
            Error::WrongType => f.write_str("WRONGTYPE Operation against a key holding the wrong kind of value"),
            Error::AuditWrongType(name) => {
                write!(f, "WRONGTYPE audit stream {} holds another type: delete or rename that key", Shown(name))
            }
            Error::AuditFull(name) => write!(f, "ERR audit stream {} has used its last ID: delete that key", Shown(name)),
            Error::StreamElsewhere(name) => {
                write!(f, "TRYAGAIN audit stream {} is on another node while its slot migrates: try again", Shown(name))
            }
            Error::BadKey => f.write_str(
                "BADKEY the audit stream of this key would be in another slot: use a key without } outside a hash tag",
            ),
            Error::LongKey { bytes } => write!(
                f,
                "BADKEY the key has {bytes} bytes, a state's key at most {KEY_BYTES_MAX}: use a shorter key; RENAME an existing state"
            ),
            Error::BadAuditKey(name) => write!(f, "BADKEY the audit stream of this key is {}", Shown(name)),
            Error::NoPermission(word) => {
                write!(f, "NOPERM {word} needs the permission to run STATE.SETPROTECTED on this key")
            }
            Error::MayNotPurge => f.write_str("NOPERM PURGE needs the permission to run STATE.SCHEMA DEL"),
            Error::Uncovers(uncovered) => write!(
                f,
                "NOPERM {uncovered}: this needs the permission to run STATE.SETPROTECTED on all keys (~*)"
            ),
            Error::NoPermissionLeft => {
                f.write_str("NOPERM permission to run this command on this key was revoked while the client was blocked")
            }
            Error::TooManySiblings { named, limit } => {
                write!(f, "TOOBIG ALIGN names {named} keys, the limit is {limit}: align the rest by STATE.TOUCH with KEEPTTL")
            }
            Error::Internal => f.write_str("NOPERM this command is for replication only"),
            Error::Setting(problem) | Error::Unsupported(problem) => f.write_str(problem),
        }
    }
}
