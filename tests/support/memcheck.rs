//! A server under valgrind's memcheck, and what memcheck has to say about it.
//!
//! Whatever is read, written, freed or lost wrongly in the process is reported, with the calls that led there. A report is ours
//! when one of these calls, or of those that took or freed the block in question, is the module's. The others are the server's
//! own, and are counted. No list of reports to be passed over is kept: the one that Redis has is for its own sources.
//!
//! The module is told to keep no freed blocks (src/server/ffi/alloc.rs), so that each of its blocks is one of the server's
//! allocator, which memcheck replaces by its own. Sanitizers were rejected: they need a nightly compiler, and a server built
//! with them, not the one that people run.

use std::collections::BTreeMap;
use std::time::Duration;

use tempfile::TempDir;

use crate::builder::Builder;
use crate::server::Server;

/// Nothing is as fast as usual, least of all the search for lost blocks at the end.
const PATIENCE: Duration = Duration::from_secs(240);

/// A server that memcheck watches.
pub struct Memcheck {
    server: Server,
    logs: TempDir,
}

impl Memcheck {
    pub fn start(builder: Builder) -> Memcheck {
        let logs = tempfile::Builder::new().prefix("redis-state-memcheck-").tempdir().expect("a folder");
        let log = logs.path().join("%p.log");
        let words = [
            "valgrind",
            "--tool=memcheck",
            // Debian's server takes its memory from a library of its own, jemalloc.
            "--soname-synonyms=somalloc=*jemalloc*",
            "--leak-check=full",
            // Whatever a static points to is there until the end. Tables and texts that a pointer points into, not to the
            // beginning of, are "possibly lost": that is how both the server's strings and our maps are made.
            "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite",
            // Bytes that were never written are mostly noticed when the server sends them: it says who made them.
            "--track-origins=yes",
            // From the server's main() to the innermost of ours.
            "--num-callers=60",
            "--error-limit=no",
            // Else there are files in /tmp for a debugger.
            "--vgdb=no",
        ];
        let words = words.map(str::to_owned).into_iter().chain([format!("--log-file={}", log.display())]);
        let builder = builder.under(words.collect()).environment("REDIS_STATE_KEEP_NO_BLOCKS", "1");
        Memcheck { server: builder.patience(PATIENCE).start(), logs }
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Shuts the server down in order, so that lost blocks are searched for, and reads what memcheck says.
    #[track_caller]
    pub fn end(mut self) -> Reports {
        let pid = self.server.pid();
        self.server.shut_down();
        let log = std::fs::read_to_string(self.logs.path().join(format!("{pid}.log"))).expect("its log");
        Reports::read(&log, pid)
    }
}

/// What memcheck has reported.
pub struct Reports {
    /// Word for word.
    pub ours: Vec<String>,
    pub of_the_server: u64,
}

impl Reports {
    /// Fails the test when one is ours.
    #[track_caller]
    pub fn none_is_ours(&self) {
        assert!(self.ours.is_empty(), "memcheck reports of the module:\n{}", self.ours.join("\n\n"));
    }

    /// Children that write a file are in the log too, each line with the number of its process; what they found is as good.
    #[track_caller]
    fn read(log: &str, pid: u32) -> Reports {
        let mut of: BTreeMap<u32, String> = BTreeMap::new();
        for line in log.lines() {
            let Some((process, said)) = line.strip_prefix("==").and_then(|line| line.split_once("==")) else {
                continue;
            };
            let Ok(process) = process.parse() else { continue };
            let text = of.entry(process).or_default();
            text.push_str(said.trim());
            text.push('\n');
        }
        let found = |text: &str| records(text).map(str::to_owned).collect::<Vec<_>>();
        let main = of.get(&pid).unwrap_or_else(|| panic!("memcheck says nothing: {log}"));
        // Of a log that is read wrongly nothing else would be noticed.
        assert_eq!(found(main).len(), contexts(main), "each record is found: {log}");
        let all: Vec<String> = of.values().flat_map(|text| found(text)).collect();
        let (ours, others): (Vec<String>, Vec<String>) = all.into_iter().partition(|record| is_ours(record));
        Reports { ours, of_the_server: others.len() as u64 }
    }
}

/// Paragraphs with calls in them.
fn records(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter(|paragraph| calls(paragraph).next().is_some())
}

fn calls(record: &str) -> impl Iterator<Item = &str> {
    record.lines().filter(|line| line.starts_with("at 0x") || line.starts_with("by 0x"))
}

/// Nothing else in the process is written in Rust; of crates without line tables the library is named.
fn is_ours(record: &str) -> bool {
    // Bytes that were never written are of whoever made them, not of whoever made the server look at them: the table with which
    // it compresses what we save is one of its own.
    let made = record.find(" value was created by ");
    calls(&record[made.unwrap_or(0)..]).any(|call| call.contains(".rs:") || call.contains("libredis_state."))
}

/// How many records there are, as the last line says: `ERROR SUMMARY: 5 errors from 3 contexts (…)`.
#[track_caller]
fn contexts(text: &str) -> usize {
    let summary = text.lines().find_map(|line| line.strip_prefix("ERROR SUMMARY: "));
    let summary = summary.unwrap_or_else(|| panic!("the server has not ended in order: {text}"));
    let words: Vec<&str> = summary.split(' ').collect();
    words[3].parse().expect("a number of contexts")
}

#[cfg(test)]
mod tests {
    use super::Reports;

    const CHILD_BETWEEN: &str = "==7== Memcheck, a memory error detector
==7== Command: redis-server --port 7000
==7==
==7== Invalid read of size 1
==7==    at 0x68E1010: redis_state::command::get::run (get.rs:71)
==9== Invalid write of size 8
==9==    at 0x1849B3: rdbSaveRio (in /usr/bin/redis-server)
==7==    by 0x169215: main (in /usr/bin/redis-server)
==7==  Address 0x77 is 0 bytes after a block of size 77 alloc'd
==7==    at 0x48417B4: malloc (in /usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so)
==7==
==9==    by 0x68D79D4: ??? (in /usr/lib/libredis_state.so)
==9==
==7== Conditional jump or move depends on uninitialised value(s)
==7==    at 0x1849B3: lzf_compress (in /usr/bin/redis-server)
==7==    by 0x68D79D4: redis_state::server::persistence::rdb_save (persistence.rs:81)
==7==  Uninitialised value was created by a stack allocation
==7==    at 0x1848E8: lzf_compress (in /usr/bin/redis-server)
==7==
==7== Syscall param write(buf) points to uninitialised byte(s)
==7==    at 0x4A1B2C3: write (write.c:26)
==7==  Uninitialised value was created by a heap allocation
==7==    at 0x68D79D4: redis_state::command::get::run (get.rs:60)
==7==
==7== LEAK SUMMARY:
==7==    definitely lost: 0 bytes in 0 blocks
==7==
==7== ERROR SUMMARY: 5 errors from 3 contexts (suppressed: 0 from 0)
";

    #[test]
    fn what_is_ours_is_told_by_the_calls() {
        let reports = Reports::read(CHILD_BETWEEN, 7);
        let first = |record: &String| record.lines().next().unwrap_or_default().to_owned();
        let ours: Vec<String> = reports.ours.iter().map(first).collect();
        let read = "Invalid read of size 1";
        let sent = "Syscall param write(buf) points to uninitialised byte(s)";
        assert_eq!(ours, [read, sent, "Invalid write of size 8"]);
        assert_eq!(reports.of_the_server, 1);
    }

    #[test]
    #[should_panic(expected = "the server has not ended in order")]
    fn a_log_without_an_end_is_no_proof() {
        Reports::read(CHILD_BETWEEN.split("==7== ERROR SUMMARY").next().unwrap_or_default(), 7);
    }

    #[test]
    #[should_panic(expected = "each record is found")]
    fn a_record_that_is_not_found_is_missed() {
        Reports::read(&CHILD_BETWEEN.replace("from 3 contexts", "from 4 contexts"), 7);
    }
}
