//! Webhooks in other forms: types that need no answer, statuses, and shapes that are accepted
//! beside the usual one. The bot is the real program.

use redis_state_bot::ledger::MemoryLedger;
use serde_json::{Value, json};
use support::Server;

use crate::echo_service::{accepted, waiting};
use crate::http_ledger::serve;
use crate::program::Process;
use crate::whatsapp::{FakeGraph, NUMBER_ID, SECRET, TARIRO, deliver, post, signature, text};
use crate::{soon, until};

const KEY: &str = "channel:+263771234567";

/// A bot without users.
fn bot(server: &Server, more: &[(&str, &str)]) -> (FakeGraph, Process) {
    let graph = FakeGraph::start();
    let bot = Process::start(server, &graph, &serve(MemoryLedger::new()), more);
    (graph, bot)
}

async fn posts(bot: &Process, body: &Value) -> u16 {
    let body = body.to_string();
    let signature = signature(SECRET, &body);
    post(bot.address, body, Some(&signature)).await
}

/// A webhook with one change.
fn change(change: Value) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "7", "changes": [change]}]})
}

fn message_of_type(kind: &str, content: Value) -> Value {
    let mut message = text(&format!("wamid.{kind}"), TARIRO, "");
    message.as_object_mut().expect("an object").remove("text");
    message["type"] = json!(kind);
    message[kind] = content;
    message
}

/// They are acknowledged; the user gets no answer, and no state.
#[test]
fn types_that_need_no_answer_are_ignored() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let (graph, bot) = bot(&server, &[]);
        let ignored = [
            message_of_type("reaction", json!({"message_id": "wamid.0", "emoji": "👍"})),
            message_of_type("system", json!({"type": "user_changed_number", "body": "changed"})),
            message_of_type("unsupported", json!({"type": "poll_creation"})),
        ];
        for message in ignored {
            assert_eq!(deliver(bot.address, std::slice::from_ref(&message)).await, 200, "{message}");
            assert_eq!(accepted(&mut client), 0, "{message}");
        }
        // The next message is answered as a first one.
        assert_eq!(deliver(bot.address, &[text("wamid.1", TARIRO, "hello")]).await, 200);
        graph.has_sent(1).await;
        until("no message waits", || waiting(&mut client) == 0).await;
        assert_eq!((graph.sent().len(), accepted(&mut client)), (1, 1));
    });
}

/// Logged with their code and without the user's number; nothing else happens.
#[test]
fn statuses_are_logged() {
    let server = Server::start();
    let mut client = server.client();
    soon(async {
        let (graph, mut bot) = bot(&server, &[("RUST_LOG", "info,redis_state_bot=debug")]);
        let status = |id: &str, word: &str| json!({"id": id, "status": word, "recipient_id": TARIRO});
        let mut failed = status("wamid.9", "failed");
        failed["errors"] = json!([{"code": 131_047, "title": "Re-engagement message"}]);
        let value = json!({
            "metadata": {"phone_number_id": NUMBER_ID},
            "statuses": [status("wamid.7", "delivered"), status("wamid.8", "read"), failed, 7],
        });
        assert_eq!(posts(&bot, &change(json!({"field": "messages", "value": value}))).await, 200);
        assert_eq!((graph.sent().len(), accepted(&mut client)), (0, 0));
        bot.terminate();
        assert!(bot.ended().success(), "{}", bot.log());
        let log = bot.log();
        let line = |id: &str| log.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{log}"));
        assert!(line("wamid.7").contains("delivered") && line("wamid.8").contains("read"), "{log}");
        assert!(line("wamid.9").contains("WARN") && line("wamid.9").contains("131047"), "{log}");
        assert!(!log.contains(TARIRO), "{log}");
    });
}

/// Each of these is the message "hello" of the same user.
#[test]
fn other_forms_of_a_message_are_accepted() {
    let hello = || text("wamid.1", TARIRO, "hello");
    let usual = |message: Value| {
        let value = json!({"metadata": {"phone_number_id": NUMBER_ID}, "messages": [message]});
        change(json!({"field": "messages", "value": value}))
    };
    let mut number = hello();
    number["timestamp"] =
        json!(hello()["timestamp"].as_str().expect("text").parse::<u64>().expect("seconds"));
    let mut plus = hello();
    plus["from"] = json!(format!("+{TARIRO}"));
    let without_field = change(json!({
        "value": {"metadata": {"phone_number_id": NUMBER_ID}, "messages": [hello()]}
    }));
    for (form, body) in [("number", usual(number)), ("plus", usual(plus)), ("no field", without_field)] {
        let server = Server::start();
        let mut client = server.client();
        soon(async {
            let (graph, bot) = bot(&server, &[]);
            assert_eq!(posts(&bot, &body).await, 200, "{form}");
            assert_eq!(accepted(&mut client), 1, "{form}");
            // The usual form of the same message is the same delivery.
            assert_eq!(posts(&bot, &usual(hello())).await, 200, "{form}");
            graph.has_sent(1).await;
            until("no message waits", || waiting(&mut client) == 0).await;
            let sent = graph.sent();
            assert_eq!(sent.len(), 1, "{form}: {sent:?}");
            assert_eq!(sent[0].0, TARIRO, "{form}");
            assert!(sent[0].1.contains("not a member yet"), "{form}: {sent:?}");
            assert_eq!(client.ok(&["EXISTS", KEY]).int(), 1, "{form}");
        });
    }
}
