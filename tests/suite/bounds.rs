//! Output that a small request once made large: patches, differences, error lines, audit entries of
//! rejections.

use crate::baseline::{AUDIT, KEY, OFFER, audit_entries, field, number, server_with_an_offer};
use support::{Client, Server, state_test};

const MIB: i64 = 1024 * 1024;

/// `{"nnn…":[0,0,…]}`: the path of each element repeats the name.
fn long_path(name_bytes: usize, element: &str, elements: usize) -> String {
    format!(r#"{{"{}":[{}]}}"#, "n".repeat(name_bytes), vec![element; elements].join(","))
}

fn wide(members: usize) -> String {
    let members: Vec<String> = (0..members).map(|n| format!(r#""account_{n:06}":{n}"#)).collect();
    format!("{{{}}}", members.join(","))
}

/// Regression: two such updates produced a patch of 10 GB and killed the server.
#[test]
fn audit_patch_is_never_longer_than_its_limit() {
    for (name_bytes, elements) in [(100_000, 100_000), (10_000, 40_000)] {
        let server = Server::builder().without_schemas().start();
        let mut client = server.client();
        let before = number(&mut client, "memory", "used_memory_peak");
        client.ok(&["STATE.UPDATE", KEY, "0", &long_path(name_bytes, "0", elements), "REPLACE"]);
        client.ok(&["STATE.UPDATE", KEY, "1", &long_path(name_bytes, "1", elements), "REPLACE"]);
        let told = client.text(&["STATE.DIFF", KEY, "1", "2"]);
        let to = client.state(KEY).1;
        assert!(told == format!(r#"[{{"op":"replace","path":"","value":{to}}}]"#), "{} bytes", told.len());
        let grown = number(&mut client, "memory", "used_memory_peak") - before;
        assert!(grown < 64 * MIB, "{grown} bytes");
        let entries = audit_entries(&mut client, AUDIT);
        let patch = field(&entries[1], "patch").expect("a patch");
        assert_eq!(patch.len(), 4096);
        let bytes: usize = field(&entries[1], "patch_bytes").expect("cut").parse().expect("a number");
        assert!(bytes > 1024 * 1024, "{bytes}");
        // A version whose patch was cut can't be restored, and the recovery reports it.
        client.ok(&["DEL", KEY]);
        let recovered = client.ok(&["STATE.RECOVER", KEY]);
        assert_eq!(recovered.field("rung").text(), "created");
        let reason = recovered.field("tried").array()[0].field("reason").text().to_owned();
        assert!(
            reason.contains("no entry of the audit stream carries a document") || reason.contains("was cut"),
            "{reason}"
        );
    }
}

#[test]
fn masked_diff_has_the_same_limit() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    client.ok(&["STATE.SCHEMA", "SET", "bot.member", r#"{"properties":{"token":{"x-secret":true}}}"#]);
    let document = |element: &str, token: &str| {
        long_path(10_000, element, 40_000).replacen('{', &format!(r#"{{"token":"{token}","#), 1)
    };
    client.ok(&["STATE.UPDATE", KEY, "0", &document("0", "a"), "SCHEMA", "bot.member"]);
    client.ok(&["STATE.UPDATE", KEY, "1", &document("1", "b"), "REPLACE"]);
    let told = client.text(&["STATE.DIFF", KEY, "1", "2"]);
    assert!(
        told.starts_with(r#"[{"op":"replace","path":"","value":{"token":"***","#),
        "{} bytes",
        told.len()
    );
    assert_eq!(field(&audit_entries(&mut client, AUDIT)[1], "patch").map(str::len), Some(4096));
}

#[test]
fn overlapping_members_share_one_limit() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", &format!(r#"{{"note":"{}"}}"#, "x".repeat(600_000))]);
        assert_eq!(client.ok(&["STATE.GET", KEY, "/note"]).array().len(), 2);
        let twice = client.err(&["STATE.GET", KEY, "/note", "/note"]);
        assert!(twice.starts_with("TOOBIG the members together take 1200004 bytes"), "{twice}");
    });
}

/// Regression: the name table was rebuilt after each removal, and 41 KB of patch took six seconds.
#[test]
fn patch_of_a_wide_object_is_cheap() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", &wide(25_000)]);
        let operations: Vec<String> = (0..250)
            .flat_map(|n| {
                let replace = |m| format!(r#"{{"op":"replace","path":"/account_{m:06}","value":1}}"#);
                let remove = format!(r#"{{"op":"remove","path":"/account_{n:06}"}}"#);
                [remove, replace(1000 + n), replace(9000 + n), replace(24_000 + n)]
            })
            .collect();
        let patch = format!("[{}]", operations.join(","));
        client.ok(&["STATE.UPDATE", KEY, "1", &patch, "PATCH"]);
        let members = client.ok(&["STATE.GET", KEY, "/account_000000", "/account_000250", "/account_001007"]);
        assert!(members.array()[1].is_nil());
        assert_eq!([members.array()[2].text(), members.array()[3].text()], ["250", "1"]);
    });
}

#[test]
fn patch_is_charged_for_what_it_moves_and_copies() {
    let (_server, mut client) = server_with_an_offer();
    let list = format!(r#"{{"list":[{}0]}}"#, "0,".repeat(200_000));
    client.ok(&["STATE.UPDATE", KEY, "1", &list, "REPLACE"]);
    let before = client.state(KEY);
    let shift = r#"{"op":"move","from":"/list/0","path":"/list/-"}"#;
    let copy = r#"{"op":"copy","from":"/list","path":"/again"},{"op":"replace","path":"/again/0","value":1}"#;
    for operations in [vec![shift; 1000], vec![copy; 20]] {
        let patch = format!("[{}]", operations.join(","));
        assert!(client.err(&["STATE.UPDATE", KEY, "2", &patch, "PATCH"]).starts_with("TOOCOSTLY "));
        assert_eq!(client.state(KEY), before, "nothing has changed");
    }
}

fn used(client: &mut Client) -> i64 {
    number(client, "memory", "used_memory")
}

/// Regression: a hundred rejections kept 101 MB for a day.
#[test]
fn rejections_keep_little_memory() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    let pointer = "p".repeat(1_000_000);
    let patch = format!(r#"[{{"op":"remove","path":"/{pointer}"}}]"#);
    let before = used(&mut client);
    for _ in 0..100 {
        let line = client.err(&["STATE.UPDATE", KEY, "*", &patch, "PATCH"]);
        assert!(
            line.starts_with("BADPATCH operation 0: there is nothing at /ppp") && line.len() < 400,
            "{}",
            line.len()
        );
        assert!(line.ends_with('…'), "{line}");
    }
    let grown = used(&mut client) - before;
    assert!(grown < 3 * MIB, "{grown} bytes");
    assert!(
        audit_entries(&mut client, AUDIT)
            .iter()
            .all(|entry| field(entry, "error").is_none_or(|error| error.len() < 400))
    );
}

/// Regression: a rejected name of one megabyte made a reply of ten.
#[test]
fn error_line_is_short_for_any_request() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let schema = r#"{"additionalProperties":{"type":"object","additionalProperties":{"type":"string"}},
        "properties":{"step":{"x-transitions":{"initial":["menu"],"allow":{"menu":["offer"]}}}}}"#;
    client.ok(&["STATE.SCHEMA", "SET", "bot.form", schema]);
    client.ok(&["STATE.UPDATE", KEY, "0", r#"{"step":"menu"}"#, "SCHEMA", "bot.form"]);
    let name = "n".repeat(1_000_000);
    let members: Vec<String> = (0..12).map(|n| format!(r#""m{n}":{n}"#)).collect();
    let long_name = format!(r#"{{"{name}":{{{}}}}}"#, members.join(","));
    let long_word = "w".repeat(1_000_000);
    let requests: [&[&str]; 7] = [
        &["STATE.UPDATE", KEY, "1", &long_name],
        &["STATE.VALIDATE", "bot.form", &long_name],
        &["STATE.UPDATE", KEY, "1", &format!(r#"{{"step":"{long_word}"}}"#)],
        &["STATE.UPDATE", KEY, "1", "{}", &long_word],
        &["STATE.UPDATE", KEY, "1", "{}", "AUDIT", &long_word],
        &["STATE.UPDATE", KEY, "1", "{}", "SCHEMA", &long_word],
        &["STATE.GET", KEY, &long_word],
    ];
    for request in requests {
        let line = client.err(request);
        assert!(line.len() <= 4096, "{} {}", &line[..40], line.len());
    }
}

/// Regression: at the largest setting, each rejection walked all recorded ones.
#[test]
fn rejections_are_counted_in_constant_time_and_across_restarts() {
    let mut server = Server::builder().without_schemas().arg("--appendonly").arg("yes").start();
    let mut client = server.client();
    let settings = ["state.audit-rejects", "2500", "state.audit-maxlen", "1000000"];
    client.ok(&["CONFIG", "SET", settings[0], settings[1], settings[2], settings[3]]);
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    let reject = |client: &mut Client, times: usize| {
        let commands = vec![["STATE.UPDATE", KEY, "*", "[1]"]; times];
        assert_eq!(client.pipeline(&commands).len(), times);
    };
    let length = |client: &mut Client| client.ok(&["XLEN", AUDIT]).int();
    reject(&mut client, 2000);
    assert_eq!(length(&mut client), 2001);
    // An attempt in between is no commit.
    client.ok(&["STATE.ATTEMPT", KEY, "confirm", "FAILURE"]);
    reject(&mut client, 1000);
    assert_eq!(
        length(&mut client),
        2001 + 1 + 500 + 1,
        "2500 rejections, and one marker that further ones are dropped"
    );
    client.ok(&["STATE.UPDATE", KEY, "1", r#"{"stage":"menu"}"#]);
    reject(&mut client, 300);
    assert_eq!(length(&mut client), 2503 + 1 + 300);
    server.restart();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "state.audit-rejects", "310", settings[2], settings[3]]);
    reject(&mut client, 100);
    assert_eq!(length(&mut client), 2804 + 10 + 1, "the count is read from the stream");
    // After the stream is deleted, the count starts at zero.
    client.ok(&["DEL", AUDIT]);
    reject(&mut client, 5);
    assert_eq!(length(&mut client), 5);
}

#[test]
fn expiry_beyond_the_maximum_names_the_maximum() {
    state_test(|_, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        for ttl in [["PX", "1000000000000000"], ["PXAT", "253402300800000"], ["EX", "0"]] {
            assert_eq!(
                client.err(&["STATE.TOUCH", KEY, ttl[0], ttl[1]]),
                "ERR invalid expire time: name one in the future and up to 9999-12-31T23:59:59.999Z, Unix time 253402300799999 ms"
            );
        }
        client.ok(&["STATE.TOUCH", KEY, "PXAT", "253402300799999"]);
    });
}
