//! The bot's program in a terminal: lines in, answers out, every flow.

use support::Server;

use crate::flows::{self, Said, joined};
use crate::program::terminal;

/// Says these lines and finds these words in the answers, in turn.
#[track_caller]
fn walk(flow: &[Said]) {
    let server = Server::start();
    let lines: Vec<&str> = flow.iter().map(|(line, _)| *line).collect();
    let output = terminal(&[("--redis", &server.url())], None, &lines);
    let shown = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<&str> = shown.strip_prefix("> ").expect("the first line").split("\n\n> ").collect();
    assert_eq!(answers.len(), flow.len(), "{shown}");
    for ((line, words), answer) in flow.iter().zip(answers) {
        let (said, answer) = answer.split_once('\n').expect("an answer");
        assert_eq!(said, *line);
        for word in *words {
            assert!(answer.contains(word), "{line:?} was answered {answer:?}, without {word:?}");
        }
    }
}

/// S57, S59: a new user becomes a member.
#[test]
fn a_newcomer_becomes_a_member() {
    walk(flows::NEWCOMER);
}

/// S46, S47, S59: each part of an offer is stored when it comes, and asked for again when it is
/// wrong.
#[test]
fn an_offer_is_made_and_cancelled() {
    walk(&joined(flows::OFFER));
}

/// S59.
#[test]
fn an_offer_is_accepted() {
    walk(&joined(flows::ACCEPTED));
}

/// S58, S59.
#[test]
fn an_offer_is_declined() {
    walk(&joined(flows::DECLINED));
}

/// S45, S69: what a user types means what the menu of their tier says; what is not on it changes
/// nothing.
#[test]
fn the_menu_is_that_of_the_tier() {
    walk(&joined(flows::MENUS));
}

/// S58.
#[test]
fn back_is_back() {
    walk(&joined(flows::BACK));
}

/// What the program writes to standard error when it fails.
fn fails(options: &[(&str, &str)]) -> String {
    let output = terminal(options, None, &["hello"]);
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// S4: without a server the program says how to start one, at the address that it uses.
#[test]
fn without_a_server_it_says_how_to_start_one() {
    let said = fails(&[("--redis", "redis://127.0.0.1:1/")]);
    assert!(said.contains("PORT=1 make run"), "{said}");
}

#[test]
fn a_server_without_the_schemas_is_not_suggested_again() {
    let server = Server::builder().without_schemas().start();
    let said = fails(&[("--redis", &server.url())]);
    let next = server.port() + 1;
    assert!(said.contains(&format!("PORT={next} make run")), "{said}");
    assert!(said.contains(&format!("PORT={next} make bot")), "{said}");
}

#[test]
fn a_missing_password_is_asked_for() {
    let server = Server::start();
    server.client().ok(&["CONFIG", "SET", "requirepass", "a-password"]);
    for address in [server.url(), format!("redis://:wrong@127.0.0.1:{}/0", server.port())] {
        let said = fails(&[("--redis", &address)]);
        assert!(said.contains("wants another user or password"), "{said}");
        assert!(!said.contains("wrong@") && !said.contains("make run"), "{said}");
    }
}

#[test]
fn a_state_of_another_schema_is_left_alone() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.SCHEMA", "SET", "bot.offer", r#"{"type":"object"}"#]);
    client.ok(&["STATE.UPDATE", "channel:+263771000002", "0", r#"{"stage":"menu"}"#, "SCHEMA", "bot.offer"]);
    let before = client.state("channel:+263771000002");
    let said = fails(&[("--redis", &server.url())]);
    assert!(said.contains("has the schema bot.offer, not vimbiso.channel"), "{said}");
    assert_eq!(client.state("channel:+263771000002"), before);
}
