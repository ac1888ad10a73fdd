//! `ID`: a repeated request is executed once, and gets the first reply again. With `OWNER` only its
//! owner gets it; any other caller learns that it was not the first.
//!
//! The token is looked up before the state and the limits are checked: the version that a repeated
//! request expects is outdated by its own first execution, and a limit may have been lowered since.
//! Only the syntax of the request is checked before. Success is remembered, also without a change.
//! A rejection is not, so that the caller can retry once its cause is fixed.

use super::outcome::{Course, Outcome, StateChange};
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::state::State;
use crate::state::effect::Effect;
use crate::state::idempotency::{Id, Made, Remembered, Token};
use redis_state_types::{Etag, Expected};

/// A reply that a token remembers.
pub(super) trait Remember: Copy {
    fn made(self) -> Made;
    /// The reply of a known token; `None` for the reply of another command.
    fn of(made: Made) -> Option<Self>;
}

impl Remember for Etag {
    fn made(self) -> Made {
        Made::Etag(self)
    }

    fn of(made: Made) -> Option<Etag> {
        if let Made::Etag(etag) = made { Some(etag) } else { None }
    }
}

impl Remember for u64 {
    fn made(self) -> Made {
        Made::Attempts(self)
    }

    fn of(made: Made) -> Option<u64> {
        if let Made::Attempts(attempts) = made { Some(attempts) } else { None }
    }
}

/// Decides a command by `decide`, or replays the reply of a known token.
///
/// Errors: `IDMISMATCH`, `REPLAYED`, and those of `decide`.
pub(super) fn idempotent<T: Remember>(
    state: Option<&State>,
    expected: Option<Expected>,
    metadata: &Metadata,
    context: &Context,
    decide: impl FnOnce() -> Result<Outcome<T>, Error>,
) -> Result<Outcome<T>, Error> {
    let Some(id) = &metadata.id else { return decide() };
    let known = state.and_then(|state| Some((state, state.tokens.find(&id.token)?)));
    let taken_over = known.filter(|(state, token)| may_take_over(state, token, id, expected));
    if let (Some((state, token)), None) = (known, taken_over) {
        return replay(state, token, id);
    }
    let mut outcome = decide()?;
    if let Some((state, token)) = taken_over
        && !makes_version(&outcome, state)
    {
        return replay(state, token, id);
    }
    if let Ok(reply) = outcome.reply
        && let Some(change) = outcome.own_change_mut()
    {
        remember(change, state, id, reply.made(), context);
    }
    Ok(outcome)
}

/// Whether another owner may take the token over: it names the etag that the first owner made, and
/// nothing was committed since.
fn may_take_over(state: &State, token: &Token, id: &Id, expected: Option<Expected>) -> bool {
    let is_claim = match (expected, token.made) {
        (Some(Expected::Etag(expected)), Made::Etag(made)) => expected == made && made == state.etag(),
        _ => false,
    };
    is_claim && id.owner.is_some() && id.owner.as_deref() != token.owner.as_deref()
}

/// Whether the etag changes. A takeover must change it, or a third owner could take the token over
/// with the same etag.
fn makes_version<T>(outcome: &Outcome<T>, state: &State) -> bool {
    outcome.resulting_version(Some(state)).is_some_and(|(_, head)| head.number != state.head().number)
}

fn replay<T: Remember>(state: &State, token: &Token, id: &Id) -> Result<Outcome<T>, Error> {
    let made = token.made;
    if id.owner.as_deref() != token.owner.as_deref() {
        return Err(Error::Replayed { made, owner: token.owner.as_deref().map(str::to_owned) });
    }
    match T::of(made).filter(|_| token.digest == id.digest(state.etag_keys.seed)) {
        Some(reply) => Ok(Outcome { course: Course::Replayed, ..Outcome::without_writes(reply) }),
        None => Err(Error::IdMismatch { made }),
    }
}

fn remember(change: &mut StateChange, state: Option<&State>, id: &Id, made: Made, context: &Context) {
    let kept_max = context.limits.idempotency_ids;
    if kept_max == 0 && state.is_none_or(|state| state.tokens.kept.is_empty()) {
        return;
    }
    let digest = id.digest(state.map_or(context.etag_keys, State::etag_keys).seed);
    let owner = id.owner.as_deref().map(Into::into);
    let token = Token { name: id.token.as_str().into(), digest, made, owner };
    let remembered = Remembered { token, kept_max };
    match change.effects.first_mut() {
        Some(Effect::Put(state)) => state.remember(remembered),
        _ => change.effects.push(Effect::Remember(remembered)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::context::Rights;
    use crate::decide::outcome::Write;
    use crate::decide::update;
    use crate::decide::update::Update;
    use crate::json::change::{Change, ChangeKind};
    use crate::limits::Limits;
    use crate::schema::registry::Registry;
    use crate::state::etag_keys::EtagKeys;
    use redis_state_types::{Expected, Ttl};

    const JSON: &[u8] = br#"{"current":{"path":"offer"}}"#;
    const NOW_MS: i64 = 1_741_058_499_570;

    fn decided(state: Option<&State>, now_ms: i64, token: &str) -> Outcome {
        let (limits, registry) = (Limits::default(), Registry::default());
        let context = Context {
            key: b"channel:+263771234567",
            now_ms,
            etag_keys: EtagKeys::from_random([0x5eed, 1, 2]),
            user: "default",
            limits: &limits,
            budget: &Budget::new(&limits),
            registry: &registry,
            expires_at_ms: Some(NOW_MS),
            rights: Rights::NONE,
        };
        let id = Some(Id::new(token.to_owned(), None, "STATE.UPDATE", [b"MERGE", JSON]));
        let request = Update {
            change: Change::parse(ChangeKind::Merge, JSON, &limits),
            expected: Expected::Absent,
            schema: None,
            label: None,
            rebase: false,
            ttl: Ttl::At(NOW_MS),
            metadata: Metadata { id, ..Metadata::default() },
        };
        update(state, &request, &context)
    }

    /// A redelivered message has the same arguments, and an expiry among them may have passed.
    #[test]
    fn a_time_that_has_passed_since_is_no_reason_to_reject() {
        let first = decided(None, NOW_MS - 1, "wamid.1");
        let [Write::Change(change)] = first.writes.as_slice() else { panic!("{first:?}") };
        let [Effect::Put(state)] = change.effects.as_slice() else { panic!("{first:?}") };
        let second = decided(Some(state), NOW_MS + 1, "wamid.1");
        assert_eq!(second, Outcome { writes: vec![], course: Course::Replayed, reply: first.reply });
        assert_eq!(decided(Some(state), NOW_MS + 1, "wamid.2").reply, Err(Error::BadExpire));
    }
}
