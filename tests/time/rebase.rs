//! `REBASE`: two messages that write different members are both applied without a retry (S32, S33).

use std::collections::BTreeSet;
use std::thread;

use support::{Client, Reply, Server, state_test};

use crate::{KEY, audit_values, counter};

const START: &str = concat!(
    r#"{"channel":{"type":"whatsapp"},"current":{"path":"offer","data":{"amount":5,"notes":["a","b"]}},"#,
    r#""dashboard":{"balance":"1.10"},"empty":{}}"#
);

/// Version 2 by `first`, then `second` with version 1 as expected.
fn after_another(client: &mut Client, first: [&str; 2], second: [&str; 2]) -> Reply {
    client.ok(&["DEL", KEY]);
    client.ok(&["STATE.UPDATE", KEY, "0", START]);
    client.ok(&["STATE.UPDATE", KEY, "1", first[0], first[1]]);
    assert_eq!(Client::version(&client.state(KEY).0), 2, "{first:?} changes something");
    client.call(&["STATE.UPDATE", KEY, "1", second[0], second[1], "REBASE"])
}

/// S32: two pointers overlap if one is, contains or lies in the other. Only overlapping writes
/// conflict.
#[test]
fn only_overlapping_members_conflict() {
    let server = Server::start();
    let mut client = server.client();
    let amount = [r#"{"current":{"data":{"amount":6}}}"#, "MERGE"];
    let push = [r#"[{"op":"add","path":"/current/data/notes/-","value":"c"}]"#, "PATCH"];
    let removed = [r#"{"current":{"data":null}}"#, "MERGE"];
    let new = [r#"{"action":{"id":1}}"#, "MERGE"];
    for (first, second, lands) in [
        (amount, [r#"{"current":{"path":"confirm"}}"#, "MERGE"], true),
        (amount, [r#"{"current":{"data":{"handle":"zoe"}}}"#, "MERGE"], true),
        (amount, [r#"{"current":{"data":{"amount":6}}}"#, "MERGE"], false),
        (amount, [r#"{"current":{"data":{"amount":{"value":6}}}}"#, "MERGE"], false),
        (amount, [r#"{"current":{"data":{}}}"#, "MERGE"], false),
        (amount, [r#"{"current":{"data":null}}"#, "MERGE"], false),
        (amount, [r#"{"current":{"data":{"amount":null}}}"#, "MERGE"], false),
        (amount, ["{}", "MERGE"], true),
        (amount, [r#"{"channel":{"type":"sms"},"action":null}"#, "SHALLOW"], true),
        (amount, [r#"{"current":{"path":"confirm"}}"#, "SHALLOW"], false),
        (amount, [START, "REPLACE"], false),
        (amount, [r#"[{"op":"replace","path":"/current/path","value":"confirm"}]"#, "PATCH"], true),
        (amount, [r#"[{"op":"remove","path":"/current/data"}]"#, "PATCH"], false),
        (amount, push, true),
        // What a patch reads counts as written.
        (
            amount,
            [
                r#"[{"op":"test","path":"/current/data/amount","value":6},{"op":"remove","path":"/empty"}]"#,
                "PATCH",
            ],
            false,
        ),
        (
            amount,
            [
                r#"[{"op":"test","path":"/current/path","value":"offer"},{"op":"remove","path":"/empty"}]"#,
                "PATCH",
            ],
            true,
        ),
        (amount, [r#"[{"op":"test","path":"","value":{}}]"#, "PATCH"], false),
        (amount, [r#"[{"op":"copy","from":"/current/data/amount","path":"/copy"}]"#, "PATCH"], false),
        (amount, [r#"[{"op":"move","from":"/current/data","path":"/data"}]"#, "PATCH"], false),
        (amount, [r#"[{"op":"copy","from":"/current/data/notes","path":"/copy"}]"#, "PATCH"], true),
        // An array is one member.
        (push, push, false),
        (push, [r#"[{"op":"replace","path":"/current/data/notes/0","value":"z"}]"#, "PATCH"], false),
        (push, [r#"{"current":{"data":{"notes":["z"]}}}"#, "MERGE"], false),
        (push, amount, true),
        // So are members that are added and removed.
        (removed, [r#"{"current":{"data":{"handle":"zoe"}}}"#, "MERGE"], false),
        (removed, [r#"{"current":{"path":"menu"}}"#, "MERGE"], true),
        (new, [r#"{"action":{"kind":"offer"}}"#, "MERGE"], false),
        (new, [r#"{"action":null}"#, "MERGE"], false),
        (new, [r#"{"actions":{"kind":"offer"}}"#, "MERGE"], true),
        ([r#"{"empty":{"x":1}}"#, "MERGE"], [r#"{"empty":{"y":1}}"#, "MERGE"], true),
        (
            [r#"{"dashboard":{"balance":"1.1"}}"#, "MERGE"],
            [r#"{"dashboard":{"balance":"2"}}"#, "MERGE"],
            false,
        ),
    ] {
        match after_another(&mut client, first, second) {
            Reply::Error(error) => {
                assert!(
                    error.starts_with("CONFLICT expected 1, current is 2-") && !lands,
                    "{first:?} {second:?}: {error}"
                );
                assert_eq!(Client::version(&client.state(KEY).0), 2);
            }
            reply => {
                assert!(lands, "{first:?} {second:?}: {reply}");
                let without = after_another(&mut client, first, second);
                assert_eq!(Client::version(without.text()), Client::version(reply.text()));
                let document = client.state(KEY).1;
                client.ok(&["STATE.ROLLBACK", KEY, "*", "TO", "2"]);
                client.ok(&["STATE.UPDATE", KEY, "*", second[0], second[1]]);
                assert_eq!(client.state(KEY).1, document, "as if version 2 had been expected");
            }
        }
    }
}

/// The base must be known: a kept version, and an etag of this state.
#[test]
fn base_that_is_not_kept_is_a_conflict() {
    state_test(|_, client| {
        client.ok(&["CONFIG", "SET", "state.snapshots", "2"]);
        let etags: Vec<String> = ["{}", r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#]
            .iter()
            .map(|json| client.text(&["STATE.UPDATE", KEY, "*", json]))
            .collect();
        let update = |expected: &str| {
            ["STATE.UPDATE", KEY, expected, r#"{"b":1}"#, "DRYRUN", "REBASE"].map(str::to_owned)
        };
        let foreign = format!("3-{}", &etags[1][2..]);
        for unknown in
            ["1", &etags[0], "5", "99", &foreign, &etags[3].replace("4-", "3-"), &foreign.replace("3-", "4-")]
        {
            let error = client.err(&update(unknown));
            assert_eq!(error, format!("CONFLICT expected {unknown}, current is {}", etags[3]));
        }
        for known in ["2", "3", "4", &etags[1], &etags[2], &etags[3]] {
            assert_eq!(Client::version(&client.text(&update(known))), 5, "{known}");
        }
        for word in ["*", "0"] {
            assert!(client.err(&update(word)).starts_with("ERR syntax error: REBASE"), "{word}");
            assert!(
                client
                    .err(&["STATE.UPDATE", "channel:none", word, "{}", "REBASE"])
                    .starts_with("ERR syntax error")
            );
        }
        assert!(client.err(&["STATE.UPDATE", "channel:none", "1", "{}", "REBASE"]).starts_with("NOSTATE "));
        // A labelled version is kept, however old.
        let labelled = client.text(&["STATE.UPDATE", KEY, "4", r#"{"a":4}"#, "LABEL", "menu"]);
        (5..9).for_each(|n| drop(client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{"a":{n}}}"#)])));
        client.ok(&["STATE.UPDATE", KEY, &labelled, r#"{"b":1}"#, "REBASE"]);
        assert_eq!(client.state(KEY).1, r#"{"a":8,"b":1}"#);
    });
}

/// Only the version check is waived: the result is validated like any update, and audited with its
/// base.
#[test]
fn rebased_result_is_validated_and_audited_with_its_base() {
    state_test(|_, client| {
        let schema = r#"{"maxProperties":3,"properties":{
            "stage":{"x-transitions":{"initial":["menu"],"allow":{"menu":["offer"],"offer":["confirm"]}}},
            "tier":{"x-protected":true}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rebase", schema]);
        let first =
            client.text(&["STATE.UPDATE", KEY, "0", r#"{"stage":"menu"}"#, "SCHEMA", "vimbiso.rebase"]);
        client.ok(&["STATE.UPDATE", KEY, &first, r#"{"a":1,"b":1}"#]);
        let update =
            |json: &str| ["STATE.UPDATE", KEY, "1", json, "REBASE", "OPERATION", "offer"].map(str::to_owned);
        assert!(
            client.err(&update(r#"{"c":1}"#)).starts_with("INVALID "),
            "each change alone is valid, both together are not"
        );
        assert!(client.err(&update(r#"{"stage":"confirm"}"#)).starts_with("TRANSITION "));
        assert!(client.err(&update(r#"{"tier":2}"#)).starts_with("PROTECTED "));
        assert!(client.err(&update(r#"{"a":2}"#)).starts_with("CONFLICT "));
        assert_eq!(counter(client, "rebases"), 0);
        assert_eq!(
            client.ok(&["STATE.ATTEMPTS", KEY, "offer"]).field("failures").int(),
            3,
            "a conflict is no attempt"
        );
        let third = client.ok(&[&update(r#"{"stage":"offer"}"#)[..], &["RETURN".to_owned()]].concat());
        assert_eq!(third.array()[1].text(), r#"{"stage":"offer","a":1,"b":1}"#);
        // An update of the present version is no rebase; one without a change is.
        client.ok(&["STATE.UPDATE", KEY, "3", r#"{"a":3}"#, "REBASE"]);
        let same = client.text(&["STATE.UPDATE", KEY, &first, r#"{"x":null}"#, "REBASE", "EVENT", "shown"]);
        assert_eq!(same, client.state(KEY).0);
        assert_eq!(audit_values(client, "rebased"), ["-", "-", "-", "-", "-", "1", "-", "1"]);
        assert_eq!(audit_values(client, "parent")[5..7], ["2", "3"]);
        assert_eq!((counter(client, "rebases"), counter(client, "conflicts")), (2, 1));
        // With a token, the second delivery is a replay, not a second rebase.
        let line =
            ["STATE.SETPROTECTED", KEY, &first, r#"{"tier":null,"b":null}"#, "REBASE", "ID", "wamid.HBgL1"];
        assert!(client.err(&line).starts_with("CONFLICT "));
        let line = ["STATE.SETPROTECTED", KEY, "2", r#"{"b":null}"#, "REBASE", "ID", "wamid.HBgL1"];
        let fifth = client.text(&line);
        assert_eq!(client.text(&line), fifth);
        assert_eq!((counter(client, "rebases"), counter(client, "replays")), (3, 1));
    });
}

/// S51: a client that reads `"***"` and sends it back does not write the secret, so a new token is
/// no conflict.
#[test]
fn masked_secret_sent_back_is_no_write() {
    state_test(|_, client| {
        let schema = r#"{"properties":{"auth":{"properties":{"token":{"x-secret":true,"x-protected":true}}},"pin":{"x-secret":true}}}"#;
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.rebase", schema]);
        let start = r#"{"auth":{"token":"old","kind":"jwt"},"pin":"1234","stage":"menu"}"#;
        client.ok(&["STATE.SETPROTECTED", KEY, "0", start, "SCHEMA", "vimbiso.rebase"]);
        client.ok(&["STATE.SETPROTECTED", KEY, "1", r#"{"auth":{"token":"new"},"pin":"5678"}"#]);
        client.ok(&["ACL", "SETUSER", "bot", "on", "nopass", "~*", "+@all", "-state.setprotected"]);
        client.ok(&["AUTH", "bot", "any"]);
        for (json, kind, lands) in [
            (r#"{"auth":{"token":"***"},"stage":"offer"}"#, "MERGE", true),
            (r#"{"auth":{"token":"***","kind":"key"},"pin":"***"}"#, "MERGE", true),
            (r#"{"auth":{"token":"guess"}}"#, "MERGE", false),
            (r#"{"pin":"***","stage":"confirm"}"#, "SHALLOW", true),
            (r#"{"pin":"9"}"#, "SHALLOW", false),
            (r#"{"auth":{"token":"***","kind":"key"}}"#, "SHALLOW", false),
            (
                r#"[{"op":"replace","path":"/pin","value":"***"},{"op":"remove","path":"/stage"}]"#,
                "PATCH",
                true,
            ),
            (r#"[{"op":"replace","path":"/pin","value":"9"}]"#, "PATCH", false),
            (r#"[{"op":"replace","path":"/auth","value":{"token":"***"}}]"#, "PATCH", false),
        ] {
            let reply = client.call(&["STATE.UPDATE", KEY, "1", json, kind, "REBASE", "DRYRUN", "RETURN"]);
            match reply {
                Reply::Error(error) => assert!(error.starts_with("CONFLICT ") && !lands, "{json}: {error}"),
                reply => assert!(lands && Client::version(reply.array()[0].text()) == 3, "{json}: {reply}"),
            }
        }
        client.ok(&[
            "STATE.UPDATE",
            KEY,
            "1",
            r#"{"auth":{"token":"***"},"pin":"***","stage":"offer"}"#,
            "REBASE",
        ]);
        client.ok(&["AUTH", "default", ""]);
        assert_eq!(
            client.state(KEY).1,
            r#"{"auth":{"token":"new","kind":"jwt"},"pin":"5678","stage":"offer"}"#
        );
    });
}

const CLIENTS: usize = 16;
const TURNS: u64 = 25;

/// Sixteen clients, each with the version that it read last, until each has had all its turns.
fn play(server: &Server, member: impl Fn(usize) -> String + Sync) -> Vec<Reply> {
    let start = server.client().state(KEY).0;
    let part = |number: usize| {
        let mut client = server.client();
        let mut etag = start.clone();
        let mut replies = Vec::new();
        for turn in 1..=TURNS {
            let json = format!(r#"{{"{}":{{"turn":{turn},"by":{number}}}}}"#, member(number));
            let reply = client.call(&["STATE.UPDATE", KEY, &etag, &json, "REBASE"]);
            match &reply {
                Reply::Error(_) => etag = client.state(KEY).0,
                reply => etag = reply.text().to_owned(),
            }
            replies.push(reply);
        }
        replies
    };
    thread::scope(|scope| {
        let part = &part;
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || part(number))).collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client without a failure")).collect()
    })
}

/// S32, S33: sixteen clients with a member each on one key: no conflict, no lost update.
#[test]
fn sixteen_clients_with_their_own_members_never_conflict() {
    state_test(|server, client| {
        client.ok(&["CONFIG", "SET", "state.snapshots", "1000"]);
        client.ok(&["CONFIG", "SET", "state.audit-maxlen", "100000"]);
        client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
        let replies = play(server, |number| format!("member{number}"));
        let versions: BTreeSet<u64> = replies.iter().map(|reply| Client::version(reply.text())).collect();
        let total = CLIENTS as u64 * TURNS;
        assert_eq!(versions, (2..=total + 1).collect(), "each update has its own version");
        let document: serde_json::Value = serde_json::from_str(&client.state(KEY).1).expect("JSON");
        for number in 0..CLIENTS {
            assert_eq!(document[format!("member{number}")], serde_json::json!({"turn": TURNS, "by": number}));
        }
        let rebased = audit_values(client, "rebased");
        assert_eq!(rebased.iter().filter(|from| *from != "-").count() as i64, counter(client, "rebases"));
        assert!(counter(client, "rebases") > 0, "no concurrent write occurred: this test has shown nothing");
        assert_eq!((counter(client, "conflicts"), counter(client, "updates")), (0, total as i64));
    });
}

/// S33: with the same member, one client wins each version, and the others get CONFLICT.
#[test]
fn one_of_sixteen_clients_on_one_member_wins() {
    state_test(|server, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", "{}"]);
        let replies = play(server, |_| "member".to_owned());
        let lost = replies.iter().filter(|reply| matches!(reply, Reply::Error(_))).count();
        assert!(
            replies
                .iter()
                .all(|reply| !matches!(reply, Reply::Error(error) if !error.starts_with("CONFLICT ")))
        );
        let won: Vec<u64> = replies
            .iter()
            .filter_map(|reply| match reply {
                Reply::Error(_) => None,
                reply => Some(Client::version(reply.text())),
            })
            .collect();
        let versions: BTreeSet<u64> = won.iter().copied().collect();
        assert_eq!(versions.len(), won.len(), "one client wins each version");
        assert_eq!(versions, (2..=won.len() as u64 + 1).collect());
        assert!(lost > 0, "no concurrent write occurred: this test has shown nothing");
        assert_eq!((counter(client, "rebases"), counter(client, "conflicts")), (0, lost as i64));
    });
}
