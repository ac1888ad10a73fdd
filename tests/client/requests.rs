//! Every command has a request, every keyword a builder method, and replies are the same over RESP2
//! and RESP3.

use std::time::{Duration, SystemTime};

use redis_state_client::{
    Attempt, AttemptCounts, Attempts, Change, Delete, Diff, Expected, Get, History, Meta, Recover, Request,
    Reset, Rollback, SchemaBind, SchemaDel, SchemaGet, SchemaList, SchemaSet, SchemaUnbind, SetProtected,
    Tally, Touch, Update, Validate, Wait, connect_blocking,
};
use serde_json::json;
use support::Server;

const KEY: &str = "channel:+263771234567";

/// A request for any connection; returns the reply as text.
type Step = Box<dyn Fn(&mut dyn redis::ConnectionLike) -> String>;

fn step<R: Request + 'static>(request: R) -> Step
where
    R::Reply: std::fmt::Debug,
{
    Box::new(move |connection| match request.query(connection) {
        Ok(reply) => format!("{} {reply:?}", request.name()),
        Err(error) => format!("{} {error}", request.name()),
    })
}

fn merge(members: serde_json::Value) -> Change {
    Change::merge(&members).expect("json")
}

/// Requests that together use every keyword.
fn every_word() -> Vec<Step> {
    let minute = Duration::from_secs(60);
    let channel = json!({"channel": {"type": "whatsapp", "identifier": "+263771234567"}});
    let amount = |amount: u64| merge(json!({"current": {"data": {"amount": amount}}}));
    let handle = json!([{"op": "add", "path": "/current/data/handle", "value": "tariro"}]);
    let whole = json!({"channel": channel["channel"], "current": {"path": "login", "component": "Greeting"}});
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    vec![
        step(
            Update::create(KEY, merge(channel))
                .schema("vimbiso.channel")
                .event("first_contact")
                .label("begun"),
        ),
        step(
            Update::new(KEY, 1, amount(5))
                .actor("amount_input")
                .note("typed")
                .turn("wamid.0")
                .operation("amount")
                .component("AmountInput"),
        ),
        step(
            Update::new(KEY, 2, Change::patch(&handle).expect("json"))
                .id("wamid.1")
                .owner("web-1/7")
                .expires_in(minute)
                .returning(),
        ),
        step(Update::new(KEY, 2, merge(json!({"active_account_id": "91c2"}))).rebase().audit().keep_ttl()),
        step(Update::new(KEY, 4, amount(7)).dry_run().expires_at(far).returning()),
        step(
            Update::new(KEY, 4, Change::shallow(&json!({"active_account_id": null})).expect("json"))
                .persist(),
        ),
        step(
            SetProtected::new(KEY, 5, merge(json!({"dashboard": {"tier": 2}})))
                .expires_in(minute)
                .align(["session:91c2"]),
        ),
        step(Update::new(KEY, 6, Change::replace(&whole).expect("json"))),
        step(Get::new(KEY)),
        step(Get::new(KEY).version(2).members(["/current/data/amount", "/nothing"])),
        step(History::new(KEY).count(3)),
        step(Diff::new(KEY, 2, 3)),
        step(Diff::new(KEY, 2, 3).with_turns()),
        step(
            Rollback::new(KEY, 7)
                .steps(1)
                .event("back")
                .id("wamid.2")
                .owner("web-1/7")
                .turn("wamid.2")
                .returning(),
        ),
        step(Rollback::new(KEY, 8).to(2).only(["/current/data/handle"]).audit()),
        step(Rollback::new(KEY, 9).to_label("begun").all().expires_in(minute).actor("menu")),
        step(Rollback::new(KEY, 10).to_last_valid().keep_ttl().note("again")),
        step(
            Reset::new(KEY, Expected::Any)
                .event("over")
                .id("wamid.3")
                .owner("web-1/7")
                .turn("wamid.3")
                .returning()
                .persist()
                .audit(),
        ),
        step(
            Recover::new(KEY)
                .schema("vimbiso.channel")
                .expires_in(minute)
                .actor("operator")
                .event("checked")
                .turn("wamid.4")
                .audit(),
        ),
        step(
            Attempt::failure(KEY, "confirm")
                .component("ConfirmOffer")
                .error("neither yes nor no")
                .actor("bot")
                .id("wamid.4")
                .owner("web-1/7")
                .turn("wamid.4"),
        ),
        step(Attempt::success(KEY, "confirm").audit()),
        step(Attempts::new(KEY, "confirm").count(1)),
        step(AttemptCounts::new(KEY)),
        step(Attempt::new(KEY, "confirm", Tally::Clear)),
        step(Touch::new(KEY).expires_in(minute).turn("wamid.4").align(["session:91c2"]).audit()),
        step(Meta::new(KEY)),
        step(Wait::new(KEY, 1, minute)),
        step(Wait::new("channel:+263772222222", 1, minute)),
        step(Validate::new("vimbiso.channel", "{}")),
        step(SchemaSet::new("bot.offer", r#"{"required":["handle"]}"#)),
        step(SchemaBind::new("offer:*", "bot.offer")),
        step(SchemaGet::new("bot.offer")),
        step(SchemaList),
        step(SchemaUnbind::new("offer:*")),
        step(SchemaUnbind::new("offer:*")),
        step(SchemaDel::new("bot.offer").force()),
        step(SchemaGet::new("bot.offer")),
        // Keywords that other commands have used too: the versions are old, so nothing is applied.
        step(Update::new(KEY, 1, Change::none()).align(["session:91c2"]).expires_in(minute)),
        step(Rollback::new(KEY, 1).steps(2).persist().align(["session:91c2"])),
        step(Rollback::new(KEY, 1).expires_at(far)),
        step(Reset::new(KEY, 1).expires_in(minute).actor("menu").note("over").align(["session:91c2"])),
        step(Reset::new(KEY, 1).all().keep_ttl()),
        step(Reset::new(KEY, 1).expires_at(far)),
        step(Recover::new(KEY).expires_at(far).note("checked").align(["session:91c2"])),
        step(Recover::new(KEY).persist()),
        step(Recover::new(KEY).keep_ttl()),
        step(Touch::new(KEY).expires_at(far)),
        step(Touch::new(KEY).persist()),
        step(Touch::new(KEY).keep_ttl()),
        step(
            Delete::new(KEY, Expected::Any)
                .purge()
                .feed_from("1-0")
                .event("logout")
                .actor("menu")
                .note("bye")
                .turn("wamid.5")
                .audit(),
        ),
        step(Delete::new(KEY, 1)),
        step(Get::new(KEY)),
        step(Meta::new(KEY)),
        step(History::new(KEY)),
        step(Attempts::new(KEY, "confirm")),
        step(AttemptCounts::new(KEY)),
        step(Touch::new(KEY)),
    ]
}

/// The text without parts that differ in each run: digests, times, TTLs.
fn masked(text: &str) -> String {
    let digest = |word: &str| word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let mut shown: String = words
        .map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if digest(bare) { word.replace(bare, "DIGEST") } else { word.to_owned() }
        })
        .collect();
    for (before, after) in [("digest: ", " }"), ("\"20", "Z\""), ("ttl: Some(", ")")] {
        let mut parts = shown.split(before);
        let mut rest = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            rest += before;
            rest += part.split_once(after).map_or(part, |(_, kept)| kept);
        }
        shown = rest;
    }
    shown
}

#[test]
fn replies_are_the_same_over_both_protocols() {
    let played = |protocol: &str| -> Vec<String> {
        let server = Server::start();
        let client =
            redis::Client::open(format!("{}?protocol={protocol}", server.url())).expect("an address");
        let mut connection = client.get_connection().expect("a connection");
        let replies: Vec<String> = every_word().iter().map(|step| masked(&step(&mut connection))).collect();
        assert_eq!(server.client().ok(&["DBSIZE"]).int(), 0, "the state and its audit stream were purged");
        replies
    };
    let (resp2, resp3) = (played("resp2"), played("resp3"));
    assert_eq!(resp2, resp3);
    let rejected: Vec<&String> =
        resp2.iter().filter(|reply| reply.contains("ERR") || reply.contains("syntax")).collect();
    assert!(rejected.is_empty(), "{rejected:#?}");
    for expected in [
        "STATE.UPDATE Committed(4-DIGEST)",
        "STATE.GET Some(Found(7-DIGEST, 1 texts))",
        "STATE.ROLLBACK Committed(11-DIGEST)",
        "STATE.RECOVER Recovered { rung: \"valid\"",
        "STATE.ATTEMPT 2",
        "STATE.ATTEMPT 0",
        "STATE.TOUCH true",
        "STATE.WAIT Some(Found(12-DIGEST, 1 texts))",
        "STATE.WAIT None",
        "STATE.SCHEMA GET Some(\"{\\\"required\\\":[\\\"handle\\\"]}\")",
        "STATE.SCHEMA UNBIND true",
        "STATE.SCHEMA UNBIND false",
        "STATE.DELETE Deleted { state: true, audit: ",
        "STATE.DELETE NOSTATE there is no state",
        "STATE.TOUCH false",
    ] {
        assert!(resp2.iter().any(|reply| reply.starts_with(expected)), "{expected} is not in {resp2:#?}");
    }
}

/// The requests use exactly the keywords of STATE.HELP.
#[test]
fn every_keyword_of_every_command_is_sent() {
    let server = Server::start();
    let mut raw = server.client();
    let help: Vec<String> =
        raw.ok(&["STATE.HELP"]).array().iter().map(|line| line.text().to_owned()).collect();
    let client = redis::Client::open(server.url()).expect("an address");
    let mut connection = client.get_connection().expect("a connection");
    let mut monitor = server.client();
    monitor.ok(&["MONITOR"]);
    for step in every_word() {
        step(&mut connection);
    }
    raw.ok(&["ECHO", "end of requests"]);
    let mut said = Vec::new();
    loop {
        let line = monitor.read().text().to_owned();
        if line.contains("end of requests") {
            break;
        }
        let words: Vec<String> = line.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        said.push(words);
    }
    let grammar = help.iter().filter(|line| line.starts_with("STATE.") && !line.starts_with("STATE.HELP"));
    for line in grammar {
        let name = line.split(' ').next().expect("a name");
        // EX, EXAT and seconds are sent as milliseconds; STEPS and MERGE are sent although they are
        // the defaults.
        let keywords = line.split(|c: char| !c.is_ascii_uppercase()).filter(|word| {
            word.len() > 1 && !["STATE", "EX", "EXAT", "HELP"].contains(word) && !name.contains(word)
        });
        for keyword in keywords {
            let protected = name == "STATE.SETPROTECTED";
            let by = |command: &str| command == name || protected && command == "STATE.UPDATE";
            let found = said.iter().any(|words| {
                words.first().is_some_and(|command| by(command))
                    && words.iter().any(|word| word.eq_ignore_ascii_case(keyword))
            });
            assert!(found, "{name} was never sent with {keyword}");
        }
    }
}

#[test]
fn blocking_and_async_connections_read_the_same() {
    let server = Server::start();
    let update = Update::create(KEY, merge(json!({"current": {"data": {"amount": 5}}}))).returning();
    let created = connect_blocking(&server.url()).expect("a connection").send(&update).expect("a state");
    support::block_on(async {
        let client = redis::Client::open(server.url()).expect("an address");
        let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
        let found = Get::new(KEY).query_async(&mut connection).await.expect("an answer").expect("a state");
        assert_eq!((found.etag, found.text(0)), (created.etag, created.text()));
    });
    assert_eq!(server.client().state(KEY).0, created.etag.to_string());
}
