//! What a command leaves behind when it is rejected, and when a recovery tries its rungs.

use redis_state_core::audit::Entry;
use redis_state_core::decide::{self, Context, Metadata, Recovery, Rung};
use redis_state_core::{Error as CoreError, Etag, State, Ttl};

use crate::error::Error;
use crate::server::commit::effect::Expiry;
use crate::server::commit::transaction::Target;
use crate::server::global::config;
use crate::server::global::counters;
use crate::server::global::registry;

impl Target<'_> {
    /// Applies the result of a recovery, records every rung it tried, and returns the one that
    /// worked.
    pub fn recover(&mut self, recovery: Recovery, metadata: &Metadata) -> Result<(Rung, Etag), Error> {
        // As with rejections: nothing is recorded of a key that has neither a state nor an audit
        // stream.
        let on_record = recovery.done.is_ok() || self.state().is_some() || self.stream.exists(self.ctx);
        for (rung, reason) in recovery.tried.iter().filter(|_| on_record) {
            self.record(|state, context| Entry::rung(*rung, Some(reason), state, metadata, context));
        }
        match recovery.done {
            Ok((rung, outcome)) => {
                let etag = outcome.etag;
                self.carry_out(outcome)?;
                counters::count_recovery(rung);
                self.ctx.notify(c"state.recover", self.name());
                Ok((rung, etag))
            }
            Err(error) => {
                counters::RECOVERIES_FAILED.add();
                counters::count_rejection(error.prefix());
                Err(Error::Core(error))
            }
        }
    }

    /// Counts a rejection, records it, and counts it as a failed attempt at the operation that the
    /// command names. Returns the error as the reply.
    pub fn reject(&mut self, error: CoreError, metadata: &Metadata, ttl: Ttl) -> Error {
        let is_conflict = matches!(error, CoreError::Conflict { .. });
        if is_conflict {
            counters::CONFLICTS.add();
        }
        if error.is_rejection() {
            counters::count_rejection(error.prefix());
            self.count_failure(&error, metadata, ttl);
        }
        let on_record = error.is_rejection() || (is_conflict && config::AUDIT_CONFLICTS.is_on());
        if on_record && (self.state().is_some() || self.stream.exists(self.ctx)) {
            self.record(|state, context| Entry::reject(&error, state, metadata, context));
            self.ctx.notify(c"state.reject", self.name());
        }
        Error::Core(error)
    }

    fn count_failure(&mut self, error: &CoreError, metadata: &Metadata, ttl: Ttl) {
        let registry = registry::read();
        let failed = self
            .state()
            .and_then(|state| decide::failed_attempt(state, ttl, error, metadata, &self.context(&registry)));
        drop(registry);
        // It has no entry of its own, and nothing else can fail.
        failed.into_iter().for_each(|outcome| drop(self.carry_out(outcome)));
    }

    /// Records a rejection, or a failed rung. At most `state.audit-rejects` of them stand between
    /// two commits, then one entry for the rest. Never more than half of the stream, or rejections
    /// would push the commits out.
    fn record(&mut self, entry: impl FnOnce(Option<&State>, &Context) -> Entry) {
        if !config::AUDIT.is_on() {
            return;
        }
        let max = config::AUDIT_REJECTS.get().min(config::AUDIT_MAXLEN.get() / 2);
        let max = usize::try_from(max).unwrap_or(0);
        let already = self.stream.rejects_since_commit(self.ctx, max);
        let registry = registry::read();
        let entry = match already {
            _ if already < max => entry(self.state(), &self.context(&registry)),
            _ if already == max => Entry::suppressed(self.state(), &self.context(&registry)),
            _ => return,
        };
        // A stream that takes no more entries must not hide why the command was rejected.
        if let Ok(Some(appended)) = self.append_to(&entry, Some(already)) {
            self.replicate_effect(
                self.has_consumers().then_some(&[]),
                Expiry::Leave,
                Some((&entry, &appended)),
            );
        }
    }
}
