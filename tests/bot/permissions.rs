//! What the bot's user of docs/bot.md may and may not do.

use support::{Client, Reply, Server, words};

use crate::processes::user_of_the_page;

const CHANNEL: &str = "channel:+263771234567";

/// A server with a state, an audit stream and a feed, and the bot's connection.
fn server() -> (Server, Client) {
    let server = Server::builder().arg("--state.feed").arg("sessions").start();
    let mut admin = server.client();
    admin.ok(&user_of_the_page().split(' ').collect::<Vec<_>>());
    let channel = r#"{"channel":{"type":"whatsapp","identifier":"+263771234567"}}"#;
    admin.ok(&["STATE.UPDATE", CHANNEL, "0", channel, "SCHEMA", "vimbiso.channel"]);
    admin.ok(&["XADD", "sessions", "*", "event", "expire", "key", "channel:+263772222222"]);
    let mut bot = server.client();
    bot.ok(&["AUTH", "bot", "a-long-password"]);
    (server, bot)
}

#[track_caller]
fn is_denied(bot: &mut Client, command: &[&str]) {
    match bot.call(command) {
        Reply::Error(line) if line.contains("NOPERM") || line.contains("No permissions") => {}
        // Within a script servers word this error differently.
        Reply::Error(line)
            if command[0] == "EVAL"
                && (line.contains("ACL failure in script")
                    || line.contains("user executing the script can't")) => {}
        other => panic!("{command:?} was answered {other:?}"),
    }
}

#[test]
fn bot_can_neither_replace_nor_delete_a_conversation() {
    let (server, mut bot) = server();
    let before = server.client().state(CHANNEL);
    for command in [
        "SET KEY x",
        "DEL KEY",
        "RPUSH KEY x",
        "LPUSH KEY x",
        "LPOP KEY",
        "XADD KEY * a b",
        "XDEL KEY 1-1",
        "EXISTS KEY",
        "STATE.DELETE KEY 1",
        "UNLINK KEY",
        "EXPIRE KEY 1",
        "RENAME KEY bot:inbox",
        "DUMP KEY",
        "COPY KEY {bot:inbox}:copy",
        "RESTORE KEY 0 x",
        "XGROUP CREATE KEY g 0 MKSTREAM",
    ] {
        for key in [CHANNEL, "{channel:+263771234567}:audit"] {
            let command = command.replace("KEY", key);
            is_denied(&mut bot, &command.split(' ').collect::<Vec<_>>());
        }
    }
    for call in ["redis.call('DEL', KEYS[1])", "redis.call('SET', KEYS[1], 'x')"] {
        is_denied(&mut bot, &["EVAL", call, "1", CHANNEL]);
    }
    // A script of the inbox that uses a key which it has not declared.
    for call in ["'DEL', ARGV[1]", "'SET', ARGV[1], 'x'", "'RPUSH', ARGV[1], 'x'"] {
        is_denied(&mut bot, &["EVAL", &format!("return redis.call({call})"), "1", "bot:inbox", CHANNEL]);
    }
    assert_eq!(server.client().state(CHANNEL), before);
    // STATE commands, with the rules of the schema, are allowed.
    bot.ok(&words(&format!("STATE.GET {CHANNEL}")));
    bot.ok(&["STATE.TOUCH", CHANNEL]);
}

#[test]
fn bot_can_read_the_feed_and_not_forge_it() {
    let (server, mut bot) = server();
    let before = server.client().ok(&["XRANGE", "sessions", "-", "+"]);
    for command in [
        "XADD sessions * event expire",
        "XDEL sessions 1-1",
        "XTRIM sessions MAXLEN 0",
        "DEL sessions",
        "SET sessions x",
        "XSETID sessions 9-9",
        "RENAME sessions bot:inbox",
        "XGROUP DESTROY sessions bot",
        "EXPIRE sessions 1",
        "LPUSH sessions x",
    ] {
        is_denied(&mut bot, &command.split(' ').collect::<Vec<_>>());
    }
    let forge = "return redis.call('XADD', 'sessions', '*', 'event', 'expire')";
    is_denied(&mut bot, &["EVAL", forge, "1", "bot:inbox"]);
    is_denied(&mut bot, &["EVAL", forge, "1", "sessions"]);
    assert_eq!(server.client().ok(&["XRANGE", "sessions", "-", "+"]), before);
    bot.ok(&["XGROUP", "CREATE", "sessions", "bot", "0", "MKSTREAM"]);
    let read = bot.ok(&["XREADGROUP", "GROUP", "bot", "one", "STREAMS", "sessions", ">"]);
    assert!(read.to_string().contains("channel:+263772222222"), "{read}");
}

/// The inbox belongs to the bot, and nothing else does.
#[test]
fn bot_can_use_its_inbox_and_no_other_key() {
    let (_server, mut bot) = server();
    bot.ok(&["SET", "{bot:inbox}:known:wamid.1", "", "PX", "1000"]);
    bot.ok(&[
        "EVAL",
        "return redis.call('XADD', KEYS[1], '*', 'person', ARGV[1])",
        "1",
        "bot:inbox",
        "+26377",
    ]);
    for command in [
        "STATE.GET bot:inbox",
        "STATE.SETPROTECTED {bot:inbox}:x 0 {}",
        "SET other x",
        "EXISTS other",
        "STATE.GET other",
        "CONFIG GET *",
        "ACL WHOAMI",
        "KEYS *",
        "SCAN 0",
        "FLUSHALL",
        "MONITOR",
        "STATE.SCHEMA LIST",
        "PUBLISH x y",
        "SUBSCRIBE x",
    ] {
        is_denied(&mut bot, &command.split(' ').collect::<Vec<_>>());
    }
}
