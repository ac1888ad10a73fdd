//! The webhook accepts signed requests; no other request changes anything.

use serde_json::json;
use support::Server;

use crate::echo_service::{Echo, accepted, config, counted, start, waiting};
use crate::whatsapp::{
    FakeGraph, NUMBER_ID, SECRET, TARIRO, deliver, payload, post, signature, text, text_of_age,
};
use crate::{soon, until};

#[test]
fn handshake_needs_the_verify_token() {
    let server = Server::start();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        let ask = async |mode: &str, word: &str| {
            let url = format!("http://{}/webhook", bot.address());
            let query = [("hub.mode", mode), ("hub.verify_token", word), ("hub.challenge", "1158201444")];
            let answer = reqwest::Client::new().get(url).query(&query).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("a text"))
        };
        assert_eq!(ask("subscribe", "the word").await, (200, "1158201444".to_owned()));
        for (mode, word) in [("subscribe", "the ward"), ("subscribe", ""), ("unsubscribe", "the word")] {
            assert_eq!(ask(mode, word).await, (403, String::new()), "{mode} {word}");
        }
    });
}

/// S55, S59: a user sends a message, and gets the bot's answer.
#[test]
fn signed_message_is_answered() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        let choice = json!({"type": "button_reply", "button_reply": {"id": "5", "title": "Offer"}});
        let mut chosen = text("wamid.2", TARIRO, "");
        (chosen["type"], chosen["interactive"]) = (json!("interactive"), choice);
        let mut picture = text("wamid.3", TARIRO, "");
        (picture["type"], picture["image"]) = (json!("image"), json!({"id": "9"}));
        assert_eq!(deliver(bot.address(), &[text("wamid.1", TARIRO, "hi"), chosen, picture]).await, 200);
        graph.has_sent(3).await;
        let to_tariro = |text: &str| (TARIRO.to_owned(), text.to_owned());
        let hint = redis_state_bot::service::HINT;
        assert_eq!(graph.sent(), [to_tariro("one: hi"), to_tariro("one: 5"), to_tariro(hint)]);
        until("no message waits", || waiting(&mut client) == 0).await;
        assert_eq!(counted(&mut client, TARIRO), 2, "only the bot's own hint");
    });
}

#[test]
fn unsigned_or_altered_request_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        let body = payload(&[text("wamid.1", TARIRO, "hi")]);
        let right = signature(SECRET, &body);

        assert_eq!(post(bot.address(), &body, None).await, 401);
        assert_eq!(post(bot.address(), &body, Some(&signature("another secret", &body))).await, 401);
        assert_eq!(post(bot.address(), body.replace("hi", "ho"), Some(&right)).await, 401, "an altered body");
        for wrong in ["", "sha256=", &right[..70], &right.replace("sha256", "sha1"), &format!("{right}00")] {
            assert_eq!(post(bot.address(), &body, Some(wrong)).await, 401, "{wrong}");
        }
        assert_eq!(post(bot.address(), "{", Some(&signature(SECRET, "{"))).await, 400);
        let long = " ".repeat(64 * 1024 + 1);
        assert_eq!(post(bot.address(), &long, Some(&signature(SECRET, &long))).await, 413);

        // These must be acknowledged, or WhatsApp redelivers them for days.
        let status = payload(&[]).replace("\"messages\":[]", "\"statuses\":[{\"id\":\"wamid.0\"}]");
        let elsewhere = body.replace(NUMBER_ID, "1056");
        for nothing in [status.as_str(), elsewhere.as_str(), "{}", "7"] {
            assert_eq!(
                post(bot.address(), nothing, Some(&signature(SECRET, nothing))).await,
                200,
                "{nothing}"
            );
        }
        assert_eq!(accepted(&mut client), 0);

        // After all of these, the valid request alone is accepted.
        assert_eq!(post(bot.address(), &body, Some(&right)).await, 200);
        graph.has_sent(1).await;
        assert_eq!((graph.texts(), accepted(&mut client)), (vec!["one: hi".to_owned()], 1));
    });
}

#[test]
fn outdated_message_is_acknowledged_and_dropped() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let bot = start(config(&server, &graph, "one"), &Echo::open(&server, "one").await).await;
        let day = 24 * 60 * 60;
        let old = text_of_age("wamid.1", TARIRO, "pay again", day + 60);
        let late = text_of_age("wamid.2", TARIRO, "late", day - 60);
        assert_eq!(deliver(bot.address(), &[old, late]).await, 200);
        graph.has_sent(1).await;
        assert_eq!((graph.texts(), accepted(&mut client)), (vec!["one: late".to_owned()], 1));
        // Its ID is kept for longer than the message may be accepted.
        let known = client.ok(&["PTTL", "{bot:inbox}:known:wamid.2"]).int();
        assert!(known > 24 * 60 * 60 * 1000, "{known}");
    });
}

/// A message that can't be stored is not accepted, and accepted ones are never dropped for it.
#[test]
fn full_inbox_rejects_messages() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let echo = Echo::shut(&server, "one").await;
        let mut narrow = config(&server, &graph, "one");
        narrow.inbox_max = 2;
        let bot = start(narrow, &echo).await;
        let messages =
            [0, 1, 2].map(|n| text(&format!("wamid.{n}"), &format!("26377000000{n}"), &n.to_string()));
        assert_eq!(deliver(bot.address(), &messages).await, 503);
        assert_eq!(accepted(&mut client), 2);
        // A user with a waiting message may send more.
        assert_eq!(deliver(bot.address(), &[text("wamid.3", "263770000000", "3")]).await, 200);
        echo.let_go();
        graph.has_sent(3).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        assert_eq!(deliver(bot.address(), &messages).await, 200, "WhatsApp redelivers");
        graph.has_sent(4).await;
        assert_eq!(graph.texts(), ["one: 0", "one: 1", "one: 2", "one: 3"]);
    });
}

#[test]
fn one_user_cannot_fill_the_inbox() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let graph = FakeGraph::start();
        let echo = Echo::shut(&server, "one").await;
        let bot = start(config(&server, &graph, "one"), &echo).await;
        let messages: Vec<_> = (0..101).map(|n| text(&format!("wamid.{n}"), TARIRO, "hello?")).collect();
        let (some, one) = messages.split_at(100);
        assert_eq!(deliver(bot.address(), some).await, 200);
        assert_eq!(deliver(bot.address(), one).await, 503);
        assert_eq!(accepted(&mut client), 100);
        assert_eq!(deliver(bot.address(), &[text("wamid.other", "263770000001", "hi")]).await, 200);
    });
}
