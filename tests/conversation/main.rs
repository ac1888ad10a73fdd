//! A whole session of the bot over the socket: first contact, login, dashboard, an offer with its amount, handle and
//! confirmation, back, and cancel. At each step the reply, the state read back and the audit entry are looked at.
//!
//! The steps are those of `vimbiso.channel`. One long story was preferred to many small ones: what a step leaves behind is
//! what the next one meets, as in life.

mod dashboard;
mod talk;

use support::{Reply, state_test};

use dashboard::{dashboard, member};
use talk::{AUDIT, KEY, Talk};

/// The first message of a person: nothing is there, the schema's defaults make the rest (S19, S57, S63).
const FIRST_CONTACT: &str = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJtZW1iZXIiOiJtZW1fNDlkNCJ9.4Vd1";

fn greeted(talk: &mut Talk) {
    let line =
        ["STATE.UPDATE", KEY, "0", FIRST_CONTACT, "SCHEMA", "vimbiso.channel", "EVENT", "first_contact"];
    talk.etag = talk.client.text(&line);
    assert!(talk.etag.starts_with("1-"), "{}", talk.etag);
    talk.is_at("login/Greeting");
    talk.shows("/channel", r#"{"type":"whatsapp","identifier":"+263771234567"}"#);
    talk.shows("/current/component_result", "null");
    talk.wrote(&[
        ("event", "create"),
        ("name", "first_contact"),
        ("version", "1"),
        ("schema", "vimbiso.channel"),
    ]);
    assert_eq!(talk.client.err(&line), format!("CONFLICT expected 0, current is {}", talk.etag));
}

fn logged_in(talk: &mut Talk, accounts: usize) {
    talk.step("login/LoginApiCall", "{}", "login");
    talk.api(&format!(r#"{{"auth":{{"token":"{TOKEN}"}}}}"#), "auth_handler");
    let board = dashboard(accounts);
    talk.api(&format!(r#"{{"dashboard":{board},"action":{{"type":"login"}}}}"#), "dashboard_handler");
    talk.shows("/dashboard", &board);
    talk.shows("/auth/token", &format!("{TOKEN:?}"));
    talk.step("account/AccountDashboard", "{}", "account");
}

/// S20 to S22, S33, S36, S57, S58: the story, to the end.
#[test]
fn a_person_makes_an_offer_and_cancels_it() {
    state_test(|_, client| {
        let mut talk = Talk::begin(client);
        greeted(&mut talk);
        logged_in(&mut talk, 3);
        talk.step("offer/AmountInput", r#"{"data":{}}"#, "offer");
        let asked = talk.etag.clone();
        talk.step("offer/HandleInput", r#"{"data":{"amount":125.50,"currency":"USD"}}"#, "amount_input");
        talk.shows("/current/data/amount", "125.50");

        // The person sent the amount twice; the second message was made for a state that is gone.
        let twice = r#"{"current":{"data":{"amount":125.5}}}"#;
        let line = talk.client.err(&["STATE.UPDATE", KEY, &asked, twice]);
        assert_eq!(line, format!("CONFLICT expected {asked}, current is {}", talk.etag));
        talk.shows("/current/data/amount", "125.50");

        talk.step("offer/ConfirmOffer", r#"{"data":{"handle":"zoe_mueller"}}"#, "handle_input");
        talk.shows("/current/data", r#"{"amount":125.50,"currency":"USD","handle":"zoe_mueller"}"#);

        // Back, and once more: each rollback walks further, and what the API said stays.
        talk.back("offer/HandleInput");
        talk.shows("/current/data", r#"{"amount":125.50,"currency":"USD"}"#);
        talk.back("offer/AmountInput");
        talk.shows("/current/data", "{}");
        talk.shows("/dashboard/member", member());

        talk.step("offer/HandleInput", r#"{"data":{"amount":80,"currency":"USD"}}"#, "amount_input");
        talk.step("offer/ConfirmOffer", r#"{"data":{"handle":"zoe_mueller"}}"#, "handle_input");
        talk.step("offer/CreateOfferApiCall", r#"{"component_result":"confirmed"}"#, "confirm");
        talk.api(r#"{"action":{"type":"offer_credex","id":"offer_91c2"}}"#, "action_handler");
        talk.step("account/AccountDashboard", r#"{"data":null,"component_result":null}"#, "offer");
        talk.step("cancel/OfferList", r#"{"data":{"offers":["offer_91c2"]}}"#, "cancel");
        talk.step("cancel/Confirm", r#"{"data":{"chosen":"offer_91c2"}}"#, "cancel");
        talk.step("cancel/ApiCall", "{}", "cancel");
        talk.api(r#"{"action":{"type":"cancel_credex","id":"offer_91c2"}}"#, "action_handler");
        talk.step("account/AccountDashboard", r#"{"data":null}"#, "cancel");
        talk.shows("/action/type", "\"cancel_credex\"");
        talk.has_one_commit_for_each_version();
    });
}

/// A wrong answer changes nothing, is on record, and the conversation goes on from where it was (S36, S40).
#[test]
fn a_wrong_answer_leaves_the_conversation_where_it_was() {
    state_test(|_, client| {
        let mut talk = Talk::begin(client);
        greeted(&mut talk);
        logged_in(&mut talk, 1);
        talk.step("offer/AmountInput", "{}", "offer");
        let before = talk.client.state(KEY);
        for (wrong, pointer) in [
            (r#"{"value":"125"}"#, "/: "),
            (r#"{"current":{"awaiting_input":"yes"}}"#, "/current/awaiting_input: "),
            (r#"{"current":{"path":null}}"#, "/current: "),
        ] {
            let line = talk.client.err(&["STATE.UPDATE", KEY, &talk.etag, wrong, "ACTOR", "amount_input"]);
            assert!(line.starts_with("INVALID 1 violation: ") && line.contains(pointer), "{wrong}: {line}");
            talk.wrote(&[("event", "reject"), ("actor", "amount_input"), ("error", &line)]);
            assert_eq!(talk.client.state(KEY), before);
        }
        talk.step("offer/HandleInput", r#"{"data":{"amount":7}}"#, "amount_input");
    });
}

/// The same steps with a dashboard of 30 KB: the size of a member with many accounts.
#[test]
fn a_member_with_many_accounts_is_no_other_case() {
    state_test(|_, client| {
        let mut talk = Talk::begin(client);
        greeted(&mut talk);
        logged_in(&mut talk, 62);
        let bytes = talk.client.ok(&["STATE.META", KEY]).field("bytes").int();
        assert!((28_000..34_000).contains(&bytes), "{bytes} bytes");
        talk.step("ledger/ViewLedger", r#"{"data":{"page":2}}"#, "ledger");
        talk.back("account/AccountDashboard");
        talk.shows("/dashboard", &dashboard(62));
        talk.has_one_commit_for_each_version();
    });
}

/// S15, S57: when the session is over, nothing of it is left but its trail, and the next message begins anew.
#[test]
fn a_session_that_is_over_begins_anew() {
    state_test(|_, client| {
        let mut talk = Talk::begin(client);
        greeted(&mut talk);
        let old = talk.etag.clone();
        talk.client.ok(&["STATE.TOUCH", KEY, "PX", "1"]);
        support::wait_until("the session is over", || talk.client.ok(&["STATE.GET", KEY]) == Reply::Nil);
        assert!(talk.client.err(&["STATE.UPDATE", KEY, &old, "{}"]).starts_with("NOSTATE "));
        greeted(&mut talk);
        assert_ne!(talk.etag, old, "the same document in another session has another etag");
        assert_eq!(talk.client.ok(&["XLEN", AUDIT]), Reply::Int(2));
    });
}
