//! A server under valgrind's memcheck, and its reports.
//!
//! Memcheck reports each invalid read, write and free, and each leak, with a stack. A report is the
//! module's when a call of its stack, or of the stack that allocated or freed the block, is the
//! module's. The server's own reports are only counted. There is no suppression list: Redis's
//! covers its own sources only.
//!
//! In this build the module keeps no freed blocks (src/server/ffi/alloc.rs), so that every block is
//! the server allocator's, which memcheck replaces. Not sanitizers, because they need a nightly
//! compiler and a special build of the server.

use std::collections::BTreeMap;
use std::time::Duration;

use tempfile::TempDir;

use crate::builder::Builder;
use crate::server::Server;

/// Everything is slower, above all the leak search at the end.
const TIMEOUT: Duration = Duration::from_secs(240);

/// A server that runs under memcheck.
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
            // Debian's server uses jemalloc as a shared library.
            "--soname-synonyms=somalloc=*jemalloc*",
            "--leak-check=full",
            // Blocks that statics point to are not leaks. A block with interior pointers only is
            // "possibly lost", as are the server's strings and Rust's maps.
            "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite",
            // Uninitialized bytes are mostly noticed when the server sends them: this names their
            // origin.
            "--track-origins=yes",
            // Deep enough from the server's main() to the module's innermost call.
            "--num-callers=60",
            "--error-limit=no",
            // Otherwise it leaves files for a debugger in /tmp.
            "--vgdb=no",
        ];
        let words = words.map(str::to_owned).into_iter().chain([format!("--log-file={}", log.display())]);
        let builder = builder.under(words.collect()).environment("REDIS_STATE_KEEP_NO_BLOCKS", "1");
        Memcheck { server: builder.timeout(TIMEOUT).start(), logs }
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Shuts the server down cleanly, so that memcheck searches for leaks, and reads the reports.
    #[track_caller]
    pub fn end(mut self) -> Reports {
        let pid = self.server.pid();
        self.server.shut_down();
        let log = std::fs::read_to_string(self.logs.path().join(format!("{pid}.log"))).expect("its log");
        Reports::read(&log, pid)
    }
}

/// The reports of one run.
pub struct Reports {
    /// The text of each report.
    pub ours: Vec<String>,
    pub of_the_server: u64,
}

impl Reports {
    /// Fails the test when a report is the module's.
    #[track_caller]
    pub fn assert_none_of_the_module(&self) {
        assert!(self.ours.is_empty(), "memcheck reports of the module:\n{}", self.ours.join("\n\n"));
    }

    /// The log also has the reports of child processes that write a file, each line with its
    /// process ID; they count too.
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
        let main = of.get(&pid).unwrap_or_else(|| panic!("memcheck has no report: {log}"));
        // A parser that finds too few records would hide reports.
        assert_eq!(found(main).len(), contexts(main), "each record is found: {log}");
        let all: Vec<String> = of.values().flat_map(|text| found(text)).collect();
        let (ours, others): (Vec<String>, Vec<String>) = all.into_iter().partition(|record| is_ours(record));
        Reports { ours, of_the_server: others.len() as u64 }
    }
}

/// Paragraphs with a stack.
fn records(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter(|paragraph| calls(paragraph).next().is_some())
}

fn calls(record: &str) -> impl Iterator<Item = &str> {
    record.lines().filter(|line| line.starts_with("at 0x") || line.starts_with("by 0x"))
}

/// The module is the only Rust code in the process; crates without line tables show as the library.
fn is_ours(record: &str) -> bool {
    // Uninitialized bytes belong to their origin, not to the code that reads them: the server's
    // compression reads its own uninitialized table when it saves the module's data.
    let made = record.find(" value was created by ");
    calls(&record[made.unwrap_or(0)..]).any(|call| call.contains(".rs:") || call.contains("libredis_state."))
}

/// The number of records, from the last line: `ERROR SUMMARY: 5 errors from 3 contexts (…)`.
#[track_caller]
fn contexts(text: &str) -> usize {
    let summary = text.lines().find_map(|line| line.strip_prefix("ERROR SUMMARY: "));
    let summary = summary.unwrap_or_else(|| panic!("the server did not shut down cleanly: {text}"));
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
    fn reports_of_the_module_are_recognized_by_their_stack() {
        let reports = Reports::read(CHILD_BETWEEN, 7);
        let first = |record: &String| record.lines().next().unwrap_or_default().to_owned();
        let ours: Vec<String> = reports.ours.iter().map(first).collect();
        let read = "Invalid read of size 1";
        let sent = "Syscall param write(buf) points to uninitialised byte(s)";
        assert_eq!(ours, [read, sent, "Invalid write of size 8"]);
        assert_eq!(reports.of_the_server, 1);
    }

    #[test]
    #[should_panic(expected = "the server did not shut down cleanly")]
    fn log_without_a_summary_fails() {
        Reports::read(CHILD_BETWEEN.split("==7== ERROR SUMMARY").next().unwrap_or_default(), 7);
    }

    #[test]
    #[should_panic(expected = "each record is found")]
    fn record_that_is_not_parsed_fails() {
        Reports::read(&CHILD_BETWEEN.replace("from 3 contexts", "from 4 contexts"), 7);
    }
}
