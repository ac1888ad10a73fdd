//! The bot's program in a terminal: lines in, answers out, every flow.

use support::Server;

use crate::flows::{self, Said, joined};
use crate::program::terminal;

/// Types these lines and finds these words in the answers, in order.
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
fn newcomer_becomes_a_member() {
    walk(flows::NEWCOMER);
}

/// S46, S47, S59: each part of an offer is stored, and asked for again when it is invalid.
#[test]
fn offer_is_made_and_cancelled() {
    walk(&joined(flows::OFFER));
}

/// S59.
#[test]
fn offer_is_accepted() {
    walk(&joined(flows::ACCEPTED));
}

/// S58, S59.
#[test]
fn offer_is_declined() {
    walk(&joined(flows::DECLINED));
}

/// S45, S69: the menu of the tier decides what an input means; an unknown choice changes nothing.
#[test]
fn menu_depends_on_the_tier() {
    walk(&joined(flows::MENUS));
}

/// S58.
#[test]
fn back_goes_one_step_back() {
    walk(&joined(flows::BACK));
}

/// The standard error of a failing program.
fn fails(options: &[(&str, &str)]) -> String {
    let output = terminal(options, None, &["hello"]);
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// S4: without a server the program says how to start one, at the address that it uses.
#[test]
fn missing_server_is_reported_with_how_to_start_one() {
    let said = fails(&[("--redis", "redis://127.0.0.1:1/")]);
    assert!(said.contains("PORT=1 make run"), "{said}");
}

#[test]
fn server_without_the_schemas_is_not_suggested_again() {
    let server = Server::builder().without_schemas().start();
    let said = fails(&[("--redis", &server.url())]);
    let next = server.port() + 1;
    assert!(said.contains(&format!("PORT={next} make run")), "{said}");
    assert!(said.contains(&format!("PORT={next} make bot")), "{said}");
}

#[test]
fn missing_password_is_reported() {
    let server = Server::start();
    server.client().ok(&["CONFIG", "SET", "requirepass", "a-password"]);
    for address in [server.url(), format!("redis://:wrong@127.0.0.1:{}/0", server.port())] {
        let said = fails(&[("--redis", &address)]);
        assert!(said.contains("wants another user or password"), "{said}");
        assert!(!said.contains("wrong@") && !said.contains("make run"), "{said}");
    }
}

#[test]
fn state_of_another_schema_is_not_changed() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["STATE.SCHEMA", "SET", "bot.offer", r#"{"type":"object"}"#]);
    client.ok(&["STATE.UPDATE", "channel:+263771000002", "0", r#"{"stage":"menu"}"#, "SCHEMA", "bot.offer"]);
    let before = client.state("channel:+263771000002");
    let said = fails(&[("--redis", &server.url())]);
    assert!(said.contains("has the schema bot.offer, not vimbiso.channel"), "{said}");
    assert_eq!(client.state("channel:+263771000002"), before);
}
