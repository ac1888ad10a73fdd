//! Making a state of a document that was found, so that a run that was cut short can be run again.
//!
//! The creation and each step behind it carry an ID that is the same in every run. The server knows
//! them again: what an earlier run has done is answered and not done twice, what it has not done is
//! done now. Each names the version that it stands on, so as soon as the user has moved on in the
//! new state nothing more is done to it.

use std::time::{Duration, UNIX_EPOCH};

use redis_state_client::{
    Change, ChangeKind, Delete, Driver, Error, ErrorKind, Etag, Result, SetProtected, States,
};
use serde_json::Value;

use super::report::is_about_the_source;
use super::route;

/// What stands in the audit stream for the import.
const ACTOR: &str = "importer";
const EVENT: &str = "import";

/// The state that is to be made.
pub(super) struct Plan {
    pub(super) target: String,
    pub(super) schema: String,
    /// The whole document as it was found.
    pub(super) text: String,
    /// From the document to begin with to the one that was found; more than one when it stands in
    /// the middle of its steps.
    pub(super) stops: Vec<Value>,
    pub(super) expires_at_ms: Option<i64>,
}

/// How it went.
pub(super) enum Written {
    /// The state is what the plan wants, or was once, by this run or an earlier one.
    Ours(Etag),
    /// Another client has made or changed it.
    Theirs(Error),
}

impl Plan {
    /// A shallow change: what was found as it was found, nulls included, and the schema's defaults
    /// for what was not.
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

    /// The changes that lead on from the first document. The last one is the whole text: on the way
    /// serde_json has read and written the numbers, and writes `1e400` as `1e+400`. Protected
    /// members keep that, since it is the same number.
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

/// Asks the server whether it would take the document, at a key where nothing is, and has no effect
/// at all.
pub(super) async fn check<D: Driver>(states: &mut States<D>, plan: &Plan, free_key: &str) -> Result<()> {
    match D::resolve(states.send(&plan.create(free_key, plan.text.clone()).dry_run())).await {
        // Only where it stands is wrong, and a way leads there.
        Err(error) if error.kind() == ErrorKind::Transition && plan.stops.len() > 1 => {}
        answer => return answer.map(drop),
    }
    D::resolve(states.send(&plan.create(free_key, plan.first()).dry_run())).await.map(drop)
}

/// Makes the state, or goes on with making it.
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

/// Deletes the state of a user whose step can't be restored, rather than leave it half way.
async fn take_back<D: Driver>(
    states: &mut States<D>,
    target: &str,
    etag: Etag,
    refused: Error,
) -> Result<Written> {
    let delete = Delete::new(target, etag).event(EVENT).actor(ACTOR);
    match D::resolve(states.send(&delete)).await {
        Err(error) if is_taken(&error) => Ok(Written::Theirs(error)),
        answer => answer.and(Err(refused)),
    }
}

fn step_id(number: usize) -> String {
    format!("import/{number}")
}

/// Whether the state is another one than this run, or one before it, would have made.
fn is_taken(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::IdMismatch | ErrorKind::NoState)
}
