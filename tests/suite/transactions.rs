//! STATE commands inside MULTI/EXEC, scripts and functions (S35), and what they wake: blocked
//! readers of the audit stream and subscribers of keyspace events.

use crate::baseline::{AUDIT, KEY, OFFER, audit_values, number};
use support::{Client, Reply, Server, state_test, wait_until};

#[test]
fn transaction_replies_to_each_command_and_applies_the_valid_ones() {
    state_test(|_, client| {
        client.ok(&["MULTI"]);
        for command in [
            vec!["STATE.UPDATE", KEY, "0", OFFER],
            vec!["STATE.UPDATE", KEY, "1", r#"{"stage":"offer"}"#],
            vec!["STATE.UPDATE", KEY, "1", r#"{"stage":"too late"}"#],
            vec!["STATE.UPDATE", KEY, "*", "{"],
            vec!["STATE.GET", KEY, "/stage"],
            vec!["STATE.ROLLBACK", KEY, "2"],
            vec!["STATE.META", KEY],
            vec!["STATE.DELETE", KEY, "9"],
        ] {
            assert_eq!(client.text(&command), "QUEUED");
        }
        let replies = client.ok(&["EXEC"]);
        let replies = replies.array();
        assert_eq!(Client::version(replies[0].text()), 1);
        assert_eq!(Client::version(replies[1].text()), 2);
        assert!(
            matches!(&replies[2], Reply::Error(line) if line.starts_with("CONFLICT expected 1, current is 2-"))
        );
        assert!(matches!(&replies[3], Reply::Error(line) if line.starts_with("BADJSON ")));
        assert_eq!(replies[4].array()[1].text(), "\"offer\"");
        assert_eq!(Client::version(replies[5].text()), 3);
        assert_eq!(replies[6].field("version").int(), 3);
        assert!(matches!(&replies[7], Reply::Error(line) if line.starts_with("CONFLICT ")));
        assert_eq!(client.state(KEY).1, OFFER);
        assert_eq!(audit_values(client, AUDIT, "version"), ["1", "2", "3"]);
    });
}

#[test]
fn discarded_transaction_does_nothing() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["MULTI"]);
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    client.ok(&["DISCARD"]);
    client.ok(&["MULTI"]);
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
    assert!(client.err(&["STATE.UPDATE", KEY]).starts_with("ERR wrong number of arguments"));
    assert!(client.err(&["EXEC"]).starts_with("EXECABORT "));
    let mut other = server.client();
    client.ok(&["WATCH", KEY]);
    other.ok(&["STATE.UPDATE", KEY, "0", r#"{"by":"other"}"#]);
    client.ok(&["MULTI"]);
    client.ok(&["STATE.UPDATE", KEY, "*", OFFER]);
    assert!(client.ok(&["EXEC"]).is_nil());
    assert_eq!(client.state(KEY).1, r#"{"by":"other"}"#);
    assert_eq!(audit_values(&mut client, AUDIT, "event"), ["create"]);
}

#[test]
fn scripts_write_read_and_catch_errors() {
    state_test(|_, client| {
        let script = r#"
            local key = KEYS[1]
            local first = redis.call('STATE.UPDATE', key, '0', ARGV[1])
            local late = redis.pcall('STATE.UPDATE', key, '7', '{}')
            local second = redis.call('STATE.UPDATE', key, first, '{"stage":"offer"}', 'RETURN')
            local state = redis.call('STATE.GET', key, '/stage', '/none')
            local meta = redis.call('STATE.META', key)
            return {first, late.err, second[1], second[2], state[2], tostring(state[3]), meta[1], meta[3], meta[4]}"#;
        let reply = client.ok(&["EVAL", script, "1", KEY, OFFER]);
        let reply: Vec<String> = reply.array().iter().map(ToString::to_string).collect();
        let (etag, document) = client.state(KEY);
        assert_eq!(Client::version(&reply[0]), 1);
        assert!(reply[1].starts_with("CONFLICT expected 7, current is 1-"), "{}", reply[1]);
        assert_eq!(
            reply[2..],
            [&etag, &document, "\"offer\"", "false", "etag", "version", "2"].map(str::to_owned)
        );
        // An uncaught error ends the script; its earlier writes stay, as with any command.
        let script = r#"redis.call('STATE.UPDATE', KEYS[1], '2', '{"stage":"confirm"}')
            redis.call('STATE.UPDATE', KEYS[1], '2', '{"stage":"never"}')
            redis.call('STATE.UPDATE', KEYS[1], '*', '{"stage":"never"}')"#;
        let error = client.err(&["EVAL", script, "1", KEY]);
        assert!(error.starts_with("CONFLICT expected 2, current is 3-"), "{error}");
        assert_eq!(client.ok(&["STATE.GET", KEY, "/stage"]).array()[1].text(), "\"confirm\"");
        let resp3 = "redis.setresp(3); return redis.call('STATE.META', KEYS[1]).map.version";
        assert_eq!(client.ok(&["EVAL", resp3, "1", KEY]).int(), 3);
        assert_eq!(audit_values(client, AUDIT, "version"), ["1", "2", "3"]);
    });
}

const LIBRARY: &str = r#"#!lua name=bot
redis.register_function('advance', function(keys, args)
    return redis.call('STATE.UPDATE', keys[1], '*', args[1], 'EVENT', 'advance')
end)
redis.register_function{function_name='peek', flags={'no-writes'}, callback=function(keys, args)
    return redis.call('STATE.GET', keys[1], args[1])
end}
redis.register_function{function_name='sneak', flags={'no-writes'}, callback=function(keys, args)
    return redis.call('STATE.UPDATE', keys[1], '*', '{"stage":"sneaked"}')
end}"#;

#[test]
fn functions_and_read_only_scripts_work() {
    state_test(|_, client| {
        client.ok(&["FUNCTION", "LOAD", LIBRARY]);
        client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
        let etag = client.text(&["FCALL", "advance", "1", KEY, r#"{"stage":"offer"}"#]);
        assert_eq!(Client::version(&etag), 1);
        assert_eq!(client.ok(&["FCALL_RO", "peek", "1", KEY, "/stage"]).array()[1].text(), "\"offer\"");
        for read in [
            "'STATE.GET', KEYS[1]",
            "'STATE.META', KEYS[1]",
            "'STATE.HISTORY', KEYS[1]",
            "'STATE.DIFF', KEYS[1], '1', '1'",
            "'STATE.VALIDATE', 'open', '{}'",
            "'STATE.SCHEMA', 'LIST'",
            "'STATE.SCHEMA', 'GET', 'open'",
            "'STATE.HELP'",
        ] {
            client.ok(&["EVAL_RO", &format!("return redis.call({read})"), "1", KEY]);
        }
        for write in [
            "'STATE.UPDATE', KEYS[1], '*', '{\"stage\":\"sneaked\"}'",
            "'STATE.UPDATE', KEYS[1], '*', '{}', 'DRYRUN'",
            "'STATE.ROLLBACK', KEYS[1], '*'",
            "'STATE.TOUCH', KEYS[1]",
            "'STATE.DELETE', KEYS[1], '*'",
            "'STATE.SCHEMA', 'SET', 'open', 'true'",
            "'STATE.SCHEMA', 'DEL', 'open'",
        ] {
            let error = client.err(&["EVAL_RO", &format!("return redis.call({write})"), "1", KEY]);
            assert!(
                error.contains("Write commands are not allowed from read-only scripts"),
                "{write}: {error}"
            );
        }
        assert!(client.err(&["FCALL_RO", "sneak", "1", KEY]).contains("Write commands are not allowed"));
        assert!(client.err(&["FCALL_RO", "advance", "1", KEY, "{}"]).contains("write flag"));
        assert_eq!(client.state(KEY), (etag, r#"{"stage":"offer"}"#.to_owned()));
        assert_eq!(audit_values(client, AUDIT, "name"), ["advance"]);
    });
}

/// Three ways to commit one update.
fn commit_by(client: &mut Client, way: &str, json: &str) {
    match way {
        "plain" => drop(client.ok(&["STATE.UPDATE", KEY, "*", json])),
        "multi" => {
            client.ok(&["MULTI"]);
            client.ok(&["STATE.UPDATE", KEY, "*", json]);
            client.ok(&["EXEC"]);
        }
        _ => drop(client.ok(&[
            "EVAL",
            "return redis.call('STATE.UPDATE', KEYS[1], '*', ARGV[1])",
            "1",
            KEY,
            json,
        ])),
    }
}

#[test]
fn commit_wakes_blocked_readers_of_the_audit_stream() {
    state_test(|server, client| {
        client.ok(&["STATE.UPDATE", KEY, "0", OFFER]);
        client.ok(&["XGROUP", "CREATE", AUDIT, "desk", "$"]);
        let (mut reading, mut desk) = (server.client(), server.client());
        for (turn, way) in ["plain", "multi", "lua"].into_iter().enumerate() {
            reading.send(&["XREAD", "BLOCK", "0", "STREAMS", AUDIT, "$"]);
            desk.send(&["XREADGROUP", "GROUP", "desk", "maria", "BLOCK", "0", "STREAMS", AUDIT, ">"]);
            wait_until("both readers wait", || number(client, "clients", "blocked_clients") == 2);
            commit_by(client, way, &format!(r#"{{"stage":"{way}"}}"#));
            for reader in [&mut reading, &mut desk] {
                let reply = reader.read();
                let entries = reply.array()[0].array()[1].array();
                assert_eq!(entries.len(), 1, "{way}");
                let fields = &entries[0].array()[1];
                assert_eq!(fields.field("event").text(), "update");
                assert_eq!(fields.field("version").text(), (turn + 2).to_string());
            }
        }
        // The first audit entry wakes readers that blocked on a missing stream.
        let mut early = server.client();
        early.send(&["XREAD", "BLOCK", "0", "STREAMS", "{channel:+263770000000}:audit", "$"]);
        wait_until("the reader waits", || number(client, "clients", "blocked_clients") == 1);
        client.ok(&["STATE.UPDATE", "channel:+263770000000", "0", "{}"]);
        let reply = early.read();
        assert_eq!(reply.array()[0].array()[1].array()[0].array()[1].field("event").text(), "create");
    });
}

/// The next keyspace event: key and event.
fn next_event(subscriber: &mut Client) -> (String, String) {
    let message = subscriber.read();
    let words: Vec<&str> = message.array().iter().map(Reply::text).collect();
    assert_eq!(words[0], "pmessage");
    let key = words[2].strip_prefix("__keyspace@0__:").expect("a keyspace channel");
    (key.to_owned(), words[3].to_owned())
}

#[test]
fn subscribers_get_each_event_in_order() {
    let server = Server::start();
    let mut client = server.client();
    client.ok(&["CONFIG", "SET", "notify-keyspace-events", "Kd"]);
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.offer", r#"{"properties":{"amount":{"type":"number"}}}"#]);
    let mut subscriber = server.client();
    subscriber.ok(&["PSUBSCRIBE", "__keyspace@0__:*"]);
    client.ok(&["STATE.UPDATE", KEY, "0", OFFER, "SCHEMA", "vimbiso.offer"]);
    commit_by(&mut client, "plain", r#"{"amount":1}"#);
    commit_by(&mut client, "multi", r#"{"amount":2}"#);
    commit_by(&mut client, "lua", r#"{"amount":3}"#);
    // No event for a read, a conflict, a dry run or an update without a change.
    client.ok(&["STATE.GET", KEY]);
    client.err(&["STATE.UPDATE", KEY, "1", "{}"]);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"amount":9}"#, "DRYRUN"]);
    client.err(&["STATE.UPDATE", KEY, "*", r#"{"amount":"ten"}"#, "DRYRUN"]);
    client.ok(&["STATE.UPDATE", KEY, "*", r#"{"amount":3}"#]);
    client.err(&["STATE.UPDATE", KEY, "*", r#"{"amount":"ten"}"#]);
    client.ok(&["STATE.ROLLBACK", KEY, "*"]);
    client.ok(&["STATE.DELETE", KEY, "*"]);
    client.ok(&["STATE.UPDATE", "channel:last", "0", "{}"]);
    let expected = ["create", "update", "update", "update", "reject", "rollback", "delete"];
    for event in expected {
        assert_eq!(next_event(&mut subscriber), (KEY.to_owned(), format!("state.{event}")));
    }
    assert_eq!(next_event(&mut subscriber), ("channel:last".to_owned(), "state.create".to_owned()));
    // A disabled class sends nothing; the state's events are of class d.
    client.ok(&["CONFIG", "SET", "notify-keyspace-events", "Kg$x"]);
    client.ok(&["STATE.UPDATE", "channel:last", "1", r#"{"stage":"menu"}"#]);
    client.ok(&["SET", "token:+263771234567", "tok_a4c1"]);
    assert_eq!(next_event(&mut subscriber), ("token:+263771234567".to_owned(), "set".to_owned()));
}
