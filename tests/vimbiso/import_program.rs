//! The importer as a program: its arguments, its output and its exit codes.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use support::Server;

use crate::import::{MOBILE, leave_behind};

pub(crate) fn program() -> PathBuf {
    let program = support::module_path().with_file_name("redis-state-import");
    assert!(program.exists(), "{} is missing: `make test` builds it", program.display());
    program
}

pub(crate) fn run(server: &Server, arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(program())
        .env("REDIS_STATE_URL", server.url())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(stdin.as_bytes()).expect("the program reads");
    child.wait_with_output().expect("the program ends")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn import_program_takes_numbers_from_stdin_and_can_be_repeated() {
    let server = Server::start();
    leave_behind(&mut server.client(), MOBILE);
    let numbers = format!("{MOBILE}\n\n+263770000001\n");
    let dry = run(&server, &["--dry-run", "--into", "user-state", "cached-users"], &numbers);
    assert_eq!(dry.status.code(), Some(0));
    assert!(stdout(&dry).contains(&format!("would create {MOBILE} at user:{{{MOBILE}}}:state\n")), "{dry:?}");
    assert!(stdout(&dry).contains("nothing found +263770000001\n"), "{dry:?}");
    let first = run(&server, &["--into", "user-state", "cached-users"], &numbers);
    assert!(stdout(&first).contains(&format!("created {MOBILE} at ")), "{first:?}");
    assert!(
        stdout(&first)
            .ends_with("\n1 found: 1 created, 0 would be created, 0 already there, 0 ended, 0 rejected; 1 with nothing found\n")
    );
    let second = run(&server, &["--into", "user-state", "cached-users", MOBILE], "");
    assert!(stdout(&second).contains(&format!("exists {MOBILE} at ")), "{second:?}");
}

#[test]
fn import_program_exits_with_3_when_it_rejects_a_source() {
    let server = Server::start();
    server.client().ok(&["SET", "channel:+263771234567", "no JSON"]);
    let output = run(&server, &["documents", "--schema", "vimbiso.channel", "channel:+263771234567"], "");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(stdout(&output).contains("rejected channel:+263771234567: BADJSON"), "{output:?}");
}

#[test]
fn import_program_shows_no_password() {
    let server = Server::start();
    let url = format!("redis://bot:a-long-password@127.0.0.1:{}/", server.port());
    let failed = run(&server, &["--redis", &url, "cached-users", MOBILE], "");
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let broken = run(&server, &["--redis", "http://bot:a-long-password@x", "cached-users", MOBILE], "");
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    for output in [failed, broken] {
        assert!(!format!("{output:?}").contains("a-long-password"), "{output:?}");
    }
}

#[test]
fn import_program_rejects_arguments_that_contradict() {
    let server = Server::start();
    for (arguments, word) in [
        (&["--key-version", "2", "cached-users", "--all"][..], "--prefix"),
        (&["cached-users", "--all", MOBILE], "--all"),
        (&["documents", "--schema", "vimbiso.channel", "--all", "channel:", "channel:1"], "--all"),
    ] {
        let output = run(&server, arguments, "");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(word), "{output:?}");
    }
}
