//! The last entry that a state wrote to its audit stream; states in a cluster remember it.
//!
//! A slot migrates key by key, so a state may arrive before its audit stream. A second stream in
//! its place would block the arrival of the first. The state knows: an entry that has not expired
//! must still exist on the other node.

use crate::time::TIME_MAX_MS;

/// An entry's ID, and when its stream expires unless another entry follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastEntry {
    pub(crate) id_ms: u64,
    pub(crate) id_seq: u64,
    pub(crate) expires_at_ms: i64,
}

impl LastEntry {
    /// `None` for a time out of range.
    pub fn new(id: (u64, u64), expires_at_ms: i64) -> Option<LastEntry> {
        let in_range = (0..=TIME_MAX_MS).contains(&expires_at_ms);
        in_range.then_some(LastEntry { id_ms: id.0, id_seq: id.1, expires_at_ms })
    }

    /// Whether the stream must still exist.
    pub fn is_kept(&self, now_ms: i64) -> bool {
        now_ms < self.expires_at_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_kept_until_its_expiry() {
        let last = LastEntry::new((1_741_058_499_570, 3), 1_741_144_899_570).expect("a time");
        assert!(last.is_kept(1_741_144_899_569));
        assert!(!last.is_kept(1_741_144_899_570));
        assert_eq!(LastEntry::new((1, 0), -1), None);
        assert_eq!(LastEntry::new((1, 0), TIME_MAX_MS + 1), None);
    }
}
