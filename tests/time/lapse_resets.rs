//! A form, and the step that needs it: the lapse of the form resets the conversation in the same
//! version, instead of leaving a step that no update could change (S18, S62, S64).

use support::{Client, Server, fingerprint, state_test, wait_until};

use crate::{
    AUDIT, KEY, PAUSE, SLEEP, at_once, audit_values, blocked, creation, deadlines_of, document, in_one_go,
    lapsed,
};

/// "pay" requires an address. No transition leads from it to the menu.
pub const ORDER: &str = r#"{
    "type": "object", "x-ttl": 60, "required": ["step"],
    "properties": {
        "step": {
            "default": "menu",
            "x-transitions": {"initial": ["menu"], "allow": {"menu": ["pay"], "pay": ["done"], "done": ["menu"]}}
        },
        "address": {"type": "string", "x-ttl": 0.08},
        "card": {"type": "object", "x-ttl": 0.08, "properties": {"number": {"type": "string", "x-secret": true}}},
        "customer": {"x-protected": true},
        "phone": {"x-immutable": true},
        "token": {"type": "string", "x-secret": true, "x-ttl": 1800}
    },
    "if": {"properties": {"step": {"const": "pay"}}},
    "then": {"required": ["address"]}
}"#;

const CREATED: &str = r#"{"customer":{"tier":2},"phone":"+263771234567","token":"tok_a4c1","note":"hi"}"#;
const PAY: [&str; 4] =
    ["STATE.UPDATE", KEY, "1", r#"{"step":"pay","address":"12 Samora Machel Ave","card":{"number":"4111"}}"#];
const RESET: &str = r#"{"step":"menu","customer":{"tier":2},"phone":"+263771234567","token":"tok_a4c1"}"#;
const MISSING: &str = r#"1 violation: (root): required member "address" is missing"#;

/// The schema, a conversation at "pay", and further commands, in one transaction.
fn paying(client: &mut Client, schema: &str, also: &[&[&str]]) {
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", schema]);
    at_once(client, &[&[&creation(CREATED)[..], &PAY], also].concat());
}

/// The document and the etag that the lapse committed.
fn is_reset(client: &mut Client) {
    assert_eq!(document(client), RESET);
    assert_eq!(audit_values(client, "event"), ["create", "update", "lapse"]);
    assert_eq!(audit_values(client, "etag")[2], client.state(KEY).0);
    assert_eq!(audit_values(client, "rung")[2], "reset");
}

/// By the timer. The entry has the reason, and no value of a secret.
#[test]
fn lapse_of_a_required_form_resets_the_conversation() {
    state_test(|_, client| {
        paying(client, ORDER, &[]);
        lapsed(client, 1);
        is_reset(client);
        assert_eq!(audit_values(client, "rung"), ["-", "-", "reset"]);
        assert_eq!(audit_values(client, "error"), ["-", "-", MISSING]);
        assert_eq!(audit_values(client, "parent")[2], "2");
        let patch = &audit_values(client, "patch")[2];
        assert!(patch.contains(r#"{"op":"replace","path":"/step","value":"menu"}"#), "{patch}");
        let entries = client.ok(&["XRANGE", AUDIT, "-", "+"]).to_string();
        assert!(!entries.contains("4111") && !entries.contains("tok_a4c1"), "{entries}");
        let meta = client.ok(&["STATE.META", KEY]);
        assert_eq!((meta.field("version").int(), meta.field("valid").int()), (3, 1));
        let places = deadlines_of(&meta);
        assert_eq!(places.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), ["/token"]);
        // The conversation goes on.
        let error = client.err(&["STATE.UPDATE", KEY, "3", r#"{"step":"done"}"#]);
        assert!(error.starts_with("TRANSITION"), "{error}");
        let again = r#"{"step":"pay","address":"1 Nelson Mandela Ave"}"#;
        client.ok(&["STATE.UPDATE", KEY, "3", again, "DRYRUN"]);
    });
}

/// Reads before the commit show it with its etag, a blocked client is answered with it, and they
/// write nothing.
#[test]
fn reads_before_the_commit_show_the_reset() {
    state_test(|server, client| {
        paying(client, ORDER, &[&PAUSE]);
        let mut waiter = server.client();
        waiter.send(&["STATE.WAIT", KEY, "2", "0"]);
        wait_until("the reset is shown", || document(client) == RESET);
        let shown = client.state(KEY);
        let reads = |client: &mut Client| {
            let meta = client.ok(&["STATE.META", KEY]);
            let read = ["etag", "revision", "updated_at", "deadlines", "valid", "bytes"];
            let mut read: Vec<String> = read.iter().map(|name| meta.field(name).to_string()).collect();
            read.push(client.ok(&["STATE.HISTORY", KEY]).to_string());
            read.push(client.text(&["STATE.DIFF", KEY, "2", "3"]));
            read.push(client.ok(&["STATE.GET", KEY, "VERSION", "2"]).to_string());
            read
        };
        let before = reads(client);
        assert_eq!(audit_values(client, "event"), ["create", "update"], "nothing was written");
        client.ok(&["CLIENT", "UNPAUSE"]);
        lapsed(client, 1);
        is_reset(client);
        assert_eq!(client.state(KEY), shown);
        assert_eq!(reads(client), before);
        let woken = waiter.read();
        assert_eq!((woken.array()[0].text(), woken.array()[1].text()), (shown.0.as_str(), RESET));
        blocked(client, 0);
    });
}

/// The next write commits it first; within a transaction or a script nothing lapses.
#[test]
fn next_write_applies_to_the_reset_conversation() {
    state_test(|_, client| {
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", ORDER]);
        let done = ["STATE.UPDATE", KEY, "2", r#"{"step":"done"}"#];
        let script = ["EVAL", "return redis.call('STATE.GET', KEYS[1])", "1", KEY];
        let replies = in_one_go(client, &[&creation(CREATED), &PAY, &SLEEP, &done, &script]);
        let (etag, shown) = (replies[4].array()[0].text(), replies[4].array()[1].text());
        assert_eq!(replies[3].to_string(), format!("-CONFLICT expected 2, current is {etag}"));
        assert_eq!(shown, RESET);
        is_reset(client);

        client.ok(&["DEL", KEY, AUDIT]);
        let replies = at_once(client, &[&creation(CREATED), &PAY, &SLEEP, &script, &done]);
        assert!(replies[3].array()[1].text().contains(r#""step":"pay""#), "{}", replies[3]);
        assert_eq!(Client::version(replies[4].text()), 3);
        lapsed(client, 1);
        assert_eq!(audit_values(client, "rung"), ["-", "-", "-", "-"], "done requires no address");
    });
}

/// A replica computes it from its own data, and commits it once promoted; the primary's effect
/// makes the same version.
#[test]
fn replica_shows_and_gets_the_same_reset() {
    let (mut primary, replica) = (Server::start(), Server::start());
    replica.follow(&primary);
    let (mut client, mut reader) = (primary.client(), replica.client());
    // A replica's own settings change nothing.
    reader.ok(&["CONFIG", "SET", "state.max-cost", "1000000"]);
    reader.ok(&["CONFIG", "SET", "state.max-bytes", "1024"]);
    paying(&mut client, ORDER, &[&PAUSE]);
    replica.catch_up(&primary);
    wait_until("the replica shows the reset", || document(&mut reader) == RESET);
    let shown = reader.state(KEY);
    client.ok(&["CLIENT", "UNPAUSE"]);
    lapsed(&mut client, 1);
    replica.catch_up(&primary);
    assert_eq!((client.state(KEY), reader.state(KEY)), (shown.clone(), shown));
    assert_eq!(fingerprint(&mut client), fingerprint(&mut reader));
    is_reset(&mut reader);

    client.ok(&["DEL", KEY, AUDIT]);
    paying(&mut client, ORDER, &[&PAUSE]);
    replica.catch_up(&primary);
    primary.kill();
    wait_until("the replica shows the reset", || document(&mut reader) == RESET);
    let shown = reader.state(KEY);
    reader.ok(&["REPLICAOF", "NO", "ONE"]);
    lapsed(&mut reader, 1);
    assert_eq!(reader.state(KEY), shown);
    is_reset(&mut reader);
}

/// S7: a form that was due while the server was down, from RDB and both kinds of AOF.
#[test]
fn form_due_while_the_server_was_down_resets_the_conversation() {
    for [appendonly, preamble] in [["no", "yes"], ["yes", "yes"], ["yes", "no"]] {
        let mut server = Server::builder()
            .arg("--appendonly")
            .arg(appendonly)
            .arg("--aof-use-rdb-preamble")
            .arg(preamble)
            .start();
        let mut client = server.client();
        paying(&mut client, &ORDER.replace("0.08", "0.4"), &[]);
        if appendonly == "no" {
            client.ok(&["SAVE"]);
        }
        server.restart();
        let mut client = server.client();
        wait_until("the conversation is reset", || document(&mut client) == RESET);
        lapsed(&mut client, 1);
        is_reset(&mut client);
    }
}

/// Where a reset does not help, the document stays as the lapse leaves it; STATE.RECOVER may repair
/// it.
#[test]
fn lapse_leaves_a_document_that_no_reset_repairs() {
    let left = |client: &mut Client| {
        lapsed(client, 1);
        assert_eq!(audit_values(client, "rung").last().map(String::as_str), Some("-"));
        let document = document(client);
        assert!(document.contains(r#""step":"pay""#) && !document.contains("address"), "{document}");
    };
    // The step is protected.
    state_test(|_, client| {
        let kept = ORDER.replace(r#""default": "menu","#, r#""default": "menu", "x-protected": true,"#);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", &kept]);
        let pay = ["STATE.SETPROTECTED", KEY, "1", PAY[3]];
        at_once(client, &[&creation(CREATED), &pay]);
        left(client);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("valid").int(), 0);
    });
    // It was invalid before, by a new revision.
    state_test(|_, client| {
        let stricter = ORDER.replace(r#""required": ["step"]"#, r#""required": ["step", "region"]"#);
        let stricter = stricter.replace(r#""phone":"#, r#""region": {"default": "harare"}, "phone":"#);
        paying(client, ORDER, &[&["STATE.SCHEMA", "SET", "vimbiso.forms", &stricter]]);
        left(client);
        assert!(document(client).contains("note"));
    });
    // Its schema is missing.
    state_test(|_, client| {
        paying(client, ORDER, &[&["STATE.SCHEMA", "DEL", "vimbiso.forms", "FORCE"]]);
        left(client);
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", ORDER]);
    });
}

/// The revision that is present at the deadline decides, and the state has passed it.
#[test]
fn reset_is_by_the_present_revision() {
    state_test(|_, client| {
        let open = ORDER.replace(r#""then": {"required": ["address"]}"#, r#""then": {}"#);
        paying(client, &open, &[&["STATE.SCHEMA", "SET", "vimbiso.forms", ORDER]]);
        lapsed(client, 1);
        is_reset(client);
        assert_eq!(client.ok(&["STATE.META", KEY]).field("revision").int(), 2);
    });
}

/// The author of a schema may not know what it means: the log has a notice, once for each revision.
#[test]
fn schema_that_demands_a_lapsing_member_gets_a_notice() {
    state_test(|server, client| {
        let notices = || server.log().matches("some documents require").count();
        client.ok(&["STATE.SCHEMA", "SET", "vimbiso.open", r#"{"properties":{"form":{"x-ttl":1}}}"#]);
        let begun = notices();
        for _ in 0..2 {
            client.ok(&["STATE.SCHEMA", "SET", "vimbiso.forms", ORDER]);
            assert_eq!(notices(), begun + 1);
        }
        let notice = "redis-state: schema vimbiso.forms: some documents require /address, with x-ttl and without a default: a lapse there resets the document";
        assert!(server.log().contains(notice), "{}", server.log());
    });
}
