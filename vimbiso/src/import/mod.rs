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
mod find;
mod fold;
mod report;
mod route;
mod source;
mod write;

use redis_state_client::{Driver, ErrorKind, Meta, Result, States};

use crate::keys;

use applicable::Applicable;
use find::{Found, Kind};
use report::is_about_the_source;
use write::Written;

pub use report::{Import, Outcome, Summary};

type KeyOf<'a> = Box<dyn Fn(&str) -> String + Send + Sync + 'a>;

/// Imports the strings of old bots as states.
///
/// Run it as a user with permission to run STATE.SETPROTECTED, when the old bot no longer serves
/// the users.
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
    key_of: KeyOf<'a>,
}

impl<'a, D: Driver> Importer<'a, D> {
    /// Imports over this connection.
    pub fn new(states: &'a mut States<D>) -> Self {
        Importer { states, dry_run: false, delete_sources: false, key_of: Box::new(str::to_owned) }
    }

    /// Reports what would be done, with violations of the schema, and has no effect.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Deletes the strings once their state is created, by this run or an earlier one. Not those of
    /// a user whose state another client has created, since that state does not contain them. A run
    /// after the state's expiry imports remaining strings without an expiry again.
    pub fn delete_sources(mut self) -> Self {
        self.delete_sources = true;
        self
    }

    /// Makes the state's key from the mobile number or the key of the string. By default it is the
    /// same key.
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

    /// As [`cached_user`](Importer::cached_user), for many users, each reported when it is done.
    /// After an error the run can be repeated.
    pub fn cached_users<S: AsRef<str> + Send>(
        self,
        mobile_numbers: impl IntoIterator<Item = S, IntoIter: Send> + Send + 'a,
        report: impl FnMut(&Import) + Send + 'a,
    ) -> D::Answer<'a, Summary> {
        D::answer(async move { self.many(Kind::CachedUser, mobile_numbers, report).await })
    }

    /// Imports a string with a JSON document, such as `channel:+263771234567` or
    /// `user:{+263771234567}:state`. The document is kept byte for byte; missing members get the
    /// schema's defaults.
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

    async fn one(mut self, kind: Kind<'_>, source: &str) -> Result<Import> {
        let applicable = Applicable::read(self.states, kind.schema()).await?;
        self.import(kind, &applicable, source).await
    }

    async fn many<S: AsRef<str> + Send>(
        mut self,
        kind: Kind<'_>,
        sources: impl IntoIterator<Item = S, IntoIter: Send>,
        mut report: impl FnMut(&Import),
    ) -> Result<Summary> {
        let applicable = Applicable::read(self.states, kind.schema()).await?;
        let mut summary = Summary::default();
        for source in sources {
            let import = self.import(kind, &applicable, source.as_ref()).await?;
            report(&import);
            summary.add(import);
        }
        Ok(summary)
    }

    async fn import(&mut self, kind: Kind<'_>, applicable: &Applicable, source: &str) -> Result<Import> {
        let target = (self.key_of)(source);
        let outcome = match self.outcome(kind, applicable, source, &target).await {
            Err(error) if is_about_the_source(&error) => {
                self.put_back(source, &target).await?;
                Outcome::Rejected(error)
            }
            outcome => outcome?,
        };
        Ok(Import { source: source.to_owned(), target, outcome })
    }

    async fn outcome(
        &mut self,
        kind: Kind<'_>,
        applicable: &Applicable,
        source: &str,
        target: &str,
    ) -> Result<Outcome> {
        let (before, taken) = match D::resolve(self.states.send(&Meta::new(target))).await {
            Ok(meta) => (meta.map(|meta| meta.etag), false),
            Err(error) if error.kind() == ErrorKind::WrongType => (None, true),
            Err(error) => return Err(error),
        };
        let mut found = find::find(self.states, kind, source, target, taken).await?;
        if found.is_empty() {
            return Ok(before.map_or(Outcome::NothingFound, Outcome::AlreadyThere));
        }
        let mut plan = kind.plan(&found, &applicable.schema, source, target)?;
        applicable.admit(target)?;
        if before.is_none() {
            let free = if found.in_the_way { found.aside.as_deref() } else { None };
            write::check(self.states, &plan, free.unwrap_or(target)).await?;
            if self.dry_run {
                return Ok(Outcome::WouldCreate);
            }
        }
        if found.in_the_way {
            // The old bot does not write to this key: this is its last value.
            let aside = found.aside.as_deref().unwrap_or_default();
            source::rename(self.states, target, aside).await?;
            found.main = source::read(self.states, aside).await?;
            if found.is_empty() {
                return Ok(Outcome::NothingFound);
            }
            plan = kind.plan(&found, &applicable.schema, source, target)?;
        }
        match write::write(self.states, &plan, self.dry_run).await {
            Ok(Written::Ours(etag)) => {
                if self.delete_sources && !self.dry_run {
                    self.remove(&found).await?;
                }
                Ok(match before {
                    Some(before) if before.version >= etag.version => Outcome::AlreadyThere(before),
                    _ if self.dry_run => Outcome::WouldCreate,
                    _ => Outcome::Created(etag),
                })
            }
            Ok(Written::Theirs(error)) => {
                let there = D::resolve(self.states.send(&Meta::new(target))).await?;
                there.map_or(Err(error), |meta| Ok(Outcome::AlreadyThere(meta.etag)))
            }
            Err(error) => Err(error),
        }
    }

    /// Renames a string back that this run or an earlier one has renamed.
    async fn put_back(&mut self, source: &str, target: &str) -> Result<()> {
        match keys::imported(target) {
            Some(aside) if source == target && !self.dry_run => {
                source::rename(self.states, &aside, target).await
            }
            _ => Ok(()),
        }
    }

    async fn remove(&mut self, found: &Found) -> Result<()> {
        for source in found.all() {
            source::remove(self.states, &source.key).await?;
        }
        Ok(())
    }
}

impl<D> std::fmt::Debug for Importer<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Importer { dry_run, delete_sources, .. } = self;
        f.debug_struct("Importer")
            .field("dry_run", dry_run)
            .field("delete_sources", delete_sources)
            .finish_non_exhaustive()
    }
}
