//! The role that calls the API: the token, the call, and the one commit of its reply.

use redis_state_client::ErrorKind;
use redis_state_vimbiso::channel::{Channel, Reads, Step};
use serde_json::json;
use support::{Server, block_on};

use crate::bot::{
    AsyncChannel, Bank, ID, KEY, all, attempts, audit_entries, channel, channel_at, document, wrote,
};

const LOGIN: (&str, &str) = ("login", "LoginApiCall");

pub fn login_call() -> Step {
    Step::new(LOGIN.0, LOGIN.1)
}

/// S20, S48, S50, S55: dashboard, action and a new token of the reply are written in one commit.
#[test]
fn api_reply_is_written_in_one_commit() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel_at(&server, &[LOGIN]).await;
        let mut bank = Bank::new("eyJone");
        let answer = channel.api(login_call(), &mut bank).make_api_request("login").await.unwrap();
        assert!(answer.is_success());
        assert_eq!((bank.calls.as_slice(), bank.renewals), ([("login".to_owned(), None)].as_slice(), 0));
        let document = document(&mut client);
        assert_eq!(document["dashboard"]["member"]["memberID"], "7d1f");
        assert_eq!(document["action"], json!({"type": "login", "id": "1"}));
        assert_eq!(document["auth"]["token"], "eyJone");
        assert_eq!(
            document["current"]["component"], "LoginApiCall",
            "headquarters moves the flow, not the API"
        );
        let entries = audit_entries(&mut client);
        assert_eq!(entries.len(), 3, "created, to the login, one answer");
        wrote(
            &mut client,
            &[
                ("event", "update"),
                ("actor", "LoginApiCall"),
                ("operation", "LoginApiCall"),
                ("component", "LoginApiCall"),
                ("version", "3"),
            ],
        );
        assert!(!entries[2]["patch"].contains("eyJone"), "{:?}", entries[2]);

        // The next reply replaces the action as a whole.
        let mut api = channel.api(login_call(), &mut bank);
        api.make_api_request("balance").await.unwrap();
        assert_eq!(api.get_action_data().await.unwrap(), Some(json!({"type": "balance"})));
    });
    assert_eq!(attempts(&mut client, "LoginApiCall"), (2, 0));
}

/// S17: a lapsed token is renewed, and the call is made with the new one.
#[test]
fn lapsed_token_is_renewed() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel_at(&server, &[LOGIN]).await;
        let mut bank = Bank::new("eyJone");
        assert!(channel.api(login_call(), &mut bank).make_api_request("balance").await.unwrap().is_success());
        assert_eq!(bank.calls, [("balance".to_owned(), Some("eyJone".to_owned()))]);
        assert_eq!(bank.renewals, 1);
    });
    assert_eq!(document(&mut client)["auth"]["token"], "eyJone");
    let renewal = &audit_entries(&mut client)[2];
    assert_eq!((renewal["name"].as_str(), renewal["actor"].as_str()), ("set_jwt_token", "LoginApiCall"));
}

/// S17: a rejected token is renewed, and the failed call is retried once.
#[test]
fn call_with_a_rejected_token_is_retried_once() {
    let server = Server::start();
    let mut client = server.client();
    client_token(&server, "eyJold");
    block_on(async {
        let mut channel = joined(&server).await;
        let mut bank = Bank::new("eyJnew");
        assert!(channel.api(login_call(), &mut bank).make_api_request("balance").await.unwrap().is_success());
        let tokens: Vec<_> = bank.calls.iter().map(|(_, token)| token.as_deref()).collect();
        assert_eq!((tokens.as_slice(), bank.renewals), ([Some("eyJold"), Some("eyJnew")].as_slice(), 1));
    });
    assert_eq!(document(&mut client)["auth"]["token"], "eyJnew");
    assert_eq!(document(&mut client)["dashboard"]["calls"], 2);
    assert_eq!(attempts(&mut client, "LoginApiCall"), (1, 0));
}

/// S17, S36: the call is retried only once: if the bank rejects the new token too, the error is
/// returned and the state is unchanged.
#[test]
fn call_is_retried_only_once() {
    let server = Server::start();
    let mut client = server.client();
    client_token(&server, "eyJold");
    block_on(async {
        let mut channel = joined(&server).await;
        let mut bank = Bank { accepts: None, ..Bank::new("eyJnew") };
        let rejected = channel.api(login_call(), &mut bank).make_api_request("balance").await.unwrap();
        assert_eq!(rejected.error().map(|error| error.details.code.as_str()), Some("API_TOKEN_REFUSED"));
        assert_eq!((bank.calls.len(), bank.renewals), (2, 1));
    });
    assert_eq!(document(&mut client).get("dashboard"), None);
    assert_eq!(attempts(&mut client, "LoginApiCall"), (1, 1));
}

/// A state at the login, with this token.
pub fn client_token(server: &Server, token: &str) {
    let mut client = server.client();
    let begin =
        format!(r#"{{"channel":{{"type":"whatsapp","identifier":"{ID}"}},"auth":{{"token":"{token}"}}}}"#);
    client.ok(&["STATE.SETPROTECTED", KEY, "0", &begin, "SCHEMA", "vimbiso.channel"]);
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"current":{"component":"LoginApiCall"}}"#]);
}

async fn joined(server: &Server) -> AsyncChannel {
    let mut channel = Channel::new(redis_state_client::connect(&server.url()).await.unwrap(), ID);
    assert!(!channel.initialize_channel("whatsapp", "webhook").await.unwrap().created);
    channel
}

/// S36, S41: a failed call is counted with its reason, and changes nothing; so is a reply that the
/// schema rejects.
#[test]
fn failed_call_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    client_token(&server, "eyJone");
    let before = client.state(KEY);
    block_on(async {
        let mut channel = joined(&server).await;
        let mut bank = Bank::new("eyJone");
        let failed = channel.api(login_call(), &mut bank).make_api_request("fail").await.unwrap();
        assert_eq!(failed.error().map(|error| error.message.as_str()), Some("the bank is closed"));
        wrote(
            &mut client,
            &[
                ("event", "attempt"),
                ("actor", "LoginApiCall"),
                ("outcome", "failure"),
                ("error", "the bank is closed"),
            ],
        );
        let mut api = channel.api(login_call(), &mut bank).operation("balance");
        let broken = api.make_api_request("broken").await.unwrap();
        assert_eq!(broken.error().and_then(|error| error.kind), Some(ErrorKind::Invalid));
    });
    assert_eq!(client.state(KEY), before);
    assert_eq!(attempts(&mut client, "LoginApiCall"), (1, 1));
    assert_eq!(attempts(&mut client, "balance"), (1, 1));
}

/// S50: out of its turn a component does not call the API.
#[test]
fn api_is_not_called_out_of_turn() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let mut channel = channel(&server).await;
        let before = all(&mut client);
        let mut bank = Bank::new("eyJone");
        let late = channel.api(login_call(), &mut bank).make_api_request("balance").await.unwrap_err();
        assert!(late.is_conflict());
        assert_eq!((bank.calls.len(), bank.renewals), (0, 0));
        assert_eq!(all(&mut client), before);
    });
}

/// S10, S51: without permission for the token, its mask is never sent to the API.
#[test]
fn masked_token_is_never_sent() {
    let server = Server::start();
    client_token(&server, "eyJone");
    server.client().ok(&[
        "ACL",
        "SETUSER",
        "flow",
        "on",
        ">flow",
        "~*",
        "&*",
        "+@all",
        "-state.setprotected",
    ]);
    block_on(async {
        let url = server.url().replace("redis://", "redis://flow:flow@");
        let mut channel = Channel::new(redis_state_client::connect(&url).await.unwrap(), ID);
        let mut bank = Bank::new("eyJone");
        let error = channel.api(login_call(), &mut bank).make_api_request("balance").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoPermission);
        assert_eq!(bank.calls.len(), 0);
    });
}
