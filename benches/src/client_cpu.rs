//! The processor time of the thread that makes the load: where the server is not busy, it is the limit, or there was a wait.

use std::time::Duration;

/// What this thread has used so far; `None` where the system does not say.
pub fn used() -> Option<Duration> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    times.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
