//! acl: every command with every option of COMMAND DOCS, by users with permission to read, to
//! write, or neither; alone, in a transaction, in a script and in a function. Checks the replies,
//! and what the server logs.
//!
//! The lines are made from the server's own description (grammar.rs), so a new option is covered as
//! soon as the command table has it, and a new command fails the test until [`RIGHTS`] has it. The
//! permission that a command needs is written by hand: ACL DRYRUN is what is tested.

use std::collections::BTreeMap;

use support::{Client, Reply, Server, fingerprint};

use crate::grammar::{KEY, Line, SIBLING, commands, lines};

/// A state that none of the users may access.
const FORBIDDEN: &str = "admin:1";
const SECRET: &str = "eyJhbGciOiJIUzI1NiJ9";

const SCHEMA: &str = r#"{"type":"object","x-ttl":1800,"properties":{"dashboard":{"x-protected":true},
    "auth":{"type":"object","properties":{"token":{"type":"string","x-protected":true,"x-secret":true}}}}}"#;
const DOCUMENT: &str =
    r#"{"dashboard":{"balance":1.10},"auth":{"token":"eyJhbGciOiJIUzI1NiJ9"},"current":{"path":"menu"}}"#;

/// The permission that a command needs for its key.
#[derive(Clone, Copy, PartialEq)]
enum Right {
    Read,
    /// Write permission includes reading, since an error shows parts of the state.
    Write,
    /// The command has no key: only the command itself can be denied.
    NoKey,
    /// An internal command of the server.
    Internal,
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
    ("state.effect", Right::Internal),
    ("state.schemaeffect", Right::Internal),
];

/// The users and their permissions.
#[derive(Clone, Copy, Debug, PartialEq)]
enum User {
    Reader,
    Writer,
    /// Flow code: everything except protected members.
    Flow,
    /// The same, and siblings too, without reading them.
    Aligner,
    /// Siblings only.
    Stranger,
    /// All keys, and none of the module's commands.
    Idler,
}

const USERS: [(User, &str); 6] = [
    (User::Reader, "%R~channel:* +@all"),
    (User::Writer, "%W~channel:* +@all"),
    (User::Flow, "~channel:* +@all -state.setprotected"),
    (User::Aligner, "~channel:* %W~token:* +@all -state.setprotected"),
    (User::Stranger, "~token:* +@all"),
    (User::Idler, "~* +multi +exec +eval +fcall"),
];

impl User {
    fn may(self, line: &Line, right: Right) -> bool {
        match self {
            User::Idler => false,
            // FORCE could let the schema be set again without protection, and no user here may
            // write protected members of all keys.
            _ if line.command == "state.schema|del" && line.has("FORCE") => false,
            _ if right == Right::NoKey => true,
            _ if right == Right::Internal => false,
            User::Reader => right == Right::Read,
            User::Flow => !line.has("STATE.SETPROTECTED") && !line.has("ALL") && !line.has("ALIGN"),
            User::Aligner => !line.has("STATE.SETPROTECTED") && !line.has("ALL"),
            User::Writer | User::Stranger => false,
        }
    }
}

/// A server with the state, its sibling and the forbidden state.
fn server() -> (Server, Client) {
    let server = Server::builder().without_schemas().arg("--loglevel").arg("warning").start();
    let mut client = server.client();
    client.ok(&["FUNCTION", "LOAD", CALLER]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rules", SCHEMA]);
    for (user_kind, rules) in USERS {
        let name = format!("{user_kind:?}");
        let begin = ["ACL", "SETUSER", &name, "reset", "on", "nopass"];
        client.ok(&begin.into_iter().chain(rules.split(' ')).collect::<Vec<_>>());
    }
    (server, client)
}

/// A function that runs the command in its arguments.
const CALLER: &str = "#!lua name=bot\nredis.register_function('call', function(keys, args) return redis.pcall(unpack(args)) end)";

/// Restores the initial data.
fn set_up(client: &mut Client) {
    // Some servers free the old data on another thread, and count it until then.
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

/// The line alone, in a transaction, in a script and in a function; the last reply is the line's.
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

/// Whether the reply denies permission.
fn is_forbidden(reply: &Reply) -> bool {
    // A script's error has another text, which depends on the server.
    let in_scripts = ["The user executing the script can't", "ACL failure in script: "];
    matches!(reply, Reply::Error(line) if line.starts_with("NOPERM ") || in_scripts.iter().any(|said| line.contains(said)))
}

/// A connection as a user without a password.
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
    // Newer servers hide internal commands.
    let mut told =
        rights.iter().filter(|(name, right)| **right != Right::Internal || commands.contains(**name));
    assert!(commands.iter().eq(told.by_ref().map(|(name, _)| name)), "RIGHTS has every command");
    let lines = lines(&mut client);
    assert!(lines.len() > 130, "{} lines", lines.len());
    for (user_kind, _) in USERS {
        let mut user = as_user(&server, &format!("{user_kind:?}"));
        for line in &lines {
            set_up(&mut client);
            let before = fingerprint(&mut client);
            let may = user_kind.may(line, rights[line.command.as_str()]);
            for way in WAYS {
                let sent = line.sent();
                let reply = answer(&mut user, way, &sent);
                assert_eq!(is_forbidden(&reply), !may, "{user_kind:?} {way:?} {sent:?}: {reply}");
                assert!(!reply.to_string().contains(SECRET), "{user_kind:?} {way:?} {sent:?}: {reply}");
            }
            if !may {
                assert_eq!(fingerprint(&mut client), before, "{user_kind:?} {:?}", line.sent());
            }
        }
    }
    println!("acl: {} lines by {} users in {} ways", lines.len(), USERS.len(), WAYS.len());
}

/// Whatever the result of a command with a secret, alone or in a transaction: SLOWLOG and MONITOR
/// mask it for users without permission to read states. Arguments of scripts are shown, as
/// docs/guarantees.md says.
#[test]
fn no_log_shows_a_secret_argument() {
    let (server, mut client) = server();
    for (name, value) in [("slowlog-log-slower-than", "0"), ("slowlog-max-len", "1000000")] {
        client.ok(&["CONFIG", "SET", name, value]);
    }
    client.ok(&["ACL", "SETUSER", "Watcher", "reset", "on", "nopass", "+slowlog", "+monitor", "+echo"]);
    let [mut watcher, mut monitor] = [(); 2].map(|()| as_user(&server, "Watcher"));
    monitor.ok(&["MONITOR"]);
    let lines: Vec<Vec<String>> = lines(&mut client).iter().filter_map(with_secret).collect();
    assert!(lines.len() > 40, "{} lines", lines.len());
    for (user_kind, _) in USERS {
        let mut user = as_user(&server, &format!("{user_kind:?}"));
        for line in &lines {
            set_up(&mut client);
            for way in &WAYS[..2] {
                answer(&mut user, way, line);
            }
        }
    }
    let slow = watcher.ok(&["SLOWLOG", "GET", "-1"]);
    let slow = slow.array().iter().map(Reply::to_string).collect();
    watcher.ok(&["ECHO", "end of commands"]);
    let told = std::iter::repeat_with(|| monitor.read().to_string());
    let told: Vec<String> = told.take_while(|line| !line.contains("end of commands")).collect();
    for (log, lines) in [("SLOWLOG", slow), ("MONITOR", told)] {
        let shown = lines.iter().find(|line| line.contains(SECRET));
        assert_eq!(shown, None, "{log}");
        for command in ["STATE.UPDATE", "STATE.SETPROTECTED", "STATE.VALIDATE"] {
            let is_there = |line: &&String| line.contains(command) && line.contains("(redacted)");
            assert!(lines.iter().any(|line| is_there(&line)), "{log} has {command}");
        }
    }
}

/// The line with a secret in its JSON, if that is a change or a document.
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

/// Keywords that the server searches for before a key, at any position (they are compared up to a
/// NUL).
const HIDDEN: [&str; 4] = ["ALIGN", "audit", "Align\0x", "AUDIT\0"];

/// No argument hides a key from the ACL, neither as a replacement nor inserted.
#[test]
fn no_argument_hides_a_key() {
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
                is_denied(&mut user, &sent);
                if line.words.get(at).is_some_and(|word| word.is_text) {
                    // Instead of the text itself, with and without an allowed key after it.
                    sent.remove(at + 2);
                    is_denied(&mut user, &sent);
                    sent.remove(at + 1);
                    is_denied(&mut user, &sent);
                }
            }
        }
    }
    assert_eq!(fingerprint(&mut client), before);
}

#[track_caller]
fn is_denied(user: &mut Client, sent: &[String]) {
    for way in WAYS {
        let reply = answer(user, way, sent);
        assert!(matches!(reply, Reply::Error(_)), "{way:?} {sent:?}: {reply}");
    }
}
