//! S16, S18, S61, S62: sessions that have lapsed, and states that their schema no longer allows.

use serde_json::{Value, json};
use support::{Client, Server, block_on, repository, wait_until};

use crate::world::{Person, attempts, document, step};

/// Sets the project's schema with a change.
pub fn change_schema(client: &mut Client, pointer: &str, value: Value) {
    let text = std::fs::read_to_string(repository().join("schemas/vimbiso.channel.json")).expect("a file");
    let mut schema: Value = serde_json::from_str(&text).expect("JSON");
    *schema.pointer_mut(pointer).expect("a place") = value;
    client.ok(&["STATE.SCHEMA", "SET", "vimbiso.channel", &schema.to_string()]);
}

/// S16, S18: a user that returns after the lapse is at the menu with their profile; unfinished
/// input is dropped.
#[test]
fn user_starts_at_the_menu_after_a_lapse() {
    let server = Server::start();
    let mut client = server.client();
    change_schema(&mut client, "/properties/current/x-ttl", json!(1));
    block_on(async {
        let (mut person, ledger) = Person::member(&server).await;
        person.says(&["1", "10"]).await;
        let profile = document(&mut client)["dashboard"].clone();
        wait_until("the session has lapsed", || step(&mut client) == "login/Greeting");
        assert_eq!(document(&mut client)["dashboard"], profile);
        let answer = person.says(&["tariro"]).await;
        assert!(answer.contains("session had ended") && answer.contains("Hello Chipo Dube."), "{answer}");
        assert!(person.says(&["1"]).await.contains("How much"));
        assert_eq!(ledger.calls().len(), 1, "only the onboarding");
    });
}

/// S61, S62: an invalid state is recovered to the newest valid version; the message is not acted
/// upon.
#[test]
fn invalid_state_is_recovered() {
    let server = Server::start();
    let mut client = server.client();
    block_on(async {
        let (mut person, _) = Person::member(&server).await;
        person.says(&["1", "10"]).await;
        let numbers_only = json!({"type": ["object", "null"], "properties": {"amount": {"type": "number"}}});
        change_schema(&mut client, "/properties/current/properties/data", numbers_only);
        let answer = person.says(&["tariro"]).await;
        assert!(answer.contains("put them right") && answer.contains("How much"), "{answer}");
        assert_eq!(step(&mut client), "offer/AmountInput");
        assert_eq!(document(&mut client)["current"]["data"], json!({}));
        // A rejection by the schema is shown and counted.
        let answer = person.says(&["20"]).await;
        assert!(answer.contains("does not fit"), "{answer}");
        assert_eq!(attempts(&mut client, "AmountInput"), (2, 1));
    });
}
