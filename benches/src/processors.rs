//! A CPU for the load generator, and the others for the servers.
//!
//! The system often wakes a server on the CPU of the client, where it waits milliseconds for the
//! client's time slice to end while another CPU is idle: reads beside updates of 0.08 ms then have
//! a p99 of 1.8 ms, and of 0.15 ms if separated. By taskset, which every Linux has: a crate would
//! pin the threads and not the child processes. Without taskset, or with one CPU, nothing is
//! separated.

use std::process::Command;
use std::sync::OnceLock;

static OF_SERVERS: OnceLock<Vec<String>> = OnceLock::new();

/// Keeps this program, with threads started later, on its first CPU, and the servers off it.
pub fn keep_apart() {
    let words = keep_on_first().map(|rest| ["taskset".to_owned(), "-c".to_owned(), rest].to_vec());
    let _asked_twice = OF_SERVERS.set(words.unwrap_or_default());
}

/// The prefix of the command line that starts a server.
pub fn of_servers() -> &'static [String] {
    OF_SERVERS.get().map_or(&[], Vec::as_slice)
}

/// The CPUs left for servers, in taskset's notation.
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

/// The first CPU of `pid 7's current affinity list: 0-3`, and the others; `None` if there is only
/// one.
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
    fn first_cpu_is_the_benchs_and_the_others_are_the_servers() {
        let split = |list: &str| first_and_rest(&format!("pid 7's current affinity list: {list}\n"));
        let apart = |first: &str, rest: &str| Some((first.to_owned(), rest.to_owned()));
        assert_eq!(split("0,1"), apart("0", "1"));
        assert_eq!(split("0-3"), apart("0", "1,2,3"));
        assert_eq!(split("2,4-5,9"), apart("2", "4,5,9"));
        assert_eq!(split("3"), None);
        assert_eq!(split("all of them"), None);
    }
}
