//! The calls of the first bot: update, reset, token. Each is one command, except the first step of
//! a new user, which is two.
//!
//! By default a call changes the present state, as in the first bot: the newest message wins, and
//! members that it does not name stay. [`CachedUserManager::expecting`] makes it fail on a
//! conflict.

use redis_state_client::{
    Change, Driver, Error, ErrorKind, Etag, Expected, Meta, Result, SetProtected, States, Update, Verb,
    Write, fresh_id,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{CACHED_USER_SCHEMA, CachedUser, CachedUserState, Stored};
use crate::menu::Handler;

/// Reads and changes one [`CachedUser`], whose key is the user's number.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::connect;
/// use redis_state_vimbiso::{CachedUserManager, Handler, menu_option};
/// use serde_json::json;
///
/// let mut states = connect(url).await?;
/// let mobile = "+263771234567";
/// let user = CachedUserManager::new(&mut states, mobile).read().await?;
///
/// // The user typed 1.
/// let option = menu_option(user.state().tier(), "1").expect("it is on the menu");
/// let page = json!({"page_number": 0});
/// let user = CachedUserManager::new(&mut states, mobile)
///     .update_state(&page, Some(option.as_str()), "menu", Some(option.as_str()))
///     .await?;
/// assert_eq!(user.state().stage(), Handler::OfferCredex.as_str());
///
/// let user = CachedUserManager::new(&mut states, mobile).reset_state().await?;
/// assert_eq!((user.state().stage(), user.state().option()), ("handle_action_menu", None));
/// # Ok(()) });
/// ```
///
/// The same, blocking:
///
/// ```
/// # support::example_blocking(|url| {
/// use redis_state_vimbiso::CachedUserManager;
///
/// let mut states = redis_state_client::connect_blocking(url)?;
/// let user = CachedUserManager::new(&mut states, "+263771234567").set_jwt_token("eyJhbGciOi")?;
/// assert_eq!(user.jwt_token(), Some("eyJhbGciOi"));
/// # Ok(()) });
/// ```
#[derive(Debug)]
#[must_use = "it does nothing by itself"]
pub struct CachedUserManager<'a, D> {
    states: &'a mut States<D>,
    key: &'a str,
    mobile_number: &'a str,
    expected: Expected,
}

impl<'a, D: Driver> CachedUserManager<'a, D> {
    /// Manages the cached user with this number.
    pub fn new(states: &'a mut States<D>, mobile_number: &'a str) -> Self {
        CachedUserManager { states, key: mobile_number, mobile_number, expected: Expected::Any }
    }

    /// Uses this key for the state instead of the number.
    pub fn at(mut self, key: &'a str) -> Self {
        self.key = key;
        self
    }

    /// Rejects the next change as a [conflict](redis_state_client::Error::is_conflict) unless the
    /// state has this etag, as of [`CachedUser::etag`]; with `None`, unless there is no state.
    ///
    /// ```
    /// # support::example(async |url| {
    /// # use redis_state_vimbiso::CachedUserManager;
    /// # let mut states = redis_state_client::connect(url).await?;
    /// let user = CachedUserManager::new(&mut states, "+263771234567").read().await?;
    /// CachedUserManager::new(&mut states, "+263771234567").set_jwt_token("eyJhbGciOi").await?;
    ///
    /// let late = CachedUserManager::new(&mut states, "+263771234567")
    ///     .expecting(user.etag())
    ///     .reset_state()
    ///     .await;
    /// assert!(late.unwrap_err().is_conflict());
    /// # Ok(()) });
    /// ```
    pub fn expecting(mut self, etag: Option<Etag>) -> Self {
        self.expected = etag.map_or(Expected::Absent, Expected::from);
        self
    }

    /// The present user.
    ///
    /// Errors: [`Unexpected`](ErrorKind::Unexpected) for a state of another shape.
    pub fn read(self) -> D::Answer<'a, CachedUser> {
        D::answer(async move {
            let state = D::resolve(self.states.get::<Stored>(self.key)).await?;
            let (etag, stored) = state.map(|state| (state.etag, state.document)).unzip();
            Ok(self.user(etag, stored.unwrap_or_default()))
        })
    }

    /// Sets the user's `state` (profile, current account, page number) as a whole, and stage and
    /// option if given. `update_from` names the part of the program, as ACTOR in the audit stream.
    /// A new user starts in the menu.
    ///
    /// Errors: [`Transition`](ErrorKind::Transition) for a forbidden stage,
    /// [`Invalid`](ErrorKind::Invalid) for an option that is not on the member's menu or a state
    /// that violates the schema; nothing has changed then.
    pub fn update_state(
        self,
        state: &impl Serialize,
        stage: Option<&str>,
        update_from: &'a str,
        option: Option<&str>,
    ) -> D::Answer<'a, CachedUser> {
        tracing::info!(stage, update_from, "updating state");
        if let Some(stage) = stage {
            tracing::info!(stage, "setting stage");
        }
        let members =
            serde_json::to_value(state).map_err(|error| Error::json("a state that is not JSON", error));
        let given = [("stage", stage), ("option", option)];
        let given = given.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?))));
        let given: Vec<(String, Value)> = given.collect();
        D::answer(async move {
            let mut change = Map::from_iter([("state".to_owned(), members?)]);
            change.extend(given);
            self.change(change, Some(update_from), "updated").await
        })
    }

    /// Takes the user back to the menu: no option, an empty state. Name, number, direction and
    /// token stay.
    pub fn reset_state(self) -> D::Answer<'a, CachedUser> {
        tracing::info!("resetting state");
        D::answer(async move {
            let menu = [
                ("stage", Value::from(Handler::Menu.as_str())),
                ("option", Value::Null),
                ("state", Map::new().into()),
            ];
            let change = menu.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            self.change(change, None, "reset").await
        })
    }

    /// Sets both names of the user and whether they are registered.
    pub fn set_name(self, first: &str, last: &str, registration_complete: bool) -> D::Answer<'a, CachedUser> {
        let names = [
            ("first_name", Value::from(first)),
            ("last_name", Value::from(last)),
            ("registration_complete", Value::from(registration_complete)),
        ];
        let change = names.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        D::answer(async move { self.change(change, None, "named").await })
    }

    /// Stores the token for the bot's API, by STATE.SETPROTECTED. It lapses, and no log, error or
    /// audit entry shows it.
    pub fn set_jwt_token(mut self, jwt_token: &str) -> D::Answer<'a, CachedUser> {
        let change = Change::merge(&serde_json::json!({"jwt_token": jwt_token}));
        D::answer(async move {
            // A binding overrides the schema of a creation, and one without secrets would put the
            // token into the audit stream. For an existing state, another schema's name is
            // rejected.
            self.create_if_absent().await?;
            let write = self.prepared(SetProtected::new(self.key, self.expected, change?), None, "token");
            self.send(&write).await
        })
    }

    async fn create_if_absent(&mut self) -> Result<()> {
        let expects_none = match self.expected {
            Expected::Absent => true,
            Expected::Any if D::resolve(self.states.send(&Meta::new(self.key))).await?.is_none() => false,
            _ => return Ok(()),
        };
        let create = self.prepared(Update::create(self.key, Change::none()), None, "create");
        match D::resolve(self.states.send(&create)).await {
            Ok(created) => self.expected = created.etag.into(),
            Err(error) if expects_none || !error.is_conflict() => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    async fn change(
        mut self,
        mut change: Map<String, Value>,
        actor: Option<&str>,
        event: &str,
    ) -> Result<CachedUser> {
        change.insert("mobile_number".to_owned(), Value::from(self.mobile_number));
        let change = Change::shallow(&change)?;
        let update = self.prepared(Update::new(self.key, self.expected, change.clone()), actor, event);
        let rejected = match self.send(&update).await {
            Err(error) if error.kind() == ErrorKind::Transition && self.may_create() => error,
            answer => return answer,
        };
        // The server rejects every step of a new user but the first, and `read` reports the menu.
        // So create the user there first.
        let create = self.prepared(Update::create(self.key, Change::none()), actor, "create");
        let created = match D::resolve(self.states.send(&create)).await {
            Ok(created) => created.etag,
            Err(error) if error.is_conflict() => return Err(rejected),
            Err(error) => return Err(error),
        };
        self.expected = created.into();
        let update = self.prepared(Update::new(self.key, self.expected, change), actor, event);
        self.send(&update).await
    }

    fn may_create(&self) -> bool {
        matches!(self.expected, Expected::Any | Expected::Absent)
    }

    fn prepared<V: Verb>(&self, write: Write<V>, actor: Option<&str>, event: &str) -> Write<V> {
        let write = write.schema(CACHED_USER_SCHEMA).event(event).id(fresh_id()).returning();
        match actor {
            Some(actor) => write.actor(actor),
            None => write,
        }
    }

    async fn send<V: Verb>(&mut self, write: &Write<V>) -> Result<CachedUser> {
        let committed = D::resolve(self.states.send(write)).await?;
        Ok(self.user(Some(committed.etag), committed.document()?))
    }

    fn user(&self, etag: Option<Etag>, stored: Stored) -> CachedUser {
        CachedUser { etag, mobile_number: self.mobile_number.to_owned(), state: CachedUserState(stored) }
    }
}

#[cfg(all(test, feature = "sync"))]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::CachedUserManager;

    /// Records the log, one line each, with fields of spans.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            self.0 += &format!("{}={value:?} ", field.name());
        }
    }

    impl Log {
        fn line(&self, record: impl FnOnce(&mut Line)) {
            let mut line = Line(String::new());
            record(&mut line);
            self.0.lock().expect("not poisoned").push(line.0);
        }
    }

    impl Subscriber for Log {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, span: &Attributes<'_>) -> Id {
            self.line(|line| span.record(line));
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, values: &Record<'_>) {
            self.line(|line| values.record(line));
        }
        fn event(&self, event: &Event<'_>) {
            self.line(|line| event.record(line));
        }
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    /// S56: the events of the design notes are logged, and no token, document or number.
    #[test]
    fn actions_are_logged_without_secrets() {
        let log = Log::default();
        let server = support::Server::start();
        tracing::subscriber::with_default(log.clone(), || {
            let mut states = redis_state_client::connect_blocking(&server.url()).expect("a connection");
            let stage = Some("handle_action_transactions");
            let state = serde_json::json!({"page_number": 417});
            CachedUserManager::new(&mut states, "+263771234567")
                .set_jwt_token("eyJhbGciOi")
                .expect("a token");
            CachedUserManager::new(&mut states, "+263771234567")
                .update_state(&state, stage, "pager", None)
                .expect("a step");
            CachedUserManager::new(&mut states, "+263771234567").reset_state().expect("a reset");
        });
        let lines = log.0.lock().expect("not poisoned");
        for expected in [
            "message=updating state stage=\"handle_action_transactions\" update_from=\"pager\" ",
            "message=setting stage stage=\"handle_action_transactions\" ",
            "message=resetting state ",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:?}");
        }
        for hidden in ["eyJhbGciOi", "417", "771234567"] {
            assert!(lines.iter().all(|line| !line.contains(hidden)), "{hidden}: {lines:?}");
        }
    }
}
