//! How long a program waits for a processor that somebody else has: another program, or another guest of the machine.
//!
//! A percentile near the end of a distribution shows little else where that is often the case, so it stands beside those. The
//! system's own count of stolen time was rejected: it goes up by a hundredth of a second, and not every hypervisor tells.

use std::time::{Duration, Instant};

use crate::results::Stall;

/// Reading the clock takes a ten-thousandth of that; who comes back later was not running.
const SHORTEST: Duration = Duration::from_micros(200);

/// Reads the clock for so long, and does nothing else.
pub fn watch(time: Duration) -> Stall {
    let start = Instant::now();
    let (mut before, mut sum, mut longest) = (start, Duration::ZERO, Duration::ZERO);
    while before.duration_since(start) < time {
        let now = Instant::now();
        let gap = now.duration_since(before);
        if gap > SHORTEST {
            sum += gap;
            longest = longest.max(gap);
        }
        before = now;
    }
    Stall {
        percent: 100.0 * sum.as_secs_f64() / time.as_secs_f64(),
        longest_ms: longest.as_secs_f64() * 1000.0,
    }
}
