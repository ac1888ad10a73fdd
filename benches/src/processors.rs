//! A processor for the load generator, and others for the servers.
//!
//! Left to the system, a server is often woken on the processor of who sent the request, and waits there until that one's slice of time
//! is over, for milliseconds, while another processor has nothing to do: reads beside updates of 0.08 ms then have a p99 of 1.8 ms,
//! and of 0.15 where they are kept apart. It is done by taskset, which is on every Linux: a crate for it would pin our threads and not
//! our children. Where there is no taskset, or one processor only, nothing is kept apart.

use std::process::Command;
use std::sync::OnceLock;

static OF_SERVERS: OnceLock<Vec<String>> = OnceLock::new();

/// Keeps this program on its first processor from now on, threads that it starts later included, and servers off it.
pub fn keep_apart() {
    let words = keep_on_first().map(|rest| ["taskset".to_owned(), "-c".to_owned(), rest].to_vec());
    let _asked_twice = OF_SERVERS.set(words.unwrap_or_default());
}

/// What stands before the words that start a server.
pub fn of_servers() -> &'static [String] {
    OF_SERVERS.get().map_or(&[], Vec::as_slice)
}

/// The processors that are left for servers, as taskset names them.
fn keep_on_first() -> Option<String> {
    let me = std::process::id().to_string();
    let (first, rest) = first_and_rest(&taskset(&["-pc", &me])?)?;
    taskset(&["-pc", &first, &me])?;
    Some(rest)
}

fn taskset(args: &[&str]) -> Option<String> {
    let done = Command::new("taskset").args(args).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}

/// The first processor of `pid 7's current affinity list: 0-3`, and the others; `None` when there is one only.
fn first_and_rest(told: &str) -> Option<(String, String)> {
    let (_, list) = told.rsplit_once(": ")?;
    let mut processors = Vec::new();
    for range in list.trim().split(',') {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        processors.extend(from.parse::<u16>().ok()?..=to.parse().ok()?);
    }
    let (first, rest) = processors.split_first().filter(|(_, rest)| !rest.is_empty())?;
    Some((first.to_string(), rest.iter().map(u16::to_string).collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests {
    use super::first_and_rest;

    #[test]
    fn the_first_processor_is_ours_and_the_others_are_the_servers() {
        let split = |list: &str| first_and_rest(&format!("pid 7's current affinity list: {list}\n"));
        let apart = |first: &str, rest: &str| Some((first.to_owned(), rest.to_owned()));
        assert_eq!(split("0,1"), apart("0", "1"));
        assert_eq!(split("0-3"), apart("0", "1,2,3"));
        assert_eq!(split("2,4-5,9"), apart("2", "4,5,9"));
        assert_eq!(split("3"), None);
        assert_eq!(split("all of them"), None);
    }
}
