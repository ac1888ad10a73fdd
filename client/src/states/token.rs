//! ID tokens for requests without a natural ID, such as a message's.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// A unique ID token: 16 hex digits. Two equal ones would matter only among the last 64 of one
/// state. A message's own ID is better, because it is the same on redelivery.
///
/// ```
/// # support::example_blocking(|url| {
/// use redis_state_client::{Change, Update, connect_blocking, fresh_id};
///
/// let mut states = connect_blocking(url)?;
/// let offer = Update::any("offer:7d1f", Change::none()).id(fresh_id());
/// let made = states.send(&offer)?.etag;
/// assert_eq!(states.send(&offer)?.etag, made, "a replay changes nothing, from any process");
/// # Ok(()) });
/// ```
pub fn fresh() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    // The standard library keys each of these with random bits of the system.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(CALLS.fetch_add(1, Ordering::Relaxed));
    hasher.write_u32(std::process::id());
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn fresh_tokens_are_unique() {
        let tokens: HashSet<String> = (0..10_000).map(|_| super::fresh()).collect();
        assert_eq!(tokens.len(), 10_000);
        assert!(tokens.iter().all(|token| token.len() == 16));
    }
}
