//! Imports the strings of the old bots as states.
//!
//! For each source the importer reads the string, validates the document by a dry run, and creates
//! the state. Sources stay unless their deletion is requested, and an existing state is never
//! overwritten, so a run can be repeated: see `write.rs`.
//!
//! If the state has the same key as the string, the string moves first: RENAMENX to
//! [`keys::imported`] in the same slot. The importer reads it again there, so it has every write of
//! the old bot until that moment. Then it creates the state; if the server rejects that, it renames
//! the string back. After a crash in between, the next run finds the string aside and continues. At
//! every moment either the string or the state exists.
//!
//! Not a state at another key, renamed over the string: the old bot's last write would be lost, and
//! the creation would have no audit stream. Not MULTI: tasks share the connection, and MULTI does
//! not roll back.

mod applicable;
mod ended;
mod find;
mod fold;
mod pickle;
mod plain;
mod report;
mod route;
mod run;
mod scan;
mod source;
mod value;
mod write;

use redis_state_client::{Driver, States};

use crate::keys;

use find::Kind;

pub use report::{Event, Import, Outcome, Progress, Summary};

type KeyOf<'a> = Box<dyn Fn(&str) -> String + Send + Sync + 'a>;

/// Imports the strings of old bots as states.
///
/// Run it when the old bot no longer serves the users, as a user with permission to run
/// STATE.SETPROTECTED, and to read audit streams (XREVRANGE). A value may be JSON, bare text, or a
/// pickle of str, int, float, bool, None, list, tuple and dict; a compressed one is rejected.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{connect, redis};
/// use redis_state_vimbiso::{CachedUserManager, Importer, Outcome, keys};
///
/// // What the first bot left behind.
/// let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
/// let mobile = "+263771234567";
/// let old = keys::CachedUserKeys::new(mobile);
/// let _: () = redis::cmd("SET")
///     .arg(&old.stage)
///     .arg("handle_action_transactions")
///     .query_async(&mut connection)
///     .await?;
/// let _: () = redis::cmd("SET")
///     .arg(&old.jwt_token)
///     .arg("eyJhbGciOi")
///     .query_async(&mut connection)
///     .await?;
///
/// // First see what would be done, user by user; then do it.
/// let mut states = connect(url).await?;
/// let numbers = [mobile, "+263772222222"];
/// let dry = Importer::new(&mut states)
///     .dry_run()
///     .cached_users(numbers, |person| println!("{person:?}"))
///     .await?;
/// assert_eq!((dry.would_create, dry.nothing_found), (1, 1));
/// let done = Importer::new(&mut states).delete_sources().cached_users(numbers, |_| {}).await?;
/// assert_eq!(done.created, 1);
///
/// let user = CachedUserManager::new(&mut states, mobile).read().await?;
/// assert_eq!(user.state().stage(), "handle_action_transactions");
/// assert_eq!(user.jwt_token(), Some("eyJhbGciOi"));
/// # Ok(()) });
/// ```
#[must_use = "it does nothing by itself"]
pub struct Importer<'a, D> {
    states: &'a mut States<D>,
    dry_run: bool,
    delete_sources: bool,
    again: bool,
    /// What comes before the key of each source: empty, or that of django-redis.
    prefix: String,
    key_of: KeyOf<'a>,
}

impl<'a, D: Driver> Importer<'a, D> {
    /// Imports over this connection.
    pub fn new(states: &'a mut States<D>) -> Self {
        let key_of = Box::new(str::to_owned);
        Importer {
            states,
            dry_run: false,
            delete_sources: false,
            again: false,
            prefix: String::new(),
            key_of,
        }
    }

    /// Reports what would be done, with violations of the schema, and has no effect.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Deletes the strings once their state is created, by this run or an earlier one. Not those of
    /// a user whose state another client has created, or has ended, since that state may not
    /// contain them.
    pub fn delete_sources(mut self) -> Self {
        self.delete_sources = true;
        self
    }

    /// Imports a user again whose state has expired or was deleted: see [`Outcome::Ended`]. Without
    /// it, and for a day (`state.audit-ttl`), a run does not bring back a conversation that has
    /// ended. Afterwards remaining strings are imported again: delete them.
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Reads the strings where django-redis keeps them: see [`keys::django`].
    ///
    /// ```
    /// # support::example(async |url| {
    /// use redis_state_client::{connect, redis};
    /// use redis_state_vimbiso::{Importer, keys};
    ///
    /// // By the bot: cache.set("+263771234567_stage", "handle_action_transactions")
    /// let pickle = b"Vhandle_action_transactions\np0\n.";
    /// let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    /// let _: () = redis::cmd("SET")
    ///     .arg(keys::django("vimbiso", 1, "+263771234567_stage"))
    ///     .arg(&pickle[..])
    ///     .query_async(&mut connection)
    ///     .await?;
    ///
    /// let mut states = connect(url).await?;
    /// let import =
    ///     Importer::new(&mut states).django("vimbiso", 1).cached_user("+263771234567").await?;
    /// assert_eq!(import.target, "+263771234567");
    /// # Ok(()) });
    /// ```
    pub fn django(mut self, prefix: &str, version: u64) -> Self {
        self.prefix = keys::django(prefix, version, "");
        self
    }

    /// Makes the state's key from the mobile number or the key of the string, without the prefix of
    /// django-redis. By default it is the same key.
    ///
    /// ```
    /// # support::example(async |url| {
    /// # let mut states = redis_state_client::connect(url).await?;
    /// use redis_state_vimbiso::{Importer, keys};
    ///
    /// let import = Importer::new(&mut states)
    ///     .into_key(keys::user_state)
    ///     .cached_user("+263771234567")
    ///     .await?;
    /// assert_eq!(import.target, "user:{+263771234567}:state");
    /// # Ok(()) });
    /// ```
    pub fn into_key(mut self, key_of: impl Fn(&str) -> String + Send + Sync + 'a) -> Self {
        self.key_of = Box::new(key_of);
        self
    }

    /// Imports the five keys of the first bot as one state with schema `vimbiso.cached-user`.
    ///
    /// The texts may be bare or JSON; a missing one gets its default. The state gets the latest
    /// expiry of the five keys, or the schema's if none of them expires; the token gets the
    /// schema's.
    ///
    /// Errors: those that affect the next user too, such as a missing connection or schema. An
    /// error of this user is [`Outcome::Rejected`].
    pub fn cached_user(self, mobile_number: &'a str) -> D::Answer<'a, Import> {
        D::answer(async move { self.one(Kind::CachedUser, mobile_number).await })
    }

    /// As [`cached_user`](Importer::cached_user), for all users of the database, whose keys it
    /// finds by SCAN in batches. An interrupted run is repeated from the start, and passes over
    /// what is imported. It needs permission to run SCAN, DBSIZE and INFO, and a server without
    /// cluster.
    ///
    /// ```
    /// # support::example(async |url| {
    /// # let mut states = redis_state_client::connect(url).await?;
    /// use redis_state_vimbiso::{Event, Importer};
    ///
    /// let report = |event: Event| match event {
    ///     Event::Source(import) => println!("{} at {}", import.source, import.target),
    ///     Event::Scanned(progress) => println!("{} of {} keys", progress.scanned, progress.keys),
    ///     _ => {}
    /// };
    /// let dry = Importer::new(&mut states).dry_run().all_cached_users(report).await?;
    /// assert_eq!(dry.found(), 0);
    /// # Ok(()) });
    /// ```
    pub fn all_cached_users(self, report: impl FnMut(Event<'_>) + Send + 'a) -> D::Answer<'a, Summary> {
        D::answer(async move { self.all(Kind::CachedUser, "", report).await })
    }

    /// As [`cached_user`](Importer::cached_user), for many users, each reported when it is done.
    /// After an error the run can be repeated.
    pub fn cached_users<S: AsRef<str> + Send>(
        self,
        mobile_numbers: impl IntoIterator<Item = S, IntoIter: Send> + Send + 'a,
        report: impl FnMut(&Import) + Send + 'a,
    ) -> D::Answer<'a, Summary> {
        D::answer(async move { self.many(Kind::CachedUser, mobile_numbers, report).await })
    }

    /// Imports a string with a document, such as `channel:+263771234567` or
    /// `user:{+263771234567}:state`. JSON is kept byte for byte; missing members get the schema's
    /// defaults.
    ///
    /// The schema must be named, since it marks the secret members. Expiry and errors are as for
    /// [`cached_user`](Importer::cached_user).
    ///
    /// ```
    /// # support::example(async |url| {
    /// use redis_state_client::{connect, redis};
    /// use redis_state_vimbiso::{Importer, Outcome, keys};
    ///
    /// let key = keys::channel("+263771234567");
    /// let old = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;
    /// let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    /// let _: () = redis::cmd("SET")
    ///     .arg(&key)
    ///     .arg(old)
    ///     .arg("EX")
    ///     .arg(60)
    ///     .query_async(&mut connection)
    ///     .await?;
    ///
    /// let mut states = connect(url).await?;
    /// let import = Importer::new(&mut states).document(&key, "vimbiso.channel").await?;
    /// assert!(matches!(import.outcome, Outcome::Created(etag) if etag.version == 1));
    /// # Ok(()) });
    /// ```
    pub fn document(self, key: &'a str, schema: &'a str) -> D::Answer<'a, Import> {
        D::answer(async move { self.one(Kind::Document(schema), key).await })
    }

    /// As [`document`](Importer::document), for many: see [`cached_users`](Importer::cached_users).
    pub fn documents<S: AsRef<str> + Send>(
        self,
        keys: impl IntoIterator<Item = S, IntoIter: Send> + Send + 'a,
        schema: &'a str,
        report: impl FnMut(&Import) + Send + 'a,
    ) -> D::Answer<'a, Summary> {
        D::answer(async move { self.many(Kind::Document(schema), keys, report).await })
    }

    /// As [`document`](Importer::document), for all keys of the database that begin so, such as
    /// `channel:`; see [`all_cached_users`](Importer::all_cached_users). Audit streams are passed
    /// over.
    pub fn all_documents(
        self,
        begins: &'a str,
        schema: &'a str,
        report: impl FnMut(Event<'_>) + Send + 'a,
    ) -> D::Answer<'a, Summary> {
        D::answer(async move { self.all(Kind::Document(schema), begins, report).await })
    }
}

impl<D> std::fmt::Debug for Importer<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Importer { dry_run, delete_sources, again, prefix, .. } = self;
        f.debug_struct("Importer")
            .field("dry_run", dry_run)
            .field("delete_sources", delete_sources)
            .field("again", again)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}
