//! STATE.TOUCH.

use redis::{Cmd, Value};

use super::{Request, Resend, options::Options};
use crate::decode;
use crate::error::Result;

/// STATE.TOUCH: moves the expiry of a state without a new version; not audited.
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
    key: String,
    options: Options,
}

impl Touch {
    /// With the expiry of the schema or the server's settings, unless one is given.
    pub fn new(key: impl Into<String>) -> Touch {
        Touch { key: key.into(), options: Options::default() }
    }

    options!(ttl audit);
}

impl Request for Touch {
    /// Whether there is a state.
    type Reply = bool;

    fn name(&self) -> &'static str {
        "STATE.TOUCH"
    }

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn command(&self) -> Cmd {
        let mut command = redis::cmd("STATE.TOUCH");
        command.arg(&self.key);
        self.options.add_to(&mut command, &self.key);
        command
    }

    fn reply(&self, value: Value) -> Result<bool> {
        Ok(decode::number(value)? == 1)
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }
}
