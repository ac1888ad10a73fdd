//! Selects events, and checks that the server sends them.
//!
//! Without the check a listener could wait forever: a server sends only the events of
//! `notify-keyspace-events`.

use super::event::StateEvent;
use crate::error::{Error, ErrorKind, Result};

/// Selects the events; [`open`](Listen::open) starts. An event that two selections match is
/// returned twice.
#[derive(Clone, Debug, Default)]
pub struct Listen {
    pub(super) keys: Vec<String>,
    pub(super) patterns: Vec<String>,
    pub(super) events: Vec<StateEvent>,
}

impl Listen {
    /// Selects nothing yet.
    pub fn new() -> Listen {
        Listen::default()
    }

    /// Selects all events of a key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Selects all events of the keys that match a pattern, as in KEYS.
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.patterns.push(pattern.into());
        self
    }

    /// Selects an event, of all keys.
    pub fn event(mut self, event: StateEvent) -> Self {
        self.events.push(event);
        self
    }

    /// Whether the server sends the selected events.
    pub(super) fn check(&self, flags: &str) -> Result<()> {
        if self.keys.is_empty() && self.patterns.is_empty() && self.events.is_empty() {
            let text = "nothing to listen to: name a key, a pattern or an event";
            return Err(Error::new(ErrorKind::Usage, text));
        }
        let by_key = !(self.keys.is_empty() && self.patterns.is_empty());
        let mut missing = String::new();
        let mut need = |flag: char, is_there: bool| {
            if !is_there && !flags.contains(flag) {
                missing.push(flag);
            }
        };
        need('K', !by_key);
        need('E', self.events.is_empty());
        let is_all = flags.contains('A');
        let wants = |wanted: &dyn Fn(&StateEvent) -> bool| self.events.iter().any(wanted);
        need('d', is_all || !(by_key || wants(&|event| event.as_str().starts_with("state."))));
        need('x', is_all || !wants(&|event| *event == StateEvent::Expired));
        need('e', is_all || !wants(&|event| *event == StateEvent::Evicted));
        need('g', is_all || !wants(&|event| *event == StateEvent::Del));
        if missing.is_empty() {
            return Ok(());
        }
        let advice =
            format!("have its operator set notify-keyspace-events {flags}{missing}, in redis.conf too");
        let text =
            format!("the server does not send these events (notify-keyspace-events {flags:?}): {advice}");
        Err(Error::new(ErrorKind::Usage, text))
    }
}
