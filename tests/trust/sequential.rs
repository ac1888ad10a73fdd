//! One state as the linearizability checkers see it: requests that the reference model carries out
//! one after the other.
//!
//! A version stands for its etag: the test checks first that each version has one etag. There is no
//! schema: the clients keep to its rules, so that a conflict is the only error.

use std::sync::Arc;

use reference::change::{self, Kind};
use reference::expected;
use reference::json::tree;
use reference::patch::Size;
use reference::rebase;
use reference::rollback::{Rollback, Target};
use reference::versions::Versions;
use serde_json::Value;
use stateright::semantics::SequentialSpec;

pub type Expected = expected::Expected<u64>;

#[derive(Clone, Debug)]
pub enum Request {
    Get,
    Merge { expected: Expected, rebase: bool, change: Value },
    Rollback { expected: Expected, to: u64 },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    State { version: u64, document: Arc<str> },
    Conflict { current: u64 },
}

impl Response {
    /// The version that was present.
    pub fn version(&self) -> u64 {
        match self {
            Response::State { version, .. } => *version,
            Response::Conflict { current } => *current,
        }
    }
}

/// A state from its creation on. All versions are kept.
#[derive(Clone, Debug)]
pub struct Sequential {
    versions: Versions<()>,
}

impl Sequential {
    pub fn created(document: &str) -> Sequential {
        let mut versions = Versions::default();
        versions.commit(0, document.into(), ());
        Sequential { versions }
    }

    pub fn version(&self) -> u64 {
        self.versions.head().number
    }

    fn present(&self) -> Value {
        tree(&self.versions.head().text)
    }

    fn is_met(&self, expected: Expected) -> bool {
        expected.check(Some((self.version(), &self.version())), false).is_ok()
    }

    /// Whether a change for an earlier version applies to the present one.
    fn is_rebased(&self, expected: Expected, change: &Value) -> bool {
        let Expected::Etag(number) = expected else { return false };
        let before = self.versions.find(number).map(|version| tree(&version.text));
        before.is_some_and(|before| rebase::applies(Kind::Merge, change, &before, &self.present()))
    }

    /// An unchanged document makes no version.
    fn commit(&mut self, parent: u64, document: &Value) {
        let text = document.to_string();
        if *self.versions.head().text != text {
            self.versions.commit(parent, text.into(), ());
        }
    }
}

impl SequentialSpec for Sequential {
    type Op = Request;
    type Ret = Response;

    fn invoke(&mut self, request: &Request) -> Response {
        let current = self.version();
        match *request {
            Request::Get => {}
            Request::Merge { expected, rebase, ref change } => {
                let is_met = self.is_met(expected) || (rebase && self.is_rebased(expected, change));
                if !is_met {
                    return Response::Conflict { current };
                }
                let merged =
                    change::apply(Kind::Merge, &self.present(), change.clone(), Size::UNLIMITED, &[]);
                self.commit(current, &merged.expect("a merge can't fail"));
            }
            Request::Rollback { expected, to } => {
                if !self.is_met(expected) {
                    return Response::Conflict { current };
                }
                let (target, keep) = (Target::Version(to), &|_: &mut Value, _: &Value| {});
                let rollback = Rollback { target, only: None, keep, is_valid: &|_| true };
                let (parent, document) = self.versions.roll_back(&rollback).expect("a version that was seen");
                self.commit(parent, &document);
            }
        }
        Response::State { version: self.version(), document: self.versions.head().text.clone() }
    }
}
