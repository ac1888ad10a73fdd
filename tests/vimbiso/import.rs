//! The five keys of the first bot, imported as one state (S3).

use redis_state_client::{ErrorKind, connect, connect_blocking};
use redis_state_vimbiso::{CachedUserManager, Importer, Outcome, keys};
use serde_json::{Value, json};
use support::{Client, Server, block_on, fingerprint};

pub(crate) const MOBILE: &str = "+263771234567";
pub(crate) const ASIDE: &str = "{+263771234567}:imported";
pub(crate) const JWT: &str = "eyJhbGciOi.c2VjcmV0";

pub(crate) const STATE: &str =
    r#"{"profile":{"member":{"memberID":"7d1f","memberTier":2}},"current_account":{},"page_number":2}"#;

/// The keys of a user in the middle of an offer; returns the latest of their expiries.
pub(crate) fn leave_behind(client: &mut Client, mobile: &str) -> i64 {
    let old = keys::CachedUserKeys::new(mobile);
    for (key, text, ms) in [
        (&old.state, STATE, "200000"),
        (&old.stage, "handle_action_offer_credex", "290000"),
        (&old.option, "\"handle_action_notifications\"", "100000"),
        (&old.direction, "IN", "100000"),
        (&old.jwt_token, JWT, "100000"),
    ] {
        client.ok(&["SET", key, text, "PX", ms]);
    }
    client.ok(&["PEXPIRETIME", &old.stage]).int()
}

pub(crate) fn folded(mobile: &str) -> Value {
    json!({
        "stage": "handle_action_offer_credex", "option": "handle_action_notifications", "direction": "IN",
        "state": serde_json::from_str::<Value>(STATE).expect("a state"), "mobile_number": mobile, "jwt_token": JWT,
    })
}

pub(crate) fn document(client: &mut Client, key: &str) -> Value {
    serde_json::from_str(&client.state(key).1).expect("a document")
}

pub(crate) fn sources(client: &mut Client, mobile: &str) -> i64 {
    let old = keys::CachedUserKeys::new(mobile);
    client.ok(&["EXISTS", &old.state, &old.stage, &old.option, &old.direction, &old.jwt_token]).int()
}

/// S3: five keys become one state with the latest of their expiries; the sources stay, and the
/// token is in no other place.
#[test]
fn five_keys_become_one_state() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "slowlog-log-slower-than", "0"]);
    let expires_at = leave_behind(&mut client, MOBILE);
    client.ok(&["SLOWLOG", "RESET"]);
    let target = keys::user_state(MOBILE);
    block_on(async {
        let mut states = connect(&server.url()).await.expect("a connection");
        let import = Importer::new(&mut states)
            .into_key(keys::user_state)
            .cached_user(MOBILE)
            .await
            .expect("an import");
        assert!(matches!(import.outcome, Outcome::Created(etag) if etag.version == 2), "{import:?}");
        assert_eq!((import.source.as_str(), &import.target), (MOBILE, &target));
        let user = CachedUserManager::new(&mut states, MOBILE).at(&target).read().await.expect("a user");
        assert_eq!((user.state().stage(), user.jwt_token()), ("handle_action_offer_credex", Some(JWT)));
        assert_eq!((user.first_name(), user.state().page_number()), ("Welcome", 2));
    });
    assert_eq!(document(&mut client, &target), folded(MOBILE));
    assert_eq!(client.ok(&["PEXPIRETIME", &target]).int(), expires_at);
    assert_eq!(sources(&mut client, MOBILE), 5);
    let stream = keys::audit_stream(&target).expect("a stream");
    for asked in [vec!["XRANGE", &stream, "-", "+"], vec!["SLOWLOG", "GET", "-1"]] {
        let shown = client.ok(&asked).to_string();
        assert!(!shown.contains(JWT) && shown.contains("importer"), "{asked:?}: {shown}");
    }
    assert_eq!(client.ok(&["XLEN", &stream]).int(), 2, "created in the menu, and the step");
    assert!(!server.log().contains(JWT));
    assert_eq!(client.ok(&["STATE.META", &target]).field("schema").text(), "vimbiso.cached-user");
}

/// S3: the bare number is the key of the old string and of the new state; the string is renamed.
#[test]
fn state_replaces_the_string() {
    let server = Server::start();
    let mut client = server.client();
    let expires_at = leave_behind(&mut client, MOBILE);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let import = Importer::new(&mut states).cached_user(MOBILE).expect("an import");
    assert!(matches!(import.outcome, Outcome::Created(_)), "{import:?}");
    assert_eq!(document(&mut client, MOBILE), folded(MOBILE));
    assert_eq!(client.ok(&["PEXPIRETIME", MOBILE]).int(), expires_at);
    assert_eq!(client.text(&["GET", ASIDE]), STATE);

    // A second run deletes the sources that the first has left.
    let before = client.state(MOBILE);
    let import = Importer::new(&mut states).delete_sources().cached_user(MOBILE).expect("an import");
    assert!(
        matches!(import.outcome, Outcome::AlreadyThere(etag) if etag.to_string() == before.0),
        "{import:?}"
    );
    assert_eq!(client.state(MOBILE), before);
    assert_eq!((sources(&mut client, MOBILE), client.ok(&["EXISTS", ASIDE]).int()), (1, 0));
    let import = Importer::new(&mut states).cached_user(MOBILE).expect("an import");
    assert!(matches!(import.outcome, Outcome::AlreadyThere(_)), "{import:?}");
}

/// S3: a tier that the first bot stored as `{low, high}` is imported as it is.
#[test]
fn tier_of_the_ledgers_database_is_imported() {
    let server = Server::start();
    let mut client = server.client();
    leave_behind(&mut client, MOBILE);
    let state = STATE.replace(r#""memberTier":2"#, r#""memberTier":{"low":2,"high":0}"#);
    client.ok(&["SET", MOBILE, &state, "KEEPTTL"]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let import = Importer::new(&mut states).cached_user(MOBILE).expect("an import");
    assert!(matches!(import.outcome, Outcome::Created(_)), "{import:?}");
    let user = CachedUserManager::new(&mut states, MOBILE).read().expect("a user");
    assert_eq!((user.state().tier(), user.state().stage()), (Some(2), "handle_action_offer_credex"));
    assert_eq!(user.state().option(), Some("handle_action_notifications"), "an option of tier 2");
}

/// S3: a dry run reports what it would do, with the pointers of violations, and changes nothing.
#[test]
fn dry_run_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    leave_behind(&mut client, MOBILE);
    leave_behind(&mut client, "+263772222222");
    client.ok(&["SET", "+263772222222", r#"{"page_number":"eyJhbGciOi","profil":{}}"#, "KEEPTTL"]);
    client.ok(&["STATE.UPDATE", "user:{+263773333333}:state", "0", "{}"]);
    let before = fingerprint(&mut client);
    let digest = client.ok(&["DEBUG", "DIGEST"]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let numbers = [MOBILE, "+263772222222", "+263773333333", "+263774444444"];
    let same =
        Importer::new(&mut states).dry_run().delete_sources().cached_users(numbers, |_| {}).expect("a run");
    let other = Importer::new(&mut states)
        .dry_run()
        .into_key(keys::user_state)
        .cached_users(numbers, |_| {})
        .expect("a run");
    for (summary, there) in [(same, 0), (other, 1)] {
        assert_eq!(
            (summary.would_create, summary.created, summary.already_there),
            (1, 0, there),
            "{summary}"
        );
        let [rejected] = summary.rejected.as_slice() else { panic!("one is rejected: {summary:?}") };
        let Outcome::Rejected(error) = &rejected.outcome else { panic!("{rejected:?}") };
        assert_eq!((rejected.source.as_str(), error.kind()), ("+263772222222", ErrorKind::Invalid));
        let pointers: Vec<&str> =
            error.violations().iter().map(|violation| violation.pointer.as_str()).collect();
        assert_eq!(pointers, ["/state/page_number", "/state", "/option"]);
        assert!(!error.to_string().contains("eyJhbGciOi"));
    }
    assert_eq!(fingerprint(&mut client), before);
    assert_eq!(client.ok(&["DEBUG", "DIGEST"]), digest);
}

/// S3: an invalid source is reported for its user, and the others are imported; a rejected string
/// keeps its key.
#[test]
fn invalid_sources_do_not_end_the_run() {
    let server = Server::start();
    let mut client = server.client();
    let broken: [(&str, &[&str], ErrorKind); 5] = [
        ("+1", &["SET", "+1", "{'page_number': 1, 'jwt': 'eyJhbGciOi.c2VjcmV0'}"], ErrorKind::BadJson),
        ("+2", &["RPUSH", "+2", "a"], ErrorKind::WrongType),
        ("+3", &["HSET", "+3_stage", "a", "b"], ErrorKind::WrongType),
        ("+4", &["SET", "+4_stage", "of a person"], ErrorKind::Invalid),
        ("+5", &["SET", "+5", "[]"], ErrorKind::BadJson),
    ];
    for (mobile, command, _) in broken {
        client.ok(command);
        client.ok(&["SET", &format!("{mobile}_jwt_token"), JWT]);
    }
    leave_behind(&mut client, MOBILE);
    let before = fingerprint(&mut client);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let numbers: Vec<&str> = broken.iter().map(|(mobile, ..)| *mobile).chain([MOBILE]).collect();
    let summary = Importer::new(&mut states).delete_sources().cached_users(&numbers, |_| {}).expect("a run");
    assert_eq!((summary.created, summary.rejected.len()), (1, 5), "{summary:?}");
    for ((mobile, _, kind), import) in broken.iter().zip(&summary.rejected) {
        let Outcome::Rejected(error) = &import.outcome else { panic!("{import:?}") };
        assert_eq!((import.source.as_str(), error.kind()), (*mobile, *kind), "{error}");
        assert!(!format!("{error} {error:?}").contains(JWT), "{error:?}");
    }
    let mut after = fingerprint(&mut client);
    let is_mine = |name: &String| name.contains(MOBILE);
    after.retain(|name, _| !is_mine(name));
    let others: Vec<_> = before.into_iter().filter(|(name, _)| !is_mine(name)).collect();
    let shown = |print: &[(String, String)]| print.iter().filter(|(name, _)| name.starts_with("0 ")).count();
    assert_eq!(shown(&after.clone().into_iter().collect::<Vec<_>>()), shown(&others), "{after:?}");
    assert!(
        others
            .iter()
            .filter(|(name, _)| name.starts_with("0 "))
            .all(|(name, print)| after.get(name) == Some(print))
    );
}

/// S3: a missing schema or missing permission affects every user and ends the run; for a single
/// import it is that user's error.
#[test]
fn error_that_affects_every_user_ends_the_run() {
    let server = Server::builder().without_schemas().start();
    leave_behind(&mut server.client(), MOBILE);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let error = Importer::new(&mut states).cached_users([MOBILE], |_| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSchema, "{error}");
    assert_eq!(sources(&mut server.client(), MOBILE), 5);
}

/// S3, S12: keys without an expiry become a state with that of its schema.
#[test]
fn imported_states_have_an_expiry() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["SET", "+263771234567_option", "None"]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let import = Importer::new(&mut states).cached_user(MOBILE).expect("an import");
    assert!(matches!(import.outcome, Outcome::Created(etag) if etag.version == 1), "{import:?}");
    assert_eq!(document(&mut client, MOBILE)["option"], Value::Null);
    let ttl = client.ok(&["PTTL", MOBILE]).int();
    assert!((290_000..=300_000).contains(&ttl), "{ttl}");
}
