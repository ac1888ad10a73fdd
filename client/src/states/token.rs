//! ID tokens for requests whose caller has given none.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// A token that no other process and no other call has: 16 hex digits. Two that are alike would have to meet among the last 64 of
/// one state to do harm.
pub(crate) fn fresh() -> String {
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
    fn no_two_are_alike() {
        let tokens: HashSet<String> = (0..10_000).map(|_| super::fresh()).collect();
        assert_eq!(tokens.len(), 10_000);
        assert!(tokens.iter().all(|token| token.len() == 16));
    }
}
