//! The implementation under the roles: one state over one connection.
//!
//! Reads request single members and keep nothing. Writes are [`Edit`](redis_state_client::Edit)s:
//! read, decide, write with the etag that was read, and repeat on a conflict. A component that
//! writes also checks that it is still its turn, so the decision applies to exactly the version
//! that is written. (A JSON Patch with a `test` would save the read, but the server counts its
//! failure as one of the user's attempts, and a late message is none.)

use redis_state_client::{
    Attempt, AttemptCounts, Attempts, Driver, Error, ErrorKind, Found, Get, Result, States, fresh_id,
};
use redis_state_types::limits::ATTEMPT_ERROR_BYTES_MAX;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::channel::document::{Current, Step, Token, Validation, ValidationStatus};

/// A state with its connection. The roles are the public interface.
#[derive(Clone, Debug)]
pub struct Place<D> {
    pub(crate) states: States<D>,
    pub(crate) id: String,
    pub(crate) key: String,
}

/// The state as a writing component sees it.
///
/// For an example see [`Confirm`](crate::channel::Confirm).
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Context {
    /// The step of the flow, with the data of its components.
    pub current: Current,
    /// The member and their accounts.
    #[serde(default)]
    pub dashboard: Option<Value>,
    /// The API's last action.
    #[serde(default)]
    pub action: Option<Value>,
    /// The ID of the account in use.
    #[serde(default)]
    pub active_account_id: Option<String>,
}

impl<D: Driver> Place<D> {
    pub(crate) async fn members<const N: usize>(&mut self, pointers: [&str; N]) -> Result<Found> {
        let found = D::resolve(self.states.send(&Get::new(&self.key).members(pointers))).await?;
        found.ok_or_else(no_state)
    }

    /// A member that may be missing or null, which means the same.
    pub(crate) async fn member<T: DeserializeOwned>(&mut self, pointer: &str) -> Result<Option<T>> {
        optional(&self.members([pointer]).await?, 0)
    }

    /// A member that every channel has.
    pub(crate) async fn required<T: DeserializeOwned>(&mut self, pointer: &str) -> Result<T> {
        self.member(pointer).await?.ok_or_else(|| no_member(pointer))
    }

    /// The token and the step, of one version.
    pub(crate) async fn token_and_step(&mut self) -> Result<(Option<Token>, Step)> {
        let pointers = ["/auth/token", "/current/path", "/current/component"];
        let found = self.members(pointers).await?;
        let text =
            |index| -> Result<String> { optional(&found, index)?.ok_or_else(|| no_member(pointers[index])) };
        let token: Option<Token> = optional(&found, 0)?;
        if token.as_ref().is_some_and(|token| token.as_str() == HIDDEN) {
            let text = "NOPERM reading the token needs permission to run STATE.SETPROTECTED";
            return Err(Error::new(ErrorKind::NoPermission, text));
        }
        Ok((token, Step::new(text(1)?, text(2)?)))
    }

    /// Counts a failed attempt; once for each ID.
    pub(crate) async fn failed(
        &mut self,
        operation: &str,
        component: &str,
        reason: &str,
        id: Option<&str>,
    ) -> Result<u64> {
        let attempt = Attempt::failure(&self.key, operation)
            .component(component)
            .actor(component)
            .error(clipped(reason))
            .id(id.map_or_else(fresh_id, str::to_owned));
        D::resolve(self.states.send(&attempt)).await
    }

    pub(crate) async fn validation_status(&mut self, operation: &str) -> Result<ValidationStatus> {
        let found = D::resolve(self.states.send(&Attempts::new(&self.key, operation).count(1))).await?;
        let found = found.ok_or_else(no_state)?;
        Ok(ValidationStatus { attempts: found.attempts, failures: found.failures, latest: found.latest })
    }

    /// One request for the counts and one for each operation: the server lists attempts by
    /// operation only.
    pub(crate) async fn validation(&mut self) -> Result<Validation> {
        let attempts =
            D::resolve(self.states.send(&AttemptCounts::new(&self.key))).await?.ok_or_else(no_state)?;
        let mut history = Vec::new();
        for operation in attempts.keys() {
            let of_one = D::resolve(self.states.send(&Attempts::new(&self.key, operation)))
                .await?
                .ok_or_else(no_state)?;
            history.extend(of_one.history.into_iter().rev());
        }
        // All timestamps have the same form, so they sort as text.
        history.sort_by(|one, other| one.timestamp.cmp(&other.timestamp));
        Ok(Validation { attempts, history })
    }
}

/// Replaces a secret for a caller without permission to read it.
const HIDDEN: &str = "***";

/// As much of a reason as the server accepts for an attempt's error.
fn clipped(reason: &str) -> &str {
    let mut end = ATTEMPT_ERROR_BYTES_MAX.min(reason.len());
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

fn optional<T: DeserializeOwned>(found: &Found, index: usize) -> Result<Option<T>> {
    Ok(found.member::<Option<T>>(index)?.flatten())
}

pub(crate) fn no_state() -> Error {
    Error::new(ErrorKind::NoState, "NOSTATE there is no state at this key; initialize_channel makes one")
}

fn no_member(pointer: &str) -> Error {
    Error::new(ErrorKind::Unexpected, format!("the state has no {pointer}: it is not a channel's"))
}
