//! At its deadline a member returns to its default or is removed. Reads show this before the
//! commit, which is dated at the deadline (S13, S15, S18).

use support::{Client, state_test, wait_until};

use crate::{
    AUDIT, FORMS, KEY, PAUSE, SLEEP, at_once, audit_values, blocked, counter, creation, deadlines,
    deadlines_of, document, fields_of, in_one_go, lapsed, patient, state,
};

const FULL: &str = r#"{"auth":{"token":"eyJhbGciOiJIUzI1NiJ9"},"form":{"amount":12.50,"draft":{"id":7},"origin":"menu"},"current":{"path":"offer"}}"#;

/// S13, S15, S18, S21: everything due at one instant lapses in one version, with one entry and
/// event. A protected member lapses only by its own deadline, and an immutable one stays.
#[test]
fn members_lapse_without_a_command() {
    state_test(|server, client| {
        client.ok(&["CONFIG", "SET", "notify-keyspace-events", "Kd"]);
        let mut listener = server.client();
        listener.ok(&["SUBSCRIBE", &format!("__keyspace@0__:{KEY}")]);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        let begun = at_once(client, &[&creation(FULL), &["PEXPIRETIME", KEY], &["STATE.META", KEY]]);
        let (expiry, wanted) = (begun[1].clone(), deadlines_of(&begun[2]));
        assert_eq!(
            wanted.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(),
            ["/auth/token", "/current", "/form"]
        );
        lapsed(client, 1);
        assert_eq!(
            document(client),
            r#"{"current":{"path":"menu"},"auth":{},"form":{"draft":{"id":7},"origin":"menu"}}"#
        );
        assert_eq!(client.ok(&["PEXPIRETIME", KEY]), expiry, "a lapse leaves the key's expiry alone");
        assert_eq!(deadlines(client), []);
        assert_eq!(audit_values(client, "event"), ["create", "lapse"]);
        assert_eq!(audit_values(client, "parent"), ["0", "1"]);
        assert_eq!(audit_values(client, "user"), ["default", "-"], "a lapse has no user");
        assert_eq!(audit_values(client, "at")[1], wanted[0].1, "the entry is dated at the deadline");
        assert_eq!(audit_values(client, "etag")[1], client.state(KEY).0);
        let entry =
            client.ok(&["XREVRANGE", AUDIT, "+", "-", "COUNT", "1"]).array()[0].array()[0].text().to_owned();
        let written_ms: i64 = entry.split('-').next().expect("an ID").parse().expect("a time");
        let due_ms = client.ok(&["PEXPIRETIME", KEY]).int() - 60_000 + 80;
        assert!(written_ms >= due_ms, "written at {written_ms}, before {due_ms}");
        let history = client.ok(&["STATE.HISTORY", KEY]);
        assert_eq!(
            (history.array()[0].field("event").text(), history.array()[0].field("at").text()),
            ("lapse", wanted[0].1.as_str())
        );
        assert_eq!(counter(client, "lapses"), 1);
        for event in ["state.create", "state.lapse"] {
            assert_eq!(listener.read().array()[2].text(), event);
        }
    });
}

/// Between the deadline and the commit, reads show the result of the lapse with its future etag,
/// and write nothing.
#[test]
fn reads_before_the_commit_show_the_lapse_and_write_nothing() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        at_once(client, &[&creation(FULL), &PAUSE]);
        wait_until("the token is not shown any more", || !document(client).contains("token"));
        let shown = client.state(KEY);
        let meta = client.ok(&["STATE.META", KEY]);
        assert_eq!((meta.field("version").int(), meta.field("etag").text()), (2, shown.0.as_str()));
        assert_eq!(meta.field("deadlines").array().len(), 0);
        let history = client.ok(&["STATE.HISTORY", KEY]);
        let diff = client.text(&["STATE.DIFF", KEY, "1", "2"]);
        assert_eq!(history.array()[0].field("event").text(), "lapse");
        let second = client.ok(&["STATE.GET", KEY, "VERSION", "2"]);
        assert_eq!(second.array()[0].text(), shown.0);
        assert_eq!(audit_values(client, "event"), ["create"], "nothing was written");
        client.ok(&["CLIENT", "UNPAUSE"]);
        lapsed(client, 1);
        assert_eq!(client.state(KEY), shown);
        assert_eq!(client.ok(&["STATE.HISTORY", KEY]), history);
        assert_eq!(client.text(&["STATE.DIFF", KEY, "1", "2"]), diff);
    });
}

/// Each deadline makes its own version, also when all of them are committed late.
#[test]
fn each_deadline_makes_a_version() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        let later: &[&str] = &["DEBUG", "SLEEP", "0.003"];
        let write = |json| ["STATE.SETPROTECTED", KEY, "*", json];
        let (token, form) = (write(r#"{"auth":{"token":"eyJ"}}"#), write(r#"{"form":{"amount":1}}"#));
        let step = write(r#"{"current":{"path":"offer"}}"#);
        in_one_go(client, &[&creation("{}"), &token, later, &form, later, &step, &PAUSE]);
        wait_until("all of it has lapsed", || document(client) == r#"{"current":{"path":"menu"},"auth":{}}"#);
        client.ok(&["CLIENT", "UNPAUSE"]);
        lapsed(client, 3);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("version").int(), 7);
        assert_eq!(audit_values(client, "version")[4..], ["5", "6", "7"]);
        assert_eq!(audit_values(client, "parent")[4..], ["4", "5", "6"]);
        let patches = audit_values(client, "patch");
        assert_eq!(patches[4], r#"[{"op":"remove","path":"/auth/token"}]"#);
        assert_eq!(patches[5], r#"[{"op":"remove","path":"/form"}]"#);
    });
}

/// S13: a form keeps its deadline when a member in it lapses earlier.
#[test]
fn member_lapses_after_a_part_of_it() {
    state_test(|_, client| {
        let schema = r#"{"properties":{"form":{"x-ttl":0.16,"properties":{"otp":{"x-ttl":0.08}}}}}"#;
        state(client, schema, r#"{"form":{"otp":123456,"amount":12.50},"note":"kept"}"#);
        lapsed(client, 2);
        assert_eq!(document(client), r#"{"note":"kept"}"#);
        let patches = audit_values(client, "patch");
        assert_eq!(patches[1], r#"[{"op":"remove","path":"/form/otp"}]"#);
        assert_eq!(patches[2], r#"[{"op":"remove","path":"/form"}]"#);
    });
}

/// The next writing command first commits what is due; a rejection does not undo that.
#[test]
fn writing_command_commits_due_lapses_first() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        let late = ["STATE.UPDATE", KEY, "1", r#"{"note":"late"}"#];
        let replies = in_one_go(client, &[&creation(FULL), &SLEEP, &late, &["STATE.GET", KEY]]);
        let (error, etag) = (replies[2].to_string(), replies[3].array()[0].text().to_owned());
        assert!(error.contains(&format!("CONFLICT expected 1, current is {etag}")), "{error}");
        assert_eq!(Client::version(&etag), 2);
        assert_eq!(audit_values(client, "event"), ["create", "lapse"]);
        assert_eq!(client.state(KEY).0, etag);
    });
}

/// A due lapse that the audit stream does not take: the command's own error comes first, and PURGE
/// deletes that stream.
#[test]
fn full_audit_stream_hides_no_error_when_a_lapse_is_due() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        let last = ["XADD", AUDIT, "18446744073709551615-18446744073709551615", "event", "x"];
        let replies = in_one_go(
            client,
            &[
                &creation(FULL),
                &last,
                &SLEEP,
                &["STATE.UPDATE", KEY, "1", r#"{"note":"late"}"#],
                &["STATE.UPDATE", KEY, "*", "[]"],
                &["STATE.UPDATE", KEY, "*", r#"{"note":"late"}"#],
                &["STATE.DELETE", KEY, "*", "PURGE"],
                &["EXISTS", KEY, AUDIT],
            ],
        );
        for (reply, error) in replies[3..].iter().zip(["CONFLICT", "INVALID", "ERR audit stream"]) {
            assert!(reply.to_string().contains(error), "{reply}");
        }
        assert_eq!((replies[6].field("state").int(), replies[7].int()), (1, 0));
    });
}

/// A dry run applies to the lapsed state, and commits nothing.
#[test]
fn dry_run_commits_no_lapse() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        let late = ["STATE.UPDATE", KEY, "2", r#"{"note":"late"}"#, "DRYRUN", "RETURN"];
        let replies = in_one_go(client, &[&creation(FULL), &SLEEP, &late, &["XLEN", AUDIT]]);
        let reply = replies[2].array();
        assert_eq!(Client::version(reply[0].text()), 3);
        assert!(reply[1].text().starts_with(r#"{"current":{"path":"menu"}"#), "{}", reply[1].text());
        assert_eq!(replies[3].int(), 1);
        lapsed(client, 1);
    });
}

/// A lapsed token never returns: not in a snapshot, a rollback or a diff.
#[test]
fn lapsed_members_are_not_in_snapshots() {
    state_test(|_, client| {
        state(client, FORMS, FULL);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"note":"kept"}"#]);
        wait_until("all of it has lapsed", || deadlines(client).is_empty());
        let was = r#"{"current":{"path":"menu"},"auth":{},"form":{"draft":{"id":7},"origin":"menu"}}"#;
        let reply = client.ok(&["STATE.GET", KEY, "VERSION", "1"]);
        assert_eq!(reply.array()[1].text(), was);
        let present = Client::version(&client.state(KEY).0).to_string();
        let diff = client.text(&["STATE.DIFF", KEY, "1", &present]);
        assert_eq!(diff, r#"[{"op":"add","path":"/note","value":"kept"}]"#);
        client.ok(&["STATE.ROLLBACK", KEY, "*", "TO", "1", "ALL"]);
        assert_eq!(document(client), was);
        assert_eq!(deadlines(client), []);
    });
}

/// A lapse that changes nothing makes no version.
#[test]
fn lapse_without_a_change_makes_no_version() {
    state_test(|_, client| {
        let schema = r#"{"properties":{"form":{"x-ttl":0.05,"properties":{"draft":{"x-protected":true}}}}}"#;
        state(client, schema, r#"{"form":{"draft":1}}"#);
        wait_until("the deadline has passed", || deadlines(client).is_empty());
        wait_until("the timer has run", || counter(client, "states_with_deadlines") == 0);
        assert_eq!(client.state(KEY).1, r#"{"form":{"draft":1}}"#);
        assert_eq!(
            (Client::version(&client.state(KEY).0), audit_values(client, "event")),
            (1, vec!["create".to_owned()])
        );
        assert_eq!(counter(client, "lapses"), 0);
    });
}

/// S61: a recovery first commits what is due, so a form that no schema allows any more may already
/// have lapsed.
/// A rebuilt state has no member that has lapsed since.
#[test]
fn recovery_commits_due_lapses_first() {
    state_test(|_, client| {
        state(client, FORMS, r#"{"form":{"amount":"ten"}}"#);
        let stricter = FORMS.replace(r#""draft":"#, r#""amount":{"type":"number"},"draft":"#);
        let set = ["STATE.SCHEMA", "SET", "vimbiso.forms", &stricter];
        let recover = ["STATE.RECOVER", KEY];
        let replies = in_one_go(client, &[&set, &SLEEP, &["STATE.META", KEY], &recover]);
        assert_eq!(replies[2].field("valid").int(), 1, "shown without the form");
        assert_eq!((replies[3].field("rung").text(), replies[3].field("tried").array().len()), ("valid", 0));
        assert_eq!(document(client), r#"{"current":{"path":"menu"}}"#);

        let update = ["STATE.UPDATE", KEY, "*", r#"{"form":{"amount":5},"note":"kept"}"#];
        let rebuilt = in_one_go(client, &[&update, &["DEL", KEY], &SLEEP, &recover])[3].clone();
        assert_eq!(rebuilt.field("rung").text(), "audit");
        assert_eq!(document(client), r#"{"current":{"path":"menu"},"note":"kept"}"#);
    });
}

/// S16: a lapse is reported like a session expiry: in the feed with its key, and by waking blocked
/// clients.
#[test]
fn lapse_is_in_the_feed_and_wakes_blocked_clients() {
    state_test(|server, client| {
        client.ok(&["CONFIG", "SET", "state.feed", "sessions"]);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        at_once(client, &[&creation(FULL), &PAUSE]);
        let mut waiter = server.client();
        waiter.send(&["STATE.WAIT", KEY, "2", "0"]);
        blocked(client, 1);
        wait_until("all of it is due", || Client::version(&client.state(KEY).0) == 2);
        client.ok(&["CLIENT", "UNPAUSE"]);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"current":{"path":"offer"}}"#]);
        let woken = waiter.read();
        assert_eq!(Client::version(woken.array()[0].text()), 3, "the lapse was version 2");
        waiter.send(&["STATE.WAIT", KEY, "3", "0"]);
        let woken = waiter.read();
        lapsed(client, 2);
        let (etag, document) = client.state(KEY);
        assert_eq!((woken.array()[0].text(), woken.array()[1].text()), (etag.as_str(), document.as_str()));
        assert_eq!(fields_of(client, "sessions", "event"), ["lapse", "lapse"]);
        assert_eq!(fields_of(client, "sessions", "key"), [KEY, KEY]);
        assert_eq!(fields_of(client, "sessions", "version"), ["2", "4"]);
        client.ok(&["CONFIG", "SET", "state.feed", ""]);
    });
}

/// Without its schema there are no defaults: due members are removed.
#[test]
fn members_lapse_without_their_schema() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", FORMS]);
        at_once(client, &[&creation(FULL), &["STATE.SCHEMA", "DEL", "vimbiso.forms", "FORCE"]]);
        lapsed(client, 1);
        assert_eq!(document(client), r#"{"auth":{}}"#);
        // While it exists, the state can be given another schema.
        state_again(client);
    });
}

fn state_again(client: &mut Client) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", &patient()]);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"current":{"path":"offer"}}"#]);
    assert_eq!(deadlines(client).len(), 1);
}
