//! A newcomer's first hour on one server: README.md, `make run`, `make bot` and docs/clients.md use
//! different keys, so their examples work in any order.

use std::process::{Command, Stdio};

use support::console::{page, play, session};
use support::{Server, module_path};

use crate::example::Example;

/// An example that the pages tell a newcomer to run.
#[derive(Clone, Copy, Debug)]
enum Piece {
    Readme,
    LinesOfMakeRun,
    MakeBot,
    Quickstart,
    Example(Example),
}

impl Piece {
    #[track_caller]
    fn run(self, server: &Server) {
        match self {
            Piece::Readme => play(server, "README.md", &session(&page("README.md"))),
            Piece::LinesOfMakeRun => lines_of_make_run(server),
            Piece::MakeBot => program(server, "redis-state-bot", &["terminal"]),
            Piece::Quickstart => program(server, "examples/quickstart", &[]),
            Piece::Example(example) => {
                let ended = example.start(server, server.port(), None, None).end();
                assert!(ended.success, "{example:?}: {}{}", ended.printed, ended.complaint);
            }
        }
    }
}

/// The commands that scripts/run.sh prints: bash expands their lines and runs the result.
#[track_caller]
fn lines_of_make_run(server: &Server) {
    let script = page("scripts/run.sh");
    let lines: Vec<&str> = script.lines().filter(|line| line.contains("$cli STATE.")).collect();
    assert_eq!(lines.len(), 2, "scripts/run.sh prints two commands");
    for line in lines {
        let cli = format!("redis-cli -e -p {}", server.port());
        let bash = format!("cli='{cli}'; say() {{ printf '%s\\n' \"$*\"; }}; {line} | bash");
        let output = Command::new("bash").args(["-c", &bash]).output().expect("bash");
        assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
        assert!(!output.stdout.is_empty(), "{line}");
    }
}

/// Runs a program of this project, with a message for the bot as its input.
#[track_caller]
fn program(server: &Server, name: &str, args: &[&str]) {
    let mut child = Command::new(module_path().with_file_name(name))
        .args(args)
        .env("REDIS_STATE_URL", server.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut input = child.stdin.take().expect("a pipe");
    let _not_read = std::io::Write::write_all(&mut input, b"hello\n");
    drop(input);
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success() && !output.stdout.is_empty(), "{name}: {output:?}");
}

fn pieces() -> Vec<Piece> {
    let ours = [Piece::Readme, Piece::LinesOfMakeRun, Piece::MakeBot, Piece::Quickstart];
    ours.into_iter().chain(Example::ALL.map(Piece::Example)).collect()
}

#[test]
fn examples_run_in_the_order_of_the_pages() {
    let server = Server::start();
    pieces().into_iter().for_each(|piece| piece.run(&server));
}

#[test]
fn examples_run_in_the_opposite_order() {
    let server = Server::start();
    pieces().into_iter().rev().for_each(|piece| piece.run(&server));
}

/// The quickstart and the commands of `make run` can be repeated on a server that keeps their
/// states.
#[test]
fn repeatable_examples_run_twice() {
    let server = Server::start();
    for piece in [Piece::Quickstart, Piece::LinesOfMakeRun, Piece::MakeBot] {
        piece.run(&server);
        piece.run(&server);
    }
}
