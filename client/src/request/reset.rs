//! STATE.RESET.

use redis_state_types::Expected;

use super::line::CommandLine;
use super::write::Committed;
use crate::resend::Resend;

/// STATE.RESET: resets members to the schema's defaults; protected, immutable and secret ones stay.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Expected, Reset, Update, connect};
/// use serde_json::{Value, json};
///
/// let mut states = connect(url).await?;
/// let key = "channel:+263771234567";
/// let channel = json!({
///     "channel": {"type": "whatsapp", "identifier": "+263771234567"},
///     "active_account_id": "91c2",
/// });
/// states.send(&Update::create(key, Change::merge(&channel)?).schema("vimbiso.channel")).await?;
///
/// let reset =
///     states.send(&Reset::new(key, Expected::Any).event("session_over").returning()).await?;
/// let document: Value = reset.document()?;
/// assert_eq!(document["channel"]["identifier"], "+263771234567");
/// assert_eq!(document.get("active_account_id"), None);
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Reset {
    line: CommandLine,
}

impl Reset {
    /// Resets the state that was read, or with [`Expected::Any`] any state.
    pub fn new(key: impl Into<String>, expected: impl Into<Expected>) -> Reset {
        Reset { line: CommandLine::new("STATE.RESET", Resend::Never).text(key).expecting(expected) }
    }

    /// `ALL`: resets protected and secret members too; needs permission to run STATE.SETPROTECTED.
    pub fn all(mut self) -> Self {
        self.line.set_flag("ALL");
        self
    }

    options!(ttl remarks id turn returning audit);
}

request!(Reset -> Committed);
