//! A whole session of the bot over the socket: first contact, login, dashboard, an offer with its
//! amount, handle and confirmation, back, and cancel. Each step checks the reply, the state and the
//! audit entry.
//!
//! The steps are those of `vimbiso.channel`. One long session, not many small ones, because each
//! step starts from what the one before left.

mod dashboard;
mod talk;

use support::{Reply, state_test};

use dashboard::{dashboard, member};
use talk::{KEY, Talk};

/// A user's first message: there is no state, and the schema's defaults do the rest (S19, S57,
/// S63).
const FIRST_CONTACT: &str = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;
const GREETING: &str = concat!(
    r#"{"current":{"path":"login","component":"Greeting","awaiting_input":false,"component_result":null,"data":{}},"#,
    r#""channel":{"type":"whatsapp","identifier":"+263771234567"}}"#
);
const TOKEN: &str = concat!(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJtZW1iZXJJRCI6Im1lbV80OWQ0Mzk1MzZiMzIiLCJpYXQiOjE3NDExNDg5MTI",
    "sImV4cCI6MTc0MTE0OTIxMn0.k3Vd1Zq0wPzJH2f7mYxR8tQeN5sLbA6uCgDiOoXvKyM"
);

fn greeted(talk: &mut Talk) {
    talk.first_contact(FIRST_CONTACT, GREETING);
    talk.is_at("login/Greeting");
}

fn logged_in(talk: &mut Talk, accounts: usize) {
    talk.step("login/LoginApiCall", "{}", "login");
    talk.api_update(&format!(r#"{{"auth":{{"token":"{TOKEN}"}}}}"#), "auth_handler");
    let board = dashboard(accounts);
    talk.api_update(&format!(r#"{{"dashboard":{board},"action":{{"type":"login"}}}}"#), "dashboard_handler");
    talk.shows("/dashboard", &board);
    talk.shows("/auth/token", &format!("{TOKEN:?}"));
    talk.step("account/AccountDashboard", "{}", "account");
}

/// The whole session, for a member with this many accounts and a document of about this many bytes.
fn plays_a_session(accounts: usize, about_bytes: i64) {
    state_test(|_, client| {
        let mut talk = Talk::begin(client);
        greeted(&mut talk);
        logged_in(&mut talk, accounts);
        let bytes = talk.client.ok(&["STATE.META", KEY]).field("bytes").int();
        assert!((bytes - about_bytes).abs() * 8 < about_bytes, "{bytes} bytes");
        makes_an_offer(&mut talk);
        cancels_it(&mut talk);
        talk.shows("/dashboard", &dashboard(accounts));
        talk.has_one_commit_for_each_version();
    });
}

/// Amount, handle, confirmation; then back twice, other values, and confirmed.
fn makes_an_offer(talk: &mut Talk) {
    talk.step("offer/AmountInput", r#"{"awaiting_input":true,"data":{}}"#, "offer");
    let asked = talk.etag.clone();
    talk.step("offer/HandleInput", r#"{"data":{"amount":125.50,"currency":"USD"}}"#, "amount_input");
    talk.shows("/current/data/amount", "125.50");

    // The user sent the amount twice; the second message names an outdated version.
    let (twice, entries) = (r#"{"current":{"data":{"amount":125.5}}}"#, talk.entries());
    let line = talk.client.err(&["STATE.UPDATE", KEY, &asked, twice]);
    assert_eq!(line, format!("CONFLICT expected {asked}, current is {}", talk.etag));
    talk.is_unchanged();
    assert_eq!(talk.entries(), entries, "a conflict adds no audit entry");

    talk.step("offer/ConfirmOffer", r#"{"data":{"handle":"zoe_mueller"}}"#, "handle_input");
    talk.shows("/current/data", r#"{"amount":125.50,"currency":"USD","handle":"zoe_mueller"}"#);

    // Back twice: each rollback goes further back, and protected members stay.
    talk.back("offer/HandleInput");
    talk.shows("/current/data", r#"{"amount":125.50,"currency":"USD"}"#);
    talk.back("offer/AmountInput");
    talk.shows("/current/data", "{}");
    talk.shows("/dashboard/member", member());

    talk.step("offer/HandleInput", r#"{"data":{"amount":80,"currency":"USD"}}"#, "amount_input");
    talk.step("offer/ConfirmOffer", r#"{"data":{"handle":"zoe_mueller"}}"#, "handle_input");
    talk.step(
        "offer/CreateOfferApiCall",
        r#"{"awaiting_input":false,"component_result":"confirmed"}"#,
        "confirm",
    );
    talk.api_update(r#"{"action":{"type":"offer_credex","id":"offer_91c2"}}"#, "action_handler");
    talk.step("account/AccountDashboard", r#"{"data":null,"component_result":null}"#, "offer");
}

fn cancels_it(talk: &mut Talk) {
    talk.step("cancel/OfferList", r#"{"data":{"offers":["offer_91c2"]}}"#, "cancel");
    talk.step("cancel/Confirm", r#"{"data":{"chosen":"offer_91c2"}}"#, "cancel");
    talk.step("cancel/ApiCall", "{}", "cancel");
    talk.api_update(r#"{"action":{"type":"cancel_credex","id":"offer_91c2"}}"#, "action_handler");
    talk.step("account/AccountDashboard", r#"{"data":null}"#, "cancel");
    talk.shows("/action/type", "\"cancel_credex\"");
}

/// S20 to S22, S32, S36, S57, S58, S63: the session, with a document of 2 KB.
#[test]
fn user_makes_and_cancels_an_offer() {
    plays_a_session(3, 2_000);
}

/// A member without an account, one with a dozen, and one whose dashboard has 30 KB.
#[test]
fn session_works_with_any_number_of_accounts() {
    plays_a_session(0, 560);
    plays_a_session(14, 7_800);
    plays_a_session(58, 30_000);
}

/// A wrong answer changes nothing and is audited, and the conversation continues (S36, S40).
#[test]
fn wrong_answer_changes_nothing() {
    state_test(|_, client| {
        let mut talk = Talk::begin(client);
        greeted(&mut talk);
        logged_in(&mut talk, 1);
        talk.step("offer/AmountInput", "{}", "offer");
        for (wrong, pointer) in [
            (r#"{"value":"125"}"#, "(root): "),
            (r#"{"current":{"awaiting_input":"yes"}}"#, "/current/awaiting_input: "),
            (r#"{"current":{"path":null}}"#, "/current: "),
        ] {
            let line = talk.client.err(&["STATE.UPDATE", KEY, &talk.etag, wrong, "ACTOR", "amount_input"]);
            assert!(line.starts_with("INVALID 1 violation: ") && line.contains(pointer), "{wrong}: {line}");
            talk.wrote(&[("event", "reject"), ("actor", "amount_input"), ("error", &line)]);
            talk.is_unchanged();
        }
        talk.step("offer/HandleInput", r#"{"data":{"amount":7}}"#, "amount_input");
    });
}

/// A newcomer is asked for their names first; the ledger is opened, and left by "back".
#[test]
fn newcomer_is_registered_and_opens_the_ledger() {
    state_test(|_, client| {
        let mut talk = Talk::begin(client);
        greeted(&mut talk);
        talk.step("login/LoginApiCall", "{}", "login");
        talk.step("onboard/Welcome", r#"{"component_result":"not_a_member"}"#, "login");
        talk.step("onboard/FirstNameInput", r#"{"awaiting_input":true}"#, "welcome");
        talk.step("onboard/LastNameInput", r#"{"data":{"firstname":"Tariro"}}"#, "first_name_input");
        talk.step("onboard/OnBoardMemberApiCall", r#"{"data":{"lastname":"Moyo"}}"#, "last_name_input");
        talk.api_update(
            &format!(r#"{{"auth":{{"token":"{TOKEN}"}},"dashboard":{}}}"#, dashboard(1)),
            "dashboard_handler",
        );
        talk.step("account/AccountDashboard", r#"{"data":null}"#, "onboard");
        talk.step("ledger/ViewLedger", r#"{"data":{"page":2}}"#, "ledger");
        talk.back("account/AccountDashboard");
        talk.has_one_commit_for_each_version();
    });
}

/// S15, S57: after the session expiry only the audit stream is left, and the next message begins
/// anew.
#[test]
fn expired_session_begins_anew() {
    state_test(|_, client| {
        let mut talk = Talk::begin(client);
        greeted(&mut talk);
        let old = talk.etag.clone();
        talk.client.ok(&["STATE.TOUCH", KEY, "PX", "1"]);
        support::wait_until("the session expires", || talk.client.ok(&["STATE.GET", KEY]) == Reply::Nil);
        assert!(talk.client.err(&["STATE.UPDATE", KEY, &old, "{}"]).starts_with("NOSTATE "));
        greeted(&mut talk);
        assert_ne!(talk.etag, old, "the same document in another session has another etag");
        assert_eq!(talk.entries(), 3, "both creations and the expiry between are audited, and no conflict");
    });
}
