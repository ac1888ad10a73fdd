//! Each server error becomes an error kind with its data, so that programs parse no texts.

use redis_state_client::{
    Attempt, Blocking, Change, ChangeKind, Error, ErrorKind, Expected, Get, Reconnecting, Request, Reset,
    Rollback, SchemaDel, SchemaSet, SetProtected, States, Update, Validate, connect_blocking,
};
use serde_json::json;
use support::{Client, Server};

const KEY: &str = "channel:+263771234567";

type Sync = States<Blocking<Reconnecting>>;

fn with_channel(server: &Server) -> Sync {
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let channel = json!({"channel": {"type": "whatsapp", "identifier": "+263771234567"}});
    let create = SetProtected::create(KEY, Change::merge(&channel).expect("json")).schema("vimbiso.channel");
    states.send(&create).expect("a state");
    states
}

fn merge(members: serde_json::Value) -> Change {
    Change::merge(&members).expect("json")
}

#[track_caller]
fn rejected<R: Request>(states: &mut Sync, request: &R) -> Error {
    match states.send(request) {
        Ok(_) => panic!("{} was not rejected", request.name()),
        Err(error) => error,
    }
}

#[test]
fn error_prefixes_become_kinds() {
    let server = Server::start();
    let mut states = with_channel(&server);
    let mut raw = server.client();
    raw.ok(&["SET", "token:+263771234567", "eyJhbGciOi"]);
    let update = |change| Update::new(KEY, 1, change);
    let current = |member: serde_json::Value| merge(json!({"current": member}));

    let kind = |expected: ErrorKind, error: Error| {
        assert_eq!(error.kind(), expected, "{error}");
        assert!(!error.is_retryable() && !error.outcome_unknown(), "{error}");
    };
    kind(ErrorKind::Conflict, rejected(&mut states, &Update::new(KEY, 7, Change::none())));
    kind(ErrorKind::NoState, rejected(&mut states, &Reset::new("channel:+263772222222", Expected::Any)));
    kind(ErrorKind::Invalid, rejected(&mut states, &update(merge(json!({"value": 5})))));
    let ledger = current(json!({"path": "ledger", "component": "ViewLedger"}));
    kind(ErrorKind::Transition, rejected(&mut states, &update(ledger)));
    kind(ErrorKind::Protected, rejected(&mut states, &update(merge(json!({"dashboard": {}})))));
    let stolen = merge(json!({"channel": {"identifier": "+263772222222"}}));
    kind(ErrorKind::Immutable, rejected(&mut states, &update(stolen)));
    kind(
        ErrorKind::BadJson,
        rejected(&mut states, &update(Change::of_text(ChangeKind::Merge, "{\"current\":"))),
    );
    let nothing = json!([{"op": "remove", "path": "/current/data/amount"}]);
    kind(ErrorKind::BadPatch, rejected(&mut states, &update(Change::patch(&nothing).expect("json"))));
    let deep = format!("{}1{}", "{\"data\":".repeat(70), "}".repeat(70));
    kind(ErrorKind::TooDeep, rejected(&mut states, &update(Change::of_text(ChangeKind::Merge, deep))));
    let long = current(json!({"data": {"note": "x".repeat(2_000_000)}}));
    kind(ErrorKind::TooBig, rejected(&mut states, &update(long)));
    kind(ErrorKind::NoSchema, rejected(&mut states, &Validate::new("vimbiso.missing", "{}")));
    kind(ErrorKind::BadSchema, rejected(&mut states, &SchemaSet::new("bot.offer", r#"{"type":"objekt"}"#)));
    kind(ErrorKind::BadSchema, rejected(&mut states, &SchemaDel::new("vimbiso.channel")));
    kind(ErrorKind::NoVersion, rejected(&mut states, &Rollback::new(KEY, 1).to(99)));
    kind(ErrorKind::BadKey, rejected(&mut states, &Update::create("a}b", Change::none())));
    kind(ErrorKind::WrongType, rejected(&mut states, &Get::new("token:+263771234567")));
    kind(ErrorKind::Command, rejected(&mut states, &update(Change::none()).event("ALIGN")));
    let known = update(current(json!({"awaiting_input": true}))).id("wamid.HBgL1");
    states.send(&known).expect("an update");
    let other = Update::new(KEY, 2, current(json!({"awaiting_input": false}))).id("wamid.HBgL1");
    kind(ErrorKind::IdMismatch, rejected(&mut states, &other));

    raw.ok(&["ACL", "SETUSER", "default", "-state.setprotected"]);
    kind(ErrorKind::NoPermission, rejected(&mut states, &SetProtected::new(KEY, 2, Change::none())));
    raw.ok(&["CONFIG", "SET", "maxmemory", "1"]);
    kind(ErrorKind::OutOfMemory, rejected(&mut states, &Update::new(KEY, 2, Change::none())));
    raw.ok(&["CONFIG", "SET", "maxmemory", "0"]);

    let (etag, _) = raw.state(KEY);
    assert_eq!(Client::version(&etag), 2, "only this one update was applied");
}

#[test]
fn replicas_and_loading_servers_are_retried() {
    let server = Server::start();
    let mut states = with_channel(&server).resends(0);
    server.client().ok(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = rejected(&mut states, &Attempt::success(KEY, "confirm"));
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.is_retryable(), "it was not applied, so any request may be resent: {error}");
    let mut raw = server.client();
    let promoted = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(60));
        raw.ok(&["REPLICAOF", "NO", "ONE"]);
    });
    assert_eq!(states.resends(20).send(&Attempt::success(KEY, "confirm")).expect("an answer, in the end"), 1);
    promoted.join().expect("promoted");
}

#[test]
fn every_violation_has_its_pointer_and_message() {
    let server = Server::start();
    let mut states = with_channel(&server);
    let wrong = merge(json!({"dashbord": {}, "current": {"awaiting_input": "yes", "component_result": 5}}));
    let error = rejected(&mut states, &Update::new(KEY, 1, wrong));
    let mut pointers: Vec<&str> =
        error.violations().iter().map(|violation| violation.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["", "/current/awaiting_input", "/current/component_result"]);
    assert!(error.violations().iter().all(|violation| violation.message.len() > 5), "{error:?}");
    // With more than ten violations the server names the number of the others, and the client
    // separates these too.
    let many: serde_json::Map<_, _> = (0..15).map(|n| (format!("member{n}"), json!(n))).collect();
    let history: Vec<_> = (0..15).map(|_| json!({"success": 1})).collect();
    let error = rejected(
        &mut states,
        &Update::new(KEY, 1, merge(json!({"validation": {"history": history}, "x": many}))),
    );
    assert_eq!(error.violations().len(), 10, "{error}");
    assert!(error.violations().iter().all(|violation| violation.pointer.starts_with('/')));
}

#[test]
fn undecodable_document_is_an_error_without_values() {
    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code, reason = "only the failure to decode is tested")]
    struct Offer {
        identifier: u64,
    }
    let server = Server::start();
    let mut states = with_channel(&server);
    let found = states.send(&Get::new(KEY).members(["/channel"])).expect("an answer").expect("a state");
    let error = found.member::<Offer>(0).expect_err("an identifier is text");
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert!(!format!("{error} {error:?}").contains("+263771234567"), "{error:?}");
    let down = connect_blocking("redis://127.0.0.1:1/").expect_err("no server is there");
    assert!(down.is_retryable(), "{down:?}");
    assert_eq!(connect_blocking("here").expect_err("no address").kind(), ErrorKind::Usage);
}
