//! The CPU time of the load generator's thread: if the server is not busy, the thread is the limit,
//! or there was a wait.

use std::time::Duration;

/// The CPU time so far; `None` if the system does not report it.
pub fn used() -> Option<Duration> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    times.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
