//! Errors with their context, how they are handled, and what the log contains.

use std::sync::{Arc, Mutex};

use redis_state_client::{ErrorKind, connect, connect_blocking};
use redis_state_vimbiso::channel::{
    Atomic, AtomicOperation, Channel, ErrorContext, ErrorHandler, ErrorType, Executed, FlowUpdate, Reads,
    Step, Token, ValidationResult,
};
use serde_json::{Value, json};
use support::{Server, block_on};
use tracing::field::{Field, Visit};

use crate::bot::{ID, KEY, attempts, channel, document, wrote};

/// S34: get, set, update and delete, each with (success, data, error).
#[test]
fn atomic_operations_return_their_result() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut states = connect(&server.url()).await.expect("a server");
        let mut atomic = Atomic::new(&mut states);
        let ttl = Some(std::time::Duration::from_secs(300));
        let done = |data| Executed { success: true, data, error: None };
        let key = "offer:7d1f";

        let nothing = atomic.execute_atomic(key, AtomicOperation::Get, None, None).await.unwrap();
        assert_eq!(nothing, done(None));
        let five = json!({"amount": 5, "to": {"handle": "tariro"}});
        let set = atomic.execute_atomic(key, AtomicOperation::Set, Some(&five), ttl).await.unwrap();
        assert_eq!(set, done(Some(five.clone())));
        assert_eq!(client.state(key).1, five.to_string());
        let ms = client.ok(&["PTTL", key]).int();
        assert!((290_000..=300_000).contains(&ms), "{ms}");

        let other = json!({"to": {"note": "lunch"}});
        let updated = atomic.execute_atomic(key, AtomicOperation::Update, Some(&other), None).await.unwrap();
        let both = json!({"amount": 5, "to": {"handle": "tariro", "note": "lunch"}});
        assert_eq!(updated, done(Some(both.clone())));
        assert_eq!(atomic.atomic_get(key).await.unwrap().map(|state| state.document), Some(both.clone()));
        let got = atomic.execute_atomic(key, AtomicOperation::Get, None, None).await.unwrap();
        assert_eq!(got, done(Some(both)));

        let six = json!({"amount": 6});
        let set = atomic.execute_atomic(key, AtomicOperation::Set, Some(&six), None).await.unwrap();
        assert_eq!(set, done(Some(six)), "the whole document");
        assert_eq!(
            atomic.execute_atomic(key, AtomicOperation::Delete, None, None).await.unwrap(),
            done(None)
        );
        assert!(client.ok(&["STATE.GET", key]).is_nil());
    });
}

/// S34, S36, S40, S43: a failed operation changes nothing, and its error has the kind and place.
#[test]
fn failed_atomic_operation_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let mut states = connect_blocking(&server.url()).expect("a server");
    let mut atomic = Atomic::new(&mut states).schema("vimbiso.channel");
    let unknown = json!({"value": "125"});
    for (operation, value, kind, code) in [
        (AtomicOperation::Set, Some(&unknown), ErrorKind::Invalid, "STATE_SET_ERROR"),
        (AtomicOperation::Set, None, ErrorKind::Usage, "STATE_SET_ERROR"),
        (AtomicOperation::Update, Some(&unknown), ErrorKind::NoState, "STATE_UPDATE_ERROR"),
        (AtomicOperation::Delete, None, ErrorKind::NoState, "STATE_DELETE_ERROR"),
    ] {
        let Executed { success, data, error } = atomic.execute_atomic(KEY, operation, value, None).unwrap();
        assert_eq!((success, data), (false, None));
        let error = error.expect("an error");
        assert_eq!((error.kind, error.details.code.as_str()), (Some(kind), code));
        assert_eq!(
            (error.details.service.as_str(), error.details.action.as_str()),
            ("state_manager", operation.as_str())
        );
        assert!(client.ok(&["STATE.GET", KEY]).is_nil());
    }
    client.ok(&["SET", KEY, "text"]);
    let error = atomic.atomic_get(KEY).unwrap_err();
    assert_eq!(ErrorContext::of(&error, "get").details.code, "STATE_GET_ERROR");
}

/// S43: the JSON of an error with its context.
#[test]
fn error_has_type_message_and_details() {
    let server = Server::start();
    block_on(async {
        let mut channel = Channel::new(connect(&server.url()).await.expect("a server"), ID);
        let error = channel.get_path().await.unwrap_err();
        assert_eq!(
            serde_json::to_value(ErrorContext::of(&error, "get")).expect("JSON"),
            json!({
                "error_type": "system",
                "message": "NOSTATE there is no state at this key; initialize_channel makes one",
                "details": {"code": "STATE_GET_ERROR", "service": "state_manager", "action": "get"},
            })
        );
    });
    let rejected = ValidationResult::<()>::failure("Please say yes or no.");
    assert_eq!(rejected.into_result().map_err(|error| error.error_type), Err(ErrorType::Validation));
}

/// S41, S43: the handler counts what is not counted yet, and returns a text for the user.
#[test]
fn error_is_counted_once_and_shown() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        let handler = ErrorHandler::default();
        let before = client.state(KEY);
        let skip = FlowUpdate::from("menu").step("account", "AccountDashboard");
        let error = channel.update_state(&skip).await.unwrap_err();
        let text = handler.handle_error(&mut channel, ErrorContext::of(&error, "update")).await.unwrap();
        assert_eq!(text, "That is not possible here. Please choose something else.");
        assert_eq!(attempts(&mut client, "update"), (1, 1));
        wrote(
            &mut client,
            &[
                ("event", "attempt"),
                ("operation", "update"),
                ("component", "state_manager"),
                ("error", &error.to_string()),
            ],
        );

        let rejected = ValidationResult::<Value>::failure("Please say hello.");
        let rejected = channel.input(Step::new("login", "Greeting")).submit(rejected).await.unwrap();
        let context = rejected.into_result().expect_err("a failure");
        assert_eq!(handler.handle_error(&mut channel, context).await.unwrap(), "Please say hello.");
        assert_eq!(attempts(&mut client, "Greeting"), (1, 1), "the component has counted it");
        assert_eq!(attempts(&mut client, "validate"), (0, 0));
        assert_eq!(client.state(KEY), before);
    });
}

/// S16, S43: after the session expiry there is no state to count in, and the user is asked to start
/// again.
#[test]
fn expired_session_has_its_own_text() {
    let mut server = Server::start();
    block_on(async {
        let mut channel = Channel::new(connect(&server.url()).await.expect("a server").resends(0), ID);
        let error = channel.get_path().await.unwrap_err();
        let handler = ErrorHandler::default();
        let text = handler.handle_error(&mut channel, ErrorContext::of(&error, "get")).await.unwrap();
        assert_eq!(text, "Your session is over. Please send a message to start again.");
        server.kill();
        let error = channel.get_path().await.unwrap_err();
        let text = handler.handle_error(&mut channel, ErrorContext::of(&error, "get")).await.unwrap();
        assert_eq!(text, "Something went wrong on our side. Please try again.");
    });
}

/// The log, a line for each event.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut line = Line("span".into());
        attributes.record(&mut line);
        self.0.lock().expect("not poisoned").push(line.0);
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        let mut line = Line("span".into());
        values.record(&mut line);
        self.0.lock().expect("not poisoned").push(line.0);
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        if event.metadata().target().starts_with("redis_state_vimbiso") {
            let mut line = Line(event.metadata().level().to_string());
            event.record(&mut line);
            self.0.lock().expect("not poisoned").push(line.0);
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// S51, S56, S70: the log has actions, actors and steps, and no personal data.
#[test]
fn log_has_actions_and_no_secrets() {
    let server = Server::start();
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let states = connect_blocking(&server.url()).expect("a server");
        let mut channel = Channel::new(states, ID);
        channel.initialize_channel("whatsapp", "webhook").unwrap();
        let step = FlowUpdate::from("greeting").step("login", "LoginApiCall").data(json!({"pin": "PIN1234"}));
        channel.update_state(&step).unwrap();
        channel.update_state(&FlowUpdate::from("login").awaiting_input(true)).unwrap();
        channel.set_jwt_token(&Token::new("eyJsecret"), "login").unwrap();
        channel.get_state().unwrap();
        let skip = FlowUpdate::from("menu").component("Nowhere");
        let error = channel.update_state(&skip).unwrap_err();
        let handler = ErrorHandler::default();
        handler.handle_error(&mut channel, ErrorContext::of(&error, "update")).unwrap();
        let typed = ValidationResult::<Value>::failure("PIN1234 is no amount");
        let typed = channel.input(Step::new("login", "LoginApiCall")).submit(typed).unwrap();
        handler.handle_error(&mut channel, typed.into_result().unwrap_err()).unwrap();
        channel.reset_state("menu").unwrap();
    });
    let lines = log.0.lock().expect("not poisoned").clone();
    let has = |line: &str| assert!(lines.iter().any(|logged| logged == line), "{line} in {lines:#?}");
    has(r#"INFO message=updating state path="login" component="LoginApiCall" update_from="greeting""#);
    has(r#"INFO message=setting stage path="login" component="LoginApiCall""#);
    has(r#"INFO message=updating state update_from="login""#);
    has(r#"INFO message=resetting state update_from="menu""#);
    let failed = lines.iter().filter(|line| line.starts_with("ERROR")).collect::<Vec<_>>();
    assert_eq!(failed.len(), 2, "{failed:#?}");
    assert!(
        failed[0].contains(r#"code="STATE_UPDATE_ERROR""#) && failed[0].contains("TRANSITION"),
        "{failed:?}"
    );
    assert!(failed[1].contains(r#"code="VALIDATION_ERROR""#), "{failed:?}");
    let all = lines.join("\n");
    for private in ["eyJsecret", "PIN1234", "+263771234567"] {
        assert!(!all.contains(private), "{private} in {all}");
    }
    assert_eq!(document(&mut server.client())["current"]["component"], "Greeting");
}
