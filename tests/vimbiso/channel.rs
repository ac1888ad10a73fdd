//! The state manager of one channel: its accessors and operations, each checked over another
//! connection too.

use redis_state_client::{ErrorKind, State, connect, connect_blocking};
use redis_state_vimbiso::channel::{Channel, ChannelState, FlowUpdate, Reads, Token};
use serde_json::{Value, json};
use support::{Server, block_on};

use crate::bot::{KEY, TO_AMOUNT, attempts, audit_entries, channel, channel_at, document, wrote};

/// S1, S19, S57, S63: creates the state if it is missing, keeps an existing one, and is audited.
#[test]
fn channel_is_initialized_once() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        assert_eq!(channel.key(), KEY);
        let created = document(&mut client);
        assert_eq!(created["channel"], json!({"type": "whatsapp", "identifier": "+263771234567"}));
        assert_eq!(created["current"]["component"], "Greeting");
        wrote(
            &mut client,
            &[
                ("event", "create"),
                ("name", "initialize_channel"),
                ("actor", "webhook"),
                ("schema", "vimbiso.channel"),
            ],
        );

        let again = channel.initialize_channel("sms", "other").await.expect("it is there");
        assert!(!again.created);
        assert_eq!(again.etag.to_string(), client.state(KEY).0);
        assert_eq!(document(&mut client), created, "the channel is what it was");
        assert_eq!(audit_entries(&mut client).len(), 1);
    });
}

/// S19, S63: two concurrent first messages get the same state.
#[test]
fn concurrent_first_messages_get_one_state() {
    let server = Server::start();
    block_on(async {
        let states = connect(&server.url()).await.expect("a server");
        let contacts: Vec<_> = (0..16)
            .map(|_| {
                let mut channel = Channel::new(states.clone(), crate::bot::ID);
                tokio::spawn(async move { channel.initialize_channel("whatsapp", "webhook").await })
            })
            .collect();
        let mut created = 0;
        for contact in contacts {
            let initialized = contact.await.expect("a finished task").expect("a state");
            assert_eq!(initialized.etag.version, 1);
            created += usize::from(initialized.created);
        }
        assert_eq!(created, 1);
    });
    assert_eq!(audit_entries(&mut server.client()).len(), 1);
}

/// S52: each accessor, of a state with every member; S20 to S22.
#[test]
fn accessors_read_their_members() {
    let server = Server::start();
    block_on(async {
        let mut channel = channel_at(&server, &TO_AMOUNT).await;
        let said = json!({
            "dashboard": {"member": {"memberID": "7d1f"}, "accounts": [{"accountID": "91c2", "balance": 12.50}]},
            "action": {"type": "login"}, "active_account_id": "91c2",
            "current": {"awaiting_input": true, "component_result": "waits", "data": {"amount": 12.50}},
        });
        server.client().ok(&["STATE.SETPROTECTED", KEY, "*", &said.to_string()]);

        assert_eq!(channel.get_channel_id().await.unwrap(), "+263771234567");
        assert_eq!(channel.get_channel_type().await.unwrap(), "whatsapp");
        assert_eq!(channel.get_member_id().await.unwrap().as_deref(), Some("7d1f"));
        assert_eq!(channel.get_dashboard_data().await.unwrap(), Some(said["dashboard"].clone()));
        assert_eq!(channel.get_action_data().await.unwrap(), Some(said["action"].clone()));
        assert_eq!(channel.get_path().await.unwrap(), "offer");
        assert_eq!(channel.get_component().await.unwrap(), "AmountInput");
        assert_eq!(channel.get_component_result().await.unwrap().as_deref(), Some("waits"));
        assert_eq!(channel.get_component_data::<Value>().await.unwrap(), Some(json!({"amount": 12.50})));
        assert_eq!(channel.active_account_id().await.unwrap().as_deref(), Some("91c2"));
        assert!(channel.is_awaiting_input().await.unwrap());
        let flow = channel.get_flow_state().await.unwrap();
        assert_eq!((flow.path.as_str(), flow.component.as_str()), ("offer", "AmountInput"));
        assert_eq!(flow.component_result.as_deref(), Some("waits"));

        // As a type of the caller.
        #[derive(serde::Deserialize)]
        struct Offer {
            amount: f64,
        }
        let offer: Option<Offer> = channel.get_component_data().await.unwrap();
        assert_eq!(offer.map(|offer| offer.amount), Some(12.5));
    });
}

/// S52: missing and null mean the same, and a read changes nothing.
#[test]
fn missing_members_are_none() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        client.ok(&["STATE.UPDATE", KEY, "1", r#"{"active_account_id":null}"#, "SHALLOW"]);
        client.ok(&["STATE.UPDATE", KEY, "2", r#"{"current":{"data":null,"component_result":null}}"#]);
        let before = client.state(KEY);
        assert_eq!(channel.get_member_id().await.unwrap(), None);
        assert_eq!(channel.get_dashboard_data::<Value>().await.unwrap(), None);
        assert_eq!(channel.get_action_data::<Value>().await.unwrap(), None);
        assert_eq!(channel.get_component_result().await.unwrap(), None);
        assert_eq!(channel.get_component_data::<Value>().await.unwrap(), None);
        assert_eq!(channel.active_account_id().await.unwrap(), None);
        assert!(!channel.is_awaiting_input().await.unwrap());
        let entries = audit_entries(&mut client).len();
        channel.get_state().await.unwrap();
        assert_eq!((client.state(KEY), audit_entries(&mut client).len()), (before, entries));
    });
}

/// S52, S57: before the first contact every call returns an error and changes nothing.
#[test]
fn calls_without_a_state_return_nostate() {
    let server = Server::start();
    block_on(async {
        let mut channel = Channel::new(connect(&server.url()).await.expect("a server"), crate::bot::ID);
        let token = Token::new("eyJhbGciOi");
        let step = FlowUpdate::from("menu").step("login", "LoginApiCall");
        for kind in [
            channel.get_path().await.unwrap_err().kind(),
            channel.get_member_id().await.unwrap_err().kind(),
            channel.get_state().await.unwrap_err().kind(),
            channel.get_validation_status("confirm").await.unwrap_err().kind(),
            channel.get_validation_history().await.unwrap_err().kind(),
            channel.update_state(&step).await.unwrap_err().kind(),
            channel.reset_state("menu").await.unwrap_err().kind(),
            channel.set_jwt_token(&token, "login").await.unwrap_err().kind(),
        ] {
            assert_eq!(kind, ErrorKind::NoState);
        }
    });
    assert!(server.client().ok(&["STATE.GET", KEY]).is_nil());
}

/// S23, S24: counters and times come from the server, whatever the document has under these names,
/// and are never written back.
#[test]
fn server_counters_are_read_and_never_written() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        let old =
            r#"{"validation":{"attempts":{"forged":9}},"_metadata":{"updated_at":"1999-12-31T23:59:59Z"}}"#;
        client.ok(&["STATE.UPDATE", KEY, "1", old]);
        client.ok(&["STATE.ATTEMPT", KEY, "login", "FAILURE", "COMPONENT", "Greeting", "ERROR", "no member"]);
        client.ok(&["STATE.ATTEMPT", KEY, "confirm", "SUCCESS"]);
        client.ok(&["STATE.ATTEMPT", KEY, "login", "SUCCESS"]);

        let State { etag, document: state } = channel.get_state().await.unwrap();
        assert_eq!(etag.to_string(), client.state(KEY).0);
        let counts: Vec<_> =
            state.validation.attempts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(counts, [("confirm", 1), ("login", 2)]);
        let tries: Vec<_> =
            state.validation.history.iter().map(|one| (one.operation.as_str(), one.success)).collect();
        assert_eq!(tries.len(), 3);
        let of_login: Vec<_> = tries.iter().filter(|(operation, _)| *operation == "login").collect();
        assert_eq!(of_login, [&("login", false), &("login", true)], "oldest first");
        let meta = client.ok(&["STATE.META", KEY]);
        assert_eq!(state.metadata.initialized_at, meta.field("initialized_at").text());
        assert_eq!(state.metadata.updated_at, meta.field("updated_at").text());

        // Written back whole, and by an update of an old program.
        let whole = state.replacing().unwrap();
        channel.states().send(&redis_state_client::Update::new(KEY, etag, whole)).await.unwrap();
        let words = json!({"current": {"awaiting_input": true}, "validation": {"attempts": {"login": 7}}, "_metadata": {}});
        channel.update_state(&FlowUpdate::merging("legacy", &words).unwrap()).await.unwrap();
    });
    let stored = document(&mut client);
    let names: Vec<_> = stored.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["channel", "current"], "{stored}");
    assert_eq!(stored["current"]["awaiting_input"], true);
    assert_eq!(attempts(&mut client, "login"), (2, 0));
}

/// S21, S51: the debug output of a state shows no token.
#[test]
fn debug_output_shows_no_token() {
    let server = Server::start();
    block_on(async {
        let mut channel = channel(&server).await;
        channel.set_jwt_token(&Token::new("eyJsecret"), "login").await.unwrap();
        let state: State<ChannelState> = channel.get_state().await.unwrap();
        let token = state.document.auth.as_ref().and_then(|auth| auth.token.as_ref());
        assert_eq!(token.map(Token::as_str), Some("eyJsecret"));
        assert!(!format!("{state:?} {channel:?}").contains("eyJsecret"));
    });
}

/// S53: given members are set, others stay; `update_from` is the actor.
#[test]
fn update_sets_only_given_members() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        let first =
            FlowUpdate::from("greeting").data(json!({"name": "Tariro", "note": null})).awaiting_input(true);
        let etag = channel.update_state(&first).await.unwrap();
        assert_eq!(etag.to_string(), client.state(KEY).0);
        assert_eq!(
            document(&mut client)["current"],
            json!({"path": "login", "component": "Greeting", "awaiting_input": true, "component_result": null,
                   "data": {"name": "Tariro", "note": null}})
        );
        wrote(&mut client, &[("event", "update"), ("actor", "greeting"), ("version", "2")]);

        let second = FlowUpdate::from("headquarters")
            .component("LoginApiCall")
            .active_account_id("91c2")
            .event("goes_on")
            .note("asked twice");
        channel.update_state(&second).await.unwrap();
        let document = document(&mut client);
        assert_eq!(document["current"]["path"], "login");
        assert_eq!(document["current"]["component"], "LoginApiCall");
        assert_eq!(document["current"]["data"]["name"], "Tariro");
        assert_eq!(document["active_account_id"], "91c2");
        wrote(&mut client, &[("actor", "headquarters"), ("name", "goes_on"), ("note", "asked twice")]);
    });
}

/// S36, S39, S40, S44, S48: an update that violates a rule is rejected, changes nothing, and is
/// audited.
#[test]
fn rejected_update_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        let before = client.state(KEY);
        let merging = |updates: Value| FlowUpdate::merging("flow", &updates).expect("an object");
        for (update, kind) in [
            (merging(json!({"value": "125"})), ErrorKind::Invalid),
            (merging(json!({"current": {"awaiting_input": "yes"}})), ErrorKind::Invalid),
            (FlowUpdate::from("flow").step("account", "AccountDashboard"), ErrorKind::Transition),
            (merging(json!({"dashboard": {"member": {}}})), ErrorKind::Protected),
            (merging(json!({"auth": {"token": "forged"}})), ErrorKind::Protected),
            (merging(json!({"channel": {"identifier": "+263770000000"}})), ErrorKind::Immutable),
        ] {
            let error = channel.update_state(&update).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(client.state(KEY), before);
            wrote(&mut client, &[("event", "reject"), ("actor", "flow"), ("error", &error.to_string())]);
        }
    });
}

/// S32, S33: concurrent updates are all applied.
#[test]
fn concurrent_updates_are_all_applied() {
    let server = Server::start();
    block_on(async {
        let mut channel = channel(&server).await;
        channel.update_state(&FlowUpdate::from("flow").data(json!({}))).await.unwrap();
        let tasks: Vec<_> = (0..3)
            .map(|task| {
                let mut channel = channel.clone();
                tokio::spawn(async move {
                    let named = json!({"current": {"data": {format!("task{task}"): true}}});
                    channel.update_state(&FlowUpdate::merging("flow", &named).unwrap()).await
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a finished task").expect("an update that is retried");
        }
    });
    let data = document(&mut server.client())["current"]["data"].clone();
    assert_eq!(data.as_object().map(serde_json::Map::len), Some(3), "{data}");
}

/// S41, S53: a repeated update with its message's ID gets the first reply, and later changes stay.
#[test]
fn repeated_update_is_applied_once() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        let update = FlowUpdate::from("greeting").data(json!({"name": "Tariro"})).id("wamid.HBgL1");
        let first = channel.update_state(&update).await.unwrap();
        channel.update_state(&FlowUpdate::from("greeting").data(json!({"name": "Rudo"}))).await.unwrap();
        assert_eq!(channel.update_state(&update).await.unwrap(), first);
    });
    assert_eq!(document(&mut client)["current"]["data"]["name"], "Rudo");
    assert_eq!(audit_entries(&mut client).len(), 3);
}

/// S49, S53, S64, S65: the flow is reset; channel, protected members and attempts stay; the reset
/// is audited.
#[test]
fn reset_clears_the_flow_and_keeps_protected_members() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel_at(&server, &TO_AMOUNT).await;
        channel.set_jwt_token(&Token::new("eyJsecret"), "login").await.unwrap();
        client.ok(&[
            "STATE.SETPROTECTED",
            KEY,
            "*",
            r#"{"dashboard":{"member":{"memberID":"7d1f"}},"action":{}}"#,
        ]);
        client.ok(&["STATE.ATTEMPT", KEY, "confirm", "FAILURE"]);
        for event in ["reset_state", "clear_flow"] {
            let to_login = FlowUpdate::from("flow").step("login", "Greeting").active_account_id("91c2");
            channel.update_state(&to_login.data(json!({"amount": 7}))).await.unwrap();
            let etag = match event {
                "reset_state" => channel.reset_state("menu").await.unwrap(),
                _ => channel.clear_flow("menu").await.unwrap(),
            };
            assert_eq!(etag.to_string(), client.state(KEY).0);
            wrote(&mut client, &[("event", "reset"), ("name", event), ("actor", "menu")]);
            let document = document(&mut client);
            assert_eq!(document["current"]["component"], "Greeting");
            assert_eq!(document["current"]["data"], json!({}));
            assert_eq!(document.get("active_account_id"), None);
            assert_eq!(document["channel"]["type"], "whatsapp");
            assert_eq!(document["auth"]["token"], "eyJsecret");
            assert_eq!(document["dashboard"]["member"]["memberID"], "7d1f");
            assert_eq!(document["action"], json!({}));
            assert_eq!(attempts(&mut client, "confirm"), (1, 1));
        }
    });
}

/// S13, S21, S48, S53: the token is kept as long as the schema says, and no audit stream shows it.
#[test]
fn token_is_kept_and_never_audited() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        channel.set_jwt_token(&Token::new("eyJsecret"), "login_handler").await.unwrap();
    });
    assert_eq!(document(&mut client)["auth"]["token"], "eyJsecret");
    wrote(&mut client, &[("event", "update"), ("name", "set_jwt_token"), ("actor", "login_handler")]);
    assert!(!format!("{:?}", audit_entries(&mut client)).contains("eyJsecret"));
    let deadlines = client.ok(&["STATE.META", KEY]).field("deadlines").field_names();
    assert!(deadlines.iter().any(|pointer| pointer.starts_with("/auth")), "{deadlines:?}");
}

/// S42, S65: status and history of attempts, which no rollback takes back.
#[test]
fn attempts_have_status_and_history() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        channel.update_state(&FlowUpdate::from("flow").awaiting_input(true)).await.unwrap();
        client.ok(&["STATE.ATTEMPT", KEY, "confirm", "SUCCESS"]);
        client.ok(&[
            "STATE.ATTEMPT",
            KEY,
            "confirm",
            "FAILURE",
            "COMPONENT",
            "ConfirmOffer",
            "ERROR",
            "maybe",
        ]);
        client.ok(&["STATE.ROLLBACK", KEY, "*"]);

        let status = channel.get_validation_status("confirm").await.unwrap();
        assert_eq!((status.attempts, status.failures), (2, 1));
        let latest = status.latest.expect("there was one");
        assert_eq!((latest.success, latest.component.as_deref()), (false, Some("ConfirmOffer")));
        assert_eq!(latest.error.as_deref(), Some("maybe"));
        let history = channel.get_validation_history().await.unwrap();
        assert_eq!(history.len(), 2);
        assert!(history[0].success && history[1] == latest, "oldest first: {history:?}");
        let nothing = channel.get_validation_status("never").await.unwrap();
        assert_eq!((nothing.attempts, nothing.latest), (0, None));
    });
}

/// S53, S54: the same operations over a blocking connection.
#[test]
fn blocking_channel_works() {
    let server = Server::start();
    let mut client = server.client();
    let mut channel = Channel::new(connect_blocking(&server.url()).expect("a server"), crate::bot::ID);
    assert!(channel.initialize_channel("whatsapp", "webhook").unwrap().created);
    channel.update_state(&FlowUpdate::from("greeting").step("login", "LoginApiCall")).unwrap();
    wrote(&mut client, &[("event", "update"), ("actor", "greeting")]);
    assert_eq!(channel.get_component().unwrap(), "LoginApiCall");
    channel.set_jwt_token(&Token::new("eyJsecret"), "login").unwrap();
    assert_eq!(channel.get_state().unwrap().etag.to_string(), client.state(KEY).0);
    channel.reset_state("menu").unwrap();
    assert_eq!(document(&mut client)["current"]["component"], "Greeting");
    let error = channel.update_state(&FlowUpdate::from("menu").path("ledger")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transition);
}
