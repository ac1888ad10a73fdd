//! The ACL alone decides what a user may do, whatever the arguments contain (S10): the key specs
//! cover every key of a command, and no user can run the internal command.

use crate::baseline::{AUDIT, KEY, OFFER, server_with_an_offer};
use support::{Client, Reply, Server, fingerprint, words};

/// A connection authenticated as a new user with these ACL rules.
pub fn user(server: &Server, name: &str, rules: &str) -> Client {
    let mut admin = server.client();
    let mut args = words(&format!("ACL SETUSER {name} reset on >pass-{name} allchannels"));
    args.extend(words(rules));
    admin.ok(&args);
    let mut client = server.client();
    client.ok(&["AUTH", name, &format!("pass-{name}")]);
    client
}

/// Every command on a key, the key as `{key}`.
const COMMANDS: [&str; 20] = [
    "STATE.GET {key}",
    "STATE.GET {key} VERSION 1 /stage",
    "STATE.META {key}",
    "STATE.HISTORY {key}",
    "STATE.DIFF {key} 1 1",
    "STATE.UPDATE {key} * {}",
    "STATE.UPDATE {key} 0 {} DRYRUN",
    "STATE.ROLLBACK {key} *",
    "STATE.TOUCH {key}",
    "STATE.DELETE {key} *",
    "STATE.SETPROTECTED {key} * {}",
    "STATE.RESET {key} *",
    "STATE.RECOVER {key}",
    "STATE.RECOVER {key} SCHEMA vimbiso.channel",
    "STATE.ROLLBACK {key} * ALL",
    "STATE.ATTEMPT {key} login FAILURE",
    "STATE.ATTEMPT {key} AUDIT SUCCESS ERROR AUDIT",
    "STATE.ATTEMPTS {key} login",
    "STATE.WAIT {key} 0 1",
    "STATE.WAIT {key} 1 1",
];

#[test]
fn a_user_limited_to_channels_reaches_no_other_key() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["STATE.UPDATE", "admin:1", "0", r#"{"role":"admin"}"#]);
    let mut bot = user(&server, "bot", "~channel:* +@all");
    let before = fingerprint(&mut client);
    let tails = [
        "",
        "AUDIT channel:1",
        "AUDIT {admin:1}:audit",
        "AUDIT admin:1",
        "NOTE ALIGN 1 channel:1",
        "NOTE AUDIT channel:1",
        "EVENT AUDIT NOTE channel:1",
        "ACTOR ALIGN EVENT channel:1",
        "LABEL AUDIT AUDIT channel:1",
        "SCHEMA ALIGN EX 60",
        "ALIGN 1 channel:1",
        "ALIGN 0",
        "ALIGN -1 channel:1",
        "ALIGN 99999 channel:1",
        "ALIGN 2 channel:1 AUDIT",
        "ALIGN 1 AUDIT AUDIT channel:1",
        "AUDIT ALIGN 1 channel:1",
        "PURGE AUDIT channel:1",
    ];
    for command in COMMANDS {
        for tail in tails {
            let line = format!("{} {tail}", command.replace("{key}", "admin:1"));
            let error = bot.err(&words(&line));
            assert!(error.starts_with("NOPERM ") || error.starts_with("ERR "), "{line}: {error}");
            if tail.is_empty() {
                assert!(error.starts_with("NOPERM "), "{line}: {error}");
            }
        }
    }
    assert_eq!(fingerprint(&mut client), before);
}

/// A function that runs the command in its arguments.
const CALLER: &str = "#!lua name=bot\nredis.register_function('call', function(keys, args) return redis.pcall(unpack(args)) end)";

/// The ACL rejects the command alone, in a transaction, in a script and in a function.
#[track_caller]
fn is_denied_everywhere(bot: &mut Client, args: &[Vec<u8>]) {
    let shown =
        || args.iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect::<Vec<_>>().join(" ");
    let within = |begin: &[&str]| {
        begin.iter().map(|word| word.as_bytes().to_vec()).chain(args.iter().cloned()).collect::<Vec<_>>()
    };
    for line in [
        args.to_vec(),
        within(&["EVAL", "return redis.pcall(unpack(ARGV))", "0"]),
        within(&["FCALL", "call", "0"]),
    ] {
        let reply = bot.call(&line);
        assert!(matches!(reply, Reply::Error(_)), "{}: {reply:?}", shown());
    }
    bot.ok(&["MULTI"]);
    let _queued_or_refused = bot.call(args);
    match bot.call(&["EXEC"]) {
        Reply::Error(_) => {}
        Reply::Array(replies) => {
            assert!(matches!(replies[..], [Reply::Error(_)]), "{}: {replies:?}", shown())
        }
        reply => panic!("{}: {reply:?}", shown()),
    }
}

#[test]
fn no_argument_hides_a_key_from_the_acl() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["STATE.UPDATE", "admin:1", "0", r#"{"role":"admin"}"#]);
    client.ok(&["STATE.UPDATE", "admin:1", "1", r#"{"role":"owner"}"#]);
    client.ok(&["FUNCTION", "LOAD", CALLER]);
    let mut bot = user(&server, "bot", "~channel:* +@all");
    let before = fingerprint(&mut client);
    let hidden: [&[u8]; 7] = [b"ALIGN", b"align", b"AUDIT", b"Audit", b"AUDIT\0", b"align\0x", b"AUDIT \0"];
    // The keyword at every position after the command's name, the forbidden key at every other.
    for (command, rest) in [
        ("STATE.UPDATE", "* {} NOTE menu EVENT menu"),
        ("STATE.ROLLBACK", "* NOTE menu EVENT menu"),
        ("STATE.DELETE", "* NOTE menu EVENT menu"),
        ("STATE.TOUCH", "EX 60 ALIGN 2 channel:2 channel:3"),
        ("STATE.SETPROTECTED", "* {} NOTE menu EVENT menu OPERATION login COMPONENT greeting"),
        ("STATE.RESET", "* NOTE menu EVENT menu"),
        ("STATE.RECOVER", "SCHEMA vimbiso.channel NOTE menu"),
        ("STATE.ATTEMPT", "login FAILURE COMPONENT greeting ERROR late"),
        ("STATE.ATTEMPTS", "login COUNT 1"),
        ("STATE.GET", "VERSION 1"),
        ("STATE.HISTORY", "COUNT 1"),
        ("STATE.DIFF", "1 2"),
        ("STATE.META", ""),
        ("STATE.WAIT", "1 1"),
    ] {
        let rest = words(rest);
        for word in hidden {
            for at in 0..=rest.len() {
                for allowed in [&b"channel:1"[..], b"1", b"60"] {
                    let mut args = vec![command.as_bytes().to_vec(), b"admin:1".to_vec()];
                    args.extend(rest.clone());
                    args.insert(2 + at, word.to_vec());
                    args.insert(3 + at, allowed.to_vec());
                    is_denied_everywhere(&mut bot, &args);
                    // The same with the keyword instead of an argument, not between two.
                    args.remove(3 + at);
                    if at < rest.len() {
                        args.remove(3 + at);
                    }
                    is_denied_everywhere(&mut bot, &args);
                }
            }
        }
    }
    assert_eq!(fingerprint(&mut client), before);
}

#[test]
fn audit_stream_is_written_for_the_caller_and_cannot_be_forged() {
    let (server, mut client) = server_with_an_offer();
    let mut bot = user(&server, "bot", "~channel:* +@all");
    bot.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#, "AUDIT", AUDIT]);
    bot.ok(&["STATE.ROLLBACK", KEY, "2", "AUDIT", AUDIT]);
    assert_eq!(crate::baseline::audit_values(&mut client, AUDIT, "user"), ["default", "bot", "bot"]);
    let forged = ["XADD", AUDIT, "*", "event", "update", "user", "admin"];
    assert!(bot.err(&forged).starts_with("NOPERM "));
    assert!(bot.err(&["XRANGE", AUDIT, "-", "+"]).starts_with("NOPERM "));
    let before = fingerprint(&mut client);
    for stream in ["admin:1", "channel:1", "{channel:1}:audit", KEY] {
        let error = bot.err(&["STATE.UPDATE", KEY, "3", r#"{"stage":"x"}"#, "AUDIT", stream]);
        assert!(error.starts_with("BADKEY "), "{error}");
    }
    assert_eq!(fingerprint(&mut client), before);
    bot.ok(&["STATE.DELETE", KEY, "3", "AUDIT", AUDIT]);
    let mut script = user(&server, "script", "~channel:* +eval +state.update");
    let code = "return redis.call('STATE.UPDATE', KEYS[1], '*', '{}')";
    script.ok(&["EVAL", code, "1", KEY]);
    assert_eq!(
        crate::baseline::audit_values(&mut client, AUDIT, "user").last().map(String::as_str),
        Some("script")
    );
    // A script has its caller's permissions, also for a key that it did not declare.
    let error = script.err(&["EVAL", &code.replace("KEYS[1]", "'admin:1'"), "0"]);
    assert!(error.contains("access") && error.contains("key"), "{error}");
    let error = script.err(&["EVAL", "return redis.call('STATE.GET', KEYS[1])", "1", KEY]);
    assert!(error.contains("run"), "{error}");
    assert_eq!(client.ok(&["EXISTS", "admin:1"]).int(), 0);
}

#[test]
fn reading_and_writing_are_separate_permissions() {
    let (server, mut client) = server_with_an_offer();
    let mut reader = user(&server, "reader", "%R~channel:* +@all");
    for line in [
        "STATE.GET {key}",
        "STATE.META {key}",
        "STATE.HISTORY {key}",
        "STATE.DIFF {key} 1 1",
        "STATE.WAIT {key} 0 1",
    ] {
        reader.ok(&words(&line.replace("{key}", KEY)));
    }
    let mut writer = user(&server, "writer", "%W~channel:* +@all");
    let writes = [
        "STATE.UPDATE {key} * {}",
        "STATE.UPDATE {key} * {} DRYRUN",
        "STATE.ROLLBACK {key} *",
        "STATE.TOUCH {key}",
        "STATE.DELETE {key} *",
    ];
    let before = fingerprint(&mut client);
    for line in writes {
        assert!(reader.err(&words(&line.replace("{key}", KEY))).starts_with("NOPERM "), "{line}");
    }
    for line in ["STATE.UPDATE {key} * {\"stage\":\"x\"} RETURN", "STATE.GET {key}", "STATE.META {key}"] {
        assert!(
            writer.err(&words(&line.replace("{key}", KEY))).starts_with("NOPERM "),
            "a user that may update may read: {line}"
        );
    }
    assert_eq!(fingerprint(&mut client), before);
}

#[test]
fn commands_and_subcommands_are_granted_one_by_one() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
    let mut bot =
        user(&server, "bot", "~* +state.get +state.update +state.schema -state.schema|set -state.schema|del");
    bot.ok(&["STATE.GET", KEY]);
    bot.ok(&["STATE.SCHEMA", "LIST"]);
    assert_eq!(bot.text(&["STATE.SCHEMA", "GET", "open"]), "{}");
    for line in [
        "STATE.SCHEMA SET open true",
        "STATE.SCHEMA DEL open",
        "STATE.DELETE channel:1 *",
        "STATE.ROLLBACK channel:1 *",
    ] {
        assert!(bot.err(&words(line)).starts_with("NOPERM "), "{line}");
    }
    assert_eq!(client.text(&["STATE.SCHEMA", "GET", "open"]), "{}");
    let mut only = user(&server, "only", "~* -@all +state.schema|list");
    only.ok(&["STATE.SCHEMA", "LIST"]);
    assert!(only.err(&["STATE.SCHEMA", "GET", "open"]).starts_with("NOPERM "));
    let dry = client.text(&["ACL", "DRYRUN", "bot", "STATE.UPDATE", "channel:1", "*", "{}"]);
    assert_eq!(dry, "OK");
    assert_ne!(client.text(&["ACL", "DRYRUN", "bot", "STATE.DELETE", "channel:1", "*"]), "OK");
}

/// Redis 8 hides an internal command from clients; on other servers the module rejects it.
fn is_denied(line: &str) -> bool {
    line.starts_with("NOPERM ") || line.starts_with("ERR unknown command")
}

fn is_unknown_to_scripts(line: &str) -> bool {
    line.contains("Unknown Redis command") || line.contains("is not allowed from script")
}

#[test]
fn no_user_can_run_the_internal_command() {
    let (server, mut client) = server_with_an_offer();
    let before = fingerprint(&mut client);
    let mut admin = user(&server, "admin", "~* +@all");
    let attempts = [
        "STATE.EFFECT",
        "STATE.EFFECT channel:+263771234567 x",
        "STATE.EFFECT channel:+263771234567 x -1",
        "STATE.EFFECT a b c d e f g",
        "STATE.SCHEMAEFFECT x",
        "STATE.SCHEMAEFFECT",
    ];
    for attempt in attempts {
        let args = words(attempt);
        for connection in [&mut client, &mut admin] {
            let error = connection.err(&args);
            assert!(is_denied(&error) || error.starts_with("ERR wrong number"), "{attempt}: {error}");
        }
    }
    let right = words("STATE.EFFECT channel:+263771234567 x -1");
    assert!(is_denied(&client.err(&right)));
    client.ok(&["MULTI"]);
    let queued = client.call(&right);
    match client.call(&["EXEC"]) {
        Reply::Array(replies) => {
            assert!(matches!(&replies[0], Reply::Error(line) if is_denied(line)))
        }
        reply => assert!(matches!(reply, Reply::Error(_)) && matches!(queued, Reply::Error(_))),
    }
    let error = client.err(&["EVAL", "return redis.call('STATE.EFFECT', KEYS[1], 'x', '-1')", "1", KEY]);
    assert!(error.contains("NOPERM") || is_unknown_to_scripts(&error), "{error}");
    let error = client.err(&["EVAL_RO", "return redis.call('STATE.EFFECT', KEYS[1], 'x', '-1')", "1", KEY]);
    let is_write = error.contains("Write commands are not allowed");
    assert!(error.contains("NOPERM") || is_write || is_unknown_to_scripts(&error), "{error}");
    assert_eq!(client.state(KEY).1, OFFER);
    assert_eq!(fingerprint(&mut client), before);
}
