//! `ID`: a repeated request is executed once, and gets the first reply again.
//!
//! The token is looked up before every other check: the version that a repeated request expects is
//! outdated by its own first execution. Success is remembered, also without a change. A rejection
//! is not, so that the caller can retry once its cause is fixed.

use super::outcome::{Course, Outcome};
use crate::context::{Context, Metadata};
use crate::error::Error;
use crate::state::State;
use crate::state::effect::Effect;
use crate::state::idempotency::{Id, Made, Remembered, Token};

/// Decides a command by `decide`, which also returns the reply, or replays the reply of a known
/// token.
///
/// Errors: `IDMISMATCH`, and those of `decide`.
pub(super) fn idempotent(
    state: Option<&State>,
    metadata: &Metadata,
    context: &Context,
    decide: impl FnOnce() -> Result<(Outcome, Made), Error>,
) -> Result<Outcome, Error> {
    let Some(id) = &metadata.id else { return decide().map(|(outcome, _)| outcome) };
    let known = state.and_then(|state| Some((state, state.tokens.find(&id.token)?)));
    if let Some((state, token)) = known {
        return replay(state, token, id, context);
    }
    let (mut outcome, made) = decide()?;
    remember(&mut outcome, state, id, made, context);
    Ok(outcome)
}

/// The reply of a command with an etag as its result.
pub(super) fn with_etag(outcome: Outcome) -> (Outcome, Made) {
    let made = Made::Etag(outcome.etag);
    (outcome, made)
}

fn replay(state: &State, token: &Token, id: &Id, context: &Context) -> Result<Outcome, Error> {
    if token.digest != id.digest(state.keys.seed) {
        return Err(Error::IdMismatch { made: token.made });
    }
    let etag = match token.made {
        Made::Etag(etag) => etag,
        Made::Attempts(_) => state.etag(),
    };
    Ok(Outcome {
        effects: Vec::new(),
        event: None,
        etag,
        expires_at_ms: context.expires_at_ms,
        entry: None,
        course: Course::Replayed(token.made),
    })
}

fn remember(outcome: &mut Outcome, state: Option<&State>, id: &Id, made: Made, context: &Context) {
    let kept_max = context.limits.idempotency_ids;
    if kept_max == 0 && state.is_none_or(|state| state.tokens.kept.is_empty()) {
        return;
    }
    let digest = id.digest(state.map_or(context.keys, State::keys).seed);
    let token = Token { name: id.token.as_str().into(), digest, made };
    let remembered = Remembered { token, kept_max };
    match outcome.effects.first_mut() {
        Some(Effect::Put(state)) => state.remember(remembered),
        _ => outcome.effects.push(Effect::Remember(remembered)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::context::Rights;
    use crate::decide::update;
    use crate::decide::update::Update;
    use crate::etag::Expected;
    use crate::expiry::Ttl;
    use crate::json::change::{Change, ChangeKind};
    use crate::limits::Limits;
    use crate::schema::registry::Registry;
    use crate::state::etag_keys::Keys;

    const JSON: &[u8] = br#"{"current":{"path":"offer"}}"#;
    const NOW_MS: i64 = 1_741_058_499_570;

    fn decided(state: Option<&State>, now_ms: i64, token: &str) -> Result<Outcome, Error> {
        let (limits, registry) = (Limits::default(), Registry::default());
        let context = Context {
            key: b"channel:+263771234567",
            now_ms,
            keys: Keys::from_random([0x5eed, 1, 2]),
            user: "default",
            limits: &limits,
            budget: &Budget::new(&limits),
            registry: &registry,
            expires_at_ms: Some(NOW_MS),
        };
        let id = Some(Id::new(token.to_owned(), "STATE.UPDATE", [b"MERGE", JSON]));
        let request = Update {
            expected: Expected::Absent,
            schema: None,
            label: None,
            rebase: false,
            ttl: Ttl::At(NOW_MS),
            metadata: Metadata { id, ..Metadata::default() },
        };
        let change = Change::parse(ChangeKind::Merge, JSON, &limits).expect("json");
        let rights = Rights { protect: false, read_secrets: &|| false };
        update(state, &request, rights, change, &context)
    }

    /// A redelivered message has the same arguments, and an expiry among them may have passed.
    #[test]
    fn a_time_that_has_passed_since_is_no_reason_to_reject() {
        let first = decided(None, NOW_MS - 1, "wamid.1").expect("created");
        let [Effect::Put(state)] = first.effects.as_slice() else { panic!("{first:?}") };
        let second = decided(Some(state), NOW_MS + 1, "wamid.1").expect("replayed");
        assert_eq!((second.etag, second.course), (first.etag, Course::Replayed(Made::Etag(first.etag))));
        assert_eq!((second.effects, second.entry, second.expires_at_ms), (vec![], None, Some(NOW_MS)));
        assert_eq!(decided(Some(state), NOW_MS + 1, "wamid.2"), Err(Error::BadExpire));
    }
}
