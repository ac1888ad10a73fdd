//! acl: every command with every option, as COMMAND DOCS tells them, by users who may read, write, or neither; alone, in a
//! transaction, in a script and in a function. What it says to them, and what the server's own logs say of them.
//!
//! The lines are made from the server's own description (grammar.rs), so a new option is in here as soon as it is in the command
//! table, and a new command fails the test until [`RIGHTS`] knows it. What a command needs is written down by hand: asking ACL
//! DRYRUN for it would be asking the judged.

use std::collections::BTreeMap;

use support::{Client, Reply, Server, fingerprint};

use crate::grammar::{KEY, Line, SIBLING, commands, lines};

/// A state that none of the users may touch.
const FORBIDDEN: &str = "admin:1";
const SECRET: &str = "eyJhbGciOiJIUzI1NiJ9";

const SCHEMA: &str = r#"{"type":"object","x-ttl":1800,"properties":{"dashboard":{"x-protected":true},
    "auth":{"type":"object","properties":{"token":{"type":"string","x-protected":true,"x-secret":true}}}}}"#;
const DOCUMENT: &str =
    r#"{"dashboard":{"balance":1.10},"auth":{"token":"eyJhbGciOiJIUzI1NiJ9"},"current":{"path":"menu"}}"#;

/// What a command needs of its key.
#[derive(Clone, Copy, PartialEq)]
enum Right {
    Read,
    /// And to write: who may write may read, since a refusal tells what is there.
    Write,
    /// It has no key: only the command itself can be withheld.
    NoKey,
    /// It is the server's own.
    Nobody,
}

const RIGHTS: [(&str, Right); 26] = [
    ("state.get", Right::Read),
    ("state.meta", Right::Read),
    ("state.history", Right::Read),
    ("state.diff", Right::Read),
    ("state.attempts", Right::Read),
    ("state.wait", Right::Read),
    ("state.update", Right::Write),
    ("state.setprotected", Right::Write),
    ("state.rollback", Right::Write),
    ("state.reset", Right::Write),
    ("state.recover", Right::Write),
    ("state.attempt", Right::Write),
    ("state.touch", Right::Write),
    ("state.delete", Right::Write),
    ("state.validate", Right::NoKey),
    ("state.help", Right::NoKey),
    ("state.schema", Right::NoKey),
    ("state.schema|set", Right::NoKey),
    ("state.schema|get", Right::NoKey),
    ("state.schema|list", Right::NoKey),
    ("state.schema|del", Right::NoKey),
    ("state.schema|bind", Right::NoKey),
    ("state.schema|unbind", Right::NoKey),
    ("state.schema|help", Right::NoKey),
    ("state.effect", Right::Nobody),
    ("state.schemaeffect", Right::Nobody),
];

/// What each may do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Reader,
    Writer,
    /// The code of the flows: everything but what is protected.
    Flow,
    /// The same, and siblings too, which it need not read.
    Aligner,
    /// Siblings alone.
    Stranger,
    /// All keys, no command of ours.
    Idler,
}

const USERS: [(Who, &str); 6] = [
    (Who::Reader, "%R~channel:* +@all"),
    (Who::Writer, "%W~channel:* +@all"),
    (Who::Flow, "~channel:* +@all -state.setprotected"),
    (Who::Aligner, "~channel:* %W~token:* +@all -state.setprotected"),
    (Who::Stranger, "~token:* +@all"),
    (Who::Idler, "~* +multi +exec +eval +fcall"),
];

impl Who {
    fn may(self, line: &Line, right: Right) -> bool {
        match self {
            Who::Idler => false,
            // The schema of the state could be set anew without guards, and no user here may write protected members of all keys.
            _ if line.command == "state.schema|del" && line.has("FORCE") => false,
            _ if right == Right::NoKey => true,
            _ if right == Right::Nobody => false,
            Who::Reader => right == Right::Read,
            Who::Flow => !line.has("STATE.SETPROTECTED") && !line.has("ALL") && !line.has("ALIGN"),
            Who::Aligner => !line.has("STATE.SETPROTECTED") && !line.has("ALL"),
            Who::Writer | Who::Stranger => false,
        }
    }
}

/// A server with the state, its sibling and the state that nobody may touch.
fn server() -> (Server, Client) {
    let server = Server::builder().without_schemas().arg("--loglevel").arg("warning").start();
    let mut client = server.client();
    client.ok(&["FUNCTION", "LOAD", CALLER]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", SCHEMA]);
    for (who, rules) in USERS {
        let name = format!("{who:?}");
        let begin = ["ACL", "SETUSER", &name, "reset", "on", "nopass"];
        client.ok(&begin.into_iter().chain(rules.split(' ')).collect::<Vec<_>>());
    }
    (server, client)
}

/// A function that calls what it is given.
const CALLER: &str = "#!lua name=bot\nredis.register_function('call', function(keys, args) return redis.pcall(unpack(args)) end)";

/// Puts everything in place anew.
fn set_up(client: &mut Client) {
    // Some servers free what was there on a thread of their own, and count it until then.
    client.ok(&["FLUSHALL", "SYNC"]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", SCHEMA]);
    for key in [KEY, FORBIDDEN] {
        client.ok(&[
            "STATE.SETPROTECTED",
            key,
            "0",
            DOCUMENT,
            "SCHEMA",
            "vimbiso.rules",
            "LABEL",
            "vimbiso.rules",
        ]);
        client.ok(&["STATE.UPDATE", key, "1", r#"{"current":{"path":"login"}}"#, "PERSIST"]);
    }
    client.ok(&["SET", SIBLING, "tok_a4c1"]);
}

/// The line alone, in a transaction, in a script and in a function; the last reply of each is what it said.
const WAYS: [&[&str]; 4] =
    [&[], &["MULTI"], &["EVAL", "return redis.pcall(unpack(ARGV))", "0"], &["FCALL", "call", "0"]];

fn answer(user: &mut Client, way: &[&str], line: &[String]) -> Reply {
    if way == ["MULTI"] {
        user.ok(way);
        let queued = user.call(line);
        let done = user.call(&["EXEC"]);
        return if matches!(queued, Reply::Error(_)) { queued } else { done.array()[0].clone() };
    }
    let begin = way.iter().map(|word| (*word).to_owned());
    user.call(&begin.chain(line.iter().cloned()).collect::<Vec<_>>())
}

/// Whether the answer is that the user may not.
fn is_forbidden(reply: &Reply) -> bool {
    // A script says it in a sentence of its own, each server in another one.
    let in_scripts = ["The user executing the script can't", "ACL failure in script: "];
    matches!(reply, Reply::Error(line) if line.starts_with("NOPERM ") || in_scripts.iter().any(|said| line.contains(said)))
}

/// A connection of a user without a password.
fn as_user(server: &Server, name: &str) -> Client {
    let mut user = server.client();
    user.ok(&["AUTH", name, ""]);
    user
}

#[test]
fn acl() {
    let (server, mut client) = server();
    let rights = BTreeMap::from(RIGHTS);
    let commands = commands(&mut client);
    // Later servers don't tell of a command that is their own.
    let mut told =
        rights.iter().filter(|(name, right)| **right != Right::Nobody || commands.contains(**name));
    assert!(commands.iter().eq(told.by_ref().map(|(name, _)| name)), "each command has its right here");
    let lines = lines(&mut client);
    assert!(lines.len() > 130, "{} lines", lines.len());
    for (who, _) in USERS {
        let mut user = as_user(&server, &format!("{who:?}"));
        for line in &lines {
            set_up(&mut client);
            let before = fingerprint(&mut client);
            let may = who.may(line, rights[line.command.as_str()]);
            for way in WAYS {
                let sent = line.sent();
                let reply = answer(&mut user, way, &sent);
                assert_eq!(is_forbidden(&reply), !may, "{who:?} {way:?} {sent:?}: {reply}");
                assert!(!reply.to_string().contains(SECRET), "{who:?} {way:?} {sent:?}: {reply}");
            }
            if !may {
                assert_eq!(fingerprint(&mut client), before, "{who:?} {:?}", line.sent());
            }
        }
    }
    println!("acl: {} lines by {} users in {} ways", lines.len(), USERS.len(), WAYS.len());
}

/// Whoever sends a secret, and whatever becomes of it, alone or in a transaction: SLOWLOG and MONITOR, as somebody sees them who
/// may read neither states nor secrets, have stars in its place. A script's arguments are shown, as docs/guarantees.md says.
#[test]
fn no_log_shows_a_secret_that_is_sent() {
    let (server, mut client) = server();
    for (name, value) in [("slowlog-log-slower-than", "0"), ("slowlog-max-len", "1000000")] {
        client.ok(&["CONFIG", "SET", name, value]);
    }
    client.ok(&["ACL", "SETUSER", "Watcher", "reset", "on", "nopass", "+slowlog", "+monitor", "+echo"]);
    let [mut watcher, mut monitor] = [(); 2].map(|()| as_user(&server, "Watcher"));
    monitor.ok(&["MONITOR"]);
    let lines: Vec<Vec<String>> = lines(&mut client).iter().filter_map(with_secret).collect();
    assert!(lines.len() > 40, "{} lines", lines.len());
    for (who, _) in USERS {
        let mut user = as_user(&server, &format!("{who:?}"));
        for line in &lines {
            set_up(&mut client);
            for way in &WAYS[..2] {
                answer(&mut user, way, line);
            }
        }
    }
    let slow = watcher.ok(&["SLOWLOG", "GET", "-1"]);
    let slow = slow.array().iter().map(Reply::to_string).collect();
    watcher.ok(&["ECHO", "that is all"]);
    let told = std::iter::repeat_with(|| monitor.read().to_string());
    let told: Vec<String> = told.take_while(|line| !line.contains("that is all")).collect();
    for (log, lines) in [("SLOWLOG", slow), ("MONITOR", told)] {
        let shown = lines.iter().find(|line| line.contains(SECRET));
        assert_eq!(shown, None, "{log}");
        for command in ["STATE.UPDATE", "STATE.SETPROTECTED", "STATE.VALIDATE"] {
            let is_there = |line: &&String| line.contains(command) && line.contains("(redacted)");
            assert!(lines.iter().any(|line| is_there(&line)), "{log} has {command}");
        }
    }
}

/// The line with a secret in its json, if it has one that is a change or a document.
fn with_secret(line: &Line) -> Option<Vec<String>> {
    let json = match line.command.as_str() {
        "state.update" | "state.setprotected" => 3,
        "state.validate" => 2,
        _ => return None,
    };
    let mut sent = line.sent();
    sent[json] = if line.has("PATCH") {
        format!(r#"[{{"op":"add","path":"/auth","value":{{"token":"{SECRET}"}}}}]"#)
    } else {
        format!(r#"{{"auth":{{"token":"{SECRET}"}}}}"#)
    };
    Some(sent)
}

/// Words that the server takes for keywords before a key, wherever they stand (they are compared up to a NUL).
const HIDDEN: [&str; 4] = ["ALIGN", "audit", "Align\0x", "AUDIT\0"];

/// A text that a caller chooses hides no key from the ACL: neither in its own place nor put in anywhere.
#[test]
fn no_text_hides_a_key() {
    let (server, mut client) = server();
    let lines = lines(&mut client);
    set_up(&mut client);
    let before = fingerprint(&mut client);
    let mut user = server.client();
    user.ok(&["AUTH", "Flow", ""]);
    let has_key = |line: &&Line| line.words.iter().any(|word| word.text == KEY);
    for line in lines.iter().filter(has_key) {
        for at in 2..=line.words.len() {
            for (hidden, allowed) in HIDDEN.iter().flat_map(|hidden| [(hidden, "channel:1"), (hidden, "1")]) {
                let mut sent: Vec<String> =
                    line.sent().iter().map(|word| word.replace(KEY, FORBIDDEN)).collect();
                sent.insert(at, allowed.to_owned());
                sent.insert(at, (*hidden).to_owned());
                is_refused(&mut user, &sent);
                if line.words.get(at).is_some_and(|word| word.is_text) {
                    // In the place of the text itself, with and without a key that is allowed behind it.
                    sent.remove(at + 2);
                    is_refused(&mut user, &sent);
                    sent.remove(at + 1);
                    is_refused(&mut user, &sent);
                }
            }
        }
    }
    assert_eq!(fingerprint(&mut client), before);
}

#[track_caller]
fn is_refused(user: &mut Client, sent: &[String]) {
    for way in WAYS {
        let reply = answer(user, way, sent);
        assert!(matches!(reply, Reply::Error(_)), "{way:?} {sent:?}: {reply}");
    }
}
