//! The state of a server before and after a failing command, which must not change it.
//!
//! The servers of these tests write an AOF, whose size shows whether a command has replicated
//! anything. Not the replication offset, which stays 0 without a replica; `replication.rs` checks
//! it.

use support::{Client, Fingerprint, Server, fingerprint};

pub const KEY: &str = "channel:+263771234567";
pub const AUDIT: &str = "{channel:+263771234567}:audit";

/// A state of the bot in the middle of an offer, as canonical text.
pub const OFFER: &str = concat!(
    r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"},"dashboard":{"member":{"memberID":"#,
    r#""mem_49d439536b32","firstname":"Tariro","memberTier":1},"accounts":[{"accountID":"acc_7d1f","#,
    r#""accountName":"Tariro Moyo","balanceData":{"unsecured":"812.50"}}]},"current":{"path":"offer","#,
    r#""component":"AmountInput","awaiting_input":true,"data":{"amount":12.50}}}"#
);

/// A server that writes an AOF, without a schema, with [`OFFER`] at [`KEY`].
pub fn server_with_an_offer() -> (Server, Client) {
    let builder = Server::builder().without_schemas().arg("--appendonly").arg("yes");
    let server = builder.arg("--appendfsync").arg("no").start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    (server, client)
}

/// A number in INFO.
#[track_caller]
pub fn number(client: &mut Client, section: &str, name: &str) -> i64 {
    client.info(section, name).parse().expect("a number in INFO")
}

/// Entries of an audit stream as `(field, value)` lists, oldest first.
#[track_caller]
pub fn audit_entries(client: &mut Client, stream: &str) -> Vec<Vec<(String, String)>> {
    let entries = client.ok(&["XRANGE", stream, "-", "+"]);
    let fields = |entry: &support::Reply| {
        let words = entry.array()[1].array();
        words.chunks(2).map(|pair| (pair[0].text().to_owned(), pair[1].text().to_owned())).collect()
    };
    entries.array().iter().map(fields).collect()
}

/// The value of a field of an audit entry.
pub fn field<'e>(entry: &'e [(String, String)], name: &str) -> Option<&'e str> {
    entry.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// The values of one field in all entries of an audit stream; `-` where an entry has none.
#[track_caller]
pub fn audit_values(client: &mut Client, stream: &str, name: &str) -> Vec<String> {
    audit_entries(client, stream).iter().map(|entry| field(entry, name).unwrap_or("-").to_owned()).collect()
}

/// What a failing command must not change.
#[derive(Debug, PartialEq)]
pub struct Baseline {
    run_id: String,
    pid: u32,
    data: Fingerprint,
    keys: i64,
    /// Entries in all audit streams together.
    entries: i64,
    /// Bytes of the AOF, as a measure of replication.
    written: i64,
    panics: i64,
}

/// Bytes of the AOF; -1 without an AOF.
#[track_caller]
fn written(client: &mut Client) -> i64 {
    match number(client, "persistence", "aof_enabled") {
        1 => number(client, "persistence", "aof_current_size"),
        _ => -1,
    }
}

impl Baseline {
    #[track_caller]
    pub fn of(server: &Server, client: &mut Client) -> Baseline {
        let mut data = fingerprint(client);
        let streams: Vec<String> = data.keys().filter(|name| name.ends_with(":audit")).cloned().collect();
        let mut entries = 0;
        for name in streams {
            let stream = name.trim_start_matches("0 ");
            if client.text(&["TYPE", stream]) == "stream" {
                entries += client.ok(&["XLEN", stream]).int();
                data.remove(&name);
            }
        }
        Baseline {
            run_id: client.info("server", "run_id"),
            pid: server.pid(),
            data,
            keys: client.ok(&["DBSIZE"]).int(),
            entries,
            written: written(client),
            panics: number(client, "state", "state_panics"),
        }
    }

    /// Nothing has changed.
    #[track_caller]
    pub fn is_unchanged(&self, server: &Server, client: &mut Client, what: &str) {
        assert_eq!(&Baseline::of(server, client), self, "after {what}");
    }

    /// Nothing has changed but for one audit entry, which is replicated.
    #[track_caller]
    pub fn is_unchanged_but_for_one_audit_entry(&self, server: &Server, client: &mut Client, what: &str) {
        let now = Baseline::of(server, client);
        assert_eq!(now.entries, self.entries + 1, "one audit entry after {what}");
        assert!(self.written == -1 || now.written > self.written, "the entry is replicated after {what}");
        let (entries, written) = (self.entries, self.written);
        assert_eq!(&Baseline { entries, written, ..now }, self, "after {what}");
    }

    /// The same server process with the same data; it may have replicated something in between.
    #[track_caller]
    pub fn has_the_data_of(self, before: &Baseline) {
        assert_eq!(&Baseline { written: before.written, ..self }, before);
    }
}

/// Errors that the audit stream of an existing state records.
const RECORDED: [&str; 5] = ["INVALID", "BADPATCH", "TOOBIG", "TOODEEP", "TOOCOSTLY"];

/// Sends a command that must fail with `prefix` (or one of several, `BADPATCH|TOOBIG`), and checks
/// that nothing has changed but the audit stream, where documented. Returns the error line.
#[track_caller]
pub fn rejected<A: AsRef<[u8]>>(server: &Server, client: &mut Client, args: &[A], prefix: &str) -> String {
    let before = Baseline::of(server, client);
    let shown: Vec<String> = args.iter().map(|arg| shortened(arg.as_ref())).collect();
    let shown = shown.join(" ");
    let line = match client.call(args) {
        support::Reply::Error(line) => line,
        reply => panic!("{shown} answered {reply:?}, not {prefix}"),
    };
    let word = line.split(' ').next().unwrap_or_default();
    let begins =
        |prefix: &str| line.strip_prefix(prefix).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    let known = prefix.split('|').any(begins);
    assert!(known, "{shown} answered {line:?}, not {prefix}");
    assert!(!line.contains(char::is_control), "{shown}: a control character in {line:?}");
    // A line break inside the error would show here, as an extra reply.
    assert_eq!(client.text(&["ECHO", "in step"]), "in step", "after {shown}");
    if RECORDED.contains(&word) && Baseline::of(server, client).entries != before.entries {
        before.is_unchanged_but_for_one_audit_entry(server, client, &shown);
    } else {
        before.is_unchanged(server, client, &shown);
    }
    line
}

fn shortened(arg: &[u8]) -> String {
    let text = String::from_utf8_lossy(&arg[..arg.len().min(80)]).into_owned();
    if arg.len() > 80 { format!("{text}… ({} bytes)", arg.len()) } else { text }
}
