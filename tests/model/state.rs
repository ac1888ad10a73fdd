//! One state: the versions and attempts of the reference model, with what the model test adds to
//! them, and the replies of the commands that read a state.

use reference::attempts::Attempts;
use reference::json::tree;
use reference::rollback::{NoTarget, Rollback};
use reference::versions::{self, Versions};
use serde_json::Value;

use crate::annotations::Applicable;
use crate::attempts::Details;
use crate::command::{Etag, Tick, VersionsBack};
use crate::predicted::{Expiry, Predicted};
use crate::rules::Rules;

pub type Version = versions::Version<Commit>;

/// A version's data about its commit.
#[derive(Clone, Debug)]
pub struct Commit {
    pub tick: Tick,
    pub event: &'static str,
    pub actor: Option<&'static str>,
    pub turn: Option<&'static str>,
    /// Whether the document had a secret, by the schema that it was validated against.
    pub has_secret: bool,
}

/// The schema that the present version was validated against.
#[derive(Clone, Copy, Debug)]
pub struct SchemaUsed {
    pub name: &'static str,
    pub revision: u64,
    /// Whether it had secrets, in case the schema is missing when they are to be masked.
    pub has_secrets: bool,
}

#[derive(Clone, Debug)]
pub struct State {
    /// The number of this life among all lives of all keys. Each life has its own key for digests.
    pub life: u32,
    pub created: Tick,
    pub schema: Option<SchemaUsed>,
    pub versions: Versions<Commit>,
    pub attempts: Attempts<Details>,
    pub expiry: Expiry,
}

impl State {
    pub fn head(&self) -> &Version {
        self.versions.head()
    }

    pub fn schema_name(&self) -> Option<&'static str> {
        self.schema.map(|schema| schema.name)
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
    pub fn number(&self, back: VersionsBack) -> u64 {
        let head = self.head().number;
        if back.0 < head { head - back.0 } else { head + 1 }
    }

    /// The state gets another schema: the snapshots stay whose secrets that schema masks too.
    pub fn drop_unmasked_snapshots(&mut self, applicable: Applicable) {
        self.versions.retain_snapshots(|version| {
            applicable.masks_all(&tree(&version.text), version.commit.has_secret)
        });
    }

    /// The kept versions as errors list them: `1, 3..5`.
    fn kept(&self) -> String {
        let numbers = self.versions.numbers();
        let runs = numbers.chunk_by(|a, b| a + 1 == *b);
        let shown = runs.map(|run| match run {
            [only] => only.to_string(),
            run => format!("{}..{}", run[0], run[run.len() - 1]),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    pub fn no_version(&self) -> Predicted {
        Predicted::Error(format!("NOVERSION kept: {}", self.kept()))
    }

    /// The parent and the document of the version that a rollback makes.
    pub fn roll_back(&self, rollback: &Rollback) -> Result<(u64, Value), Predicted> {
        self.versions.roll_back(rollback).map_err(|no_target| match no_target {
            NoTarget::NotKept => self.no_version(),
            NoTarget::NoEarlierVersion => {
                Predicted::Error(format!("NOVERSION there is no earlier version; kept: {}", self.kept()))
            }
            NoTarget::NoSuchLabel(name) => {
                Predicted::Error(format!("NOVERSION label {name} names no version; kept: {}", self.kept()))
            }
            NoTarget::NoPlace(pointer) => Predicted::ErrorBegins(format!("ERR ONLY {pointer}: ")),
        })
    }

    pub fn history(&self, count: Option<usize>, bytes: impl Fn(&Version) -> u64) -> Predicted {
        let newest_first = self.versions.kept().iter().rev().take(count.unwrap_or(usize::MAX));
        let described = newest_first.map(|version| {
            Predicted::Map(vec![
                ("version", Predicted::Int(version.number)),
                ("parent", Predicted::Int(version.parent)),
                ("at", Predicted::Time(version.commit.tick)),
                ("event", Predicted::text(version.commit.event)),
                ("actor", Predicted::optional(version.commit.actor)),
                ("turn", Predicted::optional(version.commit.turn)),
                ("label", Predicted::optional(self.versions.label_of(version.number))),
                ("bytes", Predicted::Int(bytes(version))),
            ])
        });
        Predicted::List(described.collect())
    }

    /// How often each operation was attempted.
    pub fn attempts(&self, count: Option<usize>) -> Predicted {
        Predicted::Counts(self.attempts.counts().into_iter().take(count.unwrap_or(usize::MAX)).collect())
    }

    pub fn meta(&self, audit: &str, rules: Option<Rules>) -> Predicted {
        let is_valid = match (self.schema, rules) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(rules)) => rules.pass(&self.head().text),
        };
        Predicted::Map(vec![
            ("etag", Predicted::Etag(self.etag())),
            ("version", Predicted::Int(self.head().number)),
            ("turn", Predicted::optional(self.head().commit.turn)),
            ("schema", Predicted::optional(self.schema_name())),
            ("revision", Predicted::Int(self.schema.map_or(0, |schema| schema.revision))),
            ("initialized_at", Predicted::Time(self.created)),
            ("updated_at", Predicted::Time(self.head().commit.tick)),
            ("ttl", Predicted::Ttl(self.expiry)),
            ("bytes", Predicted::Int(self.head().text.len() as u64)),
            ("snapshots", Predicted::Int(self.versions.snapshots().len() as u64)),
            ("deadlines", Predicted::Map(Vec::new())),
            ("attempts", self.attempts(None)),
            ("audit", Predicted::text(audit)),
            ("valid", Predicted::Int(u64::from(is_valid))),
        ])
    }
}
