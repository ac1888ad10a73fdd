//! `ID`: a webhook that is delivered twice changes the state once, and both deliveries get one
//! reply (S32, S33).

use support::{Client, Reply, Server, state_test};

use crate::{AUDIT, KEY, audit_values, counter};

const OFFER: &str = r#"{"current":{"path":"offer","component":"AmountInput","data":{}}}"#;
const AMOUNT: &str = r#"{"current":{"data":{"amount":12.50}}}"#;

fn started(client: &mut Client) -> String {
    client.text(&["STATE.UPDATE", KEY, "0", OFFER])
}

/// What a replay must not change: the value to the last byte, the expiry, and the audit stream.
fn fingerprint_of_the_state(client: &mut Client) -> (Reply, Reply, Reply) {
    let digest = client.ok(&["DEBUG", "DIGEST-VALUE", KEY]);
    (digest, client.ok(&["PEXPIRETIME", KEY]), client.ok(&["XLEN", AUDIT]))
}

#[test]
fn replay_aligns_no_key() {
    state_test(|_, client| {
        let line = ["STATE.UPDATE", KEY, "0", OFFER, "ID", "wamid.HBgL1", "ALIGN", "1", "session:91c2"];
        client.ok(&line);
        client.ok(&["SET", "session:91c2", "open"]);
        client.ok(&line);
        assert_eq!(client.ok(&["PTTL", "session:91c2"]).int(), -1);
    });
}

/// S32: the second delivery names the version before the first one's commit, and still gets its
/// reply.
#[test]
fn repeated_command_is_applied_once() {
    state_test(|_, client| {
        let etag = started(client);
        client.ok(&["STATE.TOUCH", KEY, "EX", "900"]);
        let line =
            ["STATE.UPDATE", KEY, &etag, AMOUNT, "ID", "wamid.HBgL1", "OPERATION", "amount", "EX", "600"];
        let first = client.text(&line);
        let before = fingerprint_of_the_state(client);
        assert_eq!(client.text(&line), first);
        assert_eq!(fingerprint_of_the_state(client), before);
        assert_eq!(counter(client, "replays"), 1);
        assert_eq!(client.ok(&["STATE.ATTEMPTS", KEY]).field("amount").int(), 1, "one attempt is counted");
        // Other options, and another kind with the same change, do not make another command.
        let other =
            ["STATE.UPDATE", KEY, "7", AMOUNT, "MERGE", "ID", "wamid.HBgL1", "NOTE", "again", "PERSIST"];
        assert_eq!(client.text(&other), first);
        assert_eq!(fingerprint_of_the_state(client), before);
        // With RETURN, the reply has the first etag and the present document.
        let third = client.text(&["STATE.UPDATE", KEY, &first, r#"{"current":{"path":"confirm"}}"#]);
        assert_eq!(Client::version(&third), 3);
        let reply = client.ok(&["STATE.UPDATE", KEY, &etag, AMOUNT, "RETURN", "ID", "wamid.HBgL1"]);
        assert_eq!(reply.array()[0].text(), first);
        assert_eq!(reply.array()[1].text(), client.state(KEY).1);
        assert!(reply.array()[1].text().contains("confirm"));
        assert_eq!(audit_values(client, "id"), ["-", "wamid.HBgL1", "-"]);
        assert_eq!(counter(client, "replays"), 3);
    });
}

/// A repeated creation finds a state, and is no conflict.
#[test]
fn repeated_creation_is_no_conflict() {
    state_test(|_, client| {
        let line = ["STATE.UPDATE", KEY, "0", OFFER, "ID", "wamid.HBgL1"];
        let etag = client.text(&line);
        assert_eq!(client.text(&line), etag);
        assert!(client.err(&["STATE.UPDATE", KEY, "0", OFFER]).starts_with("CONFLICT "));
        assert!(client.err(&["STATE.UPDATE", KEY, "0", OFFER, "ID", "wamid.HBgL2"]).starts_with("CONFLICT "));
        assert_eq!(client.ok(&["STATE.HISTORY", KEY]).array().len(), 1);
        assert_eq!(audit_values(client, "id"), ["wamid.HBgL1"]);
    });
}

/// Another command with a used token is an error, and audited.
#[test]
fn other_arguments_with_the_same_token_are_a_mismatch() {
    state_test(|_, client| {
        let etag = started(client);
        let second = client.text(&["STATE.UPDATE", KEY, &etag, AMOUNT, "ID", "wamid.HBgL1"]);
        let before = (client.state(KEY), client.ok(&["PEXPIRETIME", KEY]));
        let lines: [&[&str]; 6] = [
            &["STATE.UPDATE", KEY, "*", r#"{"current":{"data":{"amount":12.5}}}"#],
            &["STATE.UPDATE", KEY, "*", AMOUNT, "SHALLOW"],
            &["STATE.SETPROTECTED", KEY, "*", AMOUNT],
            &["STATE.ROLLBACK", KEY, "*"],
            &["STATE.RESET", KEY, "*"],
            &["STATE.ATTEMPT", KEY, "amount", "SUCCESS"],
        ];
        for line in lines {
            let error = client.err(&[line, &["ID", "wamid.HBgL1"]].concat());
            assert!(error.starts_with(&format!("IDMISMATCH token made {second} ")), "{line:?}: {error}");
        }
        assert_eq!((client.state(KEY), client.ok(&["PEXPIRETIME", KEY])), before);
        assert_eq!(counter(client, "rejections_idmismatch"), 6);
        assert_eq!(audit_values(client, "event")[2..], ["reject"; 6]);
        assert_eq!(audit_values(client, "id")[2..], ["wamid.HBgL1"; 6]);
        let tried = client.err(&["STATE.UPDATE", KEY, "*", "{}", "ID", "wamid.HBgL1", "OPERATION", "amount"]);
        assert!(tried.starts_with("IDMISMATCH "));
        assert_eq!(client.ok(&["STATE.ATTEMPTS", KEY, "amount"]).field("failures").int(), 1);
        // For a token of an attempt, the error names the attempt.
        client.ok(&["STATE.ATTEMPT", KEY, "amount", "FAILURE", "ID", "wamid.HBgL2"]);
        let error = client.err(&["STATE.ATTEMPT", KEY, "amount", "SUCCESS", "ID", "wamid.HBgL2"]);
        assert!(error.starts_with("IDMISMATCH token made attempt 2 "), "{error}");
        assert!(
            client
                .err(&["STATE.ATTEMPT", KEY, "offer", "FAILURE", "ID", "wamid.HBgL2"])
                .starts_with("IDMISMATCH ")
        );
    });
}

#[test]
fn every_committing_command_accepts_a_token() {
    state_test(|_, client| {
        started(client);
        client.ok(&["STATE.UPDATE", KEY, "1", AMOUNT]);
        let lines: [&[&str]; 5] = [
            &["STATE.SETPROTECTED", KEY, "2", r#"{"dashboard":{"memberID":"mem_49d4"}}"#, "ID", "protected"],
            &["STATE.ROLLBACK", KEY, "3", "ID", "rollback"],
            &["STATE.RESET", KEY, "4", "ID", "reset"],
            &["STATE.ATTEMPT", KEY, "confirm", "FAILURE", "ERROR", "neither yes nor no", "ID", "failure"],
            &["STATE.ATTEMPT", KEY, "confirm", "CLEAR", "ID", "clear"],
        ];
        let replies: Vec<Reply> = lines.iter().map(|line| client.ok(line)).collect();
        assert_eq!(replies[3..], [Reply::Int(1), Reply::Int(0)]);
        let before = fingerprint_of_the_state(client);
        for (line, reply) in lines.iter().zip(&replies) {
            assert_eq!(&client.ok(line), reply, "{line:?}");
        }
        assert_eq!(fingerprint_of_the_state(client), before);
        assert_eq!(client.ok(&["STATE.HISTORY", KEY]).array().len(), 5);
        assert_eq!(audit_values(client, "id")[2..], ["protected", "rollback", "reset", "failure", "clear"]);
        let versions: Vec<u64> = replies[..3].iter().map(|reply| Client::version(reply.text())).collect();
        assert_eq!(versions, [3, 4, 5]);
    });
}

/// A command without a change is remembered; a rejected command or a dry run is not.
#[test]
fn rejections_and_dry_runs_do_not_use_the_token() {
    state_test(|_, client| {
        let etag = started(client);
        let again = ["STATE.UPDATE", KEY, &etag, OFFER, "ID", "wamid.same", "NOTE", "shown"];
        assert_eq!(client.text(&again), etag);
        client.ok(&["STATE.UPDATE", KEY, &etag, AMOUNT]);
        assert_eq!(client.text(&again), etag, "a replay of an update without a change");
        assert_eq!(audit_values(client, "event"), ["create", "note", "update"]);

        let late = ["STATE.UPDATE", KEY, &etag, r#"{"current":{"path":"menu"}}"#, "ID", "wamid.late"];
        assert!(client.err(&late).starts_with("CONFLICT "));
        assert!(client.err(&late).starts_with("CONFLICT "));
        let patch = r#"[{"op":"remove","path":"/current/data/handle"}]"#;
        let removal = ["STATE.UPDATE", KEY, "*", patch, "PATCH", "ID", "wamid.removal"];
        assert!(client.err(&removal).starts_with("BADPATCH "));
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"current":{"data":{"handle":"tariro"}}}"#]);
        let removed = client.text(&removal);
        assert_eq!(client.text(&removal), removed);

        let dry = ["STATE.UPDATE", KEY, "*", r#"{"tried":true}"#, "ID", "wamid.dry", "DRYRUN"];
        let would = client.text(&dry);
        assert_eq!(client.text(&dry[..6]), would, "the dry run has not used the token");
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"tried":false}"#]);
        let (before, replays) = (fingerprint_of_the_state(client), counter(client, "replays"));
        assert_eq!(client.text(&dry), would, "a dry run of an applied command replies as a replay");
        let mismatch = ["STATE.UPDATE", KEY, "*", "{}", "ID", "wamid.dry", "DRYRUN"];
        assert!(client.err(&mismatch).starts_with("IDMISMATCH "));
        assert_eq!(
            (fingerprint_of_the_state(client), counter(client, "replays")),
            (before, replays),
            "a dry run has no effect at all"
        );
        // Syntax errors come before the token check.
        assert!(client.err(&["STATE.UPDATE", KEY, "*", "{", "ID", "wamid.dry"]).starts_with("BADJSON "));
    });
}

/// S32: a limit that was lowered after the first delivery does not reject the second one.
#[test]
fn replay_passes_a_limit_that_was_lowered_since() {
    state_test(|_, client| {
        started(client);
        let json = format!(r#"{{"current":{{"data":{{"note":"{}"}}}}}}"#, "x".repeat(1100));
        for (setting, low, error) in
            [("state.max-bytes", "1024", "TOOBIG "), ("state.max-depth", "2", "TOODEEP ")]
        {
            let before = client.ok(&["CONFIG", "GET", setting]).array()[1].text().to_owned();
            let line = ["STATE.UPDATE", KEY, "*", &json, "ID", setting];
            let first = client.text(&line);
            client.ok(&["CONFIG", "SET", setting, low]);
            assert_eq!(client.text(&line), first);
            assert!(client.err(&["STATE.UPDATE", KEY, "*", &json, "ID", "wamid.new"]).starts_with(error));
            let other = format!("{json} ");
            let mismatch = client.err(&["STATE.UPDATE", KEY, "*", &other, "ID", setting]);
            assert!(mismatch.starts_with("IDMISMATCH "), "{mismatch}");
            client.ok(&["CONFIG", "SET", setting, &before]);
        }
    });
}

/// The last `state.idempotency-ids` tokens are known, and no more (I7).
#[test]
fn number_of_tokens_is_limited() {
    state_test(|_, client| {
        started(client);
        let send = |client: &mut Client, number: usize| {
            let json = format!(r#"{{"current":{{"data":{{"amount":{number}}}}}}}"#);
            client.text(&["STATE.UPDATE", KEY, "*", &json, "ID", &format!("wamid.{number}")])
        };
        let first: Vec<String> = (0..65).map(|number| send(client, number)).collect();
        assert_eq!(send(client, 1), first[1], "the oldest of 64");
        assert_ne!(send(client, 0), first[0], "the 65th is dropped");
        client.ok(&["CONFIG", "SET", "state.idempotency-ids", "2"]);
        let last = send(client, 100);
        assert_eq!(send(client, 100), last);
        assert_ne!(send(client, 64), first[64]);
        client.ok(&["CONFIG", "SET", "state.idempotency-ids", "0"]);
        let unknown = send(client, 200);
        assert_ne!(send(client, 201), unknown);
        assert_ne!(send(client, 100), last, "with 0, the next command drops all tokens");
        client.ok(&["CONFIG", "SET", "state.idempotency-ids", "1000"]);
        let bytes = client.ok(&["MEMORY", "USAGE", KEY]).int();
        let many: Vec<String> = (1000..2000).map(|number| send(client, number)).collect();
        assert_eq!(send(client, 1000), many[0]);
        assert!(client.ok(&["MEMORY", "USAGE", KEY]).int() > bytes + 1000 * 32, "tokens count as memory");
        send(client, 2000);
        assert_ne!(send(client, 1000), many[0]);
        for (token, error) in [
            ("x".repeat(129), "TOOBIG "),
            (String::new(), "ERR syntax"),
            ("audit".into(), "ERR syntax"),
            ("ALIGN".into(), "ERR syntax"),
            ("a\nb".into(), "ERR syntax"),
        ] {
            assert!(
                client.err(&["STATE.UPDATE", KEY, "*", "{}", "ID", &token]).starts_with(error),
                "{token}"
            );
            assert!(
                client.err(&["STATE.ATTEMPT", KEY, "confirm", "SUCCESS", "ID", &token]).starts_with(error)
            );
        }
        client.ok(&["STATE.UPDATE", KEY, "*", "{}", "ID", &"x".repeat(128)]);
    });
}

/// S7: a state keeps its tokens: after rollback, reset, recovery, copy, rename, dump and reload.
#[test]
fn tokens_survive_copies_rollbacks_and_reloads() {
    state_test(|server, client| {
        let line = ["STATE.UPDATE", KEY, "0", OFFER, "ID", "wamid.HBgL1"];
        let etag = client.text(&line);
        client.ok(&["STATE.ATTEMPT", KEY, "confirm", "FAILURE", "ID", "wamid.HBgL2"]);
        client.ok(&["STATE.UPDATE", KEY, "*", AMOUNT]);
        let replayed = |client: &mut Client, key: &str, after: &str| {
            assert_eq!(
                client.text(&["STATE.UPDATE", key, "0", OFFER, "ID", "wamid.HBgL1"]),
                etag,
                "after {after}"
            );
            let attempt = ["STATE.ATTEMPT", key, "confirm", "FAILURE", "ID", "wamid.HBgL2"];
            assert_eq!(client.ok(&attempt), Reply::Int(1), "after {after}");
        };
        for line in [&["STATE.ROLLBACK", KEY, "*"][..], &["STATE.RESET", KEY, "*"], &["STATE.RECOVER", KEY]] {
            client.ok(line);
            replayed(client, KEY, line[0]);
        }
        client.ok(&["COPY", KEY, "channel:copy"]);
        replayed(client, "channel:copy", "COPY");
        client.ok(&["RENAME", "channel:copy", "channel:renamed"]);
        replayed(client, "channel:renamed", "RENAME");
        let Reply::Bulk(dump) = client.ok(&["DUMP", KEY]) else { panic!("a dump is bytes") };
        let restore: [&[u8]; 4] = [b"RESTORE", b"channel:restored", b"0", &dump];
        client.ok(&restore);
        replayed(client, "channel:restored", "RESTORE");
        client.ok(&["DEBUG", "RELOAD"]);
        replayed(client, KEY, "DEBUG RELOAD");
        client.ok(&["STATE.DELETE", KEY, "*"]);
        let anew = server.client().text(&line);
        assert_ne!(anew, etag, "a new state has its own tokens");
    });
}

/// S7: a replica has the tokens whatever its own setting, and uses them when promoted.
#[test]
fn tokens_survive_a_failover() {
    let (mut primary, replica) = (Server::start(), Server::start());
    replica.client().ok(&["CONFIG", "SET", "state.idempotency-ids", "0"]);
    replica.follow(&primary);
    let mut client = primary.client();
    started(&mut client);
    let line =
        ["STATE.UPDATE", KEY, "1", AMOUNT, "ID", "wamid.HBgL1", "LABEL", "amount", "OPERATION", "amount"];
    let etag = client.text(&line);
    client.ok(&[
        "STATE.UPDATE",
        KEY,
        "2",
        AMOUNT,
        "ID",
        "wamid.HBgL2",
        "LABEL",
        "same",
        "OPERATION",
        "amount",
    ]);
    client.ok(&["STATE.ATTEMPT", KEY, "confirm", "FAILURE", "ID", "wamid.HBgL3"]);
    assert_eq!(client.text(&line), etag);
    replica.catch_up(&primary);
    let digest = ["DEBUG", "DIGEST-VALUE", KEY, AUDIT];
    assert_eq!(replica.client().ok(&digest), client.ok(&digest));
    primary.kill();
    let mut promoted = replica.client();
    promoted.ok(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(promoted.text(&line), etag);
    assert_eq!(
        promoted.ok(&["STATE.ATTEMPT", KEY, "confirm", "FAILURE", "ID", "wamid.HBgL3"]),
        Reply::Int(1)
    );
    assert_eq!(promoted.ok(&["STATE.HISTORY", KEY]).array().len(), 2);
}

/// Eight connections deliver one webhook concurrently.
fn delivered(server: &Server, json: &str, token: &str) -> Vec<Reply> {
    std::thread::scope(|scope| {
        let deliver = || server.client().call(&["STATE.UPDATE", KEY, "*", json, "PATCH", "ID", token]);
        let connections: Vec<_> = (0..8).map(|_| scope.spawn(deliver)).collect();
        connections.into_iter().map(|connection| connection.join().expect("a reply")).collect()
    })
}

/// S32, S33: the same webhook on eight connections at once, fifty times; each time the server is
/// killed before or after the replies are read, and the webhook is delivered again.
#[test]
fn webhook_is_applied_once_despite_redeliveries_and_kills() {
    // With `everysec` the server may reply before it writes, when the disk is busy.
    let builder = Server::builder().arg("--appendonly").arg("yes").arg("--appendfsync").arg("always");
    let mut server = builder.start();
    server.client().ok(&["STATE.UPDATE", KEY, "0", r#"{"seen":[]}"#, "PERSIST"]);
    for round in 0..50 {
        let token = format!("wamid.{round}");
        let json = format!(r#"[{{"op":"add","path":"/seen/-","value":{round}}}]"#);
        if round % 2 == 0 {
            let replies = delivered(&server, &json, &token);
            server.kill();
            server.start_again();
            assert_eq!(
                delivered(&server, &json, &token),
                replies,
                "round {round}: the same answers as before the crash"
            );
        } else {
            let mut unread: Vec<Client> = (0..8).map(|_| server.client()).collect();
            for client in &mut unread {
                client.send(&["STATE.UPDATE", KEY, "*", &json, "PATCH", "ID", &token]);
            }
            server.kill();
            server.start_again();
        }
        let replies = delivered(&server, &json, &token);
        assert_eq!(Client::version(replies[0].text()), round + 2, "one version");
        assert!(replies.iter().all(|reply| *reply == replies[0]), "round {round}: {replies:?}");
    }
    let mut client = server.client();
    let seen: Vec<String> = (0..50).map(|round: u32| round.to_string()).collect();
    assert_eq!(client.state(KEY).1, format!(r#"{{"seen":[{}]}}"#, seen.join(",")));
    assert_eq!(client.ok(&["XLEN", AUDIT]), Reply::Int(51), "and one entry");
}
