//! Attempts are counted by the server: concurrent clients lose none, and no command takes one back
//! (S23, S41, S42, S47, S65, S66).

use support::{Client, Reply, state_test};

use crate::{KEY, audit_values, full_state, newest, rejected};

fn counts(client: &mut Client, operation: &str) -> (i64, i64) {
    let reply = client.ok(&["STATE.ATTEMPTS", KEY, operation]);
    (reply.field("attempts").int(), reply.field("failures").int())
}

/// S7, S41, S42: operations with their counts, the last result, and the whole history.
#[test]
fn attempts_are_counted_and_remembered() {
    state_test(|_, client| {
        full_state(client);
        let version = client.state(KEY);
        let failure = [
            "STATE.ATTEMPT",
            KEY,
            "confirm",
            "FAILURE",
            "COMPONENT",
            "ConfirmOffer",
            "ERROR",
            "not a yes",
            "ACTOR",
            "confirm",
        ];
        assert_eq!(client.ok(&failure), Reply::Int(1));
        assert_eq!(client.ok(&["STATE.ATTEMPT", KEY, "confirm", "failure"]), Reply::Int(2));
        assert_eq!(client.ok(&["STATE.ATTEMPT", KEY, "confirm", "SUCCESS"]), Reply::Int(3));
        assert_eq!(client.ok(&["STATE.ATTEMPT", KEY, "confirm", "FAILURE"]), Reply::Int(4));
        assert_eq!(client.ok(&["STATE.ATTEMPT", KEY, "login", "SUCCESS"]), Reply::Int(1));
        assert_eq!(counts(client, "confirm"), (4, 1));
        let all = client.ok(&["STATE.ATTEMPTS", KEY, "confirm"]);
        let history = all.field("history").array();
        assert_eq!(
            history.iter().map(|attempt| attempt.field("success").int()).collect::<Vec<_>>(),
            [0, 1, 0, 0]
        );
        let first = &history[3];
        assert_eq!(first.field_names(), ["operation", "component", "timestamp", "success", "error"]);
        assert_eq!(
            (first.field("component").text(), first.field("error").text()),
            ("ConfirmOffer", "not a yes")
        );
        assert_eq!(all.field("latest"), &history[0]);
        assert!(
            history[0].field("component").is_nil() && history[0].field("timestamp").text().ends_with('Z')
        );
        let two = client.ok(&["STATE.ATTEMPTS", KEY, "confirm", "COUNT", "2"]);
        assert_eq!((two.field("history").array().len(), two.field("attempts").int()), (2, 4));
        let counted = client.ok(&["STATE.ATTEMPTS", KEY]);
        assert_eq!((counted.field("confirm").int(), counted.field("login").int()), (4, 1));
        assert_eq!(client.ok(&["STATE.META", KEY]).field("attempts"), &counted);
        assert_eq!(client.state(KEY), version, "attempts are no part of the document");
        assert!(client.ok(&["STATE.ATTEMPTS", KEY, "offer"]).field("latest").is_nil());
        assert_eq!(client.ok(&["STATE.ATTEMPTS", "channel:+263770000000"]), Reply::Nil);
        assert!(
            client
                .err(&["STATE.ATTEMPT", "channel:+263770000000", "login", "SUCCESS"])
                .starts_with("NOSTATE ")
        );
    });
}

#[test]
fn each_attempt_is_audited_and_moves_the_expiry_but_a_clearing_does_not() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.TOUCH", KEY, "EX", "9"]);
        client.ok(&[
            "STATE.ATTEMPT",
            KEY,
            "confirm",
            "FAILURE",
            "COMPONENT",
            "ConfirmOffer",
            "ERROR",
            "late",
            "ACTOR",
            "bot",
        ]);
        assert!(client.ok(&["PTTL", KEY]).int() > 1_700_000, "the attempt moves the expiry");
        let entry = newest(client);
        for (name, value) in [
            ("event", "attempt"),
            ("version", "1"),
            ("operation", "confirm"),
            ("component", "ConfirmOffer"),
            ("outcome", "failure"),
            ("error", "late"),
            ("actor", "bot"),
            ("user", "default"),
        ] {
            assert_eq!(entry.field(name).text(), value, "{name}");
        }
        client.ok(&["STATE.TOUCH", KEY, "EX", "9"]);
        assert_eq!(client.ok(&["STATE.ATTEMPT", KEY, "confirm", "CLEAR"]), Reply::Int(0));
        assert!(client.ok(&["PTTL", KEY]).int() <= 9000, "a clearing moves nothing");
        assert_eq!(newest(client).field("outcome").text(), "clear");
        assert_eq!(counts(client, "confirm"), (0, 0));
        assert_eq!(
            client.ok(&["STATE.ATTEMPTS", KEY, "confirm"]).field("history").array().len(),
            1,
            "the history stays"
        );
        assert_eq!(client.ok(&["STATE.ATTEMPT", KEY, "confirm", "SUCCESS"]), Reply::Int(1));
    });
}

/// S41, S43, S47: an update names the operation that it attempts; a rejection counts as a failed
/// attempt, with its error.
#[test]
fn update_counts_as_an_attempt() {
    state_test(|_, client| {
        full_state(client);
        let tried = ["OPERATION", "confirm", "COMPONENT", "ConfirmOffer"];
        let line = |json: &'static str| [&["STATE.UPDATE", KEY, "*", json][..], &tried].concat();
        client.ok(&line(r#"{"current":{"path":"offer"}}"#));
        assert_eq!(
            (newest(client).field("event").text(), newest(client).field("operation").text()),
            ("update", "confirm")
        );
        client.ok(&["STATE.TOUCH", KEY, "EX", "9"]);
        let error = client.err(&line(r#"{"dashboard":{"balance":9}}"#));
        assert!(error.starts_with("PROTECTED "));
        assert!(client.ok(&["PTTL", KEY]).int() > 1_700_000, "a rejected attempt moves the expiry");
        assert_eq!(
            (newest(client).field("event").text(), newest(client).field("component").text()),
            ("reject", "ConfirmOffer")
        );
        assert_eq!(counts(client, "confirm"), (2, 1));
        let latest = client.ok(&["STATE.ATTEMPTS", KEY, "confirm"]).field("latest").clone();
        assert_eq!(
            (latest.field("error").text(), latest.field("component").text()),
            (error.as_str(), "ConfirmOffer")
        );
        // An update without a change is still a successful attempt.
        client.ok(&line(r#"{"current":{"path":"offer"}}"#));
        assert_eq!(counts(client, "confirm"), (3, 0));
        assert_eq!(newest(client).field("event").text(), "attempt");
        // A conflict, a dry run and invalid JSON are no attempts: no rule has rejected them.
        client.err(&[&["STATE.UPDATE", KEY, "1", "{}"][..], &tried].concat());
        client.err(&[&["STATE.UPDATE", KEY, "*", "{"][..], &tried].concat());
        client.ok(&[&["STATE.UPDATE", KEY, "*", "{}", "DRYRUN"][..], &tried].concat());
        client.err(&[&["STATE.UPDATE", KEY, "*", r#"{"dashboard":1}"#, "DRYRUN"][..], &tried].concat());
        assert_eq!(counts(client, "confirm"), (3, 0));
        let create = ["STATE.UPDATE", "channel:2", "0", "{}", "OPERATION", "greet"];
        client.ok(&create);
        assert_eq!(client.ok(&["STATE.ATTEMPTS", "channel:2"]).field("greet"), &Reply::Int(1));
    });
}

/// S65: an error, a rollback, a reset or a recovery takes no attempt back.
#[test]
fn attempts_survive_rollback_reset_and_recovery() {
    state_test(|_, client| {
        full_state(client);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"current":{"path":"offer"}}"#, "OPERATION", "offer"]);
        client.ok(&["STATE.ATTEMPT", KEY, "confirm", "FAILURE"]);
        for line in [&["STATE.ROLLBACK", KEY, "*"][..], &["STATE.RESET", KEY, "*"], &["STATE.RECOVER", KEY]] {
            client.ok(line);
            assert_eq!((counts(client, "offer"), counts(client, "confirm")), ((1, 0), (1, 1)), "{line:?}");
        }
        client.ok(&["COPY", KEY, "channel:3"]);
        assert_eq!(
            client.ok(&["STATE.ATTEMPTS", "channel:3", "confirm"]),
            client.ok(&["STATE.ATTEMPTS", KEY, "confirm"])
        );
    });
}

/// S41: sixteen concurrent clients lose no attempt.
#[test]
fn concurrent_attempts_are_all_counted() {
    state_test(|server, client| {
        full_state(client);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let mut client = server.client();
                    (0..25).for_each(|_| drop(client.ok(&["STATE.ATTEMPT", KEY, "confirm", "FAILURE"])));
                });
            }
        });
        assert_eq!(counts(client, "confirm"), (400, 400));
        assert_eq!(
            audit_values(client, "event").iter().filter(|event| *event == "attempt").count(),
            client.ok(&["XLEN", crate::AUDIT]).int() as usize
        );
    });
}

/// Operations, history and texts are limited; one more is rejected and changes nothing.
#[test]
fn attempts_are_limited_in_number_and_length() {
    state_test(|_, client| {
        full_state(client);
        for number in 0..64 {
            client.ok(&["STATE.ATTEMPT", KEY, &format!("operation{number}"), "SUCCESS"]);
        }
        rejected(
            client,
            &["STATE.ATTEMPT", KEY, "one more", "SUCCESS"],
            "TOOBIG a state counts the attempts of 64 operations",
        );
        rejected(
            client,
            &["STATE.UPDATE", KEY, "1", r#"{"current":{}}"#, "OPERATION", "one more"],
            "TOOBIG ",
        );
        client.ok(&["STATE.ATTEMPT", KEY, "operation7", "CLEAR"]);
        client.ok(&["STATE.ATTEMPT", KEY, "one more", "SUCCESS"]);
        client.ok(&["CONFIG", "SET", "state.attempts-history", "3"]);
        client.ok(&["STATE.ATTEMPT", KEY, "operation1", "FAILURE"]);
        let kept: usize = ["operation1", "operation63", "one more"]
            .map(|name| client.ok(&["STATE.ATTEMPTS", KEY, name]).field("history").array().len())
            .iter()
            .sum();
        assert_eq!(kept, 3);
        assert!(client.ok(&["STATE.ATTEMPTS", KEY, "operation5"]).field("history").array().is_empty());
        rejected(client, &["STATE.ATTEMPT", KEY, &"x".repeat(129), "SUCCESS"], "TOOBIG ");
        rejected(client, &["STATE.ATTEMPT", KEY, "login", "FAILURE", "ERROR", &"x".repeat(1025)], "TOOBIG ");
        client.ok(&["STATE.ATTEMPT", KEY, "operation2", "FAILURE", "ERROR", &"x".repeat(1024)]);
        rejected(client, &["STATE.ATTEMPT", KEY, "AUDIT", "FAILURE"], "ERR syntax error");
    });
}
