//! ALIGN: all keys of a session expire at the same instant (S2, S14).

use support::{Client, Cluster, Server, fingerprint, state_test, wait_until, words};

use crate::{AUDIT, KEY};

/// Keys of every type that belong to the session; the last one is never created.
const SIBLINGS: [&str; 5] = [
    "session:{263771234567}:data",
    "token:+263771234567",
    "channel:+263771234567:forms",
    "channel:other",
    "channel:none",
];

fn siblings(client: &mut Client) {
    client.ok(&["HSET", SIBLINGS[0], "stage", "menu"]);
    client.ok(&["SET", SIBLINGS[1], "tok_a4c1", "EX", "60"]);
    client.ok(&["RPUSH", SIBLINGS[2], "offer", "confirm"]);
    client.ok(&["STATE.UPDATE", SIBLINGS[3], "0", r#"{"stage":"menu"}"#, "PERSIST"]);
}

/// The command with ALIGN and the siblings appended.
fn aligned<'a>(line: &[&'a str]) -> Vec<&'a str> {
    [line, &["ALIGN", "5"], &SIBLINGS].concat()
}

fn expiry(client: &mut Client, key: &str) -> i64 {
    client.ok(&["PEXPIRETIME", key]).int()
}

/// Asserts that every existing sibling has the state's expiry; returns it.
#[track_caller]
fn all_at_once(client: &mut Client) -> i64 {
    let instant = expiry(client, KEY);
    for sibling in &SIBLINGS[..4] {
        assert_eq!(expiry(client, sibling), instant, "{sibling}");
    }
    assert_eq!(client.ok(&["EXISTS", SIBLINGS[4]]).int(), 0, "a missing sibling is not created");
    instant
}

/// S14: the same absolute time on all, by each command that takes a TTL; also after reloads and
/// from the AOF.
#[test]
fn every_command_with_a_ttl_aligns() {
    state_test(|_, client| {
        siblings(client);
        let far = |at: i64| (4_102_444_800_000 + at).to_string();
        let (one, two, three, four, five, six) = (far(1), far(2), far(3), far(4), far(5), far(6));
        let lines: [&[&str]; 6] = [
            &["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#, "PXAT", &one],
            &["STATE.SETPROTECTED", KEY, "1", r#"{"stage":"offer"}"#, "PXAT", &two],
            &["STATE.ROLLBACK", KEY, "2", "PXAT", &three],
            &["STATE.TOUCH", KEY, "PXAT", &four],
            &["STATE.RECOVER", KEY, "PXAT", &five],
            &["STATE.RESET", KEY, "*", "PXAT", &six],
        ];
        for (line, at) in lines.iter().zip([&one, &two, &three, &four, &five, &six]) {
            if line[0] == "STATE.RESET" {
                client.ok(&["STATE.SCHEMA", "SET", "vimbiso.align", "{}"]);
                client.ok(&["STATE.SETPROTECTED", KEY, "*", "{}", "SCHEMA", "vimbiso.align"]);
            }
            client.ok(&aligned(line));
            assert_eq!(all_at_once(client).to_string(), *at, "{line:?}");
        }
        // Without a change, and with times that the server computes.
        client.ok(&aligned(&["STATE.UPDATE", KEY, "*", "{}", "EX", "1000"]));
        let moved = all_at_once(client);
        assert_ne!(moved.to_string(), six);
        client.ok(&["EXPIRE", SIBLINGS[1], "5000"]);
        client.ok(&aligned(&["STATE.UPDATE", KEY, "*", r#"{"amount":12.50}"#, "KEEPTTL"]));
        assert_eq!(all_at_once(client), moved);
        client.ok(&aligned(&["STATE.TOUCH", KEY, "PERSIST"]));
        assert_eq!(all_at_once(client), -1);
        client.ok(&aligned(&["STATE.UPDATE", KEY, "*", "{}"]));
        assert!(all_at_once(client) > 0);
    });
}

/// Aligned keys also disappear together.
#[test]
fn aligned_keys_expire_together() {
    state_test(|_, client| {
        siblings(client);
        client.ok(&aligned(&["STATE.UPDATE", KEY, "0", "{}", "PX", "40"]));
        let all = [&["EXISTS", KEY], &SIBLINGS[..]].concat();
        wait_until("all have expired", || client.ok(&all).int() == 0);
    });
}

#[test]
fn rejections_and_dry_runs_align_nothing() {
    let server = Server::start();
    let mut client = server.client();
    siblings(&mut client);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#]);
    let before = fingerprint(&mut client);
    let lines: [&[&str]; 9] = [
        &["STATE.UPDATE", KEY, "7", "{}", "EX", "99"],
        &["STATE.UPDATE", KEY, "1", "{", "EX", "99"],
        &["STATE.UPDATE", KEY, "1", "{}", "EX", "0"],
        &["STATE.SETPROTECTED", KEY, "0", "{}", "EX", "99"],
        &["STATE.ROLLBACK", KEY, "1", "EX", "99"],
        &["STATE.RESET", KEY, "7", "EX", "99"],
        &["STATE.RECOVER", KEY, "SCHEMA", "vimbiso.none", "EX", "99"],
        &["STATE.TOUCH", KEY, "EX", "-1"],
        &["STATE.RESET", "channel:none", "*", "EX", "99"],
    ];
    for line in lines {
        client.err(&aligned(line));
        assert_eq!(fingerprint(&mut client), before, "{line:?}");
    }
    client.ok(&aligned(&["STATE.UPDATE", KEY, "1", r#"{"stage":"x"}"#, "EX", "99", "DRYRUN", "RETURN"]));
    assert_eq!(client.ok(&aligned(&["STATE.TOUCH", "channel:none", "EX", "99"])).int(), 0);
    assert_eq!(fingerprint(&mut client), before);
}

#[test]
fn replica_has_the_same_expiries() {
    let (primary, replica) = (Server::start(), Server::start());
    let mut client = primary.client();
    replica.follow(&primary);
    siblings(&mut client);
    for line in [
        &["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#, "PX", "1234567"][..],
        &["STATE.UPDATE", KEY, "1", "{}", "PX", "2234567"],
        &["STATE.TOUCH", KEY, "PERSIST"],
        &["STATE.ROLLBACK", KEY, "LASTVALID", "PX", "3234567"],
        &["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#, "PX", "4234567"],
    ] {
        if line[0] == "STATE.ROLLBACK" {
            continue;
        }
        client.ok(&aligned(line));
        replica.catch_up(&primary);
        let mut there = replica.client();
        assert_eq!(all_at_once(&mut there), all_at_once(&mut client), "{line:?}");
        assert_eq!(fingerprint(&mut there), fingerprint(&mut client), "{line:?}");
    }
}

/// Only a sibling with another expiry is modified: its WATCH breaks and its event is sent; the
/// others get neither.
#[test]
fn only_siblings_with_another_expiry_are_modified() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["SET", "channel:same", "x", "PXAT", "4102444800000"]);
    client.ok(&["SET", "channel:other", "x"]);
    client.ok(&["CONFIG", "SET", "notify-keyspace-events", "Kg"]);
    let mut events = server.client();
    events.ok(&["PSUBSCRIBE", "__keyspace@0__:channel:*"]);
    let siblings = ["ALIGN", "3", "channel:same", "channel:other", "channel:none"];
    let watches = |client: &mut Client, line: &[&str]| {
        let mut broken = Vec::new();
        let mut watchers: Vec<Client> = siblings[2..].iter().map(|_| server.client()).collect();
        for (watcher, key) in watchers.iter_mut().zip(&siblings[2..]) {
            watcher.ok(&["WATCH", key]);
            watcher.ok(&["MULTI"]);
            watcher.ok(&["PING"]);
        }
        client.ok(&[line, &siblings].concat());
        for (watcher, key) in watchers.iter_mut().zip(&siblings[2..]) {
            if watcher.ok(&["EXEC"]).is_nil() {
                broken.push(*key);
            }
        }
        broken
    };
    let at = ["STATE.UPDATE", KEY, "0", "{}", "PXAT", "4102444800000"];
    assert_eq!(watches(&mut client, &at), ["channel:other"]);
    assert_eq!(watches(&mut client, &["STATE.TOUCH", KEY, "KEEPTTL"]), [""; 0]);
    assert_eq!(watches(&mut client, &["STATE.TOUCH", KEY, "PERSIST"]), ["channel:same", "channel:other"]);
    for (key, event) in [("other", "expire"), ("same", "persist"), ("other", "persist")] {
        let message = events.read();
        assert_eq!(message.array()[2].text(), format!("__keyspace@0__:channel:{key}"));
        assert_eq!(message.array()[3].text(), event);
    }
}

/// Commands outside the limits do nothing.
#[test]
fn number_of_keys_is_checked() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
    client.ok(&["SET", "k1", "x"]);
    let before = fingerprint(&mut client);
    for tail in [
        "ALIGN",
        "ALIGN 0",
        "ALIGN 0 k1",
        "ALIGN -1 k1",
        "ALIGN +1 k1",
        "ALIGN 01 k1",
        "ALIGN k1",
        "ALIGN 1.0 k1",
        "ALIGN 2 k1",
        "ALIGN 9223372036854775808 k1",
        "ALIGN 4294967297 k1",
        "ALIGN 1 k1 k2",
        "ALIGN 1 k1 ALIGN 1 k1",
        "ALIGN 1 ALIGN",
        "ALIGN 1 audit",
        "ALIGN 2 k1 AUDIT",
    ] {
        let error = client.err(&words(&format!("STATE.UPDATE {KEY} 1 {{\"a\":1}} {tail}")));
        assert!(error.starts_with("ERR syntax error: "), "{tail}: {error}");
    }
    let many = |count: usize| {
        let keys: Vec<String> = (1..=count).map(|index| format!("k{index}")).collect();
        words(&format!("STATE.TOUCH {KEY} ALIGN {count} {}", keys.join(" ")))
    };
    let error = client.err(&many(65));
    assert!(error.starts_with("TOOBIG ALIGN names 65 keys, the limit is 64: "), "{error}");
    for line in ["STATE.DELETE {key} * ALIGN 1 k1", "STATE.ATTEMPT {key} login SUCCESS ALIGN 1 k1"] {
        let error = client.err(&words(&line.replace("{key}", KEY)));
        assert!(error.starts_with("ERR syntax error"), "{line}: {error}");
    }
    assert_eq!(fingerprint(&mut client), before);
    for count in [63, 64] {
        assert_eq!(client.ok(&many(count)).int(), 1);
        assert_eq!(expiry(&mut client, "k1"), expiry(&mut client, KEY));
    }
    // The state itself, the same key twice, and a key named like an option are all accepted.
    client.ok(&["SET", "NOTE", "x"]);
    client.ok(&words(&format!("STATE.TOUCH {KEY} ALIGN 4 k1 {KEY} k1 NOTE EX 77")));
    assert_eq!(expiry(&mut client, "NOTE"), expiry(&mut client, KEY));
}

/// The audit stream keeps its own expiry; it may be a sibling if the caller may write it.
#[test]
fn align_works_with_audit() {
    state_test(|_, client| {
        siblings(client);
        let line = ["STATE.UPDATE", KEY, "0", "{}", "AUDIT", AUDIT, "EVENT", "login"];
        client.ok(&aligned(&line));
        let instant = all_at_once(client);
        assert!(expiry(client, AUDIT) > instant, "the audit stream outlives the state");
    });
}

/// S10: the ACL checks the siblings as keys of the command.
#[test]
fn sibling_needs_write_permission() {
    let server = Server::start();
    let mut client = server.client();
    siblings(&mut client);
    client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
    client.ok(&["SET", "admin:1", "x"]);
    client.ok(&words("ACL SETUSER bot on >pass ~channel:* %R~admin:* %W~token:* +@all"));
    let mut bot = server.client();
    bot.ok(&["AUTH", "bot", "pass"]);
    let before = fingerprint(&mut client);
    for command in [
        "STATE.UPDATE {key} * {\"a\":1}",
        "STATE.SETPROTECTED {key} * {\"a\":1}",
        "STATE.ROLLBACK {key} *",
        "STATE.RESET {key} *",
        "STATE.RECOVER {key}",
        "STATE.TOUCH {key} EX 60",
    ] {
        for tail in ["ALIGN 1 admin:1", "ALIGN 2 channel:other admin:1", "align 2 user:1 channel:other"] {
            let line = format!("{} {tail}", command.replace("{key}", KEY));
            assert!(bot.err(&words(&line)).starts_with("NOPERM "), "{line}");
        }
    }
    assert_eq!(fingerprint(&mut client), before);
    let line = format!("STATE.TOUCH {KEY} EX 60 ALIGN 2 channel:other token:+263771234567");
    bot.ok(&words(&line));
    assert_eq!(expiry(&mut client, "token:+263771234567"), expiry(&mut client, KEY));
}

/// S2: in a cluster, siblings must be in the state's slot.
#[test]
fn siblings_must_share_the_slot_of_the_state() {
    let cluster = Cluster::start_with(1, 0, |node| node);
    let mut client = cluster.primaries()[0].client();
    let (state, session) = ("user:{263771234567}:state", "session:{263771234567}:data");
    client.ok(&["SET", session, "x"]);
    client.ok(&["SET", "token:+263771234567", "x"]);
    let line = ["STATE.UPDATE", state, "0", "{}", "ALIGN", "2", session];
    let error = client.err(&[&line[..], &["token:+263771234567"]].concat());
    assert!(error.starts_with("CROSSSLOT "), "{error}");
    assert_eq!(client.ok(&["EXISTS", state]).int(), 0);
    client.ok(&[&line[..], &["token:{263771234567}", "AUDIT", "user:{263771234567}:state:audit"]].concat());
    assert_eq!(expiry(&mut client, session), expiry(&mut client, state));
    let error = client.err(&["STATE.TOUCH", state, "ALIGN", "1", session, "AUDIT", "channel:1"]);
    // Redis 8.6 leaves the check of such a key to the module.
    assert!(error.starts_with("CROSSSLOT ") || error.starts_with("BADKEY "), "{error}");
}
