//! What a reply must be, as far as the model can predict it.
//!
//! Not a ready text: the server chooses the keys of digests and reads its own clock. The model says
//! what must hold, and `observed.rs` compares it with what earlier replies have shown.

use std::sync::Arc;

use crate::command::{Arg, Etag, Tick};

#[derive(Clone, Debug)]
pub enum Predicted {
    Nil,
    Ok,
    Int(u64),
    Text(Arc<str>),
    Etag(Etag),
    /// The whole error line.
    Error(String),
    /// The beginning of the error line.
    ErrorBegins(String),
    /// `TOOBIG` or `TOODEEP` with the name and the value of the limit.
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
    /// The pointer of every violation, sorted.
    Invalid(Vec<String>),
    /// A recovery without a rung left: every rung and why it failed.
    NoRung(Vec<(&'static str, Predicted)>),
    /// Why a rung failed: its error, without the word INVALID.
    Reason(&'static str, Box<Predicted>),
    /// Any text.
    AnyText,
    /// Not even whether it is an error is specified: such a command is not played.
    Unspecified,
    /// One of several; which is unspecified.
    OneOf(Vec<Predicted>),
    List(Vec<Predicted>),
    /// These texts in any order.
    AnyOrder(Vec<&'static str>),
    /// Fields in this order.
    Map(Vec<(&'static str, Predicted)>),
    /// A map of names to numbers, in this order.
    Counts(Vec<(Arc<str>, u64)>),
    /// The time of that command in ISO 8601.
    Time(Tick),
    /// A JSON Patch from one document to the other.
    Patch {
        from: Arc<str>,
        to: Arc<str>,
    },
    /// Milliseconds until then; -1 for never.
    Ttl(Expiry),
    /// The reply of PEXPIRETIME: -2 without a key.
    ExpireTime(Option<Expiry>),
    /// The error reply of that command, as the error of an attempt.
    ErrorOf(Tick),
    /// Lines, among them one that begins with each of these.
    Lines(&'static [&'static str]),
}

impl Predicted {
    pub fn text(text: &str) -> Predicted {
        Predicted::Text(text.into())
    }

    pub fn no_state() -> Predicted {
        Predicted::Error("NOSTATE there is no state at this key; STATE.UPDATE with 0 or * creates one".into())
    }

    /// A text or nil.
    pub fn optional(text: Option<&str>) -> Predicted {
        text.map_or(Predicted::Nil, Predicted::text)
    }

    /// `[etag, document]` with RETURN, else the etag.
    pub fn state(etag: Etag, returns: bool) -> Predicted {
        let text = Predicted::Text(etag.text.clone());
        if returns { Predicted::List(vec![Predicted::Etag(etag), text]) } else { Predicted::Etag(etag) }
    }

    /// An error, or another one that may be found before it.
    pub fn either(other: Option<Predicted>, rejection: Predicted) -> Predicted {
        match other {
            Some(other) => Predicted::OneOf(vec![other, rejection]),
            None => rejection,
        }
    }

    /// The first word of an error.
    pub fn prefix(&self) -> Option<&str> {
        match self {
            Predicted::Error(line) | Predicted::ErrorBegins(line) => line.split(' ').next(),
            Predicted::Limit { prefix, .. } => Some(prefix),
            Predicted::Conflict { .. } => Some("CONFLICT"),
            Predicted::Invalid(_) | Predicted::NoRung(_) => Some("INVALID"),
            Predicted::OneOf(predictions) => predictions.first().and_then(Predicted::prefix),
            _ => None,
        }
    }
}

/// When a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    /// So many milliseconds after that command.
    After {
        tick: Tick,
        ms: i64,
    },
    /// A Unix time in milliseconds.
    At(i64),
}
