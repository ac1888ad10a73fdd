//! Any state by the names of operations: get, set, update, delete. A thin layer over [`States`] for
//! code with such an interface; new code uses [`States`].

use std::time::Duration;

use redis_state_client::{
    Change, Delete, Driver, Error, ErrorKind, Expected, Result, State, States, Update, fresh_id,
};
use serde_json::Value;

use crate::channel::result::ErrorContext;

/// An operation on a key.
///
/// For an example see [`Atomic`](crate::channel::Atomic).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtomicOperation {
    /// Reads the document.
    Get,
    /// Stores the whole document.
    Set,
    /// Merges the value into the document.
    Update,
    /// Deletes the state.
    Delete,
}

impl AtomicOperation {
    /// The operation's name.
    pub fn as_str(self) -> &'static str {
        match self {
            AtomicOperation::Get => "get",
            AtomicOperation::Set => "set",
            AtomicOperation::Update => "update",
            AtomicOperation::Delete => "delete",
        }
    }
}

/// The result of an operation.
///
/// For an example see [`Atomic`](crate::channel::Atomic).
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    /// Whether it succeeded.
    pub success: bool,
    /// The document afterwards; `None` without a state.
    pub data: Option<Value>,
    /// Why it failed. The state is unchanged.
    pub error: Option<ErrorContext>,
}

/// Operations on any key. Each is atomic: it succeeds, or changes nothing.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_vimbiso::channel::{Atomic, AtomicOperation::*, Executed};
/// use serde_json::json;
/// use std::time::Duration;
///
/// let mut states = redis_state_client::connect(url).await?;
/// let mut atomic = Atomic::new(&mut states);
/// let ttl = Some(Duration::from_secs(300));
/// let Executed { success, data, error } =
///     atomic.execute_atomic("offer:7d1f", Set, Some(&json!({"amount": 5})), ttl).await?;
/// assert_eq!((success, data, error), (true, Some(json!({"amount": 5})), None));
///
/// atomic.execute_atomic("offer:7d1f", Update, Some(&json!({"handle": "tariro"})), ttl).await?;
/// let offer = atomic.atomic_get("offer:7d1f").await?.expect("it is there");
/// assert_eq!(offer.document, json!({"amount": 5, "handle": "tariro"}));
///
/// assert!(atomic.execute_atomic("offer:7d1f", Delete, None, None).await?.success);
/// let again = atomic.execute_atomic("offer:7d1f", Delete, None, None).await?;
/// assert_eq!(again.error.map(|error| error.details.code).as_deref(), Some("STATE_DELETE_ERROR"));
/// # Ok(()) });
/// ```
#[derive(Debug)]
pub struct Atomic<'a, D> {
    states: &'a mut States<D>,
    schema: Option<String>,
}

impl<'a, D: Driver> Atomic<'a, D> {
    /// Over this connection.
    pub fn new(states: &'a mut States<D>) -> Self {
        Atomic { states, schema: None }
    }

    /// The schema of a state created by [`Set`](AtomicOperation::Set), if no binding applies.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// Runs one operation. `value` is for set and update. Without a `ttl` the schema or the server
    /// decides the expiry.
    ///
    /// Every error is in the result.
    pub fn execute_atomic<'r>(
        &'r mut self,
        key: &'r str,
        operation: AtomicOperation,
        value: Option<&'r Value>,
        ttl: Option<Duration>,
    ) -> D::Answer<'r, Executed> {
        D::answer(async move {
            Ok(match self.execute(key, operation, value, ttl).await {
                Ok(data) => Executed { success: true, data, error: None },
                Err(error) => {
                    let error = Some(ErrorContext::of(&error, operation.as_str()));
                    Executed { success: false, data: None, error }
                }
            })
        })
    }

    /// The state at a key; `None` if there is none.
    pub fn atomic_get<'r>(&'r mut self, key: &'r str) -> D::Answer<'r, Option<State<Value>>> {
        D::answer(async move { D::resolve(self.states.get(key)).await })
    }

    async fn execute(
        &mut self,
        key: &str,
        operation: AtomicOperation,
        value: Option<&Value>,
        ttl: Option<Duration>,
    ) -> Result<Option<Value>> {
        let value = || value.ok_or_else(|| Error::new(ErrorKind::Usage, "there is no value to store"));
        match operation {
            AtomicOperation::Get => {
                Ok(D::resolve(self.states.get(key)).await?.map(|state: State<Value>| state.document))
            }
            AtomicOperation::Set => {
                let mut set = Update::any(key, Change::replace(value()?)?).id(fresh_id()).returning();
                if let Some(schema) = &self.schema {
                    set = set.schema(schema);
                }
                if let Some(ttl) = ttl {
                    set = set.expires_in(ttl);
                }
                D::resolve(self.states.send(&set)).await?.document().map(Some)
            }
            AtomicOperation::Update => {
                let change = Change::merge(value()?)?;
                let mut edit = self.states.edit(key);
                if let Some(ttl) = ttl {
                    edit = edit.expires_in(ttl);
                }
                Ok(Some(D::resolve(edit.with(|_: &Value| Ok(change.clone()))).await?.document))
            }
            AtomicOperation::Delete => {
                D::resolve(self.states.send(&Delete::new(key, Expected::Any))).await?;
                Ok(None)
            }
        }
    }
}
