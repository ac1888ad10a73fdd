//! The settings of the service: by arguments, or by the environment, which suits secrets.
//!
//! Not a file, because whatever runs several processes of a bot (systemd, a container) sets an
//! environment already.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use redis_state_client::redis::IntoConnectionInfo;
use redis_state_client::{URL_DEFAULT, URL_VARIABLE};

/// The settings of one process. All processes of a bot have the same, except `name` and `listen`.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// The address for WhatsApp's webhooks. A proxy in front of it provides TLS.
    #[arg(long, env = "BOT_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// The Redis server of the states and of the inbox; `rediss://` uses TLS.
    #[arg(long, env = URL_VARIABLE, default_value = URL_DEFAULT, hide_env_values = true)]
    pub redis_url: Secret,

    /// The word with which WhatsApp verifies the webhook.
    #[arg(long, env = "WHATSAPP_VERIFY_TOKEN", hide_env_values = true)]
    pub verify_token: Secret,

    /// The secret with which WhatsApp signs its webhooks.
    #[arg(long, env = "WHATSAPP_APP_SECRET", hide_env_values = true)]
    pub app_secret: Secret,

    /// The token with which the bot sends messages.
    #[arg(long, env = "WHATSAPP_TOKEN", hide_env_values = true)]
    pub token: Secret,

    /// WhatsApp's ID of the bot's phone number.
    #[arg(long, env = "WHATSAPP_PHONE_NUMBER_ID", value_parser = NonEmptyStringValueParser::new())]
    pub phone_number_id: String,

    /// The Graph API, with its version, which sends messages.
    #[arg(
        long,
        env = "GRAPH_URL",
        default_value = "https://graph.facebook.com/v21.0",
        hide_env_values = true
    )]
    pub graph_url: String,

    /// The stream of users with waiting messages; the other keys of the inbox are `{bot:inbox}:…`.
    #[arg(long, env = "BOT_INBOX", default_value = "bot:inbox", value_parser = NonEmptyStringValueParser::new())]
    pub inbox: String,

    /// The consumer group of all processes of this bot, on the inbox and on the feed.
    #[arg(long, env = "BOT_GROUP", default_value = "bot", value_parser = NonEmptyStringValueParser::new())]
    pub group: String,

    /// The unique name of this process within the group. A process with the same name after a
    /// restart resumes its work at once; without one, the name is made of host and process ID, and
    /// others claim the work after `claim_after`.
    #[arg(long, env = "BOT_NAME", default_value_t = own_name(), value_parser = NonEmptyStringValueParser::new())]
    pub name: String,

    /// The maximum number of users with waiting messages; above it, WhatsApp has to redeliver.
    #[arg(long, env = "BOT_INBOX_MAX", default_value_t = 10_000)]
    pub inbox_max: u64,

    /// Seconds after which the work of a silent process is claimed by another. Must be longer than
    /// a call of the ledger, which a process without Redis may still wait for.
    #[arg(long, env = "BOT_CLAIM_AFTER", default_value = "30", value_parser = seconds)]
    pub claim_after: Duration,

    /// Seconds after which a message is too old to be answered; a day by default. Message IDs are
    /// remembered for longer.
    #[arg(long, env = "BOT_MESSAGE_AGE_MAX", default_value = "86400", value_parser = seconds)]
    pub message_age_max: Duration,

    /// The maximum size of a webhook in bytes: WhatsApp sends up to 3 MiB.
    #[arg(long, env = "BOT_BODY_MAX", default_value_t = 3 * 1024 * 1024)]
    pub body_max: usize,

    /// The maximum number of webhook connections; above it, the oldest one without a signed request
    /// is closed.
    #[arg(long, env = "BOT_CONNECTIONS_MAX", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..))]
    pub connections_max: u16,

    /// The number of users answered at the same time.
    #[arg(long, env = "BOT_AT_ONCE", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub at_once: u16,

    /// The server's `state.feed`, for notices of session expiry; empty: no notices.
    #[arg(long, env = "BOT_FEED", default_value = "sessions")]
    pub feed: String,

    /// Seconds to finish work in progress after SIGTERM.
    #[arg(long, env = "BOT_GRACE", default_value = "20", value_parser = seconds)]
    pub grace: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.into())),
        _ => Err("expected a number of seconds above 0".to_owned()),
    }
}

fn own_name() -> String {
    let host = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    format!("{}-{}", host.as_deref().unwrap_or("bot"), std::process::id())
}

/// The address of a Redis URL, without user and password.
///
/// ```
/// use redis_state_bot::service::{Secret, place};
///
/// let url: Secret = "rediss://bot:a-long-password@redis.example:6380/0".parse()?;
/// assert_eq!(place(&url), "redis.example:6380");
/// # Ok::<(), &'static str>(())
/// ```
pub fn place(url: &Secret) -> String {
    match url.as_str().into_connection_info() {
        Ok(info) => info.addr().to_string(),
        Err(_) => "the state server".to_owned(),
    }
}

/// A text that `Debug` and `Display` hide, and that is never empty.
///
/// ```
/// use redis_state_bot::service::Secret;
///
/// let token: Secret = "EAAG".parse()?;
/// assert_eq!((token.as_str(), format!("{token:?} {token}").as_str()), ("EAAG", "*** ***"));
/// assert!("".parse::<Secret>().is_err());
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An empty secret would accept every caller.
impl FromStr for Secret {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Secret, &'static str> {
        if text.trim().is_empty() { Err("it is empty") } else { Ok(Secret(text.to_owned())) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
