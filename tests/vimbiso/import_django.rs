//! The values that django-redis stores, at its keys: pickles of each protocol, JSON and ints (S3).

use redis_state_client::connect_blocking;
use redis_state_vimbiso::{Importer, Outcome, keys};
use serde_json::{Value, json};
use support::Server;

use crate::import::{JWT, MOBILE, document, folded};
use crate::pickled::{CHANNEL, leave_behind};

/// S3: five pickled values become one state, with the latest of their expiries, and a secret token.
#[test]
fn pickles_of_each_protocol_become_a_state() {
    for protocol in 0..=5 {
        let server = Server::start();
        let mut client = server.client();
        let expires_at = leave_behind(&mut client, "vimbiso", MOBILE, protocol);
        let before = client.ok(&["GET", "vimbiso:1:+263771234567"]);
        let mut states = connect_blocking(&server.url()).expect("a connection");
        let import = Importer::new(&mut states).django("vimbiso", 1).cached_user(MOBILE).expect("an import");
        assert!(matches!(import.outcome, Outcome::Created(etag) if etag.version == 2), "{import:?}");
        assert_eq!((import.source.as_str(), import.target.as_str()), (MOBILE, MOBILE));
        assert_eq!(document(&mut client, MOBILE), folded(MOBILE), "protocol {protocol}");
        assert_eq!(client.ok(&["PEXPIRETIME", MOBILE]).int(), expires_at);
        assert_eq!(client.ok(&["GET", "vimbiso:1:+263771234567"]), before, "the source stays");
        let entries = client.ok(&["XRANGE", "{+263771234567}:audit", "-", "+"]).to_string();
        assert!(!entries.contains(JWT), "{entries}");

        let again = Importer::new(&mut states).django("vimbiso", 1).delete_sources();
        let again = again.cached_user(MOBILE).expect("an import");
        assert!(matches!(again.outcome, Outcome::AlreadyThere(_)), "{again:?}");
        assert!(client.ok(&["KEYS", "vimbiso:*"]).array().is_empty(), "all five are deleted");
    }
}

/// S3: what `JSONSerializer` writes, an int as django-redis writes it, and None.
#[test]
fn json_and_ints_become_a_state() {
    let server = Server::start();
    let mut client = server.client();
    for (key, value) in [
        (":1:263771234567", r#"{"page_number": 2, "profile": {}}"#),
        (":1:263771234567_stage", r#""handle_action_menu""#),
        (":1:263771234567_jwt_token", "5"),
        (":1:263771234567_direction", "null"),
    ] {
        client.ok(&["SET", key, value]);
    }
    // Another version of the cache, which is not asked for.
    client.ok(&["SET", ":2:263771234567_direction", r#""IN""#]);
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let importer = Importer::new(&mut states).django("", 1).into_key(keys::user_state);
    let import = importer.cached_user("263771234567").expect("an import");
    assert!(matches!(import.outcome, Outcome::Created(_)), "{import:?}");
    let found = document(&mut client, "user:{263771234567}:state");
    assert_eq!((&found["jwt_token"], &found["direction"]), (&json!("5"), &json!("OUT")));
    assert_eq!(found["state"]["page_number"], 2);

    let importer = Importer::new(&mut states).django("", 2).into_key(keys::channel);
    importer.cached_user("263771234567").expect("an import");
    assert_eq!(document(&mut client, "channel:263771234567")["direction"], "IN");
}

/// S3, S44: a pickled document becomes a state at the user's step, and so does JSON in a str.
#[test]
fn pickled_document_becomes_a_state() {
    let server = Server::start();
    let mut client = server.client();
    let source = "vimbiso:1:channel:+263771234567";
    let mut states = connect_blocking(&server.url()).expect("a connection");
    let inner = r#"{"channel": {"type": "whatsapp", "identifier": "+263771234567"}, "dashboard": {"balance": 12.50}}"#;
    let in_json = serde_json::to_string(inner).expect("a string");
    // By Python, for a text without a backslash: pickle.dumps(text, 0).
    let in_pickle = format!("V{inner}\np0\n.");
    let balances = [("12.5", 6), ("12.5", 6), ("12.5", 6), ("12.50", 1), ("12.50", 1)];
    let values = CHANNEL.into_iter().chain([in_json.as_bytes(), in_pickle.as_bytes()]);
    for (value, (balance, version)) in values.zip(balances) {
        client.ok(&["FLUSHALL", "SYNC"]);
        client.ok(&[&b"SET"[..], source.as_bytes(), value, b"EX", b"1000"]);
        let importer = Importer::new(&mut states).django("vimbiso", 1);
        let import = importer.document("channel:+263771234567", "vimbiso.channel").expect("an import");
        assert!(matches!(import.outcome, Outcome::Created(etag) if etag.version == version), "{import:?}");
        let (_, text) = client.state("channel:+263771234567");
        assert!(text.contains(&format!(r#""dashboard":{{"balance":{balance}}}"#)), "{text}");
        let found: Value = serde_json::from_str(&text).expect("a document");
        assert_eq!(found["channel"]["identifier"], MOBILE);
        assert_eq!(client.ok(&["PEXPIRETIME", "channel:+263771234567"]), client.ok(&["PEXPIRETIME", source]));
    }
}
