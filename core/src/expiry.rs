//! When a key expires: what the ttl words of a command mean at the time of the command.

use crate::error::Error;
use crate::time::TIME_MAX_MS;

/// The `ttl` of a command's grammar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ttl {
    /// Not named: the schema's root `x-ttl`, else `state.default-ttl`.
    #[default]
    Default,
    /// `KEEPTTL`: as it is; on creation as if not named.
    Keep,
    /// `PERSIST`: never.
    Persist,
    /// `EX` and `PX`: in so many milliseconds.
    In(i64),
    /// `EXAT` and `PXAT`: at this Unix time in milliseconds.
    At(i64),
}

impl Ttl {
    /// Refuses an absolute time that has passed: part of reading the arguments, but it takes a clock.
    pub fn check(self, now_ms: i64) -> Result<(), Error> {
        self.resolve(now_ms, None, 1).map(drop)
    }

    /// The absolute expiry in Unix milliseconds, `None` for never.
    ///
    /// `present` is the expiry of the state that is there, if one is; `default_ms` is what counts when no word was
    /// said.
    pub fn resolve(
        self,
        now_ms: i64,
        present: Option<Option<i64>>,
        default_ms: i64,
    ) -> Result<Option<i64>, Error> {
        let at = match (self, present) {
            (Ttl::Persist, _) => return Ok(None),
            (Ttl::Keep, Some(expiry)) => return Ok(expiry),
            (Ttl::Keep, None) | (Ttl::Default, _) => now_ms.saturating_add(default_ms),
            (Ttl::In(ms), _) if ms > 0 => now_ms.saturating_add(ms),
            (Ttl::In(_), _) => return Err(Error::BadExpire),
            (Ttl::At(at), _) => at,
        };
        if at > now_ms && at <= TIME_MAX_MS { Ok(Some(at)) } else { Err(Error::BadExpire) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_absolute_times() {
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
    fn the_past_and_the_end_of_time_are_refused() {
        let now = 1_741_058_499_570;
        for ttl in [Ttl::In(0), Ttl::In(-1), Ttl::At(now), Ttl::At(0), Ttl::In(i64::MAX), Ttl::At(i64::MAX)] {
            assert_eq!(ttl.resolve(now, None, 300_000), Err(Error::BadExpire), "{ttl:?}");
        }
    }
}
