//! An import of a whole database that is killed, and started again (S3).

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use support::{Server, fingerprint};

use crate::import::{document, folded};
use crate::import_program::{program, run, stdout};
use crate::pickled::leave_behind;

const USERS: usize = 800;

/// Runs the program until it has printed this many lines, and kills it.
fn kill_after(server: &Server, arguments: &[&str], lines: usize) {
    let mut child = Command::new(program())
        .env("REDIS_STATE_URL", server.url())
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let printed = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert_eq!(printed.take(lines).filter(Result::is_ok).count(), lines);
    child.kill().expect("a running program");
    child.wait().expect("the program ends");
}

/// S3: the last run completes the killed ones: each user is imported once, whether the strings are
/// deleted or stay; a state that has moved on in between stays as it is, and one that has ended
/// does not come back.
#[test]
fn killed_import_is_completed() {
    for arguments in [
        &["--prefix", "vimbiso", "--into", "user-state", "cached-users", "--all"][..],
        &["--prefix", "vimbiso", "--into", "user-state", "--delete-sources", "cached-users", "--all"],
    ] {
        let server = Server::start();
        let mut client = server.client();
        let numbers: Vec<String> = (0..USERS).map(|number| format!("+26377100{number:04}")).collect();
        for (at, number) in numbers.iter().enumerate() {
            leave_behind(&mut client, "vimbiso", number, at % 6);
        }
        for lines in [90, 110] {
            kill_after(&server, arguments, lines);
        }
        let states = client.ok(&["KEYS", "user:*:state"]);
        let imported = states.array().len();
        assert!((90..USERS).contains(&imported), "{imported} of {USERS} states after two kills");

        // One of them answers, another one ends.
        let [moved, ended] = [&states.array()[0], &states.array()[1]].map(|key| key.text().to_owned());
        let etag = client.state(&moved).0;
        client.ok(&["STATE.UPDATE", &moved, &etag, r#"{"option":"handle_action_menu"}"#]);
        client.ok(&["STATE.DELETE", &ended, "*"]);
        let newer = client.state(&moved);
        let at_its_end = client.ok(&["XLEN", &format!("{ended}:audit")]).int();

        let output = run(&server, arguments, "");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(stdout(&output).contains(" 0 rejected;"), "{output:?}");
        assert_eq!(client.state(&moved), newer);
        for number in &numbers {
            let key = format!("user:{{{number}}}:state");
            let entries = client.ok(&["XLEN", &format!("{key}:audit")]).int();
            if key == ended {
                assert_eq!((client.ok(&["EXISTS", &key]).int(), entries), (0, at_its_end));
            } else if key != moved {
                assert_eq!(document(&mut client, &key), folded(number));
                assert_eq!(entries, 2, "{key} is created in the menu and led to its step, once");
            }
        }
        let after = fingerprint(&mut client);
        let output = run(&server, arguments, "");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(fingerprint(&mut client), after, "a further run changes nothing");
    }
}
