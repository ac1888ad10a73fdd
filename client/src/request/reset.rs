//! STATE.RESET.

use redis::{Cmd, Value};
use redis_state_types::Expected;

use super::write::resend_of_write;
use super::{Committed, Request, Resend, options::Options};
use crate::error::Result;

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
    key: String,
    expected: Expected,
    pub(crate) options: Options,
}

impl Reset {
    /// Resets the state that was read, or with [`Expected::Any`] any state.
    pub fn new(key: impl Into<String>, expected: impl Into<Expected>) -> Reset {
        Reset { key: key.into(), expected: expected.into(), options: Options::default() }
    }

    options!(ttl remarks id returning audit);
}

impl Request for Reset {
    type Reply = Committed;

    fn name(&self) -> &'static str {
        "STATE.RESET"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.RESET");
        command.arg(&self.key).arg(self.expected.to_string());
        self.options.add_to(&mut command, &self.key);
        command
    }

    fn reply(&self, value: Value) -> Result<Committed> {
        Committed::read(value)
    }

    fn resend(&self) -> Resend {
        resend_of_write(self.expected, &self.options)
    }
}
