//! What the bot in production never writes, under `vimbiso.chatserver`.

use serde_json::Value;
use support::{Client, state_test};

use super::chatserver::{KEY, go};
use super::chatserver_documents::conversations;
use super::pointers;

/// Valid changes that STATE.UPDATE may not make from the dashboard, and the first words of the
/// errors.
const FORBIDDEN: &[(&str, &str)] = &[
    (r#"{"channel":{"identifier":"+263771234599"}}"#, "IMMUTABLE /channel"),
    (r#"{"channel":null}"#, "IMMUTABLE /channel"),
    (r#"{"dashboard":{"member":{"memberTier":5}}}"#, "PROTECTED /dashboard"),
    (r#"{"dashboard":null}"#, "PROTECTED /dashboard"),
    (r#"{"action":{"type":"MEMBER_LOGIN"}}"#, "PROTECTED /action"),
    (r#"{"action":{"details":{"token":"eyJhbGciOi"}}}"#, "PROTECTED /action"),
    (r#"{"auth":{"token":"eyJhbGciOi"}}"#, "PROTECTED /auth"),
    (r#"{"auth":{"return_url":"https://api.example/"}}"#, "PROTECTED /auth"),
    (
        r#"{"component_data":{"path":"offer_secured","component":"CreateCredexApiCall"}}"#,
        "TRANSITION /component_data",
    ),
    (r#"{"component_data":{"path":"onboard","component":"Welcome"}}"#, "TRANSITION /component_data"),
    (r#"{"component_data":{"path":"login"}}"#, "TRANSITION /component_data"),
    (r#"{"component_data":{"component":"Dashboard"}}"#, "TRANSITION /component_data"),
];

/// Invalid changes by a component, with a pointer for each violation.
const INVALID: &[(&str, &str)] = &[
    (r#"{"component_data":{"component":null}}"#, "/component_data"),
    (r#"{"component_data":{"path":null}}"#, "/component_data"),
    (r#"{"component_data":{"path":7,"component":""}}"#, "/component_data/path /component_data/component"),
    (r#"{"component_data":{"data":null}}"#, "/component_data"),
    (r#"{"component_data":{"data":[]}}"#, "/component_data/data"),
    (r#"{"component_data":{"data":{"amount":2.5}}}"#, "/component_data/data/amount"),
    (r#"{"component_data":{"data":{"confirmed":"yes"}}}"#, "/component_data/data/confirmed"),
    (r#"{"component_data":{"data":{"data":{"handle":7}}}}"#, "/component_data/data/data/handle"),
    (r#"{"component_data":{"data":{"pin":7391}}}"#, "/component_data/data/pin"),
    (r#"{"component_data":{"awaiting_input":"no"}}"#, "/component_data/awaiting_input"),
    (r#"{"component_data":{"component_result":7}}"#, "/component_data/component_result"),
    (r#"{"component_data":{"awaiting":true}}"#, "/component_data"),
    (r#"{"component_data":"login"}"#, "/component_data"),
    (r#"{"component_data":{"incoming_message":"hi"}}"#, "/component_data/incoming_message"),
    (r#"{"component_data":{"incoming_message":{"from":"x"}}}"#, "/component_data/incoming_message"),
    (r#"{"component_data":{"incoming_message":{"type":"image"}}}"#, "/component_data/incoming_message/type"),
    (r#"{"component_data":{"incoming_message":{"text":"hi"}}}"#, "/component_data/incoming_message/text"),
    (
        r#"{"component_data":{"incoming_message":{"text":{"body":7}}}}"#,
        "/component_data/incoming_message/text/body",
    ),
    (
        r#"{"component_data":{"incoming_message":{"text":{"body":null,"button":{"id":"x"}}}}}"#,
        "/component_data/incoming_message/text /component_data/incoming_message/text",
    ),
    (
        r#"{"component_data":{"incoming_message":{"type":"interactive","text":{"body":null,"interactive_type":"list","button":{"id":"x"}}}}}"#,
        "/component_data/incoming_message/text",
    ),
    (
        r#"{"component_data":{"incoming_message":{"type":"interactive","text":{"body":null,"interactive_type":"button","button":{"type":"url"}}}}}"#,
        "/component_data/incoming_message/text/button /component_data/incoming_message/text/button/type",
    ),
    (r#"{"active_account_id":7}"#, "/active_account_id"),
    (r#"{"mock_testing":"false"}"#, "/mock_testing"),
    (r#"{"current":{"path":"login"},"_validation":{}}"#, "(root)"),
];

/// Invalid data of the API.
const INVALID_FROM_API: &[(&str, &str)] = &[
    (r#"{"dashboard":{"member":{"memberTier":"5"}}}"#, "/dashboard/member/memberTier"),
    (
        r#"{"dashboard":{"member":{"memberID":null,"memberTier":0}}}"#,
        "/dashboard/member /dashboard/member/memberTier",
    ),
    (r#"{"dashboard":{"member":null}}"#, "/dashboard"),
    (r#"{"dashboard":{"accounts":{}}}"#, "/dashboard/accounts"),
    (
        r#"{"dashboard":{"accounts":[{"accountID":"a","accountName":"b","accountHandle":"c","accountType":"d","defaultDenom":"USD"}]}}"#,
        "/dashboard/accounts/0",
    ),
    (r#"{"action":{"details":null}}"#, "/action"),
    (r#"{"action":{"type":null}}"#, "/action"),
    (r#"{"action":{"details":{"token":7}}}"#, "/action/details/token"),
    (r#"{"auth":{"jwt":"x"}}"#, "/auth"),
    (r#"{"auth":{"token":"","return_url":""}}"#, "/auth/token /auth/return_url"),
];

/// Takes a newcomer to the dashboard, with all data of the API.
fn at_the_dashboard(client: &mut Client) {
    go(client, "account/AccountDashboard");
    let newcomer = conversations().remove(0).documents;
    let step = |document: &&Value| document["component_data"]["component"] == "AccountDashboard";
    let document = newcomer.iter().find(step).expect("a document").to_string();
    client.ok(&["STATE.SETPROTECTED", KEY, "*", &document, "REPLACE"]);
}

/// S20, S47 to S49: valid changes that the bot never makes are rejected.
#[test]
fn forbidden_changes_are_rejected() {
    state_test(|_, client| {
        at_the_dashboard(client);
        let before = client.state(KEY);
        for (json, begin) in FORBIDDEN {
            let error = client.err(&["STATE.UPDATE", KEY, "*", json]);
            assert!(error.starts_with(begin), "{json} answered {error}, not {begin}");
            assert_eq!(client.state(KEY), before, "{json}");
        }
    });
}

/// S36, S38, S46: wrong types, missing members and unknown ones are rejected with their pointers.
#[test]
fn invalid_changes_are_rejected() {
    let by_components = INVALID.iter().map(|row| ("STATE.UPDATE", row));
    let by_api = INVALID_FROM_API.iter().map(|row| ("STATE.SETPROTECTED", row));
    state_test(|_, client| {
        at_the_dashboard(client);
        let before = client.state(KEY);
        for (command, (json, expected)) in by_components.chain(by_api) {
            let mut expected: Vec<&str> = expected.split(' ').collect();
            expected.sort_unstable();
            assert_eq!(pointers(&client.err(&[command, KEY, "*", json])), expected, "{json}");
            assert_eq!(client.state(KEY), before, "{json}");
        }
    });
}
