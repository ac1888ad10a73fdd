//! STATE.TOUCH.

use super::line::CommandLine;
use crate::resend::Resend;

/// STATE.TOUCH: moves the expiry of a state without a new version; not audited. False without a
/// state.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Touch, Update, connect};
/// use std::time::Duration;
///
/// let mut states = connect(url).await?;
/// states.send(&Update::create("offer:7d1f", Change::none())).await?;
/// assert!(states.send(&Touch::new("offer:7d1f").expires_in(Duration::from_secs(1800))).await?);
/// assert!(!states.send(&Touch::new("offer:91c2")).await?);
/// # Ok(()) });
/// ```
#[derive(Clone, Debug)]
pub struct Touch {
    line: CommandLine,
}

impl Touch {
    /// With the expiry of the schema or the server's settings, unless one is given.
    pub fn new(key: impl Into<String>) -> Touch {
        Touch { line: CommandLine::new("STATE.TOUCH", Resend::Safe).text(key) }
    }

    options!(ttl turn audit);
}

request!(Touch -> bool);
