//! Creates the state of a source, so that an interrupted run can be repeated.
//!
//! The creation and each further step have an ID that is the same in every run. The server
//! recognizes them: it replays the reply of an earlier run's step, and applies a missing one. Each
//! names its expected version, so once the user has moved on in the new state nothing more is
//! applied.

use std::time::{Duration, UNIX_EPOCH};

use redis_state_client::{
    Change, ChangeKind, Delete, Driver, Error, ErrorKind, Etag, Result, SetProtected, States,
};
use serde_json::Value;

use super::report::is_about_the_source;
use super::route;

/// The actor of an import in the audit stream.
pub(super) const ACTOR: &str = "importer";
const EVENT: &str = "import";

/// The state to create.
pub(super) struct Plan {
    pub(super) target: String,
    pub(super) schema: String,
    /// The whole document of the source.
    pub(super) text: String,
    /// The documents from the initial one to the source's; more than one if it is in the middle of
    /// its steps.
    pub(super) stops: Vec<Value>,
    pub(super) expires_at_ms: Option<i64>,
}

/// The result.
pub(super) enum Written {
    /// The state is or was as planned, by this run or an earlier one.
    Ours(Etag),
    /// Another client has created or changed it.
    Theirs(Error),
}

impl Plan {
    /// A shallow change: the source's members unchanged, nulls included, and the schema's defaults
    /// for missing ones.
    fn create(&self, key: &str, text: String) -> SetProtected {
        let create = SetProtected::create(key, Change::of_text(ChangeKind::Shallow, text))
            .schema(&self.schema)
            .event(EVENT)
            .actor(ACTOR)
            .id(step_id(0));
        match self.expires_at_ms.map(u64::try_from) {
            Some(Ok(at_ms)) => create.expires_at(UNIX_EPOCH + Duration::from_millis(at_ms)),
            _ => create,
        }
    }

    fn first(&self) -> String {
        match self.stops.as_slice() {
            [] | [_] => self.text.clone(),
            [first, ..] => first.to_string(),
        }
    }

    /// The changes after the initial document. The last one is the whole text, because serde_json
    /// has re-encoded the numbers on the way and writes `1e400` as `1e+400`. Protected members keep
    /// that, since it is the same number.
    fn steps(&self) -> Result<Vec<Change>> {
        let pairs = self.stops.iter().zip(self.stops.iter().skip(1));
        let mut steps: Vec<Change> =
            pairs.map(|(from, to)| Change::merge(&route::change(from, to))).collect::<Result<_>>()?;
        if let Some(last) = steps.last_mut() {
            *last = Change::of_text(ChangeKind::Shallow, self.text.clone());
        }
        Ok(steps)
    }
}

/// Asks the server by a dry run, at a free key, whether it would accept the document.
pub(super) async fn check<D: Driver>(states: &mut States<D>, plan: &Plan, free_key: &str) -> Result<()> {
    match D::resolve(states.send(&plan.create(free_key, plan.text.clone()).dry_run())).await {
        // Only the step is wrong, and a path leads to it.
        Err(error) if error.kind() == ErrorKind::Transition && plan.stops.len() > 1 => {}
        answer => return answer.map(drop),
    }
    D::resolve(states.send(&plan.create(free_key, plan.first()).dry_run())).await.map(drop)
}

/// Creates the state, or completes an interrupted creation.
pub(super) async fn write<D: Driver>(states: &mut States<D>, plan: &Plan, dry_run: bool) -> Result<Written> {
    let dry = |write: SetProtected| if dry_run { write.dry_run() } else { write };
    let mut etag = match D::resolve(states.send(&dry(plan.create(&plan.target, plan.first())))).await {
        Ok(created) => created.etag,
        Err(error) if is_taken(&error) => return Ok(Written::Theirs(error)),
        Err(error) => return Err(error),
    };
    for (number, step) in (1..).zip(plan.steps()?) {
        let write = SetProtected::new(&plan.target, etag, step).keep_ttl();
        let write = write.event(EVENT).actor(ACTOR).id(step_id(number));
        match D::resolve(states.send(&dry(write))).await {
            Ok(stepped) => etag = stepped.etag,
            Err(error) if is_taken(&error) => return Ok(Written::Theirs(error)),
            Err(error) if is_about_the_source(&error) && !dry_run => {
                return take_back(states, &plan.target, etag, error).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Written::Ours(etag))
}

/// Deletes the state of a user whose step can't be reached, rather than leave it half-way.
async fn take_back<D: Driver>(
    states: &mut States<D>,
    target: &str,
    etag: Etag,
    rejected: Error,
) -> Result<Written> {
    let delete = Delete::new(target, etag).event(EVENT).actor(ACTOR);
    match D::resolve(states.send(&delete)).await {
        Err(error) if is_taken(&error) => Ok(Written::Theirs(error)),
        answer => answer.and(Err(rejected)),
    }
}

fn step_id(number: usize) -> String {
    format!("import/{number}")
}

/// Whether the state is not one that this or an earlier run has made.
fn is_taken(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::IdMismatch | ErrorKind::NoState)
}
