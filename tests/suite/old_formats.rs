//! What earlier releases have written is read by this one.

use crate::standing::KEY;
use support::{Client, state_test};

/// The schema of the state that was dumped.
const SCHEMA: &str = r#"{"type":"object","x-ttl":300,"properties":{"auth":{"type":"object","x-ttl":600,"properties":{"token":{"x-secret":true,"x-ttl":60}}},"form":{"x-ttl":120},"amount":{"type":"number"}}}"#;

/// DUMP of a state, its past versions whole, by the first release; the server was Redis 7.0.
fn dumped_by_the_first_release() -> Vec<u8> {
    let hex: Vec<u8> =
        include_bytes!("golden/dump_1.hex").iter().copied().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: &u8| (*byte as char).to_digit(16).expect("hex") as u8;
    hex.chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
}

fn restored(client: &mut Client) {
    client.ok(&["STATE.SCHEMA", "SET", "offer", SCHEMA]);
    let words: [&[u8]; 4] = [b"RESTORE", KEY.as_bytes(), b"0", &dumped_by_the_first_release()];
    client.ok(&words);
    // A writing command commits what has lapsed since, so that no timer does while the states are compared.
    client.ok(&["STATE.TOUCH", KEY, "PERSIST"]);
}

#[test]
fn a_state_whose_versions_were_kept_whole_is_restored() {
    state_test(|_, client| {
        restored(client);
        let versions: Vec<i64> = client
            .ok(&["STATE.HISTORY", KEY])
            .array()
            .iter()
            .map(|entry| entry.field("version").int())
            .collect();
        // Before them stands what has lapsed since.
        assert!(versions.ends_with(&[5, 4, 3, 2, 1]), "{versions:?}");
        let first = client.ok(&["STATE.GET", KEY, "VERSION", "1"]);
        assert_eq!(first.array()[0].text(), "1-08ab06d52baf3482");
        assert_eq!(first.array()[1].text(), r#"{"handle":"Zoë \"z\" 🙂","amount":1.10,"steps":[1,2,3]}"#);
    });
}

#[test]
fn it_goes_on_as_one_of_this_release() {
    state_test(|_, client| {
        restored(client);
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"amount":7.50}"#]);
        let refused = client.err(&["STATE.UPDATE", KEY, "*", r#"{"amount":"x"}"#]);
        assert!(refused.starts_with("INVALID 1 violation: /amount: "), "{refused}");
        client.ok(&["STATE.ROLLBACK", KEY, "*", "LABEL", "menu"]);
        let (_, document) = client.state(KEY);
        // A secret that has not lapsed yet is kept.
        assert!(
            document.starts_with(r#"{"handle":"Zoë \"z\" 🙂","amount":1.10,"steps":[1,2,3]"#),
            "{document}"
        );
    });
}
