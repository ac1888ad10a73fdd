//! The whole model: settings, schemas, two keys with their trails, and what each command makes of them.
//!
//! The order of checks is the contract's, written down once for UPDATE and once for ROLLBACK: they share only the end,
//! where the result is checked and a version is made or not.

use std::collections::BTreeMap;

use crate::bindings::{Bindings, bind_own};
use crate::command::{Arg, Command, Etag, KEYS, SCHEMAS, Tick, Ttl};
use crate::line::Line;
use crate::patch::Size;
use crate::rules::Rules;
use crate::state::State;
use crate::want::{Expiry, Trail, Want};

/// The settings of a run, as CONFIG SET gets them.
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
    /// What each schema's name stands for when the run begins.
    pub schemas: [Option<Rules>; SCHEMAS.len()],
    /// The protocol that the client speaks: 2 or 3.
    pub protocol: u8,
}

/// A key: its state, if there is one, its trail, and every etag it ever had.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    pub state: Option<State>,
    pub trail: Trail,
    pub seen: Vec<Etag>,
}

/// What the last command was, word for word, and what must come of it.
#[derive(Clone, Debug)]
pub struct Step {
    pub args: Vec<Arg>,
    pub want: Want,
    /// The key to look at afterwards.
    pub key: Option<usize>,
    /// What occurred, to be counted.
    pub marks: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct World {
    pub settings: Settings,
    pub schemas: BTreeMap<&'static str, (Rules, u64)>,
    pub bindings: Bindings,
    pub slots: [Slot; KEYS.len()],
    pub tick: Tick,
    /// How many states have been begun, dry runs included: each would have its own seed.
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
            Command::Reset { key, expected, common } => self.reset(*key, *expected, common),
            Command::Recover(recover) => self.recover(recover),
            Command::Delete { key, expected, purge, common } => self.delete(*key, *expected, *purge, common),
            Command::Touch { key, common } => self.touch(*key, common),
            Command::Attempt(attempt) => self.attempt(attempt),
            Command::Refused { row, key } => crate::refused::step(*row, *key),
            other => self.ask(other),
        };
        self.step = Some(step);
        self
    }

    /// The step of a line and what comes of it; `outcome` names what was done when nothing was refused.
    pub fn step(
        &self,
        mut line: Line,
        words: Vec<Arg>,
        want: Want,
        key: Option<usize>,
        outcome: &str,
    ) -> Step {
        let command = line.marks[0].clone();
        if want.prefix().is_none() {
            let done: Vec<String> = line.marks[1..].iter().map(|mark| format!("{mark}, done")).collect();
            line.marks.extend(done);
        }
        line.marks.push(format!("{command}: {}", want.prefix().unwrap_or(outcome)));
        Step { args: words, want, key, marks: line.marks }
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
