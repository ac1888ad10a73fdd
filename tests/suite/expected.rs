//! Optimistic concurrency: which `expected` values match, and that a conflict changes nothing
//! (S32).

use support::{Client, state_test};

use crate::baseline::{AUDIT, KEY, audit_values};

fn update(client: &mut Client, expected: &str, json: &str) -> Result<String, String> {
    match client.call(&["STATE.UPDATE", KEY, expected, json]) {
        support::Reply::Error(line) => Err(line),
        reply => Ok(reply.text().to_owned()),
    }
}

/// S31, S32: versions increase by one; the error of a stale writer names the present etag.
#[test]
fn stale_versions_and_etags_are_rejected() {
    state_test(|_, client| {
        let missing = "NOSTATE there is no state at this key";
        assert!(update(client, "1", "{}").expect_err("no state").starts_with(missing));
        assert!(update(client, "1-0123456789abcdef", "{}").expect_err("no state").starts_with(missing));
        let first = update(client, "0", r#"{"page":1}"#).expect("created");
        let conflict = format!("CONFLICT expected 0, current is {first}");
        assert_eq!(update(client, "0", "{}"), Err(conflict));
        let second = update(client, &first, r#"{"page":2}"#).expect("by etag");
        assert_eq!(
            update(client, &first, r#"{"page":9}"#),
            Err(format!("CONFLICT expected {first}, current is {second}"))
        );
        let third = update(client, "2", r#"{"page":3}"#).expect("by version");
        assert_eq!(
            update(client, "2", r#"{"page":9}"#),
            Err(format!("CONFLICT expected 2, current is {third}"))
        );
        assert_eq!(Client::version(&update(client, "*", r#"{"page":4}"#).expect("any")), 4);
        assert_eq!(client.state(KEY).1, r#"{"page":4}"#);
        assert_eq!(audit_values(client, AUDIT, "version"), ["1", "2", "3", "4"]);
    });
}

/// The right version with another document's digest is a conflict: the state was recreated
/// meanwhile.
#[test]
fn etag_of_a_deleted_state_never_matches() {
    state_test(|_, client| {
        let first = update(client, "0", r#"{"page":1}"#).expect("created");
        client.ok(&["STATE.DELETE", KEY, &first]);
        let again = update(client, "0", r#"{"page":1}"#).expect("created");
        assert_ne!(first, again, "same version, same document, another seed");
        assert_eq!(
            update(client, &first, "{}"),
            Err(format!("CONFLICT expected {first}, current is {again}"))
        );
    });
}

/// `*` matches any state, and none.
#[test]
fn star_creates_a_missing_state() {
    state_test(|_, client| {
        assert_eq!(Client::version(&update(client, "*", r#"{"page":1}"#).expect("created")), 1);
    });
}

/// An update without a change makes no version, but the user was there: the expiry moves (S12).
#[test]
fn update_without_a_change_makes_no_version() {
    state_test(|_, client| {
        let first = update(client, "0", r#"{"page":1,"auth":null}"#).expect("created");
        client.ok(&["PEXPIRE", KEY, "1000"]);
        assert_eq!(update(client, "1", r#"{"page":1}"#), Ok(first.clone()));
        assert!(client.ok(&["PTTL", KEY]).int() > 299_000);
        assert_eq!(audit_values(client, AUDIT, "event"), ["create"]);
        // S66: an EVENT without a change is audited.
        let noted = client.text(&["STATE.UPDATE", KEY, "*", "{}", "EVENT", "shown", "NOTE", "menu sent"]);
        assert_eq!(noted, first);
        assert_eq!(audit_values(client, AUDIT, "event"), ["create", "note"]);
        assert_eq!(audit_values(client, AUDIT, "name"), ["-", "shown"]);
        assert_eq!(audit_values(client, AUDIT, "note"), ["-", "menu sent"]);
        assert_eq!(audit_values(client, AUDIT, "etag"), [first.as_str(), &first]);
        assert_eq!(client.ok(&["STATE.HISTORY", KEY]).array().len(), 1);
    });
}

/// DRYRUN returns the command's reply and has no effect.
#[test]
fn dry_run_has_no_effect() {
    state_test(|_, client| {
        let would = client.text(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#, "DRYRUN"]);
        assert_eq!(Client::version(&would), 1);
        assert_eq!(client.ok(&["DBSIZE"]).int(), 0);
        update(client, "0", r#"{"page":1}"#).expect("created");
        client.ok(&["PEXPIRE", KEY, "100000"]);
        let expires_at = client.ok(&["PEXPIRETIME", KEY]).int();
        let would = client.ok(&["STATE.UPDATE", KEY, "1", r#"{"page":2}"#, "RETURN", "DRYRUN", "EVENT", "x"]);
        assert_eq!(would.array()[1].text(), r#"{"page":2}"#);
        let rejected = client.err(&["STATE.UPDATE", KEY, "1", "[]", "REPLACE", "DRYRUN"]);
        assert!(rejected.starts_with("INVALID"), "{rejected}");
        assert_eq!(client.state(KEY).1, r#"{"page":1}"#);
        assert_eq!(client.ok(&["PEXPIRETIME", KEY]).int(), expires_at);
        assert_eq!(audit_values(client, AUDIT, "event"), ["create"]);
        // The etag of a dry run is the one that the command then returns.
        let etag = update(client, "1", r#"{"page":2}"#).expect("updated");
        assert_eq!(would.array()[0].text(), etag);
    });
}

/// RETURN saves a GET.
#[test]
fn return_adds_the_document_to_the_reply() {
    state_test(|_, client| {
        let reply = client.ok(&["STATE.UPDATE", KEY, "0", r#"{"page":1}"#, "RETURN"]);
        assert_eq!(reply, client.ok(&["STATE.GET", KEY]));
        let unchanged = client.ok(&["STATE.UPDATE", KEY, "1", r#"{"page":1}"#, "RETURN"]);
        assert_eq!(unchanged, reply);
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"page":2}"#]);
        let back = client.ok(&["STATE.ROLLBACK", KEY, "2", "RETURN"]);
        assert_eq!(back, client.ok(&["STATE.GET", KEY]));
        assert_eq!(back.array()[1].text(), r#"{"page":1}"#);
    });
}
