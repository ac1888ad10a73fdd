//! What the model says a reply must be, as far as anybody can know it beforehand.
//!
//! A reply can't be a ready text: digests are seeded by the server, times are its own. So the model writes down what must
//! hold, and `known.rs` compares it with what has been seen so far.

use std::sync::Arc;

use crate::command::{Arg, Etag, Tick};
use crate::json::depth;
use crate::patch::Size;

#[derive(Clone, Debug)]
pub enum Want {
    Nil,
    Ok,
    Int(u64),
    Text(Arc<str>),
    Etag(Etag),
    /// The whole error line.
    Error(String),
    /// How an error line begins.
    ErrorBegins(String),
    /// `TOOBIG` or `TOODEEP`, with the name and the value of the limit.
    Limit {
        prefix: &'static str,
        name: &'static str,
        value: usize,
    },
    /// `CONFLICT expected …, current is …`
    Conflict {
        expected: Arg,
        current: Etag,
    },
    /// Every violation's pointer, sorted.
    Invalid(Vec<String>),
    /// Every rung of a recovery, with the reason why it failed: none is left.
    NoRung(Vec<(&'static str, Want)>),
    /// Why this rung failed: a refusal without its first word, if that is INVALID.
    Reason(&'static str, Box<Want>),
    /// Any words.
    Words,
    /// The contract does not say, not even whether it is refused: such a command is not played.
    Unsaid,
    /// One of several: the contract does not say which.
    OneOf(Vec<Want>),
    List(Vec<Want>),
    /// These texts, in an order that nobody promises.
    AnyOrder(Vec<&'static str>),
    /// Names in this order.
    Map(Vec<(&'static str, Want)>),
    /// ISO 8601, at the time of that command.
    Time(Tick),
    /// A JSON patch that makes the one text out of the other.
    Patch {
        from: Arc<str>,
        to: Arc<str>,
    },
    /// Milliseconds until then, -1 for never.
    Ttl(Expiry),
    /// What PEXPIRETIME says of a key: -2 without one.
    ExpireTime(Option<Expiry>),
    /// The error line that this command was answered with, told as something that was tried.
    ErrorOf(Tick),
    /// Lines of help, these commands among them.
    Lines(&'static [&'static str]),
}

impl Want {
    pub fn text(text: &str) -> Want {
        Want::Text(text.into())
    }

    pub fn no_state() -> Want {
        Want::Error("NOSTATE there is no state at this key; STATE.UPDATE with 0 or * creates one".into())
    }

    /// The text, or nil.
    pub fn optional(text: Option<&str>) -> Want {
        text.map_or(Want::Nil, Want::text)
    }

    /// `[etag, document]` when RETURN was said, else the etag.
    pub fn state(etag: Etag, returns: bool) -> Want {
        let text = Want::Text(etag.text.clone());
        if returns { Want::List(vec![Want::Etag(etag), text]) } else { Want::Etag(etag) }
    }

    /// A refusal, or this one before it: the contract does not say which.
    pub fn either(other: Option<Want>, refusal: Want) -> Want {
        match other {
            Some(other) => Want::OneOf(vec![other, refusal]),
            None => refusal,
        }
    }

    /// The first word of a refusal.
    pub fn prefix(&self) -> Option<&str> {
        match self {
            Want::Error(line) | Want::ErrorBegins(line) => line.split(' ').next(),
            Want::Limit { prefix, .. } => Some(prefix),
            Want::Conflict { .. } => Some("CONFLICT"),
            Want::Invalid(_) | Want::NoRung(_) => Some("INVALID"),
            Want::OneOf(wants) => wants.first().and_then(Want::prefix),
            _ => None,
        }
    }
}

/// When a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    /// So many milliseconds after the time of that command.
    After {
        tick: Tick,
        ms: i64,
    },
    /// At this Unix time in milliseconds.
    At(i64),
}

/// One entry of the audit stream. Its fields are these and no other; their order is not promised.
#[derive(Clone, Debug)]
pub struct Entry {
    pub fields: Vec<(&'static str, Field)>,
    /// The document before, if there was one, and after: what `patch` is about.
    pub change: Option<(Option<Arc<str>>, Arc<str>)>,
}

#[derive(Clone, Debug)]
pub enum Field {
    Text(String),
    Etag(Etag),
    Time(Tick),
    /// The error line that this command was answered with.
    ErrorOf(Tick),
    Begins(&'static str),
    /// The reason that this command told of a rung.
    Reason(Tick, &'static str),
}

/// The audit stream of one key.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    pub entries: Vec<Entry>,
    /// When the last one was written.
    pub tick: Tick,
    /// Refusals since the last commit, the one that stands for all further ones included.
    pub rejects: usize,
}

impl Trail {
    pub fn push(&mut self, tick: Tick, entry: Entry) {
        self.tick = tick;
        self.entries.push(entry);
    }

    /// The stream expires by itself, counted from its last entry; where there is none there is no key.
    pub fn expiry(&self, ttl_ms: i64) -> Option<Expiry> {
        (!self.entries.is_empty()).then_some(Expiry::After { tick: self.tick, ms: ttl_ms })
    }
}

impl Size {
    /// `TOOBIG` and `TOODEEP` of a text, which may be so many levels deeper than a document.
    pub fn check(self, text: &str, levels: usize) -> Result<(), Want> {
        if text.len() > self.bytes_max {
            return Err(Want::Limit { prefix: "TOOBIG", name: "state.max-bytes", value: self.bytes_max });
        }
        if depth(text) > self.depth_max + levels { Err(self.too_deep()) } else { Ok(()) }
    }

    pub fn too_deep(self) -> Want {
        Want::Limit { prefix: "TOODEEP", name: "state.max-depth", value: self.depth_max }
    }
}
