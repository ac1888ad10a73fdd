//! `ID` with `OWNER`: of several deliveries of one message, one learns that it is the first (S32,
//! S33).

use std::collections::BTreeSet;
use std::thread;

use support::{Client, Reply, Server, state_test};

use crate::{AUDIT, KEY, audit_values, counter};

const TOKEN: &str = "wamid.HBgL1";
const CLAIM: &str = r#"{"current":{"path":"offer","claimed":true}}"#;

fn claim(client: &mut Client, expected: &str, json: &str, owner: &str) -> Reply {
    client.call(&["STATE.UPDATE", KEY, expected, json, "ID", TOKEN, "OWNER", owner])
}

#[track_caller]
fn claimed(client: &mut Client, expected: &str, json: &str, owner: &str) -> String {
    claim(client, expected, json, owner).text().to_owned()
}

/// The etag of the claim and its owner, as the error says them.
#[track_caller]
fn replayed(reply: &Reply) -> (String, String) {
    let Reply::Error(error) = reply else { panic!("{reply} is no error") };
    let rest = error.strip_prefix("REPLAYED ").unwrap_or_else(|| panic!("{error}"));
    let (etag, rest) = rest.split_once(" by ").expect("an owner");
    let (owner, _) = rest.split_once(": ").expect("what to do");
    (etag.to_owned(), owner.to_owned())
}

/// S32: the owner gets its reply again, any other caller an error that changes nothing and is not
/// audited.
#[test]
fn only_the_owner_of_a_token_gets_its_reply_again() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"current":{"path":"menu"}}"#]);
        let etag = claimed(client, "1", CLAIM, "web-1/7");
        assert_eq!(claimed(client, "1", CLAIM, "web-1/7"), etag, "a resend");
        let before = (client.ok(&["DEBUG", "DIGEST-VALUE", KEY, AUDIT]), client.ok(&["PEXPIRETIME", KEY]));
        let expected = (etag, "web-1/7".to_owned());
        for json in [CLAIM, r#"{"current":{"path":"menu"}}"#] {
            assert_eq!(replayed(&claim(client, "*", json, "web-2/1")), expected);
        }
        for line in [
            &["STATE.UPDATE", KEY, "1", CLAIM, "ID", TOKEN][..],
            &["STATE.ROLLBACK", KEY, "*", "ID", TOKEN, "OWNER", "web-2/1"],
            &["STATE.RESET", KEY, "*", "ID", TOKEN, "OWNER", "web-2/1"],
            &["STATE.ATTEMPT", KEY, "offer", "FAILURE", "ID", TOKEN, "OWNER", "web-2/1"],
        ] {
            assert_eq!(replayed(&client.call(line)), expected, "{line:?}");
        }
        let after = (client.ok(&["DEBUG", "DIGEST-VALUE", KEY, AUDIT]), client.ok(&["PEXPIRETIME", KEY]));
        assert_eq!(after, before);
        assert_eq!(counter(client, "replays"), 7);
        assert_eq!(audit_values(client, "owner"), ["-", "web-1/7"]);
        // The owner sends another command with its token.
        let other = client.err(&["STATE.UPDATE", KEY, "*", "{}", "ID", TOKEN, "OWNER", "web-1/7"]);
        assert!(other.starts_with("IDMISMATCH token made 2-"), "{other}");
    });
}

#[test]
fn owner_learns_of_a_command_without_one_and_of_an_attempt() {
    state_test(|_, client| {
        let etag = client.text(&["STATE.UPDATE", KEY, "0", CLAIM, "ID", TOKEN]);
        let unowned = replayed(&claim(client, "*", CLAIM, "web-1/7"));
        assert_eq!(unowned, (etag, "a command without OWNER".into()));
        let attempt = |owner| ["STATE.ATTEMPT", KEY, "offer", "FAILURE", "ID", "wamid.HBgL2", "OWNER", owner];
        assert_eq!(client.ok(&attempt("web-1/7")), Reply::Int(1));
        assert_eq!(client.ok(&attempt("web-1/7")), Reply::Int(1));
        assert_eq!(replayed(&client.call(&attempt("web-2/1"))), ("attempt 1".into(), "web-1/7".into()));
    });
}

/// A command that fails claims nothing, nor does a dry run, which tells whether the message was
/// counted.
#[test]
fn only_success_is_a_claim() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", r#"{"current":{"path":"menu"}}"#]);
        assert!(matches!(claim(client, "7", CLAIM, "web-1/7"), Reply::Error(_)));
        let asked = ["STATE.UPDATE", KEY, "*", "{}", "ID", TOKEN, "OWNER", "web-2/1", "DRYRUN"];
        assert!(matches!(client.call(&asked), Reply::Bulk(_)), "not counted");
        let etag = claimed(client, "1", CLAIM, "web-1/7");
        assert_eq!(replayed(&client.call(&asked)), (etag, "web-1/7".into()), "counted");
        assert!(matches!(
            client.call(&["STATE.UPDATE", KEY, "*", "{}", "OWNER", "web-1/7"]),
            Reply::Error(error) if error.starts_with("ERR syntax error: OWNER needs ID")
        ));
    });
}

/// A claim whose process is dead: another owner takes it over with its etag.
#[test]
fn claim_is_taken_over_with_its_etag() {
    state_test(|_, client| {
        let etag = claimed(client, "0", CLAIM, "web-1/7");
        let rescue = r#"{"current":{"claimed":"again"}}"#;
        for expected in ["*", "0", "1"] {
            assert_eq!(replayed(&claim(client, expected, rescue, "web-2/1")).0, etag, "{expected}");
        }
        // What changes nothing leaves the etag, with which a third owner would take it over too.
        assert_eq!(replayed(&claim(client, &etag, "{}", "web-2/1")).1, "web-1/7");
        let taken = claimed(client, &etag, rescue, "web-2/1");
        assert_eq!(claimed(client, &etag, rescue, "web-2/1"), taken, "a resend of the new owner");
        for owner in ["web-1/7", "web-3/4"] {
            let reply = claim(client, &etag, r#"{"current":{"claimed":"late"}}"#, owner);
            assert_eq!(replayed(&reply), (taken.clone(), "web-2/1".into()), "{owner}");
        }
        // Its owner is alive: it has committed something since.
        let next = client.text(&["STATE.UPDATE", KEY, &taken, r#"{"current":{"path":"confirm"}}"#]);
        for expected in [&taken, &next] {
            assert_eq!(replayed(&claim(client, expected, rescue, "web-3/4")).1, "web-2/1");
        }
        assert_eq!(audit_values(client, "owner"), ["web-1/7", "web-2/1", "-"]);
    });
}

/// S7: claims survive copies, dumps, reloads and failovers.
#[test]
fn claims_survive_copies_reloads_and_a_failover() {
    let (mut primary, replica) = (Server::start(), Server::start());
    replica.follow(&primary);
    let mut client = primary.client();
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"current":{"path":"menu"}}"#]);
    let first = claimed(&mut client, "1", CLAIM, "web-1/7");
    let expected =
        (claimed(&mut client, &first, r#"{"current":{"claimed":2}}"#, "web-2/1"), "web-2/1".into());
    assert_eq!(replayed(&claim(&mut client, "*", CLAIM, "web-3/4")), expected);
    let Reply::Bulk(dump) = client.ok(&["DUMP", KEY]) else { panic!("a dump is bytes") };
    let restore: [&[u8]; 5] = [b"RESTORE", KEY.as_bytes(), b"0", &dump, b"REPLACE"];
    client.ok(&restore);
    assert_eq!(replayed(&claim(&mut client, "*", CLAIM, "web-3/4")), expected);
    client.ok(&["DEBUG", "RELOAD"]);
    assert_eq!(replayed(&claim(&mut client, "*", CLAIM, "web-3/4")), expected);
    replica.catch_up(&primary);
    let digest = ["DEBUG", "DIGEST-VALUE", KEY, AUDIT];
    assert_eq!(replica.client().ok(&digest), client.ok(&digest));
    primary.kill();
    let mut promoted = replica.client();
    promoted.ok(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(replayed(&claim(&mut promoted, "*", CLAIM, "web-3/4")), expected);
}

/// S33: eight deliveries at the same instant, two hundred times: each time one of them is first.
#[test]
fn one_of_eight_deliveries_is_first() {
    let server = Server::start();
    let mut client = server.client();
    // The deliveries of one connection may be far behind those of another.
    client.ok(&["CONFIG", "SET", "state.idempotency-ids", "1000"]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"seen":0}"#, "PERSIST"]);
    let deliver = |owner: usize| {
        let mut client = server.client();
        let first = |round: &usize| {
            let (json, token) = (format!(r#"{{"seen":{round}}}"#), format!("wamid.{round}"));
            let line = ["STATE.UPDATE", KEY, "*", &json, "ID", &token, "OWNER", &format!("web-{owner}")];
            !matches!(client.call(&line), Reply::Error(_))
        };
        (1..=200).filter(first).collect::<Vec<usize>>()
    };
    let firsts: Vec<usize> = thread::scope(|scope| {
        let deliveries: Vec<_> = (0..8).map(|owner| scope.spawn(move || deliver(owner))).collect();
        deliveries.into_iter().flat_map(|delivery| delivery.join().expect("no failure")).collect()
    });
    assert_eq!(firsts.len(), 200, "each message is claimed once");
    assert_eq!(firsts.iter().collect::<BTreeSet<_>>().len(), 200);
}
