//! Times in ISO 8601.

use chrono::{DateTime, SecondsFormat};
pub(crate) use redis_state_types::TIME_MAX_MS;

/// A Unix time in milliseconds as ISO 8601 in UTC: `2025-03-04T03:21:39.570Z`.
pub fn iso8601(unix_ms: i64) -> String {
    let clamped = unix_ms.clamp(0, TIME_MAX_MS);
    DateTime::from_timestamp_millis(clamped).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The Unix time in milliseconds of a text by [`iso8601`].
pub(crate) fn unix_ms(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use crate::time::{iso8601, unix_ms};

    #[test]
    fn prints_utc_with_milliseconds() {
        assert_eq!(iso8601(1_741_058_499_570), "2025-03-04T03:21:39.570Z");
        assert_eq!(unix_ms("2025-03-04T03:21:39.570Z"), Some(1_741_058_499_570));
        assert_eq!(unix_ms("yesterday"), None);
        assert_eq!(iso8601(i64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
