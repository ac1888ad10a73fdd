//! The world of the model test: settings, schemas, and two keys with their states and audit
//! streams.
//!
//! The rules of a state are those of the reference model. What is added here is what only the model
//! test needs: the schemas, the order of checks, the replies and the audit entries.

use std::collections::BTreeMap;

use reference::patch::Size;

use crate::audit_stream::AuditStream;
use crate::bindings::{Bindings, bind_own};
use crate::command::{Arg, Command, Common, Etag, KEYS, SCHEMAS, Tick, Ttl};
use crate::command_line::Line;
use crate::predicted::{Expiry, Predicted};
use crate::rules::Rules;
use crate::state::State;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub snapshots: usize,
    pub labels: usize,
    pub default_ttl_s: i64,
    pub audit_ttl_s: i64,
    pub size: Size,
    pub patch_bytes_max: usize,
    pub rejects_max: usize,
    pub conflicts: bool,
    pub attempts_history: usize,
    /// The schemas that are set when the run begins.
    pub schemas: [Option<Rules>; SCHEMAS.len()],
    /// RESP2 or RESP3.
    pub protocol: u8,
}

/// A key: its state, its audit stream, and every etag that it ever had.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    pub state: Option<State>,
    pub audit: AuditStream,
    pub seen: Vec<Etag>,
}

/// The words of the last command and its predicted reply.
#[derive(Clone, Debug)]
pub struct Step {
    pub args: Vec<Arg>,
    pub predicted: Predicted,
    /// The key to compare afterwards.
    pub key: Option<usize>,
    /// What occurred, for the coverage.
    pub marks: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct World {
    pub settings: Settings,
    pub schemas: BTreeMap<&'static str, (Rules, u64)>,
    pub bindings: Bindings,
    pub slots: [Slot; KEYS.len()],
    pub tick: Tick,
    /// The number of states created so far, dry runs included.
    pub lives: u32,
    pub step: Option<Step>,
}

impl World {
    pub fn new(settings: Settings) -> World {
        let named = SCHEMAS.into_iter().zip(settings.schemas);
        let (mut schemas, mut bindings) = (BTreeMap::new(), Bindings::new());
        for (name, rules) in named.filter_map(|(name, rules)| Some((name, rules?))) {
            schemas.insert(name, (rules, 1));
            bind_own(&mut bindings, name, rules);
        }
        World { settings, schemas, bindings, slots: Default::default(), tick: 0, lives: 0, step: None }
    }

    /// Plays one command.
    pub fn play(mut self, command: &Command) -> World {
        self.tick += 1;
        let step = match command {
            Command::Update(update) => self.update(update),
            Command::Rollback(rollback) => self.rollback(rollback),
            Command::Reset { key, expected, all, common } => self.reset(*key, *expected, *all, common),
            Command::Recover(recover) => self.recover(recover),
            Command::Delete { key, expected, purge, common } => self.delete(*key, *expected, *purge, common),
            Command::Touch { key, common } => self.touch(*key, common),
            Command::Attempt(attempt) => self.attempt(attempt),
            Command::Invalid { row, key } => crate::invalid_commands::step(*row, *key),
            other => self.read(other),
        };
        self.step = Some(step);
        self
    }

    /// The step of a command line and its reply. `outcome` says what was done when it is no error.
    pub fn step(
        &self,
        mut line: Line,
        common: Option<&Common>,
        predicted: Predicted,
        key: Option<usize>,
        outcome: &str,
    ) -> Step {
        let command = line.marks[0].clone();
        if predicted.prefix().is_none() {
            let done: Vec<String> = line.marks[1..].iter().map(|mark| format!("{mark}, done")).collect();
            line.marks.extend(done);
        }
        line.marks.push(format!("{command}: {}", predicted.prefix().unwrap_or(outcome)));
        Step { args: line.words(common), predicted, key, marks: line.marks }
    }

    pub fn expiry(&self, ttl: Option<Ttl>, present: Option<Expiry>, schema: Option<&'static str>) -> Expiry {
        let after = |ms: i64| Expiry::After { tick: self.tick, ms };
        match (ttl, present) {
            (Some(Ttl::Seconds(s)), _) => after(s * 1000),
            (Some(Ttl::Milliseconds(ms)), _) => after(ms),
            (Some(Ttl::AtSeconds(s)), _) => Expiry::At(s * 1000),
            (Some(Ttl::AtMilliseconds(ms)), _) => Expiry::At(ms),
            (Some(Ttl::Persist), _) => Expiry::Never,
            (Some(Ttl::Keep), Some(present)) => present,
            (Some(Ttl::Keep) | None, _) => {
                let own_ms = self.rules(schema).and_then(Rules::ttl_ms);
                after(own_ms.map_or(self.settings.default_ttl_s * 1000, |ms| ms as i64))
            }
        }
    }
}
