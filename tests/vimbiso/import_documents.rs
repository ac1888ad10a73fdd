//! JSON documents that later bots kept as plain strings, imported as states (S3).

use redis_state_client::{ErrorKind, connect, connect_blocking};
use redis_state_vimbiso::{Importer, Outcome, keys};
use support::{Server, block_on, fingerprint};

const KEY: &str = "channel:+263771234567";
const ASIDE: &str = "{channel:+263771234567}:imported";
const TOKEN: &str = "eyJhbGciOi.c2VjcmV0";

/// Whitespace, a trailing zero, an explicit null: all of it must be kept.
fn channel(path: &str, component: &str) -> String {
    format!(
        concat!(
            r#"{{ "channel":{{"type":"whatsapp","identifier":"+263771234567"}},"dashboard":{{"balance":12.50,"limit":1e+400}},"#,
            r#""auth":{{"token":"{}"}},"current":{{"path":"{}","component":"{}","data":{{"amount":1e400}},"component_result":null}},"#,
            r#""active_account_id":null}}"#
        ),
        TOKEN, path, component
    )
}

/// The text as a state has it: compact, with the member of the default first.
fn as_state(text: &str) -> String {
    let (before, rest) = text.split_once(r#""current":"#).expect("it has a step");
    let (current, after) = rest.split_once(r#","active_account_id""#).expect("the last member");
    let before = before.trim_start_matches("{ ");
    format!(r#"{{"current":{current},{before}"active_account_id"{after}"#)
}

/// S3, S9, S51: kept byte for byte, with its expiry and its secret.
#[test]
fn document_becomes_a_state_at_its_own_key() {
    let server = Server::start();
    let mut client = server.client();
    let text = channel("login", "Greeting");
    client.ok(&["SET", KEY, &text, "EX", "1000"]);
    let expires_at = client.ok(&["PEXPIRETIME", KEY]);
    block_on(async {
        let mut states = connect(&server.url()).await.expect("a connection");
        let import = Importer::new(&mut states).document(KEY, "vimbiso.channel").await.expect("an import");
        assert!(matches!(import.outcome, Outcome::Created(etag) if etag.version == 1), "{import:?}");
    });
    assert_eq!(client.state(KEY).1, as_state(&text));
    assert_eq!(client.ok(&["PEXPIRETIME", KEY]), expires_at);
    assert_eq!(client.text(&["GET", ASIDE]), text);
    let entries = client.ok(&["XRANGE", "{channel:+263771234567}:audit", "-", "+"]).to_string();
    assert!(entries.contains("***") && !entries.contains(TOKEN), "{entries}");
}

/// S3, S44: a user in the middle of an offer is led there by the steps that the schema allows.
#[test]
fn user_in_the_middle_of_a_flow_keeps_the_step() {
    let server = Server::start();
    let mut client = server.client();
    let text = channel("offer", "ConfirmOffer");
    client.ok(&["SET", KEY, &text]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let dry = Importer::new(&mut states).dry_run().document(KEY, "vimbiso.channel").expect("a dry run");
    assert!(matches!(dry.outcome, Outcome::WouldCreate), "{dry:?}");
    let import =
        Importer::new(&mut states).delete_sources().document(KEY, "vimbiso.channel").expect("an import");
    assert!(matches!(import.outcome, Outcome::Created(etag) if etag.version == 6), "{import:?}");
    assert_eq!(client.state(KEY).1, as_state(&text));
    assert_eq!(client.ok(&["EXISTS", ASIDE]).int(), 0);
    let import = Importer::new(&mut states).document(KEY, "vimbiso.channel").expect("an import");
    assert!(matches!(import.outcome, Outcome::AlreadyThere(etag) if etag.version == 6), "{import:?}");
}

/// S3: another key, and another schema.
#[test]
fn document_becomes_a_state_at_another_key() {
    let server = Server::start();
    let mut client = server.client();
    let source = keys::user_state("+263771234567");
    client.ok(&["SET", &source, r#"{"stage":"handle_action_register","option":null}"#]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let mut run = || {
        let importer = Importer::new(&mut states).into_key(|key| key.replace("user:", "person:"));
        importer.document(&source, "vimbiso.conversation").expect("an import").outcome
    };
    assert!(matches!(run(), Outcome::Created(_)));
    let first = fingerprint(&mut client);
    assert!(matches!(run(), Outcome::AlreadyThere(_)));
    assert_eq!(fingerprint(&mut client), first);
    let document = client.state("person:{+263771234567}:state").1;
    assert!(
        document.contains(r#""stage":"handle_action_register","option":null,"direction":"OUT""#),
        "{document}"
    );
}

/// S3: a rejected string stays unchanged at its key.
#[test]
fn rejected_document_stays() {
    let server = Server::start();
    let mut client = server.client();
    let unlisted = channel("of", "a person");
    let typo = channel("login", "Greeting").replace("dashboard", "dashbord");
    let many: [(&str, &str, ErrorKind); 6] = [
        ("channel:1", "{broken", ErrorKind::BadJson),
        ("channel:2", "[]", ErrorKind::BadJson),
        ("channel:3", &unlisted, ErrorKind::Transition),
        ("channel:4", &typo, ErrorKind::Invalid),
        ("channel:5", "\u{80}", ErrorKind::BadJson),
        ("a}b", "{}", ErrorKind::BadKey),
    ];
    for (key, text, _) in many {
        client.ok(&["SET", key, text]);
    }
    client.ok(&[&b"SET"[..], b"channel:5", &[0xff, 0xfe]]);
    client.ok(&["SADD", "channel:6", "a"]);
    let before = fingerprint(&mut client);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let keys = many.iter().map(|(key, ..)| *key).chain(["channel:6", "channel:7"]);
    let run = Importer::new(&mut states)
        .delete_sources()
        .documents(keys, "vimbiso.channel", |_| {})
        .expect("a run");
    assert_eq!((run.created, run.nothing_found, run.rejected.len()), (0, 1, 7), "{run:?}");
    let kinds = many.iter().map(|(_, _, kind)| *kind).chain([ErrorKind::WrongType]);
    for (import, kind) in run.rejected.iter().zip(kinds) {
        let Outcome::Rejected(error) = &import.outcome else { panic!("{import:?}") };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            !format!("{error:?}").contains(TOKEN) && !error.to_string().contains("a person"),
            "{error:?}"
        );
    }
    assert_eq!(fingerprint(&mut client), before);
}

/// S3: if a user's step can't be reached, the import is undone; the sources stay.
#[test]
fn unreachable_step_undoes_the_import() {
    let server = Server::start();
    let mut client = server.client();
    let schema = concat!(
        r#"{"properties":{"stage":{"x-transitions":{"initial":["a"],"allow":{"a":["b"],"b":["c"]}}}},"#,
        r#""if":{"properties":{"stage":{"const":"b"}},"required":["stage"]},"then":{"required":["paid"]}}"#
    );
    client.ok(&["STATE.SCHEMA", "SET", "bot.steps", schema]);
    client.ok(&["SET", "+263771234567", r#"{"stage":"c"}"#, "EX", "100"]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let import = Importer::new(&mut states).document("+263771234567", "bot.steps").expect("an import");
    let Outcome::Rejected(error) = &import.outcome else { panic!("{import:?}") };
    assert_eq!((error.kind(), error.violations().len()), (ErrorKind::Invalid, 1), "{error}");
    assert_eq!(client.text(&["GET", "+263771234567"]), r#"{"stage":"c"}"#);
    let entries = client.ok(&["XRANGE", "{+263771234567}:audit", "-", "+"]).to_string();
    assert!(entries.contains("delete"), "{entries}");
    assert_eq!(client.ok(&["DBSIZE"]).int(), 2, "the string and the audit stream");
}
