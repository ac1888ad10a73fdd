//! When a key expires: what the expiry words of a command mean at the time of the command.

use std::fmt;

/// The last millisecond of the year 9999: no time of a state is beyond it.
pub const TIME_MAX_MS: i64 = 253_402_300_799_999;

/// The `ttl` of a command's grammar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ttl {
    /// Not named: the schema's root `x-ttl`, else `state.default-ttl`.
    #[default]
    Default,
    /// `KEEPTTL`: the expiry stays; on creation the same as not named.
    Keep,
    /// `PERSIST`: never.
    Persist,
    /// `EX` and `PX`: in so many milliseconds.
    In(i64),
    /// `EXAT` and `PXAT`: at this Unix time in milliseconds.
    At(i64),
}

/// The expiry is not in the future, or is beyond [`TIME_MAX_MS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryOutOfRange;

impl Ttl {
    /// Rejects an absolute time that has passed: part of parsing the arguments, but it takes a
    /// clock.
    pub fn check(self, now_ms: i64) -> Result<(), ExpiryOutOfRange> {
        self.resolve(now_ms, None, 1).map(drop)
    }

    /// The absolute expiry in Unix milliseconds, `None` for never.
    ///
    /// `present` is the expiry of the present state, if there is one; `default_ms` applies when the
    /// command names none.
    pub fn resolve(
        self,
        now_ms: i64,
        present: Option<Option<i64>>,
        default_ms: i64,
    ) -> Result<Option<i64>, ExpiryOutOfRange> {
        let at = match (self, present) {
            (Ttl::Persist, _) => return Ok(None),
            (Ttl::Keep, Some(expiry)) => return Ok(expiry),
            (Ttl::Keep, None) | (Ttl::Default, _) => now_ms.saturating_add(default_ms),
            (Ttl::In(ms), _) if ms > 0 => now_ms.saturating_add(ms),
            (Ttl::In(_), _) => return Err(ExpiryOutOfRange),
            (Ttl::At(at), _) => at,
        };
        if at > now_ms && at <= TIME_MAX_MS { Ok(Some(at)) } else { Err(ExpiryOutOfRange) }
    }
}

impl fmt::Display for ExpiryOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the expiry is not in the future, or is beyond the year 9999")
    }
}

impl std::error::Error for ExpiryOutOfRange {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_words_resolve_to_absolute_times() {
        let now = 1_741_058_499_570;
        let kept = Some(Some(now + 7));
        assert_eq!(Ttl::Default.resolve(now, kept, 300_000), Ok(Some(now + 300_000)));
        assert_eq!(Ttl::Keep.resolve(now, kept, 300_000), Ok(Some(now + 7)));
        assert_eq!(Ttl::Keep.resolve(now, Some(None), 300_000), Ok(None));
        assert_eq!(Ttl::Keep.resolve(now, None, 300_000), Ok(Some(now + 300_000)));
        assert_eq!(Ttl::Persist.resolve(now, kept, 300_000), Ok(None));
        assert_eq!(Ttl::In(5).resolve(now, kept, 300_000), Ok(Some(now + 5)));
        assert_eq!(Ttl::At(now + 1).resolve(now, kept, 300_000), Ok(Some(now + 1)));
    }

    #[test]
    fn expiry_in_the_past_or_beyond_the_last_time_is_rejected() {
        let now = 1_741_058_499_570;
        for ttl in [Ttl::In(0), Ttl::In(-1), Ttl::At(now), Ttl::At(0), Ttl::In(i64::MAX), Ttl::At(i64::MAX)] {
            assert_eq!(ttl.resolve(now, None, 300_000), Err(ExpiryOutOfRange), "{ttl:?}");
        }
    }
}
