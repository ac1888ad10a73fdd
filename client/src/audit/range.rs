//! Reading an audit stream, or the feed, once: a page of it, from either end.

use redis::{Cmd, Value};

use super::{AuditEntry, EntryId, entries, stream_of};
use crate::driver::Driver;
use crate::error::Result;
use crate::request::{Request, Resend};
use crate::states::States;

/// XREVRANGE or XRANGE on the audit stream of a state, or on the server's feed: some of its
/// entries.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{AuditEvent, Change, AuditRange, Update, connect};
/// use serde_json::json;
///
/// let mut states = connect(url).await?;
/// states.send(&Update::create("offer:7d1f", Change::merge(&json!({"amount": 5}))?)).await?;
/// for amount in [6, 7] {
///     states.send(&Update::any("offer:7d1f", Change::merge(&json!({"amount": amount}))?)).await?;
/// }
///
/// let page = states.send(&AuditRange::of("offer:7d1f")?.oldest_first().count(2)).await?;
/// assert_eq!(page.iter().map(|entry| entry.version).collect::<Vec<_>>(), [1, 2]);
/// assert_eq!(page[0].event, AuditEvent::Create);
/// let rest = states.send(&AuditRange::of("offer:7d1f")?.after(page[1].id)).await?;
/// assert_eq!(rest.iter().map(|entry| entry.version).collect::<Vec<_>>(), [3]);
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct AuditRange {
    stream: String,
    part: Part,
    count: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    NewestFirst,
    Before(EntryId),
    OldestFirst,
    After(EntryId),
}

impl AuditRange {
    /// The audit stream of the state at a key, newest entry first.
    ///
    /// Errors: [`BadKey`](crate::ErrorKind::BadKey) for a key without an audit stream.
    pub fn of(key: &str) -> Result<AuditRange> {
        Ok(AuditRange::feed(stream_of(key)?))
    }

    /// The server's feed, with the name from `state.feed`, or any other stream; newest entry first.
    pub fn feed(stream: impl Into<String>) -> AuditRange {
        AuditRange { stream: stream.into(), part: Part::NewestFirst, count: None }
    }

    /// Oldest entry first.
    pub fn oldest_first(mut self) -> Self {
        self.part = Part::OldestFirst;
        self
    }

    /// The entries after this one, oldest first.
    pub fn after(mut self, id: EntryId) -> Self {
        self.part = Part::After(id);
        self
    }

    /// The entries before this one, newest first.
    pub fn before(mut self, id: EntryId) -> Self {
        self.part = Part::Before(id);
        self
    }

    /// `COUNT`: at most this many entries. Without it all of them, which are many in a feed.
    pub fn count(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }
}

impl Request for AuditRange {
    type Reply = Vec<AuditEntry>;

    fn name(&self) -> &'static str {
        match self.part {
            Part::NewestFirst | Part::Before(_) => "XREVRANGE",
            Part::OldestFirst | Part::After(_) => "XRANGE",
        }
    }

    fn key(&self) -> Option<&str> {
        Some(&self.stream)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd(self.name());
        command.arg(&self.stream);
        match self.part {
            Part::NewestFirst => command.arg("+").arg("-"),
            Part::Before(id) => command.arg(format!("({id}")).arg("-"),
            Part::OldestFirst => command.arg("-").arg("+"),
            Part::After(id) => command.arg(format!("({id}")).arg("+"),
        };
        if let Some(count) = self.count {
            command.arg("COUNT").arg(count);
        }
        command
    }

    fn reply(&self, value: Value) -> Result<Vec<AuditEntry>> {
        Ok(entries(value)?.into_iter().filter_map(|(_, entry)| entry).collect())
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}

impl<D: Driver> States<D> {
    /// The newest entries of a state's audit stream, newest first; after a deletion or expiry they
    /// are there until the stream expires. [`AuditRange`] reads other parts. It needs permission to
    /// read the stream, `+xrevrange %R~*:audit`.
    ///
    /// Errors: [`BadKey`](crate::ErrorKind::BadKey) for a key without an audit stream.
    ///
    /// ```
    /// # support::example(async |url| {
    /// use redis_state_client::{AuditEvent, Change, Update, connect};
    /// use serde_json::json;
    ///
    /// let mut states = connect(url).await?;
    /// states.create("offer:7d1f", Change::merge(&json!({"amount": 5}))?).await?;
    /// let raise = Update::new("offer:7d1f", 1, Change::merge(&json!({"amount": 6}))?)
    ///     .actor("amount_input");
    /// let etag = states.send(&raise).await?.etag;
    ///
    /// let entries = states.audit("offer:7d1f", 10).await?;
    /// let newest = &entries[0];
    /// assert_eq!(
    ///     (&newest.event, newest.etag, newest.parent),
    ///     (&AuditEvent::Update, Some(etag), Some(1))
    /// );
    /// assert_eq!(
    ///     (newest.actor.as_deref(), newest.user.as_deref()),
    ///     (Some("amount_input"), Some("default"))
    /// );
    /// let patch: serde_json::Value = newest.patch.as_ref().expect("a change").read()?;
    /// assert_eq!(patch, json!([{"op": "replace", "path": "/amount", "value": 6}]));
    /// let document: serde_json::Value =
    ///     entries[1].document.as_ref().expect("a creation has one").read()?;
    /// assert_eq!(document, json!({"amount": 5}));
    /// # Ok(()) });
    /// ```
    pub fn audit<'a>(&'a mut self, key: &'a str, count: usize) -> D::Answer<'a, Vec<AuditEntry>> {
        D::answer(async move { self.exchange(&AuditRange::of(key)?.count(count)).await })
    }
}
