//! The ID of an entry in its stream.

use std::fmt;

/// The ID of an entry: IDs increase in the order of the stream. It prints as the server writes it,
/// and can be stored.
///
/// ```
/// use redis_state_client::EntryId;
///
/// let id = EntryId::parse("1795246954433-0").expect("an ID");
/// assert_eq!((id.ms, id.seq), (1_795_246_954_433, 0));
/// assert!(id < EntryId { seq: 1, ..id });
/// assert_eq!(id.to_string(), "1795246954433-0");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The time of the entry, in Unix milliseconds of the server.
    pub ms: u64,
    /// Distinguishes the entries of one millisecond.
    pub seq: u64,
}

impl EntryId {
    /// Before every entry.
    #[cfg(feature = "tokio")]
    pub(crate) const START: EntryId = EntryId { ms: 0, seq: 0 };

    /// Parses an ID as printed; `None` for anything else.
    pub fn parse(text: &str) -> Option<EntryId> {
        let (ms, seq) = text.split_once('-')?;
        Some(EntryId { ms: ms.parse().ok()?, seq: seq.parse().ok()? })
    }

    /// The ID right before this one.
    #[cfg(feature = "tokio")]
    pub(crate) fn before(self) -> EntryId {
        match self {
            EntryId { ms: 0, seq: 0 } => self,
            EntryId { ms, seq: 0 } => EntryId { ms: ms - 1, seq: u64::MAX },
            EntryId { ms, seq } => EntryId { ms, seq: seq - 1 },
        }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::EntryId;

    #[test]
    fn previous_id_is_adjacent() {
        let before = |text| EntryId::parse(text).expect("an ID").before().to_string();
        assert_eq!(before("7-3"), "7-2");
        assert_eq!(before("7-0"), "6-18446744073709551615");
        assert_eq!(before("0-0"), "0-0");
    }
}
