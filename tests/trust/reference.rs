//! What a state is, for who judges a history: a list of documents, one a version, and four commands that are carried out one
//! after the other. It knows nothing of etags, clocks and files.
//!
//! Versions stand in for etags: whoever reads a history first sees to it that each version has one etag only. Schemas were
//! left out: everybody in these histories keeps to the rules, so that a refusal can only be a lost race.

use serde_json::Value;
use stateright::semantics::SequentialSpec;

/// A command. What it expects is a version that somebody has seen; `None` is `*`.
#[derive(Clone, Debug)]
pub enum Ask {
    Get,
    Merge { expected: Option<u64>, rebase: bool, change: Value },
    Rollback { expected: Option<u64>, to: u64 },
}

/// Its answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    State { version: u64, document: Value },
    Conflict { current: u64 },
}

impl Said {
    /// The version that stood there when it was said.
    pub fn version(&self) -> u64 {
        match self {
            Said::State { version, .. } => *version,
            Said::Conflict { current } => *current,
        }
    }
}

/// The documents of all versions; version 1 comes first.
#[derive(Clone, Debug)]
pub struct Reference {
    documents: Vec<Value>,
}

impl Reference {
    pub fn created(document: Value) -> Reference {
        Reference { documents: vec![document] }
    }

    pub fn version(&self) -> u64 {
        self.documents.len() as u64
    }

    fn present(&self) -> &Value {
        self.of(self.version())
    }

    fn of(&self, version: u64) -> &Value {
        &self.documents[version as usize - 1]
    }

    /// Nothing that the change writes is otherwise now than it was then.
    fn is_apart(&self, then: u64, change: &Value) -> bool {
        let same = |place: &String| self.of(then).pointer(place) == self.present().pointer(place);
        places(change, String::new()).iter().all(same)
    }

    /// A document that is the present one makes no version.
    fn commit(&mut self, document: Value) {
        if document != *self.present() {
            self.documents.push(document);
        }
    }
}

impl SequentialSpec for Reference {
    type Op = Ask;
    type Ret = Said;

    fn invoke(&mut self, ask: &Ask) -> Said {
        let current = self.version();
        let fits = |expected: &Option<u64>| expected.is_none_or(|version| version == current);
        match ask {
            Ask::Get => {}
            Ask::Merge { expected, rebase, change } => {
                let apart = |then: &u64| *then < current && self.is_apart(*then, change);
                let lands = fits(expected) || (*rebase && expected.as_ref().is_some_and(apart));
                if !lands {
                    return Said::Conflict { current };
                }
                let mut document = self.present().clone();
                json_patch::merge(&mut document, change);
                self.commit(document);
            }
            Ask::Rollback { expected, .. } if !fits(expected) => return Said::Conflict { current },
            Ask::Rollback { to, .. } => self.commit(self.of(*to).clone()),
        }
        Said::State { version: self.version(), document: self.present().clone() }
    }
}

/// The leaves of a merge patch, as pointers.
fn places(change: &Value, at: String) -> Vec<String> {
    match change {
        Value::Object(members) => {
            members.iter().flat_map(|(name, below)| places(below, format!("{at}/{name}"))).collect()
        }
        _ => vec![at],
    }
}
