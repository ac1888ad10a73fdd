//! The client of redis-state: how a program finds the server that keeps its states.
//!
//! The commands need no client of their own: any Redis client can send them (docs/commands.md). This crate
//! will wrap them for a bot; so far it holds the one thing every program needs first, the address.

/// The environment variable that names the Redis instance of the states, apart from the cache.
pub const URL_VARIABLE: &str = "REDIS_STATE_URL";

/// Where `make run` puts the server when nothing else is said.
pub const URL_DEFAULT: &str = "redis://127.0.0.1:6379/0";

/// The address of the state server: [`URL_VARIABLE`] if it is set to something, else [`URL_DEFAULT`].
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
