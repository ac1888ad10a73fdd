//! Lossless JSON (S9): number literals, member order, strings, duplicate names. What a parser would
//! round, sort or escape differently is returned as the client wrote it.

use crate::baseline::KEY;
use support::{Client, state_test};

#[test]
fn number_literals_are_returned_as_written() {
    state_test(|_, client| {
        let literals = [
            "1.10",
            "12345678901234567890123",
            "1e400",
            "-1E-400",
            "-0",
            "0.0",
            "-0.0e-0",
            "1E+2",
            "0.1e-7",
            "9007199254740993",
            "18446744073709551616",
            "0.1000000000000000055511151231257827",
            "100000000000000000000.00",
        ];
        let document = format!(r#"{{"amounts":[{}]}}"#, literals.join(","));
        client.ok(&["STATE.UPDATE", KEY, "0", &document]);
        assert_eq!(client.state(KEY).1, document);
        for (index, literal) in literals.iter().enumerate() {
            let reply = client.ok(&["STATE.GET", KEY, &format!("/amounts/{index}")]);
            assert_eq!(reply.array()[1].text(), *literal);
        }
        // An update of another member, a rollback or a diff does not rewrite them.
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"stage":"offer"}"#]);
        assert_eq!(client.state(KEY).1, document.replace("]}", r#"],"stage":"offer"}"#));
        let diff = client.text(&["STATE.DIFF", KEY, "2", "1"]);
        assert_eq!(diff, r#"[{"op":"remove","path":"/stage"}]"#);
        client.ok(&["STATE.ROLLBACK", KEY, "2"]);
        assert_eq!(client.state(KEY).1, document);
    });
}

#[test]
fn last_of_duplicate_members_wins_at_the_first_position() {
    state_test(|_, client| {
        let json = r#"{"stage":"menu","option":1,"stage":"offer","data":{"a":1,"b":2,"a":3,"\u0061":4}}"#;
        let kept = r#"{"stage":"offer","option":1,"data":{"a":4,"b":2}}"#;
        client.ok(&["STATE.UPDATE", KEY, "0", json, "REPLACE"]);
        assert_eq!(client.state(KEY).1, kept);
        let etag = client.text(&["STATE.UPDATE", KEY, "1", json]);
        assert_eq!(Client::version(&etag), 1, "an equal document is no change");
    });
}

#[test]
fn strings_are_returned_as_written() {
    state_test(|_, client| {
        let cases = [
            (r#""\u0000""#, r#""\u0000""#),
            (r#""a\u0000b\u001f\u007f""#, "\"a\\u0000b\\u001f\u{7f}\""),
            (r#""\b\t\n\f\r\"\\\/""#, r#""\b\t\n\f\r\"\\/""#),
            (r#""\u0008\u000a\u0022""#, r#""\b\n\"""#),
            (r#""\u00e9 \u4e00 \u0100""#, "\"é 一 Ā\""),
            (r#""\ud83d\ude00 😀 👩🏽‍🚀""#, "\"😀 😀 👩🏽‍🚀\""),
            ("\"\u{2028}\u{feff}\u{fffd}\u{10ffff}\"", "\"\u{2028}\u{feff}\u{fffd}\u{10ffff}\""),
            (r#""%s %n %1$s""#, r#""%s %n %1$s""#),
            (r#""""#, r#""""#),
        ];
        for (written, kept) in cases {
            client.ok(&["STATE.UPDATE", KEY, "*", &format!(r#"{{{written}:{written}}}"#), "REPLACE"]);
            assert_eq!(client.state(KEY).1, format!("{{{kept}:{kept}}}"), "{written}");
        }
        client.ok(&["STATE.UPDATE", KEY, "*", r#"{"":1,"a/b":2,"m~n":3,"\u0000":4,"😀":5}"#, "REPLACE"]);
        let reply = client.ok(&["STATE.GET", KEY, "/", "/a~1b", "/m~0n", "/\0", "/😀", "/a/b", ""]);
        let members: Vec<String> = reply.array()[1..].iter().map(ToString::to_string).collect();
        assert_eq!(members[..6], ["1", "2", "3", "4", "5", "(nil)"]);
        assert_eq!(members[6], r#"{"":1,"a/b":2,"m~n":3,"\u0000":4,"😀":5}"#);
    });
}
