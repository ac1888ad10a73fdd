//! Command metadata: one description that makes COMMAND INFO and DOCS, the keyword check of the
//! parser, STATE.HELP and the grammar lines of docs/commands.md.

use std::ffi::{CStr, c_int};

use redis_module::raw;

use crate::server::ffi::arguments::Entry;

/// A command, or a subcommand of a container.
pub struct Command {
    pub name: &'static CStr,
    pub summary: &'static CStr,
    pub complexity: &'static CStr,
    /// The first release that has it.
    pub since: &'static CStr,
    /// Flags of RedisModule_CreateCommand.
    pub flags: &'static CStr,
    /// The ACL categories. A container has none, because its subcommands would inherit them.
    pub categories: &'static str,
    /// Number of arguments, including the command's name; negative for "at least".
    pub arity: c_int,
    pub keys: &'static [KeySpec],
    pub args: &'static [Arg],
    /// The arguments in the example that an error shows.
    pub example: &'static str,
    /// For clients of a cluster; see the tips of Redis's own commands.
    pub tips: Option<&'static CStr>,
    /// The code; a container has none.
    pub run: Option<Entry>,
    pub subcommands: &'static [Command],
    /// Whether users are meant to call it.
    pub public: bool,
    /// Whether only a primary and a file being loaded may send it.
    pub internal: bool,
}

impl Command {
    /// What most commands have in common.
    pub const DEFAULT: Command = Command {
        name: c"",
        summary: c"",
        complexity: c"O(1)",
        since: c"0.1.0",
        flags: c"",
        categories: "",
        arity: 0,
        keys: &[],
        args: &[],
        example: "",
        tips: None,
        run: None,
        subcommands: &[],
        public: true,
        internal: false,
    };

    /// The command line as documentation shows it.
    pub fn grammar(&self) -> String {
        std::iter::once(self.shown_name())
            .chain(self.args.iter().map(Arg::grammar))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The name as documentation shows it.
    pub fn shown_name(&self) -> String {
        text(self.name).to_uppercase().replace('|', " ")
    }

    /// The names of the arguments that are always there, in their order.
    pub fn required(&self) -> impl Iterator<Item = &'static str> {
        self.args.iter().filter(|arg| !arg.optional && arg.token.is_none()).map(|arg| text(arg.name))
    }

    /// Whether the grammar has this keyword (in any case).
    pub fn has_keyword(&self, word: &[u8]) -> bool {
        self.args.iter().any(|arg| arg.has_keyword(word))
    }
}

/// Where a command's keys are, for ACL checks and cluster routing.
pub enum KeySpec {
    /// The first argument, with these flags.
    First(u32),
    /// The value of AUDIT: routed, but not checked by ACL. So callers need no permission for the
    /// audit stream, and can't forge entries with one.
    Audit,
    /// The keys that follow ALIGN and their number; the command changes them as EXPIRE does.
    Align,
    /// The audit stream of the internal command, in the fourth place.
    Fourth(u32),
}

/// The first key is read.
pub const READ: u32 = raw::REDISMODULE_CMD_KEY_RO | raw::REDISMODULE_CMD_KEY_ACCESS;
/// The first key is read and written: a caller that may update may read.
pub const WRITE: u32 =
    raw::REDISMODULE_CMD_KEY_RW | raw::REDISMODULE_CMD_KEY_ACCESS | raw::REDISMODULE_CMD_KEY_UPDATE;
/// The first key is deleted.
pub const REMOVE: u32 =
    raw::REDISMODULE_CMD_KEY_RW | raw::REDISMODULE_CMD_KEY_ACCESS | raw::REDISMODULE_CMD_KEY_DELETE;

/// One argument, or a group of them.
pub struct Arg {
    pub name: &'static CStr,
    pub kind: Kind,
    pub token: Option<&'static CStr>,
    pub optional: bool,
    pub multiple: bool,
    pub args: &'static [Arg],
}

/// The types of RedisModuleCommandArg that our grammar uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    UnixTime,
    Key(c_int),
    Flag,
    OneOf,
    Block,
}

impl Arg {
    const fn new(name: &'static CStr, kind: Kind) -> Arg {
        Arg { name, kind, token: None, optional: false, multiple: false, args: &[] }
    }

    pub const fn text(name: &'static CStr) -> Arg {
        Arg::new(name, Kind::Text)
    }

    pub const fn integer(name: &'static CStr) -> Arg {
        Arg::new(name, Kind::Integer)
    }

    pub const fn unix_time(name: &'static CStr) -> Arg {
        Arg::new(name, Kind::UnixTime)
    }

    /// A key, found by the key spec with this index.
    pub const fn key(spec: c_int) -> Arg {
        Arg::new(c"key", Kind::Key(spec))
    }

    pub const fn flag(name: &'static CStr, token: &'static CStr) -> Arg {
        Arg::new(name, Kind::Flag).token(token)
    }

    pub const fn one_of(name: &'static CStr, args: &'static [Arg]) -> Arg {
        Arg { args, ..Arg::new(name, Kind::OneOf) }
    }

    pub const fn block(name: &'static CStr, args: &'static [Arg]) -> Arg {
        Arg { args, ..Arg::new(name, Kind::Block) }
    }

    pub const fn token(mut self, token: &'static CStr) -> Arg {
        self.token = Some(token);
        self
    }

    pub const fn optional(mut self) -> Arg {
        self.optional = true;
        self
    }

    pub const fn multiple(mut self) -> Arg {
        self.multiple = true;
        self
    }

    fn grammar(&self) -> String {
        let parts = |separator| self.args.iter().map(Arg::grammar).collect::<Vec<_>>().join(separator);
        let name = text(self.name);
        let inner = match self.kind {
            Kind::Flag => String::new(),
            Kind::OneOf => parts("|"),
            Kind::Block => parts(" "),
            _ if self.multiple && self.optional => format!("{name} ..."),
            _ if self.multiple => format!("{name} [{name} ...]"),
            _ => name.to_owned(),
        };
        let words = [self.token.map_or("", text), &inner];
        let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        if self.optional { format!("[{line}]") } else { line }
    }

    fn has_keyword(&self, word: &[u8]) -> bool {
        self.token.is_some_and(|token| token.to_bytes().eq_ignore_ascii_case(word))
            || self.args.iter().any(|arg| arg.has_keyword(word))
    }
}

/// The table is written by us, in ASCII.
pub fn text(text: &'static CStr) -> &'static str {
    text.to_str().unwrap_or_default()
}
