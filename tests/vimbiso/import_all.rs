//! An import of a whole database: what SCAN finds, the dry run, states that have ended (S3).

use redis_state_client::{ErrorKind, connect_blocking};
use redis_state_vimbiso::{Event, Importer, Outcome};
use support::{Cluster, Server, fingerprint, wait_until};

use crate::import::{MOBILE, STATE, document, folded};
use crate::import_program::{run, stdout};
use crate::pickled::leave_behind;

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("+26377100{number:04}")).collect()
}

/// S3: each user once, whatever else the database has; the progress reaches the end.
#[test]
fn whole_database_is_imported() {
    let server = Server::start();
    let mut client = server.client();
    let numbers = numbers(300);
    for (at, number) in numbers.iter().enumerate() {
        leave_behind(&mut client, "vimbiso", number, at % 6);
        client.ok(&["SET", &format!("vimbiso:1:other:{at}"), "a value of another kind"]);
    }
    leave_behind(&mut client, "another", MOBILE, 4);
    leave_behind(&mut client, "vimbiso:1", MOBILE, 4);
    client.ok(&[&b"SET"[..], b"vimbiso:1:\xff_stage", b"x"]);
    let total = client.ok(&["DBSIZE"]).int();

    let dry = run(&server, &["--prefix", "vimbiso", "--dry-run", "cached-users", "--all"], "");
    assert_eq!(dry.status.code(), Some(0), "{dry:?}");
    assert!(
        stdout(&dry).ends_with(
            "\n300 found: 0 created, 300 would be created, 0 already there, 0 ended, 0 rejected; 0 with nothing found\n"
        ),
        "{dry:?}"
    );
    let progress = String::from_utf8(dry.stderr).expect("text");
    assert!(progress.lines().count() >= 2, "several batches: {progress}");
    assert!(progress.ends_with(&format!("\n{total} of {total} keys\n")), "{progress}");

    let output = run(&server, &["--prefix", "vimbiso", "--delete-sources", "cached-users", "--all"], "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("\n300 found: 300 created,"), "{output:?}");
    for number in &numbers {
        assert_eq!(document(&mut client, number), folded(number));
    }
    assert_eq!(client.ok(&["KEYS", "vimbiso:1:+26377100*"]).array().len(), 0);
    assert_eq!(client.ok(&["EXISTS", MOBILE]).int(), 0, "keys of other prefixes are not read");
}

/// S3: a dry run of a whole database counts each outcome, and changes nothing.
#[test]
fn dry_run_of_a_whole_database_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    for (at, number) in numbers(12).iter().enumerate() {
        leave_behind(&mut client, "vimbiso", number, at % 6);
    }
    let [invalid, broken, there, ended] =
        ["+263771000000", "+263771000001", "+263771000002", "+263771000003"];
    client.ok(&[&b"SET"[..], b"vimbiso:1:+263771000000_stage", b"Vof a person\np0\n."]);
    client.ok(&["SET", "vimbiso:1:+263771000001", "{broken"]);
    client.ok(&["STATE.UPDATE", there, "0", "{}"]);
    client.ok(&["STATE.UPDATE", ended, "0", "{}"]);
    client.ok(&["STATE.DELETE", ended, "1"]);
    let before = fingerprint(&mut client);
    let digest = client.ok(&["DEBUG", "DIGEST"]);
    let output =
        run(&server, &["--prefix", "vimbiso", "--dry-run", "--delete-sources", "cached-users", "--all"], "");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let printed = stdout(&output);
    for line in [
        format!("rejected {invalid}: INVALID "),
        format!("rejected {broken}: BADJSON the stored text is not JSON: "),
        format!("exists {there} at {there}: 1-"),
        format!("ended {ended}: the state at {ended} has expired or was deleted\n"),
        "\n12 found: 0 created, 8 would be created, 1 already there, 1 ended, 2 rejected; 0 with nothing found\n"
            .to_owned(),
        "\n1 rejected: BADJSON the stored text is not JSON\n".to_owned(),
        "\n1 rejected: INVALID\n".to_owned(),
    ] {
        assert!(printed.contains(&line), "{line}\n{printed}");
    }
    assert_eq!(client.ok(&["DEBUG", "DIGEST"]), digest);
    assert_eq!(fingerprint(&mut client), before);
}

/// S3: old strings do not bring back a conversation that has ended, unless the run asks for it.
#[test]
fn ended_states_do_not_come_back() {
    let server = Server::start();
    let mut client = server.client();
    let numbers = numbers(3);
    for number in &numbers {
        client.ok(&["SET", number, STATE]);
    }
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let mut run = |again: bool| {
        let importer = Importer::new(&mut states);
        let importer = if again { importer.again() } else { importer };
        let summary = importer.all_cached_users(|_| {}).expect("a run");
        (summary.created, summary.already_there, summary.ended)
    };
    assert_eq!(run(false), (3, 0, 0));
    client.ok(&["STATE.DELETE", &numbers[0], "*", "ACTOR", "user"]);
    client.ok(&["STATE.TOUCH", &numbers[1], "PX", "1"]);
    // Rejections after the end do not hide it.
    client.err(&["STATE.UPDATE", &numbers[0], "7", "{}"]);
    wait_until("the state expires", || server.client().ok(&["EXISTS", &numbers[1]]).int() == 0);
    assert_eq!(run(false), (0, 1, 2));
    assert_eq!(client.ok(&["EXISTS", &numbers[0], &numbers[1]]).int(), 0);
    assert_eq!(run(true), (2, 1, 0));
}

/// S3: documents by the beginning of their keys; a string that an interrupted run has renamed is
/// found, and audit streams are not.
#[test]
fn documents_are_found_by_their_beginning() {
    let server = Server::start();
    let mut client = server.client();
    let text = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;
    client.ok(&["SET", "{channel:1}:imported", text]);
    for key in ["channel:2", "channel:3", "other:4"] {
        client.ok(&["SET", key, text]);
    }
    client.ok(&["SADD", "channel:5", "a"]);
    client.ok(&["STATE.UPDATE", "channel:{6}", "0", "{}"]);
    let mut seen = Vec::new();
    let mut last = None;
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let report = |event: Event<'_>| match event {
        Event::Source(import) => seen.push((import.source.clone(), import.outcome.clone())),
        Event::Scanned(progress) => last = Some((progress.scanned, progress.keys)),
        _ => {}
    };
    let summary =
        Importer::new(&mut states).all_documents("channel:", "vimbiso.channel", report).expect("a run");
    assert_eq!((summary.created, summary.already_there, summary.rejected.len()), (3, 1, 1), "{summary}");
    seen.sort_by(|(one, _), (other, _)| one.cmp(other));
    let sources: Vec<&str> = seen.iter().map(|(source, _)| source.as_str()).collect();
    assert_eq!(sources, ["channel:1", "channel:2", "channel:3", "channel:5", "channel:{6}"]);
    assert!(
        matches!(&seen[3].1, Outcome::Rejected(error) if error.kind() == ErrorKind::WrongType),
        "{:?}",
        seen[3]
    );
    let (scanned, keys) = last.expect("a batch");
    assert!(scanned >= 7 && keys >= scanned, "{scanned} of {keys}");
    assert_eq!(client.ok(&["EXISTS", "other:4"]).int(), 1);
}

/// S3: in a cluster a SCAN would miss most users, so the run fails before it changes anything.
#[test]
fn whole_cluster_is_rejected() {
    let cluster = Cluster::start();
    let mut states = connect_blocking(&cluster.primaries()[0].url()).expect("a connection");
    let error = Importer::new(&mut states).all_cached_users(|_| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    assert_eq!(
        error.to_string(),
        "SCAN sees the keys of one node of a cluster only: name the sources instead"
    );
}
