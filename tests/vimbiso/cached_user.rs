//! The cached user of the first bot: its getters and the calls that change it.

use redis_state_client::{ErrorKind, connect, connect_blocking};
use redis_state_vimbiso::{CachedUserManager, Handler};
use serde_json::{Value, json};
use support::{Client, Reply, Server, block_on};

const MOBILE: &str = "+263771234567";
const AUDIT: &str = "{+263771234567}:audit";
const JWT: &str = "eyJhbGciOi.c2VjcmV0";

fn document(client: &mut Client) -> Value {
    serde_json::from_str(&client.state(MOBILE).1).expect("a document")
}

fn audit_values(client: &mut Client, field: &str) -> Vec<String> {
    let entries = client.ok(&["XRANGE", AUDIT, "-", "+"]);
    let fields = entries.array().iter().map(|entry| &entry.array()[1]);
    let found = fields.filter(|fields| fields.field_names().iter().any(|name| name == field));
    found.map(|fields| fields.field(field).text().to_owned()).collect()
}

/// S29, S27: an unknown user is a visitor in the menu; reading stores nothing.
#[test]
fn unknown_user_has_the_defaults() {
    let server = Server::start();
    block_on(async {
        let mut states = connect(&server.url()).await.expect("a connection");
        let user = CachedUserManager::new(&mut states, MOBILE).read().await.expect("a visitor");
        assert_eq!((user.first_name(), user.last_name()), ("Welcome", "Visitor"));
        assert_eq!((user.mobile_number(), user.registration_complete()), (MOBILE, false));
        assert_eq!((user.jwt_token(), user.etag()), (None, None));
        let state = user.state();
        assert_eq!((state.stage(), state.option(), state.direction()), ("handle_action_menu", None, "OUT"));
        assert!(state.state().is_empty() && state.profile().is_none() && state.current_account().is_none());
        assert_eq!((state.page_number(), state.tier(), state.jwt_token()), (0, None, None));
    });
    assert_eq!(server.client().ok(&["DBSIZE"]).int(), 0);
}

/// S29, S28: the getters return the stored values.
#[test]
fn getters_return_stored_values() {
    let server = Server::start();
    let stored = json!({
        "stage": "handle_action_menu", "option": "handle_action_notifications", "direction": "IN",
        "state": {
            "profile": {"member": {"memberID": "7d1f", "firstname": "Tariro", "lastname": "Moyo", "memberTier": 2}},
            "current_account": {"accountID": "91c2", "accountName": "Tariro Moyo", "balanceData": null}, "page_number": 3,
        },
        "first_name": "Tariro", "last_name": "Moyo", "registration_complete": true, "jwt_token": JWT,
    });
    let create =
        ["STATE.SETPROTECTED", MOBILE, "0", &stored.to_string(), "REPLACE", "SCHEMA", "vimbiso.cached-user"];
    server.client().ok(&create);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let user = CachedUserManager::new(&mut states, MOBILE).read().expect("a user");
    assert_eq!((user.first_name(), user.last_name()), ("Tariro", "Moyo"));
    assert!(user.registration_complete());
    assert_eq!((user.jwt_token(), user.state().jwt_token()), (Some(JWT), Some(JWT)));
    let state = user.state();
    assert_eq!((state.option(), state.direction()), (Some("handle_action_notifications"), "IN"));
    assert_eq!((state.page_number(), state.tier()), (3, Some(2)));
    assert_eq!(state.profile().map(|profile| &profile["member"]["memberID"]), Some(&json!("7d1f")));
    assert_eq!(state.current_account().map(|account| &account["balanceData"]), Some(&Value::Null));
    assert_eq!(Value::Object(state.state().clone()), stored["state"]);
    assert!(!format!("{user:?}").contains(JWT) && !format!("{user:?}").contains("Tariro"), "{user:?}");
}

/// S29, S45: a tier is a number, or an integer as the driver of the ledger's database writes it; a
/// null token is none.
#[test]
fn tier_and_token_are_read_in_both_shapes() {
    let server = Server::start();
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let low = json!({"low": 2, "high": 0});
    for (number, (tier, jwt_token)) in [(json!(2), json!(JWT)), (low, Value::Null)].iter().enumerate() {
        let mobile = format!("+26377123456{number}");
        let stored = json!({
            "stage": "handle_action_menu", "option": "handle_action_authorize_member",
            "state": {"profile": {"member": {"memberTier": tier}}}, "jwt_token": jwt_token,
        });
        let stored = stored.to_string();
        let create =
            ["STATE.SETPROTECTED", &mobile, "0", &stored, "REPLACE", "SCHEMA", "vimbiso.cached-user"];
        server.client().ok(&create);
        let user = CachedUserManager::new(&mut states, &mobile).read().expect("a user");
        assert_eq!((user.state().tier(), user.jwt_token()), (Some(2), jwt_token.as_str()));
        let user =
            CachedUserManager::new(&mut states, &mobile).set_jwt_token("eyJhbGciOi").expect("a new token");
        assert_eq!(user.jwt_token(), Some("eyJhbGciOi"));
    }
}

/// S53, S28: stage and option keep their values when not given, the state is replaced as a whole,
/// and update_from becomes ACTOR.
#[test]
fn update_changes_only_given_values() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut states = connect(&server.url()).await.expect("a connection");
        let member = json!({"profile": {"member": {"memberID": "7d1f"}}, "page_number": 1});
        let register = Some(Handler::Register.as_str());
        let user = CachedUserManager::new(&mut states, MOBILE)
            .update_state(&member, register, "registration", register)
            .await;
        let user = user.expect("the first step of a new user");
        assert_eq!((user.state().stage(), user.state().option()), ("handle_action_register", register));
        let page = json!({"page_number": 2});
        let user = CachedUserManager::new(&mut states, MOBILE)
            .update_state(&page, None, "pager", None)
            .await
            .expect("an update");
        assert_eq!((user.state().stage(), user.state().page_number()), ("handle_action_register", 2));
    });
    let expected = json!({
        "stage": "handle_action_register", "option": "handle_action_register", "direction": "OUT",
        "state": {"page_number": 2}, "mobile_number": MOBILE,
    });
    assert_eq!(document(&mut client), expected);
    assert_eq!(audit_values(&mut client, "actor").last().map(String::as_str), Some("pager"));
    assert!(audit_values(&mut client, "actor").contains(&"registration".to_owned()));
    assert_eq!(client.ok(&["STATE.META", MOBILE]).field("schema").text(), "vimbiso.cached-user");
}

/// S53, S44, S45, S36: a forbidden step or option is rejected, and nothing changes.
#[test]
fn rejected_update_changes_nothing() {
    let server = Server::start();
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let offer = Some(Handler::OfferCredex.as_str());
    CachedUserManager::new(&mut states, MOBILE)
        .update_state(&json!({}), offer, "menu", offer)
        .expect("the first step");
    let before = server.client().state(MOBILE);
    for (stage, option, kind) in [
        (Some("handle_action_transactions"), None, ErrorKind::Transition),
        (None, Some("handle_action_authorize_member"), ErrorKind::Invalid),
        (Some("of a person"), None, ErrorKind::Invalid),
    ] {
        let error = CachedUserManager::new(&mut states, MOBILE)
            .update_state(&json!({}), stage, "menu", option)
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(server.client().state(MOBILE), before);
    }
}

/// S53, S58: a reset goes to the menu with an empty state; names and token stay.
#[test]
fn reset_keeps_names_and_token() {
    let server = Server::start();
    block_on(async {
        let mut states = connect(&server.url()).await.expect("a connection");
        CachedUserManager::new(&mut states, MOBILE).set_name("Tariro", "Moyo", true).await.expect("a name");
        CachedUserManager::new(&mut states, MOBILE).set_jwt_token(JWT).await.expect("a token");
        let offer = Some(Handler::OfferCredex.as_str());
        CachedUserManager::new(&mut states, MOBILE)
            .update_state(&json!({"page_number": 4}), offer, "menu", offer)
            .await
            .expect("a step");
        let user = CachedUserManager::new(&mut states, MOBILE).reset_state().await.expect("a reset");
        assert_eq!((user.first_name(), user.jwt_token()), ("Tariro", Some(JWT)));
    });
    let expected = json!({
        "stage": "handle_action_menu", "option": null, "direction": "OUT", "state": {}, "first_name": "Tariro",
        "last_name": "Moyo", "registration_complete": true, "mobile_number": MOBILE, "jwt_token": JWT,
    });
    assert_eq!(document(&mut server.client()), expected);
}

/// S53, S51: the token is stored, and shown only to callers with permission.
#[test]
fn token_is_a_secret() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "slowlog-log-slower-than", "0"]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let user = CachedUserManager::new(&mut states, MOBILE).set_jwt_token(JWT).expect("a token");
    assert_eq!((user.jwt_token(), user.state().stage()), (Some(JWT), "handle_action_menu"));
    assert_eq!(document(&mut client)["jwt_token"], JWT);
    let range = ["XRANGE", AUDIT, "-", "+"];
    for (asked, mark) in [(&range[..], "***"), (&["SLOWLOG", "GET", "-1"], "(redacted)")] {
        let shown = client.ok(asked).to_string();
        assert!(!shown.contains(JWT) && shown.contains(mark), "{asked:?}: {shown}");
    }
    assert!(!server.log().contains(JWT));
    assert_eq!(audit_values(&mut client, "name"), ["create", "token"]);
    let deadlines = client.ok(&["STATE.META", MOBILE]).field("deadlines").clone();
    assert_eq!(deadlines.field_names(), ["/jwt_token"], "it lapses by itself");
    client.ok(&["ACL", "SETUSER", "default", "-state.setprotected"]);
    assert_eq!(CachedUserManager::new(&mut states, MOBILE).read().expect("a user").jwt_token(), None);
}

/// S51: a key bound to a schema without secrets gets no token, whether the state exists or not.
#[test]
fn token_is_never_stored_under_another_schema() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.SCHEMA", "SET", "bot.other", "{}"]);
    client.ok(&["STATE.SCHEMA", "BIND", "+263*", "bot.other"]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    for _ in 0..2 {
        let error = CachedUserManager::new(&mut states, MOBILE).set_jwt_token(JWT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadSchema, "{error}");
        assert!(!client.ok(&["XRANGE", AUDIT, "-", "+"]).to_string().contains(JWT));
        assert_eq!(client.ok(&["EXISTS", MOBILE]), Reply::Int(0));
    }
}

/// S32: a change may name the etag that was read, and then fails on a conflict.
#[test]
fn stale_etag_is_rejected() {
    let server = Server::start();
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let visitor = CachedUserManager::new(&mut states, MOBILE).read().expect("a visitor");
    let transactions = Some(Handler::Transactions.as_str());
    let step = |user: &redis_state_vimbiso::CachedUser, states: &mut redis_state_client::States<_>| {
        CachedUserManager::new(states, MOBILE).expecting(user.etag()).update_state(
            &json!({}),
            transactions,
            "menu",
            None,
        )
    };
    let first = step(&visitor, &mut states).expect("there was no state");
    assert!(step(&visitor, &mut states).unwrap_err().is_conflict());
    let second = CachedUserManager::new(&mut states, MOBILE)
        .expecting(first.etag())
        .reset_state()
        .expect("it is this one");
    assert!(step(&first, &mut states).unwrap_err().is_conflict());
    assert_eq!(server.client().state(MOBILE).0, second.etag().expect("it is stored").to_string());
}
