//! Read, change, update with the etag, and again on a conflict.

use std::marker::PhantomData;
use std::time::Duration;

use redis_state_types::ChangeKind;
use serde::de::DeserializeOwned;

use super::{States, delays, token};
use crate::change::Change;
use crate::driver::Driver;
use crate::error::{Error, ErrorKind, Result};
use crate::request::line::CommandLine;
use crate::request::write::{Verb, Write, verb};
use crate::state::State;
use crate::trace;

impl<D: Driver> States<D> {
    /// Reads a state, calls `change` with it, and applies the result to exactly the version that
    /// was read. On a conflict it starts again, with jitter, at most
    /// [`CONFLICT_RETRIES`](crate::CONFLICT_RETRIES) times, and then returns the
    /// [conflict](crate::Error::is_conflict). Returns the new state.
    ///
    /// `change` may run several times, each time with a newer document. Each try has an ID, so that
    /// a change with a lost reply is not applied twice. [`edit`](States::edit) adds an actor, a
    /// note or your own ID.
    ///
    /// Errors: [`NoState`](crate::ErrorKind::NoState) without a state; the rejections of
    /// STATE.UPDATE; the first error that `change` returns.
    pub fn update_with<'a, T, F>(&'a mut self, key: &'a str, change: F) -> D::Answer<'a, State<T>>
    where
        T: DeserializeOwned + Send + Sync + 'a,
        F: FnMut(&T) -> Result<Change> + Send + 'a,
    {
        self.edit(key).with(change)
    }

    /// As [`update_with`](States::update_with), with options: see [`Edit`].
    pub fn edit<'a>(&'a mut self, key: &'a str) -> Edit<'a, D, verb::Update> {
        Edit::new(self, key)
    }

    /// As [`edit`](States::edit), by STATE.SETPROTECTED: `change` may write protected members.
    pub fn edit_protected<'a>(&'a mut self, key: &'a str) -> Edit<'a, D, verb::SetProtected> {
        Edit::new(self, key)
    }
}

/// A change of the present state, with metadata for the audit stream.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, ErrorKind, connect};
/// use serde_json::{Value, json};
///
/// let mut states = connect(url).await?;
/// states.create("offer:7d1f", Change::merge(&json!({"amount": 5, "notes": []}))?).await?;
///
/// let note =
///     |_: &Value| Change::patch(&json!([{"op": "add", "path": "/notes/-", "value": "seen"}]));
/// states.edit("offer:7d1f").actor("notes").id("wamid.HBgL1").with(note).await?;
///
/// // The webhook comes a second time, with an ID that has done its work.
/// let twice = states
///     .edit("offer:7d1f")
///     .id("wamid.HBgL1")
///     .with(|offer: &Value| Change::merge(&json!({"notes": [offer["notes"][0], "seen"]})));
/// let error = twice.await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::IdMismatch);
/// assert!(error.made().is_some_and(|etag| etag.starts_with("2-")));
/// # Ok(()) });
/// ```
#[must_use = "nothing happens until `with` is called"]
pub struct Edit<'a, D, V> {
    states: &'a mut States<D>,
    key: &'a str,
    /// The update as far as its key, and its options.
    line: CommandLine,
    retries: Option<usize>,
    verb: PhantomData<V>,
}

impl<'a, D: Driver, V: Verb> Edit<'a, D, V> {
    fn new(states: &'a mut States<D>, key: &'a str) -> Self {
        Edit { states, key, line: Write::<V>::of_key(key), retries: None, verb: PhantomData }
    }

    /// The number of retries after a conflict, for this edit.
    pub fn retries(mut self, times: usize) -> Self {
        self.retries = Some(times);
        self
    }

    options!(ttl label remarks operation id turn rebase audit);

    /// Runs the edit: see [`States::update_with`].
    pub fn with<T, F>(self, change: F) -> D::Answer<'a, State<T>>
    where
        T: DeserializeOwned + Send + Sync + 'a,
        F: FnMut(&T) -> Result<Change> + Send + 'a,
    {
        D::answer(self.run(change))
    }

    async fn run<T, F>(self, mut change: F) -> Result<State<T>>
    where
        T: DeserializeOwned + Send + Sync,
        F: FnMut(&T) -> Result<Change> + Send,
    {
        let Edit { states, key, line, retries, .. } = self;
        let retries = retries.unwrap_or(states.conflict_retries);
        let mut delays = delays(Duration::from_millis(2), Duration::from_millis(50), retries);
        let mut attempt = 0;
        loop {
            let read: State<T> = states.read(key).await?.ok_or_else(no_state)?;
            let change = change(&read.document)?;
            // A separate ID for each try, since each has its own JSON.
            let own_id = !line.has("ID") && !is_nothing(&change);
            let mut update = Write::<V>::of(line.clone(), read.etag.into(), &change).returning();
            if own_id {
                update = update.id(token::fresh());
            }
            let error = match states.exchange(&update).await {
                Ok(committed) => return committed.state(),
                // A caller that retries reads again and sends another ID.
                Err(error) if own_id && error.kind() == ErrorKind::Connection => {
                    return Err(Error::new(ErrorKind::OutcomeUnknown, error.to_string()));
                }
                Err(error) => error,
            };
            match delays.next() {
                Some(delay) if error.is_conflict() => {
                    attempt += 1;
                    trace::conflict(attempt, error.current_etag());
                    states.driver.sleep(delay).await;
                }
                _ => return Err(error),
            }
        }
    }
}

/// An empty change may be repeated.
fn is_nothing(change: &Change) -> bool {
    change.kind() == ChangeKind::Merge && change.json() == "{}"
}

fn no_state() -> Error {
    Error::new(ErrorKind::NoState, "NOSTATE there is no state at this key; create one first")
}
