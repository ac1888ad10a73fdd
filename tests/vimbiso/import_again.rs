//! An import that is repeated, run concurrently, or resumed after a crash between two of its steps
//! (S3).

use redis_state_client::{ErrorKind, connect, connect_blocking};
use redis_state_vimbiso::{Importer, Outcome, keys};
use support::{Server, block_on, fingerprint};

use crate::import::{ASIDE, JWT, MOBILE, STATE, document, folded, leave_behind, sources};

/// S3: a second run imports nothing, and a user beyond the imported step stays there.
#[test]
fn second_run_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    for mobile in [MOBILE, "+263772222222", "+263773333333"] {
        leave_behind(&mut client, mobile);
    }
    client.ok(&["SET", "+263773333333_stage", "handle_action_menu", "PX", "250000"]);
    client.ok(&["STATE.UPDATE", "user:{+263772222222}:state", "0", "{}", "SCHEMA", "vimbiso.cached-user"]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let numbers = [MOBILE, "+263772222222", "+263773333333", "+263774444444"];
    let mut run = |delete: bool| {
        let importer = Importer::new(&mut states).into_key(keys::user_state);
        let importer = if delete { importer.delete_sources() } else { importer };
        let mut seen = Vec::new();
        let summary =
            importer.cached_users(numbers, |import| seen.push(import.source.clone())).expect("a run");
        assert_eq!(seen, numbers);
        (summary.created, summary.already_there, summary.nothing_found, summary.rejected.len())
    };
    assert_eq!(run(false), (2, 1, 1, 0));
    let after_first = fingerprint(&mut client);
    assert_eq!(run(false), (0, 3, 1, 0));
    assert_eq!(fingerprint(&mut client), after_first);

    client.ok(&["STATE.UPDATE", &keys::user_state(MOBILE), "*", r#"{"stage":"handle_action_menu"}"#]);
    let moved_on = client.state(&keys::user_state(MOBILE));
    assert_eq!(run(true), (0, 3, 1, 0));
    assert_eq!(client.state(&keys::user_state(MOBILE)), moved_on);
    assert_eq!(sources(&mut client, MOBILE), 0);
    assert_eq!(sources(&mut client, "+263772222222"), 5, "none of their sources was imported");
}

/// S3: at every step of an import, a crash leaves the string or the state, and the next run
/// completes it.
#[test]
fn interrupted_import_is_completed() {
    let server = Server::start();
    let mut client = server.client();
    let mut states = connect_blocking(&server.url()).expect("a connection");
    // The importer's first command, byte by byte.
    let first = format!(
        concat!(
            r#"{{"stage":"handle_action_menu","option":"handle_action_notifications","direction":"IN","#,
            r#""jwt_token":"{}","state":{},"mobile_number":"{}"}}"#
        ),
        JWT, STATE, MOBILE
    );
    for (put_aside, created, into_key) in
        [(false, false, false), (true, false, false), (true, true, false), (false, true, true)]
    {
        // Asynchronously freed states could still count as users of their schema.
        client.ok(&["FLUSHALL", "SYNC"]);
        leave_behind(&mut client, MOBILE);
        let target = if into_key { keys::user_state(MOBILE) } else { MOBILE.to_owned() };
        if put_aside {
            assert_eq!(client.ok(&["RENAMENX", MOBILE, ASIDE]).int(), 1);
        }
        if created {
            let schema = ["SHALLOW", "SCHEMA", "vimbiso.cached-user", "ID", "import/0"];
            client.ok(&[&["STATE.SETPROTECTED", &target, "0", &first][..], &schema].concat());
        }
        let before = fingerprint(&mut client);
        let key_of = |number: &str| if into_key { keys::user_state(number) } else { number.to_owned() };
        let dry =
            Importer::new(&mut states).into_key(key_of).dry_run().cached_user(MOBILE).expect("a dry run");
        assert!(matches!(dry.outcome, Outcome::WouldCreate), "{put_aside} {created}: {dry:?}");
        assert_eq!(fingerprint(&mut client), before);
        let import = Importer::new(&mut states).into_key(key_of).cached_user(MOBILE).expect("an import");
        assert!(matches!(import.outcome, Outcome::Created(etag) if etag.version == 2), "{import:?}");
        assert_eq!(document(&mut client, &target), folded(MOBILE));
        assert_eq!(client.text(&["GET", if into_key { MOBILE } else { ASIDE }]), STATE);
        let import = Importer::new(&mut states).into_key(key_of).cached_user(MOBILE).expect("an import");
        assert!(matches!(import.outcome, Outcome::AlreadyThere(_)), "{import:?}");
    }
}

/// S3, S33: concurrent runs, of bots that import each user at their first message, make one
/// complete state.
#[test]
fn concurrent_runs_make_one_state() {
    let server = Server::start();
    let mut client = server.client();
    let numbers: Vec<String> = (0..40).map(|n| format!("+26377000{n:04}")).collect();
    for number in &numbers {
        leave_behind(&mut client, number);
    }
    let mut created = 0;
    block_on(async {
        let states = connect(&server.url()).await.expect("a connection");
        let runs: Vec<_> = (0..4)
            .map(|_| {
                let (mut states, numbers) = (states.clone(), numbers.clone());
                tokio::spawn(async move {
                    Importer::new(&mut states).cached_users(numbers, |_| {}).await.expect("a run")
                })
            })
            .collect();
        for run in runs {
            let summary = run.await.expect("a run that ends");
            assert_eq!(summary.created + summary.already_there, 40, "{summary:?}");
            created += summary.created;
        }
    });
    assert!(created >= 40, "{created}");
    for number in &numbers {
        assert_eq!(document(&mut client, number), folded(number));
        assert_eq!(client.text(&["GET", &keys::imported(number).expect("a key")]), STATE);
    }
}

/// S3: a user that came back between the two steps of an interrupted import stays at their new
/// step.
#[test]
fn user_who_continued_after_a_crash_stays() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["SET", "+263771234567_stage", "handle_action_offer_credex"]);
    let first = r#"{"stage":"handle_action_menu","mobile_number":"+263771234567"}"#;
    client.ok(&[
        "STATE.SETPROTECTED",
        MOBILE,
        "0",
        first,
        "SHALLOW",
        "SCHEMA",
        "vimbiso.cached-user",
        "ID",
        "import/0",
    ]);
    client.ok(&["STATE.UPDATE", MOBILE, "1", r#"{"stage":"handle_action_transactions"}"#]);
    let before = client.state(MOBILE);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let import = Importer::new(&mut states).delete_sources().cached_user(MOBILE).expect("an import");
    assert!(
        matches!(import.outcome, Outcome::AlreadyThere(etag) if etag.to_string() == before.0),
        "{import:?}"
    );
    assert_eq!(client.state(MOBILE), before);
    assert_eq!(sources(&mut client, MOBILE), 2, "the state and the old stage");
}

/// S3: a string that was renamed before a crash, and that the server rejects, gets its key back.
#[test]
fn rejected_string_gets_its_key_back() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["SET", ASIDE, r#"{"profil":{}}"#]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let import = Importer::new(&mut states).cached_user(MOBILE).expect("an import");
    assert!(
        matches!(&import.outcome, Outcome::Rejected(error) if error.kind() == ErrorKind::Invalid),
        "{import:?}"
    );
    assert_eq!(client.text(&["GET", MOBILE]), r#"{"profil":{}}"#);
    assert_eq!(client.ok(&["EXISTS", ASIDE]).int(), 0);

    // A binding overrides the importer's schema, and has no secrets.
    client.ok(&["SET", MOBILE, STATE]);
    client.ok(&["SET", "+263771234567_jwt_token", JWT]);
    client.ok(&["STATE.SCHEMA", "SET", "bot.other", "{}"]);
    client.ok(&["STATE.SCHEMA", "BIND", "+263*", "bot.other"]);
    let import = Importer::new(&mut states).cached_user(MOBILE).expect("an import");
    assert!(
        matches!(&import.outcome, Outcome::Rejected(error) if error.kind() == ErrorKind::BadSchema),
        "{import:?}"
    );
    assert_eq!(client.text(&["GET", MOBILE]), STATE);
    assert_eq!(client.ok(&["EXISTS", "{+263771234567}:audit"]).int(), 0);
    client.ok(&["STATE.SCHEMA", "BIND", "+26377*", "vimbiso.cached-user"]);

    // Two strings: it is unknown which one is current.
    client.ok(&["SET", ASIDE, "{}"]);
    let import = Importer::new(&mut states).delete_sources().cached_user(MOBILE).expect("an import");
    let Outcome::Rejected(error) = &import.outcome else { panic!("{import:?}") };
    assert!(error.to_string().contains("both hold a string"), "{error}");
    assert_eq!(
        (client.text(&["GET", MOBILE]).as_str(), client.text(&["GET", ASIDE]).as_str()),
        (STATE, "{}")
    );
}
