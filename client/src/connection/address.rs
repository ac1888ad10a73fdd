//! The server's address, and the timeouts of a connection.
//!
//! By default redis-rs waits half a second for a reply, which a saving server or a slow network
//! exceeds, and a blocking connection waits forever.

use std::time::Duration;

#[cfg(any(feature = "tokio", feature = "sync"))]
use crate::error::{Error, ErrorKind, Result};

/// The environment variable with the URL of the Redis server of the states, which should not be the
/// cache's.
pub const URL_VARIABLE: &str = "REDIS_STATE_URL";

/// The default address of `make run`.
pub const URL_DEFAULT: &str = "redis://127.0.0.1:6379/0";

/// The timeout of connecting.
pub const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);

/// The timeout of a reply.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The URL of the state server: [`URL_VARIABLE`] if it is set and not empty, else [`URL_DEFAULT`].
///
/// ```
/// let url = redis_state_client::url();
/// assert!(url.contains("://"));
/// ```
pub fn url() -> String {
    match std::env::var(URL_VARIABLE) {
        Ok(url) if !url.trim().is_empty() => url,
        _ => URL_DEFAULT.to_owned(),
    }
}

/// A client for a URL, not connected yet.
#[cfg(any(feature = "tokio", feature = "sync"))]
pub(crate) fn client(url: &str) -> Result<redis::Client> {
    choose_cryptography();
    redis::Client::open(url).map_err(|error| {
        let text = if cfg!(not(feature = "tls")) && url.trim_start().starts_with("rediss") {
            "rediss:// is TLS: enable the feature `tls` of redis-state-client".to_owned()
        } else {
            format!("not the URL of a server: {error}")
        };
        Error::new(ErrorKind::Usage, text)
    })
}

/// rustls uses the cryptography that the program has installed, and panics if two kinds are
/// compiled in and none is installed. So ring is installed, unless the program has chosen before.
#[cfg(any(feature = "tokio", feature = "sync"))]
pub(super) fn choose_cryptography() {
    #[cfg(feature = "tls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _chosen_meanwhile = rustls::crypto::ring::default_provider().install_default();
    }
}

/// The configuration of an async connection with this response timeout.
#[cfg(feature = "tokio")]
pub(super) fn config_for(response_timeout: Duration) -> redis::AsyncConnectionConfig {
    redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_response_timeout(Some(response_timeout))
}
