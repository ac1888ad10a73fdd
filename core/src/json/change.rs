//! What a client wants done to a document: the four kinds of change of STATE.UPDATE.

use serde_json::Value;

use super::pointer::Pointer;
use super::{merge, parse::parse, patch};
use crate::error::Error;
use crate::limits::Limits;

/// How the json of an update is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeKind {
    /// JSON merge patch (RFC 7396). It can't store null.
    #[default]
    Merge,
    /// Each top-level member replaces its namesake whole; null is a value.
    Shallow,
    /// JSON patch (RFC 6902).
    Patch,
    /// The whole document.
    Replace,
}

impl ChangeKind {
    /// The word in commands.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Merge => "MERGE",
            ChangeKind::Shallow => "SHALLOW",
            ChangeKind::Patch => "PATCH",
            ChangeKind::Replace => "REPLACE",
        }
    }
}

/// A change that has been read: size, depth and syntax are checked, what it does to a document is not.
#[derive(Clone, Debug)]
pub struct Change {
    kind: ChangeKind,
    json: Value,
}

impl Change {
    /// Reads the json of an update.
    ///
    /// Errors: `TOOBIG` and `TOODEEP` by `limits` (a patch may be two containers deeper: its array and its
    /// operation), `BADJSON`.
    pub fn parse(kind: ChangeKind, json: &[u8], limits: &Limits) -> Result<Change, Error> {
        if json.len() > limits.bytes_max {
            return Err(Error::TooBig {
                what: "json",
                bytes: json.len(),
                limit_name: "state.max-bytes",
                limit: limits.bytes_max,
            });
        }
        let wrapping = if kind == ChangeKind::Patch { 2 } else { 0 };
        let json = parse(json, limits.depth_max.saturating_add(wrapping))?;
        Ok(Change { kind, json })
    }

    /// How it is read.
    pub(crate) fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// The json that was read.
    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// The json that was read.
    pub(crate) fn into_json(self) -> Value {
        self.json
    }

    /// What the change makes of `base`; whether it is an object, valid and small enough is for the caller to see. A patch
    /// is refused when it reads where `reads_secret`.
    pub(crate) fn apply(
        self,
        base: &Value,
        limits: &Limits,
        reads_secret: &dyn Fn(&Pointer) -> bool,
    ) -> Result<Value, Error> {
        if self.kind == ChangeKind::Replace {
            return Ok(self.json);
        }
        let mut result = base.clone();
        match self.kind {
            ChangeKind::Merge => merge::merge(&mut result, self.json),
            ChangeKind::Shallow => merge::shallow(&mut result, self.json),
            ChangeKind::Patch => patch::patch(&mut result, &self.json, limits, reads_secret)?,
            ChangeKind::Replace => {}
        }
        Ok(result)
    }
}
