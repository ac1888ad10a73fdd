//! How long a program waits for a CPU that another program or another guest of the machine uses.
//!
//! On a busy machine a high percentile shows little else, so the tables have this beside it. Not
//! the system's count of stolen time, because its unit is 10 ms and not every hypervisor reports
//! it.

use std::time::{Duration, Instant};

use crate::results::Stall;

/// Reading the clock takes a ten-thousandth of that; a later reading means that the thread was not
/// running.
const SHORTEST: Duration = Duration::from_micros(200);

/// Reads the clock for this long, and does nothing else.
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
