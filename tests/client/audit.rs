//! Reading audit streams: every field that the server writes, and pages from both ends.

use redis_state_client::{
    Attempt, AuditEntry, AuditEvent, AuditRange, Blocking, Change, ErrorKind, Reconnecting, Reset, Rollback,
    States, Tally, Update, connect, connect_blocking,
};
use serde_json::{Value, json};
use support::{Server, block_on};

use crate::soon;

const KEY: &str = "channel:+263771234567";
const STREAM: &str = "{channel:+263771234567}:audit";
const RULES: &str = r#"{"properties":{"stage":{"default":"menu","x-transitions":{"initial":["menu"],"allow":{"menu":["offer"]}}},
    "amount":{"type":"number","default":1}}}"#;

fn events(entries: &[AuditEntry]) -> Vec<&AuditEvent> {
    entries.iter().map(|entry| &entry.event).collect()
}

#[test]
fn all_fields_of_an_entry_are_read() {
    let server = Server::start();
    server.client().ok(&["STATE.SCHEMA", "SET", "vimbiso.steps", RULES]);
    block_on(soon(async {
        let mut states = connect(&server.url()).await?;
        let menu = Change::merge(&json!({"stage": "menu"}))?;
        let created = states.send(&Update::create(KEY, menu).schema("vimbiso.steps")).await?.etag;
        let offer = Update::new(KEY, created, Change::merge(&json!({"stage": "offer"}))?);
        let offer = offer.event("chosen").actor("menu").note("by number").id("wamid.1");
        let second = states.send(&offer.operation("choose").component("Menu")).await?.etag;
        let amount = Update::new(KEY, created, Change::merge(&json!({"amount": 5}))?);
        states.send(&amount.rebase()).await?;
        states.send(&Attempt::failure(KEY, "confirm").error("neither yes nor no")).await?;
        states.send(&Update::any(KEY, Change::merge(&json!({"amount": "five"}))?)).await.unwrap_err();
        states.send(&Update::any(KEY, Change::none()).note("seen")).await?;
        states.send(&Rollback::new(KEY, 3)).await?;
        states.send(&Reset::new(KEY, 4)).await?;
        states
            .send(&Update::any(KEY, Change::none()).expires_in(std::time::Duration::from_millis(5)))
            .await?;
        support::wait_until("the state has expired", || server.client().ok(&["EXISTS", KEY]).int() == 0);

        let entries = states.audit(KEY, 100).await?;
        let [expire, reset, rollback, note, reject, attempt, rebased, update, create] = &entries[..] else {
            panic!("{entries:#?}")
        };
        use AuditEvent as Event;
        assert_eq!(
            events(&entries),
            [
                &Event::Expire,
                &Event::Reset,
                &Event::Rollback,
                &Event::Note,
                &Event::Reject,
                &Event::Attempt,
                &Event::Update,
                &Event::Update,
                &Event::Create
            ]
        );
        assert!(entries.iter().all(|entry| entry.other.is_empty()), "{entries:#?}");
        assert!(entries.windows(2).all(|pair| pair[0].id > pair[1].id && pair[0].at >= pair[1].at));
        assert_eq!((create.version, create.parent, create.etag), (1, Some(0), Some(created)));
        let document = |entry: &AuditEntry| entry.document.as_ref().map(|json| json.read::<Value>());
        assert_eq!(document(create).transpose()?, Some(json!({"stage": "menu", "amount": 1})));
        assert_eq!((update.version, update.parent, update.etag), (2, Some(1), Some(second)));
        let said =
            [&update.name, &update.actor, &update.note, &update.token, &update.operation, &update.component];
        let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
        assert_eq!(said, ["chosen", "menu", "by number", "wamid.1", "choose", "Menu"]);
        assert_eq!(
            (update.user.as_deref(), update.schema.as_deref()),
            (Some("default"), Some("vimbiso.steps"))
        );
        let patch = update.patch.as_ref().expect("a change").read::<Value>()?;
        assert_eq!(patch, json!([{"op": "replace", "path": "/stage", "value": "offer"}]));
        assert_eq!((rebased.version, rebased.rebased), (3, Some(1)));
        assert_eq!((attempt.outcome, attempt.operation.as_deref()), (Some(Tally::Failure), Some("confirm")));
        assert_eq!(attempt.error.as_deref(), Some("neither yes nor no"));
        assert!(reject.error.as_deref().is_some_and(|error| error.starts_with("INVALID ")), "{reject:?}");
        assert_eq!((note.version, note.note.as_deref()), (3, Some("seen")));
        assert_eq!((rollback.version, reset.version, expire.version), (4, 5, 5));
        assert!(expire.event.is_end() && expire.user.is_none() && !reset.event.is_end());
        assert_eq!(expire.steps.get("/stage").map(String::as_str), Some("menu"));
        Ok::<(), redis_state_client::Error>(())
    }))
    .expect("an audit stream");
}

#[test]
fn pages_from_both_ends_are_complete() {
    let server = Server::start();
    let mut states = connect_blocking(&server.url()).expect("a server");
    for amount in 1..=5 {
        let change = Change::merge(&json!({"amount": amount})).expect("JSON");
        states.send(&Update::any(KEY, change)).expect("an update");
    }
    let range = || AuditRange::of(KEY).expect("a key with an audit stream");
    let versions = |states: &mut States<Blocking<Reconnecting>>, range: AuditRange| -> Vec<u64> {
        let entries = states.send(&range).expect("an audit stream");
        entries.iter().map(|entry: &AuditEntry| entry.version).collect()
    };
    let all = states.send(&range().oldest_first()).expect("an audit stream");
    assert_eq!(all.iter().map(|entry| entry.version).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let middle = all[2].id;
    assert_eq!(versions(&mut states, range().after(middle)), [4, 5]);
    assert_eq!(versions(&mut states, range().before(middle).count(1)), [2]);
    assert_eq!(versions(&mut states, range().count(2)), [5, 4]);
    assert_eq!(versions(&mut states, range().oldest_first().count(1)), [1]);
    assert_eq!(versions(&mut states, AuditRange::feed(STREAM).count(1)), [5]);
    assert_eq!(states.audit("channel:none", 9).expect("no audit stream yet"), []);
    assert_eq!(states.audit("a}b", 9).unwrap_err().kind(), ErrorKind::BadKey);
}

/// Entries of an operator or another program are read as far as possible, and a cut patch is
/// marked.
#[test]
fn foreign_entries_are_no_error() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "state.audit-patch-bytes", "20"]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"note":"longer than twenty bytes"}"#]);
    client.ok(&[b"XADD".as_slice(), STREAM.as_bytes(), b"*", b"event", b"\xff", b"name", b"\x00\xfe"]);
    client.ok(&["XADD", STREAM, "*", "version", "many"]);
    let mut states = connect_blocking(&server.url()).expect("a server");
    let entries = states.send(&AuditRange::of(KEY).expect("a key").oldest_first()).expect("an audit stream");
    let patch = entries[0].patch.as_ref().expect("a patch");
    assert!(patch.is_cut() && patch.text().len() <= 20 && patch.bytes() > 20, "{patch:?}");
    assert_eq!(patch.read::<Value>().unwrap_err().kind(), ErrorKind::Unexpected);
    assert!(matches!(&entries[1].event, AuditEvent::Other(_)));
    assert_eq!((&entries[2].event, entries[2].other["version"].as_str()), (&AuditEvent::None, "many"));
}
