//! `ID`: a command that is sent twice is carried out once, and both get the same reply.
//!
//! The token is looked up before anything else is: a command that comes again expects a version that it has made the past
//! itself. Only what succeeded is remembered, what changed nothing too. A refusal is not, so that the same command may be sent
//! again once its reason is gone.

use super::{Context, Course, Outcome, Remarks};
use crate::error::Error;
use crate::state::{Effect, State};
use crate::tokens::{Id, Made, Remembered, Token};

/// Decides a command by `decide`, which returns the reply too, unless its token is known: then the reply is the first one.
///
/// Errors: `IDMISMATCH`, and those of `decide`.
pub(super) fn once(
    state: Option<&State>,
    remarks: &Remarks,
    context: &Context,
    decide: impl FnOnce() -> Result<(Outcome, Made), Error>,
) -> Result<Outcome, Error> {
    let Some(id) = &remarks.id else { return decide().map(|(outcome, _)| outcome) };
    let known = state.and_then(|state| Some((state, state.tokens.find(&id.token)?)));
    if let Some((state, token)) = known {
        return again(state, token, id, context);
    }
    let (mut outcome, made) = decide()?;
    remember(&mut outcome, state, id, made, context);
    Ok(outcome)
}

/// The reply of a command that makes a version, or none.
pub(super) fn with_etag(outcome: Outcome) -> (Outcome, Made) {
    let made = Made::Etag(outcome.etag);
    (outcome, made)
}

fn again(state: &State, token: &Token, id: &Id, context: &Context) -> Result<Outcome, Error> {
    if token.digest != id.digest(state.seed) {
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
    let digest = id.digest(state.map_or(context.seed, |state| state.seed));
    let token = Token { name: id.token.as_str().into(), digest, made };
    let remembered = Remembered { token, kept_max };
    match outcome.effects.first_mut() {
        Some(Effect::Put(state)) => state.remember(remembered),
        _ => outcome.effects.push(Effect::Remember(remembered)),
    }
}
