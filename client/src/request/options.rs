//! The keywords that commands share, as builder methods. A command lists those of its grammar in
//! `options!`, so that no other can be written.
//!
//! One struct has them all: those without a method stay unset. Not a trait of builder methods,
//! which users would have to import.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::Cmd;
use redis_state_types::{Ttl, audit_stream_key};

#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) schema: Option<String>,
    pub(crate) ttl: Ttl,
    pub(crate) label: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) component: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) rebase: bool,
    pub(crate) dry_run: bool,
    pub(crate) returning: bool,
    pub(crate) audit: bool,
    pub(crate) align: Vec<String>,
}

impl Options {
    pub(crate) fn expire_in(&mut self, after: Duration) {
        self.ttl = Ttl::In(milliseconds(after));
    }

    pub(crate) fn expire_at(&mut self, at: SystemTime) {
        self.ttl = Ttl::At(unix_milliseconds(at));
    }

    /// Adds the keywords that were set. `key` is the state's.
    pub(crate) fn add_to(&self, command: &mut Cmd, key: &str) {
        let named = [
            ("SCHEMA", &self.schema),
            ("LABEL", &self.label),
            ("EVENT", &self.event),
            ("ACTOR", &self.actor),
            ("NOTE", &self.note),
            ("OPERATION", &self.operation),
            ("COMPONENT", &self.component),
            ("ID", &self.id),
        ];
        for (word, text) in named {
            if let Some(text) = text {
                command.arg(word).arg(text);
            }
        }
        match self.ttl {
            Ttl::Default => {}
            Ttl::Keep => _ = command.arg("KEEPTTL"),
            Ttl::Persist => _ = command.arg("PERSIST"),
            Ttl::In(ms) => _ = command.arg("PX").arg(ms),
            Ttl::At(ms) => _ = command.arg("PXAT").arg(ms),
        }
        let flags = [("REBASE", self.rebase), ("DRYRUN", self.dry_run), ("RETURN", self.returning)];
        for (word, wanted) in flags {
            if wanted {
                command.arg(word);
            }
        }
        if let Some(stream) = self.audit.then(|| audit_stream_key(key.as_bytes())).flatten() {
            command.arg("AUDIT").arg(stream);
        }
        if !self.align.is_empty() {
            command.arg("ALIGN").arg(self.align.len()).arg(&self.align);
        }
    }
}

/// Milliseconds for PX, rounded up so that a time above zero stays above zero.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

/// Unix milliseconds for PXAT; a time before 1970 counts as past.
fn unix_milliseconds(time: SystemTime) -> i64 {
    milliseconds(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

macro_rules! options {
    ($($group:ident)*) => { $( options!(@ $group); )* };
    (@ schema) => {
        /// `SCHEMA`: the schema of a new state.
        pub fn schema(mut self, name: impl Into<String>) -> Self {
            self.options.schema = Some(name.into());
            self
        }
    };
    (@ ttl) => {
        /// `PX`: the key expires after this time. By default the schema's `x-ttl` applies, else the
        /// server's `state.default-ttl`.
        pub fn expires_in(mut self, after: std::time::Duration) -> Self {
            self.options.expire_in(after);
            self
        }

        /// `PXAT`: the key expires at this time.
        pub fn expires_at(mut self, at: std::time::SystemTime) -> Self {
            self.options.expire_at(at);
            self
        }

        /// `KEEPTTL`: the key's expiry stays.
        pub fn keep_ttl(mut self) -> Self {
            self.options.ttl = redis_state_types::Ttl::Keep;
            self
        }

        /// `PERSIST`: the key never expires.
        pub fn persist(mut self) -> Self {
            self.options.ttl = redis_state_types::Ttl::Persist;
            self
        }

        /// `ALIGN`: these keys, of any type, get the state's expiry. At most 64, in a cluster all
        /// in the state's slot.
        pub fn align<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
            self.options.align = keys.into_iter().map(Into::into).collect();
            self
        }
    };
    (@ label) => {
        /// `LABEL`: a name that keeps the version; reusing the name moves it.
        pub fn label(mut self, name: impl Into<String>) -> Self {
            self.options.label = Some(name.into());
            self
        }
    };
    (@ remarks) => {
        /// `EVENT`: the event's name in the audit stream. At most 128 bytes.
        pub fn event(mut self, name: impl Into<String>) -> Self {
            self.options.event = Some(name.into());
            self
        }

        /// `NOTE`: a text for the audit stream. At most 1024 bytes.
        pub fn note(mut self, text: impl Into<String>) -> Self {
            self.options.note = Some(text.into());
            self
        }

        options!(@ actor);
    };
    (@ actor) => {
        /// `ACTOR`: the acting part of the program, for the audit stream. At most 128 bytes.
        pub fn actor(mut self, name: impl Into<String>) -> Self {
            self.options.actor = Some(name.into());
            self
        }
    };
    (@ operation) => {
        /// `OPERATION`: counts this as an attempt at an operation, a rejection as a failed one.
        pub fn operation(mut self, name: impl Into<String>) -> Self {
            self.options.operation = Some(name.into());
            self
        }

        /// `COMPONENT`: the component that made the attempt; used with
        /// [`operation`](Self::operation).
        pub fn component(mut self, name: impl Into<String>) -> Self {
            self.options.component = Some(name.into());
            self
        }
    };
    (@ id) => {
        /// `ID`: makes a repetition safe, such as a redelivered webhook: a replay gets the first
        /// reply and changes nothing. At most 128 bytes.
        pub fn id(mut self, token: impl Into<String>) -> Self {
            self.options.id = Some(token.into());
            self
        }
    };
    (@ rebase) => {
        /// `REBASE`: if the expected version is kept but not the present one, and no member that
        /// this change writes has changed since, the change is applied to the present document
        /// instead of being rejected.
        pub fn rebase(mut self) -> Self {
            self.options.rebase = true;
            self
        }
    };
    (@ dry_run) => {
        /// `DRYRUN`: returns the command's reply without any effect.
        pub fn dry_run(mut self) -> Self {
            self.options.dry_run = true;
            self
        }
    };
    (@ returning) => {
        /// `RETURN`: returns the document too.
        pub fn returning(mut self) -> Self {
            self.options.returning = true;
            self
        }
    };
    (@ audit) => {
        /// `AUDIT`: names the audit stream in the command, so that a routing proxy sees both keys.
        pub fn audit(mut self) -> Self {
            self.options.audit = true;
            self
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_makes_no_time_zero_or_past() {
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(1500)), 1500);
        assert_eq!(milliseconds(Duration::MAX), i64::MAX);
        assert_eq!(unix_milliseconds(UNIX_EPOCH - Duration::from_secs(1)), 0);
    }
}
