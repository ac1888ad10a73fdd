//! One state of the model: its versions, which of them are kept, its labels, and what reading commands say of it.
//!
//! Versions are whole texts in a list and everything is searched from one end to the other: there is nothing to get wrong.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::attempts::Tried;
use crate::command::{Etag, Past, Rollback, Target, Tick};
use crate::json;
use crate::keep::Obeyed;
use crate::rules::Rules;
use crate::want::{Expiry, Want};

#[derive(Clone, Debug)]
pub struct Version {
    pub number: u64,
    pub parent: u64,
    pub tick: Tick,
    pub event: &'static str,
    pub actor: Option<&'static str>,
    /// Whether there was a secret in it, by the schema it was validated against.
    pub has_secret: bool,
    pub text: Arc<str>,
}

/// The schema that a version was validated against.
#[derive(Clone, Copy, Debug)]
pub struct SchemaUsed {
    pub name: &'static str,
    pub revision: u64,
    /// Whether it had secrets, in case it is gone when they are to be hidden.
    pub has_secrets: bool,
}

#[derive(Clone, Debug)]
pub struct State {
    /// Which life of its key this is: every life has a seed of its own.
    pub life: u32,
    pub born: Tick,
    pub schema: Option<SchemaUsed>,
    /// Those that are kept, the present one last.
    pub versions: Vec<Version>,
    /// Name and version, the one set longest ago first.
    pub labels: Vec<(&'static str, u64)>,
    pub expiry: Expiry,
    /// All that was tried, oldest first.
    pub tried: Vec<Tried>,
}

impl State {
    pub fn head(&self) -> &Version {
        self.versions.last().expect("a state has a version")
    }

    pub fn schema_name(&self) -> Option<&'static str> {
        self.schema.map(|schema| schema.name)
    }

    pub fn find(&self, number: u64) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    pub fn etag(&self) -> Etag {
        self.etag_of(self.head())
    }

    pub fn etag_of(&self, version: &Version) -> Etag {
        Etag {
            life: self.life,
            version: version.number,
            digest_of: version.number,
            text: version.text.clone(),
        }
    }

    /// The number that a command names.
    pub fn number(&self, past: Past) -> u64 {
        let head = self.head().number;
        if past.0 < head { head - past.0 } else { head + 1 }
    }

    /// A label names one version; used again it moves and is the newest.
    pub fn set_label(&mut self, name: &'static str) {
        self.labels.retain(|(label, _)| *label != name);
        self.labels.push((name, self.head().number));
    }

    /// Keeps the newest labels, and of the past versions the labelled ones and the newest of the others.
    pub fn forget(&mut self, snapshots: usize, labels: usize) {
        while self.labels.len() > labels {
            self.labels.remove(0);
        }
        let head = self.head().number;
        loop {
            let labelled = |number: u64| self.labels.iter().any(|(_, version)| *version == number);
            let others = self.versions.iter().map(|version| version.number);
            let others: Vec<u64> = others.filter(|number| *number != head && !labelled(*number)).collect();
            if others.len() <= snapshots {
                return;
            }
            self.versions.retain(|version| version.number != others[0]);
        }
    }

    /// The state gets another schema: of the versions those stay whose secrets that schema hides too.
    pub fn forget_unhidden(&mut self, obeyed: Obeyed) {
        let head = self.head().number;
        let stays = |version: &Version| {
            version.number == head || obeyed.hides(&tree(&version.text), version.has_secret)
        };
        self.versions.retain(stays);
        let kept: Vec<u64> = self.versions.iter().map(|version| version.number).collect();
        self.labels.retain(|(_, number)| kept.contains(number));
    }

    pub fn label_of(&self, number: u64) -> Option<&'static str> {
        self.labels.iter().rfind(|(_, version)| *version == number).map(|(name, _)| *name)
    }

    /// `1, 3..5`
    pub fn kept(&self) -> String {
        let numbers: Vec<u64> = self.versions.iter().map(|version| version.number).collect();
        let runs = numbers.chunk_by(|a, b| a + 1 == *b);
        let shown = runs.map(|run| match run {
            [only] => only.to_string(),
            run => format!("{}..{}", run[0], run[run.len() - 1]),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    pub fn no_version(&self) -> Want {
        Want::Error(format!("NOVERSION kept: {}", self.kept()))
    }

    /// Where a rollback goes, and what the document becomes by it.
    pub fn target(&self, rollback: &Rollback, obeyed: Obeyed) -> Result<(u64, Value), Want> {
        let version = match rollback.target {
            Target::Steps(steps) => return self.steps(steps.unwrap_or(1), rollback, obeyed),
            Target::To(past) => self.find(self.number(past)).ok_or_else(|| self.no_version())?,
            Target::Label(name) => {
                let number = self.labels.iter().find(|(label, _)| *label == name).map(|(_, number)| *number);
                let kept = self.kept();
                let missing = format!("NOVERSION label {name} names no version; kept: {kept}");
                number.and_then(|number| self.find(number)).ok_or(Want::Error(missing))?
            }
            Target::LastValid => {
                let passes =
                    |text: &str| obeyed.rules.is_none_or(|rules| rules.violations(&tree(text)).is_empty());
                let past = &self.versions[..self.versions.len() - 1];
                past.iter().rfind(|version| passes(&version.text)).ok_or_else(|| self.no_version())?
            }
        };
        Ok((version.parent, self.outcome(version, rollback, obeyed)?))
    }

    fn no_ancestor(&self) -> Want {
        match self.head().parent {
            0 => Want::Error(format!("NOVERSION there is no earlier version; kept: {}", self.kept())),
            _ => self.no_version(),
        }
    }

    /// Walks from parent to parent and counts those that would make a difference.
    fn steps(&self, steps: u64, rollback: &Rollback, obeyed: Obeyed) -> Result<(u64, Value), Want> {
        let (mut left, mut version) = (steps, self.head());
        loop {
            version = self.find(version.parent).ok_or_else(|| self.no_ancestor())?;
            let outcome = self.outcome(version, rollback, obeyed)?;
            let text = outcome.to_string();
            if text != *self.head().text {
                left -= 1;
            }
            if left == 0 {
                return Ok((version.parent, outcome));
            }
        }
    }

    /// The present document with just these members, or all, as they were then; but for those that are kept.
    fn outcome(&self, version: &Version, rollback: &Rollback, obeyed: Obeyed) -> Result<Value, Want> {
        let (then, present) = (tree(&version.text), tree(&self.head().text));
        let mut document = if rollback.only.is_some() { present.clone() } else { then.clone() };
        for pointer in rollback.only.iter().flatten() {
            let tokens = json::tokens(pointer).expect("the test names members by pointers");
            match json::get(&then, &tokens) {
                Some(value) => bring_back(&mut document, &tokens, value.clone())
                    .ok_or_else(|| Want::ErrorBegins(format!("ERR ONLY {pointer}: ")))?,
                None => take_away(&mut document, &tokens),
            }
        }
        obeyed.keep_present(&mut document, &present, rollback.all);
        Ok(document)
    }

    pub fn history(&self, count: Option<usize>, bytes: impl Fn(&Version) -> u64) -> Want {
        let newest_first = self.versions.iter().rev().take(count.unwrap_or(usize::MAX));
        let described = newest_first.map(|version| {
            Want::Map(vec![
                ("version", Want::Int(version.number)),
                ("parent", Want::Int(version.parent)),
                ("at", Want::Time(version.tick)),
                ("event", Want::text(version.event)),
                ("actor", Want::optional(version.actor)),
                ("label", Want::optional(self.label_of(version.number))),
                ("bytes", Want::Int(bytes(version))),
            ])
        });
        Want::List(described.collect())
    }

    pub fn meta(&self, audit: &str, rules: Option<Rules>) -> Want {
        let valid = match (self.schema, rules) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(rules)) => rules.violations(&tree(&self.head().text)).is_empty(),
        };
        Want::Map(vec![
            ("etag", Want::Etag(self.etag())),
            ("version", Want::Int(self.head().number)),
            ("schema", Want::optional(self.schema_name())),
            ("revision", Want::Int(self.schema.map_or(0, |schema| schema.revision))),
            ("initialized_at", Want::Time(self.born)),
            ("updated_at", Want::Time(self.head().tick)),
            ("ttl", Want::Ttl(self.expiry)),
            ("bytes", Want::Int(self.head().text.len() as u64)),
            ("snapshots", Want::Int(self.versions.len() as u64 - 1)),
            ("deadlines", Want::Map(Vec::new())),
            ("attempts", self.attempts_of_all(None)),
            ("audit", Want::text(audit)),
            ("valid", Want::Int(u64::from(valid))),
        ])
    }
}

/// The tree of a text that the model has written.
pub fn tree(text: &str) -> Value {
    json::parse(text).expect("canonical text is JSON")
}

/// Sets a member, making the objects that lead to it. None where an array or a plain value is in the way.
pub fn bring_back(document: &mut Value, tokens: &[String], value: Value) -> Option<()> {
    let Some((token, rest)) = tokens.split_first() else {
        *document = value;
        return Some(());
    };
    match document {
        Value::Object(members) => {
            let member = members.entry(token).or_insert_with(|| Value::Object(Map::new()));
            bring_back(member, rest, value)
        }
        Value::Array(items) => {
            let at = json::index(token)?;
            if at == items.len() && rest.is_empty() {
                items.push(value);
                return Some(());
            }
            bring_back(items.get_mut(at)?, rest, value)
        }
        _ => None,
    }
}

pub fn take_away(document: &mut Value, tokens: &[String]) {
    let Some((last, parent)) = tokens.split_last() else { return };
    match json::get_mut(document, parent) {
        Some(Value::Object(members)) => drop(members.shift_remove(last)),
        Some(Value::Array(items)) => {
            if let Some(at) = json::index(last).filter(|at| *at < items.len()) {
                items.remove(at);
            }
        }
        _ => {}
    }
}
