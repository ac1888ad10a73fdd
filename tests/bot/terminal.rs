//! The bot's program in a terminal: lines in, answers out, every flow.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use support::Server;

/// The program, which was built beside the tests as the module was.
fn program() -> PathBuf {
    let module = support::module_path();
    let path = module.with_file_name(format!("redis-state-bot{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: `make test` builds it", path.display());
    path
}

fn run(url: &str, lines: &[&str]) -> Output {
    let mut child = Command::new(program())
        .args(["terminal", "--channel", "+263771234567", "--redis", url])
        .env_remove("BOT_LEDGER_URL")
        .env_remove("BOT_CRASH_AT")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    // Without a server it may be gone before it has read anything.
    let _gone = input.write_all((lines.join("\n") + "\n").as_bytes());
    drop(input);
    child.wait_with_output().expect("it ends")
}

/// Says these lines and finds these words in the answers, in turn.
#[track_caller]
fn walk(steps: &[(&str, &[&str])]) {
    let server = Server::start();
    let lines: Vec<&str> = steps.iter().map(|(line, _)| *line).collect();
    let output = run(&server.url(), &lines);
    let shown = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<&str> = shown.strip_prefix("> ").expect("the first line").split("\n\n> ").collect();
    assert_eq!(answers.len(), steps.len(), "{shown}");
    for ((line, words), answer) in steps.iter().zip(answers) {
        let (said, answer) = answer.split_once('\n').expect("an answer");
        assert_eq!(said, *line);
        for word in *words {
            assert!(answer.contains(word), "{line:?} was answered {answer:?}, without {word:?}");
        }
    }
}

const JOINS: [(&str, &[&str]); 3] = [
    ("hello", &["Welcome to VimbisoPay", "not a member yet", "first name"]),
    ("Chipo", &["last name"]),
    ("Dube", &["You are a member now.", "Hello Chipo Dube.", "Personal: 100.00", "1 Make an offer"]),
];

fn joined<'a>(steps: &[(&'a str, &'a [&'a str])]) -> Vec<(&'a str, &'a [&'a str])> {
    JOINS.iter().chain(steps).copied().collect()
}

/// S57, S59: whoever is not a member becomes one; names that are none are asked for again.
#[test]
fn a_newcomer_becomes_a_member() {
    walk(&[
        ("hello", &["first name"]),
        ("123", &["send a name"]),
        ("Chipo", &["last name"]),
        ("back", &["first name"]),
        ("Chipo", &["last name"]),
        ("Dube", &["Hello Chipo Dube."]),
    ]);
}

/// S46, S47, S59: an offer with amount, handle and confirmation, and its cancellation.
#[test]
fn an_offer_is_made_and_cancelled() {
    walk(&joined(&[
        ("1", &["How much"]),
        ("many", &["above zero"]),
        ("12.50", &["Whom"]),
        ("@tariro", &["You offer 12.50 to tariro"]),
        ("perhaps", &["yes or no"]),
        ("yes", &["Your offer of 12.50 to tariro is made.", "Hello Chipo"]),
        ("3", &["1 12.50 to tariro"]),
        ("2", &["number of an offer"]),
        ("1", &["cancel the offer of 12.50 to tariro"]),
        ("no", &["Nothing was changed.", "Hello Chipo"]),
        ("3", &["1 12.50 to tariro"]),
        ("1", &["yes or no"]),
        ("yes", &["Your offer is cancelled."]),
        ("3", &["There are no offers."]),
        ("back", &["Hello Chipo"]),
    ]));
}

/// S59: what others offer is accepted, and shows in the ledger.
#[test]
fn an_offer_is_accepted() {
    walk(&joined(&[
        ("4", &["Nothing went in or out"]),
        ("ok", &["Hello Chipo"]),
        ("2", &["accept?", "1 5.00 from tariro"]),
        ("1", &["accept the offer of 5.00 from tariro"]),
        ("yes", &["The offer is accepted.", "Personal: 105.00"]),
        ("4", &["1 5.00 tariro"]),
        ("ok", &["Hello Chipo"]),
    ]));
}

/// S58, S59: or declined, by the other list.
#[test]
fn an_offer_is_declined() {
    walk(&joined(&[
        ("2", &["want to accept?"]),
        ("decline", &["want to decline?", "1 5.00 from tariro"]),
        ("accept", &["want to accept?"]),
        ("decline", &["want to decline?"]),
        ("1", &["decline the offer"]),
        ("back", &["want to decline?", "1 5.00 from tariro"]),
        ("1", &["decline the offer"]),
        ("yes", &["The offer is declined.", "Personal: 100.00"]),
        ("2", &["There are no offers."]),
    ]));
}

/// S45, S69: both menus; another account, and the next tier.
#[test]
fn the_menu_is_that_of_the_tier() {
    walk(&joined(&[
        ("7", &["not on your menu", "6 Go on to tier 2"]),
        ("5", &["1 Personal: 100.00", "2 Business: 0.00"]),
        ("3", &["number of an account"]),
        ("2", &["another account", "Business: 0.00"]),
        ("6", &["tier 2?"]),
        ("no", &["Nothing was changed."]),
        ("6", &["tier 2?"]),
        ("yes", &["You are in tier 2 now.", "5 Authorize a member", "7 Use another account"]),
        ("5", &["not open on this channel"]),
        ("7", &["1 Personal: 100.00"]),
        ("1", &["Personal: 100.00"]),
    ]));
}

/// S58: back goes one step back in a form and then to the menu; "menu" goes there at once.
#[test]
fn back_is_back() {
    walk(&joined(&[
        ("back", &["You are at the menu."]),
        ("1", &["How much"]),
        ("10", &["Whom"]),
        ("tariro", &["You offer 10 to tariro"]),
        ("back", &["Whom"]),
        ("back", &["How much"]),
        ("20", &["Whom"]),
        ("rudo", &["You offer 20 to rudo"]),
        ("back", &["Whom"]),
        ("menu", &["Hello Chipo"]),
        ("1", &["How much"]),
        ("back", &["Hello Chipo"]),
    ]));
}

/// S4: without a server the program says how to start one.
#[test]
fn without_a_server_it_says_how_to_start_one() {
    let output = run("redis://127.0.0.1:1/", &["hello"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("make run"), "{said}");
}
