//! COMMAND INFO and DOCS of the module's commands, by which clients, proxies and clusters route.

use support::{Client, Reply, Server, words};

/// Name, arity, key position (0: none) and required flags.
const TABLE: [(&str, i64, i64, &[&str]); 11] = [
    ("state.get", -2, 1, &["readonly"]),
    ("state.update", -3, 1, &["write", "denyoom"]),
    ("state.rollback", -2, 1, &["write", "denyoom"]),
    ("state.delete", -2, 1, &["write"]),
    ("state.history", -2, 1, &["readonly"]),
    ("state.diff", -4, 1, &["readonly"]),
    ("state.meta", 2, 1, &["readonly"]),
    ("state.touch", -2, 1, &["write"]),
    ("state.wait", 4, 1, &["readonly", "blocking"]),
    ("state.validate", 3, 0, &["readonly"]),
    ("state.help", 1, 0, &[]),
];

fn words_of(reply: &Reply) -> Vec<String> {
    reply.array().iter().map(|word| word.text().to_owned()).collect()
}

#[test]
fn command_info_has_arity_flags_and_keys() {
    let server = Server::start();
    let mut client = server.client();
    for (name, arity, first_key, flags) in TABLE {
        let info = client.ok(&["COMMAND", "INFO", name]);
        let info = info.array()[0].array();
        assert_eq!(info[0].text(), name);
        assert_eq!(info[1].int(), arity, "arity of {name}");
        let told = words_of(&info[2]);
        for flag in flags {
            assert!(told.contains(&(*flag).to_owned()), "{name} is {flag}: {told:?}");
        }
        assert_ne!(
            told.contains(&"write".to_owned()),
            told.contains(&"readonly".to_owned()) || name == "state.help"
        );
        assert_eq!(info[3].int(), first_key, "first key of {name}");
    }
    let containers = client.ok(&["COMMAND", "INFO", "state.schema"]);
    let subcommands: Vec<String> = containers.array()[0].array()[9]
        .array()
        .iter()
        .map(|info| info.array()[0].text().to_owned())
        .collect();
    for name in ["set", "get", "list", "del", "help"] {
        assert!(subcommands.contains(&format!("state.schema|{name}")), "{subcommands:?}");
    }
    let set = client.ok(&["COMMAND", "INFO", "state.schema|set"]);
    assert!(words_of(&set.array()[0].array()[2]).contains(&"write".to_owned()));
}

/// Every text in a reply, at any depth, in lowercase.
fn all_words(reply: &Reply) -> Vec<String> {
    match reply {
        Reply::Array(items) => items.iter().flat_map(all_words).collect(),
        Reply::Int(_) | Reply::Nil => vec![],
        text => vec![text.text().to_lowercase()],
    }
}

#[test]
fn command_docs_cover_every_command() {
    let server = Server::start();
    let mut client = server.client();
    let names: Vec<&str> = TABLE.iter().map(|(name, ..)| *name).chain(["state.schema"]).collect();
    let docs = client.ok(&[&["COMMAND", "DOCS"][..], &names].concat());
    for name in names {
        let page = docs.field(name);
        assert!(page.field("summary").text().len() > 10, "{name} has a summary");
        assert_eq!(page.field("group").text(), "module");
        assert_eq!(page.field("since").text().split('.').count(), 3, "{name} has a version");
        if name != "state.schema" {
            assert!(page.field("complexity").text().starts_with("O("), "{name} has a complexity");
        }
        if !["state.help", "state.schema"].contains(&name) {
            assert!(!page.field("arguments").array().is_empty(), "{name} documents its arguments");
        }
    }
    let update = all_words(docs.field("state.update").field("arguments"));
    for word in [
        "key", "expected", "json", "merge", "replace", "schema", "keepttl", "label", "event", "actor",
        "note", "audit", "align", "numkeys",
    ] {
        assert!(update.contains(&word.to_owned()), "{word} is an argument of STATE.UPDATE: {update:?}");
    }
}

fn keys_of(client: &mut Client, line: &str) -> Vec<String> {
    words_of(&client.ok(&[words("COMMAND GETKEYS"), words(line)].concat()))
}

#[test]
fn getkeys_finds_the_keys_of_a_command() {
    let server = Server::start();
    let mut client = server.client();
    for line in [
        "STATE.GET channel:1",
        "STATE.GET channel:1 VERSION 3 /stage",
        "STATE.META channel:1",
        "STATE.HISTORY channel:1 COUNT 3",
        "STATE.DIFF channel:1 1 2",
        "STATE.UPDATE channel:1 * {}",
        "STATE.UPDATE channel:1 0 {} MERGE EX 60 NOTE channel:2",
        "STATE.ROLLBACK channel:1 * ONLY 1 /stage",
        "STATE.TOUCH channel:1 EX 60",
        "STATE.DELETE channel:1 * PURGE",
        "STATE.WAIT channel:1 3 500",
    ] {
        assert_eq!(keys_of(&mut client, line), ["channel:1"], "{line}");
    }
    for line in [
        "STATE.UPDATE channel:1 * {} ALIGN 2 token:1 session:1 EX 60",
        "STATE.SETPROTECTED channel:1 * {} align 2 token:1 session:1",
        "STATE.ROLLBACK channel:1 * LABEL a ALIGN 2 token:1 session:1 EVENT b",
        "STATE.RESET channel:1 * ALIGN 2 token:1 session:1",
        "STATE.RECOVER channel:1 ALIGN 2 token:1 session:1",
        "STATE.TOUCH channel:1 PERSIST ALIGN 2 token:1 session:1",
    ] {
        assert_eq!(keys_of(&mut client, line), ["channel:1", "token:1", "session:1"], "{line}");
    }
    // A cluster routes by the audit stream, but the caller needs no permission for it.
    let with_trail = keys_of(&mut client, "STATE.UPDATE channel:1 * {} NOTE menu AUDIT {channel:1}:audit");
    assert_eq!(with_trail[0], "channel:1");
    for line in ["STATE.VALIDATE open {}", "STATE.SCHEMA LIST", "STATE.SCHEMA SET open {}"] {
        let error = client.err(&[words("COMMAND GETKEYS"), words(line)].concat());
        assert!(error.contains("no key arguments"), "{line}: {error}");
    }
}

#[test]
fn key_flags_match_the_access() {
    let server = Server::start();
    let mut client = server.client();
    for (line, expected) in [
        ("STATE.GET channel:1", vec!["RO", "access"]),
        ("STATE.META channel:1", vec!["RO", "access"]),
        ("STATE.UPDATE channel:1 * {}", vec!["RW", "access"]),
        ("STATE.ROLLBACK channel:1 *", vec!["RW", "access"]),
        ("STATE.DELETE channel:1 *", vec!["RW"]),
        ("STATE.TOUCH channel:1", vec!["RW"]),
        ("STATE.WAIT channel:1 1 0", vec!["RO", "access"]),
    ] {
        let reply = client.ok(&[words("COMMAND GETKEYSANDFLAGS"), words(line)].concat());
        let first = reply.array()[0].array();
        assert_eq!(first[0].text(), "channel:1");
        let flags = words_of(&first[1]);
        for flag in expected {
            assert!(flags.contains(&flag.to_owned()), "{line}: {flags:?} has {flag}");
        }
    }
    // A sibling is modified as by EXPIRE: its content is not read.
    let reply = client.ok(&[words("COMMAND GETKEYSANDFLAGS STATE.TOUCH channel:1 ALIGN 1 token:1")].concat());
    let sibling = reply.array()[1].array();
    assert_eq!(sibling[0].text(), "token:1");
    assert_eq!(words_of(&sibling[1]), ["RW", "update"]);
}
