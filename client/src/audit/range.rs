//! Reading an audit stream, or the feed, once: a page of it, from either end.

use super::entry::AuditEntry;
use super::id::EntryId;
use super::stream_of;
use crate::driver::Driver;
use crate::error::Result;
use crate::request::line::CommandLine;
use crate::resend::Resend;
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
/// for amount in [5, 6, 7] {
///     states.send(&Update::any("offer:7d1f", Change::merge(&json!({"amount": amount}))?)).await?;
/// }
///
/// let page = states.send(&AuditRange::of("offer:7d1f")?.oldest_first().count(2)).await?;
/// assert_eq!((&page[0].event, page[1].version), (&AuditEvent::Create, 2));
/// let rest = states.send(&AuditRange::of("offer:7d1f")?.after(page[1].id)).await?;
/// assert_eq!((rest.len(), rest[0].version), (1, 3));
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct AuditRange {
    stream: String,
    line: CommandLine,
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
        let (stream, line): (String, _) = (stream.into(), CommandLine::new("XREVRANGE", Resend::Safe));
        AuditRange { stream, line }.part("XREVRANGE", "+", "-")
    }

    /// Oldest entry first.
    pub fn oldest_first(self) -> Self {
        self.part("XRANGE", "-", "+")
    }

    /// The entries after this one, oldest first.
    pub fn after(self, id: EntryId) -> Self {
        self.part("XRANGE", &format!("({id}"), "+")
    }

    /// The entries before this one, newest first.
    pub fn before(self, id: EntryId) -> Self {
        self.part("XREVRANGE", &format!("({id}"), "-")
    }

    /// `COUNT`: at most this many entries. Without it all of them, which are many in a feed.
    pub fn count(mut self, count: usize) -> Self {
        self.line.set("COUNT", ("COUNT", count));
        self
    }

    fn part(mut self, command: &'static str, from: &str, to: &str) -> Self {
        self.line = self.line.restarted(command).arg((&self.stream, from, to));
        self
    }
}

request!(AuditRange -> Vec<AuditEntry>);

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
    /// assert_eq!((&newest.event, newest.etag), (&AuditEvent::Update, Some(etag)));
    /// assert_eq!(newest.actor.as_deref(), Some("amount_input"));
    /// let patch: serde_json::Value = newest.patch.as_ref().expect("a change").read()?;
    /// assert_eq!(patch, json!([{"op": "replace", "path": "/amount", "value": 6}]));
    /// # Ok(()) });
    /// ```
    pub fn audit<'a>(&'a mut self, key: &'a str, count: usize) -> D::Answer<'a, Vec<AuditEntry>> {
        D::answer(async move { self.exchange(&AuditRange::of(key)?.count(count)).await })
    }
}
